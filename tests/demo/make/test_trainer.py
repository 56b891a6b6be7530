"""What comes after a wish: a training that is paused, ended, lengthened or begun anew, by processes of no time."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bundle.errors import Busy, InputError, UserError
from demo.make import plan, trainer
from demo.make.failures import DISK_FULL, NO_MEMORY
from demo.make.limits import ANYONE, OWN_MACHINE
from demo.make.maker import Maker
from demo.make.projects import Project
from tests.support.quick_maker import begun, lines, project, quick_maker
from tests.support.waiting import wait_until


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[Maker]:
    """A maker whose projects have two stages: VAE and repair."""
    with quick_maker(tmp_path) as found:
        yield found


def state(maker: Maker, name: str) -> str:
    return maker.state_of(name)


def test_a_paused_training_goes_on_with_the_same_step(maker: Maker):
    name = begun(maker)
    maker.pause(name)
    wait_until(lambda: state(maker, name) == "paused")
    maker.train(name, 30)
    wait_until(lambda: lines(maker) == ["vae", "vae"])


def test_a_second_server_leaves_the_folder_of_the_first_alone(maker: Maker, tmp_path: Path):
    name = begun(maker)
    with pytest.raises(UserError, match="Another server uses"), quick_maker(tmp_path):
        pass
    assert maker.projects.get(name).state == "training"
    maker.close()
    with quick_maker(tmp_path) as later:
        assert state(later, name) == "paused"


def test_enough_of_a_step_finishes_it_and_begins_the_next(maker: Maker):
    name = begun(maker)
    maker.next_step(name)
    wait_until(lambda: lines(maker) == ["vae", "vae", "repair"])
    assert lines(maker, whole=True)[1] == f"vae {plan.BARELY:g}" and maker.projects.get(name).done == ("vae",)


def test_stopping_finishes_the_step_and_begins_no_other(maker: Maker):
    name = begun(maker)
    maker.finish(name)
    wait_until(lambda: state(maker, name) == "finished")
    assert lines(maker) == ["vae", "vae"]


def test_stopping_a_paused_training_finishes_its_step(maker: Maker):
    name = begun(maker)
    maker.pause(name)
    wait_until(lambda: state(maker, name) == "paused")
    maker.finish(name)
    wait_until(lambda: state(maker, name) == "finished")
    assert lines(maker, whole=True)[-1] == f"vae {plan.BARELY:g}"


def test_nothing_is_trained_while_its_bundle_is_measured(maker: Maker):
    name = begun(maker)
    waits = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(InputError, match="Pause the training first"):
        maker.begin_job(name, "measure", waits, lambda: None)
    maker.pause(name)
    wait_until(lambda: state(maker, name) == "paused")
    maker.begin_job(name, "measure", waits, lambda: None)
    for ask in (lambda: maker.train(name, 30), lambda: maker.finish(name)):
        with pytest.raises(Busy, match="being measured or staged"):
            ask()
    assert state(maker, name) == "paused"
    maker.jobs.stop(name)
    maker.finish(name)
    wait_until(lambda: state(maker, name) == "finished")


def test_another_time_holds_at_once(maker: Maker):
    name = begun(maker, 30)
    maker.take_minutes(name, 60)
    wait_until(lambda: len(lines(maker)) == 2)
    first, second = (float(line.split()[1]) for line in lines(maker, whole=True))
    assert second == pytest.approx(2 * first, rel=1e-3) and maker.projects.get(name).done == ()


def test_a_shorter_time_drops_no_stage(maker: Maker):
    name = project(maker, pictures=60)
    for minutes, done, stages in (
        (10, ("first look", "gan", "vae"), ["inverter", "repair"]),
        (10, ("first look", "gan"), ["inverter", "repair"]),
        (30, ("first look", "gan"), ["vae", "inverter", "repair"]),
    ):
        paused = maker.projects.change(name, minutes=minutes, state="paused", done=done)
        assert [step.stage for step in plan.steps_left(paused, 60, 0)] == stages
    maker.projects.change(name, minutes=30, done=("first look", "gan", "vae"))
    maker.train(name, 10)
    wait_until(lambda: lines(maker) == ["inverter"])
    assert maker.status(name)["step"] == 2 and len(maker.status(name)["steps"]) == 4
    maker.next_step(name)
    wait_until(lambda: lines(maker) == ["inverter", "inverter", "repair"])


def test_a_training_that_was_short_of_time_can_learn_more_in_the_same_time(maker: Maker):
    name = begun(maker, 30)
    assert not maker.status(name)["short_of_time"]
    maker.finish(name)
    wait_until(lambda: state(maker, name) == "finished")
    assert maker.status(name)["short_of_time"]
    maker.train(name, 30)
    wait_until(lambda: lines(maker) == ["vae", "vae", "vae"])
    assert not maker.status(name)["short_of_time"]


@pytest.mark.parametrize(
    ("done", "minutes", "short"),
    [(("first look", "gan"), 60, True), (("first look", "gan"), 10, False), (("first look",), 60, False)],
)
def test_a_time_that_is_raised_after_a_step_was_done_leaves_it_short(
    maker: Maker, done: tuple[str, ...], minutes: int, short: bool
):
    for ask in (maker.train, maker.take_minutes):
        name = project(maker, pictures=60)
        maker.projects.change(name, minutes=10, state="paused", done=done)
        ask(name, minutes)
        assert maker.status(name)["short_of_time"] == short


def test_a_time_that_is_raised_while_a_step_ends_leaves_it_short(maker: Maker, monkeypatch: pytest.MonkeyPatch):
    def runs(running: trainer.Running, *of: object) -> tuple[bool, trainer.Wish]:
        if maker.projects.get(running.name).done:
            return True, "pause"
        maker.take_minutes(running.name, 60)
        return True, "resume"

    monkeypatch.setattr(trainer, "run_step", runs)
    name = project(maker)
    maker.train(name, 10)
    wait_until(lambda: state(maker, name) == "paused")
    assert maker.status(name)["short_of_time"] and maker.projects.get(name).minutes == 60


def test_a_finished_training_goes_on_from_its_first_step(maker: Maker):
    name = begun(maker)
    maker.finish(name)
    wait_until(lambda: state(maker, name) == "finished")
    new = maker.projects.folder(name) / "pictures" / "discs" / "000777.png"
    new.write_bytes(b"")
    maker.train(name, 60)
    wait_until(lambda: lines(maker)[2:] == ["vae"])
    assert (maker.projects.folder(name) / "set" / "pictures" / "discs-000777.png").exists()


def test_pictures_that_are_left_out_later_stay_in_what_was_learned(maker: Maker):
    name = begun(maker)
    maker.pause(name)
    wait_until(lambda: state(maker, name) == "paused")
    maker.projects.change(name, left_out=("discs/000003.png",))
    maker.train(name, 60)
    assert len(list((maker.projects.folder(name) / "set").glob("*/*"))) == 20


def test_advice_is_taken_up(maker: Maker):
    name = begun(maker)
    maker.remedy(name, "variety")
    wait_until(lambda: lines(maker) == ["vae", "vae"])
    maker.remedy(name, "slower")
    wait_until(lambda: len(lines(maker)) == 3)
    assert maker.projects.get(name).remedies == ("slower", "variety")


def test_advice_that_cannot_be_written_begins_nothing_anew(maker: Maker, monkeypatch: pytest.MonkeyPatch):
    name = begun(maker)

    def refuses(name: str, **changes: object) -> Project:
        raise UserError("The project cannot be written: No space left on device. What was chosen before is kept.")

    monkeypatch.setattr(maker.projects, "change", refuses)
    with pytest.raises(UserError, match="is kept"):
        maker.remedy(name, "slower")
    assert maker._current is not None and maker._current.wish is None


def test_a_last_export_ends_with_its_project(maker: Maker, monkeypatch: pytest.MonkeyPatch):
    began, ending = threading.Event(), threading.Event()

    def exports(name: str, patience: float, stopped: Callable[[], bool]) -> None:
        began.set()
        while not stopped():
            time.sleep(0.01)
        ending.set()
        raise UserError("It was stopped.")

    monkeypatch.setattr(maker.made, "export", exports)
    name = begun(maker)
    maker.finish(name)
    assert began.wait(60)
    maker.start_over(name)
    assert ending.is_set() and (state(maker, name), maker.projects.get(name).state) == ("collecting", "collecting")


def test_nothing_is_begun_again_while_its_training_still_stores(maker: Maker, monkeypatch: pytest.MonkeyPatch):
    began, goes_on = threading.Event(), threading.Event()
    monkeypatch.setattr(maker.made, "export", lambda *of: (began.set(), goes_on.wait(60)))
    monkeypatch.setattr("demo.make.maker.STOP_SECONDS", 0.1)
    name = begun(maker)
    maker.finish(name)
    assert began.wait(60)
    for ask in (maker.start_over, maker.delete):
        with pytest.raises(Busy, match="still being stored"):
            ask(name)
    assert maker.projects.folder(name).is_dir() and lines(maker) == ["vae", "vae"]
    goes_on.set()


def test_two_who_ask_at_once_train_once_and_a_second_project_waits(maker: Maker):
    name = begun(maker)
    maker.pause(name)
    wait_until(lambda: state(maker, name) == "paused")
    threads = [threading.Thread(target=maker.train, args=(name, 30)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: len(lines(maker)) == 2)
    other = project(maker, "Others")
    maker.train(other, 5)
    assert (state(maker, other), maker.status(other)["place"]) == ("waiting", 1)
    maker.pause(other)
    assert state(maker, other) == "paused"


def test_beginning_again_keeps_the_pictures(maker: Maker):
    name = begun(maker)
    maker.start_over(name)
    folder = maker.projects.folder(name)
    assert sorted(path.name for path in folder.iterdir()) == ["pictures", "project.json", "training.log"]
    assert state(maker, name) == "collecting" and len(list((folder / "pictures").glob("*/*"))) == 20


def test_a_project_that_cannot_be_written_is_paused_for_who_looks(maker: Maker, monkeypatch: pytest.MonkeyPatch):
    """On a full disk not even "failed" can be stored."""
    name = begun(maker)

    def refuses(name: str, **changes: object) -> Project:
        raise UserError("Could not write project.json: No space left on device.")

    monkeypatch.setattr(maker.projects, "change", refuses)
    maker.pause(name)
    wait_until(lambda: state(maker, name) == "paused")
    assert maker.projects.get(name).state == "training"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [("Could not write x: No space left on device.", DISK_FULL), ("the memory is too small", NO_MEMORY)],
)
def test_a_step_that_fails_says_so_and_can_go_on(maker: Maker, tmp_path: Path, said: str, sentence: str):
    name = begun(maker)
    (tmp_path / "how").write_text(said)
    maker.take_minutes(name, 40)
    wait_until(lambda: state(maker, name) == "failed")
    assert maker.projects.get(name).error == sentence
    (tmp_path / "how").unlink()
    maker.train(name, 40)
    wait_until(lambda: len(lines(maker)) == 3)


def test_a_folder_that_is_removed_underneath_leaves_nothing(maker: Maker):
    name = begun(maker)
    folder = maker.projects.folder(name)
    shutil.rmtree(folder)
    wait_until(lambda: not maker._is_current(name))
    assert not folder.exists() and maker.projects.names() == []


def test_visitors_from_elsewhere_have_an_hour():
    assert ANYONE.minutes == 60 and OWN_MACHINE.minutes >= 8 * 60
