"""What a project's pictures look like: each as the models will see it, and which ones are better left out.

`near_duplicates` are found by a perceptual hash (dHash: the signs of the differences of neighbouring pixels of a small
grey copy), `blurred` by the variance of the Laplacian (Pech-Pacheco et al. 2000), `outliers` by their distance from all
others in the principal components of small copies. All of these are suggestions: nothing is left out unasked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from bundle.errors import ImageError, UserError
from bundle.picture_files import TRAINING
from bundle.pictures import BACKGROUNDS, Framing, decode
from demo.make.crops import cut
from demo.make.memory import free_memory
from demo.make.projects import Crop, Project
from demo.make.stored_pictures import picture_files

Flag = Literal["near_duplicate", "blurred", "outlier", "unreadable"]

HASH_SIDE = 8  # dHash of 8 x 8 bits
DUPLICATE_BITS = 4  # at most so many bits differ between near duplicates, and …
DUPLICATE_LEVELS = 24  # … the colours of their small copies by so many levels of 255, …
DUPLICATE_SHARE = 0.02  # … but for this share: drawings of one kind differ in parts only
SMALL = 16  # side of the copies that are compared as a whole
BLURRED = 0.1  # share of the median sharpness below which a picture counts as blurred
COMPONENTS = 16
OUTLIER_DEVIATIONS = 4.0  # robust standard deviations beyond the median distance
LEAST_DEVIATION = 1.0  # grey levels below which scores are equal: far above what float32 rounds
LEAST_SPREAD = 1e-3  # the same of distances, which are in deviations
MAD = 1.4826  # standard deviation of a normal distribution, in units of its median deviation
SHARE = 0.25  # of the free memory that a survey may take: the models and a training need theirs
TOO_MANY = "The pictures are too many for the memory: choose a smaller size, or bring fewer."
LEAST_FOR_OUTLIERS = 20  # pictures, without near duplicates, below which none is one


Stamp = tuple[int, int, Crop | None]
"""What a picture's pixels depend on beside the framing: size and date of its file, and the part that is used."""


@dataclass(frozen=True)
class Survey:
    """Of N pictures, in order: `files` (paths below `pictures`), the `pictures` as the models see them, uint8
    [N, height, width, 3] of the `framing`, and the `flags` of those that have any."""

    files: tuple[str, ...]
    pictures: np.ndarray
    flags: dict[str, tuple[Flag, ...]]
    framing: Framing
    stamps: dict[str, Stamp] = field(default_factory=dict)

    def known(self, framing: Framing) -> dict[tuple[str, Stamp], np.ndarray]:
        """The pictures that were seen in this framing, so that nobody decodes them again."""
        if framing != self.framing:
            return {}
        return {(file, self.stamps[file]): self.pictures[i] for i, file in enumerate(self.files) if file in self.stamps}


def survey(folder: Path, project: Project, on_progress: Callable[[int, int], None] = lambda done, of: None,
           earlier: Survey | None = None) -> Survey:  # fmt: skip
    """Looks at all pictures below `folder`. `on_progress(done, of)` is called after each, and may raise an
    exception to stop. `earlier`: what was seen before. Raises UserError where they would fill the memory."""
    names = tuple(picture_files(folder))
    paths = [folder / name for name in names]
    framing = framing_of(project)
    check_memory(3 * len(paths) * framing.height * framing.width)
    known = earlier.known(framing) if earlier else {}
    pictures = np.zeros((len(paths), framing.height, framing.width, 3), np.uint8)
    stamps, unreadable = {}, []
    for i, path in enumerate(paths):
        try:
            stamp = stamp_of(path, project.crops.get(names[i]))
            seen = known.get((names[i], stamp))
            pictures[i] = picture_of(path, stamp[2], framing) if seen is None else seen
            stamps[names[i]] = stamp
        except (ImageError, OSError):  # OSError: it was deleted just now
            unreadable.append(i)
        on_progress(i + 1, len(paths))
    readable = np.setdiff1d(np.arange(len(paths)), unreadable)
    flags: dict[str, list[Flag]] = {names[i]: ["unreadable"] for i in unreadable}
    looked_at = pictures[readable] if unreadable else pictures  # a copy, which takes as much memory again
    alike = near_duplicates(looked_at)
    suggested: dict[Flag, list[int]] = {
        "near_duplicate": alike,
        "blurred": blurred(looked_at),
        "outlier": outliers(looked_at, alike),
    }
    for flag, found in suggested.items():
        for i in readable[found] if found else []:
            flags.setdefault(names[i], []).append(flag)
    return Survey(names, pictures, {name: tuple(found) for name, found in flags.items()}, framing, stamps)


def check_memory(needed: int) -> None:
    """Raises UserError where so many bytes are more than SHARE of the free memory."""
    free = free_memory()
    if free is not None and needed > SHARE * free:
        raise UserError(TOO_MANY)


def stamp_of(path: Path, crop: Crop | None) -> Stamp:
    """What the pixels of this file depend on, with the part of it that is used. Raises OSError."""
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, crop


def picture_of(path: Path, crop: Crop | None, framing: Framing) -> np.ndarray:
    """A picture as the models will see it, uint8 [height, width, 3]. Raises ImageError."""
    return decode(path if crop is None else cut(path, crop)[0], framing, TRAINING)


def framing_of(project: Project) -> Framing:
    """How a project's pictures are framed: in colour, whatever training makes of grey ones."""
    height, width = project.sides
    return Framing("RGB", height, width, project.fit, project.background or BACKGROUNDS["RGB"])


def near_duplicates(pictures: np.ndarray) -> list[int]:
    """Indices of the pictures [N, H, W, 3] that look like an earlier one, in form and in colour."""
    hashes = np.array([dhash(picture) for picture in pictures], np.uint64)
    copies = np.array([small_copy(picture) for picture in pictures], np.int16)
    found: list[int] = []
    originals = np.zeros(len(pictures), np.int64)  # the indices of those that are none; `count` of them so far
    count = 0
    for i in range(len(pictures)):
        before = originals[:count]
        near = before[np.bitwise_count(hashes[before] ^ hashes[i]) <= DUPLICATE_BITS]
        differs = (np.abs(copies[near] - copies[i]) > DUPLICATE_LEVELS).mean(axis=1)
        if (differs <= DUPLICATE_SHARE).any():
            found.append(i)
        else:
            originals[count] = i
            count += 1
    return found


def dhash(picture: np.ndarray) -> int:
    """A picture [H, W, 3] -> 64 bits, of which few differ between pictures that look alike."""
    small = Image.fromarray(picture).convert("L").resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BILINEAR)
    grey = np.asarray(small, np.int16)
    return int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes())


def blurred(pictures: np.ndarray) -> list[int]:
    """Indices of the pictures [N, H, W, 3] with far less detail than most."""
    if not len(pictures):
        return []
    found = np.array([sharpness(picture) for picture in pictures])
    return [int(i) for i in np.flatnonzero(found < BLURRED * np.median(found))]


def sharpness(picture: np.ndarray) -> float:
    """The variance of the Laplacian of a picture's grey values, as a share of their own: dark ones are not blurred."""
    grey = picture.mean(axis=-1, dtype=np.float32)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var() / max(grey.var(), 1.0))


def outliers(pictures: np.ndarray, alike: list[int]) -> list[int]:
    """Indices of the pictures [N, H, W, 3] that are far from all others. `alike`: of the near duplicates, which do not
    count: many of them would make all others far."""
    among = np.setdiff1d(np.arange(len(pictures)), alike)
    if len(among) < LEAST_FOR_OUTLIERS:
        return []
    rows = np.stack([small_copy(pictures[i]) for i in among]).astype(np.float32)
    rows -= rows.mean(axis=0)
    scores = rows @ principal_components(rows)
    deviations = robust_deviation(scores)
    varied = deviations > LEAST_DEVIATION  # along the others most are equal
    distance = np.sqrt(((scores[:, varied] / deviations[varied]) ** 2).sum(axis=1))
    deviation = robust_deviation(distance)
    if deviation <= LEAST_SPREAD:
        return []
    return [int(i) for i in among[distance > np.median(distance) + OUTLIER_DEVIATIONS * deviation]]


def principal_components(rows: np.ndarray) -> np.ndarray:
    """The COMPONENTS main directions [D, COMPONENTS] of centred rows [N, D], found on the smaller side."""
    if len(rows) >= rows.shape[1]:
        return np.linalg.eigh(rows.T @ rows)[1][:, -COMPONENTS:]
    directions = rows.T @ np.linalg.eigh(rows @ rows.T)[1][:, -COMPONENTS:]
    return directions / np.maximum(np.linalg.norm(directions, axis=0), 1e-6)


def robust_deviation(values: np.ndarray) -> np.ndarray:
    """The standard deviation of values [N, …] along the first axis, by the median deviation: outliers hardly count."""
    return MAD * np.median(np.abs(values - np.median(values, axis=0)), axis=0)


def small_copy(picture: np.ndarray) -> np.ndarray:
    """A picture [H, W, 3] -> the numbers [SMALL * SMALL * 3] of a small copy."""
    return np.asarray(Image.fromarray(picture).resize((SMALL, SMALL), Image.Resampling.BOX)).reshape(-1)
