"""Compare: two models on the same seeds, their figures, a closer look at one picture, a quiz."""

import logging
from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np

from bundle import images, latents
from bundle.errors import UserError
from demo import arguments
from demo.data_urls import image_url, picture_url
from demo.routes.gradio_api import QUEUE
from demo.serving.served_bundle import ServedBundle
from demo.tabs.compare import occlusion
from demo.tabs.compare.nearest_training import nearest_training
from demo.widgets import widget

log = logging.getLogger(__name__)


def build(bundles: Mapping[str, ServedBundle]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    board = widget("compare", "look")
    widget("quiz")

    def look(event: gr.EventData) -> dict[str, Any]:
        asked = event._data if isinstance(event._data, dict) else {}
        number = {"n": asked.get("n")}
        try:
            return number | looked(bundles, asked)
        except UserError as error:
            return number | {"error": str(error)}
        except Exception:
            log.exception("A picture could not be examined")
            return number | {"error": "The picture could not be examined; the server's log says why."}

    board.look(look, None, board, api_visibility="private", show_progress="hidden", **QUEUE)


def looked(bundles: Mapping[str, ServedBundle], asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the critic attends to in a picture, and the training pictures nearest to it. Raises UserError.

    `asked`: b: bundle; test, picture (a data URL) or seed, m, t: the picture; c: its class, default that of the seed or
    of the test picture; cover: how windows are hidden."""
    served = arguments.bundle(bundles, asked.get("b"))
    cover = arguments.choice(asked.get("cover", "blur"), occlusion.COVERS, "cover")
    label = _label(served, asked)
    classes = None if label is None else latents.one_hot(label, served.classes)
    image = _picture(served, asked, classes)
    return {
        "picture": image_url(image),
        "critic": _attention(served, image, classes, cover),
        "nearest": nearest_training(served, image),
    }


def _label(served: ServedBundle, asked: Mapping[str, Any]) -> int | None:
    """The class that the picture is meant to show; None in a bundle without classes."""
    if not served.classes:
        return None
    if asked.get("test") is not None:
        return max(0, arguments.held_out_label(asked["test"], served))
    if asked.get("c") is None and asked.get("picture") is None:
        return latents.seed_class(arguments.seed(asked.get("seed")), served.classes)
    return arguments.whole(asked.get("c"), "class", 0, served.classes - 1)


def _picture(served: ServedBundle, asked: Mapping[str, Any], classes: np.ndarray | None) -> np.ndarray:
    """The image [1, C, H, W] in question: a seed's, a held-out one, or the visitor's own; rounded to bytes."""
    if asked.get("test") is not None:
        return arguments.held_out_picture(asked["test"], served)
    if asked.get("picture") is not None:
        return arguments.picture_data(asked["picture"], served)
    seed = arguments.seed(asked.get("seed"))
    drawn = served.sample(
        [seed], classes, arguments.truncation(asked.get("t", 1)), arguments.model(asked.get("m"), served)
    )
    return images.from_uint8(images.to_uint8(drawn))


def _attention(
    served: ServedBundle, image: np.ndarray, classes: np.ndarray | None, cover: occlusion.Cover
) -> dict[str, Any]:
    """The critic's map as the page shows it, or what is `missing` for one."""
    if not served.engine.has("critic"):
        return {"missing": f"Bundle '{served.info.name}' has no critic: a GAN's export brings one."}

    def critic(pictures: np.ndarray) -> np.ndarray:
        feed = {"image": pictures}
        if classes is not None:
            feed["classes"] = np.repeat(classes[None], len(pictures), axis=0)
        return served.engine.run("critic", feed)["score"][:, 0]

    found = occlusion.attend(image, critic, served.info.max_batch, cover)
    return {
        "score": found.score,
        "overlay": picture_url(occlusion.overlay(found.drop_map)),
        "highest": float(found.drop_map.max()),
        "lowest": float(found.drop_map.min()),
        "regions": occlusion.regions(found.drop_map).tolist(),
        "windows": len(found.windows),
        "width": found.windows.width,
        "cover": cover,
    }
