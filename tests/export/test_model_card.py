"""The model card: the Hub can read it, its snippet runs, its figures can be replaced."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard
from PIL import Image

from bundle.schema import Figure, Quality
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
    assert len(code.splitlines()) <= 12
    monkeypatch.chdir(folder)
    exec(code, {})
    seed_7 = np.asarray(Image.open("sheet.png"))[:16, 7 * 16 :]
    np.testing.assert_array_equal(np.asarray(Image.open("picture.png")), seed_7)


@pytest.mark.parametrize(
    ("text", "hub"),
    [
        ("LeCun, Cortes, Burges; CC BY-SA 3.0", "cc-by-sa-3.0"),
        ("Zalando Research, MIT", "mit"),
        ("CC BY 4.0", "cc-by-4.0"),
        ("Noto: Apache 2.0 and OFL 1.1", "other"),
        ("Krizhevsky 2009, no licence stated", "unknown"),
        ("The Smithsonian permits this", "unknown"),
    ],
)
def test_licences(text: str, hub: str):
    assert model_card.hub_licence(text) == hub


def test_what_the_owner_wrote_stays():
    old = f"# Mine\n\nmy words\n\n{model_card.BEGIN}\nold figures\n{model_card.END}\n\nmy last words\n"
    new = model_card.with_quality(old, None)
    assert new.startswith("# Mine\n\nmy words\n") and new.endswith("\n\nmy last words\n")
    assert "old figures" not in new and "Not measured yet." in new
    assert model_card.with_quality("# Only mine\n", None).startswith("# Only mine\n\n" + model_card.BEGIN)


def test_figures_under_their_floor_are_put_into_words():
    def figure(name: str, value: float, floor: float | None) -> Figure:
        return Figure(name=name, label=name, value=value, floor=floor, unit="", better="higher")

    figures = [
        figure("gan.label_accuracy", 0.985, 0.994),
        figure("gan.precision", 0.7, 0.9),
        figure("vae.precision", 0.95, 0.9),  # above its floor: nothing to say
        figure("vae.recall", 0.4, 0.9),
        figure("vae.sharpness", 0.65, 0.66),
        figure("repair.centre", 0.08, 0.01),
    ]
    quality = Quality(command="python -m benchmarks.quality", samples=10, figures=tuple(figures))
    section = model_card.quality_section(quality)
    for words in ("Of 1,000 samples of the GAN 15 are not read", "(of held-out pictures 6)", "30 look unlike any",
                  "Of 100 training pictures 60 have no sample of the VAE", "keep 65 %", "8.0 times"):  # fmt: skip
        assert words in section
    assert len(model_card.weaknesses(quality)) == 5
    assert model_card.weaknesses(Quality(command="x", samples=1, figures=())) == []
