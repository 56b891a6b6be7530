"""A report keeps what is a number: a figure that is none is a note, a floor that is none is not known."""

import json
import math
import os

import pytest

from bundle.errors import UserError
from train.evaluate.report import Report


def test_a_floor_or_an_error_that_is_no_number_is_not_known():
    report = Report({"features": "none"}, samples=10)
    report.add("vae.psnr", "PSNR", 31.5, "higher", math.inf, error=math.nan, training_floor=-math.inf)
    assert (report["vae.psnr"].floor, report["vae.psnr"].error, report["vae.psnr"].training_floor) == (None,) * 3
    assert report.as_quality("train evaluate").figures[0].value == 31.5


def test_a_report_names_folders_whose_names_are_no_utf_8(tmp_path):
    report = Report({"subject": os.fsdecode(b"run caf\xe9"), "features": "none"})
    report.store(tmp_path, [])
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["facts"] == report.facts
    assert "- subject: run caf\\udce9" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_figure_that_is_no_number_is_a_note_and_stores_nothing():
    report = Report({"features": "none"})
    report.add("gan.frechet", "Fréchet distance", math.nan, "lower")
    assert not report.figures and "gan.frechet" in report.notes[0]
    with pytest.raises(UserError, match="not a finite number"):
        report.as_quality("train evaluate")
