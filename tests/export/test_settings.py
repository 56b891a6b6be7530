"""The command line of export: help texts, and flags of before."""

import re
from pathlib import Path
from typing import get_args

import pytest

from bundle.schema import GRAPHS
from export.__main__ import main
from export.graphs import STAGE_GRAPHS
from export.settings import GraphName, without_aliases

COMMANDS = (
    "bundle", "graph", "check", "report", "shrink", "training-codes", "class-directions", "unpack", "triton", "space",
    "web", "blend", "attribute-directions",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_help_breaks_no_line_in_mid_sentence(command: str, capsys: pytest.CaptureFixture[str], monkeypatch):
    """Where a terminal is wide enough, each text is one line: it ends with its default, or as a sentence does."""
    monkeypatch.setenv("COLUMNS", "2000")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    lines = [line.strip("│╭╰─╮╯ ") for line in capsys.readouterr().out.splitlines()]
    texts = [line for line in lines if re.search(r"[a-z]{2} [a-z]", line) and not line.startswith(("usage:", "-h,"))]
    titles = {"positional arguments"}
    assert len(texts) > 2
    for text in texts:
        assert text in titles or text.endswith((".", ")")), text


def test_every_graph_of_the_format_can_be_exported_alone():
    graphs = {name for names in STAGE_GRAPHS.values() for name in names}
    assert set(get_args(GraphName)) == graphs == set(GRAPHS)


def test_older_names_of_commands_and_flags_go_on_working():
    assert without_aliases(["training", "training", "--data", "training"]) == [
        "training-codes", "training", "--data", "training"
    ]  # fmt: skip
    assert [without_aliases([old]) for old in ("directions", "attributes")] == [
        ["class-directions"], ["attribute-directions"]
    ]  # fmt: skip
    assert without_aliases([]) == []
    words = ["bundle", "run", "out", "--form", "int8", "--form=fp16", "--title", "form"]
    assert without_aliases(words) == [
        "bundle", "run", "out", "--precision", "int8", "--precision=fp16", "--title", "form"
    ]  # fmt: skip


def test_the_version_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert main(["--version"]) == 0
    assert re.fullmatch(r"twofold \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)
