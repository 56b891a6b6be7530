"""Bundles become a folder that is a complete Hugging Face Space, which can be uploaded to the Hub.

The Space runs `python demo/app.py` on a CPU, on purpose without the ZeroGPU decorator (`@spaces.GPU`). That forks a
worker for each GPU, pickles arguments and results, asks a scheduler over HTTP for every call, counts each call against
the visitor's daily quota, and needs torch to find its GPU. These models answer in 1 to 3 ms on the free CPU, which is
less than any of that costs; ZeroGPU suits jobs of many seconds.
"""

import functools
import re
from collections.abc import Sequence
from pathlib import Path

from bundle import on_device, packed_files
from bundle.errors import UserError
from bundle.read import INDEX, ORDER, OpenBundle
from bundle.verified_files import verified_bytes
from bundle.write import CARD
from export.targets import hub
from export.targets.folder import Kind, TargetFile, files_in, fill, read_bundles, replaced, with_listing
from export.targets.places import PAGE, REPOSITORY, RUNTIME_HOME, SHIPPED_BUILDS
from export.targets.space_card import front_matter, text
from export.targets.space_check import APP, MAX_BYTES, TAG, front_matter_of, problems

PACKAGES = ("bundle", "demo")
REQUIREMENTS = REPOSITORY / "demo" / "requirements.txt"
LICENCES = PAGE / "LICENSES.txt"  # of onnxruntime-web
PYTHON = "3.11"  # the version that the tests run on
SUFFIXES = {".py", ".js", ".css", ".json"}  # what these packages consist of
NOT_SERVED = {"__pycache__", "node_modules", "web"}
REBUILDS = ("encoder", "inverter")  # graphs that begin with a visitor's picture
CODE = "\n## Code\n\nThe code in `bundle/` and `demo/` is under the Apache License 2.0; see LICENSE.\n"


def write(bundles: Sequence[Path], target: Path, title: str | None, to: hub.Destination) -> None:
    """Writes the Space into the folder `target`, checks it, lists its files, and uploads it if `to` says so.

    Raises UserError when the Space is not fit to be published, the target holds something else, nobody is logged in,
    or the Hub refuses; BundleError when a bundle cannot be opened. An earlier Space in the target stays until the new
    one has passed its checks.
    """
    api = hub.log_in(to)  # before the work, not after it
    opened = read_bundles(bundles)
    runtime = runtime_file()
    target_files = with_listing(files(opened, title) + runtime)
    if too_large(target_files):
        target_files = with_listing(files(opened, title, packed=True) + runtime)
    with replaced(target, KIND) as building:
        fill(building, target_files)
        found = problems(building, [file.place for file in target_files])
        if found:
            raise UserError(f"This Space is not fit to be published. {' '.join(found)}")
    print(listing(target, [file.place for file in target_files]))
    if any(file.place.endswith(packed_files.PACKED_GRAPHS) for file in target_files):
        print(f"The graphs of each bundle are packed ({packed_files.PACKED_GRAPHS}), or the Space would be too large.")
    if not runtime:
        print(f"Visitors cannot draw on their own device: run `{on_device.HOW_TO_GET_IT}`, then this command again.")
    names = ", ".join(bundle.info.name for bundle in opened)
    hub.upload(api, to, target, KIND, f"Serve {names}")


def is_space(card: bytes) -> bool:
    """Whether a README.md is that of a Space of Twofold."""
    facts = front_matter_of(card) or {}
    tags = facts.get("tags")
    return isinstance(tags, list) and TAG in tags and facts.get("app_file") == APP


KIND = Kind("Space", "gradio", CARD, is_space)


def listing(target: Path, places: Sequence[str]) -> str:
    """The files with their sizes, and the sum."""
    sizes = {place: (target / place).stat().st_size for place in sorted(places)}
    width = max(map(len, sizes))
    lines = [f"{place:<{width}}  {size / 1000:>9.1f} kB" for place, size in sizes.items()]
    return "\n".join([*lines, f"{target}: {len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB"])


# ---------------------------------------------------------------------------------------- what goes in


def files(bundles: Sequence[OpenBundle], title: str | None = None, packed: bool = False) -> list[TargetFile]:
    """Every file of the Space but onnxruntime-web: card, requirements, licence, the code, and the files of each bundle,
    with its graphs packed into one or not."""
    target_files = [
        TargetFile(CARD, card(bundles, title).encode()),
        TargetFile("requirements.txt", REQUIREMENTS),
        TargetFile("LICENSE", REPOSITORY / "LICENSE"),
        *(TargetFile(place, REPOSITORY / place) for place in code_files()),
        TargetFile(f"artifacts/{ORDER}", "".join(f"{bundle.info.name}\n" for bundle in bundles).encode()),
    ]
    for bundle in bundles:
        home = f"artifacts/{bundle.info.name}"
        graphs = {entry.file: verified_bytes(bundle.folder, entry) for entry in bundle.info.graphs.values()}
        if packed:
            print(f"Packing the graphs of {bundle.info.name} …", flush=True)
            graphs = {packed_files.PACKED_GRAPHS: packed_files.pack(graphs)}
        target_files += [TargetFile(f"{home}/{name}", data) for name, data in graphs.items()]
        names = [entry.file for entry in bundle.info.files.values()]
        kept = [INDEX, *names, *([CARD] if (bundle.folder / CARD).is_file() else [])]
        target_files += [TargetFile(f"{home}/{name}", bundle.folder / name) for name in kept]
    return target_files


def too_large(target_files: Sequence[TargetFile]) -> bool:
    """Whether the files together pass the limit of a Space."""
    sizes = (len(s.content) if isinstance(s.content, bytes) else s.content.stat().st_size for s in target_files)
    return sum(sizes) >= MAX_BYTES


def runtime_file() -> list[TargetFile]:
    """onnxruntime-web in one file, with which visitors draw on their own device; nothing where it is not installed."""
    found = on_device.installed(RUNTIME_HOME)
    return [TargetFile(f"demo/web/{on_device.ARCHIVE}", _packed(found))] if found else []


@functools.cache  # it takes a quarter of a minute
def _packed(runtime: on_device.Runtime) -> bytes:
    print(f"Packing {on_device.RUNTIME} …", flush=True)
    builds = [on_device.BUILDS[name] for name in SHIPPED_BUILDS if name in runtime.builds]
    names = ["package.json", *(file for build in builds for file in build.files)]
    files = {name: runtime.read(name) for name in names} | {"LICENSES.txt": LICENCES.read_bytes()}
    return packed_files.pack(files, weights=False)


def code_files() -> list[str]:
    """Modules, scripts, words and styles of the packages that a Space runs, as paths in the repository."""
    return [
        f"{package}/{path.as_posix()}"
        for package in PACKAGES
        for path in files_in(REPOSITORY / package)
        if path.suffix in SUFFIXES and not any(part in NOT_SERVED or part.startswith(".") for part in path.parts)
    ]


def card(bundles: Sequence[OpenBundle], title: str | None) -> str:
    """README.md of the Space."""
    app = {
        "sdk": "gradio",
        "sdk_version": pinned("gradio", REQUIREMENTS.read_text(encoding="utf-8")),
        "python_version": PYTHON,
        "app_file": APP,
    }
    return f"{front_matter(bundles, title, app)}\n{text(about(bundles), bundles, 'artifacts')}{CODE}"


def about(bundles: Sequence[OpenBundle]) -> tuple[str, str]:
    """What the Space is, in two lines."""
    rebuilds = any(graph in bundle.info.graphs for bundle in bundles for graph in REBUILDS)
    return (
        "Small generators that answer while you drag: travel through their latent spaces, morph"
        + (", rebuild pictures of yours." if rebuilds else "."),
        "Made with Twofold; nothing is sent anywhere but to this Space, and no picture is kept.",
    )


def pinned(package: str, requirements: str) -> str:
    """The version to which a requirements file pins a package. Raises UserError when it pins none."""
    found = re.search(rf"^{re.escape(package)}==([\w.]+)", requirements, re.MULTILINE)
    if not found:
        raise UserError(f"demo/requirements.txt does not pin {package} to one version.")
    return found[1]
