"""Make in a real Chromium: several projects in one page, what is said of each, and what they are taught."""

import base64
import math
import re
from typing import Any

from demo.make.data_set import all_files
from demo.make.limits import OWN_MACHINE
from demo.make.projects import Projects
from tests.support.make_tab import DROP, make_tab, new_project, picture

Page = Any  # playwright's, which need not be installed


def begun(projects: Projects, title: str, pictures: int = 24, **fields: Any) -> str:
    """A project with pictures, of which project.json says these `fields`."""
    name = projects.create(title)
    folder = projects.folder(name) / "pictures" / "discs"
    folder.mkdir(parents=True)
    for i in range(pictures):
        (folder / f"{i:06d}.png").write_bytes(picture(i))
    projects.change(name, **fields)
    return name


def told(page: Page, name: str, changes: dict[str, Any]) -> None:
    """Lets the status of a project say these `changes` besides."""

    def answer(route: Any) -> None:
        found = route.fetch()
        route.fulfill(response=found, json=found.json() | changes) if found.ok else route.fulfill(response=found)

    page.route(re.compile(f"/make/{name}$"), answer)


def choose(page: Page, name: str) -> None:
    page.get_by_label("Project", exact=True).select_option(name)


def shown_minutes(page: Page) -> float:
    return 2 ** float(page.locator(".tf-make-time input").input_value())


def test_a_bundle_that_was_renewed_is_no_longer_called_old(visit, projects: Projects):
    name = begun(projects, "Renewed", state="paused")
    page = visit()
    status = {"playable": True, "bundle_revision": 1}
    told(page, name, status)

    def kept(route: Any) -> None:
        found = route.fetch()
        route.fulfill(response=found, json=found.json() | {"newest": status["bundle_revision"] == 2})

    facts = page.evaluate("name => ({ ...Twofold.bundle('digits'), name, made: name })", name)
    page.evaluate("Twofold.openTab = Twofold.set = () => {}")  # it stays here when it is played

    def plays(route: Any) -> None:
        status["bundle_revision"] = 2
        route.fulfill(json=facts)

    page.route(re.compile(f"/make/{name}/keep$"), kept)
    page.route(re.compile(f"/make/{name}/play$"), plays)
    make_tab(page)
    choose(page, name)
    older = page.get_by_text("More was learned since this bundle was made")
    older.wait_for()
    page.get_by_role("button", name="Play it now").click()
    older.wait_for(state="hidden")


def test_what_had_all_of_its_time_is_taught_only_in_a_longer_one(visit, projects: Projects):
    most = OWN_MACHINE.minutes
    name = begun(projects, "Taught", state="finished", minutes=8 * 60)
    page = visit()
    make_tab(page)
    choose(page, name)
    teach = page.get_by_role("button", name="Teach it more")
    teach.wait_for()
    slider = page.locator(".tf-make-time input")
    assert float(slider.get_attribute("max")) == math.log2(most) and teach.is_enabled()
    assert math.isclose(shown_minutes(page), 2 * 8 * 60, rel_tol=0.05)
    slider.fill("5")
    page.get_by_text("It has had 8 h already: it learns more only in a longer time.").wait_for()
    assert teach.is_disabled()
    for early in (False, True):
        projects.change(name, minutes=most, short_of_time=early)
        choose(page, "")
        choose(page, name)
        teach.wait_for()
        page.get_by_text("Its time is used up: a training may take 24 h in all.").wait_for(
            state="hidden" if early else "visible"
        )
        assert teach.is_enabled() == early


def test_a_time_that_was_given_is_not_offered_again(visit, projects: Projects):
    name = begun(projects, "Taught on", state="finished", minutes=30)
    page = visit()
    status: dict[str, Any] = {"added": 2}
    told(page, name, status)

    def trains(route: Any) -> None:
        status.update(state="waiting", busy=True, minutes=60)
        route.fulfill(json={})

    page.route(re.compile(f"/make/{name}/train"), trains)
    make_tab(page)
    choose(page, name)
    teach = page.get_by_role("button", name="Teach it more")
    joins = page.get_by_text("2 new pictures join when it goes on.")
    slider = page.locator(".tf-make-time input")
    joins.wait_for()
    slider.fill("5")
    joins.wait_for(state="hidden")
    slider.fill(str(math.log2(60)))
    joins.wait_for()
    teach.click()
    page.get_by_text("Waiting for another training").wait_for()
    status.update(state="finished", busy=False)
    teach.wait_for()
    assert teach.is_enabled() and math.isclose(shown_minutes(page), 120, rel_tol=0.05)


def test_a_new_project_begins_with_a_time_of_its_own(visit, projects: Projects):
    long, new = begun(projects, "Long", state="finished", minutes=4 * 60), begun(projects, "New one")
    page = visit()
    make_tab(page)
    choose(page, long)
    page.get_by_role("button", name="Teach it more").wait_for()
    assert shown_minutes(page) > 7 * 60
    choose(page, new)
    page.get_by_role("button", name="Train", exact=True).wait_for()
    assert math.isclose(shown_minutes(page), 30, rel_tol=0.05)


def test_pictures_that_are_not_learned_from_are_named(visit, projects: Projects):
    name = begun(projects, "Outside", state="paused")
    page = visit()
    told(page, name, {"added": 2, "outside": 3})
    make_tab(page)
    choose(page, name)
    page.get_by_text("2 new pictures join when it goes on.").wait_for()
    page.get_by_text("3 pictures are not learned from: they are in none of the classes").wait_for()


def test_a_project_that_was_deleted_elsewhere_leaves_with_a_word(visit, projects: Projects):
    watched, closed = begun(projects, "Watched"), begun(projects, "Closed")
    page = visit(refused="/make/")
    told(page, watched, {"state": "waiting", "busy": True})
    make_tab(page)
    gone = page.get_by_text("There is no such project any more.")
    options = page.get_by_label("Project", exact=True).locator("option")
    for name in (watched, closed):
        if name == watched:
            choose(page, name)
            page.get_by_text("Waiting for another training").wait_for()
            projects.delete(name)
        else:
            projects.delete(name)
            choose(page, name)
        gone.wait_for()
        page.get_by_text("1. Bring pictures").wait_for()
        assert name not in options.evaluate_all("all => all.map((one) => one.value)")


def test_what_is_dropped_under_new_is_a_project_of_its_own_whatever_is_opened(visit, projects: Projects):
    other = begun(projects, "Other", pictures=0)
    page = visit()
    wait = """() => {
        const read = Twofold.droppedFiles;
        window.waiting = [];
        Twofold.droppedFiles = async (data) => {
            const files = await read(data);
            await new Promise((goOn) => window.waiting.push(goOn));
            return files;
        };
    }"""
    make_tab(page)  # which loads the scripts of the tab
    page.evaluate(wait)
    before = set(projects.names())
    field = page.get_by_role("textbox", name="Name", exact=True).first
    for title in ("Slow", "Slower"):
        new_project(page)
        assert field.input_value() == ""
        field.fill(title)
        for half in (range(2), range(2, 5)):  # these share one project
            files = [
                {"name": f"{i}.png", "type": "image/png", "bytes": base64.b64encode(picture(i)).decode()} for i in half
            ]
            page.evaluate(DROP, [".tf-make-drop", files])
        page.wait_for_function("window.waiting.length === 2")
        choose(page, other)
        page.evaluate("window.waiting.splice(0).forEach((goOn) => goOn())")
        for _ in range(400):
            new = [name for name in projects.names() if name not in before]
            if [len(all_files(projects.folder(name))) for name in new] == [5]:
                break
            page.wait_for_timeout(50)
        (name,) = new
        assert (projects.get(name).title, len(all_files(projects.folder(name)))) == (title, 5)
        page.get_by_label("Project", exact=True).locator(f"option[value='{name}']").wait_for(state="attached")
        assert page.get_by_label("Project", exact=True).input_value() == other
        before.add(name)
    assert not all_files(projects.folder(other))
