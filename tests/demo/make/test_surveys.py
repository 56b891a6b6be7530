"""Surveys in the background: one that is superseded ends, and hands on what it has seen."""

import threading
import time
from pathlib import Path

import pytest

from demo.make import survey as surveying
from demo.make import surveys as module
from demo.make.projects import Projects
from demo.make.surveys import Surveys
from tests.support.make_page import Page


@pytest.fixture
def projects(tmp_path: Path) -> tuple[Projects, str]:
    page = Page(tmp_path / "home")
    return page.maker.projects, page.project_of(6)


def made(surveys: Surveys, name: str):
    until = time.monotonic() + 30
    while not (task := surveys.of(name)).made:
        assert time.monotonic() < until
        time.sleep(0.01)
    return task


def test_quick_choices_leave_one_survey_and_decode_nothing_twice(projects, monkeypatch: pytest.MonkeyPatch):
    store, name = projects
    surveys, decode, goes_on = Surveys(store), surveying.decode, threading.Event()
    decoded: list[object] = []

    def slow(source, *more):
        decoded.append(source)
        goes_on.wait(30)
        return decode(source, *more)

    first = made(surveys, name)
    monkeypatch.setattr(surveying, "decode", slow)
    file = first.result.files[0]
    for edge in (0.1, 0.2, 0.3):
        store.change(name, crops={file: (edge, 0, 1, 1)})
        surveys.of(name)
    goes_on.set()
    last = made(surveys, name)
    assert last.result.stamps[file][2] == (0.3, 0, 1, 1)
    assert len(decoded) <= 3  # the crop that changed, once for each survey that had begun; the other five never


def test_a_fault_of_ours_is_said_and_another_choice_is_surveyed(projects, monkeypatch: pytest.MonkeyPatch):
    store, name = projects
    surveys = Surveys(store)
    with monkeypatch.context() as patch:
        patch.setattr(module, "columns", lambda *_: 1 / 0)
        patch.setattr(threading, "excepthook", lambda _: None)
        assert made(surveys, name).error == module.FAILED
    store.change(name, size=32)
    assert made(surveys, name).result is not None


def test_pictures_that_would_fill_the_memory_need_a_smaller_size(projects, monkeypatch: pytest.MonkeyPatch):
    store, name = projects
    monkeypatch.setattr(surveying, "free_memory", lambda: 4 * 6 * 48 * 48 * 3)
    assert "choose a smaller size" in made(Surveys(store), name).error
    store.change(name, size=32)
    assert made(Surveys(store), name).result is not None


def test_a_lack_of_memory_that_has_passed_is_not_remembered(projects, monkeypatch: pytest.MonkeyPatch):
    store, name = projects
    surveys = Surveys(store)
    with monkeypatch.context() as patch:
        patch.setattr(surveying, "free_memory", lambda: 1)
        assert made(surveys, name).error == made(surveys, name).error != ""
    assert made(surveys, name).error  # not asked again at once
    monkeypatch.setattr(module, "AGAIN", 0.0)
    assert made(surveys, name).result is not None


def test_surveys_are_kept_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = Page(tmp_path)
    names, surveys = [page.project_of(2) for _ in range(3)], Surveys(page.maker.projects)
    monkeypatch.setattr(module, "KEPT_BYTES", made(surveys, names[0]).bytes)
    tasks = [made(surveys, name) for name in names]
    assert surveys.of(names[2]) is tasks[2] and surveys.of(names[1]) is tasks[1]
    assert surveys.of(names[0]) is not tasks[0]
