"""The bundle as a whole, complete and partial, and what happens to an older one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.read import read
from bundle.schema import USUAL_GRAPHS, Figure, Quality, RuntimeComparison, RuntimeResult
from bundle.sessions import choose_provider
from demo.serving.engine import Engine
from export import assemble, parity
from tests.support import exporter
from tests.support.checksums import sha256
from tests.support.pictures import draw_folder
from tests.support.trained import CLASSES, Exported, export, train_tiny
from train.data.dataset import Pictures
from train.run_folder import Run
from train.stored_settings import LOCAL_SETTINGS

QUALITY = Quality(
    command="python -m train evaluate",
    samples=20,
    figures=(Figure(name="gan.frechet", label="GAN: distance", value=12.34, floor=5.5, unit="", better="lower"),),
)
ELSEWHERE = RuntimeComparison(
    command="python -m export check shapes",
    hardware="none",
    reference="ONNX reference",
    batches=(1,),
    runtimes=(RuntimeResult(runtime="CUDA", gap="No GPU."),),
)


def test_the_demo_accepts_it(exported: Exported, trained_run: Path):
    opened = read(exported.folder)
    engine = Engine(opened, choose_provider("cpu"))
    engine.check()
    info = opened.info
    assert set(info.graphs) == set(USUAL_GRAPHS) and info.name == "shapes" and info.title == "pictures"
    assert (info.dataset.classes, info.dataset.train_images, info.dataset.test_images) == (CLASSES, 360, 40)
    assert (info.gan.latent_dim, info.gan.w_dim, info.gan.stages, info.vae.latent_dim) == (8, 8, 3, 4)
    assert info.vae.sigma == pytest.approx(Run.open(trained_run).sigma)
    assert set(info.training) == {"classifier", "gan", "vae", "inverter", "repair"} and info.quality is None
    assert sorted(opened.example_labels[:3]) == [0, 1, 2] and len(opened.examples) == 40


def test_it_says_how_pictures_were_framed_and_what_each_stage_was_given(exported: Exported, trained_run: Path):
    info = read(exported.folder).info
    assert (info.dataset.fit, info.dataset.background) == ("crop", "#000000")
    assert (info.dataset.value_range, info.dataset.border) == (None, 4)  # pictures of 8 bits, framed by today's rule
    for stage, training in info.training.items():
        config = json.loads((trained_run / stage / "config.json").read_text())
        given = training.model_dump(mode="json")["settings"]
        assert given == {key: value for key, value in config.items() if key not in LOCAL_SETTINGS}
        assert not {"run", "data", "cache", "threads"} & set(given)
        assert training.settings is not None and training.settings["images"] == 256


def test_it_prints_a_line_and_the_errors_of_each_graph(exported: Exported):
    lines, _, table = exported.printed.partition("largest error")
    for name in USUAL_GRAPHS:
        assert f"  {name} " in lines
        (row,) = [line for line in table.splitlines() if line.split()[:1] == [name]]
        errors = [float(word) for word in row.split()[1:]]
        assert len(errors) == len(parity.BATCHES) and all(0 <= error < 1e-4 for error in errors)
    assert "shapes: 9 graphs, " in table


def test_no_folder_of_this_computer_is_told(exported: Exported, trained_run: Path):
    for name in ("bundle.json", "README.md"):
        text = (exported.folder / name).read_text()
        assert str(trained_run.parents[1]) not in text and str(Path.home()) + "/" not in text


def test_the_sheet_shows_the_seeds(exported: Exported):
    session = parity.session((exported.folder / "generator.onnx").read_bytes())
    pixels = np.asarray(Image.open(exported.folder / "sheet.png"))
    assert pixels.shape == (128, 128)
    for seed in (0, 7, 8, 63):
        z = np.random.Generator(np.random.PCG64(seed)).standard_normal(8).astype(np.float32)[None]
        classes = np.eye(3, dtype=np.float32)[[seed % 3]]
        (image,) = session.run(None, {"z": z, "classes": classes})
        row, column = divmod(seed, 8)
        tile = pixels[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16]
        np.testing.assert_array_equal(tile, np.rint(image[0, 0] * 255).astype(np.uint8))


def test_one_graph_alone_is_the_same_file_again(
    exported: Exported, trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The command for one graph; exporting is repeatable, so hashes tell whether a graph has changed."""
    monkeypatch.setattr(torch.onnx, "export", exporter.REAL)  # asked again
    path = tmp_path / "new" / "critic.onnx"
    printed = export("graph", trained_run, "critic", path)
    assert "image [N, 1, 16, 16], classes [N, 3] -> score [N, 1]" in printed and "  critic  " in printed
    assert sha256(path) == sha256(exported.folder / "critic.onnx")
    assert [p.name for p in path.parent.iterdir()] == ["critic.onnx"]


@pytest.mark.slow
def test_a_colour_gan_without_classes_stopped_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = train_tiny(tmp_path / "plain", draw_folder(tmp_path / "pictures", 200, classes=False, mode="RGB"), "gan")
    record = json.loads((run / "gan" / "record.json").read_text())
    (run / "gan" / "record.json").write_text(json.dumps(record | {"finished": False}))
    measured = Run.open(run).latents()["w_mean"]
    (run / "gan" / "latents.safetensors").unlink()
    folder = tmp_path / "deep" / "Plain Shapes"
    printed = export("bundle", run, folder, "--unfinished")
    opened = read(folder)
    assert opened.info.name == "plain-shapes" and opened.info.vae is None and opened.info.dataset.classes == ()
    assert set(opened.info.graphs) == {"generator", "mapping", "synthesis", "critic"}
    assert [t.name for t in opened.info.graphs["generator"].inputs] == ["z"]
    assert set(opened.example_labels) == {-1}
    np.testing.assert_allclose(opened.latents["w_mean"], measured, atol=1e-6)
    assert "has no vae: the bundle goes without encoder, decoder." in printed and "without classifier" in printed
    card = (folder / "README.md").read_text()
    assert "gan (not finished)" in card and "Training was stopped early: gan." in card
    monkeypatch.chdir(folder)
    exec(card.split("```python\n")[1].split("```")[0], {})
    seed_7 = np.asarray(Image.open("sheet.png"))[:16, 7 * 16 :]
    assert seed_7.shape == (16, 16, 3)
    np.testing.assert_array_equal(np.asarray(Image.open("picture.png")), seed_7)


@pytest.mark.slow
def test_a_vae_alone(trained_run: Path, exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run = tmp_path / "half"
    shutil.copytree(trained_run, run, ignore=shutil.ignore_patterns("gan", "repair", "classifier"))
    folder = tmp_path / "vae"
    printed = export(
        "bundle", run, folder, "--title", "Shapes: a | b", "--licence", "CC BY 4.0", "--name", "some-shapes"
    )
    opened = read(folder)
    assert set(opened.info.graphs) == {"encoder", "decoder"} and opened.info.gan is None
    assert (opened.info.name, opened.info.title) == ("some-shapes", "Shapes: a | b")
    assert "The inverter of" in printed and "needs its gan" in printed
    of_the_gan = {"w_mean", "svm_w", "svm_w_accuracy"}
    assert set(opened.latents) == set(read(exported.folder).latents) - of_the_gan
    text = (folder / "README.md").read_text()
    assert "license: cc-by-4.0" in text and "# Shapes: a | b" in text
    monkeypatch.chdir(tmp_path / "vae")
    exec(text.split("```python\n")[1].split("```")[0], {})
    drawn, pixels = Image.open("picture.png"), np.asarray(Image.open("sheet.png"))
    assert drawn.size == (16, 16) and np.asarray(drawn).std() > 0 and pixels.shape == (128, 128)


# --------------------------------------------------------------------------------------------- quality


@pytest.fixture
def own_bundle(exported: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported.folder, tmp_path / "artifacts" / "shapes"))


def test_figures_stay_only_while_the_graphs_do(exported: Exported):
    info = read(exported.folder).info
    measured = info.model_copy(update={"quality": QUALITY, "runtime_comparison": ELSEWHERE})
    kept = assemble.keep_measurements(info, measured)
    assert (kept.quality, kept.runtime_comparison) == (QUALITY, ELSEWHERE)
    critic = info.graphs["critic"].model_copy(update={"sha256": "0" * 64})
    other = info.model_copy(update={"graphs": info.graphs | {"critic": critic}})
    dropped = assemble.keep_measurements(other, measured)
    assert (dropped.quality, dropped.runtime_comparison) == (None, None)
    assert assemble.keep_measurements(info, None) == info


def test_examples_take_the_classes_in_turn():
    labels = torch.tensor([0] * 300 + [1] * 40 + [2] * 300)
    images = torch.arange(640).view(-1, 1, 1, 1).expand(-1, 3, 2, 2).to(torch.uint8)
    found = assemble.examples(Pictures(images, labels))
    assert found["images"].shape == (100, 2, 2, 3) and found["images"].dtype == np.uint8
    assert np.bincount(found["labels"]).tolist() == [34, 33, 33]
    found = assemble.examples(Pictures(images, torch.full((640,), -1)))
    assert len(found["images"]) == 100 and len(np.unique(found["images"])) > 90
