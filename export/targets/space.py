"""Bundles become a folder that is a complete Hugging Face Space, which can be uploaded to the Hub.

The Space runs `python demo/app.py` on a CPU, on purpose without the ZeroGPU decorator (`@spaces.GPU`). That forks a
worker for each GPU, pickles arguments and results, asks a scheduler over HTTP for every call, counts each call against
the visitor's daily quota, and needs torch to find its GPU. These models answer in 1 to 3 ms on the free CPU, which is
less than any of that costs; ZeroGPU suits jobs of many seconds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bundle.errors import UserError
from bundle.quality_section import cell
from bundle.read import INDEX, OpenBundle
from bundle.write import CARD
from export import model_card
from export.targets import hub
from export.targets.folder import Source, files_in, fill, read_bundles, replaced
from export.targets.space_check import APP, MARK, problems, read_front_matter

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("bundle", "demo")
REQUIREMENTS = REPOSITORY / "demo" / "requirements.txt"
PYTHON = "3.11"  # the version that the tests run on
SUFFIXES = {".py", ".js", ".css", ".json"}  # what these packages consist of
NOT_SERVED = {"__pycache__", "node_modules", "web"}
GRADIENT = ("blue", "indigo")  # of the card on the Hub
EMOJI = "🌗"


@dataclass(frozen=True)
class Destination:
    """Where the Space is uploaded to: `repo` is "user/name" on the Hub, None = nowhere; `dry_run`: only list files."""

    repo: str | None = None
    private: bool = False
    dry_run: bool = False


def write(bundles: Sequence[Path], target: Path, title: str | None, to: Destination) -> None:
    """Writes the Space into the folder `target`, checks it, lists its files, and uploads it if `to` says so.

    Raises UserError when the Space is not fit to be published, the target holds something else, nobody is logged in,
    or the Hub refuses; BundleError when a bundle cannot be opened. An earlier Space in the target stays until the new
    one has passed its checks.
    """
    if (to.private or to.dry_run) and to.repo is None:
        raise UserError("--private and --dry-run say how to upload: name the Space with --push user/name.")
    api = hub.log_in(to.repo) if to.repo and not to.dry_run else None  # before the work, not after it
    opened = read_bundles(bundles)
    sources = files(opened, title)
    with replaced(target, ours, "Space") as building:
        fill(building, sources)
        found = problems(building, [source.place for source in sources])
        if found:
            raise UserError(f"This Space is not fit to be published. {' '.join(found)}")
    print(listing(target, [source.place for source in sources]))
    names = ", ".join(bundle.info.name for bundle in opened)
    if api and to.repo:
        print(f"{to.repo}: {hub.push(api, to.repo, target, to.private, f'Serve {names}')}")
    elif to.repo:
        kind = "private" if to.private else "public"
        print(f"Dry run: without --dry-run these files go to the {kind} Space {to.repo}, in place of what it holds.")


def ours(folder: Path) -> bool:
    """Whether a folder holds an earlier Space of Twofold."""
    facts = read_front_matter(folder / CARD)
    return facts is not None and facts.get("app_file") == APP and MARK in (facts.get("tags") or [])


def listing(target: Path, places: Sequence[str]) -> str:
    """The files with their sizes, and the sum."""
    sizes = {place: (target / place).stat().st_size for place in sorted(places)}
    width = max(map(len, sizes))
    lines = [f"{place:<{width}}  {size / 1000:>9.1f} kB" for place, size in sizes.items()]
    return "\n".join([*lines, f"{target}: {len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB"])


# ---------------------------------------------------------------------------------------- what goes in


def files(bundles: Sequence[OpenBundle], title: str | None = None) -> list[Source]:
    """Every file of the Space: card, requirements, licence, the code, and the files of each bundle."""
    sources = [
        Source(CARD, (front_matter(bundles, title) + "\n" + text(bundles)).encode()),
        Source("requirements.txt", REQUIREMENTS),
        Source("LICENSE", REPOSITORY / "LICENSE"),
        *(Source(place, REPOSITORY / place) for place in code_files()),
    ]
    for bundle in bundles:
        home = f"artifacts/{bundle.info.name}"
        names = [entry.file for entry in (*bundle.info.graphs.values(), *bundle.info.files.values())]
        kept = [INDEX, *names, *([CARD] if (bundle.folder / CARD).is_file() else [])]
        sources += [Source(f"{home}/{name}", bundle.folder / name) for name in kept]
    return sources


def code_files() -> list[str]:
    """Modules, scripts, words and styles of the packages that a Space runs, as paths in the repository."""
    return [
        f"{package}/{path.as_posix()}"
        for package in PACKAGES
        for path in files_in(REPOSITORY / package)
        if path.suffix in SUFFIXES and not any(part in NOT_SERVED or part.startswith(".") for part in path.parts)
    ]


def front_matter(bundles: Sequence[OpenBundle], title: str | None = None) -> str:
    """The block of settings at the top of README.md, between its two lines of dashes."""
    from huggingface_hub import SpaceCardData  # slow to import

    sources = {bundle.info.dataset.source for bundle in bundles}
    datasets = sorted(source for source in sources if re.fullmatch(r"[\w.-]+/[\w.-]+", source))  # on the Hub
    kinds = [kind for kind in ("gan", "vae") if any(kind in bundle.info.models for bundle in bundles)]
    facts = SpaceCardData(
        title=title or default_title(bundles),
        emoji=EMOJI,
        colorFrom=GRADIENT[0],
        colorTo=GRADIENT[1],
        sdk="gradio",
        sdk_version=pinned("gradio", REQUIREMENTS.read_text(encoding="utf-8")),
        python_version=PYTHON,
        app_file=APP,
        license=licence(bundles),
        short_description=f"Play with a {' and a '.join(kind.upper() for kind in kinds)}, live",
        tags=[MARK, "onnx", *kinds, "image-generation"],
        datasets=datasets or None,
    )
    return f"---\n{facts.to_yaml()}\n---\n"


def default_title(bundles: Sequence[OpenBundle]) -> str:
    """E.g. "Twofold: MNIST digits"; "Twofold" for several bundles."""
    return f"Twofold: {bundles[0].info.title}" if len(bundles) == 1 else "Twofold"


def licence(bundles: Sequence[OpenBundle]) -> str:
    """The Hub's identifier of the licence that all data sets share, "other" when they share none."""
    found = {model_card.hub_licence(bundle.info.dataset.licence) for bundle in bundles}
    return found.pop() if len(found) == 1 and found <= set(model_card.HUB_LICENCES.values()) else "other"


def pinned(package: str, requirements: str) -> str:
    """The version to which a requirements file pins a package. Raises UserError when it pins none."""
    found = re.search(rf"^{re.escape(package)}==([\w.]+)", requirements, re.MULTILINE)
    if not found:
        raise UserError(f"demo/requirements.txt does not pin {package} to one version.")
    return found[1]


def text(bundles: Sequence[OpenBundle]) -> str:
    """README.md of the Space, below its settings."""
    lines = [
        "Small generators that answer while you drag: travel through their latent spaces, morph, rebuild pictures of",
        "yours. Made with Twofold; nothing is sent anywhere but to this Space, and no picture is kept.",
    ]
    for bundle in bundles:
        info, home = bundle.info, f"artifacts/{bundle.info.name}"
        more = f" More in its [model card]({home}/{CARD})." if (bundle.folder / CARD).is_file() else ""
        lines += [
            f"\n## {cell(info.title)}\n",
            f"![Samples]({home}/{info.files['sheet'].file})\n",
            f"A {model_card.model_names(info)} of {model_card.picture_kind(info)}. "
            f"Learned from: {cell(info.dataset.source)}; licence of",
            f"these pictures: {cell(info.dataset.licence)}.{more}",
        ]
    lines += ["\n## Code\n", "The code in `bundle/` and `demo/` is under the Apache License 2.0; see LICENSE."]
    return "\n".join(lines) + "\n"
