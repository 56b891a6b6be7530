"""The public endpoints, for gradio_client, curl and other programs. Pictures travel as PNG data addresses.

Same arguments, same bytes. Every argument is checked; a wrong one is answered with a sentence.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Literal

import gradio as gr
import numpy as np

from demo import arguments as check
from demo import images, latents, morphing
from demo.errors import UserError
from demo.shown import data_address, decimal, image_address, picture_address
from demo.studio import Studio

# At once, so that they can share a run: how many runs there are at a time is the engine's affair.
QUEUE: dict[str, Any] = {"concurrency_id": "ort", "concurrency_limit": 16}


def sentences(function: Callable) -> Callable:
    """Let a UserError reach the caller as the sentence that it holds."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return wrapped


def add_endpoints(studios: Mapping[str, Studio]) -> None:
    """Add the endpoints to the gr.Blocks that is being built."""

    @sentences
    def sample(
        seeds: list[int],
        bundle: str = "",
        model: Literal["", "gan", "vae"] = "",
        label: str = "",
        truncation: float = 1.0,
    ) -> dict:
        """Draw one picture for each seed.

        seeds: 1 to 64 whole numbers from 0 to 4294967295. bundle: its name, empty = the first. model: gan or
        vae, empty = the bundle's first. label: the name of a class, empty = class number (seed modulo classes).
        truncation: 0 (typical) to 1.5; the VAE takes it as a temperature. Returns {"images": PNG data addresses}.
        """
        studio = check.studio(studios, bundle)
        drawn = studio.sample(
            check.seeds(seeds),
            check.class_weights(label, studio),
            check.truncation(truncation),
            check.model(model, studio),
        )
        return {"images": [picture_address(picture) for picture in images.to_uint8(drawn)]}

    @sentences
    def interpolate(
        seeds: list[int | list[float]],
        bundle: str = "",
        model: Literal["", "gan", "vae"] = "",
        label: str = "",
        truncation: float = 1.0,
        mode: Literal["linear", "spherical", "spline"] = "spherical",
        loop: bool = True,
        frames: int = 60,
        format: Literal["webp", "gif", "mp4", "film-strip", "png-strip", "zip"] = "webp",
        frames_per_second: int = 20,
    ) -> dict:
        """Draw a morph through 2 to 6 seeds, or points [x, y] of the plane that Play travels through.

        frames: 2 to 240. format: an animated webp or gif, an mp4 where the server has an encoder, a film-strip in rows
        for print, a png-strip with all frames side by side, or a zip of the frames with path.json.
        frames_per_second: 1 to 50. The others as in /sample, the label for all keys. Returns {"animation": a data
        address, "frames": n}.
        """
        studio = check.studio(studios, bundle)
        form = check.choice(format, tuple(morphing.FORMATS), "format")
        one = check.class_weights(label, studio)
        classes = [] if one is None else [int(one.argmax())] * (len(seeds) if isinstance(seeds, list) else 0)
        asked = {"b": bundle, "m": model, "t": truncation, "keys": seeds, "classes": classes, "mode": mode}
        morph = morphing.read(studios, asked | {"loop": loop, "frames": frames, "fps": frames_per_second})
        data = morphing.write(morph, np.concatenate(list(morph.parts())), form)
        return {"animation": data_address(data, form), "frames": morph.frames}

    gr.api(sample, api_name="sample", **QUEUE)
    gr.api(interpolate, api_name="interpolate", **QUEUE)
    _add_picture_endpoints(studios)


def _add_picture_endpoints(studios: Mapping[str, Studio]) -> None:
    """Endpoints that take files. Gradio's own file component makes sure that a path is an upload."""

    @sentences
    def reconstruct(picture: str, bundle: str) -> dict:
        """Encode a picture with the VAE and decode it again.

        Returns the input as the models see it, the reconstruction and the absolute difference as PNG data
        addresses, and mse, psnr (dB; null for equal pictures) and ssim.
        """
        studio = check.studio(studios, bundle)
        image = check.picture_file(picture, studio)
        again = studio.reconstruct(image)
        return {
            "input": image_address(image),
            "image": image_address(again.image),
            "difference": image_address(again.difference),
            "mse": again.mse,
            "psnr": decimal(again.psnr),
            "ssim": again.ssim,
        }

    @sentences
    def repair(picture: str, mask: str, bundle: str, model: str) -> dict:
        """Fill in the hidden pixels of a picture; the others stay as they are.

        mask: a picture of any size, white where pixels are known and black where they are to be filled in.
        model: vae or gan, empty = vae where the bundle has one. Returns {"image": a PNG data address}.
        """
        studio = check.studio(studios, bundle)
        chosen = check.model(model or ("vae" if "vae" in studio.models else ""), studio)
        image = check.picture_file(picture, studio)
        return {"image": image_address(studio.repair(image, check.mask_file(mask, studio), chosen))}

    @sentences
    def invert(picture: str, bundle: str, rounds: float, seed: float) -> dict:
        """Find the GAN's picture that comes closest to a picture.

        rounds: 0 to 100 rounds of search after the first answer. seed: of that search. Returns the picture as
        a PNG data address, its mse, and its style w [stages, numbers].
        """
        studio = check.studio(studios, bundle)
        image = check.picture_file(picture, studio)
        found = studio.invert(image, None, check.rounds(rounds), check.whole(seed, "seed", 0, latents.SEEDS - 1))
        return {"image": image_address(found.image), "mse": found.mse, "w": found.w[0].tolist()}

    @sentences
    def classify(picture: str, bundle: str) -> dict:
        """Name what a picture shows: the probability of every class, by its name."""
        studio = check.studio(studios, bundle)
        probabilities = studio.classify(check.picture_file(picture, studio))[0]
        names = studio.info.dataset.classes
        if not names:
            raise gr.Error(f"Bundle '{studio.info.name}' has no classes.", print_exception=False)
        return {name: float(p) for name, p in zip(names, probabilities, strict=True)}

    # Never shown: they carry the types of the arguments and the files.
    with gr.Column(visible=False):
        picture = gr.File(label="picture", file_types=["image"])
        mask = gr.File(label="mask", file_types=["image"])
        bundle = gr.Textbox("", label="bundle")
        model = gr.Textbox("", label="model")
        rounds = gr.Number(0, label="rounds")
        seed = gr.Number(0, label="seed")
        answer = gr.JSON(label="answer")
        for function, inputs in (
            (reconstruct, [picture, bundle]),
            (repair, [picture, mask, bundle, model]),
            (invert, [picture, bundle, rounds, seed]),
            (classify, [picture, bundle]),
        ):
            gr.Button(function.__name__).click(
                function, inputs, answer, api_name=function.__name__, show_progress="hidden", **QUEUE
            )
