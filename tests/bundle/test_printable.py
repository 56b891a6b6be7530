"""Names and terminals that know no UTF-8."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundle.printable import printable
from train.data.dataset import DataInfo
from train.run_folder import bind_data, data_of, read_json, write_json

REPOSITORY = Path(__file__).resolve().parents[2]
ODD = os.fsdecode(b"caf\xe9")  # Latin-1


def test_what_is_no_utf_8_is_escaped():
    assert printable(ODD) == "caf\\udce9" and printable("Käse 🧀") == "Käse 🧀"


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
