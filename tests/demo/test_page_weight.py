"""What a browser has to load before it sees anything, with the released bundles."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bundle.sessions import choose_provider
from demo import static_files
from demo.serving.served_bundle import open_bundles
from tests.support.demo_page import launched

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
ACORN = Path(__file__).resolve().parents[1] / "browser" / "node_modules" / "acorn" / "dist" / "acorn.mjs"
# argv: acorn; stdin: [name, script, script]; stdout: the names of those whose two scripts are not the same tokens.
TOKENS = """
import { readFileSync } from "node:fs";
const { parse } = await import(process.argv[2]);
const tokens = (source) => {
    const found = [];
    parse(source, { ecmaVersion: "latest", sourceType: "module", allowReturnOutsideFunction: true, onToken: found });
    return found.map(({ type, value }) => `${type.label} ${value?.pattern ?? value}`).join("\\n");
};
const pairs = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(pairs.filter(([, one, other]) => tokens(one) !== tokens(other)).map(([name]) => name)));
"""
MOST = 60_000  # bytes of the page, and of its configuration, as a browser receives them …
MOST_PLAIN = 300_000  # … and uncompressed, which is what it has to parse
MOST_OF_ALL = 150_000  # bytes of the page with its scripts and facts, compressed


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A visitor of the server with the released bundles."""
    bundles, unavailable = open_bundles(ARTIFACTS, choose_provider("cpu"))
    assert len(bundles) >= 6 and not unavailable
    files = tmp_path_factory.mktemp("gradio")
    with launched(bundles, files=files) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def received(visitor: httpx.Client, path: str, encoding: str) -> tuple[int, str]:
    """The bytes on the wire, and the text that they hold."""
    with visitor.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
        text = "".join(answer.iter_text())
        assert answer.status_code == 200, path
        assert answer.headers.get("content-encoding", "identity") == encoding
        return answer.num_bytes_downloaded, text


@pytest.mark.parametrize("path", ["/", "/config"])
def test_the_page_and_its_configuration_are_light(visitor: httpx.Client, path: str):
    small, text = received(visitor, path, "gzip")
    plain, same = received(visitor, path, "identity")
    assert small <= MOST and plain <= MOST_PLAIN, (small, plain)
    assert len(text) == pytest.approx(len(same), abs=200)


def test_facts_and_scripts_come_once_and_may_be_kept_for_ever(visitor: httpx.Client):
    page, text = received(visitor, "/", "gzip")
    files = set(re.findall(r"page/\w+/\w+\.js", text))
    assert sorted(file.rpartition("/")[2] for file in files) == ["facts.js", "page.js"]
    assert page + sum(received(visitor, f"/{file}", "gzip")[0] for file in files) <= MOST_OF_ALL
    for file in files:
        assert "immutable" in visitor.get(f"/{file}").headers["cache-control"]
    title = visitor.get("/bundles/avatars/bundle.json").json()["title"]
    assert title not in text and sum(visitor.get(f"/{file}").text.count(f'"title":"{title}"') for file in files) == 1


def test_comments_and_indentation_stay_behind_and_nothing_else_does(tmp_path: Path):
    if shutil.which("node") is None or not ACORN.is_file():
        pytest.skip("Node.js or acorn is not installed (apt install nodejs; npm ci --prefix tests/browser)")
    (tmp_path / "tokens.mjs").write_text(TOKENS, encoding="utf-8")
    sources = {str(path): path.read_text(encoding="utf-8") for path in static_files.STATIC.rglob("*.js")}
    pairs = [[name, source, static_files.for_browsers(source)] for name, source in sources.items()]
    command = ["node", str(tmp_path / "tokens.mjs"), str(ACORN)]
    done = subprocess.run(command, input=json.dumps(pairs), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []  # files whose tokens changed
    assert sum(len(lean) for *_, lean in pairs) < 0.8 * sum(map(len, sources.values()))


def test_words_are_of_one_language_and_other_files_are_not_there(visitor: httpx.Client):
    version = static_files.version()
    for language, table in static_files.WORDS.items():
        words = visitor.get(f"/page/{version}/words.{language}.js").text
        assert all(sentence in words for sentence in list(table.values())[:20] if '"' not in sentence)
    for name in ("words.xx.js", "words..js", "core.js", "..%2f..%2fapp.py"):
        assert visitor.get(f"/page/{version}/{name}").status_code == 404, name


def test_a_page_of_another_server_gets_files_too_but_keeps_none(visitor: httpx.Client):
    for name in ("page.js", "words.zh-CN.js", "facts.js"):
        answer = visitor.get(f"/page/00000000/{name}")
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store", name


def test_pages_of_other_sites_cannot_load_the_facts(visitor: httpx.Client):
    answer = visitor.get("/page/00000000/facts.js")
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_live_pictures_are_sent_as_they_are(visitor: httpx.Client):
    answer = visitor.get("/live/mnist?f=raw", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers and len(answer.content) == 32 * 32
