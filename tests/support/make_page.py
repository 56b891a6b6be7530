"""A page of Make without a browser: a maker of its own, and what the page would ask of it."""

import io
import secrets
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.sessions import choose_provider
from demo.make.limits import OWN_MACHINE, MakeLimits
from demo.make.maker import Maker
from demo.make.projects import Projects
from demo.routes.make_routes import make_routes

OWN_PAGE = {"X-Twofold": "make"}
HERE = ("127.0.0.1", 50_000)
ADDRESS = "http://127.0.0.1:7860"


def picture(seed: int) -> bytes:
    """A disc of a colour, somewhere."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    disc = (x - random.integers(8, 24)) ** 2 + (y - random.integers(8, 24)) ** 2 < 49
    pixels = np.where(disc[..., None], random.integers(0, 200, 3), 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(entries: dict[str, bytes]) -> bytes:
    """A zip of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


class Page:
    """A page on a maker of its own."""

    def __init__(self, home: Path, limits: MakeLimits = OWN_MACHINE, client: tuple[str, int] = HERE):
        self.maker = Maker(Projects(home), {}, choose_provider("cpu"), limits)
        self.client = TestClient(Starlette(routes=make_routes(self.maker)), base_url=ADDRESS, client=client)

    def post(self, path: str, **named: Any):
        return self.client.post(f"/make{path}", headers=OWN_PAGE, **named)

    def put(self, project: str, name: str, data: bytes):
        address = f"/make/{project}/files?id={secrets.token_hex(8)}&name={name}&at=0&of={len(data)}"
        return self.client.put(address, content=data, headers=OWN_PAGE)

    def status(self, project: str) -> dict:
        return self.client.get(f"/make/{project}").json()

    def choose(self, project: str, **changes: Any):
        return self.post(f"/{project}/choice", json=changes)

    def pictures(self, project: str) -> dict:
        """The survey, once it is made."""
        while "files" not in (found := self.client.get(f"/make/{project}/pictures").json()):
            time.sleep(0.02)
        return found

    def project_of(self, count: int) -> str:
        name = self.post("?title=Discs").json()["name"]
        for i in range(count):
            assert self.put(name, f"discs/{i}.png", picture(i)).json()["stored"] == 1
        return name

    def wait(self, project: str, done: Callable[[dict], bool], seconds: float = 240) -> dict:
        until = time.monotonic() + seconds
        while not done(status := self.status(project)):
            assert status["state"] != "failed", status["error"]
            assert time.monotonic() < until, status
            time.sleep(0.2)
        return status
