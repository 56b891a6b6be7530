"""Generators that somebody else exported: served as they are, or refused in a sentence."""

import io
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient
from torch import nn

from bundle import adopt, adopt_command, images, latents, paths
from bundle.__main__ import main
from bundle.adopt import About, inspect_generator
from bundle.errors import BundleError, UserError
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.sessions import choose_provider
from demo.facts import facts
from demo.routes.live import routes
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from export.__main__ import main as export
from tests.support import tiny

LATENT = 12


class Dcgan(nn.Module):
    """A generator as tutorials write it: z [N, 12, 1, 1], batch normalisation, tanh."""

    def __init__(self, channels: int = 3, last: nn.Module | None = None, flat: bool = False):
        super().__init__()
        self.flat = flat
        self.body = nn.Sequential(
            nn.ConvTranspose2d(LATENT, 16, 4), nn.BatchNorm2d(16), nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.ConvTranspose2d(8, channels, 4, 2, 1), last or nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.body(z[..., None, None] if self.flat else z)


def net(**options: object) -> Dcgan:
    torch.manual_seed(3)
    made = Dcgan(**options).eval()
    with torch.no_grad():
        for layer in made.body:
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_var.fill_(0.05)  # as after training: pictures with contrast
    return made


def exported(made: nn.Module, z: torch.Tensor, free: bool = True, opset: int = 11) -> bytes:
    """By the exporter that most files on the Hub come from."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            made, (z,), file, dynamo=False, opset_version=opset, input_names=["noise"], output_names=["fake"],
            dynamic_axes={"noise": {0: "n"}, "fake": {0: "n"}} if free else None,
        )  # fmt: skip
    return file.getvalue()


@pytest.fixture
def dcgan(tmp_path: Path) -> Path:
    path = tmp_path / "My DCGAN.onnx"
    path.write_bytes(exported(net(), torch.zeros(2, LATENT, 1, 1)))
    return path


@pytest.mark.parametrize(
    ("options", "shape", "free", "opset", "values"),
    [
        ({}, (LATENT, 1, 1), True, 11, "-1..1"),
        ({"flat": True}, (LATENT,), True, 17, "-1..1"),
        ({"flat": True, "last": nn.Sigmoid(), "channels": 1}, (LATENT,), True, 13, "0..1"),
        ({"channels": 1}, (LATENT, 1, 1), False, 11, "-1..1"),
    ],
)
def test_its_pictures_are_those_of_pytorch(
    tmp_path: Path, options: dict, shape: tuple, free: bool, opset: int, values: str
):
    made = net(**options)
    (tmp_path / "g.onnx").write_bytes(exported(made, torch.zeros(1 if not free else 2, *shape), free, opset))
    info, _ = adopt.adopt(tmp_path / "g.onnx", tmp_path / "out", About("g", "G"))
    adapter = info.graphs["generator"].adapter
    assert (adapter.values, adapter.z_shape, adapter.batch) == (values, shape, None if free else 1)
    served = ServedBundle(Engine(read(tmp_path / "out"), choose_provider("cpu")))
    z = torch.from_numpy(np.stack([latents.seed_latent(seed, LATENT) for seed in (4, 5, 6)]))
    with torch.no_grad():
        wanted = made(z.reshape(3, *shape)).numpy()
    wanted = (wanted + 1) / 2 if values == "-1..1" else wanted
    assert np.abs(served.sample([4, 5, 6]) - wanted).max() < 1e-5


def test_what_a_visitor_does_works_without_styles(dcgan: Path, tmp_path: Path):
    adopt.adopt(dcgan, tmp_path / "out", About("mine", "Mine"))
    served = ServedBundle(Engine(read(tmp_path / "out"), choose_provider("cpu")))
    assert np.array_equal(served.at(7, 0), served.sample([7]))
    assert np.array_equal(served.morph_at([1, 2], paths.path_shares(5, False))[-1:], served.sample([2]))
    assert served.sample([1], truncation=0.0).tobytes() == served.sample([2], truncation=0.0).tobytes()
    with pytest.raises(BundleError, match="no styles"):
        served.styles([1])
    (known,) = facts({"mine": served}, [])["bundles"]
    assert known["models"] == ["gan"] and not (known["inverts"] or known["repairs"] or known["rebuilds"])
    assert {row["file"] for row in known["downloads"]} == {"generator.onnx", "sheet.png", "bundle.json"}
    with TestClient(Starlette(routes=routes({"mine": served}))) as client:
        assert client.get("/live/mine?x=3.5&y=2").status_code == 200
        assert client.get("/live/mine?m=vae").status_code == 400


def test_the_command_writes_it_and_the_file_stays_as_it_was(dcgan: Path, tmp_path: Path):
    words = [
        sys.executable,
        "-m",
        "bundle",
        "adopt",
        str(dcgan),
        "--licence",
        "CC0",
        "--out",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert "z of 12 numbers -> pictures 3 x 16 x 16, values -1..1" in done.stdout
    bundle = read(tmp_path / "out")
    assert (bundle.info.name, bundle.info.title, bundle.info.dataset.licence) == ("my-dcgan", "my-dcgan", "CC0")
    assert (tmp_path / "out" / "generator.onnx").read_bytes() == dcgan.read_bytes()
    again = subprocess.run(words, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    assert again.returncode == 2 and "already exists" in again.stderr


def test_what_no_flag_gives_is_asked(dcgan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def ask(question: str) -> str:
        asked.append(question)
        return {"Title [mine]: ": "My pictures"}.get(question, "")

    monkeypatch.setattr(adopt_command, "asker", lambda: ask)
    assert main(["adopt", str(dcgan), "--name", "mine", "--out", str(tmp_path / "out")]) == 0
    assert asked == ["Title [mine]: ", "Pictures it learned from [unknown]: ", "Their licence [unknown]: "]
    assert read(tmp_path / "out").info.title == "My pictures"


def test_a_long_file_name_makes_a_name(dcgan: Path, tmp_path: Path):
    file = dcgan.rename(tmp_path / f"{'a' * 63} of mine.onnx")
    assert main(["adopt", str(file), "--out", str(tmp_path / "out")]) == 0
    assert read(tmp_path / "out").info.name == "a" * 63 + "-"


def test_a_name_that_is_none_is_refused_before_anything_is_asked(
    dcgan: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(adopt_command, "asker", lambda: pytest.fail)
    assert main(["adopt", str(dcgan), "--name", "Mine!"]) == 2
    assert "'Mine!' cannot be a bundle's name" in capsys.readouterr().err


def test_a_file_that_is_missing_and_a_place_that_is_taken_are_named_before_anything_is_asked(
    dcgan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(adopt_command, "asker", lambda: pytest.fail)
    assert main(["adopt", str(tmp_path / "none.onnx")]) == 2
    assert "There is no file" in capsys.readouterr().err
    assert main(["adopt", str(dcgan), "--name", "mine", "--out", str(tmp_path)]) == 2
    assert "already exists" in capsys.readouterr().err


@pytest.mark.slow
def test_every_runtime_is_given_what_the_file_takes(dcgan: Path, tmp_path: Path):
    """`export check`: names, shapes and values of its own, as the adapter says."""
    adopt.adopt(dcgan, tmp_path / "out", About("mine", "Mine"))
    assert export(["check", str(tmp_path / "out"), "--runtimes", "onnxruntime", "--write"]) == 0
    stored = read(tmp_path / "out").info.runtime_comparison
    assert stored and [entry.graphs[0].unit for entry in stored.runtimes] == ["grey levels", "grey levels"]
    assert (tmp_path / "out" / "README.md").read_text().startswith("# Mine\n")


class Two(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z * 2


class Scaled(Dcgan):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return super().forward(z) * 1000 - 9000


class Broken(Dcgan):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return super().forward(z) / 0


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Two(), "must have 1 or 3 channels"),
        (net(channels=4), "1 or 3 channels"),
        (Scaled(), r"must lie in \[0, 1\], \[-1, 1\] or \[0, 255\]; these run from"),
        (Broken(), "not finite"),
    ],
)
def test_what_is_no_generator_of_pictures(made: nn.Module, words: str):
    with pytest.raises(BundleError, match=words):
        inspect_generator(exported(made.eval(), torch.zeros(2, LATENT, 1, 1)))


def test_pictures_need_not_be_square(tmp_path: Path):
    file = tmp_path / "wide.onnx"
    file.write_bytes(
        exported(
            net(channels=3, last=nn.Sequential(nn.Tanh(), nn.Upsample(size=(32, 48)))), torch.zeros(2, LATENT, 1, 1)
        )
    )
    assert main(["adopt", str(file), "--out", str(tmp_path / "wide")]) == 0
    bundle = read(tmp_path / "wide")
    assert bundle.info.image.shape == (3, 32, 48) and bundle.tiles == 64
    BundleRunner(bundle).check()


@pytest.mark.parametrize(
    ("content", "words"), [(b"no graph", "not an ONNX file"), (b"", "not an ONNX file"), (None, "There is no file")]
)
def test_unusable_files_leave_nothing_behind(tmp_path: Path, content: bytes | None, words: str):
    if content is not None:
        (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(UserError, match=words):
        adopt.adopt(tmp_path / "x.onnx", tmp_path / "out" / "x", About("x", "x"))
    assert not list(tmp_path.glob("out/*"))


def test_an_adopted_file_that_is_swapped_is_found(dcgan: Path, tmp_path: Path):
    """Other weights, right checksum: the sample sheet tells."""
    adopt.adopt(dcgan, tmp_path / "out", About("mine", "Mine"))
    torch.manual_seed(9)
    other = exported(Dcgan().eval(), torch.zeros(2, LATENT, 1, 1))
    index = tiny.load_index(tmp_path / "out")
    index["graphs"]["generator"] |= tiny.write(tmp_path / "out" / "generator.onnx", other)
    tiny.save_index(tmp_path / "out", index)
    with pytest.raises(BundleError, match="sample sheet"):
        Engine(read(tmp_path / "out"), choose_provider("cpu")).ensure_checked()


def test_the_sheet_shows_its_seeds(dcgan: Path, tmp_path: Path):
    adopt.adopt(dcgan, tmp_path / "out", About("mine", "Mine"))
    bundle = read(tmp_path / "out")
    served = ServedBundle(Engine(bundle, choose_provider("cpu")))
    assert bundle.tiles == 64
    assert np.abs(images.to_uint8(served.sample([0, 1])).astype(int) - bundle.golden).max() <= 1


NO_LINE = [About("g", "two\nlines"), About("g", "caf\udce9"), About("g", "G", licence="\x9b31m")]


@pytest.mark.parametrize("about", [About("g", "t" * 201), About("g", ""), About("Größe", "G"), *NO_LINE], ids=ascii)
def test_a_name_or_title_that_no_index_can_hold_is_refused_before_anything_is_tried(
    about: About, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(adopt, "inspect_generator", lambda *_: pytest.fail("it was tried"))
    (tmp_path / "g.onnx").write_bytes(exported(net(), torch.zeros(2, LATENT, 1, 1)))
    with pytest.raises(UserError, match=r"A title has 1 to 200 characters|cannot be a bundle's name|must be one line"):
        adopt.adopt(tmp_path / "g.onnx", tmp_path / "out", about)
    assert not (tmp_path / "out").exists()
