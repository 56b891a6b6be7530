"""The routes of the tab Rebuild: multipart/form-data in, JSON out.

POST /rebuild/{bundle}           what the models make of a picture
POST /rebuild/{bundle}/search    a search for the closest picture: a line of JSON after each round

A form has `request`, JSON (see demo/tabs/rebuild/answers.py), and `picture`, the bytes of a picture file, unless the
request names a held-out picture. What is refused, and how: demo/routes/bundle_routes.py.
"""

from collections.abc import Mapping

from starlette.routing import Route

from demo.routes.bundle_routes import BundleRoutes
from demo.routes.model_requests import ModelRequests
from demo.serving.served_bundle import ServedBundle
from demo.tabs.rebuild.answers import rebuilt, refined


def routes(bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None) -> list[Route]:
    """The routes above for these bundles. `requests`: those in progress, if other routes share their limits."""
    about = BundleRoutes(bundles, requests)
    return [
        about.post("/rebuild/{bundle}", lambda form: rebuilt(form.served, form.asked, form.picture)),
        about.stream("/rebuild/{bundle}/search", lambda form: refined(form.served, form.asked, form.picture)),
    ]
