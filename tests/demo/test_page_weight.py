"""What a browser has to load before it sees anything, with the released bundles."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bundle.sessions import choose_provider
from demo import static_files
from demo.serving.served_bundle import open_bundles
from tests.support.demo_page import launched

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
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


def test_comments_stay_behind_and_nothing_else_does():
    for path in static_files.STATIC.rglob("*.js"):
        source = path.read_text(encoding="utf-8")
        for comment in static_files.COMMENT.finditer(source):
            before = static_files.without_comments(source[: comment.start()])
            assert before.count("`") % 2 == 0, (path, comment[0])  # in no template literal
        kept = [line for line in source.splitlines() if not line.lstrip().startswith("//")]
        assert static_files.without_comments(source).splitlines() == kept, path


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
