"""The documents are true: every link leads somewhere, and every file that they name is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "deploy" / "README.md"])
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")


def links(document: Path) -> Iterator[str]:
    """The addresses of a document's links and pictures, those of the web left out."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for found in LINK.finditer(text):
        address = found[1] or found[2]
        if not re.match(r"[a-z]+:", address):
            yield address


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them, and those that it sets itself."""
    text = document.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r"<a id=\"([^\"]+)\"", text))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(document: Path):
    for address in links(document):
        place, _, anchor = address.partition("#")
        target = (document.parent / place).resolve() if place else document
        assert target.exists(), address
        if anchor:
            assert anchor in anchors(target), address


def test_the_documents_link_to_each_other():
    """Whoever reads the README finds every other document from it, by one or two links."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document not in reached and document.suffix == ".md" and document.exists():
            reached.add(document)
            waiting += [(document.parent / address.partition("#")[0]).resolve() for address in links(document)]
    assert set(DOCUMENTS) <= reached
