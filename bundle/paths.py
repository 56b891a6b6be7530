"""Paths through keyframes: where a film is at each moment, and the latent there. Nothing here knows a model.

A share in [0, 1] is a moment of the film: 0 its beginning, 1 its end, which in a loop is the beginning again. Without a
timing the keyframes are spread evenly over it. demo/static/device/paths.js computes the same in a browser.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from bundle.errors import InputError
from bundle.latents import lerp, slerp, with_norm

PathMode = Literal["linear", "spherical", "spline"]
PATH_MODES: tuple[PathMode, ...] = ("linear", "spherical", "spline")
Easing = Literal["linear", "in", "out", "smooth"]
EASINGS: tuple[Easing, ...] = ("linear", "in", "out", "smooth")
MAX_SECONDS = 600.0  # seconds of a film
SHORTEST_STEP = 0.05  # seconds between two keyframes


@dataclass(frozen=True)
class Timing:
    """When a film is at its keyframes. `times`: of each, in seconds, the first at 0; `seconds`: the film's length.
    `easing`: how it goes on from each. An open film stays at its last keyframe until it ends; a loop goes back to the
    first."""

    times: tuple[float, ...]
    easing: tuple[Easing, ...]
    seconds: float


def timing(times: Sequence[float], easing: Sequence[Easing], seconds: float, keys: int, loop: bool) -> Timing | None:
    """The checked timing of `keys` keyframes; without times they are even, without easing linear, and without both
    there is None. Raises InputError for a list of another length, an unknown easing, and times out of order."""
    if not times and not easing:
        return None
    for name, given in (("time", times), ("easing", easing)):
        if given and len(given) != keys:
            raise InputError(f"There must be one {name} for each keyframe, or none.")
    for word in easing:
        if word not in EASINGS:
            raise InputError(f"Unknown easing '{str(word)[:20]}': choose one of {', '.join(EASINGS)}.")
    if times:
        _check_times(times, seconds, loop)
    else:
        seconds = seconds if 0 < seconds <= MAX_SECONDS else 1.0  # any length will do
        times = even_times(keys, loop, seconds)
    even: Easing = "linear"
    return Timing(tuple(map(float, times)), tuple(easing) or (even,) * keys, float(seconds))


def _check_times(times: Sequence[float], seconds: float, loop: bool) -> None:
    if not 0 < seconds <= MAX_SECONDS:  # which NaN is not
        raise InputError(f"The length of a film with times is more than 0 and at most {MAX_SECONDS:g} seconds.")
    if times[0] != 0:
        raise InputError("The first keyframe is at 0 seconds.")
    step = SHORTEST_STEP - 1e-6  # a hair less, as seconds are written in decimals
    if not all(before + step <= after for before, after in pairwise(times)):
        raise InputError(f"The times of keyframes rise by {SHORTEST_STEP:g} seconds at least, from one to the next.")
    if times[-1] > seconds:
        raise InputError(f"The last keyframe is at {times[-1]:g} seconds, after the end of the film.")
    if loop and times[-1] + step > seconds:
        raise InputError(f"The last keyframe of a loop is at least {SHORTEST_STEP:g} seconds before its end.")


def even_times(keys: int, loop: bool, seconds: float) -> tuple[float, ...]:
    """The times of keyframes that are spread evenly over a film: those of an open one reach its end."""
    segments = max(1, keys if loop else keys - 1)
    return tuple(i * seconds / segments for i in range(keys))


def eased(easing: Easing, share: float) -> float:
    """How far of the way from one keyframe to the next lies behind at a share in [0, 1] of its time. "in" begins at
    rest and "out" ends at rest, at twice the speed on the other side; "smooth" rests at both ends (a cubic)."""
    if easing == "in":
        return share * share
    if easing == "out":
        return share * (2 - share)
    return share * share * (3 - 2 * share) if easing == "smooth" else share


def path_shares(frames: int, loop: bool) -> np.ndarray:
    """Where `frames` evenly spaced frames lie on a path: shares [frames] in [0, 1].

    An open path ends at the last key. A loop ends one step before the first key, so that playing it over and
    over has no doubled frame.
    """
    return np.linspace(0.0, 1.0, frames, endpoint=not loop)


def path_at(
    keys: np.ndarray,
    shares: np.ndarray,
    mode: PathMode,
    loop: bool,
    timed: Timing | None = None,
    stretch: bool = True,
) -> np.ndarray:
    """Latents [F, D] at shares [F] in [0, 1] of the path through keys [K, D]; in a loop 1 equals 0.

    linear: straight from key to key. spherical: along the arc, the norm linear. spline: one curve whose velocity has no
    jump, at no key and at no seam. `stretch` False: norms say nothing, so that spherical is linear and a spline is not
    stretched to the norms of its keys.
    """
    if len(keys) == 0:
        raise InputError("A path needs at least one key.")
    if len(shares) == 0:
        raise InputError("A path is drawn in at least one frame.")
    if mode not in PATH_MODES:
        raise InputError(f"Unknown path '{mode}': choose one of {', '.join(PATH_MODES)}.")
    walk = _Walk(keys, loop, timed)
    points = []
    for share in shares:
        index, t = walk.place(float(np.clip(share, 0.0, 1.0)))
        if mode == "spline":
            points.append(_spline(walk, index, t, stretch))
        else:
            step = slerp if mode == "spherical" and stretch else lerp
            points.append(step(walk.key(index), walk.key(index + 1), t))
    return np.stack(points).astype(np.float32)


@dataclass(frozen=True)
class _Walk:
    """The keys [K, D] with their timing."""

    keys: np.ndarray
    loop: bool
    timed: Timing | None

    def place(self, share: float) -> tuple[int, float]:
        """The number of the key that lies behind at a share of the film, and the share of the way to the next."""
        segments = len(self.keys) if self.loop else len(self.keys) - 1
        if self.timed is None:
            position = share * segments
            index = min(int(position), max(segments - 1, 0))
            return index, position - index
        at = share * self.timed.seconds
        index = int(np.searchsorted(self.timed.times, at, side="right")) - 1
        if index >= segments:  # an open film has come to its last key
            return max(segments - 1, 0), float(segments > 0)
        passed = min(1.0, (at - self.timed.times[index]) / self.duration(index))
        return index, eased(self.timed.easing[index], passed)

    def key(self, index: int) -> np.ndarray:
        """The key of a number that may lie beyond either end."""
        count = len(self.keys)
        return self.keys[index % count] if self.loop else self.keys[min(max(index, 0), count - 1)]

    def duration(self, index: int) -> float:
        """The time from a key to the next, in any unit; beyond the ends of an open path, that of the first or last."""
        if self.timed is None:
            return 1.0
        times, count = self.timed.times, len(self.keys)
        if self.loop:
            index %= count
        else:
            index = min(max(index, 0), max(count - 2, 0))
        end = times[index + 1] if index + 1 < count else self.timed.seconds
        return end - times[index]

    def tangent(self, index: int) -> np.ndarray:
        """The velocity [D] at a key: the mean of those before and after it, the nearer key counting for more. With even
        times it is Catmull-Rom's."""
        before, after = self.duration(index - 1), self.duration(index)
        here = self.key(index).astype(np.float64)
        came, goes = (here - self.key(index - 1)) / before, (self.key(index + 1) - here) / after
        return (after * came + before * goes) / (before + after)


def _spline(walk: _Walk, index: int, t: float, stretch: bool) -> np.ndarray:
    """The cubic of Hermite from a key to the next. Its norm runs from that of one key to that of the other, at rest at
    both, so that it has no jump in its velocity either."""
    p1, p2 = walk.key(index).astype(np.float64), walk.key(index + 1).astype(np.float64)
    span = walk.duration(index)
    v1, v2 = span * walk.tangent(index), span * walk.tangent(index + 1)
    bend = 3 * (p2 - p1) - 2 * v1 - v2 + t * (2 * (p1 - p2) + v1 + v2)
    curve = p1 + t * (v1 + t * bend)
    if not stretch:
        return curve.astype(np.float32)
    share = eased("smooth", t)
    return with_norm(curve, float((1 - share) * np.linalg.norm(p1) + share * np.linalg.norm(p2)))
