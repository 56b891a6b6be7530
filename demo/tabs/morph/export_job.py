"""The export of a morph as a file, in a thread of its own that reports its progress and can be stopped."""

import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bundle.errors import UserError
from demo import arguments
from demo.data_urls import data_url
from demo.serving.batching import DEADLINE, Caller, caller, on_behalf_of
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import morph_export, video
from demo.tabs.morph.morph_export import FORMATS, ExportFormat, Morph

REPORT_EVERY = 0.2  # seconds between two reports of progress
DRAWING = 0.6  # the share of drawing in the progress of a job; the rest is writing


class Cancelled(Exception):
    """The visitor has cancelled the export or left."""


@dataclass
class Job:
    """An export in a thread of its own; setting `gone` stops it within a frame. Then `data` or `error` is set.
    `visitor`: who takes turns with others at the graphs."""

    morph: Morph
    file_format: ExportFormat
    visitor: str = ""
    gone: threading.Event = field(default_factory=threading.Event)
    drawn: int = 0
    written: int = 0
    data: bytes | None = None
    error: Exception | None = None

    def work(self) -> None:
        """Draw and write; the body of the thread."""
        try:
            frames = []
            parts = self.morph.parts()
            while True:
                self._stop_if_gone()
                with on_behalf_of(Caller(time.monotonic() + DEADLINE, self.gone, visitor=self.visitor)):
                    part = next(parts, None)
                if part is None:
                    break
                frames.append(part)
                self.drawn += len(part)
            self.data = morph_export.write(self.morph, np.concatenate(frames), self.file_format, self._next_frame)
        except Exception as error:
            self.error = error

    def _stop_if_gone(self) -> None:
        if self.gone.is_set():
            raise Cancelled

    def _next_frame(self) -> None:
        self._stop_if_gone()
        self.written += 1

    def report(self) -> dict[str, Any]:
        """The progress, from 0 to 1, and how many frames are drawn or written."""
        count = self.morph.frames
        writing = self.drawn == count
        share = DRAWING * self.drawn / count + (1 - DRAWING) * min(1.0, self.written / count)
        return {"progress": share, "done": self.written if writing else self.drawn, "of": count, "writing": writing}


def exported(served: ServedBundle, asked: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
    """Reports of progress, then the file as a data URL. `asked`: format, and what morph_export.read takes. Raises
    UserError for a wrong request. Closing the generator stops the work."""
    file_format = arguments.choice(asked.get("format"), FORMATS, "format")
    missing = video.missing() if file_format == "mp4" else ""
    if missing:
        raise UserError(missing)
    return _reports(Job(morph_export.read(served, asked), file_format, caller().visitor))


def _reports(job: Job) -> Generator[dict[str, Any], None, None]:
    worker = threading.Thread(target=job.work, daemon=True)
    worker.start()
    try:
        while worker.is_alive():
            yield job.report()
            worker.join(REPORT_EVERY)
    finally:
        job.gone.set()
    if job.data is None:
        raise job.error or Cancelled
    yield {
        "href": data_url(job.data, job.file_format),
        "bytes": len(job.data),
        "format": job.file_format,
        "name": job.morph.file_name(job.file_format),
        "about": job.morph.about(),
    }
