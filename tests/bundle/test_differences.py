"""Differences of outputs: units, what is worst, what is wrong."""

import numpy as np
import pytest

from bundle import differences


def test_pictures_are_compared_in_grey_levels_and_everything_else_in_shares():
    wanted = np.full((2, 1, 2, 2), 0.5, np.float32)
    got = wanted.copy()
    got[1, 0, 0, 0] += 2 / 255
    found = differences.difference([got], [wanted])
    assert found.unit == "grey levels"
    assert found.largest == pytest.approx(2, rel=1e-4) and found.mean == pytest.approx(0.25, rel=1e-4)
    wrong, right = ([np.float32([[a]]), np.float32([[b]])] for a, b in ((101, 0.1), (100, 0)))
    scores = differences.difference(wrong, right)
    assert scores.unit == "share" and scores.largest == pytest.approx(0.1) and scores.mean == pytest.approx(0.055)


def test_bytes_are_what_files_show():
    """Half a level between two bytes is a level or none."""
    wanted = np.full((1, 1, 1, 2), 10 / 255, np.float32)
    got = wanted + np.float32([[[[0.4 / 255, 0.6 / 255]]]])
    assert differences.grey_levels(got, wanted, whole=True).ravel().tolist() == [0, 1]


def test_errors_of_images_are_absolute_and_of_scores_relative():
    got, wanted = np.full((1, 1), 100.01, np.float32), np.full((1, 1), 100.0, np.float32)
    assert differences.largest_error("image", got, wanted) == pytest.approx(0.01, rel=1e-2)
    assert differences.largest_error("logvar", got, wanted) == pytest.approx(0.01, rel=1e-2)
    assert differences.largest_error("score", got, wanted) == pytest.approx(0.0001, rel=1e-2)


def test_the_worst_picture_counts():
    wanted = np.full((3, 1, 4, 4), 0.5, np.float32)
    got = wanted.copy()
    got[2] += 0.1
    assert differences.worst_psnr(got, wanted) == pytest.approx(20, abs=1e-3)
    assert differences.worst_psnr(wanted, wanted) == float("inf")


def test_what_is_wrong_with_an_output_is_told():
    fine = np.zeros((2, 3), np.float32)
    assert differences.fault(fine, (2, 3)) == ""
    assert "float32 (2, 3) instead of float32 (3, 3)" in differences.fault(fine, (3, 3))
    assert "float64" in differences.fault(fine.astype(np.float64), (2, 3))
    assert "not finite" in differences.fault(fine * np.float32(np.nan), (2, 3))
