"""`python -m export check`: every graph in every runtime; what is wrong is found, what is missing named."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from bundle import quality_section
from bundle.feeds import Feed, GraphFunction
from bundle.read import read
from bundle.schema import GRAPHS, USUAL_GRAPHS, GraphDifference, RuntimeComparison, RuntimeResult
from export import float16, int8, model_card, parity, runtime_comparison, runtime_tables, runtimes
from export.__main__ import main
from export.runtimes import RUNTIMES, Runtime
from tests.support import tiny

BY_NAME = {runtime.name: runtime for runtime in RUNTIMES}


def here(name: str) -> Runtime:
    """The runtime, or a skip with the sentence that says how to get it."""
    runtime = BY_NAME[name]
    if gap := runtime.gap():
        pytest.skip(f"{runtime.label}: {gap}")
    return runtime


def only(monkeypatch: pytest.MonkeyPatch, *found: Runtime) -> None:
    """Lets the command know these runtimes, after the reference."""
    monkeypatch.setattr(runtime_comparison, "RUNTIMES", (BY_NAME["reference"], *found))


def same_but(change) -> Runtime:
    """A broken runtime: onnxruntime, whose outputs are changed; `change`: outputs, inputs -> outputs."""

    @contextmanager
    def load(data: bytes, outputs: Sequence[str]) -> Iterator[GraphFunction]:
        with runtimes.onnxruntime_cpu(data, outputs) as run:
            yield lambda feed: [change(values, feed) for values in run(feed)]

    return Runtime("openvino", "Broken", lambda: "", lambda: "1.0", load)


def refused(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[str, str]:
    """What the command printed, and the one sentence with which it ended."""
    assert main(["check", *map(str, argv)]) == 2
    said = capsys.readouterr()
    (sentence,) = [line for line in said.err.splitlines() if line.startswith("error: ")]
    return said.out, sentence


@pytest.fixture(autouse=True)
def timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One timed run of each graph is enough to see that it is timed; the reference takes longest for it."""
    monkeypatch.setattr(runtime_comparison, "TIMED_RUNS", 1)


# ------------------------------------------------------------------------------------------ each runtime

FEED = {"z": np.random.default_rng(7).standard_normal((33, tiny.CODE)).astype(np.float32)}


@pytest.fixture(scope="module")
def files(tiny_bundle: Path) -> dict[str, bytes]:
    """The tiny decoder in every form; int8 with its last layer too, or there would be none."""
    model = onnx.load(tiny_bundle / "decoder.onnx")
    rows = {"z": np.random.default_rng(5).standard_normal((64, tiny.CODE)).astype(np.float32)}
    hidden = onnx.helper.make_node("MatMul", ["z", "square"], ["hidden"], "hidden")
    model.graph.node[0].input[0] = "hidden"
    model.graph.node.insert(0, hidden)
    model.graph.node[1].name = "last"
    square = np.random.default_rng(6).normal(0, 0.4, (tiny.CODE, tiny.CODE)).astype(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(square, "square"))
    made = {"fp32": model, "fp16-stored": float16.stored(model), "fp16": float16.arithmetic(model)}
    made["int8"] = int8.quantised(model, rows)
    assert any(node.op_type == "QuantizeLinear" for node in made["int8"].graph.node)
    return {form: one.SerializeToString() for form, one in made.items()}


@pytest.fixture(scope="module")
def reference(files: dict[str, bytes]) -> dict[str, list[np.ndarray]]:
    """What the reference gives for FEED, by form."""
    found = {}
    for form, data in files.items():
        with runtimes.reference(data, ["image"]) as run:
            found[form] = run(FEED)
    return found


@pytest.mark.parametrize("form", ["fp32", "fp16-stored", "fp16", "int8"])
@pytest.mark.parametrize("name", [r.name for r in RUNTIMES if r.name != "reference"])
def test_a_runtime_agrees_with_the_reference_in_every_form(
    name: str, form: str, files: dict[str, bytes], reference: dict[str, list[np.ndarray]]
):
    runtime, wanted = here(name), reference[form]
    with runtime.load(files[form], ["image"]) as run:
        found = runtime_comparison.measure("decoder", run, FEED, wanted)
    assert runtime_comparison.fault(runtime, found, form) == "" and found.unit == "grey levels"
    assert found.speed > 0 and found.mean <= found.largest and wanted[0].std() > 0.01


@pytest.mark.parametrize("name", [r.name for r in RUNTIMES])
def test_a_file_that_is_no_graph_is_an_error_of_the_runtime(name: str):
    runtime = here(name)
    with pytest.raises(Exception, match=r"\w"), runtime.load(b"no graph at all", ["image"]):
        pass


@pytest.mark.parametrize("name", ["openvino", "opencv", "web"])
def test_several_outputs_come_in_the_order_asked_for(name: str, tiny_bundle: Path):
    data = (tiny_bundle / "classifier.onnx").read_bytes()
    feed = {"image": np.full((2, 1, 32, 32), 0.5, np.float32)}
    with here(name).load(data, ["features", "logits"]) as run:
        assert [values.shape for values in run(feed)] == [(2, tiny.FEATURES), (2, 10)]


@pytest.mark.slow
def test_ctrl_c_is_heard_after_two_precisions_of_openvino_at_a_time(tiny_bundle: Path):
    """In a process of its own, with a stack for signal handlers as pytest has one: where this fails, it crashes."""
    here("openvino")
    program = """if True:
        import faulthandler, signal, sys
        from contextlib import ExitStack
        from pathlib import Path
        from export.runtimes import openvino
        faulthandler.enable()
        data = Path(sys.argv[1]).read_bytes()
        first, second = ExitStack(), ExitStack()
        first.enter_context(openvino("f32")(data, ["logits"]))
        second.enter_context(openvino("f32")(data, ["logits"]))
        first.close()
        second.close()
        signal.signal(signal.SIGINT, lambda *_: print("heard"))
        signal.raise_signal(signal.SIGINT)
    """
    command = [sys.executable, "-c", program, str(tiny_bundle / "classifier.onnx")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr


# -------------------------------------------------------------------------------------------- the command


@pytest.mark.slow
def test_a_bundle_in_every_runtime_that_is_here(broken_bundle: Path, capsys: pytest.CaptureFixture[str]):
    here_now = [runtime for runtime in RUNTIMES if not runtime.gap()]
    assert main(["check", str(broken_bundle), "--write"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 120
    lines = printed.partition("\n\n")[0].splitlines()
    assert lines[1].split() == list(USUAL_GRAPHS)
    for runtime in RUNTIMES:
        rows = [line for line in lines if line.startswith(f"  {runtime.label} ")]
        if runtime in here_now:
            assert len(rows) == (2 if runtime.name == "reference" else 4) and all(len(r.split()) > 9 for r in rows)
        else:
            assert not rows and f"Not tried: {runtime.label}. {runtime.gap()}"[:60] in printed
    stored = read(broken_bundle).info.runtime_comparison
    assert [entry.runtime for entry in stored.runtimes] == [runtime.label for runtime in RUNTIMES]
    by_label = {entry.runtime: entry for entry in stored.runtimes}
    for runtime in RUNTIMES:
        entry = by_label[runtime.label]
        assert [c.graph for c in entry.graphs] == (list(USUAL_GRAPHS) if runtime in here_now else [])
        assert bool(entry.version) == (runtime in here_now) != bool(entry.gap)
    assert all(c.alone == 0 for c in by_label["onnxruntime CPU"].graphs)
    assert 0 < max(c.largest for c in by_label["onnxruntime CPU"].graphs) < 1e-3
    assert stored.command == "python -m export check tiny" and stored.batches == parity.BATCHES
    text = (broken_bundle / "README.md").read_text()
    assert text.startswith("# Random\n") and text.count("## Other runtimes") == 1
    assert "| onnxruntime CPU |" in text and "| decoder, grey levels |" in text


def test_a_second_time_replaces_the_table(broken_bundle: Path):
    for names in (["onnxruntime", "cuda"], ["onnxruntime"]):
        assert main(["check", str(broken_bundle), "--write", "--runtimes", *names]) == 0
    stored = read(broken_bundle).info.runtime_comparison
    assert [entry.runtime for entry in stored.runtimes] == ["ONNX reference", "onnxruntime CPU"]
    assert stored.command.endswith("--runtimes onnxruntime")
    text = (broken_bundle / "README.md").read_text()
    assert text.count(runtime_tables.SECTION.begin) == text.count("## Other runtimes") == 1 and "CUDA" not in text


def test_nothing_is_written_unasked(broken_bundle: Path):
    before = {path.name: path.read_bytes() for path in broken_bundle.iterdir()}
    assert main(["check", str(broken_bundle), "--runtimes", "onnxruntime"]) == 0
    assert {path.name: path.read_bytes() for path in broken_bundle.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda out, feed: out + (1.5 / 255 if out.ndim == 4 else 0),
            r"off by 1\.5 \(grey levels\) in graph 'generator'",
        ),
        (lambda out, feed: out * (1.01 if out.shape[1:] == (1,) else 1), r"off by .* \(share\) in graph 'critic'"),
        (lambda out, feed: out[:, :, :-1] if out.ndim == 4 else out, r"does not run graph 'decoder'"),
        (lambda out, feed: out + (np.nan if out.ndim == 4 else 0), r"'synthesis' \(.*not finite"),
    ],
)
def test_a_wrong_runtime_is_found(change, words: str, broken_bundle: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    only(monkeypatch, same_but(change), BY_NAME["onnxruntime"])
    before = (broken_bundle / "bundle.json").read_bytes()
    printed, sentence = refused(capsys, broken_bundle, "--write")
    assert re.search(words, sentence) and "Broken" in sentence and "Nothing was written" in sentence
    assert "onnxruntime CPU" not in sentence
    (row,) = [r for r in printed.partition("mean")[0].splitlines() if r.startswith("  Broken ")]
    assert "!" in row or "fails" in row
    assert (broken_bundle / "bundle.json").read_bytes() == before


def neighbours(change: float) -> Callable[[np.ndarray, Feed], np.ndarray]:
    return lambda out, feed: out + (np.float32(change) if len(out) == 33 else 0)


def test_rows_that_depend_on_their_batch(tiny_bundle: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    """In onnxruntime that is a failure where it is more than a kernel's rounding; everywhere it is told."""
    only(monkeypatch, same_but(neighbours(1e-6)))
    assert main(["check", str(tiny_bundle)]) == 0
    (_, alone) = capsys.readouterr().out.split("row alone")
    (row,) = [line for line in alone.partition("pictures")[0].splitlines() if line.startswith("  Broken ")]
    assert "=" not in row
    only(monkeypatch, replace(same_but(neighbours(1e-4)), name="onnxruntime", label="onnxruntime CPU"))
    assert "rows of graph 'generator' depend on their batch" in refused(capsys, tiny_bundle)[1]


def test_a_kernel_may_round_a_single_row_otherwise(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch):
    """As parity allows it at the export: the same graph passes both."""
    only(monkeypatch, replace(same_but(neighbours(1e-6)), name="onnxruntime", label="onnxruntime CPU"))
    assert main(["check", str(tiny_bundle)]) == 0


def test_bfloat16_is_held_against_a_bound_of_its_own():
    found = GraphDifference(graph="decoder", unit="grey levels", largest=20, mean=0.2, alone=3, speed=1)
    assert runtime_comparison.fault(BY_NAME["openvino-bf16"], found, "fp32") == ""
    assert "1 is allowed" in runtime_comparison.fault(BY_NAME["openvino"], found, "fp32")
    nonsense = found.model_copy(update={"largest": 200})
    assert "64 is allowed" in runtime_comparison.fault(BY_NAME["openvino-bf16"], nonsense, "fp32")


def test_what_node_said_last_is_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "node").write_text("#!/bin/sh\necho 'Error: no memory' >&2\nexit 1\n")
    (tmp_path / "node").chmod(0o755)
    send = runtimes._send

    def send_later(*what: object) -> None:
        time.sleep(0.5)  # it has ended by then
        send(*what)

    monkeypatch.setattr(runtimes, "RUNTIME_HOME", tmp_path)
    monkeypatch.setattr(runtimes, "_send", send_later)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(RuntimeError, match=r"^Error: no memory$"), runtimes.web(b"a graph", ["image"]):
        pass


def test_what_is_missing_is_named_with_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runtimes, "RUNTIME_HOME", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install nodejs" in runtimes.web_gap()
    (tmp_path / "node").write_text("")
    (tmp_path / "node").chmod(0o755)
    (tmp_path / "node_modules" / "onnxruntime-web").mkdir(parents=True)  # and nothing in it
    assert "python -m demo.web" in runtimes.web_gap()
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda name: None)
    assert "OpenVINO is not installed; pip install" in runtimes.openvino_gap() == runtimes.bfloat16_gap()
    assert "OpenCV is not installed; pip install" in runtimes.opencv_gap()


def test_no_bundle(tmp_path: Path, broken_bundle: Path, capsys: pytest.CaptureFixture[str]):
    assert "has no bundle.json" in refused(capsys, tmp_path)[1]
    assert "There is no folder" in refused(capsys, tmp_path / "nowhere")[1]
    path = broken_bundle / "critic.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert "'critic.onnx' of bundle 'tiny' is damaged" in refused(capsys, broken_bundle)[1]


def test_a_graph_that_no_runtime_runs(broken_bundle: Path, capsys: pytest.CaptureFixture[str]):
    """Its checksum and its outline are right: it was written like this."""
    model = onnx.load(broken_bundle / "critic.onnx")
    wrong = numpy_helper.from_array(np.zeros((3, 1), np.float32), "critic")
    next(weight for weight in model.graph.initializer if weight.name == "critic").CopyFrom(wrong)
    index = tiny.load_index(broken_bundle)
    index["graphs"]["critic"] |= tiny.write(broken_bundle / "critic.onnx", model.SerializeToString())
    tiny.save_index(broken_bundle, index)
    sentence = refused(capsys, broken_bundle, "--runtimes", "onnxruntime")[1]
    assert "does not run graph 'critic'" in sentence


# --------------------------------------------------------------------------------------- index and card


def some(largest: float = 0.5) -> RuntimeComparison:
    decoder = GraphDifference(graph="decoder", unit="grey levels", largest=largest, mean=0.1, alone=0, speed=1234.5)
    critic = GraphDifference(graph="critic", unit="share", largest=1e-6, mean=1e-7, alone=2e-6, speed=9.75)
    return RuntimeComparison(
        command="python -m export check tiny",
        hardware="a processor",
        reference="ONNX reference",
        batches=(1, 2),
        runtimes=(
            RuntimeResult(runtime="ONNX reference", version="1", graphs=(decoder,)),
            RuntimeResult(runtime="Another", version="2", graphs=(decoder, critic)),
            RuntimeResult(runtime="CUDA", gap="No GPU."),
        ),
    )


def test_the_printed_table_fits_a_terminal():
    """Ten graphs are what a bundle with attributes has."""
    names = list(GRAPHS)
    figures = tuple(GraphDifference(graph=name, unit="share", largest=1e-6, mean=1e-7, alone=0, speed=12345)
                    for name in names)  # fmt: skip
    reference = RuntimeResult(runtime="ONNX reference", version="1", graphs=figures)
    printed = runtime_tables.printed("tiny", some().model_copy(update={"runtimes": (reference,)}), names, {})
    assert len(names) == 10 and max(map(len, printed.splitlines())) <= runtime_tables.WIDTH
    assert all(printed.count(f" {name}") == 1 for name in names) and printed.count("12,345") == 10


def test_the_section_of_the_card():
    text = runtime_tables.section(some())
    assert "| decoder, grey levels | 0.5 (0.1) |" in text and "| critic, share | 1e-06 (1e-07) |" in text
    assert "| decoder | 1,234 | 1,234 |" in text and "| critic | | 9.8 |" in text
    assert "bit for bit, in ONNX reference. In Another it differs by up to 2e-06 (share)." in text
    assert "Not tried: CUDA. No GPU." in text and "ONNX reference 1, Another 2." in text


def test_what_the_owner_wrote_stays():
    figures = quality_section.SECTION.written("figures")
    old = f"# Mine\n\nmy words\n\n{figures}\n\nmy last words\n"
    new = model_card.with_runtime_comparison(old, some())
    assert runtime_tables.SECTION.around(new) == ("# Mine\n\nmy words\n\n", f"\n\n{figures}\n\nmy last words\n")
    assert model_card.with_runtime_comparison(new, some(0.25)) == new.replace("| 0.5 (", "| 0.25 (")
    assert model_card.with_runtime_comparison("# Only mine\n", some()).startswith(
        "# Only mine\n\n" + runtime_tables.SECTION.begin
    )


def test_the_command_that_repeats_it_can_be_copied():
    assert runtime_comparison.command(Path("my bundle"), ["web"]) == (
        "python -m export check 'my bundle' --runtimes web"
    )


def test_a_bundle_without_a_card_gets_one(broken_bundle: Path):
    (broken_bundle / "README.md").unlink()
    runtime_comparison.store(read(broken_bundle), some())
    text = (broken_bundle / "README.md").read_text()
    assert "## Graphs" in text and text.count("Not tried: CUDA. No GPU.") == 1


def test_it_stays_in_a_new_card_and_in_older_bundles_there_is_none(broken_bundle: Path):
    index = tiny.load_index(broken_bundle)
    assert "runtime_comparison" not in index and read(broken_bundle).info.runtime_comparison is None
    runtime_comparison.store(read(broken_bundle), some())
    info = read(broken_bundle).info
    assert "Not tried: CUDA. No GPU." in (broken_bundle / "README.md").read_text()
    assert info.runtime_comparison == some() and info.quality is not None
    assert "## Other runtimes" in model_card.card(info, {})
    assert json.loads((broken_bundle / "bundle.json").read_text())["runtime_comparison"]["batches"] == [1, 2]
