"""The measured figures of a bundle as the Hugging Face Hub reads them from a model card: the entry `model-index`.

The Hub compares figures of the same type. Ours are measured in features that differ from bundle to bundle, so their
types are our own names, which no leaderboard knows, and the entry says in whose features distances were taken.
"""

import json
import re

from bundle.figures import headlines, is_control
from bundle.schema import HELD_OUT, BundleIndex

# Sets that people have under these names, and where the Hub has the same.
WELL_KNOWN = {
    "mnist": "ylecun/mnist",
    "fashion_mnist": "zalando-datasets/fashion_mnist",
    "cifar10": "uoft-cs/cifar10",
}
TASK = "unconditional-image-generation"
FRONT = re.compile(r"\A---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
ENTRY = re.compile(r"^model-index:\n(?:[ -].*\n)*", re.MULTILINE)


def hosted(source: str) -> str | None:
    """The Hub's identifier of a data set, "owner/name"; None where the pictures are from elsewhere."""
    if source in WELL_KNOWN:
        return WELL_KNOWN[source]
    return source if re.fullmatch(r"\w[\w.-]*/[\w.-]+", source) else None


def with_model_index(card: str, info: BundleIndex) -> str:
    """A model card whose front matter has the figures of `info`, in place of older ones; a card without front matter
    stays as it is."""
    found = FRONT.match(card)
    if not found:
        return card
    kept = ENTRY.sub("", found[1])
    return f"---\n{kept}{_entry(info)}---\n{card[found.end() :]}"


def _entry(info: BundleIndex) -> str:
    """The entry: the figures that are shown first, but those of the control; empty where nothing was measured."""
    quality = info.quality
    shown = [figure for figure in headlines(quality) if not is_control(figure)] if quality else []
    if quality is None or not shown:
        return ""
    lines = [
        "model-index:",
        f"- name: {_scalar(info.title)}",
        "  results:",
        "  - task:",
        f"      type: {_scalar(TASK)}",
        "    dataset:",
        f"      name: {_scalar(info.title)}",
        f"      type: {_scalar(hosted(info.dataset.source) or info.name)}",
        f"      split: {_scalar(HELD_OUT)}",
    ]
    if quality.features:
        lines += ["      args:", f"        features: {_scalar(quality.features)}"]
    lines.append("    metrics:")
    for figure in shown:
        label = f"{figure.label}, {figure.unit}" if figure.unit else figure.label
        lines += [
            f"    - type: {_scalar(f'twofold.{figure.name}')}",
            f"      value: {_number(figure.value)}",
            f"      name: {_scalar(label)}",
        ]
    return "".join(f"{line}\n" for line in lines)


def _scalar(text: str) -> str:
    """Text in YAML: a JSON string, in which what YAML takes for no printable character is escaped as well."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)


def _number(value: float) -> str:
    """A number in YAML, whose readers take 1e-05 for text, but 1.0e-05 for a number."""
    text = repr(value)
    return text if "." in text else text.replace("e", ".0e")
