"""The routes of the tab Compare that answer with text and numbers; its pictures: demo/routes/live.py.

GET /compare/figures?left=&right=&f=
    Measured figures of two models side by side. left, right: a bundle and its model, "fashion.gan"; f: json (default),
    or csv, which is downloaded. Wrong parameters are answered with status 400 and a sentence, unknown bundles with 404.
GET /compare/quiz/{bundle}?quiz=&answers=
    The truth about the answers ("rgg…") to a quiz so far, and what the score says.
POST /compare/look/{bundle}
    A closer look at one picture: multipart/form-data with `request`, JSON (see demo/tabs/compare/closer_look.py), and
    perhaps `picture`, the bytes of a picture file.

What is refused, and how: demo/routes/bundle_routes.py.
"""

from collections.abc import Mapping
from dataclasses import asdict

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bundle import latents
from bundle.errors import InputError
from demo.routes import query_parameters
from demo.routes.bundle_routes import BundleRoutes, no_bundle
from demo.routes.model_requests import NO_STORE, ModelRequests, refusal_of
from demo.serving.served_bundle import ServedBundle
from demo.tabs.compare import figures, quiz
from demo.tabs.compare.closer_look import closer_look
from demo.tabs.compare.figures import Side


def routes(bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None) -> list[Route]:
    """The routes above for these bundles. `requests`: those in progress, if other routes share their limits."""
    bundle_routes = BundleRoutes(bundles, requests)

    def side_by_side(request: Request) -> Response:
        query = query_parameters.under_current_names(request.query_params, "figures")
        try:
            left, right = (_side(bundles, query.get(name, "")) for name in ("left", "right"))
            as_json = query_parameters.choice(query, "f", ("json", "csv")) == "json"
        except LookupError:
            return no_bundle()
        except InputError as error:
            return refusal_of(error)
        if as_json:
            return JSONResponse(figures.report(left, right), headers=NO_STORE)
        name = f"{left.info.name}-{left.model}-{right.info.name}-{right.model}.csv"
        headers = NO_STORE | {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(figures.table(left, right), media_type="text/csv; charset=utf-8", headers=headers)

    return [
        Route("/compare/figures", side_by_side, methods=["GET"]),
        bundle_routes.get("/compare/quiz/{bundle}", _quiz_score),
        bundle_routes.post("/compare/look/{bundle}", lambda form: closer_look(form.served, form.asked, form.picture)),
    ]


def _side(bundles: Mapping[str, ServedBundle], text: str) -> Side:
    """The side of "fashion.gan". Raises LookupError for an unknown bundle, InputError for an unknown model."""
    name, _, word = text.partition(".")
    served = bundles[name]
    for model in served.models:
        if model == word:
            return Side(served.info, model)
    raise InputError(f"Bundle '{name}' has no such model: choose one of {', '.join(served.models)}.")


def _quiz_score(served: ServedBundle, query: QueryParams) -> JSONResponse:
    """The score of the answers so far, and the truth about them."""
    key = query_parameters.whole(query.get("quiz", ""), "quiz", latents.SEEDS - 1)
    answers = query.get("answers", "")
    real = quiz.plan_of(served, key).real
    score = quiz.score_of(answers, real)
    truth = "".join(quiz.REAL if one else quiz.GENERATED for one in real[: len(answers)])
    return JSONResponse(asdict(score) | {"truth": truth, "questions": len(real)}, headers=NO_STORE)
