"""Frames -> MP4, by an ffmpeg program if there is one: the demo does not require it.

H.264 with yuv420p, even width and height, and the index in front: what browsers, phones and slides play. ffmpeg is
called directly and not through imageio, which would be one more requirement, can neither be cancelled nor time out,
and hides ffmpeg's errors.
"""

import errno
import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from bundle import images
from bundle.errors import UserError
from bundle.marks import Mark, formats

HOW_TO_GET_IT = "pip install imageio-ffmpeg, or put an ffmpeg program on the PATH, then start the server again"
MISSING = f"There is no MP4 encoder on this server: {HOW_TO_GET_IT}."
# The H.264 encoders that an ffmpeg may have, best first, with settings for nearly lossless quality.
ENCODERS = {"libx264": ("-crf", "12", "-preset", "fast"), "libopenh264": ("-b:v", "8M")}
LISTING_SECONDS = 10.0  # for a program to list its encoders
STALLED_SECONDS = 120.0  # without taking a frame, or after the last one
TOO_SLOW = f"ffmpeg did nothing for {STALLED_SECONDS:g} s and was stopped; ask for fewer frames, or for WebP."
NICE = 10  # how far ffmpeg stands back behind the server, as `nice` counts


def program() -> str | None:
    """The path of ffmpeg: of the package imageio-ffmpeg, or on the PATH; None if there is neither."""
    try:
        return importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError):  # not installed; or installed without its program
        return shutil.which("ffmpeg")


def encoder(ffmpeg: str) -> str | None:
    """The best H.264 encoder of an ffmpeg program; None if it has none."""
    try:
        done = subprocess.run(
            [ffmpeg, "-hide_banner", "-encoders"], capture_output=True, text=True, timeout=LISTING_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    offered = {word for line in done.stdout.splitlines() for word in line.split()[1:2]}
    return next((name for name in ENCODERS if name in offered), None)


def missing() -> str:
    """Why no MP4 can be written here; empty if one can."""
    try:
        _tools()
    except UserError as error:
        return str(error)
    return ""


def encode(frames: np.ndarray, fps: int, size: int = 256, *, mark: Mark) -> bytes:
    """Frames uint8 [N, H, W, C], enlarged to about `size` pixels, as MP4 with its mark; raises as `write`."""
    with tempfile.TemporaryFile() as file:
        write(frames, fps, file, mark, size)
        file.seek(0)
        return file.read()


def write(
    frames: Iterable[np.ndarray],
    fps: int,
    file: BinaryIO,
    mark: Mark,
    size: int = 256,
    on_growth: Callable[[int], None] = lambda size: None,
) -> None:
    """Frames uint8 [H, W, C], one after the other, enlarged to about `size` pixels, as MP4 with `fps` frames a second
    and its mark.

    `on_growth` is called with the bytes written so far, before each frame and while ffmpeg finishes, and may raise an
    exception to stop. Raises UserError when there is no encoder, or it fails.
    """
    ffmpeg, chosen = _tools()
    waiting = iter(frames)
    first = next(waiting)
    height, width = (side + side % 2 for side in images.upscale(first, size).shape[:2])
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder, "morph.mp4")  # a file and no pipe: ffmpeg goes back to write the index in front
        command = [
            ffmpeg, "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "pipe:0", "-an",
            "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-colorspace", "bt709",
            "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
            "-c:v", chosen, *ENCODERS[chosen], "-movflags", "+faststart", str(video),
        ]  # fmt: skip

        def look() -> None:
            on_growth(video.stat().st_size if video.is_file() else 0)

        # A file, too: nobody reads a pipe while the frames are written.
        with Path(folder, "log").open("w+b") as log:
            _feed(command, (_rgb(frame, size, width, height) for frame in chain([first], waiting)), log, look)
            trouble = _last_line(log)
        if not video.is_file() or not video.stat().st_size:
            raise UserError(f"ffmpeg wrote no file ({trouble or 'and does not say why'}).")
        with video.open("rb") as written:
            shutil.copyfileobj(written, file)
    file.write(formats.mp4_box(mark))


def _tools() -> tuple[str, str]:
    """The ffmpeg program and its encoder. Raises UserError when one is missing."""
    ffmpeg = program()
    if ffmpeg is None:
        raise UserError(MISSING)
    chosen = encoder(ffmpeg)
    if chosen is None:
        raise UserError(f"The ffmpeg of this server has no H.264 encoder: {HOW_TO_GET_IT}.")
    return ffmpeg, chosen


def _feed(command: Sequence[str], frames: Iterator[bytes], log: IO[bytes], look: Callable[[], None]) -> None:
    """Run ffmpeg on the frames; whatever happens, the process has ended afterwards."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log)
    _stand_back(process.pid)
    alarm = _Alarm(process)
    assert process.stdin  # a pipe
    try:
        for frame in frames:
            look()
            with alarm, _one_error_of_a_broken_pipe():
                process.stdin.write(frame)
        with alarm:
            with _one_error_of_a_broken_pipe():
                process.stdin.close()
            while process.poll() is None:
                look()
                time.sleep(0.05)
        if process.returncode:
            raise UserError(TOO_SLOW if alarm.rang else f"ffmpeg failed ({_why(process.returncode, log)}).")
    except BrokenPipeError as error:
        why = _why(process.wait(), log)
        raise UserError(TOO_SLOW if alarm.rang else f"ffmpeg ended before the last frame ({why}).") from error
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):  # what was written but not read
            process.stdin.close()


@contextmanager
def _one_error_of_a_broken_pipe() -> Iterator[None]:
    """Writing to a process that has ended raises BrokenPipeError, on Windows too, whose error is EINVAL there."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise BrokenPipeError from error


class _Alarm:
    """Kills a process that keeps what stands in its `with` waiting for STALLED_SECONDS; `rang` then. A film may take
    longer than that, as its frames are drawn meanwhile. One thread watches, however many frames there are."""

    def __init__(self, process: "subprocess.Popen[bytes]"):
        self._process, self._until, self.rang = process, float("inf"), False
        threading.Thread(target=self._watch, daemon=True).start()

    def __enter__(self) -> None:
        self._until = time.monotonic() + STALLED_SECONDS

    def __exit__(self, *_: object) -> None:
        self._until = float("inf")

    def _watch(self) -> None:
        while self._process.returncode is None:
            if time.monotonic() > self._until:
                self.rang = True
                self._process.kill()
                return
            time.sleep(min(0.5, STALLED_SECONDS / 4))


def _stand_back(process: int) -> None:
    """Let a process run only when others do not need the processor, where the system can."""
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process, NICE)


def _why(status: int, log: IO[bytes]) -> str:
    """Why ffmpeg ended: the last line that it wrote, or how it ended. `status`: its exit code, below 0 for a signal."""
    if status == -getattr(signal, "SIGKILL", 9):  # what it wrote before is not the reason
        return "the system stopped it, perhaps for want of memory"
    ended = f"by signal {-status}" if status < 0 else f"with status {status}"
    return _last_line(log) or f"it ended {ended} and does not say why"


def _last_line(log: IO[bytes]) -> str:
    """The last line that ffmpeg wrote to its log; empty without any."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _rgb(frame: np.ndarray, size: int, width: int, height: int) -> bytes:
    """One frame as RGB bytes; an odd side repeats its last pixels."""
    large = images.upscale(frame, size)
    large = np.pad(large, ((0, height - large.shape[0]), (0, width - large.shape[1]), (0, 0)), mode="edge")
    return np.ascontiguousarray(np.broadcast_to(large, (height, width, 3))).tobytes()
