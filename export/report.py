"""`python -m export report`: REPORT.md and its sheets, from the figures that the bundles carry."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.figures import control_minutes
from bundle.marks import composite, formats, trained
from bundle.model import BundleModel
from bundle.quality_section import ABOUT_FLOORS, BETTER, cell, figure_rows, floors, measured
from bundle.read import INDEX, discover
from bundle.runner import BundleRunner
from bundle.schema import HELD_OUT, BundleIndex, Figure
from export import attribute_section, model_card, report_sheets
from export.markdown import table

REPORT, FOLDER = "REPORT.md", "report"
MODELS = ("GAN", "VAE", "DCGAN control")
# The rows of the comparison: label, names of the figures of GAN, VAE and control, which direction is better.
COMPARED: tuple[tuple[str, tuple[str, str, str], str], ...] = (
    ("Fréchet distance of samples", ("gan.frechet", "vae.frechet_prior", "control.frechet"), "lower"),
    ("Kernel distance of samples", ("gan.kernel", "vae.kernel_prior", "control.kernel"), "lower"),
    ("Precision, k = 3", ("gan.precision", "vae.precision", "control.precision"), "higher"),
    ("Recall, k = 3", ("gan.recall", "vae.recall", "control.recall"), "higher"),
    ("Density, k = 3", ("gan.density", "vae.density", "control.density"), "higher"),
    ("Coverage, k = 3", ("gan.coverage", "vae.coverage", "control.coverage"), "higher"),
    ("Samples read as the class asked for", ("gan.label_accuracy", "", ""), "higher"),
    ("KL of the classes read to those of the data, nats", ("gan.histogram", "vae.histogram", "control.histogram"),
     "lower"),
    ("Nearest training over nearest held-out picture, features", ("gan.features_ratio", "vae.features_ratio", ""),
     "floor"),
    ("Share nearer to a training picture than 99 % of held-out ones are, features",
     ("gan.features_copies", "vae.features_copies", ""), "lower"),
    ("The same, pixels", ("gan.pixels_copies", "vae.pixels_copies", ""), "lower"),
)  # fmt: skip

# The columns of the truncation table: label, figure of the GAN, figure of the control where it has one.
TRUNCATION_COLUMNS = (
    ("Fréchet distance", "gan.frechet", "control.frechet"),
    ("Kernel distance", "gan.kernel", "control.kernel"),
    ("Precision", "gan.precision", "control.precision"),
    ("Recall", "gan.recall", "control.recall"),
    ("Density", "gan.density", "control.density"),
    ("Coverage", "gan.coverage", "control.coverage"),
    ("Right class", "gan.label_accuracy", ""),
)
AT_TRUNCATION = re.compile(r"gan\.frechet_at_([0-9.]+)")


@dataclass(frozen=True)
class Section:
    """One bundle of the report."""

    info: BundleIndex
    folder: str
    sheets: tuple[tuple[str, str], ...]  # (address as the page names it, caption)


def write(root: Path) -> Path:
    """Draws the sheets of every bundle in `root` into its folder `report` and writes REPORT.md; returns its path.

    Raises UserError when there is no bundle, or one is damaged: a report without it would be wrong.
    """
    if (root / INDEX).is_file():
        raise UserError(f"{root} is a bundle itself: name the folder that holds it.")
    bundles, unavailable = discover(root)
    if unavailable:
        raise UserError(f"{unavailable[0].name}: {unavailable[0].reason}")
    if not bundles:
        raise UserError(f"{root} holds no bundle: make one with `python -m export bundle`.")
    sections = []
    for bundle in bundles:
        info, model = bundle.info, BundleModel(BundleRunner(bundle))
        caption = report_sheets.seeds_caption(model, model.models[0], bundle.tiles)
        drawn = [(f"{bundle.folder.name}/{info.files['sheet'].file}", caption)]
        for sheet in report_sheets.sheets(model):
            name = f"{FOLDER}/{info.name}_{sheet.name}.webp"
            mark = (composite if sheet.with_others else trained)(bundle)
            write_file(root / name, formats.webp(sheet.pixels, mark))
            drawn.append((name, sheet.caption))
        closest = f"{FOLDER}/{info.name}_closest.png"
        if info.quality and (root / closest).is_file():
            drawn.append((closest, "GAN: of all samples measured, those most like a single training picture; in fours: "
                                   "sample, nearest training picture, nearest held-out picture, a gap."))  # fmt: skip
        sections.append(Section(info, bundle.folder.name, tuple(drawn)))
        print(f"{info.name}: {len(drawn)} sheets", flush=True)
    write_file(root / REPORT, markdown(sections).encode())
    return root / REPORT


def markdown(sections: Sequence[Section]) -> str:
    """The whole page."""
    head = f"""# The released models

Written by `python -m export report` from the figures that each bundle carries; the sheets are drawn by its graphs, and
nothing was picked out, but for the closest pairs. {ABOUT_FLOORS}
Figures of one bundle are measured in one run, in the features named there: between bundles they cannot be compared.
Their order: those that `order.txt` names, then the others by distance over floor, which is a rough measure.

The control is a plain DCGAN with as many parameters. Its minutes stand beside the GAN's: where they differ, the
comparison favours the one with more."""
    return "\n\n".join([head, overview([s.info for s in sections]), *map(section, sections)]) + "\n"


def overview(bundles: Sequence[BundleIndex]) -> str:
    """The table at the top, a line a bundle."""
    head = (
        "bundle",
        "pictures",
        "GAN: Fréchet distance (control, floor)",
        "minutes: GAN, control",
        "GAN: precision, recall",
        "right class",
        "VAE: PSNR",
        "size",
    )
    return table(head, "llrrrrrr", map(overview_row, bundles))


def overview_row(info: BundleIndex) -> tuple[str, ...]:
    """One bundle's line in that table."""
    found = by_name(info)
    return (
        f"[{cell(info.title)}](#{info.name})",
        model_card.picture_kind(info),
        with_control_and_floor(found, "gan.frechet", "control.frechet"),
        minutes(info),
        ", ".join(text(found[name]) for name in ("gan.precision", "gan.recall") if name in found),
        text(found.get("gan.label_accuracy")),
        text(found.get("vae.psnr")),
        megabytes(info),
    )


def section(part: Section) -> str:
    """Everything about one bundle."""
    info, quality = part.info, part.info.quality
    data = info.dataset
    classes = f"{len(data.classes)} classes" if data.classes else "no classes"
    counted = ((data.train_images, "for training"), (data.test_images, "held out"))  # 0: nobody knows
    counts = ", ".join(f"{count:,} {what}" for count, what in counted if count)
    licence = "Licence unknown" if data.licence == "unknown" else cell(data.licence)
    facts = (
        f"{model_card.picture_kind(info)}, {classes}{'; ' if counts else ''}{counts}. {licence}. "
        f"[Model card]({part.folder}/README.md), {megabytes(info)}."
    )
    blocks = [f'<a id="{info.name}"></a>\n\n## {info.title}', facts]
    if info.training:
        blocks.append(model_card.stages_table(info))
    if quality:
        found = by_name(info)
        features = f", in the features of {quality.features}" if quality.features else ""
        blocks += [comparison(found), *truncation_table(found), "\n".join(figure_rows(remaining(quality.figures)))]
        blocks += [f"Measured on {quality.samples:,} samples by `{quality.command}`{features}.", *quality.notes]
    else:
        blocks.append("Not measured yet.")
    if info.attributes:
        blocks += [attribute_section.attribute_table(info.attributes), attribute_section.EXPLAINED]
    for name, caption in part.sheets:
        blocks.append(f'<img src="{name}" width="768" alt="{caption}">\n\n*{caption}*')
    return "\n\n".join(blocks)


def comparison(found: dict[str, Figure]) -> str:
    """GAN, VAE and control beside each other, the floor at the end; rows without any figure are left out."""
    rows = []
    for label, names, better in COMPARED:
        figures = [found.get(name) for name in names]
        if not any(figures):
            continue
        floor = next((floors(f) for f in figures if f and f.floor is not None and f.floor_is == HELD_OUT), None)
        rows.append((label, *map(in_column, figures), "" if floor is None else floor, BETTER[better]))
    return table(("figure", *MODELS, "floor", "better"), "lrrrrl", rows)


def truncations(names: Iterable[str]) -> list[str]:
    """The truncations besides 1 at which the GAN was measured, the mildest first."""
    return sorted((match[1] for name in names if (match := AT_TRUNCATION.fullmatch(name))), key=float, reverse=True)


def truncation_table(found: dict[str, Figure]) -> list[str]:
    """A table of what each truncation gives and takes, with the control below; none where it was not measured."""
    if not (at := truncations(found)):
        return []
    columns = [row for row in TRUNCATION_COLUMNS if row[1] in found]
    rows = []
    for psi in ("1", *at):
        suffix = "" if psi == "1" else f"_at_{psi}"
        rows.append((psi, *(text(found.get(name + suffix)) for _, name, _ in columns)))
    if "control.frechet" in found:
        rows.append(("DCGAN control", *(text(found.get(control)) for *_, control in columns)))
    head = ("GAN at truncation", *(label for label, *_ in columns))
    return [table(head, "l" + "r" * len(columns), rows)]


def remaining(figures: Sequence[Figure]) -> list[Figure]:
    """The figures that the other tables do not show."""
    shown = {name for _, names, _ in COMPARED for name in names}
    at = truncations(figure.name for figure in figures)
    shown |= {f"{name}_at_{psi}" for _, name, _ in TRUNCATION_COLUMNS for psi in at}
    return [figure for figure in figures if figure.name not in shown]


def by_name(info: BundleIndex) -> dict[str, Figure]:
    """The measured figures of a bundle by name; none where nothing was measured."""
    return {figure.name: figure for figure in info.quality.figures} if info.quality else {}


def text(figure: Figure | None) -> str:
    """E.g. "0.0842 ± 0.003 nats"; empty for none."""
    if figure is None:
        return ""
    return f"{measured(figure)} {figure.unit}".rstrip()


def in_column(figure: Figure | None) -> str:
    """A figure, with its own floor where that is not the one of the last column."""
    if figure is None or figure.floor is None or figure.floor_is == HELD_OUT:
        return text(figure)
    return f"{text(figure)} ({figure.floor_is}: {figure.floor:.4g})"


def with_control_and_floor(found: dict[str, Figure], name: str, control: str) -> str:
    """A figure with its control and floor in brackets, e.g. "0.084 (0.256, 0.071)"."""
    if name not in found:
        return ""
    floor = found[name].floor
    others = [text(found.get(control)) or "none", "none" if floor is None else f"{floor:.4g}"]
    return f"{text(found[name])} ({', '.join(others)})"


def minutes(info: BundleIndex) -> str:
    """How long the GAN and its control were trained, e.g. "222, 60"; "222" where there is no control."""
    gan, control = info.training.get("gan"), control_minutes(info.quality) if info.quality else None
    told = [f"{gan.seconds / 60:.0f}"] if gan else []
    if control is not None:
        told.append(f"{control:.0f}")
    elif any(name.startswith("control.") for name in by_name(info)):
        told.append("unknown")  # figures of older versions do not say it
    return ", ".join(told)


def megabytes(info: BundleIndex) -> str:
    """The size of all files of a bundle."""
    entries = (*info.graphs.values(), *info.files.values())
    return f"{sum(entry.bytes for entry in entries) / 1e6:.1f} MB"
