"""A morph as a file: reading the request, drawing the frames in parts, and writing each format."""

import io
import json
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import numpy as np

from bundle import images, latents
from bundle.attribute_moves import AttributeMoves
from bundle.errors import InputError
from bundle.latents import Key, PathMode
from bundle.marks import Film, Mark, MorphFrame, formats, trained
from bundle.model import Model
from bundle.own_directions import OwnMove
from demo import arguments
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import animation, film_strip, keyframes, video

MAX_FPS = 50  # frames a second
PATH_FORMAT = 1  # of path.json

ExportFormat = Literal["webp", "gif", "mp4", "film-strip", "png-strip", "zip"]
EXTENSIONS: dict[ExportFormat, str] = {
    "webp": "webp", "gif": "gif", "mp4": "mp4", "film-strip": "png", "png-strip": "png", "zip": "zip",
}  # fmt: skip
FORMATS: tuple[ExportFormat, ...] = tuple(EXTENSIONS)
MOVING: tuple[ExportFormat, ...] = ("webp", "gif", "mp4")

OnFrame = Callable[[], None]


@dataclass(frozen=True)
class Morph:
    """A checked request. `classes`: one index a key; empty for a bundle without classes. `fps`: frames a second.
    `attributes`: moves along attributes and own directions, `bend`: what is done to the styles of stages; the same in
    every frame."""

    served: ServedBundle
    model: Model
    keys: tuple[Key, ...]
    classes: tuple[int, ...]
    mode: PathMode
    loop: bool
    truncation: float
    frames: int
    fps: int
    attributes: AttributeMoves = field(default_factory=dict)
    bend: Mapping[str, float] = field(default_factory=dict)

    def weights(self) -> np.ndarray | None:
        """Class weights [keys, K]; None for a bundle without classes."""
        kinds = self.served.classes
        return np.stack([latents.one_hot(c, kinds) for c in self.classes]) if self.classes else None

    def parts(self) -> Iterator[np.ndarray]:
        """The frames in order, uint8 [n, H, W, C], a few at a time."""
        shares = latents.path_shares(self.frames, self.loop)
        along = (self.weights(), self.mode, self.loop, self.truncation, self.model, self.attributes, self.bend)
        return map(images.to_uint8, self.served.morph_parts(self.keys, shares, *along))

    def file_name(self, file_format: ExportFormat) -> str:
        """The name under which a browser saves the file."""
        keys = "-".join(keyframes.text(key).replace(":", "_") for key in self.keys)
        return f"{self.served.info.name}-morph-{keys}.{EXTENSIONS[file_format]}"

    def about(self) -> str:
        """The morph in words."""
        return f"{self.frames} frames through {', '.join(map(keyframes.name, self.keys))}"

    def mark(self, file_format: ExportFormat) -> Mark:
        """The mark of a file of this format."""
        strip = file_format == "png-strip"
        film = Film(
            **self._along(),
            frames=self.frames,
            fps=self.fps if file_format in MOVING else 0,
            columns=self.frames if strip else 0,
            print=file_format == "film-strip",
        )
        return trained(self.served.engine.bundle, film)

    def frame_mark(self, share: float) -> Mark:
        """The mark of the frame at a share of the path."""
        return trained(self.served.engine.bundle, MorphFrame(**self._along(), p=share))

    def _along(self) -> dict[str, Any]:
        along: dict[str, Any] = {"m": self.model, "t": self.truncation, "keys": self.keys, "classes": self.classes}
        along |= {"attributes": dict(self.attributes), "bend": dict(self.bend)}
        return along | {"path": self.mode, "loop": self.loop}

    def path(self) -> dict[str, Any]:
        """The content of path.json: everything needed to draw the frames again."""
        info, names = self.served.info, self.served.info.dataset.classes
        moves = {
            name: move.model_dump() if isinstance(move, OwnMove) else move for name, move in self.attributes.items()
        }
        keys = []
        for i, key in enumerate(self.keys):
            place = {"x": key[0], "y": key[1]} if isinstance(key, tuple) else {"seed": key}
            keys.append(place | ({"class": self.classes[i], "label": names[self.classes[i]]} if self.classes else {}))
        return {
            "format": "twofold-morph",
            "format_version": PATH_FORMAT,
            "bundle": info.name,
            "bundle_version": self.served.engine.bundle.version,
            "model": self.model,
            "keys": keys,
            "mode": self.mode,
            "loop": self.loop,
            "truncation": self.truncation,
            **({"attributes": moves} if moves else {}),
            **({"bend": dict(self.bend)} if self.bend else {}),
            "frames": self.frames,
            "frames_per_second": self.fps,
            "shares": latents.path_shares(self.frames, self.loop).tolist(),
            "live": self._live(),
        }

    def _live(self) -> str:
        """The address, relative to the page's, of the frame at a share {p} of the path."""
        classes = f"&classes={','.join(map(str, self.classes))}" if self.classes else ""
        keys = ",".join(map(keyframes.text, self.keys))
        changes = ""
        for parameter, moves in (("attributes", self.attributes), ("bend", self.bend)):
            text = ",".join(f"{quote(quote(name, safe=' '))}:{_in_address(move)}" for name, move in moves.items())
            changes += f"&{parameter}={text}" if text else ""
        return (
            f"live/{self.served.info.name}/morph?m={self.model}&keys={keys}{classes}"
            f"&path={self.mode}&loop={int(self.loop)}&t={self.truncation:g}{changes}&p={{p}}"
        )


def _plain(move: float | OwnMove) -> float | dict[str, Any]:
    return move.model_dump() if isinstance(move, OwnMove) else move


def _in_address(move: float | OwnMove) -> str:
    return f"{move.amount:g}*{move.vector}" if isinstance(move, OwnMove) else f"{move:g}"


def read(served: ServedBundle, asked: Mapping[str, Any]) -> Morph:
    """The morph that a request asks for: m, t, keys, classes, mode, loop, frames, fps, attributes, bend. Raises
    UserError."""
    keys = arguments.keys(asked.get("keys"), 2, arguments.MAX_KEYS)
    given = asked.get("classes") or [None] * len(keys)
    if not isinstance(given, list) or len(given) != len(keys):
        raise InputError("There must be one class for each keyframe, or none.")
    if not served.classes and any(c is not None for c in given):
        raise InputError(f"Bundle '{served.info.name}' has no classes.")
    classes = [
        latents.key_class(key, served.classes) if c is None else arguments.whole(c, "class", 0, served.classes - 1)
        for key, c in zip(keys, given, strict=True)
        if served.classes
    ]
    loop = asked.get("loop", False)
    if not isinstance(loop, bool):
        raise InputError("The loop must be true or false.")
    model = arguments.model(asked.get("m"), served)
    return Morph(
        served=served,
        model=model,
        keys=tuple(keys),
        classes=tuple(classes),
        mode=arguments.choice(asked.get("mode"), latents.PATH_MODES, "mode"),
        loop=loop,
        truncation=arguments.truncation(asked.get("t")),
        frames=arguments.whole(asked.get("frames"), "number of frames", 2, arguments.MAX_FRAMES),
        fps=arguments.whole(asked.get("fps"), "number of frames a second", 1, MAX_FPS),
        attributes=arguments.attributes(asked.get("attributes"), served, model),
        bend=arguments.bend(asked.get("bend"), served),
    )


def write(morph: Morph, frames: np.ndarray, file_format: ExportFormat, on_frame: OnFrame = lambda: None) -> bytes:
    """The bytes of a file with a morph's frames, uint8 [N, H, W, C].

    webp, gif, png-strip: see animation.encode. mp4: H.264, see video.encode. film-strip: for print, see
    film_strip.sheet. zip: the frames as PNGs in their own size, and path.json. Every picture has its mark. `on_frame`
    is called before each frame and may raise an exception to stop.
    """
    if file_format == "zip":
        return _zipped(morph, frames, on_frame)
    if file_format == "film-strip":
        return film_strip.sheet(frames, _captions(morph), _title(morph), morph.mark(file_format))
    if file_format == "mp4":
        return video.encode(frames, morph.fps, on_frame, mark=morph.mark(file_format))
    mark = morph.mark(file_format)
    return animation.encode(frames, file_format, round(1000 / morph.fps), on_frame=on_frame, mark=mark)


def _zipped(morph: Morph, frames: np.ndarray, on_frame: OnFrame) -> bytes:
    files = [f"frame-{i:03}.png" for i in range(len(frames))]
    path = morph.path() | {"files": files}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # ZipInfo without a date: the same bytes again
        archive.writestr(
            zipfile.ZipInfo("path.json"), json.dumps(path, indent=2, ensure_ascii=False), zipfile.ZIP_DEFLATED
        )
        shares = latents.path_shares(morph.frames, morph.loop).tolist()
        for name, frame, share in zip(files, frames, shares, strict=True):
            on_frame()
            archive.writestr(zipfile.ZipInfo(name), formats.png(frame, morph.frame_mark(share)))
    return buffer.getvalue()


def _captions(morph: Morph) -> list[film_strip.Caption]:
    """Under each frame its number; under the frame nearest to a key also that key and its class."""
    segments = len(morph.keys) if morph.loop else len(morph.keys) - 1
    shares = latents.path_shares(morph.frames, morph.loop)
    captions = [film_strip.Caption(str(i + 1)) for i in range(morph.frames)]
    for i, key in enumerate(morph.keys):
        nearest = int(np.abs(shares - i / segments).argmin())
        if math.isclose(shares[nearest], i / segments, abs_tol=0.5 / morph.frames):
            label = morph.served.info.dataset.classes[morph.classes[i]] if morph.classes else ""
            kind = f"Class {label if film_strip.printable(label) else morph.classes[i]}" if label else ""
            words = keyframes.name(key)
            captions[nearest] = film_strip.Caption(str(nearest + 1), words[0].upper() + words[1:], kind)
    return captions


def _title(morph: Morph) -> str:
    title = morph.served.info.title if film_strip.printable(morph.served.info.title) else morph.served.info.name
    loop = ", loop" if morph.loop else ""
    return (
        f"{title}: {morph.about()}. {morph.model.upper()}, {morph.mode} path{loop}, "
        f"{'temperature' if morph.model == 'vae' else 'truncation'} {morph.truncation:g}."
    )
