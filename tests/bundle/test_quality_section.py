"""The section of figures in a model card: complete, replaceable, and honest about what falls short."""

from pathlib import Path

import pytest

from bundle import quality_section
from bundle.errors import UserError
from bundle.quality_section import store_quality
from bundle.read import read
from bundle.schema import Figure, Quality

QUALITY = Quality(
    command="python -m train evaluate", samples=20,
    figures=(Figure(name="gan.x", label="GAN: distance", value=12.34, floor=5.5, unit="", better="lower"),),
)  # fmt: skip


def test_figures_go_into_index_and_card(broken_bundle: Path):
    """Of a bundle whose card holds its owner's words."""
    card = broken_bundle / "README.md"
    card.write_text("# Mine\n\nmy words\n")
    before = read(broken_bundle).info
    store_quality(broken_bundle, QUALITY)
    assert read(broken_bundle).info == before.model_copy(update={"quality": QUALITY})
    text = card.read_text()
    assert text.startswith("# Mine\n\nmy words\n") and "| GAN: distance | 12.34 | 5.5 | lower |" in text
    store_quality(broken_bundle, QUALITY.model_copy(update={"samples": 21}))
    assert card.read_text() == text.replace("20 samples", "21 samples")


def test_a_bundle_without_a_card_gets_one(broken_bundle: Path):
    (broken_bundle / "README.md").unlink()
    store_quality(broken_bundle, QUALITY)
    assert (broken_bundle / "README.md").read_text().startswith("# tiny (random)\n\n" + quality_section.SECTION.begin)


def test_without_an_index_nothing_is_stored(tmp_path: Path):
    with pytest.raises(UserError, match=r"has no bundle\.json"):
        store_quality(tmp_path, QUALITY)
    assert not list(tmp_path.iterdir())


def test_what_the_owner_wrote_stays():
    old = f"# Mine\n\nmy words\n\n{quality_section.SECTION.written('old figures')}\n\nmy last words\n"
    new = quality_section.with_quality(old, None)
    assert new.startswith("# Mine\n\nmy words\n") and new.endswith("\n\nmy last words\n")
    assert "old figures" not in new and "Not measured yet." in new
    assert quality_section.with_quality("# Only mine\n", None).startswith(
        "# Only mine\n\n" + quality_section.SECTION.begin
    )


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
    quality = Quality(command="python -m train evaluate", samples=10, figures=tuple(figures))
    section = quality_section.quality_section(quality)
    for words in ("Of 1,000 samples of the GAN 15 are not read", "(of held-out pictures 6)", "30 look unlike any",
                  "Of 100 training pictures 60 have no sample of the VAE", "keep 65 %", "8.0 times"):  # fmt: skip
        assert words in section
    assert len(quality_section.weaknesses(quality)) == 5
    assert quality_section.weaknesses(Quality(command="x", samples=1, figures=())) == []
