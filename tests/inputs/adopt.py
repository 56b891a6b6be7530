"""Generators that somebody else exported, given to `python -m bundle adopt`."""

import io
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from bundle.__main__ import main
from bundle.adopt import About, adopt
from bundle.errors import UserError
from tests.inputs.cases import case
from tests.support import generators
from tests.support.generators import Z, exported

elsewhere = partial(case, "Generators from elsewhere")


def adopting(home: Path, content: bytes | None, *flags: str) -> str:
    """What the command prints for a file with this content; None: without a file."""
    if content is not None:
        (home / "g.onnx").write_bytes(content)
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        code = main(["adopt", str(home / "g.onnx"), "--out", str(home / "out"), *flags])
    assert (code == 0) == (home / "out").is_dir() and code in (0, 2)  # a refusal leaves nothing behind
    return printed.getvalue()


def finished(home: Path, finish, *flags: str, **options) -> str:
    """The same for a generator whose pictures in [-1, 1] end in `finish`."""
    return adopting(home, exported(generators.Net(finish, **options), Z), *flags)


def with_node(operator: str, domain: str = "", **attributes: object) -> bytes:
    """A generator with this operator in front."""
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    node = onnx.helper.make_node(operator, ["z"], ["begun"], domain=domain, **attributes)
    for entry in proto.graph.node:
        entry.input[:] = ["begun" if name == "z" else name for name in entry.input]
    proto.graph.node.insert(0, node)
    return proto.SerializeToString()


def in_two_files(home: Path) -> None:
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    onnx.save(proto, home / "g.onnx", save_as_external_data=True, location="g.onnx.data", size_threshold=16)


# --- files -----------------------------------------------------------------------------------------


@elsewhere("weights in a second file beside it, as PyTorch writes them")
def two_files(home: Path) -> str:
    in_two_files(home)
    return adopting(home, None)


@elsewhere("the same without that file")
def second_file_missing(home: Path) -> str:
    in_two_files(home)
    (home / "g.onnx.data").unlink()
    return adopting(home, None)


@elsewhere("a second file that was cut")
def second_file_cut(home: Path) -> str:
    in_two_files(home)
    (home / "g.onnx.data").write_bytes((home / "g.onnx.data").read_bytes()[:100])
    return adopting(home, None)


@elsewhere("an upload whose weights lie in a second file")
def uploaded_alone(home: Path) -> str:
    in_two_files(home)
    try:
        return str(adopt(home / "g.onnx", home / "out", About("g", "G"), alone=True))
    except UserError as refused:
        return str(refused)


@elsewhere("a file cut in half")
def cut_in_half(home: Path) -> str:
    data = exported(generators.Net(), Z)
    return adopting(home, data[: len(data) // 2])


@elsewhere("a file that is no ONNX: a text, an empty one")
def no_onnx(home: Path) -> str:
    answers = {adopting(home, content) for content in (b"import torch\n", b"")}
    assert len(answers) == 1
    return answers.pop()


@elsewhere("a path that is not there")
def not_there(home: Path) -> str:
    return adopting(home, None)


# --- inputs ----------------------------------------------------------------------------------------


@elsewhere("a label, int64")
def label(home: Path) -> str:
    return adopting(home, exported(generators.Numbered(), Z, torch.zeros(2, dtype=torch.int64)))


@elsewhere("a label, one-hot, and `--classes a,b,c,d,e`")
def one_hot(home: Path) -> str:
    return adopting(home, exported(generators.OneHot(), Z, torch.eye(2, 5)), "--classes", "a,b,c,d,e")


@elsewhere("`--classes` with too few names for a one-hot label")
def too_few_names(home: Path) -> str:
    return adopting(home, exported(generators.OneHot(), Z, torch.eye(2, 5)), "--classes", "a,b")


@elsewhere("`--classes` for a generator without classes")
def names_for_nothing(home: Path) -> str:
    return adopting(home, exported(generators.Net(), Z), "--classes", "a,b")


class AnyNumber(generators.Numbered):
    """Compares with the label instead of looking it up, so it refuses no number."""

    def forward(self, z: torch.Tensor, label: torch.Tensor) -> object:
        return self.draw(z + (label[:, None] == torch.arange(generators.DIM)).float())


@elsewhere("a label whose classes cannot be counted")
def uncounted(home: Path) -> str:
    return adopting(home, exported(AnyNumber(), Z, torch.zeros(2, dtype=torch.int64)))


TRUNCATED = Z, torch.tensor(1.0)
NOISY = Z, torch.zeros(1, 1, 16, 16), torch.tensor(0), torch.tensor(0.1)


@elsewhere("a truncation, a seed, noise")
def usual_inputs(home: Path) -> str:
    first = adopting(home, exported(generators.Truncated(), *TRUNCATED))
    (home / "second").mkdir()
    return first + adopting(home / "second", exported(generators.Noisy(), *NOISY), "--input", "strength=0.1")


@elsewhere("`--input truncation_psi=0.5`, `--input noise_map=normal`")
def fixed_inputs(home: Path) -> str:
    first = adopting(home, exported(generators.Truncated(), *TRUNCATED), "--input", "truncation_psi=0.5")
    assert "is always" not in first
    (home / "second").mkdir()
    flags = ("--input", "strength=0.1", "--input", "noise_map=normal", "--input", "seed=3")
    second = adopting(home / "second", exported(generators.Noisy(), *NOISY), *flags)
    assert "is always" not in second
    return first


@elsewhere("an input whose purpose nothing tells")
def unknown_input(home: Path) -> str:
    return adopting(home, exported(generators.Noisy(), *NOISY))


@elsewhere("`--input` of a name that it lacks, without a value, or with a word")
def wrong_inputs(home: Path) -> str:
    data = exported(generators.Truncated(), *TRUNCATED)
    return "".join(adopting(home, data, "--input", word) for word in ("psi=1", "truncation_psi", "truncation_psi=much"))


class Twins(generators.Net):
    def forward(self, left: torch.Tensor, right: torch.Tensor) -> object:
        return self.draw(left + right)


@elsewhere("two inputs that could both be z")
def two_latents(home: Path) -> str:
    return adopting(home, exported(Twins(), Z, Z))


@elsewhere("z of float16")
def half(home: Path) -> str:
    return adopting(home, exported(generators.Half(), Z.half()))


@elsewhere("z of int16")
def short_integers(home: Path) -> str:
    return adopting(home, exported(generators.Bytes(), torch.zeros(2, 3, dtype=torch.int16)))


@elsewhere("z whose length is left open")
def open_length(home: Path) -> str:
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "numbers"
    return adopting(home, proto.SerializeToString())


@elsewhere("z of more numbers than 65 536")
def enormous(home: Path) -> str:
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 5_000_000
    return adopting(home, proto.SerializeToString())


@elsewhere("a batch written as -1, as some exporters do")
def batch_of_minus_one(home: Path) -> str:
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    for tensor in (*proto.graph.input, *proto.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_value = -1
    return adopting(home, proto.SerializeToString())


@elsewhere("a title, or the name of an input, of 201 characters")
def long_words(home: Path) -> str:
    data = exported(generators.Net(), Z)
    proto = onnx.load_from_string(data)
    old, new = proto.graph.input[0].name, "z" * 201
    proto.graph.input[0].name = new
    for node in proto.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
    return adopting(home, data, "--title", "t" * 201) + adopting(home, proto.SerializeToString())


@elsewhere("a batch of one, fixed")
def fixed_batch(home: Path) -> str:
    return adopting(home, exported(generators.Net(), Z[:1], free=False))


# --- pictures --------------------------------------------------------------------------------------


@elsewhere("channels last, or none")
def channels_last(home: Path) -> str:
    first = finished(home, lambda x: x.permute(0, 2, 3, 1))
    (home / "second").mkdir()
    return first + finished(home / "second", lambda x: x[:, 0], channels=1)


@elsewhere("values from 0 to 255, as floats or as bytes")
def to_255(home: Path) -> str:
    first = finished(home, lambda x: x * 127.5 + 127.5)
    (home / "second").mkdir()
    second = finished(home / "second", lambda x: (x * 127.5 + 127.5).round().to(torch.uint8).permute(0, 2, 3, 1))
    assert "values 0..255" in second and "NHWC" in second
    return first


@elsewhere("values beyond the range, as the StyleGAN family gives them")
def overshooting(home: Path) -> str:
    return finished(home, lambda x: x * 1.3)


@elsewhere("values far from any range")
def no_range(home: Path) -> str:
    return finished(home, lambda x: x * 1000 - 9000)


@elsewhere("`--values 0..255` for values from -1 to 1")
def wrong_values(home: Path) -> str:
    return finished(home, lambda x: x, "--values", "0..255")


@elsewhere("`--layout NHWC` for channels first")
def wrong_layout(home: Path) -> str:
    return finished(home, lambda x: x, "--layout", "NHWC")


@elsewhere("several outputs")
def several_outputs(home: Path) -> str:
    return finished(home, lambda x: (x.mean((2, 3)), x[:, :, ::4, ::4], x))


@elsewhere("`--output` that it lacks, or that is no picture")
def wrong_output(home: Path) -> str:
    data = exported(generators.Net(lambda x: (x, x.mean((2, 3)))), Z)
    names = [output.name for output in onnx.load_from_string(data).graph.output]
    return adopting(home, data, "--output", "w") + adopting(home, data, "--output", names[1])


@elsewhere("pictures of 512 and of 1 024 pixels")
def large(home: Path) -> str:
    first = finished(home, lambda x: nn.functional.interpolate(x, size=(512, 512)))
    (home / "second").mkdir()
    return first + finished(home / "second", lambda x: nn.functional.interpolate(x, size=(1024, 1024)))


@elsewhere("pictures of four channels, or of 2 048 pixels")
def too_much(home: Path) -> str:
    first = finished(home, lambda x: x, channels=4)
    return first + finished(home, lambda x: nn.functional.interpolate(x, size=(2048, 16)))


@elsewhere("pictures that are not square")
def not_square(home: Path) -> str:
    return finished(home, lambda x: nn.functional.interpolate(x, size=(32, 48)))


@elsewhere("a network that gives NaN")
def not_finite(home: Path) -> str:
    return finished(home, lambda x: x / 0)


@elsewhere("pictures of one colour")
def one_colour(home: Path) -> str:
    return finished(home, lambda x: x * 0 + 0.5)


# --- networks --------------------------------------------------------------------------------------


@elsewhere("a network that takes pictures and gives pictures")
def translator(home: Path) -> str:
    return adopting(home, exported(generators.Translator(), torch.zeros(1, 3, 32, 32)))


@elsewhere("a classifier")
def classifier(home: Path) -> str:
    return adopting(home, exported(generators.Judge(), torch.zeros(1, 3, 32, 32)))


@elsewhere("a decoder of an autoencoder")
def decoder(home: Path) -> str:
    return adopting(home, exported(generators.Decoder(), torch.zeros(2, 4, 8, 8)))


@elsewhere("a generator that draws its noise itself")
def own_noise(home: Path) -> str:
    first = adopting(home, with_node("RandomNormalLike"))
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    del proto.graph.input[:]
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((2, generators.DIM), np.float32), "z"))
    return first + adopting(home, proto.SerializeToString())


@elsewhere("a generator with Dropout in training mode")
def training_mode(home: Path) -> str:
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    for name, value in (("ratio", np.float32(0.5)), ("mode", np.bool_(True))):
        proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array(value), name))
    proto.graph.node.append(onnx.helper.make_node("Dropout", ["z", "ratio", "mode"], ["unused"]))
    return adopting(home, proto.SerializeToString())


@elsewhere("operators of somebody's own")
def own_operators(home: Path) -> str:
    return adopting(home, with_node("Upfirdn2d", domain="pkg.mine"))


@elsewhere("domains that are declared and not used")
def declared_in_vain(home: Path) -> str:
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    proto.opset_import.extend([onnx.helper.make_opsetid(domain, 1) for domain in ("com.microsoft", "pkg.mine")])
    return adopting(home, proto.SerializeToString())


@elsewhere("an operator set that is newer than the runtime")
def too_new(home: Path) -> str:
    proto = onnx.load_from_string(exported(generators.Net(), Z))
    proto.opset_import[0].version = 99
    return adopting(home, proto.SerializeToString())


# --- the bundle ------------------------------------------------------------------------------------


@elsewhere("a name that no address can have")
def wrong_name(home: Path) -> str:
    return adopting(home, exported(generators.Net(), Z), "--name", "Mine!")


@elsewhere("a bundle in its place already")
def already_there(home: Path) -> str:
    data = exported(generators.Net(), Z)
    adopting(home, data)
    printed = io.StringIO()
    with redirect_stderr(printed):
        assert main(["adopt", str(home / "g.onnx"), "--out", str(home / "out")]) == 2
    return printed.getvalue()
