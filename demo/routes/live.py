"""The unqueued routes behind the live canvas: one picture, or one sheet of pictures, an answer.

    GET /live/{bundle}?m=gan|vae&x=&y=&t=&c=&n=&f=         the picture at a point of the seed plane
    GET /live/{bundle}/morph?keys=1,2,3&classes=&path=&loop=&p=&m=&t=&n=&f=   the picture at share p of a morph
    GET /live/{bundle}/grid?seed=&grid=&m=&t=&c=&n=&f=      grid x grid pictures of the seeds from seed on, as one sheet
    GET /live/{bundle}/quiz?quiz=&m=&n=&f=                  20 pictures of a quiz, real and generated, as one sheet

Each of them but the quiz takes `attributes` too: moves along attributes in standard deviations, "glasses:1.5,smile:-2",
clamped to ±4, and along directions of the visitor's own, "round face:1.5*VECTOR" (bundle/own_directions.py); and
`bend`, what is done to the styles of stages of the GAN, "2.scale:1.5,5.noise:0.3" (bundle/bend.py). A morph
also takes `times`, the seconds at which it is at each key, "0,1.5,4"; `easing`, a word for each: linear, in, out,
smooth; and `seconds`, its length. Without them the keys are even.

m: the model; default: the bundle's first. x, y: numbers, clamped to ±1e6. t: truncation, clamped to 0 to 1.5.
c: a class "3" or shares "3:0.5,5:0.5". Without c, each picture has the class of its seed, seed modulo K; at a point of
the plane that is ⌊x⌋ + 100 ⌊y⌋ modulo K. keys: 1 to 16, each a seed "3", a point x:y of the seed plane, or a place
pca:x:y of the latent map, such as 3,7.25:0.5. classes: one entry a key, separated by commas: "3", shares "3:0.5|5:0.5",
or empty for the key's own class. p: 0 to 1, a share of the morph's time. path: linear, spherical, spline. loop: 0 or 1.
n: a whole number, sent back in the header X-Sequence to clients that tell answers apart by it. grid: 1 to 8. quiz: a
seed, see demo/tabs/compare/quiz.py.
f: png (default) or raw, the bytes of uint8 [H, W, C] with that shape in the header X-Shape. A PNG has its mark
(bundle/marks); raw bytes have no place for one, so IPTC's word for their source is in the header X-Digital-Source-Type.
v: the bundle's version, which the page sends so that a cache never mixes two exports of a bundle; not read here.

Other parameters are ignored. A wrong one is answered with status 400 and a sentence, an unknown bundle with 404, too
many waiting requests and time-outs with 503. Requests of disconnected clients are dropped. An address with v always
gives the same bytes, so answers may be cached.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import Route

from bundle import images, latents, paths
from bundle.marks import (
    COMPOSITE,
    TRAINED,
    Classes,
    DigitalSource,
    MorphFrame,
    Point,
    Sheet,
    State,
    composite,
    formats,
    trained,
)
from bundle.marks.xmp import SOURCES
from demo.arguments import MAX_COORDINATE
from demo.routes import query_parameters
from demo.routes.bundle_routes import BundleRoutes
from demo.routes.model_requests import ModelRequests
from demo.serving.served_bundle import ServedBundle
from demo.tabs.compare import quiz
from demo.tabs.morph import keyframes

MAX_GRID = 8  # pictures on a side of a sheet
PATHS: tuple[paths.PathMode, ...] = ("spherical", "linear", "spline")  # the first is the default

Draw = Callable[[ServedBundle, QueryParams], np.ndarray]
StateOf = Callable[[ServedBundle, QueryParams], State | Mapping[str, Any]]
NOT_OF_PICTURE = ("n", "f", "v")  # parameters that do not change what is drawn


def routes(bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None) -> list[Route]:
    """The routes above for these bundles. `requests`: those in progress, if other routes share their limits."""
    bundle_routes = BundleRoutes(bundles, requests)
    return [
        bundle_routes.get("/live/{bundle}", answering(plane_picture, plane_state)),
        bundle_routes.get("/live/{bundle}/morph", answering(morph_picture, morph_state)),
        bundle_routes.get("/live/{bundle}/grid", answering(grid_picture, grid_state)),
        bundle_routes.get("/live/{bundle}/quiz", answering(quiz_picture, address_state("quiz"), COMPOSITE)),
    ]


def answering(
    draw: Draw, state_of: StateOf, source: DigitalSource = TRAINED
) -> Callable[[ServedBundle, QueryParams], Response]:
    """What answers with the picture that `draw` draws, as PNG or raw bytes, and with the time that the model took.
    `state_of`, `source`: what the mark of a PNG says."""
    marked = trained if source == TRAINED else composite

    def answer(served: ServedBundle, query: QueryParams) -> Response:
        sequence = query_parameters.sequence(query)
        raw = query_parameters.choice(query, "f", ("png", "raw")) == "raw"
        before = served.engine.spent_ms
        picture = images.to_uint8(draw(served, query))[0]
        headers = {
            "Server-Timing": f"model;dur={served.engine.spent_ms - before:.2f}",
            "Cache-Control": "private, max-age=3600",
            "X-Content-Type-Options": "nosniff",
            "X-Digital-Source-Type": SOURCES + source,
        }
        if sequence is not None:
            headers["X-Sequence"] = sequence
        if raw:
            headers["X-Shape"] = ",".join(str(n) for n in picture.shape)
            return Response(picture.tobytes(), media_type="application/octet-stream", headers=headers)
        mark = marked(served.engine.bundle, state_of(served, query))
        return Response(formats.png(picture, mark, level=1), media_type="image/png", headers=headers)

    return answer


def plane_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image [1, C, H, W] that the parameters of /live/{bundle} ask for. Raises InputError."""
    x = query_parameters.number(query, "x", 0.0, -MAX_COORDINATE, MAX_COORDINATE)
    y = query_parameters.number(query, "y", 0.0, -MAX_COORDINATE, MAX_COORDINATE)
    classes = query_parameters.classes(query, served)
    truncation, model = query_parameters.truncation(query), query_parameters.model(query, served)
    bend = query_parameters.bend(query)
    return served.at(x, y, classes, truncation, model, query_parameters.attributes(query), bend)


def morph_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image [1, C, H, W] that the parameters of /live/{bundle}/morph ask for. Raises InputError."""
    keys = keyframes.from_text(query.get("keys", ""))
    share = query_parameters.number(query, "p", 0.0, 0.0, 1.0)
    return served.morph_at(
        keys,
        np.array([share]),
        query_parameters.key_classes(query.get("classes", ""), keys, served.class_count),
        query_parameters.choice(query, "path", PATHS),
        query_parameters.choice(query, "loop", ("0", "1")) == "1",
        query_parameters.truncation(query),
        query_parameters.model(query, served),
        query_parameters.attributes(query),
        query_parameters.bend(query),
        query_parameters.timed(query, len(keys)),
    )


def grid_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The sheet [1, C, n H, n W] of n x n pictures that /live/{bundle}/grid asks for. Raises InputError."""
    side = query_parameters.whole(query.get("grid", "") or "4", "grid", MAX_GRID, lowest=1)
    first = query_parameters.whole(query.get("seed", "") or "0", "seed", latents.SEEDS - side**2)
    classes = query_parameters.classes(query, served)
    truncation, model = query_parameters.truncation(query), query_parameters.model(query, served)
    seeds = range(first, first + side**2)
    moves, bend = query_parameters.attributes(query), query_parameters.bend(query)
    return images.tiled(served.sample_many(seeds, classes, truncation, model, moves, bend), side)


def quiz_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The sheet [1, C, 4 H, 5 W] of a quiz: nothing in it tells real from generated pictures but the pixels."""
    pictures = quiz.pictures(served, query_parameters.model(query, served), query_parameters.seed(query, "quiz"))
    return images.tiled(pictures, quiz.COLUMNS)


# --- what marks say of them ----------------------------------------------------------------------


def plane_state(served: ServedBundle, query: QueryParams) -> State:
    """The state of `plane_picture`."""
    x, y = (query_parameters.number(query, name, 0.0, -MAX_COORDINATE, MAX_COORDINATE) for name in ("x", "y"))
    return Point(x=x, y=y, c=_chosen(query.get("c", ""), ",", served), **_shared(served, query))


def morph_state(served: ServedBundle, query: QueryParams) -> State:
    """The state of `morph_picture`."""
    classes, keys = query.get("classes", ""), keyframes.from_text(query.get("keys", ""))
    timed = query_parameters.timed(query, len(keys))
    times: dict[str, Any] = {} if timed is None else dataclasses.asdict(timed)
    return MorphFrame(
        keys=tuple(keys),
        classes=tuple(_chosen(entry, "|", served) for entry in classes.split(",")) if classes else (),
        path=query_parameters.choice(query, "path", PATHS),
        loop=query_parameters.choice(query, "loop", ("0", "1")) == "1",
        p=query_parameters.number(query, "p", 0.0, 0.0, 1.0),
        **times,
        **_shared(served, query),
    )


def grid_state(served: ServedBundle, query: QueryParams) -> State:
    """The state of `grid_picture`."""
    side = query_parameters.whole(query.get("grid", "") or "4", "grid", MAX_GRID, lowest=1)
    seed, c = query_parameters.seed(query, "seed"), _chosen(query.get("c", ""), ",", served)
    return Sheet(seed=seed, count=side**2, columns=side, c=c, **_shared(served, query))


def address_state(word: str) -> StateOf:
    """The state of a picture that only its address draws again: `word`, and the parameters in the order of their names,
    so that one picture has one mark. A state that does not fit is left out (bundle/marks/xmp.py)."""

    def state(served: ServedBundle, query: QueryParams) -> Mapping[str, Any]:
        given = {name: value for name, value in sorted(query.items()) if name not in NOT_OF_PICTURE}
        return given | {"draw": word}

    return state


def _shared(served: ServedBundle, query: QueryParams) -> dict[str, Any]:
    """What the states of all pictures have."""
    return {
        "m": query_parameters.model(query, served),
        "t": query_parameters.truncation(query),
        "attributes": query_parameters.attributes(query),
        "bend": query_parameters.bend(query),
    }


def _chosen(text: str, separator: str, served: ServedBundle) -> Classes:
    """The class or the mix of classes that a parameter names; None where it names none."""
    if not text:
        return None
    shares = query_parameters.class_shares(text, separator, served.class_count)
    return next(iter(shares)) if len(shares) == 1 else shares
