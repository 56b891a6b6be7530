"""Keeping what was learned: described, measured, shelved, staged, taught more, deleted; by the real commands."""

import io
import json
import os
import shlex
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import metadata_load
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.errors import Busy
from bundle.read import read
from bundle.sessions import choose_provider
from bundle.training_status import Status, write_status
from demo.make import folder_lock, keeping, made_bundles, plan
from demo.make.limits import ANYONE, OWN_MACHINE
from demo.make.maker import Maker
from demo.make.projects import Projects
from demo.routes.make_routes import make_routes
from tests.support import tiny
from tests.support.inline_child import inline
from tests.support.make_page import ADDRESS, HERE, OWN_PAGE
from tests.support.quick_maker import narrow, of_pictures, project, quick_maker
from tests.support.waiting import wait_until

COMMAND, STEPS = plan.training_command, plan.steps


def learned(maker: Maker) -> str:
    """A project that was paused after it had learned something, with a bundle that is served."""
    name = project(maker)
    run = maker.projects.folder(name) / "run"
    bundle = tiny.build(maker.made.folder(name), name=name)
    for stage, trained in read(bundle).info.training.items():
        (run / stage).mkdir(parents=True)
        (run / stage / "record.json").write_text(json.dumps({"images": trained.images}))
    maker.made.serve(name)
    maker.projects.change(name, state="paused")
    return name


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[Maker]:
    (tmp_path / "shelf").mkdir()
    with quick_maker(tmp_path) as found:
        yield found


@pytest.fixture
def page(maker: Maker) -> TestClient:
    return TestClient(Starlette(routes=make_routes(maker)), headers=OWN_PAGE, base_url=ADDRESS, client=HERE)


def test_nothing_stays_in_memory_of_a_bundle_that_was_renewed_or_deleted(maker: Maker, page: TestClient):
    name = learned(maker)
    first = maker.made.served[name]
    first.sample([0])
    assert first.engine.loaded
    maker.made.serve(name)
    second = maker.made.served[name]
    second.sample([0])
    assert second.engine.loaded and not first.engine.loaded
    maker.delete(name)
    assert not second.engine.loaded


def test_a_name_and_a_description_are_in_the_bundle_at_once_and_figures_stay(maker: Maker, page: TestClient):
    name = learned(maker)
    before = maker.made.served[name].info.quality
    (maker.made.folder(name) / "README.md").write_text("---\nlicense: mit\n---\n\n# Old\n")
    answer = page.post(
        f"/make/{name}/describe", json={"title": " My \x00 discs ", "licence": "", "description": "Drawn by me."}
    )
    assert answer.status_code == 200 and answer.json()["title"] == "My discs"
    bundle = read(maker.made.folder(name))
    assert bundle.info.title == "My discs" and bundle.info.quality == before
    card = (bundle.folder / "README.md").read_text()
    assert "> Drawn by me." in card and "# My discs" in card
    assert metadata_load(bundle.folder / "README.md")["model-index"][0]["name"] == "My discs"
    assert maker.made.served[name].info.title == "My discs"


def test_a_description_makes_no_new_bundle_and_a_licence_does(
    maker: Maker, page: TestClient, monkeypatch: pytest.MonkeyPatch
):
    name, exported = learned(maker), []
    next((maker.projects.folder(name) / "run").glob("*/record.json")).write_text('{"images": 12345678}')  # learned more
    monkeypatch.setattr(maker.made, "export", exported.append)
    page.post(f"/make/{name}/describe", json={"title": "Rings", "description": "Drawn."})
    assert read(maker.made.folder(name)).info.title == "Rings" and exported == []
    page.post(f"/make/{name}/describe", json={"title": "Rings", "licence": "CC0 1.0"})
    assert exported == [name]


def test_a_licence_that_was_withdrawn_leaves_the_bundle(
    maker: Maker, page: TestClient, monkeypatch: pytest.MonkeyPatch
):
    name, exported = learned(maker), []
    stated = maker.made.served[name].info.dataset.licence
    run = maker.projects.folder(name) / "run" / "run.json"
    run.write_text(json.dumps({"data": {"licence": stated}}))
    monkeypatch.setattr(maker.made, "export", exported.append)
    page.post(f"/make/{name}/describe", json={"title": "Rings", "licence": ""})
    assert exported == [] and maker.made.is_newest(name)
    run.write_text(json.dumps({"data": {"licence": "not stated"}}))  # the bundle states one that was given before
    assert not maker.made.is_newest(name)
    page.post(f"/make/{name}/describe", json={"title": "Rings", "licence": ""})
    assert exported == [name]


def test_words_wait_for_whoever_copies_the_bundle(maker: Maker, page: TestClient, monkeypatch: pytest.MonkeyPatch):
    name = learned(maker)
    monkeypatch.setattr(made_bundles, "PATIENCE", 0.05)
    with maker.made.files_locked(name):
        assert page.post(f"/make/{name}/describe", json={"title": "Rings"}).status_code == 503
        assert read(maker.made.folder(name)).info.title != "Rings"
    assert page.post(f"/make/{name}/describe", json={"title": "Rings"}).status_code == 200
    assert read(maker.made.folder(name)).info.title == "Rings"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"title": ""}, "name first"),
        ({"title": "x" * 99}, "too long"),
        ({"title": "x", "licence": "y" * 121}, "120 of a licence"),
        ({"title": 3}, "cannot be read"),
    ],
)
def test_what_is_no_description_is_refused(maker: Maker, page: TestClient, asked: dict, said: str):
    answer = page.post(f"/make/{learned(maker)}/describe", json=asked)
    assert answer.status_code == 400 and said in answer.text


def test_the_zip_has_the_title_and_leaves_nothing_behind(
    maker: Maker, page: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    answer = page.get(f"/make/{learned(maker)}/bundle.zip")
    assert 'filename="Discs.zip"' in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as kept:
        assert {"Discs/bundle.json", "Discs/README.md"} <= set(kept.namelist())
    assert not any((tmp_path / "temporary").iterdir())


def test_a_shelved_bundle_is_found_by_the_next_server_and_goes_with_its_project(maker: Maker, page: TestClient):
    name = learned(maker)
    for _ in range(2):  # the second one replaces the first
        assert page.post(f"/make/{name}/shelve").json()["shelved"]
        assert maker.shelf and read(maker.shelf / name).info.name == name
    assert [path.name for path in maker.shelf.iterdir()] == [name]
    page.delete(f"/make/{name}")
    assert not any(maker.shelf.iterdir()) and not maker.made.served
    assert [path.name for path in maker.projects.home.iterdir()] == [folder_lock.FILE]


def test_what_was_forgotten_is_found_by_no_later_server(maker: Maker, page: TestClient):
    name = learned(maker)
    served = maker.made.served[name]
    page.post(f"/make/{name}/shelve")
    assert page.post(f"/make/{name}/start_over").json()["shelved"] is False
    assert maker.shelf and not any(maker.shelf.iterdir()) and not maker.made.served
    maker.made.served[name] = served  # as where an earlier version left the copy
    assert page.get(f"/make/{name}").json()["playable"] is False and page.get("/made").json() == []
    assert page.post(f"/make/{name}/describe", json={"title": "Rings"}).status_code == 200


EXPORT = """
import sys, time
from pathlib import Path
from bundle.atomic_files import scratch
with scratch(Path(sys.argv[1])) as built:
    Path(sys.argv[2]).touch()
    time.sleep(60)
"""


@pytest.mark.parametrize("forget", [Maker.delete, Maker.start_over])
def test_nothing_is_exported_of_what_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forget: Callable[[Maker, str], None]
):
    began, told = tmp_path / "began", []
    with quick_maker(tmp_path, exports=True) as maker:
        name = learned(maker)
        folder = maker.projects.folder(name)
        next((folder / "run").glob("*/record.json")).write_text('{"images": 12345678}')  # learned more
        command = [sys.executable, "-c", EXPORT, str(folder / "bundle"), str(began)]
        monkeypatch.setattr(plan, "export_command", lambda *of: command)

        def play() -> None:
            try:
                maker.play(name)
            except Busy as problem:
                told.append(str(problem))

        thread = threading.Thread(target=play)
        thread.start()
        wait_until(began.exists)
        forget(maker, name)
        thread.join(20)
        assert told == ["What was learned is being forgotten."] and maker.made.revision(name) is None
        left = {path.name for path in folder.iterdir()} if folder.exists() else set()
        assert left <= {"pictures", "project.json", "export.log"}


def test_a_bundle_that_is_renewed_has_another_number(maker: Maker, page: TestClient):
    name = learned(maker)
    first = page.get(f"/make/{name}").json()["bundle_revision"]
    maker.made.serve(name)
    assert first and page.get(f"/make/{name}").json()["bundle_revision"] not in (first, None)


def test_what_is_kept_is_said(maker: Maker, page: TestClient):
    name = learned(maker)
    found = page.get(f"/make/{name}/keep").json()
    assert found["bytes"] > keeping.size_of(maker.made.folder(name)) > 0 and found["newest"] and found["shelf"]
    assert found["push"]["space"].endswith("--push USER/NAME") and "export web" in found["push"]["page"]
    record = next((maker.projects.folder(name) / "run").glob("*/record.json"))
    record.write_text('{"images": 12345678}')
    assert not page.get(f"/make/{name}/keep").json()["newest"]
    assert page.get("/made").json()[0]["learning"] is True


def test_a_bundle_whose_folder_is_gone_is_known_as_it_was_read(maker: Maker, page: TestClient):
    name = learned(maker)
    index = (maker.made.folder(name) / "bundle.json").stat().st_size
    shutil.rmtree(maker.made.folder(name))
    (facts,) = page.get("/made").json()
    assert {"bundle.json": index}.items() <= {row["file"]: row["bytes"] for row in facts["downloads"]}.items()


def test_files_with_two_names_count_once(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x" * 100)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert keeping.size_of(tmp_path) == 100


def from_elsewhere(maker: Maker) -> list[TestClient]:
    """Pages of visitors to whom this machine does not belong: from another one, through a proxy, with --make anyone."""
    routes = make_routes(maker)
    strangers = make_routes(Maker(maker.projects, maker.made.served, choose_provider("cpu"), ANYONE, maker.shelf))
    return [
        TestClient(Starlette(routes=routes), headers=OWN_PAGE, base_url=ADDRESS, client=("192.0.2.7", 50_000)),
        TestClient(
            Starlette(routes=routes), headers=OWN_PAGE | {"X-Forwarded-For": "192.0.2.7"}, base_url=ADDRESS, client=HERE
        ),
        TestClient(Starlette(routes=strangers), headers=OWN_PAGE, base_url=ADDRESS, client=HERE),
    ]


def test_visitors_from_elsewhere_stage_and_shelve_nothing(maker: Maker):
    name = learned(maker)
    for page in from_elsewhere(maker):
        found = page.get(f"/make/{name}/keep").json()
        assert not found["push"] and not found["folders"] and not found["shelf"]
        for path in ("shelve", "stage/space", "set"):
            answer = page.post(f"/make/{name}/{path}")
            assert answer.status_code == 400 and "only on the machine" in answer.text


def test_visitors_from_elsewhere_are_told_no_folder_of_this_machine(maker: Maker, page: TestClient):
    name = learned(maker)
    run = maker.projects.folder(name) / "run"
    status = Status(stage="vae", number=1, of=1, state="training", images=1, planned=2, rate=None, seconds=1, left=None,
                    left_for_all=None, warnings={"snapshots": f"Could not write {run}/x."}, pid=1)  # fmt: skip
    write_status(run, status)

    def answers(one: TestClient) -> str:
        asked = ("", f"/{name}", f"/{name}/keep", f"/{name}/run", f"/{name}/source")
        told = [one.get(f"/make{path}") for path in asked] + [one.post(f"/make/{name}/describe", json={"title": "D"})]
        assert all(answer.status_code == 200 for answer in told)
        return "".join(answer.text for answer in told)

    assert str(maker.projects.home) in answers(page)
    for stranger in from_elsewhere(maker):
        assert str(maker.projects.home) not in answers(stranger)


def test_no_training_runs_in_a_project_that_rests(maker: Maker):
    name = learned(maker)
    status = Status(stage="vae", number=1, of=1, state="training", images=1, planned=2, rate=None, seconds=1, left=None,
                    left_for_all=None, warnings={}, pid=os.getpid())  # fmt: skip
    write_status(maker.projects.folder(name) / "run", status)
    run = maker.status(name)["run"]
    assert run["status"]["state"] == "training" and not run["alive"]


def test_the_command_for_a_terminal_can_be_pasted(tmp_path: Path):
    (tmp_path / "my pictures").mkdir()
    with quick_maker(tmp_path / "my pictures") as maker:
        name = project(maker)
        client = TestClient(Starlette(routes=make_routes(maker)), base_url=ADDRESS, client=HERE)
        command = client.get(f"/make/{name}").json()["command"]
    assert shlex.split(command)[3] == str(tmp_path / "my pictures" / "home" / name / "run")


def test_nothing_is_measured_while_it_is_trained(maker: Maker, page: TestClient):
    name = learned(maker)
    maker.train(name, 30)
    for path in ("measure", "stage/page", "shelve"):
        assert "Pause the training first" in page.post(f"/make/{name}/{path}").text
    maker.pause(name)


@pytest.mark.slow
@pytest.mark.long
def test_a_space_is_staged_with_the_bundle(maker: Maker, page: TestClient, monkeypatch: pytest.MonkeyPatch):
    name = learned(maker)
    inline(monkeypatch, "jobs")
    assert page.post(f"/make/{name}/stage/space").status_code == 200
    wait_until(lambda: page.get(f"/make/{name}").json()["job"]["done"], 120)
    assert page.get(f"/make/{name}").json()["job"]["error"] == ""
    space = maker.projects.folder(name) / "space"
    assert (space / "artifacts" / name / "bundle.json").exists()
    assert page.get(f"/make/{name}/keep").json()["staged"] == {"space": True, "page": False}


@pytest.mark.slow
@pytest.mark.usefixtures("short_leak")
def test_a_generator_is_measured_and_taught_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A VAE of 60 pictures; its figures; then ten more pictures, and more training."""
    images = [640]
    monkeypatch.setattr(plan, "training_command", lambda *of: narrow(of_pictures(COMMAND(*of), images[0])))
    monkeypatch.setattr(plan, "steps", lambda *of: STEPS(*of)[:1])
    monkeypatch.setattr(keeping, "SAMPLES", 100)
    inline(monkeypatch, "trainer", "made_bundles", "jobs")
    maker = Maker(Projects(tmp_path / "home"), {}, choose_provider("cpu"), OWN_MACHINE)
    maker.start()
    try:
        name = project(maker, pictures=0)
        draw(maker.projects.folder(name) / "pictures" / "discs", range(60))
        maker.projects.change(name, size=32)
        maker.train(name, 30)
        wait_until(lambda: maker.state_of(name) in ("finished", "failed"), 300)
        assert maker.state_of(name) == "finished", maker.projects.get(name).error
        keeping.measure(maker, name)
        wait_until(lambda: bool((maker.jobs.facts(name) or {}).get("done")), 300)
        assert maker.jobs.facts(name)["error"] == ""
        assert "vae.psnr" in {figure.name for figure in maker.made.served[name].info.quality.figures}
        draw(maker.projects.folder(name) / "pictures" / "discs", range(60, 70))
        assert maker.status(name)["added"] == 10
        images[0] = 960
        maker.train(name, 60)
        wait_until(lambda: maker.state_of(name) in ("finished", "failed"), 300)
        assert maker.state_of(name) == "finished", maker.projects.get(name).error
        record = json.loads((maker.projects.folder(name) / "run" / "vae" / "record.json").read_text())
        before, after = (count for _, count in record["data"])
        assert before < after <= before + 10
        assert record["images"] >= 960 and maker.made.is_newest(name)
    finally:
        maker.close()


def draw(folder: Path, seeds: range) -> None:
    """A disc of a colour, somewhere, for each seed."""
    folder.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[:32, :32]
    for seed in seeds:
        random = np.random.default_rng(seed)
        disc = (x - random.integers(8, 24)) ** 2 + (y - random.integers(8, 24)) ** 2 < 49
        pixels = np.where(disc[..., None], random.integers(0, 200, 3), 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed:06d}.png")
