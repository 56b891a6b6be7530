"""What draws a marked picture again on a server, which knows the tabs' own arithmetic besides seeds and morphs."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from starlette.datastructures import QueryParams

from bundle import images
from bundle.marks import Film, Mark, known_state
from bundle.marks.redraw import Drawing, drawn_again
from bundle.model import BundleModel
from demo.routes import explore, live
from demo.serving.served_bundle import ServedBundle
from demo.tabs import training_film
from demo.tabs.morph import morph_export

BY_ADDRESS = {**explore.PICTURES, "quiz": live.quiz_picture}


def drawn_here(served: BundleModel, mark: Mark) -> Drawing | None:
    """As bundle.marks.redraw.drawn_again; here also pictures of an address, sheets for print, films of a training."""
    assert isinstance(served, ServedBundle)
    state, given = known_state(mark), mark.state or {}
    # Of a film that moves only the first frames are compared; a strip would be drawn as a whole.
    if isinstance(state, Film) and (state.columns or state.print):
        morph_export.check_strip(served, state.frames, "film-strip" if state.print else "png-strip")
    if isinstance(state, Film) and state.print:
        return _of(_print_sheet(served, state))
    word = given.get("draw")
    if isinstance(word, str) and word in BY_ADDRESS:  # a stranger's may be anything that JSON has
        query = QueryParams({name: value for name, value in given.items() if isinstance(value, str) and name != "draw"})
        return _of(images.to_uint8(BY_ADDRESS[word](served, query))[0])
    if word == "training" and given.get("m") in served.models:
        frames = training_film.all_frames(served, given["m"])
        return _of(*frames, fps=training_film.FPS)
    return drawn_again(served, mark)


def _of(*pictures: np.ndarray, fps: int = 0) -> Drawing:
    height, width, _ = pictures[0].shape

    def all_of_them() -> Iterator[np.ndarray]:
        yield from pictures

    return Drawing(height, width, all_of_them, len(pictures), fps)


def _print_sheet(served: ServedBundle, film: Film) -> np.ndarray:
    """The sheet for print of a film, uint8 [H, W, 3]."""
    asked: dict[str, Any] = {"m": film.m, "t": film.t, "keys": list(film.keys), "path": film.path, "loop": film.loop}
    asked |= {"frames": film.frames, "fps": 1, "attributes": film.attributes, "bend": film.bend}
    asked |= {"classes": list(film.classes)}
    asked |= {"times": list(film.times), "easing": list(film.easing), "seconds": film.seconds}
    data = morph_export.as_bytes(morph_export.read(served, asked), "film-strip")
    with Image.open(io.BytesIO(data)) as sheet:
        return np.asarray(sheet.convert("RGB"))
