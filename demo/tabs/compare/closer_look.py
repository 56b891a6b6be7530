"""A closer look at one picture: what the critic attends to in it, and the training pictures nearest to it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bundle import images, latents
from bundle.marks import Mark, Seed, trained
from demo import arguments
from demo.data_urls import image_url, picture_url
from demo.serving.served_bundle import ServedBundle
from demo.tabs.compare import occlusion
from demo.tabs.compare.nearest_training import nearest_training


def closer_look(served: ServedBundle, asked: Mapping[str, Any], picture: bytes | None = None) -> dict[str, Any]:
    """What the critic attends to in a picture, and the training pictures nearest to it, as the page shows them.

    `picture`: the bytes of the visitor's file. `asked`, unchecked: without a file the number `test` of a held-out
    picture, or seed, m (model) and t (truncation); c: the picture's class, by default that of the seed or held-out
    picture; cover: how windows are hidden. Raises UserError."""
    cover = arguments.choice(asked.get("cover", "blur"), occlusion.COVERS, "cover")
    label = _label(served, asked, picture)
    classes = None if label is None else latents.one_hot(label, served.class_count)
    image = _image(served, asked, picture, classes)
    drawn = asked.get("test") is None and picture is None
    return {
        "picture": image_url(image, _mark(served, asked, label) if drawn else None),
        "critic": _critic_map(served, image, classes, cover),
        "nearest": nearest_training(served, image),
    }


def _label(served: ServedBundle, asked: Mapping[str, Any], picture: bytes | None) -> int | None:
    """The class that the picture is meant to show; None in a bundle without classes."""
    if not served.class_count:
        return None
    if asked.get("test") is not None:
        return max(0, arguments.held_out_label(asked["test"], served))
    if asked.get("c") is None and picture is None:
        return latents.seed_class(arguments.seed(asked.get("seed")), served.class_count)
    return arguments.whole(asked.get("c"), "class", 0, served.class_count - 1)


def _image(
    served: ServedBundle, asked: Mapping[str, Any], picture: bytes | None, classes: np.ndarray | None
) -> np.ndarray:
    """The image [1, C, H, W] in question: a seed's, a held-out one, or the visitor's own; rounded to bytes."""
    if asked.get("test") is not None:
        return arguments.held_out_picture(asked["test"], served)
    if picture is not None:
        return arguments.picture_bytes(picture, served)
    seed = arguments.seed(asked.get("seed"))
    drawn = served.sample(
        [seed], classes, arguments.truncation(asked.get("t", 1)), arguments.model(asked.get("m"), served)
    )
    return images.from_uint8(images.to_uint8(drawn))


def _mark(served: ServedBundle, asked: Mapping[str, Any], label: int | None) -> Mark:
    """The mark of a seed's picture."""
    model, t = arguments.model(asked.get("m"), served), arguments.truncation(asked.get("t", 1))
    return trained(served.engine.bundle, Seed(m=model, seed=arguments.seed(asked.get("seed")), t=t, c=label))


def _critic_map(
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

    found = occlusion.occlusion_map(image, critic, served.info.max_batch, cover)
    return {
        "score": found.score,
        "overlay": picture_url(occlusion.overlay(found.drop_map), None),
        "highest": float(found.drop_map.max()),
        "lowest": float(found.drop_map.min()),
        "regions": occlusion.regions(found.drop_map).tolist(),
        "windows": len(found.windows),
        "width": found.windows.side,
        "cover": cover,
    }
