"""The tab Make as tests use it: pictures to bring, and what a visitor does there."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from bundle.sessions import choose_provider
from demo.make.limits import OWN_MACHINE
from demo.make.maker import Maker
from demo.make.projects import Projects
from demo.routes.make_routes import make_routes
from demo.serving.served_bundle import open_bundles
from tests.support import tiny
from tests.support.demo_page import launched

Page = Any  # playwright's, which need not be installed

PATIENCE_MS = 60_000  # pictures are looked at in a thread of the server that the tests run in
# Drops what the browser itself made: a folder of pictures is given by the files' names.
DROP = """([target, files]) => {
    const data = new DataTransfer();
    for (const { name, type, bytes } of files)
        data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type }));
    const settings = { dataTransfer: data, bubbles: true, cancelable: true };
    document.querySelector(target).dispatchEvent(new DragEvent("drop", settings));
}"""
# A film of a disc that stands still, then walks: recorded by the browser, as a webcam's would be.
FILM = """async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [160, 120];
    const pen = canvas.getContext("2d");
    const draw = (x) => {
        pen.fillStyle = "#fff"; pen.fillRect(0, 0, 160, 120);
        pen.fillStyle = "#c03"; pen.beginPath(); pen.arc(x, 60, 25, 0, 7); pen.fill();
    };
    draw(30);
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm" });
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const ended = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    for (let i = 0; i < 30; i++) {
        draw(i < 15 ? 30 : 30 + 6 * (i - 14));
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    recorder.stop();
    await ended;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""


def picture(seed: int, blurred: bool = False, size: tuple[int, int] = (96, 72)) -> bytes:
    random = np.random.default_rng(seed)
    image = Image.fromarray(random.integers(0, 255, (6, 8, 3), np.uint8)).resize(size, Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    (image.filter(ImageFilter.GaussianBlur(12)) if blurred else image).save(buffer, "PNG")
    return buffer.getvalue()


def make_tab(page: Page) -> None:
    page.set_default_timeout(PATIENCE_MS)
    page.get_by_role("tab", name="Make").click()
    page.locator(".tf-make").wait_for()


def new_project(page: Page) -> None:
    make_tab(page)
    if page.get_by_label("Project", exact=True).is_visible():
        page.get_by_label("Project", exact=True).select_option("")


def settled(page: Page, projects: Projects, check: Any) -> Any:
    """What the newest project's file says, once `check` of it is true."""
    for _ in range(400):
        project = projects.get(projects.names()[0])
        if check(project):
            return project
        page.wait_for_timeout(50)
    raise AssertionError(project)


def tiles(page: Page) -> Any:
    return page.locator(".tf-make-tile")


def mode(page: Page, name: str) -> None:
    page.get_by_role("radiogroup", name="A click").get_by_role("radio", name=name).check()


def class_count(page: Page, name: str) -> int:
    return int(page.locator(f".tf-make-class[data-name='{name}'] small").inner_text())


@contextmanager
def served(projects: Projects, root: Path, files: Path) -> Iterator[str]:
    """The address of a page with this tab, over a tiny bundle that is built in `root`; `files` is Gradio's folder."""
    tiny.build(root / "digits", name="digits")
    bundles, unavailable = open_bundles(root, choose_provider("cpu"))
    maker = Maker(projects, bundles, choose_provider("cpu"), OWN_MACHINE)
    maker.start()
    with launched(bundles, unavailable, files=files, routes=make_routes(maker), make=True) as url:
        yield url
        maker.close()
