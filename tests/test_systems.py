"""Every system of the reference articles, from its preset to the pictures that the demo serves.

Each is trained for a few steps by the command line on pictures drawn here, exported, and run by onnxruntime, which must
give what PyTorch computes from the same seeds and pictures. Some are unpacked from their bundle and trained further.
"""

import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from PIL import Image

from bundle import images, paths
from bundle.latents import seed_latent
from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.support.trained import export, train
from train.evaluate.subject import open_subject
from train.run_folder import Run
from train.stages import load_networks

pytestmark = [pytest.mark.slow, pytest.mark.long]

SEEDS = range(6)
NARROW_GAN = ("--width", "16", "--w-dim", "8", "--latent-dim", "8")
NARROW_VAE = ("--width", "16", "--latent-dim", "4", "--components", "1")


@dataclass(frozen=True)
class System:
    """A trained run and its bundle, served."""

    run: Run
    served: ServedBundle

    def config(self, stage: str) -> dict:
        return json.loads((self.run.folder / stage / "config.json").read_text())


def draw(folder: Path, size: int, mode: str, classes: int) -> Path:
    """110 pictures of a bright box on dark noise; its height tells the class."""
    rng = np.random.default_rng(0)
    shape = (size, size) if mode == "L" else (size, size, 3)
    for i in range(110):
        pixels = rng.integers(0, 60, shape, dtype=np.uint8)
        x, y = rng.integers(size // 8, size // 3, 2)
        pixels[y : y + size // 4 * (1 + i % 2), x : x + size // 3] = rng.integers(150, 255, shape[2:])
        home = folder / (f"kind {i % classes}" if classes else "")
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(home / f"{i:03d}.png")
    return folder


def build(home: Path, size: int, mode: str, classes: int, *commands: tuple[str, ...]) -> System:
    """Trains each command, 6 steps unless its flags say otherwise, exports the run, opens the bundle."""
    pictures, run, folder = draw(home / "pictures", size, mode, classes), home / "run", home / "bundle"
    for name, *flags in commands:
        common = ["--data", pictures, "--size", size, "--images", 96, "--batch", 16, "--threads", 1]
        train(name, run, *common, *flags)
    export("bundle", run, folder)
    models, unavailable = open_bundles(folder, choose_provider("cpu"))
    assert not unavailable
    return System(Run.open(run), models["bundle"])


def noise(prior: str, dim: int) -> torch.Tensor:
    """The noise of SEEDS, float32 [6, dim], transformed to the prior by scipy."""
    normal = np.stack([seed_latent(seed, dim) for seed in SEEDS])
    share = scipy.stats.norm.cdf(normal.astype(np.float64))
    z = {"normal": normal, "uniform": 2 * share - 1, "truncated": scipy.stats.truncnorm.ppf(share, -2, 2)}[prior]
    return torch.from_numpy(z.astype(np.float32))


def check_gan(system: System, prior: str = "normal") -> None:
    """Seeds are served as PyTorch draws them from the same noise; full truncation leaves one picture a class."""
    served, classes = system.served, system.served.class_count
    info = served.info.gan
    assert info.prior == system.config("gan")["prior"] == prior
    generator = load_networks(system.run, "gan")["generator"]
    weights = torch.eye(classes)[[seed % classes for seed in SEEDS]] if classes else None
    expected = generator(noise(prior, info.latent_dim), weights).numpy()
    found = served.sample(SEEDS)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(np.unique(images.to_uint8(found), axis=0)) == len(SEEDS)
    assert (
        served.at(0.5, 0.5).shape == served.morph_at([1, 2], paths.path_shares(2, False))[:1].shape == found[:1].shape
    )
    typical = served.sample(SEEDS, truncation=0)
    rows = range(max(classes, 1))
    for seed in SEEDS:
        assert typical[seed] == pytest.approx(typical[seed % len(rows)], abs=1e-6)


def check_card(system: System) -> None:
    """The model card's snippet draws seed 7 as the sample sheet shows it."""
    folder = system.served.engine.bundle.folder
    with contextlib.chdir(folder):
        exec((folder / "README.md").read_text().split("```python\n")[1].split("```")[0], {})
    image = system.served.info.image
    drawn, sheet = (np.asarray(Image.open(folder / name)).astype(int) for name in ("picture.png", "sheet.png"))
    assert np.abs(drawn - sheet[: image.height, 7 * image.width :]).max() <= 1


def check_vae(system: System) -> None:
    """A reconstruction is what PyTorch computes; samples of the fitted prior differ from each other."""
    networks = load_networks(system.run, "vae")
    picture = images.from_uint8(system.served.engine.bundle.examples[:1])
    expected = networks["decoder"](networks["encoder"](torch.from_numpy(picture))[0]).numpy()
    found = system.served.reconstruct(picture)
    np.testing.assert_allclose(found.image, expected, atol=1e-5)
    assert 0 < found.mse < 0.3
    drawn = system.served.sample(SEEDS, model="vae")
    assert drawn.shape[1:] == picture.shape[1:] and len(np.unique(drawn, axis=0)) == len(SEEDS)


def check_classifier(system: System, features: int) -> None:
    """Probabilities are those that PyTorch computes."""
    pictures = images.from_uint8(system.served.engine.bundle.examples[:4])
    logits, seen = load_networks(system.run, "classifier")["classifier"](torch.from_numpy(pictures))
    assert seen.shape == (4, features)
    np.testing.assert_allclose(system.served.classify(pictures), logits.softmax(dim=1).numpy(), atol=1e-5)


def unpack(system: System) -> tuple[Run, str]:
    """The run that comes out of the bundle, and what the command printed."""
    folder = system.run.folder.with_name("again")
    printed = export("unpack", system.served.engine.bundle.folder, folder)
    return Run.open(folder), printed


def check_unpacked(system: System, again: Run, *stages: str) -> None:
    """Number for number the networks that went in; whatever is normalised by batches is folded and so not the same."""
    for stage in stages:
        after = load_networks(again, stage)
        for name, net in load_networks(system.run, stage).items():
            found = after[name].state_dict()
            assert all(torch.equal(value, found[key]) for key, value in net.state_dict().items()), (stage, name)


def go_on(again: Run, pictures: Path, *command: str) -> None:
    """Training takes it up: 96 pictures have been seen, 32 follow."""
    common = ["--data", pictures, "--resume", "--images", 128, "--threads", 1]
    train(command[0], again.folder, *common, *command[1:])


def test_cifar_like_colour(tmp_path: Path):
    """LeNet on 32 x 32 RGB, beside a convolutional GAN with a uniform prior."""
    system = build(
        tmp_path, 32, "RGB", 2,
        ("classifier", "--preset", "lenet"), ("gan", *NARROW_GAN, "--prior", "uniform"),
    )  # fmt: skip
    assert system.config("classifier")["body"] == "lenet"
    check_classifier(system, 84)
    check_gan(system, "uniform")
    check_card(system)
    assert system.served.models == ("gan",)


def test_convolutional_gan_in_grey(tmp_path: Path):
    """28 x 28 without classes, a truncated prior, the plain Wasserstein value function."""
    system = build(tmp_path, 28, "L", 0, ("gan", *NARROW_GAN, "--prior", "truncated", "--loss", "wgan"))
    check_gan(system, "truncated")
    check_card(system)
    assert system.served.info.gan.stages == 3


def test_mlp_gan_by_minimax_beside_a_plane_of_codes(tmp_path: Path):
    """The GAN of 2014 on 100 numbers of noise and the VAE of 2014 on two, each inverted, on digits' format."""
    system = build(
        tmp_path, 28, "L", 2,
        ("gan", "--preset", "mlp", "--loss", "minimax", "--width", "16"),
        ("vae", "--preset", "plane", "--beta", "4", "--binarize", "--width", "32", "--components", "1"),
        ("inverse", "--width", "16", "--hidden", "16"),
    )  # fmt: skip
    gan, vae = system.served.info.gan, system.served.info.vae
    assert (gan.latent_dim, gan.stages, gan.w_dim, vae.latent_dim) == (100, 1, 102, 2)
    assert system.config("gan")["loss"] == "minimax"
    assert [system.config("vae")[n] for n in ("body", "likelihood", "beta")] == ["mlp", "bernoulli", 4.0]
    assert (vae.likelihood, vae.binarize) == ("bernoulli", True)
    measured = open_subject(system.served.engine.bundle.folder).vae
    assert (measured.likelihood, measured.binarize) == ("bernoulli", True)
    check_gan(system)
    check_vae(system)
    picture = images.from_uint8(system.served.engine.bundle.examples[:1])
    found = system.served.invert(picture, rounds=1)
    assert found.w.shape == (1, 1, 102) and found.mse <= system.served.invert(picture).mse
    mask = np.ones((1, 1, 28, 28), np.float32)
    mask[:, :, 14:] = 0
    for model in ("gan", "vae"):
        assert (system.served.repair(picture, mask, model)[:, :, :14] == picture[:, :, :14]).all()
    again, _ = unpack(system)
    check_unpacked(system, again, "gan", "vae")
    go_on(again, tmp_path / "pictures", "vae")
    assert again.record("vae").images == 128


def test_mlp_gan_without_saturation_beside_a_plane_by_squared_error(tmp_path: Path):
    system = build(
        tmp_path, 28, "L", 0,
        ("gan", "--preset", "mlp", "--loss", "non-saturating", "--width", "16"),
        ("vae", "--preset", "plane", "--likelihood", "squared-error", "--width", "32", "--components", "1"),
    )  # fmt: skip
    assert system.config("vae")["likelihood"] == "squared-error"
    check_gan(system)
    check_vae(system)


def test_a_hundred_pixels_in_colour(tmp_path: Path):
    """100 x 100 RGB: 25, 50, 100; a convolutional GAN and a convolutional VAE."""
    system = build(
        tmp_path, 100, "RGB", 0, ("gan", *NARROW_GAN, "--images", "32"), ("vae", *NARROW_VAE, "--images", "32")
    )
    assert (system.served.info.image.shape, system.served.info.gan.stages) == ((3, 100, 100), 3)
    check_gan(system)
    check_vae(system)


def test_a_vae_that_begins_as_principal_components(tmp_path: Path):
    """Its reconstructions are near at once; its repair, which begins as a linear posterior, keeps what is known. Both
    come out of the bundle and are trained on."""
    system = build(
        tmp_path, 32, "L", 2,
        ("vae", "--preset", "principal", "--width", "16", "--hidden", "16", "--latent-dim", "24"),
        ("inverse", "--target", "vae", "--width", "16", "--hidden", "16"),
    )  # fmt: skip
    check_vae(system)
    picture = images.from_uint8(system.served.engine.bundle.examples[:1])
    assert system.served.reconstruct(picture).mse < 0.3 * picture.var()
    mask = np.ones((1, 1, 32, 32), np.float32)
    mask[:, :, 16:] = 0
    repaired = system.served.repair(picture, mask, "vae")
    assert (repaired[:, :, :16] == picture[:, :, :16]).all() and repaired[:, :, 16:].std() > 0.02
    again, printed = unpack(system)
    assert "The VAE trained for 1 minutes." in printed
    assert "The repair fits the VAE as it is now." in printed and "--target vae" in printed
    check_unpacked(system, again, "vae", "repair")
    go_on(again, tmp_path / "pictures", "inverse", "--target", "vae")
    go_on(again, tmp_path / "pictures", "vae")
    assert again.record("repair").images == again.record("vae").images == 128


def test_the_gpu_presets(tmp_path: Path):
    """Residual bodies under bf16, made narrow. Group normalisation takes weights' names, so only the GAN comes
    out of the bundle again."""
    system = build(
        tmp_path, 16, "RGB", 2,
        ("classifier", "--preset", "gpu", "--images", "16"),
        ("gan", "--preset", "gpu", *NARROW_GAN, "--images", "32"),
        ("vae", "--preset", "gpu", *NARROW_VAE, "--images", "32"),
    )  # fmt: skip
    assert {system.config(stage)["body"] for stage in ("classifier", "gan", "vae")} == {"residual"}
    check_classifier(system, 128)
    check_gan(system)
    check_vae(system)
    again, printed = unpack(system)
    assert re.search(r"^The vae of .* cannot become a run: its graph lacks", printed, re.MULTILINE)
    check_unpacked(system, again, "gan")
    assert {path.name for path in again.folder.iterdir()} == {"run.json", "gan"}
