"""README.md of a Space, which the Hub shows: the settings that it asks for, and what the pictures are."""

from collections.abc import Sequence
from typing import Any

from bundle.model_index import hosted
from bundle.quality_section import cell
from bundle.read import OpenBundle
from bundle.write import CARD
from export import model_card
from export.targets.space_check import TAG

GRADIENT = ("blue", "indigo")  # of the card on the Hub
EMOJI = "🌗"


def front_matter(bundles: Sequence[OpenBundle], title: str | None, app: dict[str, Any]) -> str:
    """The block of settings at the top of README.md, between its two lines of dashes; `app`: those of what runs."""
    from huggingface_hub import SpaceCardData  # slow to import

    sources = {bundle.info.dataset.source for bundle in bundles}
    datasets = sorted(found for source in sources if (found := hosted(source)))
    facts = SpaceCardData(
        title=title or default_title(bundles),
        emoji=EMOJI,
        colorFrom=GRADIENT[0],
        colorTo=GRADIENT[1],
        license=licence(bundles),
        short_description=f"Play with a {model_names(bundles)}, live",
        tags=[TAG, "onnx", *models(bundles), "image-generation"],
        datasets=datasets or None,
        **app,
    )
    return f"---\n{facts.to_yaml()}\n---\n"


def models(bundles: Sequence[OpenBundle]) -> list[str]:
    """Those of "gan" and "vae" that these bundles have."""
    return [kind for kind in ("gan", "vae") if any(kind in bundle.info.models for bundle in bundles)]


def model_names(bundles: Sequence[OpenBundle]) -> str:
    """ "GAN", "VAE" or "GAN and a VAE"."""
    return " and a ".join(kind.upper() for kind in models(bundles))


def default_title(bundles: Sequence[OpenBundle]) -> str:
    """E.g. "Twofold: MNIST digits"; "Twofold" for several bundles."""
    return f"Twofold: {bundles[0].info.title}" if len(bundles) == 1 else "Twofold"


def licence(bundles: Sequence[OpenBundle]) -> str:
    """The Hub's identifier of the licence that all data sets share, "other" when they share none."""
    found = {model_card.hub_licence(bundle.info.dataset.licence) for bundle in bundles}
    return found.pop() if len(found) == 1 and found <= model_card.HUB_IDENTIFIERS else "other"


def text(about: Sequence[str], bundles: Sequence[OpenBundle], home: str, sheet: str = "", cards: bool = True) -> str:
    """README.md below its settings: the lines `about`, then a section for each bundle, whose files lie in `home`/NAME.
    `sheet`: the name of the sample sheet there, empty for the bundle's own; `cards`: whether model cards are there."""
    lines = list(about)
    for bundle in bundles:
        info, place = bundle.info, f"{home}/{bundle.info.name}"
        more = f" More in its [model card]({place}/{CARD})." if cards and (bundle.folder / CARD).is_file() else ""
        lines += [
            f"\n## {cell(info.title)}\n",
            f"![Samples]({place}/{sheet or info.files['sheet'].file})\n",
            f"A {model_card.model_names(info)} of {model_card.picture_kind(info)}. "
            f"Learned from: {cell(info.dataset.source)}; licence of",
            f"these pictures: {cell(info.dataset.licence)}.{more}",
        ]
    return "\n".join(lines) + "\n"
