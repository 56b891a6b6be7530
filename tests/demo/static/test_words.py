"""The page in Chinese: every sentence has its words, none is left over, and no script shows raw English."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from demo import static_files
from demo.facts import DESCRIPTIONS
from demo.static_files import STATIC
from export.shrink import NOTE
from export.targets import web

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = REPOSITORY / "export" / "targets" / "page"
ACORN = REPOSITORY / "tests" / "browser" / "node_modules" / "acorn" / "dist" / "acorn.mjs"
LANGUAGES = sorted(folder.name for folder in (STATIC / "words").iterdir())
FOLDERS = ("core", "instrument", *sorted(folder.name for folder in (STATIC / "tabs").iterdir()))
NAMES = re.compile(r"\{(\w+)\}")
# Names that are the same in every language, and units.
KNOWN = {"Twofold", "English", "WebP", "kB", "ms", "dB", "px", "onnxruntime", "float"}
TRANSLATES = {"language.js"}  # whose calls pass on the sentences of others


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory):
    """What scripts say, by their paths: see sentences.mjs."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed (apt install nodejs)")
    if not ACORN.is_file():
        pytest.skip("acorn is not installed (npm ci --prefix tests/browser)")

    def read(*files: Path) -> dict[Path, dict[str, list[str]]]:
        command = ["node", Path(__file__).with_name("sentences.mjs"), ACORN, *files]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return {Path(file): found for file, found in json.loads(done.stdout).items()}

    return read


def scripts(folder: str) -> list[Path]:
    return sorted((STATIC / folder if folder in ("core", "instrument") else STATIC / "tabs" / folder).glob("*.js"))


def words(language: str, name: str) -> dict[str, str]:
    return json.loads((STATIC / "words" / language / f"{name}.json").read_text(encoding="utf-8"))


def said(found: dict[Path, dict[str, list[str]]]) -> set[str]:
    return {text for one in found.values() for text in one["said"]}


def english(found: dict[Path, dict[str, list[str]]]) -> list[str]:
    """What a visitor would read in English whatever the language of the page."""
    return [
        text
        for one in found.values()
        for text in one["raw"]
        if any(re.search("[a-z]{2}", word) and word not in KNOWN for word in re.findall("[A-Za-z]+", text))
    ]


def test_the_reader_sees_what_a_visitor_sees(read, tmp_path: Path):
    script = tmp_path / "one.js"
    script.write_text(
        'const a = el("p", { class: "of style", title: "A hint" }, '
        '"Raw words", T.t("Said {n}"), `${n ? "many of" : ""} more`);\n'
        'b.textContent = done ? "All done" : T.n(2, "{n} one", "{n} two"); // "not this"\n'
        'c.setAttribute("aria-label", "A name"); if (/"x/.test(kind === "some kind")) fetch("no words");\n'
        'd.title = e.includes("no word") ? "Some words" : ""; T.t(unknown);\n'
    )
    found = read(script)
    assert sorted(english(found)) == sorted(
        ["A hint", "Raw words", "many of", " more", "All done", "A name", "Some words"]
    )
    assert said(found) == {"Said {n}", "{n} one", "{n} two"}
    assert found[script]["lost"] == ["T.t(unknown)"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_script_shows_raw_english(read, folder: str):
    found = read(*scripts(folder))
    assert english(found) == []
    assert {path.name for path, one in found.items() if one["lost"]} <= TRANSLATES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_sentence_has_its_words_and_none_is_left_over(read, folder: str, language: str):
    table, shared = words(language, folder), words(language, "core")
    asked = said(read(*scripts(folder)))
    assert sorted(asked - set(table) - set(shared)) == []
    used = asked if folder != "core" else said(read(*(path for one in FOLDERS for path in scripts(one))))
    assert sorted(set(table) - used) == []


def test_the_static_page_speaks_as_the_demo_does(read):
    found = read(*sorted(path for path in PAGE.glob("*.js") if path.name != "embed.js"))  # that one is for other pages
    sentences = said(found) | {"This device", web.REASON}
    for language in LANGUAGES:
        table = json.loads((PAGE / "words" / f"{language}.json").read_text(encoding="utf-8"))
        of_the_demo = {key for name in web.WORD_FOLDERS for key in words(language, name)}
        assert sorted(set(table) & of_the_demo) == []  # one translation, mended in one place
        assert sorted(sentences - set(table) - of_the_demo) == []
        assert sorted(set(table) - sentences) == []
        assert all(differs(key, value) == [] for key, value in table.items())
        borrowed = said(read(*(path for path in (*web.SHARED, *web.INSTRUMENT, *web.WIDGETS) if path.suffix == ".js")))
        assert sorted(borrowed - set(web.page_words()[language])) == []
    assert english(found) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_keep_the_names_and_say_one_thing(language: str):
    tables = {file.stem: words(language, file.stem) for file in (STATIC / "words" / language).iterdir()}
    assert set(tables) == {"page", *static_files.WORD_FOLDERS}
    meanings: dict[str, str] = {}
    for name, table in tables.items():
        for key, value in table.items():
            assert differs(key, value) == [], (name, key)
            if name != "page":  # those are looked up apart
                assert meanings.setdefault(key, value) == value, (name, key)


def differs(key: str, value: str) -> list[str]:
    return sorted(set(NAMES.findall(key)) ^ set(NAMES.findall(value))) + ([] if value.strip() else ["empty"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_for_the_tabs_are_those_of_the_tabs(language: str):
    tabs = set(re.findall(r'gr\.Tab\(I18N\("(\w+)"\)', (REPOSITORY / "demo" / "page.py").read_text()))
    assert len(tabs) >= 4 and set(words(language, "page")) == {*tabs, "Use via API", "Settings"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_server_says_is_said_in_these_words(read, language: str):
    """Each English sentence stands in the source of what is served, or of the training that Make starts, with the same
    gaps."""
    device = sorted((STATIC / "device").glob("*.js"))
    files = [
        *(path for room in ("bundle", "demo", "train/data") for path in (REPOSITORY / room).rglob("*.py")),
        *device,
    ]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    source = re.sub(r'"\n\s*f?"', "", source)  # a sentence on two lines
    table = words(language, "server") | words(language, "device")
    assert set(DESCRIPTIONS.values()) <= set(table)
    unsaid = [
        key for key in table if not re.search(r"\$?\{[^\n]*?\}".join(map(re.escape, NAMES.split(key)[::2])), source)
    ]
    assert unsaid == []
    told = read(*(path for path in device if path.name != "open.js"))  # that one is for other pages
    parts = {part for key in words(language, "device") for part in NAMES.split(key)[::2]}
    assert sorted(set(english(told)) - parts) == []


OPERATIONS = ("translation", "cutout", "colour")
OF_SMALL_SETS = {
    *(f"Share of GAN samples that look changed by augmentation: {operation}" for operation in OPERATIONS),
    *(
        f"Share of held-out pictures changed by {operation} that the same {detector} finds"
        for operation in OPERATIONS
        for detector in ("detector", "eye")  # as older bundles say it
    ),
    "256 of the held-out pictures steered the augmentation of the GAN, and are among those that measure it.",
    "300 pictures a side are few: the figures mean little without the floor beside them.",
}


OLDER_NOTES = {  # of bundles that older versions wrote
    "Measured on float32 files. Their weights were then stored as float16, which changes no picture by more than one "
    "grey level.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_of_the_released_bundles_have_words(language: str):
    table = words(language, "quality")
    labels = {label for file in (REPOSITORY / "artifacts").glob("*/bundle.json") for label in labels_of(file)}
    labels |= {NOTE, *OLDER_NOTES, *OF_SMALL_SETS}  # of bundles that people shrink, and of sets that are augmented
    shapes = {key: re.compile("(.+)".join(map(re.escape, NAMES.split(key)[::2]))) for key in table}
    assert sorted(label for label in labels if not any(shape.fullmatch(label) for shape in shapes.values())) == []
    parts = {
        part for label in labels for shape in shapes.values() if (m := shape.fullmatch(label)) for part in m.groups()
    }
    used = {key for key, shape in shapes.items() if any(shape.fullmatch(text) for text in labels | parts)}
    assert sorted(set(table) - used) == []


def labels_of(file: Path) -> set[str]:
    index = json.loads(file.read_text(encoding="utf-8"))
    figures = index["quality"]["figures"]
    return {
        *(f["label"] for f in figures),
        *(f["floor_is"] for f in figures),
        *index["quality"]["notes"],
    }
