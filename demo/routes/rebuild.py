"""The routes of the tab Rebuild.

POST /rebuild/{bundle}               multipart/form-data -> JSON: what the models make of a picture
POST /rebuild/{bundle}/search        multipart/form-data -> a search for the closest picture: a line of JSON each round
POST /rebuild/{bundle}/eight-bits    the bytes of a picture file -> it as a PNG of 8 bits, by the range of values of the
                                     bundle's pictures, to be cropped in a browser

A form has `request`, JSON (see demo/tabs/rebuild/answers.py), and `picture`, the bytes of a picture file, unless the
request names a held-out picture. What is refused, and how: demo/routes/bundle_routes.py.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from bundle.pictures import eight_bit_png, framing_of
from demo.routes import query_parameters
from demo.routes.bundle_routes import BundleRoutes, Form
from demo.routes.model_requests import NO_STORE, ModelRequests
from demo.serving.served_bundle import ServedBundle
from demo.tabs.rebuild.answers import rebuilt, refined


def routes(bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None) -> list[Route]:
    """The routes above for these bundles. `requests`: those in progress, if other routes share their limits."""
    bundle_routes = BundleRoutes(bundles, requests)
    return [
        bundle_routes.post("/rebuild/{bundle}", _rebuilt),
        bundle_routes.stream("/rebuild/{bundle}/search", lambda form: refined(form.served, form.asked, form.picture)),
        bundle_routes.picture("/rebuild/{bundle}/eight-bits", _eight_bits),
    ]


def _rebuilt(form: Form) -> dict[str, Any]:
    return rebuilt(form.served, query_parameters.current_names(form.asked, "rebuild"), form.picture)


def _eight_bits(served: ServedBundle, picture: bytes) -> Response:
    return Response(eight_bit_png(picture, framing_of(served.info)), media_type="image/png", headers=NO_STORE)
