"""What the public endpoints do, as plain functions: demo/routes/gradio_api.py offers them through Gradio,
demo/routes/mcp_tools.py as tools of the Model Context Protocol.

Pictures leave as data URLs of PNGs with their marks (bundle/marks). Same arguments, same bytes. Every argument is
checked; a wrong one raises a UserError. The API tab shows the signature, the first sentence of the docstring and what
follows "Returns".
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

import numpy as np

from bundle import images, schema
from bundle.attribute_moves import AttributeMoves
from bundle.bend import Bend
from bundle.errors import BundleError, InputError
from bundle.latents import SeedKey
from bundle.marks import Mark, Point, Seed, trained
from demo import arguments
from demo.data_urls import data_url, decimal, image_url, picture_url
from demo.routes.bundle_report import bundle_report
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import morph_export
from demo.tabs.rebuild.answers import made

Endpoint = Callable[..., dict]
Reader = Callable[[Any, ServedBundle], np.ndarray]
ModelName = Literal["", "gan", "vae"]


def drawing(bundles: Mapping[str, ServedBundle]) -> dict[str, Endpoint]:
    """The endpoints whose arguments are numbers and words, by name."""

    def sample(
        seeds: list[int | list[float]],
        bundle: str = "",
        model: ModelName = "",
        label: str = "",
        truncation: float = 1.0,
        attributes: dict[str, float | dict] | None = None,
        bend: dict[str, float] | None = None,
    ) -> dict:
        """Draw one picture for each seed.

        seeds: 1 to 64 whole numbers from 0 to 4294967295, or points [x, y] of the plane that Play travels through,
        where [x, 0] is seed x. bundle: its name, empty = the first. model: gan or vae, empty = the bundle's first.
        label: the name of a class, empty = class number (seed modulo classes), where the seed of a point [x, y] is
        floor(x) + 100 floor(y). truncation: 0 (typical) to 1.5; the VAE takes it as a temperature.
        attributes: how far pictures move along the attributes that /report names, {"glasses": 1.5}, each from -4 to 4
        standard deviations, and along directions of your own, {"round face": {"vector": …, "amount": 1.5}}: the text of
        a saved direction, or one number for each of the latent. bend: what is done to the styles of the GAN's stages,
        counted from 1 (coarse), {"2.scale": 1.5, "5.noise": 0.3, "seed": 7}: scale 0 to 4, shift -4 to 4, rotate -180
        to 180 degrees, noise 0 to 4; the seed, 0 to 9999, chooses where shift and rotate lead, and the noise. Returns
        {"images": [PNG data URLs]}.
        """
        served = arguments.bundle(bundles, bundle)
        keys, weights = arguments.keys(seeds), arguments.class_weights(label, served)
        psi, chosen = arguments.truncation(truncation), arguments.model(model, served)
        moves, bends = arguments.attributes(attributes, served, chosen), arguments.bend(bend, served)
        numbers = [key for key in keys if isinstance(key, int)]
        if len(numbers) == len(keys):
            drawn = served.sample(numbers, weights, psi, chosen, moves, bends)
        else:
            drawn = np.concatenate([_drawn(served, key, weights, psi, chosen, moves, bends) for key in keys])
        chosen_class = None if weights is None else int(weights.argmax())
        about = [_mark(served, key, chosen_class, psi, chosen, moves, bends) for key in keys]
        return {"images": [picture_url(*one) for one in zip(images.to_uint8(drawn), about, strict=True)]}

    def interpolate(
        seeds: list[int | list[float | str]],
        bundle: str = "",
        model: ModelName = "",
        label: str = "",
        truncation: float = 1.0,
        path: Literal["linear", "spherical", "spline"] = "spherical",
        loop: bool = True,
        frames: int = 60,
        format: Literal["webp", "gif", "mp4", "film-strip", "png-strip", "zip"] = "webp",
        frames_per_second: int = 20,
        attributes: dict[str, float | dict] | None = None,
        bend: dict[str, float] | None = None,
        times: list[float] | None = None,
        easing: list[str] | None = None,
        seconds: float = 0.0,
        mode: Literal["", "linear", "spherical", "spline"] = "",
    ) -> dict:
        """Draw a morph through 2 to 16 seeds, or points [x, y] of the plane that Play travels through.

        A seed may also be a place ["pca", x, y] of the latent map, for the VAE. frames: 2 to 240. seconds: 2 to 600, in
        place of a number of frames, of which there are 240 at most all the same. times: the second at which the film is
        at each seed, rising from 0. easing: how it goes on from each. format: an animated webp or gif, an mp4 where the
        server has an encoder, a film-strip in rows for print, a png-strip with all frames side by side, or a zip of the
        frames with path.json. frames_per_second: 1 to 60; a gif holds 50. The others as in /sample, the label for all
        keys; mode is the older name of path. Returns {"animation": a data URL, "frames": n}.
        """
        served = arguments.bundle(bundles, bundle)
        file_format = arguments.choice(format, morph_export.FORMATS, "format")
        weights = arguments.class_weights(label, served)
        classes = [] if weights is None else [int(weights.argmax())] * (len(seeds) if isinstance(seeds, list) else 0)
        asked: dict[str, Any] = {"m": model, "t": truncation, "keys": seeds, "classes": classes}
        asked |= {"path": mode or path}
        asked |= {"loop": loop, "fps": frames_per_second, "attributes": attributes, "bend": bend}
        asked |= {"times": times, "easing": easing}
        asked |= {"seconds": seconds, "frames": None if seconds else frames}
        morph = morph_export.read(served, asked).held_by(file_format)
        if morph.frames > arguments.MAX_FRAMES:
            raise InputError(
                f"One call draws {arguments.MAX_FRAMES} frames at most, not {morph.frames}: ask for fewer seconds, or "
                "fewer frames a second."
            )
        morph_export.check_size(morph, file_format)
        return {"animation": data_url(morph_export.as_bytes(morph, file_format), file_format), "frames": morph.frames}

    def report(bundle: str = "") -> dict:
        """Tell what a bundle is and how good it is.

        bundle: its name, empty = the first. Returns {"bundle", "data" with the licence, "image", "models", "quality"
        with each figure's floor, "attributes", "training", "files" with sha256, "versions"}.
        """
        return bundle_report(arguments.bundle(bundles, bundle))

    return {"sample": sample, "interpolate": interpolate, "report": report}


def reading(bundles: Mapping[str, ServedBundle], picture_of: Reader, mask_of: Reader) -> dict[str, Endpoint]:
    """The endpoints that take pictures, by name. `picture_of`, `mask_of`: how to read what the caller sent as one."""

    def reconstruct(picture: str, bundle: str = "", attributes: dict[str, float | dict] | None = None) -> dict:
        """Encode a picture with the VAE and decode it again.

        picture: PNG, JPEG, WebP, GIF or BMP, at most 5 MB and 8 million pixels. attributes: moves of the code in
        between, as in /sample: the same picture with glasses. Returns {"input" as the models see it,
        "image", "difference": PNG data URLs, "mse", "psnr" in dB (null for equal pictures), "ssim"
        (null below 11 x 11 pixels)}.
        """
        served = arguments.bundle(bundles, bundle)
        image = picture_of(picture, served)
        reconstruction = served.reconstruct(image, arguments.attributes(attributes, served, "vae"))
        return {
            "input": image_url(image, None),
            "image": image_url(reconstruction.image, made("reconstruct", served, "vae")),
            "difference": image_url(reconstruction.difference, made("difference", served, "vae")),
            "mse": reconstruction.mse,
            "psnr": decimal(reconstruction.psnr),
            "ssim": reconstruction.ssim,
        }

    def repair(picture: str, mask: str, bundle: str = "", model: ModelName = "") -> dict:
        """Fill in the hidden pixels of a picture; the others stay as they are.

        mask: a picture of any size, white where pixels are known and black where they are to be filled in.
        model: vae or gan, empty = vae where the bundle has one. Returns {"image": a PNG data URL}.
        """
        served = arguments.bundle(bundles, bundle)
        chosen = arguments.model(model or ("vae" if "vae" in served.models else ""), served)
        image = picture_of(picture, served)
        repaired = served.repair(image, mask_of(mask, served), chosen)
        return {"image": image_url(repaired, made("repair", served, chosen))}

    def invert(picture: str, bundle: str = "", rounds: int = 0, seed: int = 0) -> dict:
        """Find the GAN's picture that comes closest to a picture.

        rounds: 0 to 100 rounds of search after the first answer. seed: of that search. Returns {"image": a PNG data
        URL, "mse", "w": its style, [stages, numbers]}.
        """
        served = arguments.bundle(bundles, bundle)
        tries, start = arguments.rounds(rounds), arguments.seed(seed)
        found = served.invert(picture_of(picture, served), None, tries, start)
        return {
            "image": image_url(found.image, made("invert", served, "gan")),
            "mse": found.mse,
            "w": found.w[0].tolist(),
        }

    def classify(picture: str, bundle: str = "") -> dict:
        """Name what a picture shows. Returns {the name of each class: its probability}."""
        served = arguments.bundle(bundles, bundle)
        names = served.info.dataset.classes
        if not names:
            raise BundleError(f"Bundle '{served.info.name}' has no classes.")
        probabilities = served.classify(picture_of(picture, served))[0]
        return {name: float(p) for name, p in zip(names, probabilities, strict=True)}

    return {"reconstruct": reconstruct, "repair": repair, "invert": invert, "classify": classify}


def _drawn(
    served: ServedBundle,
    key: SeedKey,
    weights: np.ndarray | None,
    truncation: float,
    model: schema.Model,
    moves: AttributeMoves,
    bends: Bend,
) -> np.ndarray:
    if isinstance(key, tuple):
        return served.at(*key, weights, truncation, model, moves, bends)
    return served.sample([key], weights, truncation, model, moves, bends)


def _mark(
    served: ServedBundle,
    key: SeedKey,
    label: int | None,
    truncation: float,
    model: schema.Model,
    moves: AttributeMoves,
    bends: Bend,
) -> Mark:
    how: dict[str, Any] = {"m": model, "c": label, "t": truncation}
    how |= {"attributes": dict(moves), "bend": dict(bends)}
    state = Point(x=key[0], y=key[1], **how) if isinstance(key, tuple) else Seed(seed=key, **how)
    return trained(served.engine.bundle, state)


def described() -> list[dict[str, Any]]:
    """What the API tab says about each endpoint: its name, what it does, typed arguments, what it returns."""
    names = ("sample", "interpolate", "reconstruct", "repair", "invert", "classify", "report")
    functions = drawing({}) | reading({}, arguments.picture_file, arguments.mask_file)
    return [{"name": f"/{name}"} | _described(functions[name]) for name in names]


def _described(function: Endpoint) -> dict[str, Any]:
    text = " ".join((inspect.getdoc(function) or "").split())
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
