"""The regressors of a missing centre: right where the centre follows from the rest, no better than chance elsewhere."""

from pathlib import Path

import numpy as np
import torch

from benchmarks.attainable import Settings, command, regressor_errors, split
from train.data.dataset import Pictures
from train.evaluate.inverse import centre

SIZE = 16


def pictures(count: int, seed: int, follows: bool) -> Pictures:
    """Two classes of slow waves; `follows`: the centre too is part of the wave, otherwise it has its own grey."""
    rng = np.random.default_rng(seed)
    at = np.arange(SIZE) / SIZE
    labels = np.arange(count) % 2
    slope, level = rng.uniform(-60, 60, (2, count, 1, 1))
    wave = np.where(labels[:, None, None], at[:, None] - 0.5, at - 0.5) * slope + level + 128
    missing = centre((SIZE, SIZE)) == 0
    if not follows:
        wave[:, missing] = rng.uniform(40, 210, (count, 1))
    return Pictures(torch.from_numpy(wave.round().astype(np.uint8)[:, None]), torch.from_numpy(labels))


def test_the_stored_command_measures_the_same(tiny_bundle: Path, tmp_path: Path):
    of_bundle, of_run = Settings(tiny_bundle, data="ylecun/mnist"), Settings(tmp_path, data=str(tmp_path))
    assert command(of_bundle) == f"python -m benchmarks.attainable artifacts/{tiny_bundle.name} --data ylecun/mnist"
    assert command(of_run) == f"python -m benchmarks.attainable runs/{tmp_path.name} --data {tmp_path.name}"


def test_known_and_missing_pixels_are_all_of_them():
    known, missing = split(pictures(3, 0, True), centre((SIZE, SIZE)))
    assert known.shape == (3, 220) and missing.shape == (3, 36)
    assert known.dtype == np.float32 and 0 <= known.min() < known.max() <= 1


def test_what_follows_from_the_rest_is_found():
    errors = regressor_errors(pictures(200, 0, True), pictures(40, 1, True), centre((SIZE, SIZE)))
    middle = split(pictures(40, 1, True), centre((SIZE, SIZE)))[1].var()
    assert min(value for name, value in errors.items() if name.startswith("ridge")) < 0.01 * middle
    assert min(value for name, value in errors.items() if name.startswith("kernel")) < 0.05 * middle


def test_what_does_not_follow_stays_as_it_was():
    shown = pictures(40, 1, False)
    errors = regressor_errors(pictures(200, 0, False), shown, centre((SIZE, SIZE)))
    assert min(errors.values()) > 0.7 * split(shown, centre((SIZE, SIZE)))[1].var()


def test_a_picture_that_was_learned_is_its_own_nearest():
    train = pictures(200, 0, False)
    errors = regressor_errors(train, Pictures(train.images[:20], train.labels[:20]), centre((SIZE, SIZE)))
    assert errors["mean of the 1 nearest training pictures"] < 1e-9
