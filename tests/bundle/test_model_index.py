"""The figures of a bundle in its model card's front matter, as the Hub reads them."""

from pathlib import Path

import pytest

from bundle.model_index import hosted, with_model_index
from bundle.quality_section import store_quality
from bundle.read import read, read_index

hub = pytest.importorskip("huggingface_hub")
CARD = "---\nlicense: mit\ntags:\n- onnx\n---\n\n# Title\n\nmodel-index:\n- stays\n"


def test_the_hub_reads_the_figures(tiny_bundle: Path):
    info = read_index(tiny_bundle)
    card = hub.ModelCard(with_model_index(CARD, info))
    assert card.data.license == "mit" and card.data.tags == ["onnx"]
    assert card.data.model_name == info.title
    found = {result.metric_type: result for result in card.data.eval_results}
    assert set(found) == {"twofold.gan.frechet", "twofold.gan.precision", "twofold.gan.recall"}
    frechet = found["twofold.gan.frechet"]
    assert frechet.metric_value == 2.0 and frechet.metric_name == "Fréchet"
    assert frechet.dataset_name == info.title and frechet.task_type == "unconditional-image-generation"
    assert card.text.lstrip("\n") == CARD.partition("---\n\n")[2]


def test_older_figures_are_replaced_and_the_rest_stays(tiny_bundle: Path):
    info = read_index(tiny_bundle)
    once = with_model_index(CARD, info)
    assert with_model_index(once, info) == once
    assert with_model_index(once, info.model_copy(update={"quality": None})) == CARD
    assert with_model_index("# No front matter\n", info) == "# No front matter\n"


@pytest.mark.parametrize(
    "title", ['Cats: "all" of # them', "数字 🎨", "yes", "a\tb\x85c\u2028d", "back\\slash", "- one"]
)
@pytest.mark.parametrize("value", [0.0, 1e-5, 12.5, 1e22, 3])
def test_any_title_and_any_number_come_through(tiny_bundle: Path, title: str, value: float):
    info = read_index(tiny_bundle)
    assert info.quality
    figures = tuple(figure.model_copy(update={"value": float(value)}) for figure in info.quality.figures)
    quality = info.quality.model_copy(update={"figures": figures})
    card = with_model_index(CARD, info.model_copy(update={"title": title, "quality": quality}))
    data = hub.ModelCard(card).data
    assert data.model_name == title and data.eval_results[0].dataset_name == title
    assert data.eval_results[0].metric_value == value and not isinstance(data.eval_results[0].metric_value, str)


def test_stored_figures_come_into_the_card(broken_bundle: Path):
    quality = read(broken_bundle).info.quality
    assert quality
    (broken_bundle / "README.md").write_text(CARD, encoding="utf-8")
    changed = quality.figures[0].model_copy(update={"value": 1.25})
    store_quality(broken_bundle, quality.model_copy(update={"figures": (changed, *quality.figures[1:])}))
    card = hub.ModelCard((broken_bundle / "README.md").read_text(encoding="utf-8"))
    assert card.data.eval_results[0].metric_value == 1.25


@pytest.mark.parametrize(
    ("source", "there"),
    [("mnist", "ylecun/mnist"), ("me/mine", "me/mine"), ("pictures of mine", None), ("https://a.b/c", None)],
)
def test_sets_of_the_hub_are_known(source: str, there: str | None):
    assert hosted(source) == there


def test_a_folder_that_is_called_as_a_set_made_here_is_not_on_the_hub():
    assert hosted("./shapes") is None and hosted("pets/cats-1.0") == "pets/cats-1.0"
