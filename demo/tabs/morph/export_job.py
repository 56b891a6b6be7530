"""The export of a morph as a file, in a thread of its own that reports its progress and can be stopped.

Frames go to the encoder as they are drawn, and the file to the disk: a long film takes no more memory than a short one.
It is drawn in the background (demo/serving/batching.py): visitors' pictures come first.
"""

import base64
import io
import shutil
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from bundle.errors import Busy, InputError, UserError
from bundle.full_disk import is_disk_full
from demo import arguments
from demo.data_urls import MEDIA_TYPES, data_url
from demo.serving.batching import DEADLINE, Caller, caller, on_behalf_of
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import morph_export, video
from demo.tabs.morph.morph_export import FORMATS, ExportFormat, Morph

REPORT_EVERY = 0.2  # seconds between two reports of progress
WAITS = (1.0, 2.0, 4.0, 8.0)  # seconds before frames that were refused are asked for anew
SETTLED = 1.0  # seconds of drawing before the time that is left is told
MOST_BYTES = 300_000_000  # of a file
ROOM = 10_000_000  # bytes that are free besides a film, which lies on the disk twice for a moment where it is an MP4
PART = 3_000_000  # bytes of a file in one line; a multiple of three, so that the parts in base64 are those of the whole
TOO_LARGE = f"The file grew beyond {MOST_BYTES // 1_000_000} MB: make the film shorter, or ask for MP4."
FULL = "The disk of this server has too little room: no film can be written now."


class Cancelled(Exception):
    """The visitor has cancelled the export or left."""


@dataclass
class Job:
    """An export in a thread of its own; setting `gone` stops it within a frame. Then `file` holds all of it, or `error`
    is set. `visitor`: who takes turns with others at the graphs."""

    morph: Morph
    file_format: ExportFormat
    file: BinaryIO
    visitor: str = ""
    gone: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)
    drawn: int = 0
    error: Exception | None = None

    def work(self) -> None:
        """Draw and write; the body of the thread."""
        try:
            morph_export.write(self.morph, self._frames(), self.file_format, self.file, self._check)
            self.file.flush()
        except OSError as error:
            self.error = InputError(FULL) if is_disk_full(error) else error
        except Exception as error:
            self.error = error
        finally:
            if self.gone.is_set():
                self.file.close()

    def _frames(self) -> Iterator[np.ndarray]:
        for part in self.morph.served.frame_parts(self.morph.shares):
            for frame in self._part(part):
                yield frame
                self.drawn += 1

    def _part(self, shares: np.ndarray) -> np.ndarray:
        """The frames at these shares; what a crowd of visitors refuses is asked for anew, as nobody waits for it."""
        waits = iter(WAITS)
        while True:
            self._check(0)
            until = time.monotonic() + DEADLINE
            try:
                with on_behalf_of(Caller(until, self.gone, visitor=self.visitor, background=True)):
                    return self.morph.drawn(shares)
            except Busy:
                if (wait := next(waits, None)) is None:
                    raise
                self.gone.wait(wait)

    def _check(self, size: int) -> None:
        """Raises Cancelled once the visitor has gone, InputError for a file of too many bytes."""
        if self.gone.is_set():
            raise Cancelled
        if size > MOST_BYTES:
            raise InputError(TOO_LARGE)

    def report(self) -> dict[str, Any]:
        """The progress, from 0 to 1, how many frames are drawn and written, and the seconds that are left, or None."""
        spent, count = time.monotonic() - self.began, self.morph.frames
        left = None
        if self.drawn and spent > SETTLED:
            left = round(spent / self.drawn * (count - self.drawn), 1)
        return {"progress": self.drawn / count, "done": self.drawn, "of": count, "left": left}


def exported(served: ServedBundle, asked: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
    """Reports of progress, then the file: {"part": base64} for each stretch of a long one, and last what it is, with a
    data URL of a short one. `asked`: format, and what morph_export.read takes. Raises UserError for a wrong request.
    Closing the generator stops the work."""
    file_format = arguments.choice(asked.get("format"), FORMATS, "format")
    missing = video.missing() if file_format == "mp4" else ""
    if missing:
        raise UserError(missing)
    morph = morph_export.read(served, asked).held_by(file_format)
    morph_export.check_size(morph, file_format)
    if shutil.disk_usage(tempfile.gettempdir()).free < 2 * most_bytes(morph, file_format) + ROOM:
        raise UserError(FULL)
    return _reports(morph, file_format, caller().visitor)


def most_bytes(morph: Morph, file_format: ExportFormat) -> int:
    """How large its file can grow: as large as its pixels in colour, or MOST_BYTES; of a film-strip, about."""
    height, width = morph_export.frame_size(morph.served, file_format)
    return min(MOST_BYTES, 3 * morph.frames * height * width)


def _reports(morph: Morph, file_format: ExportFormat, visitor: str) -> Generator[dict[str, Any], None, None]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever is the last to use it closes it
    job = Job(morph, file_format, file, visitor)
    worker = threading.Thread(target=job.work, daemon=True)
    worker.start()
    try:
        yield job.report()
        while worker.is_alive():
            worker.join(REPORT_EVERY)
            yield job.report()
        if job.error:
            raise job.error
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        about = {"bytes": size, "format": file_format, "name": morph.file_name(file_format), "about": morph.about()}
        if size <= PART:
            yield about | {"href": data_url(file.read(), file_format)}
            return
        while part := file.read(PART):
            yield {"part": base64.b64encode(part).decode()}
        yield about | {"type": MEDIA_TYPES[file_format]}
    finally:
        job.gone.set()
        if not worker.is_alive():  # else it closes the file itself: nobody waits for it here
            file.close()
