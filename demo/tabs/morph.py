"""Morph: the page scrubs through the live route; this module exports the whole path as a file."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
import numpy as np

from demo import arguments as check
from demo import images, latents
from demo.api import QUEUE
from demo.errors import UserError
from demo.shown import data_address
from demo.studio import Studio
from demo.widgets import widget

STEP = 12  # frames between two reports of progress
ENDINGS = {"webp": "webp", "gif": "gif", "png-strip": "png"}

log = logging.getLogger(__name__)


def build(facts: dict[str, Any], studios: Mapping[str, Studio]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    morph = widget("morph", facts)

    def export(event: gr.EventData) -> Iterator[dict[str, Any]]:
        asked = event._data if isinstance(event._data, dict) else {}
        job = {"job": asked.get("job")}
        try:
            for report in exported(studios, asked):
                yield job | report
        except UserError as error:
            yield job | {"error": str(error)}
        except Exception:
            log.exception("A morph could not be exported")
            yield job | {"error": "The morph could not be exported; the server's log says why."}

    morph.export(export, None, morph, api_visibility="private", show_progress="hidden", **QUEUE)


def exported(studios: Mapping[str, Studio], asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Reports of progress, then the file as a data address. UserError with a sentence for a wrong wish."""
    studio = check.studio(studios, asked.get("b"))
    seeds = check.seeds(asked.get("seeds"), 2, check.MAX_KEYS)
    classes = check.key_classes(asked.get("classes"), len(seeds), studio)
    form = check.choice(asked.get("format"), tuple(ENDINGS), "format")
    mode = check.choice(asked.get("mode"), latents.PATH_MODES, "path")
    loop = asked.get("loop") is True
    truncation, model = check.truncation(asked.get("t")), check.model(asked.get("m"), studio)
    count = check.whole(asked.get("frames"), "number of frames", 2, check.MAX_FRAMES)
    pace = check.whole(asked.get("fps"), "number of frames a second", 1, 50)

    shares = latents.path_shares(count, loop)
    drawn: list[np.ndarray] = []
    for start in range(0, count, STEP):
        yield {"progress": 0.9 * start / count, "about": f"{start} of {count} frames"}
        part = studio.morph_at(seeds, shares[start : start + STEP], classes, mode, loop, truncation, model)
        drawn.append(images.to_uint8(part))
    yield {"progress": 0.9, "about": "Writing the file"}
    data = images.animation(np.concatenate(drawn), form, round(1000 / pace))
    yield {
        "href": data_address(data, form),
        "bytes": len(data),
        "format": form,
        "name": f"{studio.info.name}-morph-{'-'.join(map(str, seeds))}.{ENDINGS[form]}",
        "about": f"{count} frames through seeds {', '.join(map(str, seeds))}",
    }
