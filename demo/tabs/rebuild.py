"""Rebuild: a picture through the VAE, repaired where it is masked, and its closest picture of the GAN."""

import logging
from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np

from demo import arguments as check
from demo import images
from demo.api import QUEUE
from demo.errors import UserError
from demo.shown import image_address
from demo.studio import Studio
from demo.widgets import widget

log = logging.getLogger(__name__)


def build(facts: dict[str, Any], studios: Mapping[str, Studio]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    board = widget("rebuild", facts, "draw")

    def rebuild(event: gr.EventData) -> dict[str, Any]:
        asked = event._data if isinstance(event._data, dict) else {}
        number = {"n": asked.get("n")}
        try:
            return number | rebuilt(studios, asked)
        except UserError as error:
            return number | {"error": str(error)}
        except Exception:
            log.exception("A picture could not be rebuilt")
            return number | {"error": "The picture could not be rebuilt; the server's log says why."}

    board.rebuild(
        rebuild, None, board, api_visibility="private", show_progress="hidden", trigger_mode="multiple", **QUEUE
    )


def rebuilt(studios: Mapping[str, Studio], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the tab shows for one picture. UserError with a sentence for a wrong wish."""
    studio = check.studio(studios, asked.get("b"))
    engine, examples = studio.engine, studio.engine.bundle.examples
    rounds = check.rounds(asked.get("rounds", 0))
    if asked.get("test") is not None:
        index = check.whole(asked["test"], "number of the test picture", 0, len(examples) - 1)
        image = images.from_uint8(examples[[index]])
    else:
        image = check.picture_data(asked.get("picture"), studio)
    mask = check.mask_cells(asked.get("mask"), studio)

    shown: dict[str, Any] = {"input": image_address(image), "numbers": [], "probabilities": None, "rounds": rounds}
    if "vae" in studio.models:
        again = studio.reconstruct(image)
        shown |= {"vae": image_address(again.image), "difference": image_address(again.difference)}
        shown["numbers"] = [
            ["MSE", f"{again.mse:.5f}", "Mean squared error: 0 is perfect"],
            ["PSNR", f"{again.psnr:.1f} dB", "Peak signal-to-noise ratio: more is better"],
            ["SSIM", f"{again.ssim:.3f}", "Structural similarity: 1 is perfect"],
        ]
    if studio.classes and engine.has("classifier"):
        shown["probabilities"] = [round(float(p), 4) for p in studio.classify(image)[0]]
    if mask is not None and "vae" in studio.models and engine.has("repair"):
        shown["repair"] = image_address(studio.repair(image, mask, "vae"))
    if "gan" in studio.models and engine.has("inverter"):
        found = studio.invert(image, mask, rounds)
        shown |= {"gan": image_address(found.image), "ganError": f"{found.mse:.5f}"}
        if mask is not None:
            # The search may have moved w, so the hole is filled from its picture, not by a fresh inversion.
            shown["ganRepair"] = image_address(np.where(mask > 0, image, found.image))
    return shown
