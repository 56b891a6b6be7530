"""What the tab Explore asks for, beside the routes of demo/routes/live.py; m, t, c, n, f, v as there.

GET /live/{bundle}/map?way=&mapx=&mapy=
    The VAE's picture at a place of the latent map; way: pca or lda.
GET /live/{bundle}/mix?seed=&other=&stages=
    The GAN's picture of a seed, with some stages of another: stages = "00011" takes the last two from it.
GET /live/{bundle}/sum?seed=&minus=&plus=
    The picture of a seed minus that of another plus that of a third.
GET /live/{bundle}/edit?seed=&dimensions=&towards=&across=&along=
    The picture of a seed, moved: dimensions = "3:1.5,7:-2" of the VAE's code, in units of the codes' deviation;
    towards = "4:0.5" classes, 1 = to the mean of that one; across = "4:2" the boundary of a class, which a linear SVM
    found; along = "0:2" the strongest global directions; the last two in units of the latents' deviation there.
GET /explore/{bundle}/directions?m=
    JSON: the share of the variance that each of the strongest directions holds; how often each class's boundary is
    right, empty for bundles without boundaries.
GET /explore/{bundle}?way=
    JSON: the dots of the map and its frame, the dimensions by information.

A wrong parameter is answered with status 400 and a sentence, an unknown bundle with 404.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bundle import latents
from bundle.errors import BundleError, InputError, UserError
from demo.routes import query_parameters
from demo.serving.served_bundle import ServedBundle
from demo.tabs.explore import latent_map
from demo.tabs.explore.latent_map import Chart, Way

WAYS = ("pca", "lda")
FAR = 1e4  # of a place, far beyond any map
MAX_EDITS, MAX_MOVE = 64, 6.0  # dimensions and classes moved at once, and how far
DOTS = 600  # of a map without training codes: so many draws of the prior
STRONGEST, LOOKED_AT = 8, 256  # directions, and seeds that they are taken from
ACTIVE = 0.01  # nats that a dimension must carry to be worth a slider


def map_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image [1, C, H, W] at a place of the map. InputError, BundleError."""
    chart = _chart(served, query_parameters.choice(query, "way", _ways(served)))
    place = [query_parameters.number(query, name, 0.0, -FAR, FAR) for name in ("mapx", "mapy")]
    return served.decode(chart.code(np.array(place))[None])


def mix_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image of one seed with some of its stages from another. InputError, BundleError."""
    own, other = (_styles(served, _seed(query, name), query) for name in ("seed", "other"))
    stages, marks = served.info.gan.stages, query.get("stages", "")
    if len(marks) != stages or set(marks) - {"0", "1"}:
        raise InputError(f"The parameter 'stages' must be {stages} digits: 1 for each stage of the other seed, else 0.")
    taken = np.array([mark == "1" for mark in marks])
    return served.synthesise(np.where(taken[None, :, None], other, own))


def sum_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image of A - B + C. InputError, BundleError."""
    seeds = [_seed(query, name) for name in ("seed", "minus", "plus")]
    if query_parameters.model(query, served) == "gan":
        one, minus, plus = (_styles(served, seed, query) for seed in seeds)
        return served.synthesise(one - minus + plus)
    one, minus, plus = (_codes(served, seed, query) for seed in seeds)
    return served.decode(one - minus + plus)


def edit_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image of a seed, moved along dimensions and towards classes. InputError, BundleError."""
    seed, arrays = _seed(query, "seed"), served.engine.bundle.latents
    towards = _moves(query, "towards", served.classes)
    if query_parameters.model(query, served) == "gan":
        w = _styles(served, seed, query)
        if query.get("dimensions", ""):
            raise InputError("A GAN's latent has no ordered dimensions: the parameter 'dimensions' is for the VAE.")
        own = _class(served, seed, query)
        for k, share in towards.items():
            w = w + np.float32(share) * (arrays["w_mean"][k] - arrays["w_mean"][own])
        if query.get("along", ""):
            w = w + _along(served, "gan", query).reshape(1, *w.shape[1:])
        w = w + _across(served, "svm_w", query)
        return served.synthesise(w.astype(np.float32))
    code = _codes(served, seed, query)
    for i, move in _moves(query, "dimensions", code.shape[1]).items():
        code[:, i] += np.float32(move) * arrays["code_std"][i]
    if query.get("along", ""):
        code += _along(served, "vae", query)
    code += _across(served, "svm_code", query)
    if towards:
        centres = class_centres(served.mixture)
        own = _class(served, seed, query)
        for k, share in towards.items():
            code += (share * (centres[k] - centres[own])).astype(np.float32)
    return served.decode(code)


def strongest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The directions in which rows [N, D] vary most: axes [STRONGEST, D], deviations and shares of the variance.

    Principal components, as Härkönen et al. 2020 (GANSpace, arXiv 2004.02546) take them of early features."""
    apart = rows - rows.mean(axis=0)
    _, sizes, axes = np.linalg.svd(apart, full_matrices=False)
    variances = sizes**2 / len(rows)
    return axes[:STRONGEST], np.sqrt(variances[:STRONGEST]), variances[:STRONGEST] / max(variances.sum(), 1e-12)


PICTURES = {"map": map_picture, "mix": mix_picture, "sum": sum_picture, "edit": edit_picture}


def class_centres(mixture: latents.Mixture) -> np.ndarray:
    """The mean code [K, D] of each class under the mixture; of a class that no component holds, that of all."""
    joint = mixture.weights[:, None] * mixture.classes
    shares = joint.sum(axis=0)
    mean = mixture.weights @ mixture.means
    return np.where(shares[:, None] > 1e-9, joint.T @ mixture.means / np.maximum(shares, 1e-9)[:, None], mean)


def routes(bundles: Mapping[str, ServedBundle]) -> list[Route]:
    """The route with the map's dots for these bundles."""

    def endpoint(request: Request) -> Response:
        served = bundles.get(request.path_params["bundle"])
        if served is None:
            return PlainTextResponse("There is no bundle of this name here.", status_code=404)
        try:
            found = _dots(served, query_parameters.choice(request.query_params, "way", _ways(served)))
        except UserError as error:
            return PlainTextResponse(str(error), status_code=400, headers={"Cache-Control": "no-store"})
        return JSONResponse(found, headers={"Cache-Control": "private, max-age=3600"})

    def directions(request: Request) -> Response:
        served = bundles.get(request.path_params["bundle"])
        if served is None:
            return PlainTextResponse("There is no bundle of this name here.", status_code=404)
        try:
            model = query_parameters.model(request.query_params, served)
            found = _directions(served, model)
        except UserError as error:
            return PlainTextResponse(str(error), status_code=400, headers={"Cache-Control": "no-store"})
        shares = [round(float(share), 4) for share in found[2]]
        right = served.engine.bundle.latents.get("svm_w_accuracy" if model == "gan" else "svm_code_accuracy", [])
        known = {"shares": shares, "boundaries": [round(float(share), 4) for share in right]}
        return JSONResponse(known, headers={"Cache-Control": "private, max-age=3600"})

    return [
        Route("/explore/{bundle}", endpoint, methods=["GET"]),
        Route("/explore/{bundle}/directions", directions, methods=["GET"]),
    ]


@lru_cache(maxsize=16)
def _directions(served: ServedBundle, model: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The strongest directions of w [L * D], or of the codes [D]; seeds' own classes do not count as variety."""
    seeds = range(LOOKED_AT)
    if model == "vae":
        rows = served.codes(seeds)
    else:
        most = served.info.max_batch
        parts = [served.styles(seeds[i : i + most]) for i in range(0, len(seeds), most)]
        rows = np.concatenate(parts).reshape(len(seeds), -1)
    if served.classes:
        kinds = np.arange(len(seeds)) % served.classes
        rows = rows - np.stack([rows[kinds == k].mean(axis=0) for k in range(served.classes)])[kinds]
    return strongest(rows.astype(np.float64))


def _along(served: ServedBundle, model: str, query: QueryParams) -> np.ndarray:
    """How far the parameter 'along' moves a style or a code."""
    axes, deviations, _ = _directions(served, model)
    moves = _moves(query, "along", len(axes))
    return np.sum([move * deviations[i] * axes[i] for i, move in moves.items()], axis=0).astype(np.float32)


def _across(served: ServedBundle, name: str, query: QueryParams) -> np.ndarray:
    """How far the parameter 'across' moves a style, the same at each stage, or a code: [D]. BundleError."""
    moves, arrays = _moves(query, "across", served.classes), served.engine.bundle.latents
    if moves and name not in arrays:
        raise BundleError(f"Bundle '{served.info.name}' has no boundaries of classes: python -m export directions.")
    return np.sum([move * arrays[name][k] for k, move in moves.items()], axis=0, dtype=np.float32)


@lru_cache(maxsize=16)
def _chart(served: ServedBundle, way: Way) -> Chart:
    if "vae" not in served.models:
        raise BundleError(f"Bundle '{served.info.name}' has no VAE, whose codes a map shows.")
    return latent_map.chart(served.mixture, way)


@lru_cache(maxsize=16)
def _dots(served: ServedBundle, way: Way) -> dict[str, Any]:
    chart, training = _chart(served, way), served.engine.bundle.training
    if training is not None:
        codes, labels = training.codes, training.labels
    else:
        codes, labels = served.codes(range(DOTS)), np.arange(DOTS) % max(served.classes, 1)
    places = chart.places(codes)
    low, high = latent_map.frame(places)
    nats = served.engine.bundle.latents["code_kl"]
    order = np.argsort(-nats, kind="stable")
    return {
        "dots": [[round(float(u), 4), round(float(w), 4), int(k)] for (u, w), k in zip(places, labels, strict=True)],
        "low": low.tolist(),
        "high": high.tolist(),
        "from": "training" if training is not None else "prior",
        "dimensions": [
            {"i": int(i), "nats": round(float(nats[i]), 3), "active": bool(nats[i] > ACTIVE)} for i in order
        ],
    }


def _ways(served: ServedBundle) -> tuple[str, ...]:
    return WAYS if served.classes > 2 else WAYS[:1]  # fewer classes do not span a plane


def _seed(query: QueryParams, name: str) -> int:
    return query_parameters.whole(query.get(name, "") or "0", name, latents.SEEDS - 1)


def _class(served: ServedBundle, seed: int, query: QueryParams) -> int:
    """The class of a seed: the one that c names, else seed modulo K."""
    text = query.get("c", "")
    if not served.classes:
        return 0
    return query_parameters.whole(text, "class", served.classes - 1) if text else seed % served.classes


def _weights(served: ServedBundle, seed: int, query: QueryParams) -> np.ndarray | None:
    return latents.one_hot(_class(served, seed, query), served.classes) if served.classes else None


def _styles(served: ServedBundle, seed: int, query: QueryParams) -> np.ndarray:
    return served.styles([seed], _weights(served, seed, query), query_parameters.truncation(query))


def _codes(served: ServedBundle, seed: int, query: QueryParams) -> np.ndarray:
    return served.codes([seed], _weights(served, seed, query), query_parameters.truncation(query))


def _moves(query: QueryParams, name: str, count: int) -> dict[int, float]:
    """{3: 1.5, 7: -2.0} of "3:1.5,7:-2", each held within ±MAX_MOVE."""
    text = query.get(name, "")
    if not text:
        return {}
    parts = text.split(",", MAX_EDITS)
    if len(parts) > MAX_EDITS or not count:
        raise InputError(f"The parameter '{name}' takes at most {MAX_EDITS if count else 0} moves here.")
    found: dict[int, float] = {}
    for part in parts:
        index, _, move = part.partition(":")
        inner = QueryParams({name: move})
        found[query_parameters.whole(index, name, count - 1)] = query_parameters.number(
            inner, name, 0.0, -MAX_MOVE, MAX_MOVE
        )
    return found
