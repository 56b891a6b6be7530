"""Compare: two models on the same seeds, their figures, a closer look at one picture, a quiz."""

import logging
from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np

from bundle import images, latents
from bundle.errors import UserError
from demo import arguments
from demo.data_urls import image_address, picture_address
from demo.routes.gradio_api import QUEUE
from demo.serving.served_bundle import ServedBundle
from demo.tabs.compare import occlusion
from demo.tabs.compare.nearest import nearest_training
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
    """What the critic attends to in a picture and the training pictures nearest to it. UserError with a sentence."""
    served = arguments.bundle(bundles, asked.get("b"))
    cover = arguments.choice(asked.get("cover", "blur"), occlusion.COVERS, "cover")
    label = arguments.whole(asked.get("c"), "class", 0, served.classes - 1) if served.classes else None
    image = _picture(served, asked, label)
    if asked.get("test") is not None and served.classes:
        label = max(0, int(served.engine.bundle.example_labels[int(asked["test"])]))
    classes = None if label is None else latents.one_hot(label, served.classes)
    return {
        "picture": image_address(image),
        "critic": _attention(served, image, classes, cover),
        "nearest": nearest_training(served, image),
    }


def _picture(served: ServedBundle, asked: Mapping[str, Any], label: int | None) -> np.ndarray:
    """The image [1, C, H, W] that is meant: a seed's, a test picture, or one that was brought; rounded to bytes."""
    if asked.get("test") is not None:
        examples = served.engine.bundle.examples
        return images.from_uint8(
            examples[[arguments.whole(asked["test"], "number of the test picture", 0, len(examples) - 1)]]
        )
    if asked.get("picture") is not None:
        return arguments.picture_data(asked["picture"], served)
    seed = arguments.whole(asked.get("seed"), "seed", 0, latents.SEEDS - 1)
    classes = None if label is None else latents.one_hot(label, served.classes)
    drawn = served.sample(
        [seed], classes, arguments.truncation(asked.get("t", 1)), arguments.model(asked.get("m"), served)
    )
    return images.from_uint8(images.to_uint8(drawn))


def _attention(
    served: ServedBundle, image: np.ndarray, classes: np.ndarray | None, cover: occlusion.Cover
) -> dict[str, Any]:
    """The critic's map as the page shows it, or the sentence why there is none."""
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
        "overlay": picture_address(occlusion.overlay(found.drop_map)),
        "highest": float(found.drop_map.max()),
        "lowest": float(found.drop_map.min()),
        "regions": occlusion.regions(found.drop_map).tolist(),
        "windows": len(found.windows),
        "width": found.windows.width,
        "cover": cover,
    }
