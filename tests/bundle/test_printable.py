"""Names and terminals that know no UTF-8."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundle.errors import UserError, first_line
from bundle.exit_codes import exit_code
from bundle.printable import printable
from bundle.read import read
from train.data.dataset import DataInfo
from train.run_folder import bind_data, data_of, read_json, write_json

REPOSITORY = Path(__file__).resolve().parents[2]
ODD = os.fsdecode(b"caf\xe9")  # Latin-1


def test_what_is_no_utf_8_is_escaped():
    assert printable(ODD) == "caf\\udce9" and printable("Käse 🧀") == "Käse 🧀"


def test_a_sentence_for_a_user_can_be_sent_whatever_it_quotes():
    assert str(UserError("There is no 'Käse\ud800'.")) == "There is no 'Käse\\ud800'."


def test_commands_to_the_terminal_are_escaped(broken_bundle: Path, capsys: pytest.CaptureFixture[str]):
    odd, shown = "a\x1b]0;owned\x07\x9b2J\x7f\tb\n", "a\\x1b]0;owned\\x07\\x9b2J\\x7f\tb\n"
    assert printable(odd) == shown
    index = json.loads((broken_bundle / "bundle.json").read_text())
    index["dataset"] |= {"source": odd}
    (broken_bundle / "bundle.json").write_text(json.dumps(index))
    assert read(broken_bundle).info.dataset.source == shown
    assert first_line(ValueError(odd)) == shown.strip()

    def work() -> None:
        raise UserError(odd)

    assert exit_code(work, "") == 2
    assert capsys.readouterr().err == f"error: {shown}\n"


@pytest.mark.parametrize("encoding", ["ascii:strict", "cp1252", "utf-8"])
def test_commands_print_whatever_the_terminal_knows(encoding: str):
    code = """if True:
        import sys
        from bundle.exit_codes import exit_code
        from bundle.errors import UserError
        def work():
            print("→ caf\\udce9 汉")
            raise UserError("no caf\\udce9 → here")
        sys.exit(exit_code(work, ""))
    """
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, env=environment, timeout=60)
    assert done.returncode == 2 and b"caf\\udce9" in done.stdout
    assert done.stderr.startswith(b"error: no caf\\udce9 ") and b"Traceback" not in done.stderr


def test_a_run_keeps_them(tmp_path: Path):
    write_json(tmp_path / "config.json", {"data": ODD, "title": "Käse"})
    assert read_json(tmp_path / "config.json") == {"data": ODD, "title": "Käse"}
    assert "Käse" in (tmp_path / "config.json").read_text(encoding="utf-8")
    info = DataInfo(printable(ODD), "t", "l", 1, 32, 32, (printable(ODD), "b"), 90, 10)
    bind_data(tmp_path, info)
    assert data_of(tmp_path) == info and json.loads((tmp_path / "run.json").read_bytes())
