"""Rebuild: a picture through the VAE, beside the GAN's look-alike; what its code leaves open; its holes filled in.

Two events of one widget: `rebuild` answers with the parts that are asked for, `refine` reports every round of a search.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
import numpy as np

from bundle import images, latents
from bundle.errors import UserError
from demo import arguments
from demo.data_urls import decimal, image_address, picture_address
from demo.routes.gradio_api import QUEUE
from demo.serving.served_bundle import ServedBundle
from demo.tabs.rebuild import completions, posterior
from demo.widgets import widget

PARTS = ("seen", "posterior", "repair")
SAMPLES = 16  # most that are shown
MEASURED = 64  # samples over which the deviation of a pixel is taken
MAX_TEMPERATURE = 5.0
COMPLETIONS = 4
# Of their own: a search takes seconds, and nobody who only rebuilds waits behind one.
SEARCHES: dict[str, Any] = {"concurrency_id": "search", "concurrency_limit": 4}

log = logging.getLogger(__name__)


def build(bundles: Mapping[str, ServedBundle]) -> None:
    """Put the tab's content into the gr.Blocks that is being built."""
    board = widget("rebuild", "rebuild", "refine", "stop")

    def rebuild(event: gr.EventData) -> dict[str, Any]:
        return next(_answers(rebuilt, event, bundles))

    def refine(event: gr.EventData) -> Iterator[dict[str, Any]]:
        yield from _answers(refined, event, bundles)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    board.rebuild(rebuild, None, board, trigger_mode="multiple", **quiet, **QUEUE)
    searching = board.refine(refine, None, board, trigger_mode="multiple", **quiet, **SEARCHES)
    board.stop(None, None, None, cancels=[searching], api_visibility="private")


def _answers(work, event: gr.EventData, bundles: Mapping[str, ServedBundle]) -> Iterator[dict[str, Any]]:
    """What `work` yields, with the number of the wish; at trouble a sentence."""
    asked = event._data if isinstance(event._data, dict) else {}
    number = {"n": asked.get("n")}
    try:
        for answer in work(bundles, asked):
            yield number | answer
    except UserError as error:
        yield number | {"error": str(error)}
    except Exception:
        log.exception("A picture could not be rebuilt")
        yield number | {"error": "The picture could not be rebuilt; the server's log says why."}


def rebuilt(bundles: Mapping[str, ServedBundle], asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Once: the parts that are asked for, of one picture. UserError with a sentence for a wrong wish."""
    served, image, mask = _subject(bundles, asked)
    parts = asked.get("parts", list(PARTS))
    if not isinstance(parts, list):
        parts = [parts]
    for part in parts:
        arguments.choice(part, PARTS, "part")
    seed = arguments.whole(asked.get("seed", 0), "seed", 0, latents.SEEDS - 1)
    temperature = arguments.number(asked.get("temperature", 1), "temperature", 0, MAX_TEMPERATURE)
    count = arguments.whole(asked.get("samples", 8), "number of samples", 1, SAMPLES)
    other = arguments.whole(asked.get("other", 0), "seed of the completions", 0, latents.SEEDS - 1)
    variety = arguments.number(asked.get("variety", 1), "variety of the completions", 0, MAX_TEMPERATURE)
    answer: dict[str, Any] = {}
    if "seen" in parts:
        answer["seen"] = _seen(served, image)
    if "posterior" in parts and "vae" in served.models:
        answer["posterior"] = _posterior(served, image, count, seed, temperature)
    if "repair" in parts:
        answer["repair"] = None if mask is None else _repaired(served, image, mask, other, variety)
    yield answer


def refined(bundles: Mapping[str, ServedBundle], asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """After every round of search: all errors so far and the best picture. UserError for a wrong wish."""
    served, image, mask = _subject(bundles, asked)
    model = arguments.model(asked.get("model"), served)
    rounds = arguments.rounds(asked.get("rounds", 20))
    seed = arguments.whole(asked.get("seed", 0), "seed", 0, latents.SEEDS - 1)
    gan = served.info.gan
    size = (gan.stages or 0) * (gan.w_dim or 0) if model == "gan" else served.info.vae.latent_dim
    start = arguments.point(asked.get("start"), size)
    errors: list[float] = []
    for step in completions.search(served, model, image, mask, rounds, seed, start):
        errors.append(step.error)
        shown = completions.paste(image, mask, step.image)
        report = {
            "model": model,
            "errors": list(errors),
            "rounds": rounds,
            "image": image_address(shown),
            "mse": float(images.mse(step.image, image, mask)[0]),
            "reading": _readings(served, {"image": shown})["image"],
            "point": step.point.tolist(),
        }
        yield {"refine": report}


# --- the parts -----------------------------------------------------------------------------------


def _subject(
    bundles: Mapping[str, ServedBundle], asked: Mapping[str, Any]
) -> tuple[ServedBundle, np.ndarray, np.ndarray | None]:
    """The bundle, the picture and, where something is hidden, the mask."""
    served = arguments.bundle(bundles, asked.get("b"))
    examples = served.engine.bundle.examples
    if asked.get("test") is not None:
        index = arguments.whole(asked["test"], "number of the test picture", 0, len(examples) - 1)
        image = images.from_uint8(examples[[index]])
    else:
        image = arguments.picture_data(asked.get("picture"), served)
    mask = arguments.mask_cells(asked.get("mask"), served)
    return served, image, None if mask is None or mask.all() else mask


def _seen(served: ServedBundle, image: np.ndarray) -> dict[str, Any]:
    """The picture through each model, how far the answer is off, and what the classifier reads in each."""
    answers = {}
    if "vae" in served.models:
        answers["vae"] = served.reconstruct(image).image
    if "gan" in served.models and served.engine.has("inverter"):
        answers["gan"] = served.invert(image).image
    readings = _readings(served, {"input": image} | answers)
    shown: dict[str, Any] = {"input": {"image": image_address(image), "reading": readings["input"]}}
    for name, again in answers.items():
        shown[name] = {
            "image": image_address(again),
            "difference": image_address(np.abs(again - image)),
            "mse": float(images.mse(again, image)[0]),
            "psnr": decimal(images.psnr(again, image)),
            "ssim": images.ssim(again, image),
            "reading": readings[name],
        }
    return shown


def _posterior(served: ServedBundle, image: np.ndarray, count: int, seed: int, temperature: float) -> dict[str, Any]:
    """Samples of the posterior over codes, and where their pictures differ."""
    again = served.reconstruct(image)
    codes = posterior.draw(again.mean, again.logvar, MEASURED, seed, temperature)
    drawn = completions.decode_of(served)(codes)
    deviation = posterior.spread(drawn)
    top = float(deviation.max())
    legend = posterior.heat(np.linspace(0, 1, 64)[None], 1)
    return {
        "samples": [picture_address(picture) for picture in images.to_uint8(drawn[:count])],
        "seed": seed,
        "measured": MEASURED,
        "spread": picture_address(posterior.heat(deviation, top)),
        "legend": picture_address(legend),
        "top": top,
        "mean": float(deviation.mean()),
    }


def _repaired(
    served: ServedBundle, image: np.ndarray, mask: np.ndarray, seed: int, temperature: float
) -> dict[str, Any]:
    """The hidden pixels filled in by each model in one pass, and in several ways by the VAE."""
    found: dict[str, np.ndarray] = {}
    if "vae" in served.models and served.engine.has("repair"):
        found["vae"] = served.repair(image, mask, "vae")
        several = completions.completions(served, image, mask, COMPLETIONS, seed, temperature)
        found |= {f"completion {i}": several[[i]] for i in range(len(several))}
    if "gan" in served.models and served.engine.has("inverter"):
        found["gan"] = served.repair(image, mask, "gan")
    readings = _readings(served, found)
    shown = {name: {"image": image_address(one), "reading": readings[name]} for name, one in found.items()}
    return {
        "vae": shown.get("vae"),
        "gan": shown.get("gan"),
        "completions": [one for name, one in shown.items() if name.startswith("completion")],
    }


def _readings(served: ServedBundle, pictures: Mapping[str, np.ndarray]) -> dict[str, list[float] | None]:
    """What the classifier reads in each picture: the probability of every class; None where there is no classifier."""
    if not pictures or not served.reads:
        return dict.fromkeys(pictures)
    rows = posterior.batched(np.concatenate(list(pictures.values())), served.classify, served.info.max_batch)
    return {name: [round(float(p), 4) for p in row] for name, row in zip(pictures, rows, strict=True)}
