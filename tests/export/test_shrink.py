"""Weights stored as float16 from the files of a bundle alone."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import onnx
import pytest

from bundle.feeds import Rows
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import SNAPSHOT_FILES, RuntimeComparison
from bundle.sessions import choose_provider
from bundle.snapshots import read_snapshots
from bundle.trial_inputs import TrialInputs
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from export import model_card, precision, runtime_tables
from export.__main__ import main
from tests.support import tiny


def test_pictures_stay_within_a_grey_level_and_the_index_says_how_it_is_stored(broken_bundle: Path, capsys):
    seeds = range(12)
    whole = read(broken_bundle)
    served = ServedBundle(Engine(whole, choose_provider("cpu")))
    before, codes = served.sample(seeds), served.sample(seeds, model="vae")
    sizes = {name: graph.bytes for name, graph in read(broken_bundle).info.graphs.items()}
    assert main(["shrink", str(broken_bundle)]) == 0
    after = read(broken_bundle)  # checksums and shapes are verified
    assert after.info.files["latents"].bytes < whole.info.files["latents"].bytes
    served = ServedBundle(Engine(after, choose_provider("cpu")))
    assert np.abs(np.rint(codes * 255) - np.rint(served.sample(seeds, model="vae") * 255)).max() <= 1
    drawn = served.sample(seeds)
    assert np.abs(np.rint(before * 255) - np.rint(drawn * 255)).max() <= 1
    taken = {name for name, graph in after.info.graphs.items() if graph.precision == "fp16-stored"}
    assert taken == set(after.info.graphs)
    assert sum(graph.bytes for graph in after.info.graphs.values()) < sum(sizes.values())
    model = onnx.load(broken_bundle / after.info.graphs["decoder"].file)
    assert {p.key: p.value for p in model.metadata_props}["precision"] == "fp16-stored"
    assert main(["shrink", str(broken_bundle)]) == 2
    assert "nothing to shrink" in capsys.readouterr().err


def test_snapshots_of_the_training_stay_as_they_are(broken_bundle: Path):
    tiny.add_snapshots(broken_bundle)
    before = read(broken_bundle)
    assert main(["shrink", str(broken_bundle)]) == 0
    after = read(broken_bundle)
    for model, key in SNAPSHOT_FILES.items():
        assert after.info.files[key] == before.info.files[key]
        assert after.info.training[model].snapshots == before.info.training[model].snapshots
        assert read_snapshots(broken_bundle, after.info, model).pictures.shape[0] == 3


def test_the_card_tells_the_new_bytes_and_precision_and_no_comparison_of_files_that_are_gone(
    broken_bundle: Path, capsys
):
    card = broken_bundle / "README.md"
    before = read(broken_bundle).info
    compared = RuntimeComparison(command="c", hardware="h", reference="r", batches=(1,), runtimes=())
    text = model_card.with_runtime_comparison(model_card.card(before, {"decoder": 1e-6}), compared)
    card.write_text(text.replace("## Use", "My own words.\n\n## Use"), encoding="utf-8")
    assert main(["shrink", str(broken_bundle)]) == 0
    now, after = card.read_text(encoding="utf-8"), read(broken_bundle).info
    for graph in after.graphs.values():
        (row,) = [line for line in now.splitlines() if line.startswith(f"| `{graph.file}` |")]
        assert row.endswith(f"| {graph.bytes:,} | |")  # nobody has measured the error of the new file
    assert "over 41 rows at once (" in now and "batches" not in now and "empty where" in now
    assert "My own words." in now
    assert "weights stored as float16" in now and runtime_tables.SECTION.begin not in now and "## Quality" in now


def test_the_card_of_a_bundle_that_twofold_did_not_train_is_begun_with_its_title(broken_bundle: Path):
    (broken_bundle / "README.md").unlink()
    tiny.save_index(broken_bundle, tiny.load_index(broken_bundle) | {"training": {}})
    assert main(["shrink", str(broken_bundle)]) == 0
    text = (broken_bundle / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# tiny (random)\n\n<!-- quality: begin -->") and "trained from scratch" not in text


def test_the_card_says_of_each_precision_over_which_rows_its_errors_are(tiny_bundle: Path):
    info = read(tiny_bundle).info
    kinds = dict.fromkeys(info.graphs, "int8") | {"generator": "fp32"}
    some = {name: graph.model_copy(update={"precision": kinds[name]}) for name, graph in info.graphs.items()}
    assert "over batches of 1, 2, 5 and 33 (images" in model_card.graph_section(info, {})
    mixed = model_card.graph_section(info.model_copy(update={"graphs": some}), {})
    assert "over batches of 1, 2, 5 and 33, of graphs that are not float32 over 41 rows at once (images" in mixed


def test_it_compares_on_the_rows_that_an_export_compares_on(broken_bundle: Path, monkeypatch):
    bundle, compared = read(broken_bundle), {}
    inputs = TrialInputs.of_bundle(bundle, BundleRunner(bundle).run)
    wanted = {graph: precision.trial_rows(graph, "fp16-stored", inputs)[0] for graph in bundle.info.graphs}
    measure = precision.measure

    def noted(graph: str, exact: bytes, other: bytes, rows: Rows, *more: object):
        compared[graph] = rows
        return measure(graph, exact, other, rows, *more)

    monkeypatch.setattr(precision, "measure", noted)
    assert main(["shrink", str(broken_bundle)]) == 0
    assert set(compared) == set(bundle.info.graphs)
    for graph, rows in wanted.items():
        assert all(np.array_equal(compared[graph][name], values) for name, values in rows.items()), graph


def test_a_graph_that_changes_too_much_is_refused_and_the_bundle_stays(broken_bundle: Path, capsys, monkeypatch):
    index = (broken_bundle / "bundle.json").read_bytes()
    monkeypatch.setattr(precision, "LEVELS", -1)  # no picture may even stay the same
    assert main(["shrink", str(broken_bundle)]) == 2
    assert "changes by 0" in (said := capsys.readouterr().err) and "(grey levels)" in said
    assert (broken_bundle / "bundle.json").read_bytes() == index


@pytest.mark.parametrize(("shift", "refused"), [(0.0, False), (1 / 255, False), (2.2 / 255, True)])
def test_the_bound_is_one_grey_level(monkeypatch: pytest.MonkeyPatch, shift: float, refused: bool):
    pictures = np.random.default_rng(0).uniform(0.1, 0.9, (3, 1, 4, 4)).astype(np.float32)
    answers = {b"exact": pictures, b"other": pictures + np.float32(shift)}

    class Session:
        def __init__(self, data: bytes):
            self.data = data

        def run(self, *_: object) -> list[np.ndarray]:
            return [answers[self.data]]

    monkeypatch.setattr(precision.parity, "session", Session)
    with pytest.raises(precision.Unsuitable, match=r"changes by [23]") if refused else nullcontext():
        precision.measure("decoder", b"exact", b"other", {}, "fp16-stored")
