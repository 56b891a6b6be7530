"""The unqueued routes of the tab Compare that answer with text and numbers; its pictures: demo/routes/live.py.

GET /compare/figures?left=&right=&f=
    Measured figures of two models side by side. left, right: a bundle and its model, "fashion.gan"; f: json (default),
    or csv, which is downloaded.
GET /compare/quiz/{bundle}?quiz=&answers=
    The truth about the answers ("rgg…") to a quiz so far, and what the score says.

Wrong parameters are answered with status 400 and a sentence, unknown bundles with 404, a busy server with 503.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bundle import latents
from bundle.errors import InputError
from demo.routes import query_parameters
from demo.routes.model_requests import refusal, refusing
from demo.serving.served_bundle import ServedBundle
from demo.tabs.compare import figures, quiz
from demo.tabs.compare.figures import Side

FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def routes(bundles: Mapping[str, ServedBundle]) -> list[Route]:
    """The routes above for these bundles."""

    def answer(work: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def endpoint(request: Request) -> Response:
            try:
                return refusing(lambda: work(request))
            except LookupError:
                return refusal(404, "There is no bundle of this name here.")

        return endpoint

    def side_by_side(request: Request) -> Response:
        query = query_parameters.of_today(request.query_params, "figures")
        left, right = (_side(bundles, query.get(name, "")) for name in ("left", "right"))
        if query_parameters.choice(query, "f", ("json", "csv")) == "json":
            return JSONResponse(figures.report(left, right), headers=FRESH)
        name = f"{left.info.name}-{left.model}-{right.info.name}-{right.model}.csv"
        headers = FRESH | {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(figures.table(left, right), media_type="text/csv; charset=utf-8", headers=headers)

    def answers(request: Request) -> Response:
        served = bundles[request.path_params["bundle"]]
        return JSONResponse(_marked(served, query_parameters.of_today(request.query_params, "quiz")), headers=FRESH)

    return [
        Route("/compare/figures", answer(side_by_side), methods=["GET"]),
        Route("/compare/quiz/{bundle}", answer(answers), methods=["GET"]),
    ]


def _side(bundles: Mapping[str, ServedBundle], text: str) -> Side:
    """The side of "fashion.gan". Raises LookupError for an unknown bundle, InputError for an unknown model."""
    name, _, word = text.partition(".")
    served = bundles[name]
    for model in served.models:
        if model == word:
            return Side(served.info, model)
    raise InputError(f"Bundle '{name}' has no such model: choose one of {', '.join(served.models)}.")


def _marked(served: ServedBundle, query: QueryParams) -> dict[str, Any]:
    """The score of the answers so far, and the truth about them."""
    key = query_parameters.whole(query.get("quiz", ""), "quiz", latents.SEEDS - 1)
    answers = query.get("answers", "")
    real = quiz.plan_of(served, key).real
    score = quiz.mark(answers, real)
    truth = "".join(quiz.REAL if one else quiz.GENERATED for one in real[: len(answers)])
    return asdict(score) | {"truth": truth, "questions": len(real)}
