"""The route of the tab Morph that exports a file; its pictures: demo/routes/live.py.

POST /morph/{bundle}    multipart/form-data with `request`, JSON (see demo/tabs/morph/export_job.py); answers with lines
                        of JSON: reports of progress, then the file

What is refused, and how: demo/routes/bundle_routes.py.
"""

from collections.abc import Mapping

from starlette.routing import Route

from demo.routes.bundle_routes import BundleRoutes
from demo.routes.model_requests import ModelRequests
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph.export_job import exported


def routes(bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None) -> list[Route]:
    """The route above for these bundles. `requests`: those in progress, if other routes share their limits."""
    bundle_routes = BundleRoutes(bundles, requests)
    return [bundle_routes.stream("/morph/{bundle}", lambda form: exported(form.served, form.asked), film=True)]
