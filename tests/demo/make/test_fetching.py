"""Pictures that the server fetches itself, by the real process: a folder, a ready set; stopped, refused."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.make.fetching import FETCHED, READY, count_in, files_in, ready_sets
from demo.make.limits import ANYONE, OWN_MACHINE
from tests.support.make_page import OWN_PAGE, Page
from tests.support.pictures import draw_folder


def wait(page: Page, name: str, done: Callable[[dict], bool]) -> dict:
    until = time.monotonic() + 90
    while not done(fetch := page.client.get(f"/make/{name}/source").json()["fetch"]):
        assert time.monotonic() < until, fetch
        time.sleep(0.1)
    return fetch


def test_what_was_read_is_counted_as_it_is_stored(tmp_path: Path):
    assert count_in(tmp_path / "none") == 0
    for name in ("a/1.png", "a/2.png", "b/3", "metadata.csv", "README.md", "croissant.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert count_in(tmp_path) == len(files_in(tmp_path)) == 4


def is_over(fetch: dict) -> bool:
    return fetch["state"] not in ("reading", "storing")


@pytest.mark.slow
def test_a_folder_comes_with_its_classes(tmp_path: Path):
    draw_folder(tmp_path / "set", 30)
    names = [path.relative_to(tmp_path / "set").as_posix() for path in (tmp_path / "set").rglob("*.png")]
    rows = [f"{name},{'abc'[i % 3]}" for i, name in enumerate(names)]
    (tmp_path / "set" / "metadata.csv").write_text("\n".join(["file_name,style", *rows]))
    page = Page(tmp_path / "home")
    name = page.project_of(0)
    assert page.client.get(f"/make/{name}/source").json() == {"fetch": None}
    assert page.post(f"/{name}/source?path={tmp_path / 'set'}").status_code == 200
    fetch = wait(page, name, is_over)
    assert (fetch["state"], fetch["stored"], fetch["refused"]) == ("done", 30, {}), fetch
    assert any("the column style is no attribute: it holds 3 different words" in note for note in fetch["notes"])
    assert page.pictures(name)["classes"] == ["bar", "disc", "square"]
    assert not (page.maker.projects.folder(name) / FETCHED).exists()


@pytest.mark.slow
def test_drawn_shapes_come_with_classes_and_attributes_and_can_be_stopped(tmp_path: Path):
    page = Page(tmp_path / "home")
    name = page.project_of(0)
    assert page.post(f"/{name}/source?ready=shapes").status_code == 200
    wait(page, name, lambda fetch: fetch["stored"] > 130)
    stopped = page.client.delete(f"/make/{name}/source", headers=OWN_PAGE).json()["fetch"]
    assert stopped["state"] == "stopped" and 130 < stopped["stored"] < READY["shapes"].most
    found = page.pictures(name)
    assert set(found["classes"]) <= {"ellipse", "heart", "square", "triangle"}
    assert len(found["files"]) == stopped["stored"] and "colour" in {one["name"] for one in found["columns"]}
    assert not (page.maker.projects.folder(name) / FETCHED).exists()


@pytest.mark.slow
def test_what_the_process_says_is_told(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    page = Page(tmp_path / "home")
    name = page.project_of(0)
    page.post(f"/{name}/source?path={tmp_path / 'empty'}")
    fetch = wait(page, name, is_over)
    assert fetch["state"] == "failed" and fetch["error"].endswith("is empty: it holds no picture.")
    page.post(f"/{name}/source?path={tmp_path / 'empty'}")  # another try is possible
    assert page.client.delete(f"/make/{name}", headers=OWN_PAGE).status_code == 200
    assert not any((tmp_path / "home").iterdir())


@pytest.mark.parametrize("source", ["~nobody-of-this-name/x", "x" * 5000, "a/%00"])
def test_what_can_be_no_folder_is_said_not_to_be_here(tmp_path: Path, source: str):
    page = Page(tmp_path)
    answer = page.post(f"/{page.project_of(0)}/source?path={source}")
    assert answer.status_code == 400 and "is not on this machine" in answer.text


def test_strangers_get_no_sets_from_the_hub():
    assert "shapes" in ready_sets(ANYONE) and not any(READY[name].hub for name in ready_sets(ANYONE))
    assert set(ready_sets(ANYONE)) <= set(ready_sets(OWN_MACHINE)) <= set(READY)


def test_an_unknown_ready_set_is_refused(tmp_path: Path):
    page = Page(tmp_path)
    assert "no such ready set" in page.post(f"/{page.project_of(0)}/source?ready=none").text
