"""What was found in a source, printed before training."""

from bundle.pictures import Framing, fills
from train.data.dataset import DataInfo
from train.data.scan import Scan

MOST_CLASSES, MOST_BAD = 12, 5  # named one by one


def scan_report(scan: Scan, info: DataInfo, notes: tuple[str, ...] = ()) -> str:
    """Counts, sizes, modes, classes, notes and what was skipped, a line each."""
    lines = [
        f"{info.source}: {info.train_images} training and {info.test_images} test pictures",
        f"  sizes {sizes(scan)} -> {info.width}x{info.height}{framing(scan, info)}",
        f"  modes {', '.join(f'{m} ({n})' for m, n in scan.modes.most_common())} -> "
        f"{'grey' if info.channels == 1 else 'RGB'}",
    ]
    if scan.transparent:
        lines.append(f"  {scan.transparent} pictures with transparent parts, laid on {info.background}")
    lines.append(f"  {classes(scan, info)}")
    lines += [f"  {note}" for note in notes]
    if scan.bad:
        more = ", …" if len(scan.bad) > MOST_BAD else ""
        lines.append(f"  skipped {len(scan.bad)} unreadable: {'; '.join(scan.bad[:MOST_BAD])}{more}")
    return "\n".join(lines)


def sizes(scan: Scan) -> str:
    """The most frequent sizes; where there are more than three, also the smallest and the largest."""
    often = ", ".join(f"{w}x{h} ({n})" for (w, h), n in scan.sizes.most_common(3))
    if len(scan.sizes) <= 3:
        return often
    (w, h), *_, (width, height) = sorted(scan.sizes, key=lambda extent: extent[0] * extent[1])
    return f"{len(scan.sizes)} different, {w}x{h} to {width}x{height}, most often {often}"


def framing(scan: Scan, info: DataInfo) -> str:
    """What became of pictures of other proportions, or smaller than the size."""
    wanted = Framing("L", info.height, info.width, info.fit, "")
    long = any(w * info.height != h * info.width and not fills((w, h), wanted) for w, h in scan.sizes)
    small = any(w < info.width and h < info.height and fills((w, h), wanted) for w, h in scan.sizes)
    if info.fit == "pad":
        return f", padded with {info.background}" if long or small else ""
    return (", long ones cropped to the middle" if long else "") + (", framed with their border" if small else "")


def classes(scan: Scan, info: DataInfo) -> str:
    """The classes with their counts; of many only the first."""
    if not info.classes:
        return "no classes"
    counts = [scan.labels[i] for i in range(len(info.classes))]
    each = ", ".join(f"{name} ({n})" for name, n in list(zip(info.classes, counts, strict=True))[:MOST_CLASSES])
    span = f", …; {min(counts)} to {max(counts)} pictures each" if len(counts) > MOST_CLASSES else ""
    return f"{len(info.classes)} classes: {each}{span}"
