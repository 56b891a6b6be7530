"""Make in a real Chromium: pictures are brought, seen, cleaned and sorted, and a reload keeps everything."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from demo.make import survey
from demo.make.data_set import all_files
from demo.make.projects import Projects
from tests.browser.conftest import NARROW
from tests.browser.test_everyone import AXE, CHECK, CLIPPED, HOW_TO_GET_IT, OUTSIDE, travel
from tests.support.make_tab import DROP, class_count, make_tab, mode, new_project, picture, settled, tiles

Page = Any  # playwright's, which need not be installed


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 14 cats and 12 dogs: one cat twice, one dog blurred, and a table."""
    folder = tmp_path_factory.mktemp("pets")
    for kind, count in (("cats", 13), ("dogs", 11)):
        (folder / kind).mkdir()
        for i in range(count):
            (folder / kind / f"{i:02d}.png").write_bytes(picture(i + (100 if kind == "dogs" else 0)))
    (folder / "cats" / "13.png").write_bytes(picture(3) + b" ")
    (folder / "dogs" / "11.png").write_bytes(picture(120, blurred=True))
    lines = ["file_name,weight,kind", *(f"cats/{i:02d}.png,{i / 3:.2f},{'ab'[i % 2]}" for i in range(14))]
    (folder / "metadata.csv").write_text("\n".join(lines))
    return folder


def test_pictures_are_brought_cleaned_sorted_and_kept(visit, projects: Projects, pets: Path):
    page = visit(refused="/choice")
    new_project(page)
    page.get_by_role("textbox", name="Name", exact=True).first.fill("Pets")
    page.locator("input[webkitdirectory]").set_input_files(str(pets))
    page.get_by_text("26 pictures have arrived. 1 table came with them.").wait_for()
    page.get_by_text("26 pictures are chosen.").wait_for()
    assert page.locator(".tf-make-heading").all_inner_texts() == ["cats", "dogs"]
    assert "26 pictures are too few for a GAN" in page.locator(".tf-make-choose .tf-make-advice").inner_text()
    assert page.get_by_text("Attributes and columns: 0 of 0 attributes are learned").is_visible()  # of 26 pictures

    # One click leaves out what is marked; Undo takes it back.
    page.get_by_role("button", name="Leave out all marked").click()
    page.get_by_text("24 pictures are chosen; 2 are left out.").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("26 pictures are chosen.").wait_for()
    page.get_by_role("radio", name="Near duplicates 1").check()
    assert tiles(page).count() == 1
    page.get_by_role("button", name="Leave out all marked").click()
    page.get_by_role("radio", name="All 26").check()
    settled(page, projects, lambda project: len(project.left_out) == 1)

    # Classes: new ones, by selection and by dragging, renamed, deleted, left empty.
    page.get_by_role("button", name="New class").click()
    page.keyboard.type("kittens")
    page.keyboard.press("Enter")
    page.get_by_text("The class kittens has no picture, so it is not learned").wait_for()
    mode(page, "selects it")
    tiles(page).nth(0).click()
    tiles(page).nth(2).click(modifiers=["Shift"])
    page.get_by_text("3 pictures are selected").wait_for()
    page.locator(".tf-make-class[data-name='kittens']").click()
    assert (class_count(page, "kittens"), class_count(page, "cats")) == (3, 10)
    tiles(page).nth(0).drag_to(page.locator(".tf-make-class[data-name='dogs']"))
    page.wait_for_function("document.querySelector(\"[data-name='dogs'] small\").textContent === '13'")
    page.get_by_role("button", name="Rename kittens").click()
    page.keyboard.type("a/b")
    page.keyboard.press("Enter")
    page.get_by_text("A class may be named with letters, digits").wait_for()
    page.get_by_role("button", name="Rename kittens").click()
    page.keyboard.type("young ones")
    page.keyboard.press("Enter")
    page.locator(".tf-make-class[data-name='young ones']").wait_for()
    a_class_that_is_shown_alone_stays_in_sight(page)
    project = settled(page, projects, lambda project: "young ones" in project.classes)
    assert list(project.class_of.values()).count("young ones") == 3

    # The same by keyboard alone: the arrows reach a picture, Space selects it, Enter on the name puts it there.
    tiles(page).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.locator(".tf-make-class[data-name='young ones']").focus()
    page.keyboard.press("Enter")
    settled(page, projects, lambda project: list(project.class_of.values()).count("young ones") == 4)
    page.get_by_role("button", name="Delete the class young ones").click()
    settled(page, projects, lambda project: "young ones" not in project.classes)
    page.get_by_text("Not learned from, as they are in no class: 4.").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.locator(".tf-make-class[data-name='young ones']").wait_for()

    # Size, proportions, background; then the part of one picture, by keyboard.
    page.get_by_role("radiogroup", name="Proportions").get_by_role("radio", name="4:3").check()
    page.get_by_text("64 × 48 pixels").wait_for()
    page.get_by_role("radiogroup", name="Size").get_by_role("radio", name="32").check()
    page.get_by_text("32 × 24 pixels").wait_for()
    mode(page, "crops it")
    before = tiles(page).first.evaluate("e => e.style.backgroundImage")
    tiles(page).first.click()
    dialog = page.get_by_role("dialog", name="Crop by hand")
    page.wait_for_function("document.activeElement.classList.contains('tf-crop-frame')")
    for key in ("+", "+", "+", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    dialog.get_by_role("button", name="Use this part").click()
    dialog.get_by_role("button", name="Close").click()
    page.wait_for_function("([b]) => document.querySelector('.tf-make-tile').style.backgroundImage !== b", arg=[before])
    (part,) = settled(page, projects, lambda project: project.crops).crops.values()
    assert part[2] - part[0] == pytest.approx(1 / 1.331, abs=0.03) and part[0] < 0.12

    # The command for a terminal, then everything again after a reload.
    page.get_by_text("Train it from a terminal").click()
    page.get_by_role("button", name="Write the data set").click()
    command = page.locator(".tf-make-choose .tf-code")
    command.wait_for()
    assert "--size 32x24" in command.inner_text() and "--classes-from outermost" in command.inner_text()
    kept = projects.get(projects.names()[0])
    page.reload()
    page.wait_for_function("window.Twofold?.stats.shown > 0")
    make_tab(page)
    page.get_by_text("25 pictures are chosen; 1 is left out.").wait_for()
    assert (class_count(page, "young ones"), class_count(page, "dogs")) == (4, 13)
    assert page.locator(".tf-make-tile.tf-cropped").count() == 1 and page.locator(".tf-make-tile.tf-out").count() == 1
    assert page.get_by_text("32 × 24 pixels").is_visible()
    assert projects.get(projects.names()[0]) == kept


def a_class_that_is_shown_alone_stays_in_sight(page: Page) -> None:
    page.locator(".tf-make-class[data-name='dogs']").click()
    assert tiles(page).count() == 13
    page.get_by_role("button", name="Leave out all marked").click()  # of those that are shown
    page.get_by_text("24 pictures are chosen; 2 are left out.").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Rename dogs").click()
    page.keyboard.type("hounds")
    page.keyboard.press("Enter")
    page.locator(".tf-make-class[data-name='hounds'][aria-pressed='true']").wait_for()
    assert tiles(page).count() == 13
    page.get_by_role("button", name="Undo").click()
    page.locator(".tf-make-class[data-name='dogs']").wait_for()
    assert tiles(page).count() == 26 and page.locator(".tf-make-class[aria-pressed='true']").count() == 0


def test_dropped_files_and_what_is_no_picture(visit, projects: Projects):
    page = visit()
    new_project(page)
    text = {"name": "notes.txt", "type": "text/plain", "bytes": base64.b64encode(b"hello").decode()}
    page.evaluate(DROP, [".tf-make-drop", [text]])
    page.get_by_text("There is no picture among these files.").wait_for()
    pictures = [
        {"name": f"{i}.png", "type": "image/png", "bytes": base64.b64encode(picture(i)).decode()} for i in range(3)
    ]
    page.evaluate(DROP, [".tf-make-drop", [*pictures, text]])
    page.get_by_text("3 pictures have arrived. 1 file was left out: no picture").wait_for()
    page.get_by_text("Too few pictures: 3; at least 20 are needed.").wait_for()
    assert not page.get_by_role("heading", name="3. Train").is_visible()
    for i in range(3):  # all may be left out, and come back
        tiles(page).nth(i).click()
    page.get_by_text("0 pictures are chosen; 3 are left out.").wait_for()
    page.get_by_role("button", name="Undo").click()
    settled(page, projects, lambda project: len(project.left_out) == 2)


def test_a_page_that_is_closed_while_files_arrive_loses_no_whole_one(visit, projects: Projects, pets: Path):
    page = visit()
    new_project(page)
    page.route(re.compile(r"/files\?.*name=01\.png"), lambda route: None)  # on its way when the page is closed
    before = set(projects.names())
    page.get_by_label("Choose files").set_input_files([str(pets / "cats" / f"{i:02d}.png") for i in range(3)])
    for _ in range(400):
        if sum(len(all_files(projects.folder(name))) for name in set(projects.names()) - before) == 2:
            break
        page.wait_for_timeout(50)
    page.goto("about:blank")
    page = visit()
    make_tab(page)
    page.get_by_text("2 pictures are chosen.").wait_for()
    page.get_by_label("Choose files").set_input_files([str(pets / "cats" / "01.png")])
    page.get_by_text("3 pictures are chosen.").wait_for()


def test_the_first_look_at_the_pictures_is_watched_and_what_ends_it_is_said(visit, pets: Path):
    page = visit(refused="/pictures")
    new_project(page)
    looks = re.compile(r"/make/[^/]+/pictures$")
    page.route(looks, lambda route: route.fulfill(json={"done": 7, "of": 1200}))
    page.get_by_label("Choose files").set_input_files([str(pets / "cats" / "01.png")])
    page.get_by_text("Looking at picture 7 of 1,200").wait_for()
    assert not page.get_by_role("group", name="Pictures").is_visible()
    page.route(looks, lambda route: route.fulfill(status=400, body="No disk.", content_type="text/plain"))
    page.get_by_text("No disk.").wait_for()
    assert not page.get_by_text("Looking at picture").is_visible()
    page.unroute(looks)
    page.get_by_label("Choose files").set_input_files([str(pets / "cats" / "02.png")])
    page.get_by_text("2 pictures are chosen.").wait_for()


def test_each_project_keeps_its_own_and_a_double_click_deletes_nothing(visit, projects: Projects, pets: Path):
    page = visit(refused="/make/")
    names = []
    for count in (2, 3):
        new_project(page)
        page.get_by_label("Choose files").set_input_files([str(pets / "cats" / f"{i:02d}.png") for i in range(count)])
        page.get_by_text(f"{count} pictures are chosen.").wait_for()
        names.append(projects.names()[0])
    first, second = names
    held: list[Any] = []
    page.route(re.compile("/choice$"), lambda route: route.continue_() if held else held.append(route))
    tiles(page).nth(0).click()
    page.wait_for_function("document.querySelectorAll('.tf-make-tile.tf-out').length === 1")
    tiles(page).nth(1).click()  # this one waits for the answer to the other

    # A look that gets no answer is followed by another; what the page served of a project that begins again is gone.
    page.evaluate("name => Twofold.addBundle({ ...Twofold.bundle('digits'), name, made: name })", first)
    looks = re.compile(f"/make/{first}$")
    page.route(looks, lambda route: route.abort())  # until it was seen: the first answer takes the sentence away
    page.get_by_label("Project", exact=True).select_option(first)
    page.locator(".tf-make").get_by_text("The server does not answer.").wait_for()
    page.unroute(looks)
    page.get_by_text("2 pictures are chosen.").wait_for()
    assert not page.locator(".tf-make").get_by_text("The server does not answer.").is_visible()
    page.wait_for_function("name => !Twofold.bundle(name)", arg=first)
    held[0].continue_()
    for _ in range(1200):
        if len(projects.get(second).left_out) == 2:
            break
        page.wait_for_timeout(50)
    assert (len(projects.get(first).left_out), len(projects.get(second).left_out)) == (0, 2)

    # The focus stays where a choice is drawn anew.
    page.get_by_role("radiogroup", name="Size").get_by_role("radio", name="32").check()
    page.get_by_text("32 × 32 pixels").wait_for()
    assert page.evaluate("[document.activeElement.name, document.activeElement.value]") == ["tf-make-size", "32"]
    page.get_by_role("button", name="New class").click()
    page.keyboard.type("mine")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete the class mine").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.matches('.tf-make-classes button')")

    page.get_by_role("button", name="Delete this project").dblclick()
    really = page.get_by_role("button", name="Really delete its 2 pictures and all that was learned")
    really.wait_for()
    assert first in projects.names()

    # What was asked about one project is not answered for another, nor where a browser does not focus a clicked button.
    page.evaluate("document.activeElement.blur()")
    page.get_by_role("button", name="Delete this project").evaluate("button => button.click()")
    assert really.evaluate("button => button === document.activeElement")
    open_other = """name => {
        const picker = document.querySelector('.tf-make-projects select');
        picker.value = name;
        picker.dispatchEvent(new Event('change'));
        const words = [...document.querySelectorAll('.tf-make button')].map((one) => one.textContent);
        return words.filter((one) => one.startsWith('Really')).length;
    }"""
    assert page.evaluate(open_other, second) == 0


def test_what_is_too_much_for_the_memory_is_said_and_a_smaller_size_helps(visit, pets: Path, monkeypatch):
    monkeypatch.setattr(survey, "free_memory", lambda: 4 * 3 * 2 * 48 * 48)
    page = visit()
    new_project(page)
    page.get_by_label("Choose files").set_input_files([str(pets / "cats" / f"0{i}.png") for i in range(2)])
    page.get_by_text("The pictures are too many for the memory").wait_for()
    assert not page.get_by_role("heading", name="3. Train").is_visible()
    page.get_by_role("radiogroup", name="Size").get_by_role("radio", name="32", exact=True).check()
    page.get_by_text("2 pictures are chosen.").wait_for()
    assert not page.get_by_text("The pictures are too many for the memory").is_visible()


def test_a_column_of_a_table_gives_the_classes(visit, projects: Projects, pets: Path):
    page = visit()
    new_project(page)
    page.locator("input[webkitdirectory]").set_input_files(str(pets))
    page.get_by_text("26 pictures are chosen.").wait_for()
    page.get_by_text("Attributes and columns").click()
    page.get_by_role("combobox", name="Take the classes from").select_option("kind")
    page.get_by_role("button", name="Take the classes from it").click()
    page.locator(".tf-make-class[data-name='b']").wait_for()
    assert [class_count(page, name) for name in ("a", "b", "")] == [7, 7, 12]  # the table tells nothing of dogs
    page.get_by_role("button", name="Undo").click()
    page.locator(".tf-make-class[data-name='dogs']").wait_for()
    assert class_count(page, "cats") == 14


def test_a_fetch_is_told_in_its_own_project_alone(visit, projects: Projects):
    page = visit()
    new_project(page)
    going = {
        "fetch": {"state": "storing", "under_way": True, "done": 5, "of": 1200, "stored": 5, "refused": {}, "error": ""}
    }
    source = re.compile("/source")
    page.route(source, lambda route: route.fulfill(json=going))
    page.get_by_role("button", name="Drawn shapes").click()
    words = page.get_by_text("Storing picture 5 of 1200")
    words.wait_for()
    page.get_by_label("Project", exact=True).select_option("")
    page.wait_for_timeout(1200)  # two looks
    assert not words.is_visible() and not page.get_by_role("button", name="Stop fetching").is_visible()
    page.unroute(source)


def test_an_attribute_that_is_refused_is_not_ticked(visit, pets: Path):
    page = visit(refused="/choice")
    new_project(page)
    column = {"name": "weight", "known": 26, "why_not": "", "classes": False}

    def with_a_column(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"columns": [column]})

    page.route(re.compile("/pictures$"), with_a_column)
    page.route(re.compile("/choice$"), lambda route: route.fulfill(status=400, body="No.", content_type="text/plain"))
    page.locator("input[webkitdirectory]").set_input_files(str(pets))
    page.get_by_text("26 pictures are chosen.").wait_for()
    page.get_by_text("Attributes and columns").click()
    weight = page.get_by_label("weight", exact=True)
    weight.click()
    page.get_by_text("No.", exact=True).wait_for()
    assert not weight.is_checked()
    page.unroute_all()


def test_a_phone_brings_and_sorts_by_tap_and_nothing_is_in_the_way(visit, projects: Projects, pets: Path):
    if not AXE.exists():
        pytest.skip(HOW_TO_GET_IT)
    page = visit("?lang=en", viewport=NARROW, has_touch=True, reduced_motion="reduce")
    new_project(page)
    files = sorted(pets.glob("*/*.png"))
    page.get_by_label("Choose files").set_input_files([str(path) for path in files])
    page.get_by_text("26 pictures are chosen.").wait_for()
    page.get_by_role("button", name="New class").tap()
    page.keyboard.type("mine")
    page.keyboard.press("Enter")
    mode(page, "selects it")
    tiles(page).nth(1).tap()
    tiles(page).nth(4).tap()
    page.locator(".tf-make-class[data-name='mine']").tap()
    settled(page, projects, lambda project: list(project.class_of.values()) == ["mine", "mine"])
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for width in (390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert (page.evaluate(OUTSIDE.replace(".tf-widget *", ".tf-make *"), width), page.evaluate(CLIPPED)) == ([], [])
        for dark in (False, True):
            page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
            assert page.evaluate(CHECK, [dark, False]) == [], (width, dark)
    missed, unseen = travel(page)
    assert (missed, unseen) == ([], [])


def test_the_tab_speaks_chinese(visit):
    page = visit("?lang=zh-CN", viewport=NARROW, reduced_motion="reduce")
    page.evaluate("Twofold.tabs().at(-3).click()")
    page.locator(".tf-make-choose:visible, .tf-make-drop:visible").first.wait_for()
    left = page.locator(".tf-make").inner_text()
    assert "把图片、文件夹、zip 或视频拖到这里" in left and "Drop pictures" not in left
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
