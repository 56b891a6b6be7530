"""The projects of Make beside each other: which are shown, in which order, and how many there may be."""

import json
import threading
from pathlib import Path

from demo.make.limits import MakeLimits
from demo.make.projects import Projects
from tests.support.make_page import OWN_PAGE, Page

TINY = MakeLimits(1_000_000, 200_000, 60, 10, 2)


def test_a_damaged_project_is_shown_and_can_be_deleted(tmp_path: Path):
    page = Page(tmp_path)
    good, bad = (page.post(f"?title={title}").json()["name"] for title in ("Good", "Bad"))
    (tmp_path / bad / "project.json").write_text("{")
    sound, damaged = page.client.get("/make").json()["projects"]
    assert (sound["name"], damaged["name"]) == (good, bad) and damaged.keys() == sound.keys()
    assert damaged["state"] == "failed" and "is damaged: delete" in damaged["error"]
    assert page.client.get(f"/make/{bad}/keep").status_code == 200
    assert page.client.delete(f"/make/{bad}", headers=OWN_PAGE).status_code == 200
    assert page.maker.projects.names() == [good] and not (tmp_path / bad).exists()


def test_a_project_of_a_size_that_is_not_known_hides_no_other(tmp_path: Path):
    page = Page(tmp_path)
    good, bad = (page.post(f"?title={title}").json()["name"] for title in ("Good", "Bad"))
    file = tmp_path / bad / "project.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"size": 256, "proportions": "4:3"}))
    sound, damaged = page.client.get("/make").json()["projects"]
    assert (sound["name"], damaged["name"]) == (good, bad) and "is damaged" in damaged["error"]


def test_words_of_an_older_project_and_of_an_older_page_are_the_description(tmp_path: Path):
    page = Page(tmp_path)
    name = page.post("?title=Discs").json()["name"]
    file = tmp_path / name / "project.json"
    told = json.loads(file.read_text())
    del told["description"]
    file.write_text(json.dumps(told | {"words": "Drawn by me."}))
    assert page.client.get(f"/make/{name}").json()["description"] == "Drawn by me."
    asked = {"title": "Discs", "words": "Drawn anew."}
    assert page.client.post(f"/make/{name}/describe", json=asked, headers=OWN_PAGE).status_code == 200
    assert json.loads(file.read_text())["description"] == "Drawn anew."


def test_the_newest_project_comes_first_whatever_they_are_called(tmp_path: Path):
    projects = Projects(tmp_path)
    made = [projects.create("Discs") for _ in range(12)]
    assert projects.names() == made[::-1]


def test_no_more_projects_than_allowed_are_made_at_once(tmp_path: Path):
    page, answers = Page(tmp_path, TINY), []
    threads = [threading.Thread(target=lambda: answers.append(page.post("?title=Discs").status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * TINY.projects + [400] * (8 - TINY.projects)
    assert len(page.maker.projects.names()) == TINY.projects
