"""The page's own scripts, words and styles: found by name in demo/static, and joined for the browser.

core/            what all widgets share, in the order of CORE
instrument/      what plays the picture: one script, loaded when it is opened
tabs/<tab>/      one widget or more for each tab, and the parts that they are built of
watch/           the page of `python -m demo.watch`, which demo/watch.py reads
device/          drawing with onnxruntime-web on the visitor's device: ES modules
words/<language>/<folder>.json    the sentences of that folder's scripts
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bundle.translations import script, tables

STATIC = Path(__file__).resolve().parent / "static"
# In this order: each uses the ones before it while it loads. mount.js is for Gradio's page only.
CORE = (
    "core",
    "storage",
    "address",
    "language",
    "elements",
    "parameters",
    "attributes",
    "class_mix",
    "own_directions",
    "bending",
    "canvas",
    "marks",
    "requests",
    "live",
    "tables",
    "figures",
    "training_stages",
    "plot",
    "webcam",
    "mount",
)
WIDGETS = ("bar", "empty", "play", "morph", "rebuild", "explore", "compare", "quiz", "api", "about")
MAKE = "make"  # the tab, and its widget, whose scripts are sent only where it is
INSTRUMENT = tuple(sorted((STATIC / "instrument").glob("*.js")))
CSS = (
    STATIC / "core" / "style.css",
    *sorted(STATIC.glob("tabs/*/*.css")),
    *sorted((STATIC / "instrument").glob("*.css")),
)
# Of the scripts' folders; then of sentences from the server and bundles, translated when they are shown.
WORD_FOLDERS = (
    *("core", "play", "morph", "rebuild", "explore", "compare", "make", "api", "about", "device", "instrument"),
    *("server", "quality"),
)
WORDS = tables(STATIC / "words", *WORD_FOLDERS)
PAGE_WORDS = tables(STATIC / "words", "page")  # what Gradio itself shows: the tabs and the footer


def find(name: str) -> Path:
    """The script, style or module of this file name, in whichever folder it lies. LookupError when there is none."""
    folders = (STATIC / "core", STATIC / "device", STATIC / "instrument", *STATIC.glob("tabs/*"))
    for path in (folder / name for folder in folders):
        if path.is_file():
            return path
    raise LookupError(f"There is no {name} in {STATIC}.")


def text(name: str) -> str:
    """The content of the file of this name."""
    return find(name).read_text(encoding="utf-8")


@functools.cache
def page_script() -> str:
    """What every page runs, as one script: what is shared, the parts of the tabs, and the widgets.

    A widget is a function of the element that it fills."""
    paths = [path for path in sorted(STATIC.glob("tabs/*/*.js")) if path.parent.name != MAKE]
    parts = [path.stem for path in paths if path.stem not in WIDGETS]
    return for_browsers("".join(text(f"{name}.js") for name in (*CORE, *parts)) + "".join(map(_widget, WIDGETS)))


@functools.cache
def make_script() -> str:
    """What the tab Make runs besides."""
    parts = [path.stem for path in sorted((STATIC / "tabs" / MAKE).glob("*.js")) if path.stem != MAKE]
    return for_browsers("".join(text(f"{name}.js") for name in parts) + _widget(MAKE))


@functools.cache
def instrument_script() -> str:
    """What the fold "Instrument" runs once it is opened."""
    return for_browsers("".join(path.read_text(encoding="utf-8") for path in INSTRUMENT))


def for_browsers(source: str) -> str:
    """A script without what no browser reads: lines that are comments or empty, and indentation. Template literals stay
    as they are; one of several lines stands in no other."""
    kept, in_literal = [], False
    for line in source.split("\n"):
        lean = line if in_literal else line.lstrip()
        if in_literal or (lean and not lean.startswith("//")):
            kept.append(lean)
            in_literal ^= lean.count("`") % 2 == 1
    return "\n".join(kept) + "\n"


def _widget(name: str) -> str:
    return f"Twofold.widgets.{name} = (element) => {{\n{text(f'{name}.js')}}};\n"


def facts_script(facts: Mapping[str, Any]) -> str:
    """The script that tells the page the facts, and starts it."""
    return f"Twofold.start({json.dumps(facts, ensure_ascii=False, separators=(',', ':'))});\n"


def words_script(language: str) -> str:
    """The script with the page's words in one language. KeyError for an unknown one."""
    return script({language: WORDS[language]})


def fingerprint(*texts: str) -> str:
    """Eight hexadecimal digits that change with any of the texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]


@functools.cache
def version() -> str:
    """The fingerprint of scripts and words, which stands in their addresses."""
    scripts = (page_script(), make_script(), instrument_script())
    return fingerprint(*scripts, *(words_script(language) for language in WORDS))
