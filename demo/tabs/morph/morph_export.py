"""A morph as a file: reading the request, drawing the frames in parts, and writing each format, frame by frame."""

import io
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, BinaryIO, Literal
from urllib.parse import quote

import numpy as np

from bundle import images, latents, paths
from bundle.attribute_moves import AttributeMoves
from bundle.errors import InputError
from bundle.latents import Key, MapPoint
from bundle.marks import Film, Mark, MorphFrame, formats, trained
from bundle.model import Model
from bundle.own_directions import OwnMove
from bundle.paths import MAX_SECONDS, PathMode, Timing, timing
from demo import arguments
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import animation, film_strip, keyframes, video

MAX_FPS = 60  # frames a second
SHORTEST = 2.0  # seconds of a film that is asked for by its length
MOST_PIXELS = 36_000 * 256 * 256  # of a film, as it is written: ten minutes of 60 frames a second
MOST_STRIP_PIXELS = 240 * 512 * 512  # of all frames of a strip, which are in memory at once, more than once
NAMED_KEYS = 6  # more than these are counted
PATH_FORMAT = 2  # of path.json

ExportFormat = Literal["webp", "gif", "mp4", "film-strip", "png-strip", "zip"]
EXTENSIONS: dict[ExportFormat, str] = {
    "webp": "webp", "gif": "gif", "mp4": "mp4", "film-strip": "png", "png-strip": "png", "zip": "zip",
}  # fmt: skip
FORMATS: tuple[ExportFormat, ...] = tuple(EXTENSIONS)
MOVING: tuple[ExportFormat, ...] = ("webp", "gif", "mp4")
STRIPS: tuple[ExportFormat, ...] = ("film-strip", "png-strip")  # all frames in one picture, which is drawn in memory

Growth = Callable[[int], None]  # is told the bytes written so far, and may raise an exception to stop


@dataclass(frozen=True)
class Morph:
    """A checked request. `classes`: one index a key; empty for a bundle without classes. `fps`: frames a second.
    `attributes`: moves along attributes and own directions, `bend`: what is done to the styles of stages; the same in
    every frame. `timed`: when it is at its keys; None: evenly."""

    served: ServedBundle
    model: Model
    keys: tuple[Key, ...]
    classes: tuple[int, ...]
    path_mode: PathMode
    loop: bool
    truncation: float
    frames: int
    fps: int
    attributes: AttributeMoves = field(default_factory=dict)
    bend: Mapping[str, float] = field(default_factory=dict)
    timed: Timing | None = None

    @property
    def shares(self) -> np.ndarray:
        """Where the frames lie in the film's time, [frames] in [0, 1]."""
        return paths.path_shares(self.frames, self.loop)

    def held_by(self, file_format: ExportFormat) -> "Morph":
        """The morph as a format can hold it: of a GIF at most animation.GIF_RATE frames a second, in the same time."""
        if file_format != "gif" or self.fps <= animation.GIF_RATE:
            return self
        frames = max(2, round(self.frames * animation.GIF_RATE / self.fps))
        return replace(self, frames=frames, fps=animation.GIF_RATE)

    def weights(self) -> np.ndarray | None:
        """Class weights [keys, K]; None for a bundle without classes."""
        class_count = self.served.class_count
        return np.stack([latents.one_hot(c, class_count) for c in self.classes]) if self.classes else None

    def parts(self) -> Iterator[np.ndarray]:
        """The frames in order, uint8 [n, H, W, C], a few at a time."""
        for part in self.served.frame_parts(self.shares):
            yield self.drawn(part)

    def drawn(self, part: np.ndarray) -> np.ndarray:
        """The frames at shares [n] of the path, uint8 [n, H, W, C]."""
        along = (self.weights(), self.path_mode, self.loop, self.truncation, self.model)
        changes = (self.attributes, self.bend, self.timed)
        return images.to_uint8(self.served.morph_at(self.keys, part, *along, *changes))

    def file_name(self, file_format: ExportFormat) -> str:
        """The name under which a browser saves the file."""
        named = [keyframes.text(key).replace(":", "_") for key in self.keys]
        keys = "-".join(named) if len(named) <= NAMED_KEYS else f"{len(named)}-keyframes"
        return f"{self.served.info.name}-morph-{keys}.{EXTENSIONS[file_format]}"

    def about(self) -> str:
        """The morph in words."""
        few = len(self.keys) <= NAMED_KEYS
        through = ", ".join(map(keyframes.name, self.keys)) if few else f"{len(self.keys)} keyframes"
        return f"{self.frames} frames through {through}"

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
        along |= {"path": self.path_mode, "loop": self.loop, "attributes": dict(self.attributes)}
        along |= {"bend": dict(self.bend)}
        if self.timed is None:
            return along
        times = [round(time, 4) for time in self.timed.times]
        return along | {"times": times, "easing": self._easing(), "seconds": round(self.timed.seconds, 4)}

    def _easing(self) -> tuple[str, ...]:
        """The easing of each key; empty where all are linear."""
        easing = self.timed.easing if self.timed else ()
        return easing if set(easing) - {"linear"} else ()

    def path_file(self) -> dict[str, Any]:
        """The content of path.json: everything needed to draw the frames again."""
        info, names = self.served.info, self.served.info.dataset.classes
        moves = {name: _plain(move) for name, move in self.attributes.items()}
        keys = []
        for i, key in enumerate(self.keys):
            place: dict[str, Any] = {"seed": key}
            if isinstance(key, MapPoint):
                place = {"map": key.projection, "x": key.x, "y": key.y}
            elif isinstance(key, tuple):
                place = {"x": key[0], "y": key[1]}
            keys.append(place | ({"class": self.classes[i], "label": names[self.classes[i]]} if self.classes else {}))
        return {
            "format": "twofold-morph",
            "format_version": PATH_FORMAT,
            "bundle": info.name,
            "bundle_version": self.served.engine.bundle.version,
            "model": self.model,
            "keys": keys,
            "path": self.path_mode,
            "mode": self.path_mode,  # its older name, which scripts read
            "loop": self.loop,
            "truncation": self.truncation,
            **({"attributes": moves} if moves else {}),
            **({"bend": dict(self.bend)} if self.bend else {}),
            "frames": self.frames,
            "frames_per_second": self.fps,
            **(asdict(self.timed) if self.timed else {}),
            "shares": self.shares.tolist(),
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
            f"&path={self.path_mode}&loop={int(self.loop)}&t={keyframes.short(self.truncation)}{changes}"
            f"{self._live_times()}&p={{p}}"
        )

    def _live_times(self) -> str:
        if self.timed is None:
            return ""
        times = ",".join(f"{time:.10g}" for time in self.timed.times)
        return f"&times={times}&easing={','.join(self.timed.easing)}&seconds={self.timed.seconds:.10g}"


def _plain(move: float | OwnMove) -> float | dict[str, Any]:
    """A move as JSON has it."""
    return move.model_dump() if isinstance(move, OwnMove) else move


def _in_address(move: float | OwnMove) -> str:
    """A move as an address has it."""
    if isinstance(move, OwnMove):
        return f"{keyframes.short(move.amount)}*{move.vector}"
    return keyframes.short(move)


def read(served: ServedBundle, asked: Mapping[str, Any]) -> Morph:
    """The morph that a request asks for: m, t, keys, classes, path (`mode` in older requests), loop, attributes, bend;
    times, easing and the length in seconds; fps, and instead of a length the number of frames. Raises UserError."""
    keys = arguments.stops(asked.get("keys"))
    given = asked.get("classes") or [None] * len(keys)
    if not isinstance(given, list) or len(given) != len(keys):
        raise InputError("There must be one class for each keyframe, or none.")
    if not served.class_count and any(c is not None for c in given):
        raise InputError(f"Bundle '{served.info.name}' has no classes.")
    classes = [
        latents.key_class(key, served.class_count)
        if c is None
        else arguments.whole(c, "class", 0, served.class_count - 1)
        for key, c in zip(keys, given, strict=True)
        if served.class_count
    ]
    loop = asked.get("loop", False)
    if not isinstance(loop, bool):
        raise InputError("The loop must be true or false.")
    frames, fps, seconds = _length(asked)
    easing = asked.get("easing") or []
    if not isinstance(easing, list):
        raise InputError("The easing must be a list of words, one for each keyframe.")
    model = arguments.model(asked.get("m"), served)
    if model == "gan" and any(isinstance(key, MapPoint) for key in keys):
        raise InputError(latents.NOT_OF_A_GAN)
    return Morph(
        served=served,
        model=model,
        keys=tuple(keys),
        classes=tuple(classes),
        path_mode=arguments.choice(asked.get("path", asked.get("mode")), paths.PATH_MODES, "path"),
        loop=loop,
        truncation=arguments.truncation(asked.get("t")),
        frames=frames,
        fps=fps,
        attributes=arguments.attributes(asked.get("attributes"), served, model),
        bend=arguments.bend(asked.get("bend"), served),
        timed=timing(
            arguments.numbers(asked.get("times"), "times", "time of a keyframe"), easing, seconds, len(keys), loop
        ),
    )


def _length(asked: Mapping[str, Any]) -> tuple[int, int, float]:
    """Frames, frames a second, and seconds: a film's length rules unless a number of frames is given, which may be
    of a shorter one."""
    fps = arguments.whole(asked.get("fps"), "number of frames a second", 1, MAX_FPS)
    length, counted = asked.get("seconds") or None, asked.get("frames") is not None
    least = 0 if counted else SHORTEST
    seconds = None if length is None else arguments.number(length, "length in seconds", least, MAX_SECONDS)
    if seconds is not None and not counted:
        return max(2, round(seconds * fps)), fps, seconds
    frames = arguments.whole(asked.get("frames"), "number of frames", 2, arguments.MAX_FRAMES)
    return frames, fps, seconds or frames / fps


def frame_size(served: ServedBundle, file_format: ExportFormat) -> tuple[int, int]:
    """Height and width of a frame in pixels, as it is written; of a film-strip, which fits them to the paper, about."""
    picture = served.info.image
    factor = 1 if file_format == "zip" else max(1, round(animation.SIZE / picture.height))
    return factor * picture.height, factor * picture.width


def check_size(morph: Morph, file_format: ExportFormat) -> None:
    """Raises InputError for a film with more pixels than one may have, and for a strip of too many frames."""
    if file_format in STRIPS:
        check_strip(morph.served, morph.frames, file_format)
    height, width = frame_size(morph.served, file_format)
    most = MOST_PIXELS // (height * width)
    if morph.frames > most:
        raise InputError(
            f"A film of {width} x {height} pixels has at most {most} frames, not {morph.frames}: make it shorter, or "
            "choose fewer frames a second."
        )


def check_strip(served: ServedBundle, frames: int, file_format: ExportFormat) -> None:
    """Raises InputError for a strip of more frames, or of more pixels in all of them, than one may have."""
    if frames > arguments.MAX_FRAMES:
        raise InputError(f"A strip has at most {arguments.MAX_FRAMES} frames, not {frames}.")
    height, width = frame_size(served, file_format)
    most = MOST_STRIP_PIXELS // (height * width)
    if frames > most:
        raise InputError(f"A strip of pictures of {width} x {height} pixels has at most {most} frames, not {frames}.")


def write(
    morph: Morph,
    frames: Iterable[np.ndarray],
    file_format: ExportFormat,
    file: BinaryIO,
    on_growth: Growth = lambda size: None,
) -> None:
    """Write a morph's frames, uint8 [H, W, C] each, one after the other to a file that can be sought in. The morph is
    one that the format can hold.

    webp, gif: see animation. mp4: H.264, see video. film-strip: for print, see film_strip.sheet. png-strip: side by
    side. zip: the frames as PNGs in their own size, and path.json. Every picture has its mark.
    """

    def watched() -> Iterator[np.ndarray]:
        for frame in frames:
            on_growth(file.tell())
            yield frame

    mark = morph.mark(file_format)
    if file_format == "zip":
        _write_zip(morph, watched(), file)
    elif file_format == "mp4":
        video.write(frames, morph.fps, file, mark, on_growth=on_growth)
    elif file_format == "webp":
        animation.write_webp(watched(), animation.delays(morph.frames, morph.fps, 1000), file, mark)
    elif file_format == "gif":
        animation.write_gif(watched(), animation.delays(morph.frames, morph.fps, 100), file, mark)
    elif file_format == "film-strip":
        file.write(film_strip.sheet(np.stack(list(watched())), _captions(morph), _title(morph), mark))
    else:
        file.write(animation.encode(np.stack(list(watched())), "png-strip", mark=mark))


def as_bytes(morph: Morph, file_format: ExportFormat) -> bytes:
    """The file of a morph, drawn and written at once; for few frames."""
    held, file = morph.held_by(file_format), io.BytesIO()
    write(held, (frame for part in held.parts() for frame in part), file_format, file)
    return file.getvalue()


def _write_zip(morph: Morph, frames: Iterable[np.ndarray], file: BinaryIO) -> None:
    digits = max(3, len(str(morph.frames - 1)))
    files = [f"frame-{i:0{digits}}.png" for i in range(morph.frames)]
    path = morph.path_file() | {"files": files}
    with zipfile.ZipFile(file, "w") as archive:  # ZipInfo without a date: the same bytes again
        archive.writestr(
            zipfile.ZipInfo("path.json"), json.dumps(path, indent=2, ensure_ascii=False), zipfile.ZIP_DEFLATED
        )
        for name, frame, share in zip(files, frames, morph.shares.tolist(), strict=True):
            archive.writestr(zipfile.ZipInfo(name), formats.png(frame, morph.frame_mark(share)))


def _captions(morph: Morph) -> list[film_strip.Caption]:
    """Under each frame its number; under the frame nearest to a key also that key and its class."""
    shares = morph.shares
    captions = [film_strip.Caption(str(i + 1)) for i in range(morph.frames)]
    timed = morph.timed or Timing(paths.even_times(len(morph.keys), morph.loop, 1.0), (), 1.0)
    for i, (key, time) in enumerate(zip(morph.keys, timed.times, strict=True)):
        there = time / timed.seconds
        nearest = int(np.abs(shares - there).argmin())
        if math.isclose(shares[nearest], there, abs_tol=0.5 / morph.frames):
            label = morph.served.info.dataset.classes[morph.classes[i]] if morph.classes else ""
            kind = f"Class {label if film_strip.printable(label) else morph.classes[i]}" if label else ""
            words = keyframes.name(key)
            captions[nearest] = film_strip.Caption(str(nearest + 1), words[0].upper() + words[1:], kind)
    return captions


def _title(morph: Morph) -> str:
    title = morph.served.info.title if film_strip.printable(morph.served.info.title) else morph.served.info.name
    loop = ", loop" if morph.loop else ""
    return (
        f"{title}: {morph.about()}. {morph.model.upper()}, {morph.path_mode} path{loop}, "
        f"{'temperature' if morph.model == 'vae' else 'truncation'} {morph.truncation:g}."
    )
