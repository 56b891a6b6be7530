"""The model repository: what its configurations say, which files are refused, what stays in the folder.

A real Triton reads and runs such a repository in tests/test_triton.py.
"""

import importlib.util
import shlex
from pathlib import Path

import onnx
import pytest

from bundle.adopt import About, adopt
from bundle.generator_inputs import Given
from bundle.read import graph_bytes, read
from export.__main__ import main
from export.targets.triton import Serving, config
from tests.export.test_refusals import refused
from tests.support import foreign, tiny

SCHEMA = Path(__file__).parents[3] / "build" / "tritonserver" / "tritonclient" / "grpc" / "model_config_pb2.py"


def written(*argv: str | Path) -> Path:
    """The repository that the command writes."""
    assert main(["triton", *map(str, argv)]) == 0
    return Path(argv[1])


def parsed(text: str):
    """A configuration as Triton's own schema understands it, strictly."""
    if not SCHEMA.exists():
        pytest.skip(
            "no tritonclient: pip install --no-deps --target build/tritonserver -r tests/requirements-triton.txt"
        )
    from google.protobuf import text_format

    # By path: the package around it wants gRPC.
    spec = importlib.util.spec_from_file_location("model_config_pb2", SCHEMA)
    schema = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(schema)
    return text_format.Parse(text, schema.ModelConfig())


# --- configurations ------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["auto", "cpu", "gpu"])
@pytest.mark.parametrize("backend", ["onnxruntime", "python"])
def test_every_graph_is_told_as_the_index_has_it(tiny_bundle: Path, device: str, backend: str):
    info = read(tiny_bundle).info
    for graph, entry in info.graphs.items():
        found = parsed(config(info, graph, Serving(device, backend, threads=3, instances=2)))
        assert (found.name, found.backend, found.max_batch_size) == (f"tiny_{graph}", backend, info.max_batch)
        for tensors, wanted in ((found.input, entry.inputs), (found.output, entry.outputs)):
            assert [(t.name, tuple(t.dims)) for t in tensors] == [(t.name, t.shape[1:]) for t in wanted]
            assert {t.data_type for t in tensors} == {11}  # TYPE_FP32
        batching = found.dynamic_batching
        assert (batching.max_queue_delay_microseconds, list(batching.preferred_batch_size)) == (2000, [4, 16, 64])
        (group,) = found.instance_group
        assert (group.Kind.Name(group.kind), group.count) == (f"KIND_{device.upper()}", 2)
        parameters = {key: value.string_value for key, value in found.parameters.items()}
        assert parameters["intra_op_thread_count"] == "3" and parameters["inter_op_thread_count"] == "1"
        assert parameters["enable_mem_pattern"] == parameters["execution_mode"] == "0"


@pytest.mark.parametrize(("device", "expected"), [("auto", True), ("gpu", True), ("cpu", False)])
def test_cuda_is_set_up_where_it_may_run(tiny_bundle: Path, device: str, expected: bool):
    found = parsed(config(read(tiny_bundle).info, "decoder", Serving(device)))
    # Among the parameters: the backend's defaults would replace an accelerator's.
    assert ("cudnn_conv_algo_search" in found.parameters) == expected
    accelerators = [
        (a.name, dict(a.parameters)) for a in found.optimization.execution_accelerators.gpu_execution_accelerator
    ]
    assert accelerators == ([("cuda", {"use_tf32": "0"})] if expected else [])


def test_no_batch_is_preferred_that_the_bundle_does_not_allow(tiny_bundle: Path):
    info = read(tiny_bundle).info
    for most, sizes in ((256, [4, 16, 64]), (16, [4, 16]), (3, [])):
        found = parsed(config(info.model_copy(update={"max_batch": most}), "decoder", Serving()))
        assert found.max_batch_size == most and list(found.dynamic_batching.preferred_batch_size) == sizes
        assert found.HasField("dynamic_batching")


# --- files ---------------------------------------------------------------------------------------


def test_one_model_a_graph_with_the_bundles_own_bytes(tiny_bundle: Path, tmp_path: Path, capsys):
    bundle, target = read(tiny_bundle), written(tiny_bundle, tmp_path / "my models")
    assert {path.name for path in target.iterdir()} == {"README.md", *(f"tiny_{graph}" for graph in bundle.info.graphs)}
    for graph in bundle.info.graphs:
        model = target / f"tiny_{graph}"
        assert [path.relative_to(model).as_posix() for path in sorted(model.rglob("*"))] == [
            "1", "1/model.onnx", "config.pbtxt",
        ]  # fmt: skip
        assert (model / "1" / "model.onnx").read_bytes() == graph_bytes(bundle, graph)
    assert shlex.split(capsys.readouterr().out)[-2:] == ["tritonserver", f"--model-repository={target}"]


def test_the_twin_has_the_program_beside_the_same_file(tiny_bundle: Path, tmp_path: Path):
    target = written(tiny_bundle, tmp_path / "models", "--python-backend")
    assert 'backend: "python"' in (target / "tiny_decoder" / "config.pbtxt").read_text()
    compile((target / "tiny_decoder" / "1" / "model.py").read_text(), "model.py", "exec")
    assert (target / "tiny_decoder" / "1" / "model.onnx").read_bytes() == (tiny_bundle / "decoder.onnx").read_bytes()


def test_writing_again_replaces_the_bundles_models_only(tiny_bundle: Path, broken_bundle: Path, tmp_path: Path):
    target = written(tiny_bundle, tmp_path / "models", "--python-backend")
    written(tiny.build(tmp_path / "plain", "plain", classes=0), target)
    own = target / "my_ensemble"
    own.mkdir()
    (own / "config.pbtxt").write_text('name: "my_ensemble"\nplatform: "ensemble"\n')
    index = tiny.load_index(broken_bundle)
    del index["graphs"]["critic"]
    tiny.save_index(broken_bundle, index)
    written(broken_bundle, target)
    names = {path.name for path in target.iterdir()}
    assert {"plain_critic", "my_ensemble", "tiny_decoder"} <= names and "tiny_critic" not in names
    assert not (target / "tiny_decoder" / "1" / "model.py").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


# --- refusals ------------------------------------------------------------------------------------


def test_a_readme_of_its_owner_stays(tiny_bundle: Path, tmp_path: Path):
    repository = written(tiny_bundle, tmp_path / "repository")
    assert "tritonserver" in (repository / "README.md").read_text()
    (repository / "README.md").write_text("# Ours\n")
    written(tiny_bundle, repository)
    assert (repository / "README.md").read_text() == "# Ours\n"


def test_a_folder_of_something_else_is_left_alone(tiny_bundle: Path, broken_bundle: Path, tmp_path: Path, capsys):
    before = sorted(broken_bundle.iterdir())
    assert "holds files but no models of Twofold" in refused(capsys, "triton", tiny_bundle, broken_bundle)
    assert sorted(broken_bundle.iterdir()) == before
    target = written(tiny.build(tmp_path / "plain", "plain", classes=0), tmp_path / "models")
    (target / "tiny_decoder").mkdir()
    (target / "tiny_decoder" / "notes.txt").write_text("mine")
    assert "tiny_decoder was not written by this command" in refused(capsys, "triton", tiny_bundle, target)
    assert not (target / "tiny_encoder").exists() and (target / "tiny_decoder" / "notes.txt").exists()
    (tmp_path / "file").touch()
    assert "is a file, not a folder" in refused(capsys, "triton", tiny_bundle, tmp_path / "file")


def test_a_damaged_bundle(broken_bundle: Path, tmp_path: Path, capsys):
    (broken_bundle / "decoder.onnx").write_bytes(b"other bytes")
    assert "decoder.onnx" in refused(capsys, "triton", broken_bundle, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def change(folder: Path, graph: str, edit) -> None:
    """Edits a graph's file, with a right checksum."""
    model = onnx.load(folder / f"{graph}.onnx")
    edit(model.graph)
    index = tiny.load_index(folder)
    index["graphs"][graph] |= tiny.write(folder / f"{graph}.onnx", model.SerializeToString())
    tiny.save_index(folder, index)


def rename(graph: onnx.GraphProto) -> None:
    graph.output[0].name = "picture"


def fix_batch(graph: onnx.GraphProto) -> None:
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def lengthen(graph: onnx.GraphProto) -> None:
    graph.input[0].type.tensor_type.shape.dim[1].dim_value += 1


def halve(graph: onnx.GraphProto) -> None:
    graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16


@pytest.mark.parametrize(
    ("edit", "kind"), [(rename, "gives"), (fix_batch, "takes"), (lengthen, "takes"), (halve, "gives")]
)
def test_a_file_that_is_not_what_the_index_says(broken_bundle: Path, tmp_path: Path, capsys, edit, kind: str):
    change(broken_bundle, "decoder", edit)
    sentence = refused(capsys, "triton", broken_bundle, tmp_path / "models")
    assert f"Graph 'decoder' of bundle 'tiny' {kind} " in sentence and "not what the index says" in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_a_generator_from_elsewhere_takes_what_the_format_says(tmp_path: Path):
    (tmp_path / "g.onnx").write_bytes(foreign.exported())
    adopt(tmp_path / "g.onnx", tmp_path / "g", About("g", "G"), Given(classes=tuple("abcde")))
    target = written(tmp_path / "g", tmp_path / "models")
    found = parsed((target / "g_generator" / "config.pbtxt").read_text())
    assert [(one.name, tuple(one.dims)) for one in found.input] == [("z", (foreign.LATENT,)), ("classes", (5,))]
    assert [(one.name, tuple(one.dims)) for one in found.output] == [("image", (3, 16, 16))]
    graph = onnx.load(target / "g_generator" / "1" / "model.onnx").graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["z", "classes", "image"]


@pytest.mark.parametrize("argument", [("--instances", "0"), ("--threads", "-1")])
def test_impossible_numbers(tiny_bundle: Path, tmp_path: Path, capsys, argument: tuple[str, str]):
    assert "--threads takes 0" in refused(capsys, "triton", tiny_bundle, tmp_path / "models", *argument)
