"""What Rebuild answers about a picture: seen by the models, samples of its posterior, its holes filled in, a search.

`asked` is a request of the page, unchecked: `test`, the number of a held-out picture, unless `picture`, the bytes of a
file, came with it; `mask`, one "1" (known) or "0" for each pixel; and what each function names. Wrong requests raise a
UserError.
"""

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np

from bundle import images
from bundle.feeds import in_batches
from bundle.marks import Mark, composite, trained
from bundle.model import Reconstruction
from bundle.schema import Model
from demo import arguments
from demo.data_urls import decimal, image_url, picture_url
from demo.serving.served_bundle import ServedBundle
from demo.tabs.rebuild import completions, posterior

PARTS = ("seen", "posterior", "repair")
MAX_SAMPLES = 16  # shown
MEASURED = 64  # samples from which the standard deviation of each pixel is taken
MAX_TEMPERATURE = 5.0
COMPLETIONS = 4


def rebuilt(served: ServedBundle, asked: Mapping[str, Any], picture: bytes | None = None) -> dict[str, Any]:
    """The `parts` that are asked for.

    seed, temperature, samples: of the posterior. completion_seed, variety: seed and temperature of the completions.
    """
    image, mask = _subject(served, asked, picture)
    parts = asked.get("parts", list(PARTS))
    if not isinstance(parts, list):
        parts = [parts]
    for part in parts:
        arguments.choice(part, PARTS, "part")
    seed = arguments.seed(asked.get("seed", 0))
    temperature = arguments.number(asked.get("temperature", 1), "temperature", 0, MAX_TEMPERATURE)
    count = arguments.whole(asked.get("samples", 8), "number of samples", 1, MAX_SAMPLES)
    completion_seed = arguments.seed(asked.get("completion_seed", 0), "seed of the completions")
    variety = arguments.number(asked.get("variety", 1), "variety of the completions", 0, MAX_TEMPERATURE)

    coded = "vae" in served.models and ("seen" in parts or "posterior" in parts)
    reconstruction = served.reconstruct(image) if coded else None
    answer: dict[str, Any] = {}
    if "seen" in parts:
        answer["seen"] = _seen(served, image, reconstruction)
    if "posterior" in parts and reconstruction is not None:
        answer["posterior"] = _posterior(served, reconstruction, count, seed, temperature)
    if "repair" in parts:
        answer["repair"] = None if mask is None else _repaired(served, image, mask, completion_seed, variety)
    return answer


def refined(
    served: ServedBundle, asked: Mapping[str, Any], picture: bytes | None = None
) -> Generator[dict[str, Any], None, None]:
    """A search by `model`, reported after each of its `rounds`: all errors so far and the best picture.

    seed: of the search. start: the point where it begins, as an earlier report had it.
    """
    image, mask = _subject(served, asked, picture)
    model = arguments.model(asked.get("model"), served)
    rounds = arguments.rounds(asked.get("rounds", 20))
    seed = arguments.seed(asked.get("seed", 0))
    if model == "gan":
        stages, width = served.info.require_styles()
        size = stages * width
    else:
        size = served.info.require_vae().latent_dim
    start = arguments.search_start(asked.get("start"), size)

    def reports() -> Generator[dict[str, Any], None, None]:
        errors: list[float] = []
        for step in completions.search(served, model, image, mask, rounds, seed, start):
            errors.append(step.error)
            shown = completions.paste(image, mask, step.image)
            yield {
                "model": model,
                "errors": list(errors),
                "rounds": rounds,
                "image": image_url(shown, made("repair" if mask is not None else "invert", served, model)),
                "mse": float(images.mse(step.image, image, mask)[0]),
                "reading": _readings(served, {"image": shown})["image"],
                "point": step.point.tolist(),
            }

    return reports()


# --- the parts -----------------------------------------------------------------------------------


def _subject(
    served: ServedBundle, asked: Mapping[str, Any], picture: bytes | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """The image [1, C, H, W] and, if anything is hidden, the mask [1, 1, H, W]."""
    if asked.get("test") is not None:
        image = arguments.held_out_picture(asked["test"], served)
    else:
        image = arguments.picture_bytes(picture, served)
    mask = arguments.mask_cells(asked.get("mask"), served)
    return image, None if mask is None or mask.all() else mask


def _seen(served: ServedBundle, image: np.ndarray, reconstruction: Reconstruction | None) -> dict[str, Any]:
    """The picture as each model has it, how far off that is, what the classifier reads in each, and which attributes
    are read in the picture itself."""
    answers: dict[str, np.ndarray] = {}
    if reconstruction is not None:
        answers["vae"] = reconstruction.image
    if "gan" in served.models and served.engine.has("inverter"):
        answers["gan"] = served.invert(image).image
    readings = _readings(served, {"input": image} | answers)
    shown: dict[str, Any] = {"input": {"image": image_url(image, None), "reading": readings["input"]}}
    if served.engine.has("attributes"):
        shown["input"]["attributes"] = [round(float(value), 4) for value in served.read_attributes(image)[0]]
    for name, found in answers.items():
        model: Model = "vae" if name == "vae" else "gan"
        shown[name] = {
            "image": image_url(found, made("reconstruct" if model == "vae" else "invert", served, model)),
            "difference": image_url(np.abs(found - image), made("difference", served, model)),
            "mse": float(images.mse(found, image)[0]),
            "psnr": decimal(images.psnr(found, image)),
            "ssim": images.ssim(found, image),
            "reading": readings[name],
        }
    return shown


def _posterior(
    served: ServedBundle, reconstruction: Reconstruction, count: int, seed: int, temperature: float
) -> dict[str, Any]:
    """Samples of the posterior over codes, and where their pictures differ."""
    codes = posterior.draw(reconstruction.mean, reconstruction.logvar, MEASURED, seed, temperature)
    drawn = completions.decode_of(served)(codes)
    deviation = posterior.pixel_deviation(drawn)
    top = float(deviation.max())
    legend = posterior.heat(np.linspace(0, 1, 64)[None], 1)
    return {
        "samples": [
            picture_url(picture, made("posterior", served, "vae")) for picture in images.to_uint8(drawn[:count])
        ],
        "seed": seed,
        "measured": MEASURED,
        "spread": picture_url(posterior.heat(deviation, top), None),
        "legend": picture_url(legend, None),
        "top": top,
        "mean": float(deviation.mean()),
    }


def _repaired(
    served: ServedBundle, image: np.ndarray, mask: np.ndarray, seed: int, temperature: float
) -> dict[str, Any]:
    """The hidden pixels filled in by each model in one pass, and in several ways by the VAE."""
    found: dict[str, np.ndarray] = {}
    if "vae" in served.models and served.engine.has("repair"):
        mean = completions.repair_mean(served, image, mask)
        found["vae"] = completions.paste(image, mask, served.decode(mean))
        several = completions.completions(served, image, mask, COMPLETIONS, seed, temperature, mean)
        found |= {f"completion {i}": several[[i]] for i in range(len(several))}
    if "gan" in served.models and served.engine.has("inverter"):
        found["gan"] = served.repair(image, mask, "gan")
    readings = _readings(served, found)
    marks = {name: made("repair", served, "gan" if name == "gan" else "vae") for name in found}
    shown = {name: {"image": image_url(one, marks[name]), "reading": readings[name]} for name, one in found.items()}
    return {
        "vae": shown.get("vae"),
        "gan": shown.get("gan"),
        "completions": [one for name, one in shown.items() if name.startswith("completion")],
    }


def made(word: str, served: ServedBundle, model: Model) -> Mark:
    """The mark of what a model makes of a picture. `word`: repair and difference show a part of that picture itself;
    reconstruct, posterior and invert are the model's as a whole."""
    source = composite if word in ("repair", "difference") else trained
    return source(served.engine.bundle, {"draw": word, "m": model})


def _readings(served: ServedBundle, pictures: Mapping[str, np.ndarray]) -> dict[str, list[float] | None]:
    """The classifier's probability of every class in each picture; None where there is no classifier."""
    if not pictures or not served.can_classify:
        return dict.fromkeys(pictures)
    rows = in_batches(np.concatenate(list(pictures.values())), served.classify, served.info.max_batch)
    return {name: [round(float(p), 4) for p in row] for name, row in zip(pictures, rows, strict=True)}
