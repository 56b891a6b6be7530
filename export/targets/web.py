"""Bundles become one static folder that samples and interpolates in the browser, with no server behind it.

The page consists of the demo's own widgets (demo/static) over pictures that a worker computes with onnxruntime-web;
`page/` beside this module holds what Gradio does in the demo. The latents come from the seeds as in
bundle/latents.py, so the page draws what the demo draws. What a browser needs for that, the demo's own page needs
too: bundle/on_device.py.
"""

import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from bundle import on_device, snapshots, translations
from bundle.errors import UserError
from bundle.marks import xmp
from bundle.read import OpenBundle
from bundle.schema import SNAPSHOT_FILES
from bundle.shell_line import shell_line
from bundle.write import CARD
from export.conventional import Conventional, conventional
from export.targets import hub, offline
from export.targets.folder import Kind, TargetFile, fill, read_bundles, replaced, with_listing
from export.targets.gallery import gallery, read_favourites
from export.targets.places import PAGE, REPOSITORY, RUNTIME_HOME, SHIPPED_BUILDS
from export.targets.space_card import front_matter, model_names, text
from export.targets.space_check import page_problems

STATIC = REPOSITORY / "demo" / "static"
TABS, DEVICE = STATIC / "tabs", STATIC / "device"
FACTS, SHEET, CURVES = "facts.json", "sheet.png", "training.json"
FORMAT = "twofold-web"  # of facts.json
ABOUT = (
    "Small generators that draw in your browser: travel through their latent spaces, morph. Made with Twofold; nothing",
    "is sent anywhere.",
)
CORE_SCRIPTS = (
    "core.js",
    "storage.js",
    "address.js",
    "language.js",
    "elements.js",
    "parameters.js",
    "attributes.js",
    "class_mix.js",
    "own_directions.js",
    "bending.js",
    "canvas.js",
    "marks.js",
    "requests.js",
    "live.js",
    "plot.js",
)
SHARED = (  # in this order: each uses the ones before it while it loads
    *(STATIC / "core" / name for name in ("style.css", *CORE_SCRIPTS)),
    *(DEVICE / name for name in on_device.SCRIPTS),
    *(
        TABS / "play" / name
        for name in (
            "play.css",
            "device_words.js",
            "family.js",
            "full_screen.js",
            "sample_sheet.js",
            "favourites.js",
            "drift_loop.js",
            "travel_parameters.js",
            "instrument_fold.js",
        )
    ),
    STATIC / "instrument" / "instrument.css",
    *(
        TABS / "morph" / name
        for name in (
            "morph.css",
            "keyframes.js",
            "timing.js",
            "morph_address.js",
            "timeline.js",
            "keyframe_list.js",
            "film_export.js",
        )
    ),
    *(TABS / "about" / name for name in ("about.css", "how_it_learned.css", "how_it_learned.js", "verify.js")),
)
INSTRUMENT = tuple(sorted((STATIC / "instrument").glob("*.js")))  # one script, loaded when it is opened
WORD_FOLDERS = ("core", "play", "morph", "about", "device", "instrument", "server")
OWN = (
    "page.css",
    "page.js",
    "offline.js",
    "strip.js",
    "embed.js",
    "embed.css",
    "verify_here.js",
    "start.js",
    "LICENSES.txt",
)
DOCUMENTS = ("index.html", "embed.html")  # the page, and an example of its pictures in another one
WIDGETS = (
    STATIC / "core" / "bar.js",
    TABS / "play" / "play.js",
    TABS / "morph" / "morph.js",
    *(PAGE / name for name in ("samples.js", "gallery.js", "about-page.js")),
)
REASON = "The models run in this browser; nothing is sent anywhere."


def write(bundles: Sequence[Path], target: Path, title: str | None = None, to: hub.Destination = hub.NOWHERE,
          favourites: Path | None = None) -> None:  # fmt: skip
    """Writes the page for these bundles into the folder `target`, in place of an earlier page, and uploads it as a
    static Space if `to` says so. `favourites`: a file that Play saved, which becomes the page's gallery.

    Raises UserError when the favourites cannot be read or drawn, onnxruntime-web is not installed, two bundles have one
    name, the target holds something else, the page is not fit to be uploaded, or the Hub refuses, and BundleError when
    a bundle cannot be opened; unless the Hub was asked, the target is then as it was.
    """
    api = hub.log_in(to)  # before the work, not after it
    chosen = read_favourites(favourites) if favourites else []
    opened = read_bundles(bundles)
    made = [conventional(bundle) for bundle in opened]
    pictures, shown = gallery(chosen, opened) if chosen else ([], [])
    target_files = [*page_files(made, title, shown), *runtime_files(), *pictures]
    for one in made:
        target_files += bundle_files(one)
    target_files += offline.app_files(target_files, opened[0], page_title(opened, title))
    target_files = with_listing(target_files)
    with replaced(target, KIND) as building:
        fill(building, target_files)
        found = page_problems(building, [file.place for file in target_files]) if to.repo else []
        if found:
            raise UserError(f"This page is not fit to be published. {' '.join(found)}")
    size = sum((target / file.place).stat().st_size for file in target_files)
    print(f"{target}: {len(target_files)} files, {size / 1e6:.1f} MB. Any static host serves it; here, for instance:")
    print(shell_line(["python", "-m", "http.server", "--directory", str(target)]))
    names = ", ".join(bundle.info.name for bundle in opened)
    hub.upload(api, to, target, KIND, f"Show {names}")


def is_page(facts: bytes) -> bool:
    """Whether a facts.json is that of a page of Twofold."""
    try:
        return json.loads(facts).get("format") == FORMAT
    except (ValueError, AttributeError, RecursionError):
        return False


KIND = Kind("page", "static", FACTS, is_page)


# ---------------------------------------------------------------------------------------- what goes in


def page_files(
    made: Sequence[Conventional], given: str | None, shown: Sequence[dict[str, Any]] = ()
) -> list[TargetFile]:
    """The page itself, under the title that is given, and facts.json with what it has to know about the bundles and
    the pictures that are shown in its gallery."""
    bundles = [one.source for one in made]
    title = page_title(bundles, given)
    about = f"Pictures from seeds by a {model_names(bundles)}, computed in this browser."
    words = {"title": title, "about": about, "name": bundles[0].info.name}
    filled = {key: html.escape(value) for key, value in words.items()} | page_links()
    documents = {name: Template((PAGE / name).read_text(encoding="utf-8")).substitute(filled) for name in DOCUMENTS}
    facts = {
        "format": FORMAT,
        "runtime": f"{on_device.RUNTIME} {runtime().version}",
        "bundles": [bundle_facts(one) for one in made],
        "unavailable": [],
        "gallery": list(shown),
        "tabs": translations.tables(STATIC / "words", "page"),
        "mark": xmp.page_facts(),
        "builds": {name: on_device.build_facts(runtime(), name) for name in SHIPPED_BUILDS},
    }
    target_files = [
        *(TargetFile(name, document.encode()) for name, document in documents.items()),
        TargetFile(FACTS, json.dumps(facts, ensure_ascii=False).encode()),
        TargetFile("LICENSE", REPOSITORY / "LICENSE"),
        TargetFile(CARD, card(bundles, given).encode()),
    ]
    target_files += [TargetFile(path.name, path) for path in SHARED] + [TargetFile(name, PAGE / name) for name in OWN]
    target_files.append(TargetFile("theme.js", STATIC / "core" / "theme.js"))
    target_files.append(TargetFile("words.js", translations.script(page_words()).encode()))
    target_files.append(TargetFile("instrument.js", b"".join(path.read_bytes() for path in INSTRUMENT)))
    return target_files + [TargetFile(script.name, as_module(script)) for script in WIDGETS]


def page_links() -> dict[str, str]:
    """What index.html loads before its modules: the elements of its `styles` and `scripts`, a line each."""
    styles = [path.name for path in SHARED if path.suffix == ".css"] + ["page.css"]
    scripts = ["words.js", *(path.name for path in SHARED if path.suffix == ".js" and path.parent != DEVICE)]
    return {
        "styles": "\n".join(f'<link rel="stylesheet" href="{name}">' for name in styles),
        "scripts": "\n".join(f'<script src="{name}" defer></script>' for name in scripts),
    }


def page_title(bundles: Sequence[OpenBundle], given: str | None) -> str:
    """The title of the page: the one that was given, else that of its only bundle."""
    return given or (bundles[0].info.title if len(bundles) == 1 else "Twofold")


def card(bundles: Sequence[OpenBundle], title: str | None) -> str:
    """README.md, which the Hub reads when the page is a static Space; other hosts have no use for it."""
    settings = front_matter(bundles, title, {"sdk": "static", "app_file": "index.html"})
    return f"{settings}\n{text(ABOUT, bundles, 'bundles', SHEET, cards=False)}"


def page_words() -> dict[str, dict[str, str]]:
    """The words of this page's scripts in languages other than English: the demo's, and in page/words those of
    sentences that the demo does not have."""
    tables = translations.tables(STATIC / "words", *WORD_FOLDERS)
    for path in sorted(PAGE.glob("words/*.json")):
        tables.setdefault(path.stem, {}).update(json.loads(path.read_text(encoding="utf-8")))
    return tables


def as_module(script: Path) -> bytes:
    """A widget's script as a module: a function of the element that it fills."""
    body = script.read_text(encoding="utf-8")
    return f"export default (element) => {{\n{body}}};\n".encode()


def bundle_files(made: Conventional) -> list[TargetFile]:
    """The graphs that draw from latents, the numbers that these need, the sample sheet, and the training: its curves
    and what it drew."""
    bundle = made.bundle
    home = f"bundles/{bundle.info.name}"
    sheet = bundle.info.files["sheet"].file
    graphs = [
        TargetFile(f"{home}/{bundle.info.graphs[name].file}", made.graph_bytes(name))
        for name in on_device.graph_names(bundle.info)
    ]
    info = bundle.info
    curves = {name: {"curve": stage.model_dump(mode="json")["curve"]} for name, stage in info.training.items()}
    strips = [info.files[key].file for key in SNAPSHOT_FILES.values() if key in info.files]
    return [
        *graphs,
        *(TargetFile(f"{home}/{name}", bundle.folder / name) for name in strips),
        *([TargetFile(f"{home}/{CURVES}", json.dumps({"training": curves}).encode())] if strips else []),
        TargetFile(f"{home}/latents.bin", on_device.latent_bytes(bundle)),
        TargetFile(f"{home}/{SHEET}", bundle.folder / sheet),
    ]


def bundle_facts(made: Conventional) -> dict[str, Any]:
    """Facts of one bundle, as the widgets and worker.js read them; addresses are relative to the page."""
    info, home = made.source.info, f"bundles/{made.source.info.name}"
    return {
        **on_device.page_facts(made.source),
        "sheet": {"url": f"{home}/{SHEET}", "count": made.source.tiles},
        "curves": f"{home}/{CURVES}",
        "snapshots": snapshots.page_facts(info, f"{home}/{{file}}"),
        "processor": "This device",
        "reason": REASON,
        **on_device.drawing_facts(made.bundle, f"{home}/{{file}}", f"{home}/latents.bin"),
    }


# ---------------------------------------------------------------------------------------- onnxruntime-web


def runtime() -> on_device.Runtime:
    """onnxruntime-web with the builds that the page takes. Raises UserError when it is not installed."""
    found = on_device.installed(RUNTIME_HOME)
    if found is None or not set(SHIPPED_BUILDS) <= set(found.builds):
        raise UserError(f"{on_device.RUNTIME} is not installed: run `{on_device.HOW_TO_GET_IT}`, then try again.")
    return found


def runtime_files() -> list[TargetFile]:
    """onnxruntime-web's modules and their WebAssembly, two files a build; without WebGPU only the first is loaded."""
    found, builds = runtime(), [on_device.BUILDS[name] for name in SHIPPED_BUILDS]
    scripts = [TargetFile(build.script, found.script(build)) for build in builds]
    return scripts + [TargetFile(build.wasm, found.wasm(build)) for build in builds]
