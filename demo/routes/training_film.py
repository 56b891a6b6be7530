"""The route of the training's film.

GET /training/{bundle}/film?m=gan|vae&format=webp|gif|mp4
    What the model drew at moments of its training, as a file.

A wrong parameter and a bundle without snapshots get status 400 and a sentence, an unknown bundle gets 404.
"""

from collections.abc import Mapping

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import Route

from bundle.errors import InputError
from bundle.schema import SNAPSHOT_FILES
from demo.data_urls import MEDIA_TYPES
from demo.routes import query_parameters
from demo.routes.bundle_routes import BundleRoutes
from demo.routes.model_requests import ModelRequests
from demo.serving.served_bundle import ServedBundle
from demo.tabs import training_film


def routes(bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None) -> list[Route]:
    """The route above for these bundles. `requests`: those in progress, if other routes share their limits."""
    return [BundleRoutes(bundles, requests).get("/training/{bundle}/film", _film)]


def _film(served: ServedBundle, query: QueryParams) -> Response:
    model = query_parameters.model(query, served)
    file_format = query_parameters.choice(query, "format", training_film.FORMATS)
    if SNAPSHOT_FILES[model] not in served.info.files:
        raise InputError("This bundle has no snapshots of its training.")
    data = training_film.film(served, model, file_format)
    name = f"{served.info.name}-{model}-training.{file_format}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, max-age=3600",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, media_type=MEDIA_TYPES[file_format], headers=headers)
