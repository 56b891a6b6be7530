"""int8: a quarter of the bytes, the same interface; refused where it costs too much or brings nothing."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torch import nn

from bundle import images
from bundle.errors import UserError
from bundle.read import read
from bundle.sessions import choose_provider
from bundle.trial_inputs import TrialInputs
from demo.serving.engine import Engine
from export import graphs, parity, precision
from export.__main__ import main
from export.graphs import GraphSpec, Origin
from export.precision import Conversion
from tests.export.test_graphs import graph_spec
from tests.support.checksums import sha256
from tests.support.trained import Exported, export
from train.data.dataset import DataInfo
from train.run_folder import Run, StageRecord

DATA = DataInfo("dots", "dots", "not stated", 1, 8, 8, (), 10, 10)


class Draw(nn.Module):
    """A little decoder: z [N, 16] -> image [N, 1, 8, 8]. `loud`: one number between its layers is so much larger than
    the rest, and weighs so much less, that no picture changes; but 8 bits cannot hold it beside the others."""

    def __init__(self, loud: float = 1.0):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Linear(16, 64 * 16)
        self.up = nn.Conv2d(64, 256, 3, padding=1)
        self.out = nn.Conv2d(64, 1, 3, padding=1)
        with torch.no_grad():
            self.stem.weight[:16] *= loud
            self.stem.bias[:16] *= loud
            self.up.weight[:, :1] /= loud

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = nn.functional.leaky_relu(self.stem(z), 0.2).view(-1, 64, 4, 4)
        return self.out(nn.functional.leaky_relu(nn.functional.pixel_shuffle(self.up(x), 2), 0.2)).sigmoid()


def spec(loud: float = 1.0) -> GraphSpec:
    return GraphSpec("decoder", "vae", Draw(loud).eval(), {"z": (16,)}, {"image": (1, 8, 8)})


def exact(of: GraphSpec) -> bytes:
    record = StageRecord("python -m train vae", 1.0, 1, True, "none", {})
    return graphs.to_onnx(of, Origin("dots", DATA, {"vae": record})).SerializeToString(deterministic=True)


def inputs(of: GraphSpec) -> TrialInputs:
    return parity.trial_inputs([of], None, {}, "normal")


def as_int8(of: GraphSpec, whole: bytes) -> tuple[bytes, Conversion]:
    """The file of a little decoder in int8, and what that changes."""
    return precision.convert([of], [whole], "int8", inputs(of))[0]


@pytest.fixture(scope="module")
def files() -> tuple[bytes, bytes, Conversion]:
    """The little decoder as float32 and as int8, and what that costs."""
    whole = exact(spec())
    return whole, *as_int8(spec(), whole)


def test_a_quarter_of_the_bytes_with_the_same_interface(files: tuple[bytes, bytes, Conversion]):
    whole, small, cost = files
    assert len(small) < 0.4 * len(whole) and cost.size == len(small) / len(whole)
    before, after = (onnx.load_from_string(data) for data in (whole, small))
    assert [(entry.domain, entry.version) for entry in after.opset_import] == [("", 18)]
    assert list(after.graph.input) == list(before.graph.input) and list(after.graph.output) == list(before.graph.output)
    facts = {p.key: p.value for p in after.metadata_props}
    assert facts == {p.key: p.value for p in before.metadata_props} | {"precision": "int8"}
    assert (after.producer_name, after.graph.doc_string) == ("twofold", before.graph.doc_string)
    for batch in (1, 3):
        (image,) = parity.session(small).run(None, {"z": np.zeros((batch, 16), np.float32)})
        assert image.shape == (batch, 1, 8, 8) and image.dtype == np.float32


def test_weights_are_symmetric_by_channel_but_for_the_last_layer(files: tuple[bytes, bytes, Conversion]):
    model = onnx.load_from_string(files[1])
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    behind = {n.output[0]: n for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in tensors}
    layers = [node for node in model.graph.node if node.op_type in ("Gemm", "Conv")]
    assert [node.op_type for node in layers] == ["Gemm", "Conv", "Conv"]
    for node in layers[:2]:
        weights, scales, zeros = (tensors[name] for name in behind[node.input[1]].input)
        assert weights.dtype == np.int8 and np.abs(weights.astype(int)).max() <= 64 and not zeros.any()
        assert scales.shape == (1024 if node.op_type == "Gemm" else 256,)
    assert tensors[layers[2].input[1]].dtype == np.float32


def test_pictures_stay_within_40_db_of_float32(files: tuple[bytes, bytes, Conversion]):
    whole, small, cost = files
    feed = {"z": np.random.default_rng(9).standard_normal((20, 16)).astype(np.float32)}
    (a,), (b,) = (parity.session(data).run(None, feed) for data in (whole, small))
    assert np.abs(a - b).max() > 0 and images.psnr(a, b) > 40 and a.std() > 0.01
    assert cost.psnr > 40 and cost.unit == "grey levels" and cost.error > 1e-5
    assert "decoder" in (printed := precision.table([cost], "int8")) and f"{cost.psnr:.1f} dB" in printed


def test_the_same_file_every_time(files: tuple[bytes, bytes, Conversion]):
    assert as_int8(spec(), files[0])[0] == files[1]


def test_what_8_bits_cannot_hold_is_refused():
    loud = spec(loud=1e4)
    with pytest.raises(precision.Unsuitable, match=r"'decoder' falls below 40 dB.* dB.*--precision fp32"):
        as_int8(loud, exact(loud))


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (Conversion("decoder", 9, 1, "grey levels", size=0.3, psnr=41.0, speed=0.9), ""),
        (Conversion("decoder", 9, 1, "grey levels", size=0.9, psnr=41.0, speed=1.2), ""),
        (Conversion("decoder", 9, 1, "grey levels", size=0.9, psnr=41.0, speed=0.9), "gains nothing"),
        (Conversion("decoder", 9, 1, "grey levels", size=0.3, psnr=39.9, speed=2.0), "below 40 dB"),
        (Conversion("decoder", 0, 0, "grey levels", size=0.3, psnr=float("inf"), speed=2.0), ""),
        (Conversion("encoder", 0.04, 0.01, "share", size=0.3, speed=0.9), ""),
        (Conversion("encoder", 0.06, 0.01, "share", size=0.3, speed=0.9), "changes by 0.06"),
        (Conversion("encoder", 0.04, 0.01, "share", size=0.7, speed=1.0), "gains nothing"),
    ],
)
def test_what_is_refused(cost: Conversion, words: str):
    reason = precision.refusal(cost, "int8")
    assert words in reason and bool(words) == bool(reason)
    assert not reason or reason.startswith(f"As int8, graph '{cost.graph}'")


class Flat(nn.Module):
    """A decoder of one layer."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(16, 64)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.layer(z).sigmoid().view(-1, 1, 8, 8)


def test_a_single_layer_is_the_last_one():
    alone = GraphSpec("decoder", "vae", Flat().eval(), {"z": (16,)}, {"image": (1, 8, 8)})
    with pytest.raises(precision.Unsuitable, match="gains nothing: its only layer"):
        as_int8(alone, exact(alone))


def test_float16_is_held_against_grey_levels():
    """Not against decibels: whoever wants float16 wants the same picture."""
    assert precision.refusal(Conversion("decoder", 1, 0, "grey levels"), "fp16") == ""
    reason = precision.refusal(Conversion("decoder", 2, 0, "grey levels"), "fp16")
    assert "As fp16, graph 'decoder' changes by 2" in reason


# --------------------------------------------------------------------------------------- of a whole run


def test_ranges_come_from_the_models_own_latents(trained_run: Path):
    run = Run.open(trained_run)
    names = ("mapping", "synthesis", "decoder", "inverter")
    specs = [graph_spec(trained_run, name) for name in names]
    pictures = np.full((5, 16, 16, 1), 51, np.uint8)
    made = parity.trial_inputs(specs, pictures, run.latents(), "uniform")
    noise, styles, codes, damaged = (made.rows(name, range(40)) for name in names)
    assert np.abs(noise["z"]).max() <= 1 and noise["z"].std() > 0.5
    np.testing.assert_allclose(noise["classes"].sum(axis=1), 1, atol=1e-6)
    assert sorted(set(noise["classes"].ravel())) == [0, 0.5, 1]
    with torch.no_grad():
        wanted = specs[0].net(*map(torch.from_numpy, noise.values())).numpy()
    np.testing.assert_array_equal(styles["w"], wanted)
    means = run.latents()["mixture_means"]
    near = np.abs(codes["z"][:, None] - means[None]).max(axis=2).min(axis=1)
    assert near.max() < 6 * np.sqrt(np.abs(run.latents()["mixture_cholesky"]).max()) and codes["z"].std() > 0
    assert set(damaged["mask"].ravel()) == {0.0, 1.0}
    np.testing.assert_array_equal(damaged["image"], np.float32(0.2) * damaged["mask"])
    assert not np.array_equal(made.rows("decoder", range(1000, 1040))["z"], codes["z"])


@pytest.mark.slow
def test_a_bundle_tells_what_became_of_each_graph(trained_run: Path, exported: Exported, tmp_path: Path):
    run = shutil.copytree(trained_run, tmp_path / "run", ignore=shutil.ignore_patterns("gan", "inverter"))
    folder = tmp_path / "shapes"
    printed = export("bundle", run, folder, "--precision", "int8", "--name", "shapes")
    opened, before = read(folder), read(exported.folder).info.graphs
    Engine(opened, choose_provider("cpu")).check()
    errors = [
        {row.split("`")[1]: row.split("|")[-2].strip() for row in (one / "README.md").read_text().splitlines()
         if row.startswith("| `")}
        for one in (folder, exported.folder)
    ]  # fmt: skip
    kinds = {graph.precision for graph in opened.info.graphs.values()}
    assert kinds <= {"fp32", "int8"} and set(opened.info.graphs) == {"encoder", "decoder", "repair", "classifier"}
    for name, graph in opened.info.graphs.items():
        model = onnx.load(folder / graph.file)
        kept = f"{name} stays float32. As int8, graph '{name}'" in printed
        whole = not any(node.op_type == "QuantizeLinear" for node in model.graph.node)
        assert kept == whole == (graph.precision == "fp32") == (sha256(folder / graph.file) == before[name].sha256)
        assert (errors[0][graph.file] == errors[1][graph.file]) or not whole
    card = (folder / "README.md").read_text()
    assert ("int8 arithmetic" in card) == ("int8" in kinds)


@pytest.mark.slow
def test_one_graph_alone(trained_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The file, or the sentence and no file; one of a graph that takes pictures, so that they are found."""
    path = tmp_path / "classifier.onnx"
    code = main(["graph", str(trained_run), "classifier", str(path), "--precision", "int8"])
    said = capsys.readouterr()
    if code == 0:
        assert any(t.data_type == TensorProto.INT8 for t in onnx.load(path).graph.initializer)
    else:
        assert code == 2 and "As int8, graph 'classifier'" in said.err and not path.exists()
    moved = shutil.copytree(trained_run, tmp_path / "run")
    words = ["graph", str(moved), "classifier", str(path), "--precision", "int8", "--data", str(tmp_path / "no")]
    assert main(words) == 2
    assert "--data" in capsys.readouterr().err


def test_a_damaged_quantiser_output_is_seen(files: tuple[bytes, bytes, Conversion]):
    """The numbers of the file are compared, not those that were meant."""
    model = onnx.load_from_string(files[1])
    scale = next(t for t in model.graph.initializer if t.name.endswith("weight_scale") and len(t.dims))
    scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) * 3, scale.name))
    with pytest.raises(UserError, match="40 dB"):
        rows = inputs(spec()).rows("decoder", range(5))
        precision.measure("decoder", files[0], model.SerializeToString(), rows, "int8")


def test_onnxruntime_calculates_in_integers(files: tuple[bytes, bytes, Conversion], tmp_path: Path):
    """What is written has to be what onnxruntime fuses, else it would only be slower."""
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "fused.onnx")
    options.log_severity_level = 3
    ort.InferenceSession(files[1], options, providers=["CPUExecutionProvider"])
    assert "QLinearConv" in {node.op_type for node in onnx.load(tmp_path / "fused.onnx").graph.node}
