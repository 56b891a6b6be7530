"""What the public endpoints do, as plain functions: demo/routes/gradio_api.py offers them through Gradio,
demo/mcp.py as MCP tools.

Pictures leave as PNG data addresses. Same arguments, same bytes. Every argument is checked; a wrong one raises a
UserError with a sentence. The first line of a docstring, its "Returns", and the signature are shown in the API tab.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

import numpy as np

from bundle import images, latents
from bundle.errors import BundleError
from demo import arguments
from demo.data_urls import data_address, decimal, image_address, picture_address
from demo.routes.bundle_report import bundle_report
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import morph_export

Endpoint = Callable[..., dict]
Reader = Callable[[Any, ServedBundle], np.ndarray]
Model = Literal["", "gan", "vae"]


def drawing(bundles: Mapping[str, ServedBundle]) -> dict[str, Endpoint]:
    """The endpoints that take numbers and words, by name."""

    def sample(
        seeds: list[int | list[float]],
        bundle: str = "",
        model: Model = "",
        label: str = "",
        truncation: float = 1.0,
    ) -> dict:
        """Draw one picture for each seed.

        seeds: 1 to 64 whole numbers from 0 to 4294967295, or places [x, y] of the plane that Play travels through,
        where [x, 0] is seed x. bundle: its name, empty = the first. model: gan or vae, empty = the bundle's first.
        label: the name of a class, empty = class number (seed modulo classes), of a place the first. truncation: 0
        (typical) to 1.5; the VAE takes it as a temperature. Returns {"images": [PNG data addresses]}.
        """
        served = arguments.bundle(bundles, bundle)
        wanted, weights = arguments.places(seeds), arguments.class_weights(label, served)
        psi, chosen = arguments.truncation(truncation), arguments.model(model, served)
        if all(isinstance(one, int) for one in wanted):
            drawn = served.sample(wanted, weights, psi, chosen)
        else:
            drawn = np.concatenate(
                [
                    served.sample([one], weights, psi, chosen)
                    if isinstance(one, int)
                    else served.at(*one, weights, psi, chosen)
                    for one in wanted
                ]
            )
        return {"images": [picture_address(picture) for picture in images.to_uint8(drawn)]}

    def interpolate(
        seeds: list[int | list[float]],
        bundle: str = "",
        model: Model = "",
        label: str = "",
        truncation: float = 1.0,
        mode: Literal["linear", "spherical", "spline"] = "spherical",
        loop: bool = True,
        frames: int = 60,
        format: Literal["webp", "gif", "mp4", "film-strip", "png-strip", "zip"] = "webp",
        frames_per_second: int = 20,
    ) -> dict:
        """Draw a morph through 2 to 6 seeds, or places [x, y] of the plane that Play travels through.

        frames: 2 to 240. format: an animated webp or gif, an mp4 where the server has an encoder, a film-strip in rows
        for print, a png-strip with all frames side by side, or a zip of the frames with path.json. frames_per_second:
        1 to 50. The others as in /sample, the label for all keys. Returns {"animation": a data address, "frames": n}.
        """
        served = arguments.bundle(bundles, bundle)
        form = arguments.choice(format, tuple(morph_export.FORMATS), "format")
        one = arguments.class_weights(label, served)
        classes = [] if one is None else [int(one.argmax())] * (len(seeds) if isinstance(seeds, list) else 0)
        asked = {"b": bundle, "m": model, "t": truncation, "keys": seeds, "classes": classes, "mode": mode}
        morph = morph_export.read(bundles, asked | {"loop": loop, "frames": frames, "fps": frames_per_second})
        data = morph_export.write(morph, np.concatenate(list(morph.parts())), form)
        return {"animation": data_address(data, form), "frames": morph.frames}

    def report(bundle: str = "") -> dict:
        """Tell what a bundle is and how good it is.

        bundle: its name, empty = the first. Returns {"bundle", "data" with the licence, "image", "models", "quality"
        with each figure's floor, "training", "files" with sha256, "versions"}.
        """
        return bundle_report(arguments.bundle(bundles, bundle))

    return {"sample": sample, "interpolate": interpolate, "report": report}


def reading(bundles: Mapping[str, ServedBundle], picture_of: Reader, mask_of: Reader) -> dict[str, Endpoint]:
    """The endpoints that take pictures, by name; `picture_of` and `mask_of` read what a caller sent as one."""

    def reconstruct(picture: str, bundle: str = "") -> dict:
        """Encode a picture with the VAE and decode it again.

        picture: PNG, JPEG, WebP, GIF or BMP, at most 5 MB and 8 million pixels. Returns {"input" as the models see it,
        "image", "difference": PNG data addresses, "mse", "psnr" in dB (null for equal pictures), "ssim"}.
        """
        served = arguments.bundle(bundles, bundle)
        image = picture_of(picture, served)
        again = served.reconstruct(image)
        return {
            "input": image_address(image),
            "image": image_address(again.image),
            "difference": image_address(again.difference),
            "mse": again.mse,
            "psnr": decimal(again.psnr),
            "ssim": again.ssim,
        }

    def repair(picture: str, mask: str, bundle: str = "", model: Model = "") -> dict:
        """Fill in the hidden pixels of a picture; the others stay as they are.

        mask: a picture of any size, white where pixels are known and black where they are to be filled in.
        model: vae or gan, empty = vae where the bundle has one. Returns {"image": a PNG data address}.
        """
        served = arguments.bundle(bundles, bundle)
        chosen = arguments.model(model or ("vae" if "vae" in served.models else ""), served)
        image = picture_of(picture, served)
        return {"image": image_address(served.repair(image, mask_of(mask, served), chosen))}

    def invert(picture: str, bundle: str = "", rounds: int = 0, seed: int = 0) -> dict:
        """Find the GAN's picture that comes closest to a picture.

        rounds: 0 to 100 rounds of search after the first answer. seed: of that search. Returns {"image": a PNG data
        address, "mse", "w": its style, [stages, numbers]}.
        """
        served = arguments.bundle(bundles, bundle)
        tries, of = arguments.rounds(rounds), arguments.whole(seed, "seed", 0, latents.SEEDS - 1)
        found = served.invert(picture_of(picture, served), None, tries, of)
        return {"image": image_address(found.image), "mse": found.mse, "w": found.w[0].tolist()}

    def classify(picture: str, bundle: str = "") -> dict:
        """Name what a picture shows. Returns {the name of each class: its probability}."""
        served = arguments.bundle(bundles, bundle)
        names = served.info.dataset.classes
        if not names:
            raise BundleError(f"Bundle '{served.info.name}' has no classes.")
        probabilities = served.classify(picture_of(picture, served))[0]
        return {name: float(p) for name, p in zip(names, probabilities, strict=True)}

    return {"reconstruct": reconstruct, "repair": repair, "invert": invert, "classify": classify}


def described() -> list[dict[str, Any]]:
    """What the API tab says of each endpoint: name, sentences, typed arguments, what comes back."""
    names = ("sample", "interpolate", "reconstruct", "repair", "invert", "classify", "report")
    functions = drawing({}) | reading({}, arguments.picture_file, arguments.mask_file)
    return [{"name": f"/{name}"} | _described(functions[name]) for name in names]


def _described(function: Endpoint) -> dict[str, Any]:
    text = " ".join(inspect.getdoc(function).split())
    told, _, answer = text.partition(" Returns ")
    about, _, details = told.partition(". ")
    arguments = [_argument(one) for one in inspect.signature(function).parameters.values()]
    sentence = about.rstrip(".") + "."
    return {"about": sentence, "details": details, "arguments": arguments, "returns": answer.rstrip(".")}


def _argument(parameter: inspect.Parameter) -> str:
    name, default = parameter.name, parameter.default
    kind = "file" if name in ("picture", "mask") else _type(parameter.annotation)
    return f"{name}: {kind}" if default is inspect.Parameter.empty else f"{name}: {kind} = {default!r}"


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " | ".join(map(repr, get_args(annotation)))
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
