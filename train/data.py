"""Any image source -> uint8 tensors, labels and class names, with a report before training.

Sources: a Hugging Face data-set id, a folder of images (sub-folders become classes), a tree of parquet files.
"""

from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from tqdm import tqdm

from train.errors import UserError
from train.networks import resolutions

MINIMUM_IMAGES = 100
LARGEST_SIZE = 256
LARGEST_DEFAULT = 128
LARGEST_PIXELS = 50_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
COLOUR_MODES = {"RGB", "RGBA", "P", "CMYK", "YCbCr", "LAB", "HSV", "PA"}
# What people need to know before they share pictures made from a set; by the last part of its name.
LICENCES = {
    "mnist": ("MNIST digits", "LeCun, Cortes, Burges; CC BY-SA 3.0"),
    "fashion_mnist": ("Fashion-MNIST", "Zalando Research, MIT"),
    "cifar10": ("CIFAR-10", "Krizhevsky 2009, no licence stated"),
    "mednist": ("MedNIST", "B. Erickson (Mayo Clinic) and others, CC BY-SA 4.0"),
    "noto_emoji": ("Noto Emoji", "Google, Apache 2.0 and OFL 1.1"),
}


@dataclass(frozen=True)
class DataInfo:
    """What a run knows about its pictures; stored in run.json."""

    source: str
    title: str
    licence: str
    channels: int
    size: int
    classes: tuple[str, ...]
    train_images: int
    test_images: int

    def as_json(self) -> dict:
        return asdict(self) | {"classes": list(self.classes)}

    @staticmethod
    def from_json(value: dict) -> "DataInfo":
        return DataInfo(**(value | {"classes": tuple(value["classes"])}))


@dataclass(frozen=True)
class Pictures:
    """One split: images uint8 [N, C, S, S], labels int64 [N] (-1 where there are no classes)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)


@dataclass
class Scan:
    """Counts gathered while reading."""

    read: int = 0
    modes: Counter = field(default_factory=Counter)
    sizes: Counter = field(default_factory=Counter)
    labels: Counter = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def lines(self, info: DataInfo) -> list[str]:
        """The report, a line each."""
        shown = ", ".join(f"{w}x{h} ({n})" for (w, h), n in self.sizes.most_common(3))
        more = f" and {len(self.sizes) - 3} other sizes" if len(self.sizes) > 3 else ""
        colour = "grey" if info.channels == 1 else "RGB"
        lines = [
            f"{info.source}: {info.train_images} training and {info.test_images} test pictures",
            f"  sizes {shown}{more} -> {info.size}x{info.size}",
            f"  modes {', '.join(f'{m} ({n})' for m, n in self.modes.most_common())} -> {colour}",
        ]
        if info.classes:
            counts = [self.labels[i] for i in range(len(info.classes))]
            names = ", ".join(info.classes[:12]) + (", …" if len(info.classes) > 12 else "")
            lines.append(f"  {len(info.classes)} classes ({names}), {min(counts)} to {max(counts)} pictures each")
        else:
            lines.append("  no classes")
        if self.bad:
            lines.append(f"  skipped {len(self.bad)} unreadable: {'; '.join(self.bad[:5])}")
        return lines


def default_size(sizes: Counter) -> int:
    """The smallest power of two, 16 to 128, that holds the median picture's longer side."""
    longer = sorted(max(size) for size in sizes.elements())
    median = longer[len(longer) // 2]
    return next((s for s in (16, 32, 64) if s >= median), LARGEST_DEFAULT)


def plain(image: Image.Image) -> Image.Image:
    """Any picture upright as L or RGB: transparency laid on white (on black for greys), 16-bit greys scaled to 8."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        scale = 257 if values.max() > 255 else 1
        image = Image.fromarray(np.clip(values / scale, 0, 255).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        paper = "black" if image.mode == "LA" else "white"
        image = image.convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", image.size, paper), image)
        image = flat.convert("L" if paper == "black" else "RGB")
    image = image.convert("RGB" if image.mode in COLOUR_MODES else "L")
    return image


def shrunk(image: Image.Image, side: int) -> Image.Image:
    """A picture whose shorter side is at most `side`, so that a folder of photographs fits into memory."""
    scale = side / min(image.size)
    if scale >= 1:
        return image
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def fit(image: Image.Image, mode: str, size: int) -> np.ndarray:
    """One picture -> uint8 [C, size, size].

    A picture that fills at least three quarters of the square is padded with its border; any other is cropped to
    its central square and resized.
    """
    image = plain(image).convert(mode)
    width, height = image.size
    if 0.75 * size <= min(width, height) and max(width, height) <= size:
        values = np.asarray(image).reshape(height, width, -1)
        left, top = (size - width) // 2, (size - height) // 2
        values = np.pad(values, ((top, size - height - top), (left, size - width - left), (0, 0)), mode="edge")
    else:
        values = np.asarray(ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)).reshape(size, size, -1)
    return values.transpose(2, 0, 1)


def open_splits(source: str):
    """The `datasets` library's splits of a source: (train, test or None).

    Raises UserError with a sentence when nothing can be read there.
    """
    import datasets

    datasets.disable_progress_bars()
    path = Path(source).expanduser()
    looks_like_path = path.exists() or source.startswith((".", "/", "~"))
    try:
        if not looks_like_path:
            loaded = datasets.load_dataset(source)
        elif not path.is_dir():
            raise UserError(f"{source} is not a folder of pictures or of parquet files.")
        elif any(path.rglob("*.parquet")):
            loaded = datasets.load_dataset(str(path))
        elif any(p.suffix.lower() in IMAGE_SUFFIXES for p in path.rglob("*")):
            loaded = datasets.load_dataset("imagefolder", data_dir=str(path))
        else:
            raise UserError(f"{source} holds no picture ({', '.join(sorted(IMAGE_SUFFIXES))}) and no parquet file.")
    except UserError:
        raise
    except Exception as problem:
        where = f"the folder {source}" if looks_like_path else f"the data set {source} from the Hugging Face Hub"
        reason = str(problem).strip().splitlines() or [type(problem).__name__]
        raise UserError(f"Could not read {where}: {reason[0]}") from problem
    train = loaded["train"] if "train" in loaded else next(iter(loaded.values()))
    test = next((loaded[name] for name in ("test", "validation") if name in loaded), None)
    return train, test


def image_column(split) -> str:
    """Name of the column that holds pictures; raises UserError when there is none."""
    import datasets

    for name, feature in split.features.items():
        if isinstance(feature, datasets.Image):
            return name
    raise UserError(f"No column of pictures among {', '.join(split.features)}.")


def class_names(split) -> tuple[str | None, tuple[str, ...]]:
    """(column, names) of the label; (None, ()) without classes."""
    import datasets

    for name, feature in split.features.items():
        if isinstance(feature, datasets.ClassLabel):
            return name, tuple(feature.names)
    return None, ()


def pictures_of(split, scan: Scan, title: str, keep: int):
    """Yields (PIL image, label), naming and skipping what cannot be read; shorter sides are at most `keep`."""
    import io

    import datasets

    column = image_column(split)
    label_column, _ = class_names(split)
    split = split.cast_column(column, datasets.Image(decode=False))
    for row, record in enumerate(tqdm(split, desc=title, unit=" pictures", leave=False)):
        value = record[column] or {}
        name = Path(value.get("path") or f"row {row}").name
        try:
            data = value.get("bytes") or Path(value["path"]).read_bytes()
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > LARGEST_PIXELS:
                raise OSError(f"{image.width}x{image.height} is too large")
            image.load()
            mode, size = image.mode, image.size
            image = shrunk(plain(image), keep)
        except Exception as e:  # Pillow's decoders raise all kinds, SyntaxError among them
            reason = "not an image" if isinstance(e, UnidentifiedImageError) else (str(e) or type(e).__name__)
            scan.bad.append(f"{name} ({reason.splitlines()[0]})")
            continue
        scan.read += 1
        scan.modes[mode] += 1
        scan.sizes[size] += 1
        label = record[label_column] if label_column else -1
        label = -1 if label is None else int(label)
        scan.labels[label] += 1
        yield image, label


def load(source: str, size: int | None = None, quiet: bool = False) -> tuple[DataInfo, Pictures, Pictures]:
    """Reads a source into memory: (info, train, test). Without a test split, a tenth is held out.

    Raises UserError for no data, fewer than 100 readable pictures, or a size the networks cannot take.
    """
    if size is not None:
        check_size(size)
    train_split, test_split = open_splits(source)
    scan = Scan()
    keep = 2 * (size or LARGEST_DEFAULT)  # twice the final size: what is lost is lost anyway
    read = {"train": list(pictures_of(train_split, scan, "reading pictures", keep))}
    if test_split is not None:
        read["test"] = list(pictures_of(test_split, scan, "reading test pictures", keep))
    if scan.read < MINIMUM_IMAGES:
        bad = f" ({len(scan.bad)} unreadable, first {scan.bad[0]})" if scan.bad else ""
        raise UserError(f"{source} has {scan.read} readable pictures{bad}; at least {MINIMUM_IMAGES} are needed.")
    mode = "RGB" if any(m in COLOUR_MODES for m in scan.modes) else "L"
    size = size or default_size(scan.sizes)
    splits = {name: stack(pairs, mode, size) for name, pairs in read.items() if pairs}
    if "train" not in splits:
        raise UserError(f"{source} has no readable training picture; the first problem was {scan.bad[0]}.")
    if "test" not in splits:
        order = torch.randperm(len(splits["train"]), generator=torch.Generator().manual_seed(0))
        held = max(len(order) // 10, 1)
        whole = splits["train"]
        splits["test"] = Pictures(whole.images[order[:held]], whole.labels[order[:held]])
        splits["train"] = Pictures(whole.images[order[held:]], whole.labels[order[held:]])
    _, names = class_names(train_split)
    check_labels(source, splits["train"].labels, names)
    name = Path(source).expanduser().resolve().name
    title, licence = LICENCES.get(name.lower(), (name, "not stated"))
    info = DataInfo(
        source=name if Path(source).expanduser().exists() else source,
        title=title,
        licence=licence,
        channels=3 if mode == "RGB" else 1,
        size=size,
        classes=names if len(names) > 1 else (),
        train_images=len(splits["train"]),
        test_images=len(splits["test"]),
    )
    if not quiet:
        print("\n".join(scan.lines(info)), flush=True)
    return info, splits["train"], splits["test"]


def check_size(size: int) -> None:
    """Raises UserError unless the networks can draw `size` x `size` pictures."""
    try:
        resolutions(size)
    except ValueError as problem:
        raise UserError(f"--size {problem}; try 28, 32, 64, 96 or 100.") from None
    if len(resolutions(size)) < 2 or not 16 <= size <= LARGEST_SIZE:
        raise UserError(f"--size {size} cannot be drawn; try 28, 32, 64, 96 or 100 (at most {LARGEST_SIZE}).")


def check_labels(source: str, labels: Tensor, names: tuple[str, ...]) -> None:
    """Raises UserError for pictures without a label or classes with fewer than two, in a set that has classes."""
    if len(names) < 2:
        return
    if missing := int((labels < 0).sum()):
        raise UserError(f"{missing} training pictures of {source} have no label; label them or leave them out.")
    counts = torch.bincount(labels, minlength=len(names))
    if int(counts.min()) < 2:
        raise UserError(f"{source} has {int(counts.min())} training pictures of '{names[int(counts.argmin())]}'.")


def stack(pairs: list[tuple[Image.Image, int]], mode: str, size: int) -> Pictures:
    """PIL images -> one uint8 tensor."""
    images = np.stack([fit(image, mode, size) for image, _ in pairs])
    return Pictures(torch.from_numpy(images), torch.tensor([label for _, label in pairs], dtype=torch.int64))


@lru_cache(maxsize=2)
def epoch_order(count: int, epoch: int, seed: int) -> Tensor:
    """The pictures of one epoch, shuffled, int64 [count]; kept, since every step of the epoch asks for it."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 7919 + epoch))


def batch_indices(count: int, batch: int, step: int, seed: int) -> Tensor:
    """Which pictures step `step` sees: whole shuffled epochs, a pure function, so that resuming is exact."""
    batch = min(batch, count)
    epoch, position = divmod(step, count // batch)
    return epoch_order(count, epoch, seed)[position * batch : (position + 1) * batch]


def one_hot(labels: Tensor, classes: int) -> Tensor | None:
    """Labels int64 [N] -> weights float32 [N, K], or None for a model without classes."""
    return torch.nn.functional.one_hot(labels, classes).float() if classes else None
