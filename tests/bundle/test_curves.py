"""Training curves: thinned, rounded, right after a resume, in the bundle, and within the schema's limits."""

import json
import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from bundle import curves
from bundle.read import read
from bundle.schema import BundleIndex, Curve
from export import assemble, graphs, run_contents
from tests.support.trained import Exported
from train.run_folder import Run


def written(path: Path, *rows: dict | str) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


def test_many_lines_become_a_hundred_means(tmp_path: Path):
    rows = [{"images": 10 * (i + 1), "seconds": 1.5, "critic": float(i), "r1": 1 / 3} for i in range(1000)]
    curve = curves.read_curve(written(tmp_path / "m.jsonl", *rows))
    assert len(curve.images) == 100 and curve.images[0] == 100 and curve.images[-1] == 10_000
    assert set(curve.series) == {"critic", "r1"}  # seconds are no measure
    assert curve.series["critic"][:2] == (4.5, 14.5) and curve.series["r1"][0] == 0.3333


def test_few_lines_stay_as_they_are_and_what_is_not_measured_is_none(tmp_path: Path):
    path = written(tmp_path / "m.jsonl", {"images": 5, "loss": 2.0}, {"images": 9, "loss": 1.0, "variety_gan": 0.5})
    assert curves.read_curve(path) == Curve(images=(5, 9), series={"loss": (2.0, 1.0), "variety_gan": (None, 0.5)})


def test_after_a_resume_the_newer_lines_count_and_torn_ones_do_not(tmp_path: Path):
    old = [{"images": n, "loss": 1.0} for n in (10, 20, 30)]
    path = written(
        tmp_path / "m.jsonl",
        *old,
        '{"images": 40, "lo',
        {"images": 20, "loss": 0.5},
        {"images": 30, "loss": float("nan")},
    )
    assert curves.read_curve(path) == Curve(images=(10, 20, 30), series={"loss": (1.0, 0.5, None)})


def test_no_lines_no_curve(tmp_path: Path):
    assert curves.read_curve(tmp_path / "none") is None
    assert curves.read_curve(written(tmp_path / "m.jsonl", "[1]", "no json", {"images": 1, "seconds": 2})) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"images": (), "series": {"a": ()}},
        {"images": (1, 1), "series": {"a": (0, 0)}},
        {"images": (1, 2), "series": {"a": (0,)}},
        {"images": (1,), "series": {}},
        {"images": (1,), "series": {"a": (float("nan"),)}},
        {"images": (1,), "series": {"<b>": (0,)}},
        {"images": tuple(range(101)), "series": {"a": (0,) * 101}},
        {"images": (1,), "series": {f"s{i}": (0,) for i in range(25)}},
    ],
)
def test_what_is_no_curve_is_refused(wrong: dict):
    with pytest.raises(ValidationError):
        Curve.model_validate(wrong)


def test_the_bundle_of_a_run_carries_them(exported: Exported, trained_run: Path, tmp_path: Path):
    assert all(stage.curve is None for stage in read(exported.folder).info.training.values())  # it took no minute
    folder = Path(shutil.copytree(trained_run, tmp_path / "shapes"))
    written(folder / "gan" / "metrics.jsonl", {"images": 64, "critic": 0.7}, {"images": 128, "critic": 0.6})
    run = Run.open(folder)
    stages = run_contents.collect(run, unfinished=False)
    specs = [spec for key, stage in stages.items() for spec in graphs.graph_specs(key, stage.networks, run.data)]
    data = {spec.name: (exported.folder / f"{spec.name}.onnx").read_bytes() for spec in specs}
    there = read(exported.folder).info.files
    files = {key: (file.file, (exported.folder / file.file).read_bytes()) for key, file in there.items()}
    found = assemble.GraphFiles(data, {}, dict.fromkeys(data, "fp32"))
    info = assemble.index(run_contents.origin_of(run, "shapes", stages), specs, found, files, 0.1)
    assert info.training["gan"].curve == Curve(images=(64, 128), series={"critic": (0.7, 0.6)})
    assert info.training["vae"].curve is None
    assert BundleIndex.model_validate(info.model_dump(mode="json")) == info
