"""A graph on several cores: which rows are shared out, that shares run beside one another, and equal bytes."""

import threading
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from bundle.sessions import ON_CPU, open_session
from demo.serving.cpu_session import FEWEST, CpuSession, shares
from tests.support import tiny


class Session:
    """A session that doubles its input; `meeting`: where runs wait for one another."""

    def __init__(self, threads: int, meeting: threading.Barrier | None = None):
        self.threads, self.meeting, self.rows = threads, meeting, []

    def run(self, outputs: list[str], feed: dict[str, np.ndarray], options: ort.RunOptions) -> list[np.ndarray]:
        self.rows.append(feed["z"][:, 0].tolist())
        if self.meeting:
            self.meeting.wait(20)
        if (feed["z"] < 0).any():
            raise ValueError("a negative number")
        return [2 * feed["z"]]


def column(*values: float) -> dict[str, np.ndarray]:
    return {"z": np.array(values, np.float32)[:, None]}


def test_few_rows_take_all_threads_and_many_are_shared_out():
    opened: list[Session] = []

    def open_(threads: int, few_rows: bool) -> Session:
        opened.append(Session(threads, None if few_rows else threading.Barrier(3)))  # all three shares must meet
        return opened[-1]

    session = CpuSession(open_, ["image"], 3)
    few, many = range(FEWEST - 1), range(7)
    assert session.run(column(*few), ort.RunOptions())[0].ravel().tolist() == [2 * n for n in few]
    assert [one.threads for one in opened] == [3]
    assert session.run(column(*many), ort.RunOptions())[0].ravel().tolist() == [2 * n for n in many]
    assert [one.threads for one in opened] == [3, 1]
    assert sorted(opened[1].rows) == [[0, 1], [2, 3], [4, 5, 6]]


def test_on_one_core_there_is_one_session():
    opened: list[Session] = []
    session = CpuSession(lambda threads, few: opened.append(Session(threads)) or opened[-1], ["image"], 1)
    session.run(column(*range(16)), ort.RunOptions())
    assert len(opened) == 1 and len(opened[0].rows[0]) == 16


@pytest.mark.parametrize("at", [0, -1])
def test_a_share_that_fails_fails_the_run_once_all_have_ended(at: int):
    values = [1.0] * 8
    values[at] = -1.0
    session = CpuSession(lambda threads, few: Session(threads, threading.Barrier(2)), ["image"], 2)
    with pytest.raises(ValueError, match="a negative number"):
        session.run(column(*values), ort.RunOptions())


@pytest.mark.parametrize(("rows", "count"), [(4, 2), (5, 2), (16, 3), (64, 4)])
def test_shares_are_even_and_in_order(rows: int, count: int):
    parts = [list(range(rows))[share] for share in shares(rows, count)]
    assert [row for part in parts for row in part] == list(range(rows))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_pictures_are_the_same_bytes_however_many_are_drawn(tiny_bundle: Path):
    data = (tiny_bundle / "decoder.onnx").read_bytes()
    z = np.random.default_rng(4).standard_normal((17, tiny.CODE)).astype(np.float32)
    plain = open_session(data, ON_CPU, threads=1)
    wanted = np.concatenate([plain.run(["image"], {"z": row[None]})[0] for row in z])
    session = CpuSession(
        lambda threads, few: open_session(data, ON_CPU, threads=threads, patterns=few), ["image"], threads=2
    )
    for rows in (1, 2, FEWEST - 1, FEWEST, 5, 16, 17, 1):
        assert np.array_equal(session.run({"z": z[:rows]}, ort.RunOptions())[0], wanted[:rows])
