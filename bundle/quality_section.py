"""The measured figures of a bundle: as a section of its model card, and stored in its index and that card."""

from collections.abc import Sequence
from pathlib import Path

from bundle.card_sections import CardSection
from bundle.model_index import with_model_index
from bundle.read import OpenBundle, read
from bundle.schema import HELD_OUT, Figure, Quality
from bundle.write import card_of, update_bundle

SECTION = CardSection("quality")
ABOUT_FLOORS = (
    f"The floor is what {HELD_OUT} reach in the same measurement, unless another is named; after a stroke, what other "
    "training pictures reach. ± is one standard error."
)
BETTER = {"lower": "lower", "higher": "higher", "floor": "near the floor"}


def store_quality(folder: Path, quality: Quality) -> OpenBundle:
    """Replaces the figures in the index and in the model card (its section, and what the Hub reads) of the bundle in
    `folder`, which it returns; the card is begun where there is none. Everything else stays as it is.

    Raises BundleError when the bundle cannot be opened, UserError when the disk refuses.
    """
    bundle = read(folder)
    info = bundle.info.model_copy(update={"quality": quality})
    card = with_quality(card_of(folder) or f"# {info.title}\n", quality)
    return update_bundle(bundle, info, card=with_model_index(card, info))


def with_quality(text: str, quality: Quality | None) -> str:
    """A model card with its section of figures replaced, or added at the end; the rest stays as it is."""
    section = quality_section(quality)
    if found := SECTION.around(text):
        return found[0] + section + found[1]
    return text.rstrip() + "\n\n" + section + "\n"


def quality_section(quality: Quality | None) -> str:
    """The section: a table of all figures, how they were measured, and where they fall short of their floors."""
    body = "Not measured yet."
    if quality:
        features = f", in the features of {quality.features}" if quality.features else ""
        body = "\n".join(figure_rows(quality.figures)) + (
            f"\n\nMeasured on {quality.samples:,} samples by `{quality.command}`{features}. {ABOUT_FLOORS}"
        )
        body += "".join(f"\n\n{note}" for note in quality.notes)
        if found := weaknesses(quality):
            body += "\n\nWhat these figures say against it:\n\n" + "\n".join(f"- {item}" for item in found)
    return SECTION.written(f"## Quality\n\n{body}")


def figure_rows(figures: Sequence[Figure]) -> list[str]:
    """Figures as the lines of a Markdown table; README.md quotes them as they are."""
    return ["| figure | value | floor | better |", "|---|---:|---:|---|", *map(figure_row, figures)]


def figure_row(figure: Figure) -> str:
    """One line of that table."""
    floor = floors(figure)
    if floor and figure.floor_is != HELD_OUT:
        floor += f" ({figure.floor_is})"
    row = f"| {cell(label(figure))} | {measured(figure)} {figure.unit} | {floor} | {BETTER[figure.better]} |"
    return row.replace("  |", " |")


def label(figure: Figure) -> str:
    """Its label, with the number of pictures where that is its own."""
    return figure.label if figure.count is None else f"{figure.label}, {figure.count:,} pictures"


def floors(figure: Figure) -> str:
    """Its floor to four digits, and after a stroke that of other training pictures, where known: "0.069 / 0.031"."""
    known = [f"{value:.4g}" for value in (figure.floor, figure.training_floor) if value is not None]
    return " / ".join(known)


def measured(figure: Figure) -> str:
    """The value to four digits, with its standard error where it is known: "0.0842 ± 0.003"."""
    return f"{figure.value:.4g}" + ("" if figure.error is None else f" ± {figure.error:.2g}")


def cell(text: str) -> str:
    """Text on one line, with vertical bars escaped: it cannot break a table."""
    return " ".join(text.split()).replace("|", "\\|")


def weaknesses(quality: Quality) -> list[str]:
    """The figures that are worse than their floors, in sentences."""
    found = {figure.name: figure for figure in quality.figures}
    items = [*sample_weaknesses(found)]
    if (figure := found.get("vae.sharpness")) and figure.value < 1:
        items.append(f"The VAE's reconstructions keep {100 * figure.value:.0f} % of the pictures' sharpness.")
    if (figure := found.get("repair.centre")) and figure.floor and figure.value > figure.floor:
        items.append(f"Repair of a missing centre errs {figure.value / figure.floor:.1f} times as much as the VAE does "
                     "where nothing is missing.")  # fmt: skip
    if (figure := found.get("gan.inversion")) and figure.floor and figure.value > figure.floor:
        items.append(f"The GAN's look-alike of a picture errs {figure.value / figure.floor:.1f} times as much as the "
                     "VAE's reconstruction.")  # fmt: skip
    return items


def sample_weaknesses(found: dict[str, Figure]) -> list[str]:
    """What is wrong with samples: not the class asked for, unlike the data, kinds of pictures that are missing."""
    items = []
    if shares := below_floor(found, "gan.label_accuracy"):
        value, floor = shares
        items.append(f"Of 1,000 samples of the GAN {1000 * (1 - value):.0f} are not read as the class asked for (of "
                     f"held-out pictures {1000 * (1 - floor):.0f}).")  # fmt: skip
    for model in ("gan", "vae"):
        if shares := below_floor(found, f"{model}.precision"):
            value, floor = shares
            items.append(f"Of 100 samples of the {model.upper()} {100 * (1 - value):.0f} look unlike any training "
                         f"picture (of held-out pictures {100 * (1 - floor):.0f}).")  # fmt: skip
        if shares := below_floor(found, f"{model}.recall"):
            value, floor = shares
            items.append(f"Of 100 training pictures {100 * (1 - value):.0f} have no sample of the {model.upper()} like "
                         f"them (no held-out one: {100 * (1 - floor):.0f}).")  # fmt: skip
    return items


def below_floor(found: dict[str, Figure], name: str) -> tuple[float, float] | None:
    """(value, floor) of a share that lies below its floor; None where it does not, or where either is unknown."""
    figure = found.get(name)
    if figure is None or figure.floor is None or figure.value >= figure.floor:
        return None
    return figure.value, figure.floor
