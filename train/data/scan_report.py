"""What was found in a source, printed before training."""

import re

from bundle.pictures import Framing, fills
from train.data.dataset import DataInfo
from train.data.scan import Scan
from train.data.wording import first_few, plural

MOST_CLASSES = 12  # named one by one
LONGEST_CLASS = 60  # letters of its name
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def scan_report(scan: Scan, info: DataInfo, notes: tuple[str, ...] = ()) -> str:
    """Counts, sizes, modes, classes, notes and what was skipped, a line each."""
    lines = [
        f"{info.source}: {info.train_images} training and {info.test_images} held-out pictures",
        f"  sizes {sizes(scan)} -> {info.width}x{info.height}{framing(scan, info)}",
        f"  modes {', '.join(f'{m} ({n})' for m, n in scan.modes.most_common())} -> "
        f"{'grey' if info.channels == 1 else 'RGB'}",
    ]
    if scan.several:
        lines.append(f"  {plural(scan.several, 'picture')} with several frames or pages, of which the first is used")
    if scan.coloured:
        what = f"{plural(scan.coloured, 'picture')} in colour, read as grey"
        lines.append(f"  warning: {what}; --channels 3 trains in colour")
    if scan.transparent:
        lines.append(f"  {plural(scan.transparent, 'picture')} with transparent parts, laid on {info.background}")
    lines.append(f"  {classes(scan, info)}")
    lines += [f"  {note}" for note in notes]
    if scan.warned:
        lines.append(f"  {plural(len(scan.warned), 'warning')}: {first_few(scan.warned, between='; ')}")
    if scan.bad:
        lines.append(f"  skipped {len(scan.bad)} unreadable: {first_few(scan.bad, between='; ')}")
    return "\n".join(CONTROL.sub(escaped, line) for line in lines)


def escaped(sign: re.Match[str]) -> str:
    """A control character as it is written in code: names of folders and classes may hold ends of lines."""
    return sign[0].encode("unicode_escape").decode()


def sizes(scan: Scan) -> str:
    """The most frequent sizes; where there are more than three, also the smallest and the largest."""
    often = ", ".join(f"{w}x{h} ({n})" for (w, h), n in scan.sizes.most_common(3))
    if len(scan.sizes) <= 3:
        return often
    (w, h), *_, (width, height) = sorted(scan.sizes, key=lambda extent: extent[0] * extent[1])
    return f"{len(scan.sizes)} different, {w}x{h} to {width}x{height}, most often {often}"


def framing(scan: Scan, info: DataInfo) -> str:
    """What became of pictures that are not square, or smaller than the square."""
    wanted = Framing("L", info.height, info.width, info.fit, "", border=info.border)
    kept = [extent for extent in scan.sizes if fills(extent, wanted)]
    resized = [extent for extent in scan.sizes if not fills(extent, wanted)]
    bordered = any(w < info.width and h < info.height for w, h in kept)
    long = any(w * info.height != h * info.width for w, h in resized)
    words = []
    if info.fit == "pad" and (long or bordered):
        words.append(f"padded with {info.background}")
    if info.fit == "crop" and long:
        words.append("long ones cropped to the middle")
    if info.fit == "crop" and bordered:
        words.append("framed with their border")
    if any(w < info.width and h < info.height for w, h in resized):
        words.append("small ones enlarged")
    return "".join(f", {word}" for word in words)


def classes(scan: Scan, info: DataInfo) -> str:
    """The classes with their counts; of many only the first."""
    if not info.classes:
        return "no classes"
    counts = [scan.labels[i] for i in range(len(info.classes))]
    named = list(zip(info.classes, counts, strict=True))[:MOST_CLASSES]
    each = ", ".join(f"{shortened(name)} ({n})" for name, n in named)
    span = f", …; {min(counts)} to {max(counts)} pictures each" if len(counts) > MOST_CLASSES else ""
    return f"{len(info.classes)} classes: {each}{span}"


def shortened(name: str) -> str:
    """The name of a class, or its beginning."""
    return name if len(name) <= LONGEST_CLASS else f"{name[: LONGEST_CLASS - 1]}…"
