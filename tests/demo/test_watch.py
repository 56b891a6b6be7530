"""Watching a run: what a run folder shows, the page about it, and the command that serves it until its starter goes."""

import io
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from bundle.images import png
from bundle.training_status import OWNER, Expected, Status, write_status
from demo import watch
from demo.make.run_view import is_alive, run_view
from tests.support.server import free_port

REPOSITORY = Path(__file__).resolve().parents[2]


def status(**changes: object) -> Status:
    said = {
        "stage": "gan",
        "number": 1,
        "of": 2,
        "state": "training",
        "images": 640,
        "planned": 64_000,
        "rate": 90.0,
        "seconds": 8.0,
        "left": 700.0,
        "left_for_all": 900.0,
        "warnings": {"collapse": "possible mode collapse …"},
        "pid": os.getpid(),
        "expected": Expected(images=64_000, enough_for="rough shapes", is_enough=False),
    }
    return Status.model_validate(said | changes)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder as a training of a VAE and a GAN leaves it on its way: pictures of 12 x 8 pixels."""
    folder = tmp_path / "leaves"
    row = np.arange(4 * 12 * 8 * 3, dtype=np.uint8).reshape(12, 4 * 8, 3)
    for stage, name in (("vae", "held-out.png"), ("vae", "000000640-3.0s.png"), ("gan", "000000064-1.5s.png"),
                        ("gan", "000000640-8.0s.png")):  # fmt: skip
        path = folder / stage / "snapshots" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(row))
    (folder / "gan" / "samples").mkdir()
    (folder / "gan" / "samples" / "000000640.png").write_bytes(png(row))
    lines = [{"images": n, "critic": 1 / n, "seconds": n} for n in (64, 128, 640)]
    (folder / "gan" / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "run.json").write_text(json.dumps({"data": {"height": 12, "width": 8}}))
    write_status(folder, status())
    return folder


def test_a_run_is_shown_as_far_as_it_is(run: Path):
    found = run_view(run)
    vae, gan = found["stages"]
    assert found["alive"] and found["size"] == [12, 8] and found["status"]["expected"]["enough_for"] == "rough shapes"
    assert vae["name"] == "vae" and vae["held_out"] and [snapshot[:2] for snapshot in vae["snapshots"]] == [[640, 3.0]]
    assert [snapshot[:2] for snapshot in gan["snapshots"]] == [[64, 1.5], [640, 8.0]]
    assert [sheet[0] for sheet in gan["sheets"]] == [640] and not gan["held_out"]


@pytest.mark.parametrize(
    ("changes", "alive"), [({}, True), ({"state": "finished"}, False), ({"state": "stopped"}, False)]
)
def test_a_training_that_has_ended_is_not_alive(run: Path, changes: dict, alive: bool):
    assert is_alive(status(**changes), run) is alive


def test_a_training_whose_process_is_gone_is_not_alive(run: Path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    os.utime(run / "status.json", (0, 0))
    assert not is_alive(status(pid=gone.pid), run)


def test_a_training_that_was_killed_is_not_alive_when_another_process_has_its_number(run: Path):
    os.utime(run / "status.json", (0, 0))
    assert not is_alive(status(), run)
    (run / OWNER).touch()  # it is measuring
    assert is_alive(status(state="measuring"), run)


def test_a_folder_in_which_nothing_was_stored_yet_is_empty(tmp_path: Path):
    assert run_view(tmp_path) == {"status": None, "alive": False, "size": None, "stages": []}


def test_the_page_shows_the_run_and_changes_nothing(run: Path):
    client = TestClient(watch.app(run), base_url="http://127.0.0.1")
    page = client.get("/")
    assert "leaves · Twofold" in page.text and "default-src 'none'" in page.headers["Content-Security-Policy"]
    script = client.get("/page/watch.js").text
    assert "T.runView" in script and "T.makeKeep" not in script
    assert "还在" not in client.get("/page/words.xx.js").text and client.get("/page/words.zh-CN.js").status_code == 200
    assert ".tf-snapshots" in client.get("/page/watch.css").text and "dark" in client.get("/page/theme.js").text
    assert client.get("/run").json()["stages"][1]["name"] == "gan"
    assert client.get("/run/curves/gan").json()["images"] == [64, 128, 640]
    row = Image.open(io.BytesIO(client.get("/run/snapshots/gan/640.png").content))
    assert row.size == (32, 12)
    assert client.get("/run/moments/gan/640.png").content == client.get("/run/snapshots/gan/640.png").content
    assert (
        client.get("/run/held-out/vae/0.png").status_code == client.get("/run/samples/gan/640.png").status_code == 200
    )
    for path in ("/run/samples/gan/1.png", "/run/samples/..%2fgan/640.png", "/run/config/gan/640.png", "/page/app.py",
                 "/page/..%2f..%2fapp.py", "/run/curves/nothing"):  # fmt: skip
        assert client.get(path).status_code == 404, path
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, "/run").status_code == 405


def test_a_picture_of_a_run_is_kept_until_another_takes_its_place(run: Path):
    client = TestClient(watch.app(run), base_url="http://127.0.0.1")
    vae, gan = client.get("/run").json()["stages"]
    pictures = {
        "/run/held-out/vae/0.png": vae["held_out"],
        "/run/snapshots/gan/64.png": gan["snapshots"][0][2],
        "/run/samples/gan/640.png": gan["sheets"][0][1],
    }
    for path, version in pictures.items():
        assert "max-age" in client.get(f"{path}?v={version}").headers["Cache-Control"]
        assert client.get(path).headers["Cache-Control"] == "no-cache"
    for file in run.rglob("*.png"):
        os.utime(file, (0, 0))
    assert {client.get(f"{path}?v={v}").headers["Cache-Control"] for path, v in pictures.items()} == {"no-cache"}


def test_the_page_is_for_this_machine_alone(run: Path):
    """A page of another site, whose name leads here, learns nothing."""
    assert TestClient(watch.app(run), base_url="http://elsewhere.example").get("/run").status_code == 400


@pytest.mark.serving
def test_the_page_is_served_until_who_started_it_goes(run: Path):
    words = [sys.executable, "-m", "demo.watch", str(run), "--port", str(free_port()), "--until-closed"]
    with subprocess.Popen(words, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin and server.stdout
        address = server.stdout.readline().removeprefix("Watch it at ").strip()
        tunnel = server.stdout.readline()
        assert f"-L {address.rpartition(':')[2]}:127.0.0.1:" in tunnel
        for _ in range(50):
            try:
                with urllib.request.urlopen(f"{address}/run", timeout=5) as answer:
                    assert json.load(answer)["alive"]
                break
            except OSError:
                continue
        server.stdin.close()
        assert server.wait(30) == 0
