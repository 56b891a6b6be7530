"""The documents are true: links lead somewhere, files are there, figures and commands are those of the bundles."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.figures import headlines
from bundle.quality_section import figure_rows
from bundle.read import read
from export.report import overview
from tests.support.released import NAMES

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


def test_the_names_that_the_architecture_points_to_are_there():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    found = re.findall(r"((?:`\w+`(?: and )?)+) in \[([\w/.]+)\]", text)
    assert len(found) > 3
    for names, path in found:
        source = (ROOT / path).read_text(encoding="utf-8")
        for name in re.findall(r"\w+", names.replace(" and ", " ")):
            assert f"def {name}(" in source, (name, path)


def test_the_documents_link_to_each_other():
    """Whoever reads the README finds every other document from it, by one or two links."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document not in reached and document.suffix == ".md" and document.exists():
            reached.add(document)
            waiting += [(document.parent / address.partition("#")[0]).resolve() for address in links(document)]
    assert set(DOCUMENTS) <= reached


def test_the_figures_of_mnist_are_those_that_the_bundle_keeps():
    quality = read(ROOT / "artifacts" / "mnist").info.quality
    assert quality is not None
    text = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    for row in figure_rows(headlines(quality)):
        assert row in text


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_has_a_line_of_every_bundle(name: str):
    line = overview([read(ROOT / "artifacts" / name).info]).splitlines()[-1].replace("](#", "](artifacts/REPORT.md#")
    assert line in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_commands_that_made_mnist_are_quoted():
    text = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    for training in read(ROOT / "artifacts" / "mnist").info.training.values():
        for command in training.command.split(" && "):
            assert f"    {command.replace(' --data mnist', '')}\n" in text
