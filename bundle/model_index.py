"""The measured figures of a bundle as the Hugging Face Hub reads them from a model card: the entry `model-index`.

The Hub compares figures of the same type. Ours are measured in features that differ from bundle to bundle, so their
types are our own names, which no leaderboard knows, and the entry says in whose features distances were taken.
"""

import re
from typing import TYPE_CHECKING

from bundle.figures import headlines
from bundle.schema import Bundle

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

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
    return source if re.fullmatch(r"[\w.-]+/[\w.-]+", source) else None


def eval_results(info: Bundle) -> "list[EvalResult]":
    """The figures that are shown first, but those of the control, for the Hub; none where nothing was measured."""
    from huggingface_hub import EvalResult  # slow to import, and only a card needs it

    quality = info.quality
    if quality is None:
        return []
    return [
        EvalResult(
            task_type=TASK,
            dataset_name=info.title,
            dataset_type=hosted(info.dataset.source) or info.name,
            dataset_split="held-out pictures",
            dataset_args={"features": quality.features} if quality.features else None,
            metric_type=f"twofold.{figure.name}",
            metric_name=f"{figure.label}, {figure.unit}" if figure.unit else figure.label,
            metric_value=figure.value,
        )
        for figure in headlines(quality)
        if not figure.name.startswith("control.")
    ]


def with_model_index(card: str, info: Bundle) -> str:
    """A model card whose front matter has the figures of `info`, in place of older ones; a card without front matter
    stays as it is."""
    found = FRONT.match(card)
    if not found:
        return card
    kept = ENTRY.sub("", found[1])
    return f"---\n{kept}{_entry(info)}---\n{card[found.end() :]}"


def _entry(info: Bundle) -> str:
    """The lines of the entry; none where nothing was measured."""
    results = eval_results(info)
    if not results:
        return ""
    from huggingface_hub import ModelCardData

    lines = ModelCardData(model_name=info.title, eval_results=results).to_yaml()
    return lines[lines.index("model-index:") :].rstrip("\n") + "\n"
