"""The routes of the tab Explore; m, t, n, f, v as in demo/routes/live.py, c the number of one class.

GET /live/{bundle}/map?projection=&mapx=&mapy=
    The VAE's picture at a place of the latent map; projection: pca or lda.
GET /live/{bundle}/mix?seed=&other=&stages=
    The GAN's picture of a seed, with some stages of another: stages = "00011" takes the last two from it.
GET /live/{bundle}/sum?seed=&minus=&plus=
    The picture of a seed minus that of another plus that of a third.
GET /live/{bundle}/edit?seed=&dimensions=&towards=&across=&along=&attributes=
    The picture of a seed, moved: dimensions = "3:1.5,7:-2" of the VAE's code, in units of the codes' deviation;
    towards = "4:0.5" classes, 1 = to the mean of that one; across = "4:2" the boundary of a class, which a linear SVM
    found; along = "0:2" the strongest global directions; the last two in units of the latents' deviation there.
    attributes: as in demo/routes/live.py.
GET /explore/{bundle}/directions?m=
    JSON: the share of the variance that each of the strongest directions holds; how often each class's boundary is
    right, empty for bundles without boundaries.
POST /explore/{bundle}/own-direction
    The form of demo/routes/bundle_routes.py with {"m", "seed", "round", "annotations": [{"vector", "has"}, …]}: which
    of the steps around a picture have what the visitor means, so far, and which do not. JSON: the next twelve steps,
    and the direction so far, as demo/tabs/explore/own_direction.py says.
GET /explore/{bundle}?projection=
    JSON: the dots of the map and its frame, the dimensions by information.

A wrong parameter is answered with status 400 and a sentence, an unknown bundle with 404, a busy server with 503.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse
from starlette.routing import Route

from bundle import latents
from bundle.errors import InputError
from bundle.latent_map import projections
from bundle.schema import Model
from demo import arguments
from demo.arguments import MAX_PLACE
from demo.routes import live, query_parameters
from demo.routes.bundle_routes import BundleRoutes, Form
from demo.routes.model_requests import ModelRequests
from demo.serving.served_bundle import ServedBundle
from demo.tabs.explore import directions, latent_map, own_direction
from demo.tabs.explore.directions import Moves

KEPT = {"Cache-Control": "private, max-age=3600"}
MAX_MOVES, MAX_MOVE = 64, 6.0  # how many moves at once, and how far each


def routes(bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None) -> list[Route]:
    """The routes above for these bundles. `requests`: those in progress, if other routes share their limits."""
    bundle_routes = BundleRoutes(bundles, requests)
    return [
        *(
            bundle_routes.get(f"/live/{{bundle}}/{word}", live.answering(draw, live.address_state(word)))
            for word, draw in PICTURES.items()
        ),
        bundle_routes.get("/explore/{bundle}", _map_dots),
        bundle_routes.get("/explore/{bundle}/directions", _direction_facts),
        bundle_routes.post("/explore/{bundle}/own-direction", _own_direction),
    ]


def _map_dots(served: ServedBundle, query: QueryParams) -> JSONResponse:
    dots = latent_map.dots(served, query_parameters.choice(query, "projection", projections(served.class_count)))
    return JSONResponse(dots, headers=KEPT)


def _direction_facts(served: ServedBundle, query: QueryParams) -> JSONResponse:
    model = query_parameters.model(query, served)
    shares = directions.global_directions(served, model).shares
    boundaries = directions.boundary_accuracies(served, model)
    facts = {"shares": [round(float(share), 4) for share in shares], "boundaries": [round(b, 4) for b in boundaries]}
    return JSONResponse(facts, headers=KEPT)


def _own_direction(form: Form) -> dict[str, Any]:
    """The next round of a direction of the visitor's own. Raises InputError."""
    asked, served = form.asked, form.served
    given = asked.get("annotations", asked.get("marks", []))  # `marks`: from a page of an older version
    most = own_direction.MOST_ANNOTATIONS
    if not isinstance(given, list) or len(given) > most:
        raise InputError(f"The annotations must be a list of at most {most}: take the direction, or start over.")
    annotations = []
    for one in given:
        vector, has = (one.get("vector"), one.get("has")) if isinstance(one, dict) else (None, None)
        if not isinstance(vector, str) or not isinstance(has, bool):
            raise InputError("Each annotation must have a vector, as text, and say whether the picture has it.")
        annotations.append((vector, has))
    seed = arguments.seed(asked.get("seed", 0))
    number = arguments.whole(asked.get("round", 0), "round", 0, own_direction.MOST_ROUNDS)
    return own_direction.next_round(served, arguments.model(asked.get("m"), served), annotations, seed, number)


# --- pictures ------------------------------------------------------------------------------------


def map_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image [1, C, H, W] at a place of the map. Raises InputError, BundleError."""
    found = served.latent_map(query_parameters.choice(query, "projection", projections(served.class_count)))
    place = [query_parameters.number(query, name, 0.0, -MAX_PLACE, MAX_PLACE) for name in ("mapx", "mapy")]
    return served.decode(found.code(np.array(place))[None])


def mix_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image of one seed with some stages of another. Raises InputError, BundleError."""
    own, other = (_styles(served, query_parameters.seed(query, name), query) for name in ("seed", "other"))
    stages, digits = own.shape[1], query.get("stages", "")
    if len(digits) != stages or set(digits) - {"0", "1"}:
        raise InputError(f"The parameter 'stages' must be {stages} digits: 1 for each stage of the other seed, else 0.")
    taken = np.array([digit == "1" for digit in digits])
    return served.synthesise(np.where(taken[None, :, None], other, own))


def sum_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image of one seed minus a second plus a third. Raises InputError, BundleError."""
    seeds = [query_parameters.seed(query, name) for name in ("seed", "minus", "plus")]
    if query_parameters.model(query, served) == "gan":
        one, minus, plus = (_styles(served, seed, query) for seed in seeds)
        return served.synthesise(one - minus + plus)
    one, minus, plus = (_codes(served, seed, query) for seed in seeds)
    return served.decode(one - minus + plus)


def edit_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image of a seed, moved along directions. Raises InputError, BundleError."""
    seed, model = query_parameters.seed(query, "seed"), query_parameters.model(query, served)
    label, attributes = _label(served, seed, query), query_parameters.attributes(query)
    if model == "gan":
        if query.get("dimensions", ""):
            raise InputError("A GAN's latent has no ordered dimensions: the parameter 'dimensions' is for the VAE.")
        w, moves = _styles(served, seed, query), _all_moves(served, model, 0, query)
        w = directions.moved_style(served, w, label, moves)
        return served.synthesise(served.along_attributes(w, attributes, model))
    code = _codes(served, seed, query)
    moves = _all_moves(served, model, code.shape[1], query)
    code = directions.moved_code(served, code, label, moves)
    return served.decode(served.along_attributes(code, attributes, model))


PICTURES = {"map": map_picture, "mix": mix_picture, "sum": sum_picture, "edit": edit_picture}


def _label(served: ServedBundle, seed: int, query: QueryParams) -> int:
    """The class that the parameter c names, else that of the seed; 0 in a bundle without classes."""
    text = query.get("c", "")
    if not served.class_count:
        return 0
    return (
        query_parameters.whole(text, "c", served.class_count - 1)
        if text
        else latents.seed_class(seed, served.class_count)
    )


def _weights(served: ServedBundle, seed: int, query: QueryParams) -> np.ndarray | None:
    return latents.one_hot(_label(served, seed, query), served.class_count) if served.class_count else None


def _styles(served: ServedBundle, seed: int, query: QueryParams) -> np.ndarray:
    return served.styles([seed], _weights(served, seed, query), query_parameters.truncation(query))


def _codes(served: ServedBundle, seed: int, query: QueryParams) -> np.ndarray:
    return served.codes([seed], _weights(served, seed, query), query_parameters.truncation(query))


def _all_moves(served: ServedBundle, model: Model, dimensions: int, query: QueryParams) -> Moves:
    """The moves that the parameters of an edit ask for; `dimensions`: how many the code has."""
    known = len(directions.global_directions(served, model).axes) if query.get("along", "") else 0
    return Moves(
        dimensions=_moves(query, "dimensions", dimensions),
        towards=_moves(query, "towards", served.class_count),
        across=_moves(query, "across", served.class_count),
        along=_moves(query, "along", known),
    )


def _moves(query: QueryParams, name: str, count: int) -> dict[int, float]:
    """{3: 1.5, 7: -2.0} of "3:1.5,7:-2": moves along `count` directions, each clamped to ±MAX_MOVE."""
    text = query.get(name, "")
    if not text:
        return {}
    parts = text.split(",", MAX_MOVES)
    if not count:
        raise InputError(f"This bundle has nothing that '{name}' could move along.")
    if len(parts) > MAX_MOVES:
        raise InputError(f"The parameter '{name}' takes at most {MAX_MOVES} moves.")
    found: dict[int, float] = {}
    for part in parts:
        index, _, move = part.partition(":")
        i = query_parameters.whole(index, name, count - 1)
        found[i] = query_parameters.number(QueryParams({name: move}), name, 0.0, -MAX_MOVE, MAX_MOVE)
    return found
