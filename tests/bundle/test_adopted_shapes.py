"""Generators in all the shapes in which people export them: their pictures are those of PyTorch."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from bundle import adopt, latents
from bundle.__main__ import main
from bundle.adopt import About, inspect_generator
from bundle.errors import BundleError, UserError
from bundle.external_weights import inlined
from bundle.generator_inputs import Given, holds
from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import Adapter
from tests.support.generators import (
    CLASSES,
    DIM,
    Bytes,
    Decoder,
    Everything,
    Half,
    Judge,
    Net,
    Noisy,
    Numbered,
    OneHot,
    Style,
    Translator,
    Truncated,
    Z,
    exported,
)


def adopted(data: bytes, home: Path, given: Given = adopt.NOTHING_GIVEN) -> tuple[BundleModel, Adapter, str]:
    """The model of the adopted file, its adapter and the notes; the bundle has passed what a server checks."""
    (home / "g.onnx").write_bytes(data)
    _, found = adopt.adopt(home / "g.onnx", home / "out", About("g", "G"), given)
    bundle = read(home / "out")
    BundleRunner(bundle).check()
    return BundleModel(BundleRunner(bundle)), found.adapter, " ".join(found.notes)


def noise(seeds: range) -> torch.Tensor:
    return torch.from_numpy(latents.seed_latents(seeds, DIM))


def same(got: np.ndarray, wanted: torch.Tensor, levels: float = 0.05) -> bool:
    return bool(np.abs(got - np.clip(wanted.detach().numpy() * 0.5 + 0.5, 0, 1)).max() < levels / 255)


@pytest.mark.parametrize(
    ("finish", "layout", "values", "said"),
    [
        (lambda x: x.permute(0, 2, 3, 1), "NHWC", "-1..1", "taken as NHWC"),
        (lambda x: x * 127.5 + 127.5, "NCHW", "0..255", "taken as 0 to 255"),
        (lambda x: (x * 127.5 + 127.5).round().to(torch.uint8).permute(0, 2, 3, 1), "NHWC", "0..255", "NHWC"),
        (lambda x: x * 1.3, "NCHW", "-1..1", "are clipped"),
        (lambda x: x * 0.55 + 0.5, "NCHW", "0..1", "are clipped"),
        (lambda x: (x.mean((2, 3)), x[:, :, ::4, ::4], x), "NCHW", "-1..1", "Of its 3 outputs"),
        (lambda x: x.double(), "NCHW", "-1..1", ""),
    ],
    ids=["nhwc", "0-255", "uint8", "overshoot", "overshoot of 0-1", "outputs", "float64"],
)
def test_what_it_gives_is_found(finish: Callable, layout: str, values: str, said: str, tmp_path: Path):
    made = Net(finish)
    model, adapter, notes = adopted(exported(made, Z), tmp_path)
    assert (adapter.layout, adapter.values) == (layout, values) and said in notes
    scale = {"are clipped": 1.3 if values == "-1..1" else 1.1}.get(said, 1.0)
    coarse = 1.1 if "uint8" in str(finish.__code__.co_names) else 0.05
    assert same(model.sample(range(4)), made.draw(noise(range(4))) * scale, coarse)


def test_grey_pictures_may_lack_their_channel(tmp_path: Path):
    made = Net(lambda x: x[:, 0], channels=1)
    model, adapter, notes = adopted(exported(made, Z), tmp_path)
    assert adapter.layout == "NHW" and "NHW" in notes and same(model.sample([3]), made.draw(noise(range(3, 4))))


@pytest.mark.parametrize("shape", [(2,), (2, 1)], ids=["[N]", "[N, 1]"])
@pytest.mark.parametrize("kind", [torch.int64, torch.int32])
def test_class_numbers_become_classes(shape: tuple[int, ...], kind: torch.dtype, tmp_path: Path):
    made = Numbered()
    model, adapter, _ = adopted(exported(made, Z, torch.zeros(shape, dtype=kind)), tmp_path)
    assert adapter.classes and adapter.classes.form == "number" and model.class_count == CLASSES
    labels = torch.arange(7) % CLASSES  # a seed's own class
    assert same(model.sample(range(7)), made(noise(range(7)), labels))
    assert same(model.sample([1], latents.one_hot(4, CLASSES)), made(noise(range(1, 2)), torch.tensor([4])))


def test_one_hot_classes_have_names_and_blend(tmp_path: Path):
    made, names = OneHot(), ("a", "b", "c", "d", "e")
    model, adapter, _ = adopted(exported(made, Z, torch.eye(2, CLASSES)), tmp_path, Given(classes=names))
    assert adapter.classes and adapter.classes.form == "one-hot" and model.info.dataset.classes == names
    half = np.array([0.5, 0.5, 0, 0, 0], np.float32)
    assert same(model.sample([1], half), made(noise(range(1, 2)), torch.from_numpy(half)[None]))


def test_other_inputs_are_fixed(tmp_path: Path):
    made = Truncated()
    data = exported(made, Z, torch.tensor(1.0))
    (tmp_path / "usual").mkdir()
    model, _, notes = adopted(data, tmp_path / "usual")
    assert "'truncation_psi' (float32 []) is always 1" in notes and same(
        model.sample([2]), made.draw(noise(range(2, 3)))
    )
    model, _, notes = adopted(data, tmp_path, Given({"truncation_psi": "0.5"}))
    assert not notes and same(model.sample([2]), made.draw(0.5 * noise(range(2, 3))))


def test_noise_is_drawn_once_and_what_has_no_usual_value_is_asked_for(tmp_path: Path):
    data = exported(Noisy(), Z, torch.zeros(1, 1, 16, 16), torch.tensor(0), torch.tensor(0.1))
    with pytest.raises(UserError, match=r"What is 'strength' \(float32 \[\]\) for\? .* --input strength=VALUE"):
        inspect_generator(data)
    model, adapter, _ = adopted(data, tmp_path, Given({"strength": "0.1", "noise_map": "normal"}))
    assert {entry.name: entry.value for entry in adapter.fixed} == {"strength": 0.1, "noise_map": "normal", "seed": 0}
    assert np.array_equal(model.sample([1, 2])[1:], model.sample([2]))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Given({"psi": "1"}), "no such input; it has 'z' (float32 [n, 8])"),
        (Given({"truncation_psi": "much"}), "give a number"),
        (Given({"truncation_psi": "1,2"}), "takes 1 numbers, not 2"),
        (Given({"truncation_psi": "1e300"}), "1e300 is no float32"),
        (Given(output="w"), "--output w: this file gives"),
        (Given(classes=("a",)), "no input for a class"),
    ],
)
def test_a_flag_that_does_not_fit_is_answered(given: Given, words: str):
    with pytest.raises(UserError) as caught:
        inspect_generator(exported(Truncated(), Z, torch.tensor(1.0)), given=given)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text", "fits"),
    [
        (torch.int64, "3", True),
        (torch.int64, "1.9", False),
        (torch.int64, "1e30", False),
        (torch.uint8, "255", True),
        (torch.uint8, "300", False),
        (torch.uint8, "-1", False),
        (torch.float16, "0.1", True),
        (torch.float16, "1e6", False),
        (torch.bool, "true", True),
        (torch.bool, "0.5", False),
    ],
)
def test_a_fixed_value_is_what_was_given_or_refused(kind: torch.dtype, text: str, fits: bool):
    name = str(kind).removeprefix("torch.")
    assert holds(name, {"true": 1.0}.get(text) or float(text)) is fits


def test_the_question_for_classes_is_asked_where_every_number_is_taken(tmp_path: Path):
    class Any(Numbered):
        def forward(self, z: torch.Tensor, label: torch.Tensor) -> object:
            return self.draw(z + label.reshape(-1, 1).to(torch.float32) / 255)

    data = exported(Any(), Z, torch.zeros(2, dtype=torch.uint8))
    with pytest.raises(UserError, match="How many classes does 'label' take"):
        inspect_generator(data)


def test_half_precision_all_through(tmp_path: Path):
    made = Half()
    model, adapter, _ = adopted(exported(made, Z.half()), tmp_path)
    assert adapter.z_type == "float16" and same(model.sample([2]), made.draw(noise(range(2, 3))), levels=1)


@pytest.mark.parametrize(
    ("made", "example", "words"),
    [
        (
            Translator(),
            torch.zeros(1, 3, 32, 32),
            "a picture-to-picture network: it takes pictures, 'picture' (float32",
        ),
        (Judge(), torch.zeros(1, 3, 32, 32), "a classifier or an encoder"),
        (Bytes(), torch.zeros(2, 3, dtype=torch.int16), "this file takes 'z' (int16 [n, 3])"),
    ],
    ids=["translator", "classifier", "int16"],
)
def test_what_is_no_generator_is_called_what_it_is(made: nn.Module, example: torch.Tensor, words: str):
    with pytest.raises(BundleError) as caught:
        inspect_generator(exported(made, example))
    assert words in str(caught.value)


def test_a_decoder_is_called_a_decoder(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "vae.onnx").write_bytes(exported(Decoder(), torch.zeros(2, 4, 8, 8)))
    assert main(["adopt", str(tmp_path / "vae.onnx"), "--out", str(tmp_path / "out")]) == 0
    assert "a decoder, z of 256 numbers -> pictures 3 x 16 x 16" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(("side", "tiles"), [(256, 64), (512, 16), (1024, 8)])
def test_large_pictures_get_a_smaller_sheet(side: int, tiles: int, tmp_path: Path):
    made = Style(side, width=4)
    model, adapter, _ = adopted(exported(made, Z, torch.tensor(1.0)), tmp_path)
    assert model.runner.bundle.tiles == tiles and adapter.image != "w"
    assert adapter.rows == {256: None, 512: 4, 1024: 1}[side]
    wanted, _ = made(noise(range(3)), torch.tensor(1.0))
    assert same(model.sample(range(3)), wanted, levels=0.2)


@pytest.mark.slow
def test_what_pytorch_exports_by_default_with_its_second_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    made = Style().eval()
    file = tmp_path / "style.onnx"
    torch.onnx.export(made, (Z, torch.tensor(0.7)), file, dynamo=True, verbose=False,
                      dynamic_shapes={"z": {0: "batch"}, "truncation": {}})  # fmt: skip
    assert file.with_name("style.onnx.data").is_file()
    model, _, _ = adopted_file(file, tmp_path / "out")
    wanted, _ = made(noise(range(3)), torch.tensor(1.0))
    assert same(model.sample(range(3)), wanted)
    with pytest.raises(UserError, match="Make one file of both"):
        adopt.adopt(file, tmp_path / "alone", About("g", "G"), alone=True)
    moved = file.with_name("style.onnx.data").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="in a second file: put"):
        adopt.adopt(file, tmp_path / "missing", About("g", "G"))
    file.with_name("style.onnx.data").write_bytes(moved.read_bytes()[:100])
    with pytest.raises(UserError, match="has 100 bytes, fewer than"):
        adopt.adopt(file, tmp_path / "short", About("g", "G"))


def adopted_file(file: Path, out: Path) -> tuple[BundleModel, Adapter, str]:
    _, found = adopt.adopt(file, out, About("g", "G"))
    return BundleModel(BundleRunner(read(out))), found.adapter, " ".join(found.notes)


def test_inlined_weights_are_those_of_the_onnx_package(tmp_path: Path):
    """Besides initializers, constants of nodes; nothing outside the folder is read."""
    proto = onnx.load_from_string(exported(Net(), Z))
    onnx.save(proto, tmp_path / "g.onnx", save_as_external_data=True, location="g.bin", size_threshold=16,
              convert_attribute=True)  # fmt: skip
    made = onnx.load_from_string(inlined((tmp_path / "g.onnx").read_bytes(), tmp_path))
    wanted = onnx.load(tmp_path / "g.onnx")
    assert [onnx.numpy_helper.to_array(t).tobytes() for t in made.graph.initializer] == [
        onnx.numpy_helper.to_array(t).tobytes() for t in wanted.graph.initializer
    ]
    onnx.checker.check_model(made)
    for place in ("../g.bin", "/etc/passwd", ""):
        far = onnx.ModelProto()
        far.CopyFrom(onnx.load(tmp_path / "g.onnx", load_external_data=False))
        for tensor in far.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = place
        with pytest.raises(UserError, match="is not beside it"):
            inlined(far.SerializeToString(), tmp_path)


@pytest.fixture
def in_two_files(tmp_path: Path) -> onnx.ModelProto:
    """A generator whose weights lie in g.bin beside it, unread."""
    onnx.save(onnx.load_from_string(exported(Net(), Z)), tmp_path / "g.onnx", save_as_external_data=True,
              location="g.bin", size_threshold=16)  # fmt: skip
    return onnx.load(tmp_path / "g.onnx", load_external_data=False)


def weights_elsewhere(proto: onnx.ModelProto) -> list[onnx.TensorProto]:
    return [tensor for tensor in proto.graph.initializer if tensor.external_data]


def test_many_weights_at_one_place_are_no_way_round_the_largest_size(
    in_two_files: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    largest = max(weights_elsewhere(in_two_files), key=lambda tensor: math.prod(tensor.dims))
    in_two_files.graph.initializer.extend([largest] * 50)
    data = in_two_files.SerializeToString()
    room = len(data) + 2 * (tmp_path / "g.bin").stat().st_size
    monkeypatch.setattr("bundle.external_weights.MAX_FILE_BYTES", room)
    with pytest.raises(UserError, match=r"With its weights in 'g\.bin' it is larger than"):
        inlined(data, tmp_path)


@pytest.mark.parametrize("damage", ["offset", "length", "cut off"])
def test_damaged_places_of_weights_are_a_sentence(in_two_files: onnx.ModelProto, tmp_path: Path, damage: str):
    for entry in weights_elsewhere(in_two_files)[0].external_data:
        if entry.key == damage:
            entry.value = "twelve"
    data = in_two_files.SerializeToString()
    with pytest.raises(UserError, match="is damaged"):
        inlined(data[:-1] if damage == "cut off" else data, tmp_path)


def test_operators_of_real_generators_are_run(tmp_path: Path):
    made = Everything()
    model, _, _ = adopted(exported(made, Z), tmp_path)
    assert same(model.sample([1]), made.draw(noise(range(1, 2))))


def test_upsample_of_old_exporters_is_run(tmp_path: Path):
    made = Net(lambda x: nn.functional.interpolate(x, scale_factor=2.0))
    data = exported(made, Z, opset=9)
    assert "Upsample" in {node.op_type for node in onnx.load_from_string(data).graph.node}
    assert adopted(data, tmp_path)[0].info.image.height == 32


def test_domains_that_are_declared_in_vain_do_no_harm(tmp_path: Path):
    proto = onnx.load_from_string(exported(Net(), Z))
    proto.opset_import.extend([onnx.helper.make_opsetid(d, 1) for d in ("ai.onnx.ml", "com.microsoft", "pkg.mine")])
    assert adopted(proto.SerializeToString(), tmp_path)[0].info.image.height == 16


def test_a_fixed_batch_with_classes_is_filled_up(tmp_path: Path):
    made = Numbered()
    data = exported(made, Z.repeat(2, 1), torch.zeros(4, dtype=torch.int64), free=False)
    model, adapter, _ = adopted(data, tmp_path)
    assert adapter.batch == 4 and model.class_count == CLASSES
    assert same(model.sample(range(7)), made(noise(range(7)), torch.arange(7) % CLASSES))


def test_a_batch_written_as_minus_one_is_a_free_one(tmp_path: Path):
    proto = onnx.load_from_string(exported(Net(), Z))
    for tensor in (*proto.graph.input, *proto.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_value = -1
    model, adapter, _ = adopted(proto.SerializeToString(), tmp_path)
    assert adapter.batch is None and same(model.sample(range(3)), Net().draw(noise(range(3))))


def renamed(data: bytes, old: str, new: str) -> bytes:
    """The file with another name for one of its inputs or outputs."""
    proto = onnx.load_from_string(data)
    for tensor in (*proto.graph.input, *proto.graph.output):
        tensor.name = new if tensor.name == old else tensor.name
    for node in proto.graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
    return proto.SerializeToString()


def test_names_that_no_index_can_hold_are_refused_in_a_sentence():
    data = exported(Net(), Z)
    proto = onnx.load_from_string(data)
    for name in (proto.graph.input[0].name, proto.graph.output[0].name):
        with pytest.raises(BundleError, match="a name of 201 characters"):
            adopt.inspect_generator(renamed(data, name, "z" * 201))
