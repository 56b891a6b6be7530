"""The unqueued routes behind the live canvas, and the health report.

    GET /live/{bundle}?m=gan|vae&x=&y=&t=&c=&n=&f=         the picture at a point of the seed plane
    GET /live/{bundle}/morph?keys=1,2,3&classes=&path=&loop=&p=&m=&t=&n=&f=   the picture at share p of a morph
    GET /live/{bundle}/grid?seed=&grid=&m=&t=&c=&n=&f=      grid x grid pictures of the seeds from seed on, as one sheet
    GET /live/{bundle}/quiz?quiz=&m=&n=&f=                  20 pictures of a quiz, real and generated, as one sheet
    GET /healthz                                            JSON
    GET /metrics                                            for Prometheus

m: model, default the bundle's first. x, y: numbers, held within ±1e6. t: truncation, held within 0 to 1.5.
c: a class "3" or shares "3:0.5,5:0.5"; none = class 0. keys: 1 to 6, each a seed "3" or a point x:y of the seed plane,
such as 3,7.25:0.5. classes: one entry a key, separated by commas, each empty (class = seed modulo K; that of a point
is floor(x) + 100 floor(y)), "3", or shares "3:0.5|5:0.5". p: 0 to 1.
path: linear, spherical, spline. loop: 0 or 1. n: a whole number, sent back in the header X-Sequence.
grid: 1 to 8; without c each seed has its own class, seed modulo K. quiz: a seed, see demo/tabs/compare/quiz.py.
f: png (default) or raw, the bytes of uint8 [H, W, C] with that shape in the header X-Shape.
v: the bundle's version, which the page sends so that a cache never mixes two exports of a bundle; not read here.

Other parameters are ignored. A wrong one is answered with status 400 and a sentence, an unknown bundle with
404, too many waiting requests and what takes too long with 503. Who closes the connection leaves the line. An address
with v always gives the same bytes, so answers may be cached.
"""

import time
from collections.abc import Callable, Mapping, Sequence

import anyio
import numpy as np
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bundle import images, latents
from bundle.errors import Busy, InputError, UserError
from bundle.read import Unavailable
from demo.arguments import MAX_COORDINATE
from demo.routes import prometheus, query_parameters
from demo.routes.bundle_report import versions
from demo.serving.batching import DEADLINE, Caller, on_behalf_of
from demo.serving.served_bundle import ServedBundle
from demo.tabs.compare import quiz
from demo.tabs.morph import keyframes

MAX_WAITING = 64
MAX_GRID = 8  # pictures on a side of a sheet
THREADS = 32  # requests that are worked on at once, most of them in one line: as many can share a run
LOOK_AFTER = 0.05  # seconds between two looks whether the visitor is still there

Draw = Callable[[ServedBundle, QueryParams], np.ndarray]


def routes(bundles: Mapping[str, ServedBundle], unavailable: Sequence[Unavailable] = (),
           more: Mapping[str, Draw] | None = None) -> list[Route]:  # fmt: skip
    """The routes above for these bundles, to be put in front of the app's own; `more`: further pictures, by the word
    behind /live/{bundle}/ (see demo/routes/explore.py)."""
    limiter: list[anyio.CapacityLimiter] = []  # made at the first request: it belongs to an event loop

    def live(draw: Draw, word: str = "") -> Callable:
        async def endpoint(request: Request) -> Response:
            served = bundles.get(request.path_params["bundle"])
            if served is None:
                return _refusal(404, "There is no bundle of this name here.")
            if not limiter:
                limiter.append(anyio.CapacityLimiter(THREADS))
            if limiter[0].statistics().tasks_waiting >= MAX_WAITING:
                return _refusal(503, "Too many people are drawing right now; try again in a second.")
            query = query_parameters.of_today(request.query_params, word)
            return await _while_there(request, limiter[0], lambda: _answer(served, draw, query))

        return endpoint

    async def healthz(request: Request) -> Response:
        report = health(bundles, unavailable)
        return JSONResponse(
            report, status_code=200 if report["bundles"] else 503, headers={"Cache-Control": "no-store"}
        )

    async def measured(request: Request) -> Response:
        kept = getattr(request.app, "state_holder", None)  # Gradio's, where it serves these routes
        report = prometheus.text(bundles, None if kept is None else len(kept.session_data))
        return Response(report, media_type=prometheus.CONTENT_TYPE, headers={"Cache-Control": "no-store"})

    return [
        Route("/live/{bundle}", live(plane_picture), methods=["GET"]),
        Route("/live/{bundle}/morph", live(morph_picture, "morph"), methods=["GET"]),
        Route("/live/{bundle}/grid", live(grid_picture, "grid"), methods=["GET"]),
        Route("/live/{bundle}/quiz", live(quiz_picture, "quiz"), methods=["GET"]),
        *(Route(f"/live/{{bundle}}/{word}", live(draw, word), methods=["GET"]) for word, draw in (more or {}).items()),
        Route("/healthz", healthz, methods=["GET"]),
        Route("/metrics", measured, methods=["GET"]),
    ]


async def _while_there(request: Request, limiter: anyio.CapacityLimiter, work: Callable[[], Response]) -> Response:
    """The answer of `work` in a thread; who closes the connection meanwhile frees his place."""
    one = Caller(time.monotonic() + DEADLINE)

    async def look() -> None:
        while not await request.is_disconnected():
            await anyio.sleep(LOOK_AFTER)
        one.gone.set()
        group.cancel_scope.cancel()

    response = _refusal(499, "The visitor has left.")  # which nobody reads
    async with anyio.create_task_group() as group:
        group.start_soon(look)
        with on_behalf_of(one):
            response = await anyio.to_thread.run_sync(work, limiter=limiter)
        group.cancel_scope.cancel()
    return response


def plane_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image [1, C, H, W] that the parameters of /live/{bundle} ask for. InputError with a sentence."""
    x = query_parameters.number(query, "x", 0.0, -MAX_COORDINATE, MAX_COORDINATE)
    y = query_parameters.number(query, "y", 0.0, -MAX_COORDINATE, MAX_COORDINATE)
    shares = query.get("c", "")
    classes = query_parameters.class_weights(shares, ",", served.classes) if shares else None
    return served.at(x, y, classes, query_parameters.truncation(query), query_parameters.model(query, served))


def morph_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The image [1, C, H, W] that the parameters of /live/{bundle}/morph ask for. InputError with a sentence."""
    keys = keyframes.from_text(query.get("keys", ""))
    share = query_parameters.number(query, "p", 0.0, 0.0, 1.0)
    return served.morph_at(
        keys,
        np.array([share]),
        query_parameters.key_classes(query.get("classes", ""), keys, served.classes),
        query.get("path", "spherical"),
        query_parameters.choice(query, "loop", ("0", "1")) == "1",
        query_parameters.truncation(query),
        query_parameters.model(query, served),
    )


def grid_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The sheet [1, C, n H, n W] of n x n pictures that /live/{bundle}/grid asks for. InputError with a sentence."""
    side = query_parameters.whole(query.get("grid", "") or "4", "grid", MAX_GRID)
    if not side:
        raise InputError(f"The parameter 'grid' takes whole numbers from 1 to {MAX_GRID}.")
    first = query_parameters.whole(query.get("seed", "") or "0", "seed", latents.SEEDS - side**2)
    seeds, most = range(first, first + side**2), served.info.max_batch
    shares = query.get("c", "")
    classes = query_parameters.class_weights(shares, ",", served.classes) if shares else None
    truncation, model = query_parameters.truncation(query), query_parameters.model(query, served)
    parts = [served.sample(seeds[i : i + most], classes, truncation, model) for i in range(0, len(seeds), most)]
    return images.tiled(np.concatenate(parts), side)


def quiz_picture(served: ServedBundle, query: QueryParams) -> np.ndarray:
    """The sheet [1, C, 4 H, 5 W] of a quiz: nothing in it tells real from generated pictures but the pixels."""
    key = query_parameters.whole(query.get("quiz", "") or "0", "quiz", latents.SEEDS - 1)
    return images.tiled(quiz.pictures(served, query_parameters.model(query, served), key), quiz.COLUMNS)


def health(bundles: Mapping[str, ServedBundle], unavailable: Sequence[Unavailable]) -> dict:
    """What /healthz reports: bundles served and not served, processors, versions."""
    failed = {name: served.engine.fault for name, served in bundles.items() if served.engine.fault}
    bundles = {
        name: {
            "title": served.info.title,
            "models": list(served.models),
            "provider": {
                "requested": served.engine.provider.requested,
                "active": served.engine.active,
                "reason": served.engine.reason,
            },
            "checked": served.engine.checked,
            "loaded": served.engine.loaded,
            "last_ms": round(served.engine.last_ms, 3),
        }
        for name, served in bundles.items()
        if name not in failed
    }
    missing = [*unavailable, *(Unavailable(name, str(fault)) for name, fault in failed.items())]
    return {
        "status": "ok" if bundles and not missing else "degraded" if bundles else "unavailable",
        "bundles": bundles,
        "unavailable": [{"name": bundle.name, "reason": bundle.reason} for bundle in missing],
        "versions": versions(),
    }


def _answer(served: ServedBundle, draw: Draw, query: QueryParams) -> Response:
    """The picture, or the sentence why there is none."""
    try:
        return _picture(served, draw, query)
    except Busy as error:
        return _refusal(503, str(error))
    except UserError as error:
        return _refusal(400, str(error))


def _picture(served: ServedBundle, draw: Draw, query: QueryParams) -> Response:
    sequence = query_parameters.sequence(query)
    raw = query_parameters.choice(query, "f", ("png", "raw")) == "raw"
    before = served.engine.spent_ms
    picture = images.to_uint8(draw(served, query))[0]
    headers = {
        "Server-Timing": f"model;dur={served.engine.spent_ms - before:.2f}",
        "Cache-Control": "private, max-age=3600",
        "X-Content-Type-Options": "nosniff",
    }
    if sequence is not None:
        headers["X-Sequence"] = sequence
    if raw:
        headers["X-Shape"] = ",".join(str(n) for n in picture.shape)
        return Response(picture.tobytes(), media_type="application/octet-stream", headers=headers)
    return Response(images.png(picture, level=1), media_type="image/png", headers=headers)


def _refusal(status: int, sentence: str) -> Response:
    return PlainTextResponse(sentence, status_code=status, headers={"Cache-Control": "no-store"})
