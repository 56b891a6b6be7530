"""--make: the pictures of a project, brought, seen and chosen. The work itself: demo/make/.

PUT    /make/{project}/files?id=&name=&at=&of=   a piece of a picture or zip, at byte `at` of `of` -> once it is
                                             whole, what became of it; `id` is the file's own
POST   /make/{project}/source?ready= or ?path=   begins to fetch a ready set, or what lies at a path -> as GET
GET    /make/{project}/source                how far that is: {"fetch": {"state", "done", "of", "stored", "refused",
                                             "notes", "error", "under_way"}}, or {"fetch": null} before anything was
                                             fetched
DELETE /make/{project}/source                ends it; what has arrived stays
GET    /make/{project}/pictures              the survey and what was chosen, or {"done", "of"} until it is made
GET    /make/{project}/pictures/{page}.png   PER_PAGE of the pictures as the models see them, in rows of COLUMNS
GET    /make/{project}/picture.jpg?file=     one picture, whole, to choose a part of
POST   /make/{project}/choice                JSON: changes (demo/make/choices.py) -> {"advice"}: sentences
POST   /make/{project}/classes?column=       takes the classes from a column of a table -> the same
POST   /make/{project}/set                   writes the data set -> {"folder", "pictures", "command"}; for the owner of
                                             this machine only
"""

import re
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bundle import images
from bundle.errors import InputError
from bundle.picture_files import too_large
from bundle.pictures import BACKGROUNDS
from demo.make import choices, crops, data_set, tables
from demo.make.advice import advice
from demo.make.classes import class_counts, class_of
from demo.make.fetching import Fetches, ready_sets
from demo.make.incoming import Arrivals, Incoming
from demo.make.maker import Maker
from demo.make.projects import SIZES, Project
from demo.make.stored_pictures import picture_file
from demo.make.survey import Survey
from demo.make.surveys import Surveys, SurveyTask
from demo.routes.make_requests import (
    append,
    at_own_machine,
    body_json,
    fresh_json,
    name_of,
    own_page_only,
    whole,
    with_refusals,
)
from demo.routes.model_requests import NO_STORE, refusal
from demo.routes.threads import DECODING, STORING, WAITING, in_thread

COLUMNS, PER_PAGE = 10, 100
MOST_NOTES = 5  # on tables
REMEMBERED = 1000  # files whose answers are given again, where they were lost
ABANDONED = 24 * 3600  # seconds after which a file that never came to its end is removed
MAX_ARRIVING = 64  # files of a project that arrive at a time; a page sends four
CHOSEN = ("size", "proportions", "fit", "background", "left_out", "use_classes", "crops", "attributes")


class PictureRoutes:
    """The routes above, for one `maker`."""

    def __init__(self, maker: Maker):
        self.maker, self.projects, self.limits = maker, maker.projects, maker.limits
        self.surveys = Surveys(maker.projects)
        self.fetches = Fetches(maker.projects, maker.limits, self.incoming_of)
        self._incoming: dict[str, Incoming] = {}
        self._making = threading.Lock()
        self._storing: dict[tuple[str, str], anyio.Event] = {}  # (project, id of a file) -> set once it is stored
        self._turns: dict[str, anyio.Lock] = {}  # project -> held while a file is stored, one after the other
        self._arrived: dict[tuple[str, str], dict[str, Any]] = {}  # … -> what was answered then

    def routes(self) -> list[Route]:
        """For demo.page.launch_settings."""
        return [
            Route("/make/{project}/files", with_refusals(own_page_only(self._take_piece)), methods=["PUT"]),
            Route("/make/{project}/source", with_refusals(own_page_only(self._fetch)), methods=["POST"]),
            Route("/make/{project}/source", with_refusals(self._fetched), methods=["GET"]),
            Route("/make/{project}/source", with_refusals(own_page_only(self._stop_fetching)), methods=["DELETE"]),
            Route("/make/{project}/pictures", with_refusals(self._pictures), methods=["GET"]),
            Route("/make/{project}/pictures/{page:int}.png", with_refusals(self._page), methods=["GET"]),
            Route("/make/{project}/picture.jpg", with_refusals(self._whole_picture), methods=["GET"]),
            Route("/make/{project}/choice", with_refusals(own_page_only(self._choose)), methods=["POST"]),
            Route("/make/{project}/classes", with_refusals(own_page_only(self._classes_by_column)), methods=["POST"]),
            Route("/make/{project}/set", with_refusals(own_page_only(self._lay_out)), methods=["POST"]),
        ]

    def facts(self, request: Request) -> dict[str, Any]:
        """What the page must know about pictures, before there are any."""
        return {
            "sizes": SIZES,
            "columns": COLUMNS,
            "per_page": PER_PAGE,
            "own_machine": at_own_machine(request, self.limits),
            "ready": ready_sets(self.limits),
        }

    def leave(self, name: str) -> None:
        """Ends what is still arriving for a project that is about to be deleted. Raises InputError for none."""
        self.projects.folder(name)
        self.fetches.stop(name)

    def forget(self, name: str) -> None:
        """Drops what is remembered of a project that was deleted."""
        self.surveys.forget(name)
        self._incoming.pop(name, None)
        self._turns.pop(name, None)

    def incoming_of(self, name: str) -> Incoming:
        """What takes files into a project; one for all of them, as it counts. Raises InputError."""
        folder = self.projects.folder(name)
        with self._making:
            if name not in self._incoming:
                self._incoming[name] = Incoming(folder / "pictures", self.limits, self.projects.get(name).loose)
            return self._incoming[name]

    # --- bring ---------------------------------------------------------------------------------------

    async def _take_piece(self, request: Request) -> Response:
        name, query = name_of(request), request.query_params
        at, of = whole(query.get("at"), "at"), whole(query.get("of"), "of")
        if not 0 < of <= self.limits.upload_bytes:
            raise InputError(too_large(self.limits.upload_bytes))
        file_id = query.get("id", "")
        if not re.fullmatch("[0-9a-z]{1,32}", file_id):  # one for several files would lose all but the first
            raise InputError("The parameter 'id' must be 1 to 32 digits or small letters, others for each file.")
        key = (name, file_id)
        if key in self._arrived:
            return fresh_json(self._arrived[key])
        arriving = await in_thread(self._begin_piece, name, file_id, at)
        if key in self._storing:  # sent once more, as no answer came
            await self._storing[key].wait()
        if key in self._arrived:
            return fresh_json(self._arrived[key])
        size = await append(arriving, request, at, of)
        if size is None:  # the file goes on in another request: nothing that this one brought counts
            return fresh_json({"received": at})
        if size < of:
            return fresh_json({"received": size})
        self._storing[key] = anyio.Event()
        try:
            turn = self._turns.setdefault(name, anyio.Lock(fast_acquire=True))
            async with turn:  # not in a thread, which others need
                arrivals = await in_thread(self._store, name, arriving, query.get("name", "")[:1000], limiter=STORING)
            self._remember(key, {"received": size} | arrivals.told())
        finally:
            arriving.unlink(missing_ok=True)
            self._storing.pop(key).set()
        return fresh_json(self._arrived[key])

    def _begin_piece(self, name: str, file_id: str, at: int) -> Path:
        """Where the pieces of a file are put together. Raises InputError while its project is being trained."""
        folder = self._open_to_changes(name)
        arriving = folder / f".{file_id}.part"
        make_room(folder, arriving, self.limits.bytes - at)
        return arriving

    def _store(self, name: str, arriving: Path, file_name: str) -> Arrivals:
        """Takes a file that has arrived whole into a project."""
        return self.incoming_of(name).take(arriving, file_name, move=True)

    def _remember(self, key: tuple[str, str], answer: dict[str, Any]) -> None:
        """Keeps an answer, in case it is lost on its way."""
        self._arrived[key] = answer
        while len(self._arrived) > REMEMBERED:
            del self._arrived[next(iter(self._arrived))]

    async def _fetch(self, request: Request) -> Response:
        name, query = name_of(request), request.query_params
        await in_thread(self._open_to_changes, name)
        if "ready" in query:
            await in_thread(self.fetches.begin_ready, name, query["ready"])
        elif not at_own_machine(request, self.limits):
            raise InputError(
                "Folders can be named only on the machine that runs this page, where --make is for its owner."
            )
        else:
            await in_thread(self.fetches.begin_path, name, query.get("path", ""))
        return fresh_json({"fetch": self.fetches.status(name)})

    async def _fetched(self, request: Request) -> Response:
        self.projects.folder(name_of(request))
        return fresh_json({"fetch": self.fetches.status(name_of(request))})

    async def _stop_fetching(self, request: Request) -> Response:
        await in_thread(self.fetches.stop, name_of(request), limiter=WAITING)
        return fresh_json({"fetch": self.fetches.status(name_of(request))})

    def _open_to_changes(self, name: str) -> Path:
        """The folder of a project. Raises InputError while it is being trained."""
        self.maker.check_not_trained(name)
        return self.projects.folder(name)

    # --- see -----------------------------------------------------------------------------------------

    async def _pictures(self, request: Request) -> Response:
        return fresh_json(await in_thread(self._survey_facts, name_of(request)))

    def _survey_facts(self, name: str) -> dict[str, Any]:
        """The survey of a project and what was chosen, as JSON, or how far it is, or the `error` that prevents it."""
        task = self.surveys.of(name)
        if task.error:  # what was chosen can be chosen otherwise, such as a smaller size
            unseen = {"error": task.error, "files": [], "flags": {}, "version": 0, "columns": []}
            return unseen | chosen_facts(self.projects.get(name), [], task) | {"advice": []}
        if task.result is None:
            return {"done": task.done, "of": task.of}
        found = {
            "files": task.result.files,
            "flags": task.result.flags,
            "version": abs(hash(task.key)),
            "columns": [column_facts(name, column) for name, column in task.columns.items()],
        }
        return found | chosen_facts(self.projects.get(name), task.result.files, task)

    async def _page(self, request: Request) -> Response:
        task = await in_thread(self.surveys.of, name_of(request))
        first = request.path_params["page"] * PER_PAGE
        if task.result is None or not 0 <= first < len(task.result.files):
            return refusal(404, "There is no such page of pictures.")
        png = await in_thread(page_of, task.result, first)
        return Response(png, media_type="image/png", headers=NO_STORE)

    async def _whole_picture(self, request: Request) -> Response:
        file = request.query_params.get("file", "")
        data = await in_thread(self._shown, name_of(request), file, limiter=DECODING)
        if data is None:
            return refusal(404, "There is no such picture any more.")
        return Response(data, media_type="image/jpeg", headers=NO_STORE)

    def _shown(self, name: str, file: str) -> bytes | None:
        """A whole picture of a project, as JPEG; None where there is none of this path. Raises UserError."""
        path = picture_file(self.projects.folder(name) / "pictures", file)
        background = self.projects.get(name).background or BACKGROUNDS["RGB"]
        return None if path is None else crops.shown(path, background)

    # --- choose --------------------------------------------------------------------------------------

    async def _choose(self, request: Request) -> Response:
        asked = await body_json(request)
        return fresh_json(await in_thread(self._choose_of, name_of(request), asked))

    def _choose_of(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        folder = self._open_to_changes(name)
        return self._changed(name, choices.read_choice(asked), data_set.all_files(folder))

    async def _classes_by_column(self, request: Request) -> Response:
        column = request.query_params.get("column", "")
        return fresh_json(await in_thread(self._take_classes, name_of(request), column))

    def _take_classes(self, name: str, column: str) -> dict[str, Any]:
        folder = self._open_to_changes(name)
        files = data_set.all_files(folder)
        found = tables.classes_by(folder, column, files)
        named = dict.fromkeys(sorted(set(found.values()) - {""}), True)
        return self._changed(name, choices.Choice(class_of=dict(found), classes=named), files)

    def _changed(self, name: str, choice: choices.Choice, files: list[str]) -> dict[str, Any]:
        """Writes a choice about a project with these pictures; what to say about it, as JSON. Raises UserError."""
        project = self.projects.update(name, lambda project: choices.chosen(project, choice, files))
        return {"advice": advice_of(project, files, self.surveys.of(name))}

    async def _lay_out(self, request: Request) -> Response:
        name = name_of(request)
        folder = await in_thread(self._open_to_changes, name)
        if not at_own_machine(request, self.limits):
            raise InputError(
                "A data set can be written only on the machine that runs this page, where --make is for its owner."
            )
        project = self.projects.get(name)
        if project.state != "collecting":
            raise InputError("The data set of this project is being trained on: it stays as it is.")
        count = await in_thread(data_set.lay_out, folder, project)
        command = data_set.terminal_command(project, folder, name)
        return fresh_json(
            {"folder": str(data_set.shown_folder(folder) / data_set.SET), "pictures": count, "command": command}
        )


def make_room(folder: Path, arriving: Path, most: int) -> None:
    """Removes files of a project whose other pieces never came: abandoned ones, and of more than MAX_ARRIVING files or
    `most` bytes in all, beside the one that is arriving, those that have waited longest. A stranger could fill the disk
    with beginnings of files; what does not fit into a project at once could not be stored either."""
    others = []
    for path in folder.glob(".*.part"):
        with suppress(OSError):  # it has just come to its end
            if path != arriving:
                found = path.stat()
                others.append((found.st_mtime, found.st_size, path))
    held = 0
    for i, (touched, size, path) in enumerate(sorted(others, reverse=True)):
        held += size
        if i >= MAX_ARRIVING or held > most or touched < time.time() - ABANDONED:
            path.unlink(missing_ok=True)


def chosen_facts(project: Project, files: Sequence[str], task: SurveyTask) -> dict[str, Any]:
    """What was chosen of a project with these pictures, and what to say about it, as JSON."""
    return {name: getattr(project, name) for name in CHOSEN} | {
        "sides": project.sides,
        "classes": [name for name in class_counts(project, files) if name],
        "class_of": {file: class_of(project, file) for file in files},
        "advice": advice_of(project, files, task),
    }


def advice_of(project: Project, files: Sequence[str], task: SurveyTask) -> list[str]:
    """What to say about what was chosen, and about the tables that came with these pictures."""
    return [*advice(project, files, flags_of(task)), *task.notes[:MOST_NOTES]]


def flags_of(task: SurveyTask) -> dict[str, tuple[str, ...]]:
    """What a survey found so far: nothing while it is being made."""
    return dict(task.result.flags) if task.result else {}


def column_facts(name: str, column: tables.Column) -> dict[str, Any]:
    """A column of a table, as JSON."""
    return {"name": name, "known": len(column.cells), "why_not": column.why_not, "classes": column.classes}


def page_of(found: Survey, first: int) -> bytes:
    """PER_PAGE pictures as one PNG, white where there are no more."""
    shown = found.pictures[first : first + PER_PAGE]
    blank = np.full((PER_PAGE - len(shown), *shown.shape[1:]), 255, np.uint8)
    return images.png(images.sheet(np.concatenate([shown, blank]), COLUMNS), level=1)
