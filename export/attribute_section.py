"""The attributes of a bundle as a section of its card: how well each is recognised, what its directions do."""

from collections.abc import Sequence

from bundle.quality_section import cell
from bundle.schema import Attribute, AttributeEffect
from export.markdown import table

HEADING, NEXT = "## Attributes", "## Graphs"
EXPLAINED = """Recognised: on held-out pictures, the balanced accuracy (two values) or the correlation (numbers). Moved:
how far one standard deviation of the latents along a direction moves its attribute, in standard deviations of the
generated pictures, by the graph `attributes`. Others: the mean move of the other attributes, the less the better. Kept:
the mean cosine similarity of the classifier's features, 1 = the rest of the picture stays."""


def attribute_table(attributes: Sequence[Attribute]) -> str:
    """A Markdown table, a line for each attribute."""
    columns = ("attribute", "recognised", *(f"{model}: {what}" for model in ("GAN", "VAE")
                                            for what in ("moved", "others", "kept")))  # fmt: skip
    rows = [
        (
            cell(one.name),
            f"{one.accuracy:.1%}" if one.kind == "binary" else f"r = {one.accuracy:.2f}",
            *effect_cells(one.gan),
            *effect_cells(one.vae),
        )
        for one in attributes
    ]
    return table(columns, "l" + "r" * 7, rows)


def effect_cells(effect: AttributeEffect | None) -> tuple[str, str, str]:
    """What the table shows of one direction."""
    if effect is None:
        return "", "", ""
    return f"{effect.moved:.2f}", f"{effect.others:.2f}", "" if effect.kept is None else f"{effect.kept:.2f}"


def section(attributes: Sequence[Attribute]) -> str:
    """The section of the card."""
    return f"{HEADING}\n\n{attribute_table(attributes)}\n\n{EXPLAINED}"


def with_section(card: str, attributes: Sequence[Attribute]) -> str:
    """A card with this section in place of an older one, else before the graphs or at the end."""
    head, found, rest = card.partition(f"{HEADING}\n")
    if found:
        _, following, after = rest.partition("\n## ")
        return f"{head}{section(attributes)}\n" + (f"{following}{after}" if following else "")
    head, found, rest = card.partition(f"{NEXT}\n")
    if found:
        return f"{head}{section(attributes)}\n\n{found}{rest}"
    return f"{card.rstrip()}\n\n{section(attributes)}\n"
