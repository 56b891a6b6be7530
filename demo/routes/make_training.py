"""--make: training a project, and playing with what it has learned so far.

POST /make/{project}/train?minutes=      puts it in the queue; after a pause or the end, goes on
POST /make/{project}/minutes?minutes=    another time in all, while it trains
POST /make/{project}/pause               stores what was learned, and waits
POST /make/{project}/next                ends the present step: what it learned is enough
POST /make/{project}/finish              ends the training as if its time were over
POST /make/{project}/remedy?name=        takes up advice against an alarm: variety, steadiness, slower
POST /make/{project}/start_over          forgets what was learned; the pictures stay
POST /make/{project}/play                makes a bundle of what was learned so far -> its facts
GET  /make/{project}/run…                the run folder, read only: demo/routes/run_pictures.py
GET  /made                               the facts of all projects that can be played
"""

from pathlib import Path
from typing import get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bundle.errors import InputError
from demo.make.maker import Maker
from demo.make.projects import Remedy
from demo.routes.make_requests import fresh_json, name_of, own_page_only, status_answer, with_refusals
from demo.routes.model_requests import NO_STORE
from demo.routes.run_pictures import run_routes
from demo.routes.threads import WAITING, in_thread


class TrainingRoutes:
    """The routes above, for one `maker`."""

    def __init__(self, maker: Maker):
        self.maker = maker

    def routes(self) -> list[Route]:
        """For demo.page.launch_settings."""
        actions = {
            "train": self._train,
            "minutes": self._minutes,
            "pause": self._pause,
            "next": self._next,
            "finish": self._finish,
            "remedy": self._remedy,
            "start_over": self._start_over,
            "play": self._play,
        }
        return [
            Route("/made", with_refusals(self._made), methods=["GET"]),
            *(
                Route(f"/make/{{project}}/{word}", with_refusals(own_page_only(act)), methods=["POST"])
                for word, act in actions.items()
            ),
            *run_routes("/make/{project}/run", self._run),
        ]

    def _run(self, request: Request) -> Path:
        return self.maker.projects.folder(name_of(request)) / "run"

    async def _made(self, request: Request) -> Response:
        return JSONResponse(await in_thread(self.maker.made.all_facts), headers=NO_STORE)

    async def _train(self, request: Request) -> Response:
        await in_thread(self.maker.train, name_of(request), minutes_of(request))
        return await self._status(request)

    async def _minutes(self, request: Request) -> Response:
        await in_thread(self.maker.take_minutes, name_of(request), minutes_of(request))
        return await self._status(request)

    async def _pause(self, request: Request) -> Response:
        await in_thread(self.maker.pause, name_of(request))
        return await self._status(request)

    async def _next(self, request: Request) -> Response:
        await in_thread(self.maker.next_step, name_of(request))
        return await self._status(request)

    async def _finish(self, request: Request) -> Response:
        await in_thread(self.maker.finish, name_of(request))
        return await self._status(request)

    async def _remedy(self, request: Request) -> Response:
        remedy = request.query_params.get("name", "")
        if remedy not in get_args(Remedy):
            raise InputError(f"There is no such advice: choose one of {', '.join(get_args(Remedy))}.")
        await in_thread(self.maker.remedy, name_of(request), remedy)
        return await self._status(request)

    async def _start_over(self, request: Request) -> Response:
        await in_thread(self.maker.start_over, name_of(request), limiter=WAITING)
        return await self._status(request)

    async def _play(self, request: Request) -> Response:
        await in_thread(self.maker.play, name_of(request), limiter=WAITING)
        return fresh_json(await in_thread(self.maker.made.facts, name_of(request)))

    async def _status(self, request: Request) -> Response:
        return await status_answer(self.maker, request)


def minutes_of(request: Request) -> float:
    """The minutes in the address. Raises InputError."""
    try:
        return float(request.query_params.get("minutes", ""))
    except ValueError as problem:
        raise InputError("The minutes must be a number.") from problem
