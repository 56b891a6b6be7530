"""The model card: the Hub can read it, its snippet runs, its figures can be replaced."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard
from PIL import Image

from bundle.__main__ import main
from bundle.read import read
from export import model_card
from tests.support.trained import Exported


def test_the_hub_can_read_it(exported: Exported):
    text = (exported.folder / "README.md").read_text()
    facts = ModelCard(text).data.to_dict()
    assert facts["license"] == "unknown" and facts["library_name"] == "onnx"
    assert facts["pipeline_tag"] == "unconditional-image-generation" and {"onnx", "gan", "vae"} <= set(facts["tags"])
    assert "# pictures" in text and "](sheet.png)" in text and "Not measured yet." in text
    for name in exported.folder.glob("*.onnx"):
        assert f"| `{name.name}` |" in text
    assert "python -m train gan shapes --data pictures" in text and "| gan | 256 | " in text


def test_the_snippet_draws_the_picture_of_the_sheet(exported: Exported, tmp_path: Path, monkeypatch):
    folder = shutil.copytree(exported.folder, tmp_path / "shapes")
    code = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) <= 20
    monkeypatch.chdir(folder)
    exec(code, {})
    seed_7 = np.asarray(Image.open("sheet.png"))[:16, 7 * 16 :]
    np.testing.assert_array_equal(np.asarray(Image.open("picture.png")), seed_7)
    assert main(["verify", "picture.png", "--bundles", str(folder)]) == 0  # it is marked, and drawn again
    assert main(["verify", str(folder / "sheet.png"), "--bundles", str(folder)]) == 0


@pytest.mark.parametrize(
    ("text", "hub"),
    [
        ("LeCun, Cortes, Burges; CC BY-SA 3.0", "cc-by-sa-3.0"),
        ("Zalando Research, MIT", "mit"),
        ("CC BY 4.0", "cc-by-4.0"),
        ("Noto: Apache 2.0 and OFL 1.1", "other"),
        ("Krizhevsky 2009, no licence stated", "unknown"),
        ("The Smithsonian permits this", "other"),
        ("not stated", "unknown"),
        ("", "unknown"),
        (" ; ", "unknown"),
        ("CC BY 4.0;", "cc-by-4.0"),
        ("CC BY 4.0, ", "cc-by-4.0"),
        ("CC BY 4.0; not stated", "other"),  # of a blend
        ("CC BY-NC-SA 4.0", "cc-by-nc-sa-4.0"),
        ("CC BY-NC-ND 4.0", "cc-by-nc-nd-4.0"),
        ("CC BY-ND 4.0", "cc-by-nd-4.0"),
        ("CC BY-SA 4.0", "cc-by-sa-4.0"),
        ("GPL-3.0", "other"),
        ("CC BY 2.0", "other"),
        ("MIT License", "mit"),
        ("MIT-License", "mit"),
        ("mit", "mit"),
        ("Photographs (MIT)", "mit"),
        ("MIT and CC BY 4.0", "other"),
        ("Drawn at MIT CSAIL, all rights reserved", "other"),
        ("Drawn at MIT, all rights reserved", "other"),
        ("nur mit Genehmigung", "other"),
    ],
)
def test_licences(text: str, hub: str):
    assert model_card.hub_licence(text) == hub


def test_a_licence_that_the_hub_does_not_know_is_published_by_its_name(exported: Exported):
    info = read(exported.folder).info
    stated = info.model_copy(update={"dataset": info.dataset.model_copy(update={"licence": "GPL-3.0"})})
    facts = ModelCard(model_card.card(stated, {})).data.to_dict()
    assert facts["license"] == "other" and facts["license_name"] == "gpl-3-0"


@pytest.mark.parametrize(
    "command", ["python -m train gan a --start-from b", "python -m export blend a b c --stages 2", "python -m train x"]
)
def test_only_what_began_with_no_other_weights_is_called_trained_from_scratch(exported: Exported, command: str):
    info = read(exported.folder).info
    gan = info.training["gan"].model_copy(update={"command": command, "sessions": ()})
    changed = info.model_copy(update={"training": {**info.training, "gan": gan}})
    assert ("from scratch" in model_card.introduction(changed)) == command.endswith("train x")
