"""What the folders around pictures mean: splits, classes, or nothing (shards of a large set, masks beside pictures).

Pure functions of paths. A reading that was chosen says so in a note, with its reason.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from train.data.wording import first_few, listed, plural

Parts = dict[PurePosixPath, tuple[str, ...]]
"""Path of a picture -> its parts without those that name a split: folders from the outside in, then the file."""

# Name of a folder -> the split that it is.
SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "eval": "validation",
    "evaluation": "validation",
}
# What may follow in such a name and says nothing: training_set, test-images, val2017.
PLAIN_ENDS = {"", "set", "images", "imgs", "data", "dataset", "pictures", "photos", "split"}
# Folders that are no class beside a train/ without a test/.
UNLABELLED = {"unlabeled", "unlabelled", "unannotated", "unsup", "unsupervised", "extra"}
PICTURE_FOLDERS = {"images", "image", "imgs", "img", "jpegimages", "pictures", "photos", "rgb"}
MASK_FOLDERS = {
    "masks", "mask", "labels", "annotations", "annotation", "ground_truth", "groundtruth", "gt", "segmentation",
    "segmentations", "segmentationclass", "segmentationobject", "depth", "instances", "panoptic",
}  # fmt: skip
DEEPEST = 6  # levels of folders at which splits are looked for


@dataclass(frozen=True)
class Splits:
    """The pictures of each split, in the order of their paths, and what to say of them. `test` None: none is there."""

    train: Parts
    test: Parts | None
    notes: list[str]
    outer: str = ""
    """The folder around all pictures, where there are no splits."""


@dataclass(frozen=True)
class SplitName:
    """What the name of a folder says: which split, and which part of it ("A" in trainA)."""

    split: str
    part: str


def split_name(name: str) -> SplitName | None:
    """The reading of a folder's name as that of a split, or None: train, TEST, val2017, training_set, trainA."""
    if split := SPLITS.get(name.lower()):
        return SplitName(split, "")
    found = re.fullmatch(r"([A-Za-z]+?)(?:[-_ .](.+)|([A-Z]|\d+))", name)
    if not found or found[1].lower() not in SPLITS:
        return None
    end = found[2] or found[3]
    return SplitName(SPLITS[found[1].lower()], "" if end.lower() in PLAIN_ENDS or end.isdigit() else end)


def split_folders(names: Iterable[str]) -> dict[str, SplitName]:
    """Which of these folders, side by side, are splits: {} unless some are for training and others for tests.

    train_station and test_tube are no splits: what follows must say nothing, or be the same on both sides.
    """
    read = {name: found for name in names if (found := split_name(name))}
    parts = {found.part for found in read.values() if found.split == "train"}
    parts &= {found.part for found in read.values() if found.split != "train"}
    return {name: found for name, found in read.items() if found.part in parts}


def find_splits(paths: Iterable[PurePosixPath]) -> Splits:
    """The splits that folders name, at the level nearest to the outside where they do; else everything is training.

    Where the splits lie below several folders (cat/train, dog/train), those folders stay in the parts.
    """
    whole: Parts = {path: path.parts for path in paths}
    inner, outer = without_outer(whole)
    children: dict[tuple[str, ...], set[str]] = {}
    for parts in inner.values():
        for depth in range(min(len(parts) - 1, DEEPEST)):
            children.setdefault(parts[:depth], set()).add(parts[depth])
    found = {parent: splits for parent, names in children.items() if (splits := split_folders(names))}
    if found:
        depth = min(map(len, found))
        return divided(inner, {parent: splits for parent, splits in found.items() if len(parent) == depth})
    alone = {name for name in children.get((), set()) if SPLITS.get(name.lower()) == "train"}
    others = children.get((), set()) - alone
    if alone and others and {name.lower() for name in others} <= UNLABELLED:
        chosen = {name: SplitName("train", "") for name in alone}
        return divided(inner, {(): chosen})
    return Splits(inner, None, [], outer)


def no_splits(paths: Iterable[PurePosixPath]) -> Splits:
    """All pictures as training pictures, whatever their folders are called."""
    inner, outer = without_outer({path: path.parts for path in paths})
    return Splits(inner, None, [], outer)


def without_outer(whole: Parts) -> tuple[Parts, str]:
    """Parts without the folders that are around all pictures, and the innermost of those."""
    outer = ""
    while all(len(parts) > 1 for parts in whole.values()) and len({parts[0] for parts in whole.values()}) == 1:
        outer = next(iter(whole.values()))[0]
        whole = {name: parts[1:] for name, parts in whole.items()}
    return whole, outer


def divided(inner: Parts, found: Mapping[tuple[str, ...], Mapping[str, SplitName]]) -> Splits:
    """The pictures below each split. `found`: folder around splits -> its splits, all at one depth."""
    depth = len(next(iter(found)))
    keep = depth if len(found) > 1 else 0  # cat/train and dog/train: the folders around are the classes
    several = len({split.part for splits in found.values() for split in splits.values() if split.split == "train"}) > 1
    splits: dict[str, Parts] = {}
    beside: Counter[str] = Counter()
    for path, parts in inner.items():
        named = found.get(parts[:depth], {}).get(parts[depth]) if len(parts) > depth + 1 else None
        if named:
            part = (named.part,) if several else ()
            splits.setdefault(named.split, {})[path] = (*parts[:keep], *part, *parts[depth + 1 :])
        else:
            beside["/".join(parts[: min(depth + 1, len(parts) - 1)]) or str(path)] += 1
    shown = sorted({name for names in found.values() for name in names})
    notes = [f"splits by the folders {', '.join(f'{name}/' for name in shown)}"]
    if beside:
        names = [f"{name}: {count}" for name, count in beside.items()]
        notes.append(f"left out {plural(beside.total(), 'picture')} beside the splits "
                     f"({first_few(sorted(names))})")  # fmt: skip
    if "test" in splits and "validation" in splits:
        notes.append(f"left out {plural(len(splits.pop('validation')), 'picture')} of the validation split")
    return Splits(splits["train"], splits.get("test", splits.get("validation")), notes)


# ----------------------------------------------------------------------------------------- classes


def tops(parts: Parts) -> set[str]:
    """The outermost folders of pictures."""
    return {found[0] for found in parts.values() if len(found) > 1}


def without_masks(parts: Parts) -> tuple[Parts, list[str]]:
    """Parts without folders of masks or depths where pictures have a folder of their own beside them, and a note."""
    outermost = tops(parts)
    pictures = {top for top in outermost if top.lower() in PICTURE_FOLDERS}
    masks = {top for top in outermost if top.lower() in MASK_FOLDERS}
    if not masks or not pictures or outermost - pictures - masks:
        return parts, []
    kept = {path: found for path, found in parts.items() if found[0] not in masks}
    count = len(parts) - len(kept)
    return kept, [f"left out {plural(count, 'picture')} in {', '.join(sorted(masks))}: masks or depths, not pictures"]


def are_shards(parts: Parts) -> bool:
    """Whether the folders only cut a large set into parts, as StyleGAN's 00000/img00000123.png and FFHQ's
    01000/01234.png do, or folders of checksums (3f/3f07….png)."""
    outermost = tops(parts)
    if len(outermost) < 2 or any(len(found) != 2 for found in parts.values()):
        return False
    if all(re.fullmatch(r"\d{4,8}", top) for top in outermost) and len({len(top) for top in outermost}) == 1:
        return all(numbered_by(*found) for found in parts.values())
    if all(re.fullmatch(r"[0-9a-fA-F]{1,3}", top) for top in outermost):
        return all(
            re.fullmatch(r"[0-9a-fA-F]{16,}", stem(name)) and name.lower().startswith(top.lower())
            for top, name in parts.values()
        )
    return False


def stem(name: str) -> str:
    """A file's name without its ending."""
    return PurePosixPath(name).stem


def numbered_by(folder: str, name: str) -> bool:
    """Whether a folder's number follows from the number in a file's name: its first digits, or it rounded down."""
    digits = re.findall(r"\d+", stem(name))
    if len(digits) != 1:
        return False
    number = int(digits[0])
    return any(int(folder) in (number // step, number - number % step) for step in (1_000, 10_000))


def folder_classes(train: Parts, outer: str, asked: bool = False) -> tuple[tuple[str, ...], list[str]]:
    """The names of the sub-folders that are classes, or none and a note that says why. `outer`: the folder around
    all of them; `asked`: whether the user said that they are classes, even if they only number the pictures."""
    folders = sorted(tops(train))
    loose = [str(name) for name, parts in train.items() if len(parts) == 1]
    if folders and loose:
        where = first_few(folders)
        return (), [f"the sub-folders ({where}) are not taken as classes: {listed(loose, 'picture')} beside them"]
    if len(folders) < 2:
        one = folders[0] if folders else outer if not split_name(outer) else ""
        return (), [f"all pictures are in one sub-folder ({one}), and one class is none"] if one else []
    if not asked and are_shards(train):
        return (), [f"the {len(folders)} sub-folders ({folders[0]} to {folders[-1]}) only number the pictures: "
                    "no classes"]  # fmt: skip
    return tuple(folders), ["classes by the sub-folders"]


def known_test(test: Parts, classes: tuple[str, ...]) -> tuple[Parts, list[str]]:
    """The test pictures whose folder is a class, however it is capitalised, and a note on the others."""
    spelled = {name.lower(): name for name in classes} | {name: name for name in classes}
    kept: Parts = {}
    strange: Counter[str] = Counter()
    for path, parts in test.items():
        folder = parts[0] if len(parts) > 1 else ""
        known = spelled.get(folder) or spelled.get(folder.lower())
        if known:
            kept[path] = (known, *parts[1:])
        else:
            strange[folder] += 1
    notes = []
    if loose := strange.pop("", 0):
        notes.append(f"left out {plural(loose, 'test picture')} outside the class folders")
    if strange:
        where = first_few(sorted(strange))
        notes.append(f"left out {plural(strange.total(), 'test picture')} in {where}, which no training picture is in")
    return kept, notes
