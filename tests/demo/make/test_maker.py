"""Projects of Make, from their pictures to a bundle that plays, with real trainings; and what the page is refused."""

import asyncio
import io
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.testclient import TestClient

from demo.make import failures, plan
from demo.make.child import Child
from demo.make.incoming import Incoming
from demo.make.limits import LEAST_FOR_A_GAN, LEAST_PICTURES, MakeLimits
from demo.make.projects import Project, Projects, slug
from demo.make.trainer import next_sheet
from demo.routes.make_requests import with_refusals
from demo.routes.make_routes import make_routes
from tests.support.inline_child import inline
from tests.support.make_page import HERE, OWN_PAGE, Page, picture
from tests.support.quick_maker import narrow, of_pictures
from train.data import checks

COMMAND, STEPS = plan.training_command, plan.steps
TINY = MakeLimits(1_000_000, 200_000, 60, 10, 2)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    found = Page(tmp_path / "home")
    found.maker.start()
    yield found
    found.maker.close()


# ------------------------------------------------------------------------------------------- in words


def test_what_is_wrong_is_a_sentence(tmp_path: Path):
    page = Page(tmp_path, TINY)
    assert "name first" in page.post("?title=%20").text
    name = page.post("?title=Discs").json()["name"]
    few = page.post(f"/{name}/train?minutes=5")
    assert few.status_code == 400 and "Too few pictures: 0;" in few.text
    for i in range(21):
        page.put(name, f"{i}.png", picture(i))
    assert "from 1 to 10" in page.post(f"/{name}/train?minutes=99999").text
    assert "must be a number" in page.post(f"/{name}/train?minutes=soon").text
    assert "from 1 to 10" in page.post(f"/{name}/train?minutes=nan").text
    assert "one of 32, 64" in page.post(f"/{name}/choice", json={"size": 33}).text
    assert "fit" in page.post(f"/{name}/choice", json={"fit": "stretch"}).text
    assert "a colour such as #ffffff" in page.post(f"/{name}/choice", json={"background": "red; x"}).text
    assert page.post(f"/{name}/choice", content=b"[1").status_code == 400
    assert "at most" in page.client.put(f"/make/{name}/files?at=0&of=999999999999", headers=OWN_PAGE).text
    assert "no such project" in page.client.get("/make/..%2f..").text + page.client.get("/make/none").text
    page.post("?title=Two")
    assert "delete one first" in page.post("?title=Three").text
    assert page.post(f"/{name}/play").status_code == 400


def test_other_sites_change_nothing(tmp_path: Path):
    page = Page(tmp_path)
    name = page.project_of(1)
    for method, path in (
        ("POST", "/make?title=x"),
        ("DELETE", f"/make/{name}"),
        ("PUT", f"/make/{name}/files?at=0&of=1"),
        ("POST", f"/make/{name}/train?minutes=5"),
    ):
        assert page.client.request(method, path).status_code == 403
    assert page.status(name)["pictures"] == 1


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:7860", 200), ("[::1]", 200), ("127.0.0.1:1", 200), ("example.org", 200), ("evil.example:7860", 421)],
)
def test_a_name_that_others_point_at_this_machine_is_refused(tmp_path: Path, host: str, status: int):
    maker = Page(tmp_path).maker
    client = TestClient(Starlette(routes=make_routes(maker, "example.org")), headers={"Host": host}, client=HERE)
    answer = client.get("/make")
    assert (answer.status_code, client.post("/make?title=x", headers=OWN_PAGE).status_code) == (status, status)
    if status == 200:
        assert answer.json()["own_machine"] == (host != "example.org")
    else:
        assert "--root-path https://NAME" in answer.text


def test_a_visitor_who_leaves_is_no_fault(caplog: pytest.LogCaptureFixture):
    async def leaves(request: Request) -> Response:
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        asyncio.run(with_refusals(leaves)(Request({"type": "http", "headers": []})))
    assert not caplog.records


def test_files_that_wait_for_an_earlier_one_hold_up_their_project_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page, data, ready, take = Page(tmp_path), picture(1), threading.Event(), Incoming.take
    slow, quick = (page.post("?title=Discs").json()["name"] for _ in range(2))

    def slowly(incoming: Incoming, *of, **how):
        assert incoming.project.name != slow or ready.wait(20)
        return take(incoming, *of, **how)

    monkeypatch.setattr(Incoming, "take", slowly)

    async def crowd() -> tuple[int, list[int]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(page.client.app), headers=OWN_PAGE) as client:

            async def sent(name: str, file: int) -> int:
                address = f"http://localhost/make/{name}/files?id={file}&name=a.png&of={len(data)}&at=0"
                return (await client.put(address, content=data)).status_code

            waiting = [asyncio.create_task(sent(slow, i)) for i in range(9)]
            await asyncio.sleep(0.2)
            answer = await asyncio.wait_for(sent(quick, 0), 10)
            ready.set()
            return answer, [await task for task in waiting]

    assert asyncio.run(crowd()) == (200, [200] * 9)
    assert page.status(slow)["pictures"] == 9


def test_who_waits_for_an_export_holds_up_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page, name, ready = Page(tmp_path), "", threading.Event()
    name = page.post("?title=Discs").json()["name"]
    monkeypatch.setattr(page.maker, "play", lambda name: ready.wait(20))

    async def crowd() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(page.client.app), headers=OWN_PAGE) as client:
            waiting = [asyncio.create_task(client.post(f"http://localhost/make/{name}/play")) for _ in range(50)]
            await asyncio.sleep(0.1)
            answer = await asyncio.wait_for(client.get(f"http://localhost/make/{name}"), 10)
            for task in waiting:
                task.cancel()
            ready.set()
            return answer.status_code

    assert asyncio.run(crowd()) == 200


def test_a_piece_that_came_twice_is_stored_once(tmp_path: Path):
    page, data = Page(tmp_path), picture(1)
    name, half = page.post("?title=Discs").json()["name"], len(picture(1)) // 2
    address = f"/make/{name}/files?id=a&name=a.png&of={len(data)}&at="
    sent = [
        page.client.put(address + str(at), content=part, headers=OWN_PAGE).json()
        for at, part in ((0, data[:half]), (0, data[:half]), (half, data[half:]))
    ]
    assert [one["received"] for one in sent] == [half, half, len(data)] and sent[-1]["stored"] == 1


def test_a_file_whose_answer_was_lost_is_told_of_again_and_stored_once(tmp_path: Path):
    page, data = Page(tmp_path), picture(1)
    name = page.post("?title=Discs").json()["name"]
    address = f"/make/{name}/files?id=a&name=a.png&of={len(data)}&at=0"
    sent = [page.client.put(address, content=data, headers=OWN_PAGE).json() for _ in range(2)]
    assert sent[0] == sent[1] == {"received": len(data), "stored": 1, "tables": 0, "refused": {}}
    assert page.status(name)["pictures"] == 1


@pytest.mark.parametrize("file_id", ["", "id=&", "id=A-1&", f"id={'a' * 33}&"])
def test_a_file_without_an_id_of_its_own_is_refused(tmp_path: Path, file_id: str):
    """Two of one id would be taken for one, and the second be lost."""
    page, data = Page(tmp_path), picture(1)
    name = page.post("?title=Discs").json()["name"]
    answer = page.client.put(f"/make/{name}/files?{file_id}at=0&of={len(data)}", content=data, headers=OWN_PAGE)
    assert answer.status_code == 400 and "'id'" in answer.text and page.status(name)["pictures"] == 0


def test_a_file_that_is_sent_again_while_it_is_stored_waits_for_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page, data, take = Page(tmp_path), picture(1), Incoming.take
    name = page.post("?title=Discs").json()["name"]

    def slowly(*of, **how):
        time.sleep(0.3)
        return take(*of, **how)

    monkeypatch.setattr(Incoming, "take", slowly)
    address = f"http://localhost/make/{name}/files?id=a&name=a.png&of={len(data)}&at=0"

    async def twice() -> list[dict]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(page.client.app)) as client:
            first = asyncio.create_task(client.put(address, content=data, headers=OWN_PAGE))
            await asyncio.sleep(0.1)
            return [(await client.put(address, content=data, headers=OWN_PAGE)).json(), (await first).json()]

    answers = asyncio.run(twice())
    assert answers[0] == answers[1] and page.status(name)["pictures"] == 1


def test_last_pieces_side_by_side_are_stored_once(tmp_path: Path):
    page, data = Page(tmp_path), picture(1)
    name, half = page.post("?title=Discs").json()["name"], len(data) // 2
    address = f"http://localhost/make/{name}/files?id=a&name=a.png&of={len(data)}&at="

    async def together() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(page.client.app), headers=OWN_PAGE) as client:
            await client.put(address + "0", content=data[:half])
            last = (client.put(address + str(half), content=data[half:]) for _ in range(4))
            return await asyncio.gather(*last)

    answers = asyncio.run(together())
    assert [answer.status_code for answer in answers] == [200] * 4
    assert any("stored" in answer.json() for answer in answers) and page.status(name)["pictures"] == 1


def test_pictures_are_surveyed_and_shown(tmp_path: Path):
    page = Page(tmp_path)
    name = page.project_of(12)
    page.put(name, "discs/again.png", picture(3))
    found = page.pictures(name)
    assert len(found["files"]) == 13 and list(found["flags"].values()) == [["near_duplicate"]]
    sheet = Image.open(io.BytesIO(page.client.get(f"/make/{name}/pictures/0.png").content))
    assert sheet.size == (640, 640)
    assert page.client.get(f"/make/{name}/pictures/1.png").status_code == 404


def test_one_look_at_all_projects_reads_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page, read = Page(tmp_path), Counter[str]()
    names = [page.project_of(0) for _ in range(3)]
    for name in names:
        (tmp_path / name / "run").mkdir()
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.update([path.name]) or read_bytes(path))
    assert len(page.client.get("/make").json()["projects"]) == 3
    assert (read["speed.json"], read["status.json"]) == (1, 3)


def test_pictures_that_join_later_are_counted_once_it_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = Page(tmp_path)
    name = page.project_of(20)
    assert page.post(f"/{name}/set", json={}).status_code == 200
    page.put(name, "discs/new.png", picture(99))
    for state, added in (("collecting", 0), ("paused", 1), ("finished", 1)):
        page.maker.projects.change(name, state=state)
        assert page.status(name)["added"] == added
    monkeypatch.setattr("demo.make.project_status.new_pictures", lambda *of: pytest.fail("counted while it trains"))
    monkeypatch.setattr(page.maker, "state_of", lambda name: "training")
    assert page.status(name)["added"] == 0


@pytest.mark.parametrize(("title", "name"), [("Émile's cats!", "emile-s-cats"), ("猫", "made"), ("../..", "made")])
def test_any_title_has_a_name_for_addresses(title: str, name: str):
    assert slug(title) == name


def test_the_page_and_training_mean_the_same_by_few_pictures():
    assert LEAST_PICTURES == checks.LEAST_PICTURES and LEAST_FOR_A_GAN <= checks.FEW_PICTURES


def test_few_pictures_train_no_gan_and_one_group_no_classifier():
    project = Project(title="t", created="", minutes=30)

    def commands(pictures: int, classes: int) -> list[str]:
        return [step.stage for step in plan.steps(project, pictures, classes)]

    assert commands(20, 1) == ["vae", "repair"]
    assert commands(500, 3) == ["vae", "gan", "vae", "inverter", "repair", "classifier"]
    for pictures, classes in ((20, 1), (500, 1), (500, 3)):
        assert sum(step.minutes for step in plan.steps(project, pictures, classes)) == pytest.approx(30)


def test_the_gan_begins_soon_however_long_the_training():
    for minutes in (5, 30, 480):
        first, second, *_ = plan.steps(Project(title="t", created="", minutes=minutes), 500, 1)
        assert (first.stage, second.stage) == ("vae", "gan") and first.minutes <= plan.FIRST_LOOK


def test_sheets_come_often_at_first():
    times = [next_sheet(i) for i in range(8)]
    assert times == sorted(times) and times[0] <= 10 and times[-1] - times[-2] == 300


# ------------------------------------------------------------------------------------ with real trainings


@pytest.mark.slow
@pytest.mark.long
def test_pictures_become_a_generator_that_plays(page: Page, monkeypatch: pytest.MonkeyPatch):
    images = [1_000_000]  # until it is paused
    monkeypatch.setattr(plan, "training_command", lambda *of: narrow(of_pictures(COMMAND(*of), images[0])))
    inline(monkeypatch, "made_bundles")
    monkeypatch.setattr(plan, "steps", lambda *of: STEPS(*of)[:1])  # the VAE alone; the others are commands like it
    name = page.project_of(40)
    page.post(f"/{name}/choice", json={"size": 32})
    assert page.post(f"/{name}/train?minutes=1").status_code == 200
    page.wait(name, lambda status: status["training"] is not None and status["training"]["expected"] is not None)
    page.post(f"/{name}/pause")
    page.wait(name, lambda status: status["state"] == "paused")
    facts = page.post(f"/{name}/play")
    assert facts.status_code == 200 and facts.json()["models"] == ["vae"], facts.text
    assert page.maker.made.served[name].info.title == "Discs"
    assert facts.json()["learning"]
    images[0] = 1  # it has seen more
    page.post(f"/{name}/train?minutes=1")
    done = page.wait(name, lambda status: status["state"] == "finished")
    (vae,) = done["run"]["stages"]
    sheet = page.client.get(f"/make/{name}/run/samples/vae/{vae['sheets'][-1][0]}.png")
    assert Image.open(io.BytesIO(sheet.content)).width > 32
    assert done["step"] == 1 and done["playable"]
    kept = page.client.get(f"/make/{name}/bundle.zip")
    assert kept.content[:2] == b"PK"
    assert page.client.delete(f"/make/{name}", headers=OWN_PAGE).status_code == 200
    assert [path.name for path in page.maker.projects.home.iterdir()] == ["speed.json"]
    assert name not in page.maker.made.served


@pytest.mark.slow
def test_no_training_outlives_its_server(tmp_path: Path):
    """A server that is killed cannot say goodbye: its training stores what it learned and ends."""
    server = (
        "import sys, time; from pathlib import Path; from demo.make.child import Child\n"
        "words = 'train vae RUN --data shapes --size 16 --minutes 9 --threads 1'.replace('RUN', sys.argv[1]).split()\n"
        "Child([sys.executable, '-m', *words], Path(sys.argv[2]), 'training'); time.sleep(999)"
    )
    run, log = tmp_path / "run", tmp_path / "training.log"
    killed = subprocess.Popen([sys.executable, "-c", server, str(run), str(tmp_path)], cwd=Path(__file__).parents[3])
    until = time.monotonic() + 90
    while not (run / "status.json").exists():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)
    training = psutil.Process(json.loads((run / "status.json").read_text())["pid"])
    killed.kill()
    killed.wait()
    training.wait(60)
    assert (run / "vae" / "state.safetensors").exists() and "Add --resume" in log.read_text()


@pytest.mark.parametrize(
    ("work", "program", "said"),
    [
        ("training", "print('error: the data are torn'); raise SystemExit(2)", "the data are torn"),
        ("training", "raise SystemExit(3)", failures.SILENT["training"]),
        *((work, "raise SystemExit(3)", failures.SILENT[work]) for work in ("export", "measure", "fetch")),
        ("measure", "raise MemoryError", failures.NO_MEMORY_BESIDE),
        ("fetch", "raise OSError(28, 'No space left on device')", failures.DISK_FULL_BESIDE),
    ],
)
def test_a_command_that_fails_says_what_ended_and_why(tmp_path: Path, work: failures.Work, program: str, said: str):
    child = Child([sys.executable, "-c", program], tmp_path, work)
    assert child.wait() != 0 and child.last_words() == said


def test_what_ended_without_a_word_names_its_log():
    for work, said in failures.SILENT.items():
        assert f"; {work}.log in the folder" in said and ("training" in said) == (work == "training")


def test_a_server_that_comes_back_offers_to_go_on(tmp_path: Path):
    projects = Projects(tmp_path)
    name = projects.create("Discs")
    projects.change(name, state="training", done=("vae",))
    page = Page(tmp_path)
    page.maker.start()
    assert page.status(name)["state"] == "paused"
    page.maker.close()
