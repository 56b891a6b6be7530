"""Paths through keyframes: their ends, their norms, their timing, and loops without a seam."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bundle import paths
from bundle.errors import InputError
from bundle.latents import seed_latent
from bundle.model import BundleModel
from bundle.paths import EASINGS, PATH_MODES, PathMode, even_times, path_at, path_shares, timing
from bundle.read import read
from bundle.runner import BundleRunner

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
KEYS = np.stack([seed_latent(seed, 64) for seed in (3, 14, 15, 92)])
UNEVEN = (0.0, 0.6, 2.2, 2.9)  # of a film of 4 s


def path(keys: np.ndarray, frames: int, mode: PathMode, loop: bool = False) -> np.ndarray:
    return path_at(keys, path_shares(frames, loop), mode, loop)


@pytest.mark.parametrize("mode", PATH_MODES)
def test_open_path_runs_from_the_first_key_through_all_to_the_last(mode):
    points = path(KEYS, 13, mode)
    assert points.shape == (13, 64) and points.dtype == np.float32
    assert points[[0, 4, 8, 12]] == pytest.approx(KEYS, abs=1e-5)


@pytest.mark.parametrize("mode", PATH_MODES)
def test_loop_passes_through_the_keys_and_closes_without_a_doubled_frame(mode):
    points = path(KEYS, 16, mode, loop=True)
    assert points[[0, 4, 8, 12]] == pytest.approx(KEYS, abs=1e-5)
    steps = np.linalg.norm(np.diff(np.concatenate([points, points[:1]]), axis=0), axis=1)
    assert steps.min() > 0.2 * steps.max()  # the step from the last frame to the first is one like the others
    assert path_at(KEYS, np.array([1.0]), mode, True)[0] == pytest.approx(KEYS[0], abs=1e-5)


def test_spline_is_smooth_at_the_keys_where_straight_lines_turn():
    def turn(mode: str) -> float:
        before, at, after = path_at(KEYS, np.array([0.249, 0.25, 0.251]), mode, True).astype(np.float64)
        u, v = at - before, after - at
        return float(u @ v / np.linalg.norm(u) / np.linalg.norm(v))

    assert turn("spline") > 0.99
    assert turn("linear") < 0.5


@pytest.mark.parametrize("mode", ["spherical", "spline"])
def test_paths_keep_the_norm_that_straight_lines_lose(mode):
    norms = np.linalg.norm(KEYS, axis=1)
    along = np.linalg.norm(path(KEYS, 61, mode, loop=True), axis=1)
    assert norms.min() * 0.999 <= along.min() and along.max() <= norms.max() * 1.001
    assert np.linalg.norm(path(KEYS, 61, "linear", loop=True), axis=1).min() < 0.85 * norms.min()


def test_path_of_one_key_stands_still():
    assert path(KEYS[:1], 5, "spline", loop=True) == pytest.approx(np.repeat(KEYS[:1], 5, axis=0))


@pytest.mark.parametrize(("keys", "mode"), [(0, "linear"), (4, "zigzag")])
def test_impossible_paths_are_refused(keys: int, mode: str):
    with pytest.raises(InputError):
        path(KEYS[:keys], 5, mode)


# --- timing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", PATH_MODES)
@pytest.mark.parametrize("loop", [False, True])
def test_even_times_are_no_timing_at_all(mode: PathMode, loop: bool):
    timed = timing(even_times(4, loop, 7.0), (), 7.0, 4, loop)
    shares = path_shares(33, loop)
    assert path_at(KEYS, shares, mode, loop, timed) == pytest.approx(path_at(KEYS, shares, mode, loop), abs=1e-5)


@pytest.mark.parametrize("mode", PATH_MODES)
@pytest.mark.parametrize("easing", EASINGS)
@pytest.mark.parametrize("loop", [False, True])
def test_a_film_is_at_its_keys_at_their_times_and_an_open_one_stays_at_its_last(mode, easing, loop):
    timed = timing(UNEVEN, (easing,) * 4, 4.0, 4, loop)
    assert path_at(KEYS, np.array(UNEVEN) / 4, mode, loop, timed) == pytest.approx(KEYS, abs=1e-5)
    end = path_at(KEYS, np.array([1.0]), mode, loop, timed)[0]
    assert end == pytest.approx(KEYS[0 if loop else -1], abs=1e-5)


@pytest.mark.parametrize(("easing", "first", "last"), [("linear", 1, 1), ("in", 0, 2), ("out", 2, 0), ("smooth", 0, 0)])
def test_an_easing_begins_and_ends_at_its_speed(easing: paths.Easing, first: float, last: float):
    tiny = 1e-6
    assert paths.eased(easing, 0) == 0 and paths.eased(easing, 1) == 1
    assert paths.eased(easing, tiny) / tiny == pytest.approx(first, abs=1e-4)
    assert (1 - paths.eased(easing, 1 - tiny)) / tiny == pytest.approx(last, abs=1e-4)
    assert np.all(np.diff([paths.eased(easing, share) for share in np.linspace(0, 1, 99)]) > 0)


WRONG = [
    (((0, 1, 2), (), 4), "one time for each keyframe"),
    (((), ("in",), 4), "one easing for each keyframe"),
    (((), ("in", "out", "fast", "in"), 4), "Unknown easing 'fast'"),
    (((0, 1, 2, 3), (), float("nan")), "more than 0 and at most 600 seconds"),
    (((0, 1, 2, 3), (), 601), "more than 0 and at most 600 seconds"),
    (((0.5, 1, 2, 3), (), 4), "The first keyframe is at 0 seconds"),
    (((0, 2, 1, 3), (), 4), "rise by 0.05 seconds at least"),
    (((0, 1, 1, 3), (), 4), "rise by 0.05 seconds at least"),
    (((0, 1, float("nan"), 3), (), 4), "rise by 0.05 seconds at least"),
]


@pytest.mark.parametrize(("given", "sentence"), WRONG)
def test_times_that_make_no_film_are_refused(given: tuple, sentence: str):
    with pytest.raises(InputError, match=sentence):
        timing(*given, 4, True)


def test_a_keyframe_after_the_end_is_refused_where_the_film_is_open_and_in_a_loop():
    for loop in (False, True):
        with pytest.raises(InputError, match="The last keyframe is at 5 seconds, after the end of the film"):
            timing((0, 1, 2, 5), (), 4, 4, loop)


def test_a_loop_needs_time_to_come_back_from_its_last_keyframe():
    with pytest.raises(InputError, match=r"last keyframe of a loop is at least 0\.05 seconds before its end"):
        timing((0, 3.98), (), 4, 2, True)
    assert timing((0, 3.95), (), 4, 2, True) and timing((0, 3.98), (), 4, 2, False)


# --- loops without a seam ------------------------------------------------------------------------


def test_a_spline_has_no_jump_in_its_velocity_at_keys_and_seam_whatever_the_times():
    """The change of velocity from frame to frame shrinks with the time between frames; a jump would stay."""
    timed = timing(UNEVEN, (), 4.0, 4, True)

    def largest(frames: int, mode: PathMode) -> float:
        points = path_at(KEYS, path_shares(frames, True), mode, True, timed).astype(np.float64)
        closed = np.concatenate([points, points[:2]])
        return float(np.linalg.norm(np.diff(closed * frames, n=2, axis=0), axis=1).max())

    assert largest(800, "spline") < 0.3 * largest(200, "spline")
    assert largest(800, "linear") > 0.9 * largest(200, "linear")


@pytest.mark.parametrize("model", ["gan", "vae"])
@pytest.mark.parametrize("mode", PATH_MODES)
def test_the_loop_of_a_released_bundle_has_no_seam(model, mode: PathMode):
    """From the last picture to the first the step is as large as those beside it."""
    bundle, frames = BundleModel(BundleRunner(read(ARTIFACTS / "mnist"))), 96
    timed = timing(UNEVEN, ("linear", "smooth", "in", "linear"), 4.0, 4, True)
    shares = path_shares(frames, True)
    around = [(i + frames - 3) % frames for i in range(6)]  # three before the seam, three after it
    drawn = bundle.morph_at([3, (7.25, 0.5), 15, 92], shares[around], None, mode, True, 1.0, model, timed=timed)
    steps = [float(np.linalg.norm(after - before)) for before, after in pairwise(drawn)]
    seam, beside = steps[2], (steps[1], steps[3])
    assert 0.5 * min(beside) < seam < 1.5 * max(beside), steps
    assert seam > 0.01  # it moves
