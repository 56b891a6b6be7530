"""What a visitor chooses: as changes, so that two who choose at once do not undo each other; names of classes."""

import threading
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest

from bundle.errors import InputError
from demo.make.advice import advice
from demo.make.choices import MAX_CLASSES, chosen, read_choice
from demo.make.classes import class_counts, learned_classes
from demo.make.names import spelled_name
from demo.make.projects import SIZES, Project, Projects, Proportions
from train.picture_size import can_be_drawn

FILES = [f"{group}/{i:06d}.png" for group in ("cats", "dogs", "pictures") for i in range(1, 61)]
PROJECT = Project(title="t", created="2026-01-01T00:00:00+00:00")


def after(project: Project = PROJECT, **changes: Any) -> Project:
    return Project.model_validate(chosen(project, read_choice(changes), FILES))


def counts(project: Project) -> dict[str, int]:
    return class_counts(project, FILES)


def test_folders_are_classes_and_loose_pictures_are_in_none():
    assert counts(PROJECT) == {"": 60, "cats": 60, "dogs": 60}
    assert learned_classes(PROJECT, counts(PROJECT)) == ("cats", "dogs")
    assert learned_classes(after(use_classes=False), counts(PROJECT)) == ()


def test_pictures_are_sorted_into_new_renamed_deleted_and_empty_classes():
    named = after(classes={"birds": True})
    assert counts(named) == {"": 60, "birds": 0, "cats": 60, "dogs": 60}
    moved = after(named, class_of={"pictures/000001.png": "birds", "cats/000001.png": ""})
    assert counts(moved) == {"": 60, "birds": 1, "cats": 59, "dogs": 60}
    renamed = after(moved, classes={"cats": False, "Cats": True}, class_of=dict.fromkeys(FILES[1:60], "Cats"))
    assert counts(renamed) == {"": 60, "Cats": 59, "birds": 1, "dogs": 60}
    deleted = after(renamed, classes={"birds": False}, class_of={"pictures/000001.png": ""})
    assert "birds" not in counts(deleted)
    assert counts(after(moved, class_of={"cats/000001.png": None}))["cats"] == 60  # as its folder says again


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a/b", "letters, digits, spaces"),
        ("..", "letters, digits, spaces"),
        (" ", "letters, digits, spaces"),
        ("_MACOSX", "begins with a letter"),
        ("CATS", "There is a class cats already"),
        ("x" * 41, "at most 40 letters"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, words: str):
    with pytest.raises(InputError, match=words):
        after(classes={name: True})
    with pytest.raises(InputError, match=words):
        after(class_of={FILES[0]: name})


@pytest.mark.parametrize("name", ["nul", "CON", "Com1"])
def test_a_name_that_windows_gives_to_no_folder_is_refused(name: str):
    with pytest.raises(InputError, match=f"On Windows no class can be called {name}"):
        after(classes={name: True})
    assert spelled_name(name) == f"{name} 2" and name.lower() + "s" in counts(after(classes={name.lower() + "s": True}))


@pytest.mark.parametrize("name", ["猫", "हिन्दी", "Œuvre d-art_2", "train", "7"])
def test_a_name_of_any_script_can_be(name: str):
    assert name in counts(after(classes={name: True}))


def test_more_folders_than_classes_can_be_hinder_no_other_choice():
    files = [f"person {i}/000001.png" for i in range(MAX_CLASSES + 1)]

    def after(**changes: Any) -> Project:
        return Project.model_validate(chosen(PROJECT, read_choice(changes), files))

    assert after(use_classes=False).use_classes is False
    assert after(size=32).size == 32
    assert after(left_out={files[0]: True}).left_out == (files[0],)
    assert after(class_of=dict.fromkeys(files, "person 0")).class_of[files[1]] == "person 0"
    moved = Project.model_validate(chosen(PROJECT, read_choice({"class_of": {files[0]: "person 1"}}), files))
    undone = chosen(moved, read_choice({"class_of": {files[0]: None}}), files)
    assert not undone["class_of"]  # a folder's name is a class again
    with pytest.raises(InputError, match=f"at most {MAX_CLASSES} classes"):
        after(classes={"one more": True})


def test_what_a_training_rests_on_stays_once_it_has_begun():
    begun = PROJECT.model_copy(update={"state": "paused", "step": 1})
    for changes in ({"size": 32}, {"fit": "pad"}, {"use_classes": False}, {"proportions": "4:3"},
                    {"background": "#ff0000"}, {"attributes": ["age"]}):  # fmt: skip
        with pytest.raises(InputError, match="has begun"):
            after(begun, **changes)
    assert after(begun, size=begun.size).size == begun.size
    assert after(begun, left_out={FILES[0]: True}).left_out == (FILES[0],)
    assert after(begun, class_of={FILES[0]: "dogs"}).class_of == {FILES[0]: "dogs"}
    assert after(begun, crops={FILES[0]: [0, 0, 0.5, 0.5]}).crops


def test_parts_are_chosen_and_taken_back():
    cropped = after(crops={FILES[3]: [0.25, 0, 0.75, 0.5]})
    assert cropped.crops == {FILES[3]: (0.25, 0.0, 0.75, 0.5)}
    assert after(cropped, crops={FILES[3]: None}).crops == {}
    narrow = {FILES[3]: [0.5, 0.0, 0.5 + 1 / 512, 0.125]}  # a square part of a picture that is 64 times as wide as high
    assert after(crops=narrow).crops
    for bad in ([0.5, 0, 0.5, 1], [0.9, 0, 0.1, 1], [-1, 0, 1, 1], [0, 0, 1], ["a", 0, 1, 1], [float("nan"), 0, 1, 1]):
        with pytest.raises(InputError):
            after(crops={FILES[3]: bad})


def test_what_is_not_there_is_passed_over_and_what_is_unknown_refused():
    assert after(left_out={"cats/999999.png": True, FILES[0]: True}).left_out == (FILES[0],)
    with pytest.raises(InputError, match="size"):
        after(size="huge")
    with pytest.raises(InputError, match="no choice called state: take one of size, "):
        after(state="finished")


def test_every_size_and_proportion_can_be_drawn():
    for size in SIZES:
        for proportions in get_args(Proportions):
            project = after(size=size, proportions=proportions)
            wide, high = map(int, proportions.split(":"))
            height, width = project.sides
            assert max(height, width) == size and can_be_drawn(project.sides)
            assert width / height == pytest.approx(wide / high, rel=0.07)


def test_projects_of_one_title_are_told_apart_by_a_number(tmp_path: Path):
    projects = Projects(tmp_path)
    titles = [projects.get(projects.create(title)).title for title in ("Pets", "Pets", "Pets", "x" * 80, "x" * 80)]
    assert titles == ["Pets", "Pets 2", "Pets 3", "x" * 80, "x" * 78 + " 2"]


def test_two_visitors_at_once_do_not_undo_each_other(tmp_path: Path):
    projects = Projects(tmp_path)
    name = projects.create("Pets")

    def leave_out(files: list[str]) -> None:
        for file in files:
            choice = read_choice({"left_out": {file: True}})
            projects.update(name, partial(chosen, choice=choice, files=FILES))

    visitors = [threading.Thread(target=leave_out, args=(FILES[i::2],)) for i in range(2)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert projects.get(name).left_out == tuple(sorted(FILES))


# ------------------------------------------------------------------------------------------------ in words


def said(project: Project, files: list[str] = FILES, flags: dict[str, tuple[str, ...]] | None = None) -> str:
    return " ".join(advice(project, files, flags or {}))


def test_few_pictures_and_such_that_are_alike_are_told():
    assert "Too few pictures: 3; at least 20 are needed." in said(PROJECT, FILES[-3:])
    assert "40 pictures are too few for a GAN" in said(PROJECT, FILES[-40:])
    near_duplicates = {file: ("near_duplicate",) for file in FILES[-39:]}
    assert "All of these pictures look the same" in said(PROJECT, FILES[-40:], near_duplicates)
    some = {file: ("near_duplicate",) for file in FILES[:60]}
    assert "60 of 180 pictures look like another one" in said(PROJECT, FILES, some)
    assert "alike" not in said(PROJECT, FILES, {FILES[0]: ("near_duplicate",)})


def test_classes_that_lack_pictures_are_told():
    assert said(PROJECT) == "Not learned from, as they are in no class: 60. Sort them, or switch classes off."
    assert said(after(use_classes=False)) == ""
    empty = after(classes={"birds": True, "fish": True}, class_of={"pictures/000001.png": "fish"})
    assert "The class birds has no picture, so it is not learned" in said(empty)
    assert "The class fish has one picture only" in said(empty)
    all_out = after(left_out=dict.fromkeys(FILES[:60], True))
    assert "The class cats" not in said(all_out)  # nobody named it
    alone = after(class_of=dict.fromkeys(FILES[60:120], "cats"))
    assert "All are learned without classes" in said(alone)
