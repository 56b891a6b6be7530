"""The attributes of a bundle as a section of its card: how well each is recognised, what its directions do."""

import re
from collections.abc import Sequence

from bundle.card_sections import CardSection
from bundle.quality_section import cell
from bundle.schema import Attribute, AttributeEffect
from export.markdown import table

SECTION = CardSection("attributes")
HEADING, NEXT = "## Attributes", re.compile(r"^## Graphs$", re.MULTILINE)
EXPLAINED = """Recognised: on held-out pictures, the balanced accuracy (two values) or the correlation (numbers). Moved:
how far one standard deviation of the latents along a direction moves its attribute, in standard deviations of the
generated pictures, by the graph `attributes`. Others: the mean move of the other attributes, the less the better. Kept:
the mean cosine similarity of the classifier's features, 1 = the rest of the picture stays."""
# The section of older versions, without comments around it: heading, table, and this paragraph.
UNMARKED = re.compile(
    rf"^{HEADING}\n\n(?:\|.*\n)+\nRecognised: .*\n(?:.+\n)*?.*the rest of the picture stays\.$", re.MULTILINE
)


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
    """The section of the card, between its comments."""
    return SECTION.written(f"{HEADING}\n\n{attribute_table(attributes)}\n\n{EXPLAINED}")


def with_section(card: str, attributes: Sequence[Attribute]) -> str:
    """A card with this section in place of an older one, else before the graphs or at the end; the rest stays."""
    text = section(attributes)
    if around := SECTION.around(card):
        return around[0] + text + around[1]
    if old := UNMARKED.search(card):
        return card[: old.start()] + text + card[old.end() :]
    if graphs := NEXT.search(card):
        return f"{card[: graphs.start()]}{text}\n\n{card[graphs.start() :]}"
    return f"{card.rstrip()}\n\n{text}\n"
