"""The page in Chinese: every sentence has its words, none is left over, and no script shows raw English."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.facts import ABOUT
from export.shrink import NOTE

REPOSITORY = Path(__file__).resolve().parents[3]
STATIC = REPOSITORY / "demo" / "static"
PAGE = REPOSITORY / "export" / "targets" / "page"
LANGUAGES = sorted(folder.name for folder in (STATIC / "words").iterdir())
DEVICE = ("worker", "local", "gpu")  # what they say comes in English
SCRIPTS = sorted({path.stem for path in STATIC.glob("*.js")} - {"open", *DEVICE})  # open: for other pages
OF_PAGE = sorted(path.stem for path in PAGE.glob("*.js"))
ELSEWHERE = {"page", "server", "quality", "worker"}  # words for what comes in English, and is translated when shown
NAMES = re.compile(r"\{(\w+)\}")
SHOWN = {"aria-label", "title", "alt", "placeholder", "hint", "textContent"}
# Names that are the same in every language, and units.
KNOWN = {"Twofold", "English", "WebP", "kB", "ms", "dB", "px", "onnxruntime", "float"}


def words(language: str, name: str) -> dict[str, str]:
    file = STATIC / "words" / language / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def literals(path: Path) -> Iterator[tuple[str, bool, bool]]:
    """Every string of a script: its text, whether it goes to T.t or T.n, and whether a visitor sees it."""
    yield from Scanner(path.read_text(encoding="utf-8")).found


def asked(path: Path) -> set[str]:
    return {text for text, spoken, _ in literals(path) if spoken}


def raw(path: Path) -> list[str]:
    return [text for text, spoken, shown in literals(path) if shown and not spoken and english(text)]


def english(text: str) -> bool:
    return any(re.search("[a-z]{2}", word) and word not in KNOWN for word in re.findall("[A-Za-z]+", text))


class Scanner:
    """Reads JavaScript just far enough to know in which argument or property a string stands."""

    def __init__(self, source: str) -> None:
        self.source, self.found = source, []
        self._read(0, [("file", "", 0, "")])

    def _read(self, i: int, frames: list[tuple[str, str, int, str]]) -> int:
        """Reads on from i. A frame: its kind, the function or property, the argument, and what came first in it."""
        source, depth = self.source, len(frames)
        while i < len(source):
            c = source[i]
            kind, name, place, first = frames[-1]
            if source.startswith("//", i):
                i = source.find("\n", i) if "\n" in source[i:] else len(source)
            elif source.startswith("/*", i):
                i = source.index("*/", i) + 2
            elif c == "/" and re.search(r"(?:^|[(,=:\[!&|?{};]|=>|return)\s*$", source[max(0, i - 20) : i]):
                i = re.compile(r"/(?:\\.|\[(?:\\.|[^\]])*\]|[^/\\])+/\w*").match(source, i).end()
            elif c in "\"'":
                end = re.compile(rf"{c}(?:\\.|[^{c}\\])*{c}").match(source, i).end()
                key = re.compile(r"\s*:").match(source, end) and kind == "{" and re.search(r"[{,]\s*$", source[:i])
                text = source[i + 1 : end - 1].replace('\\"', '"')
                if key:
                    frames[-1] = (kind, text, place, first)
                else:
                    self._found(text, i, frames)
                    if kind == "(" and place == 0:
                        frames[-1] = (kind, name, place, text)
                i = end
            elif c == "`":
                i = self._template(i, frames)
            elif c in "([{":
                called = re.search(r"([\w.?]+)\s*$", source[max(0, i - 60) : i]) if c == "(" else None
                frames.append((c, called[1] if called else "", 0, ""))
                i += 1
            elif c in ")]}":
                if len(frames) == depth:
                    return i
                frames.pop()
                i += 1
            else:
                if c == "," and kind == "(":
                    frames[-1] = (kind, name, place + 1, first)
                elif (
                    kind == "{" and (word := re.compile(r"(\w+)\s*:").match(source, i)) and not source[i - 1].isalnum()
                ):
                    frames[-1] = (kind, word[1], place, first)
                i += 1
        return i

    def _template(self, i: int, frames: list[tuple[str, str, int, str]]) -> int:
        start, text = i, ""
        i += 1
        while self.source[i] != "`":
            if self.source.startswith("${", i):
                i = self._read(i + 2, [*frames, ("${", "", 0, "")][: len(frames) + 1]) + 1
            else:
                text += self.source[i]
                i += 1
        self._found(text, start, frames)
        return i + 1

    def _found(self, text: str, i: int, frames: list[tuple[str, str, int, str]]) -> None:
        kind, name, place, first = next(frame for frame in reversed(frames) if frame[0] != "${")
        before = self.source[max(0, i - 300) : i]
        spoken = kind == "(" and ((name == "T.t" and place == 0) or (name == "T.n" and place in (1, 2)))
        put = re.search(r"\.(textContent|title|alt|placeholder)\s*=(?!=)([^;]*)$", before)
        shown = (
            (kind == "(" and name in ("el", "T.el") and place >= 2)
            or (kind == "(" and name in ("Error", "T.say", "T.slider", "button") and place == 0)
            or (kind == "(" and name == "T.segmented" and place == 1)
            or (kind == "(" and name.endswith("setAttribute") and place == 1 and first in SHOWN)
            or (kind == "{" and name in SHOWN)
            or (put and put[2].count("(") == put[2].count(")"))
        )
        self.found.append((text, spoken, bool(shown) and not re.search(r"[=!]==?\s*$", before)))


def test_the_scanner_sees_what_a_visitor_sees(tmp_path: Path):
    script = tmp_path / "one.js"
    script.write_text(
        'const a = el("p", { class: "of style", title: "A hint" }, '
        '"Raw words", T.t("Said {n}"), `${n ? "many of" : ""} more`);\n'
        'b.textContent = done ? "All done" : T.n(2, "{n} one", "{n} two"); // "not this"\n'
        'c.setAttribute("aria-label", "A name"); if (/"x/.test(kind === "some kind")) fetch("no words");\n'
        'd.title = e.includes("no word") ? "Some words" : "";\n'
    )
    assert raw(script) == ["A hint", "Raw words", "many of", " more", "All done", "A name", "Some words"]
    assert asked(script) == {"Said {n}", "{n} one", "{n} two"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_shows_raw_english(name: str):
    assert raw(STATIC / f"{name}.js") == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SCRIPTS)
def test_every_sentence_has_its_words_and_none_is_left_over(name: str, language: str):
    table, shared = words(language, name), words(language, "core")
    keys = asked(STATIC / f"{name}.js")
    assert sorted(keys - set(table) - set(shared)) == []
    if name != "core":
        assert sorted(set(table) - keys) == []
    else:
        assert sorted(set(table) - {key for one in SCRIPTS for key in asked(STATIC / f"{one}.js")}) == []


def test_the_static_page_speaks_as_the_demo_does():
    sentences = {"This device", (REPOSITORY / "export/targets/web.py").read_text().split('REASON = "')[1].split('"')[0]}
    for language in LANGUAGES:
        table = json.loads((PAGE / "words" / f"{language}.json").read_text(encoding="utf-8"))
        keys = {key for name in OF_PAGE for key in asked(PAGE / f"{name}.js")} | sentences
        assert sorted(keys - set(table) - set(words(language, "core"))) == []
        assert sorted(set(table) - keys) == []
        assert all(differs(key, value) == [] for key, value in table.items())
    assert {name: raw(PAGE / f"{name}.js") for name in OF_PAGE if raw(PAGE / f"{name}.js")} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_keep_the_names_and_say_one_thing(language: str):
    tables = {file.stem: words(language, file.stem) for file in (STATIC / "words" / language).iterdir()}
    assert set(tables) <= {*SCRIPTS, *ELSEWHERE}
    said: dict[str, str] = {}
    for name, table in tables.items():
        for key, value in table.items():
            assert differs(key, value) == [], (name, key)
            if name != "page":  # those are looked up apart
                assert said.setdefault(key, value) == value, (name, key)


def differs(key: str, value: str) -> list[str]:
    return sorted(set(NAMES.findall(key)) ^ set(NAMES.findall(value))) + ([] if value.strip() else ["empty"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_for_the_tabs_are_those_of_the_tabs(language: str):
    tabs = set(re.findall(r'gr\.Tab\(SPEECH\("(\w+)"\)', (REPOSITORY / "demo" / "page.py").read_text()))
    assert len(tabs) >= 4 and set(words(language, "page")) == {*tabs, "Use via API", "Settings"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_server_says_is_said_in_these_words(language: str):
    """Each English sentence stands in the source of what is served, with the same gaps."""
    files = [
        *(path for room in ("bundle", "demo") for path in (REPOSITORY / room).rglob("*.py")),
        *(STATIC / f"{name}.js" for name in DEVICE),
    ]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    table = words(language, "server") | words(language, "worker")
    assert set(ABOUT.values()) <= set(table)
    unsaid = [
        key for key in table if not re.search(r"\$?\{[^\n]*?\}".join(map(re.escape, NAMES.split(key)[::2])), source)
    ]
    assert unsaid == []
    thrown = {text for name in DEVICE for text in raw(STATIC / f"{name}.js")}
    assert sorted(thrown - {NAMES.sub("", key) for key in words(language, "worker")}) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_of_the_released_bundles_have_words(language: str):
    table = words(language, "quality")
    labels = {label for file in (REPOSITORY / "artifacts").glob("*/bundle.json") for label in labels_of(file)}
    labels.add(NOTE)  # of bundles that people shrink
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
        *index["training"],
    }
