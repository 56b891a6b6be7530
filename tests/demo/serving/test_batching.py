"""The queue before a graph: which requests share a run, which wait, which are refused, and what stops a run."""

import threading
import time
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from bundle.errors import Busy
from demo.serving import batching
from demo.serving.batching import BatchQueue, Caller, on_behalf_of
from demo.serving.watchdog import Watchdog
from tests.support.waiting import wait_until


class Gate:
    """A graph that doubles its input and that a test can hold up: it notes the rows of each run."""

    def __init__(self) -> None:
        self.runs: list[list[float]] = []
        self.open = threading.Event()
        self.entered = threading.Event()

    def __call__(self, feed: dict[str, np.ndarray], until: float) -> list[np.ndarray]:
        self.runs.append(feed["z"][:, 0].tolist())
        self.entered.set()
        assert self.open.wait(20)
        return [2 * feed["z"], -feed["z"]]


def rows(*values: float) -> dict[str, np.ndarray]:
    return {"z": np.array(values, np.float32)[:, None]}


def queue_of(run: Callable, most: int = 16) -> BatchQueue:
    return BatchQueue(run, most, threading.Semaphore(2))


class Visitors:
    """Threads that send a request each to a queue, and what each one got."""

    def __init__(self, queue: BatchQueue):
        self.queue, self.got, self.threads = queue, {}, []

    def ask(self, *values: float, one: Caller | None = None) -> None:
        def work() -> None:
            try:
                with on_behalf_of(one or Caller(time.monotonic() + 20)):
                    self.got[values] = self.queue(rows(*values))[0]
            except BaseException as error:
                self.got[values] = error

        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()

    def queue_up(self, *values: float, one: Caller | None = None) -> None:
        """Send a request during a run, and return once it waits, so that the order is known."""
        before = self.queue.waiting
        self.ask(*values, one=one)
        wait_until(lambda: self.queue.waiting != before, pause=0.001)

    def wait(self) -> None:
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()


def crowd(gate: Gate, at: BatchQueue, *others: tuple[float, ...]) -> Visitors:
    """One visitor whose run is held up, and others whose requests wait meanwhile."""
    visitors = Visitors(at)
    visitors.ask(0.0)
    assert gate.entered.wait(20)
    for values in others:
        visitors.queue_up(*values)
    return visitors


def test_who_comes_during_a_run_shares_the_next_one():
    gate = Gate()
    at = queue_of(gate)
    visitors = crowd(gate, at, (1.0,), (2.0, 3.0), (4.0,))
    gate.open.set()
    visitors.wait()
    assert gate.runs == [[0.0], [1.0, 2.0, 3.0, 4.0]]
    assert visitors.got[2.0, 3.0][0].tolist() == [[4.0], [6.0]] and visitors.got[4.0,][1].tolist() == [[-4.0]]
    assert (at.tally.requests, at.tally.runs, at.tally.rows) == (4, 2, 5)


def test_a_run_takes_what_fits_in_the_order_of_coming():
    gate = Gate()
    visitors = crowd(gate, queue_of(gate, most=3), (1.0, 2.0), (3.0, 4.0), (5.0,))
    gate.open.set()
    visitors.wait()
    assert gate.runs == [[0.0], [1.0, 2.0], [3.0, 4.0, 5.0]]


def test_visitors_take_turns_at_a_graph():
    gate = Gate()
    visitors = crowd(gate, queue_of(gate, most=2))
    for visitor, value in (("a", 1.0), ("a", 2.0), ("a", 3.0), ("b", 4.0), ("c", 5.0)):
        visitors.queue_up(value, one=Caller.of_now(visitor))
    gate.open.set()
    visitors.wait()
    assert gate.runs == [[0.0], [1.0, 4.0], [2.0, 5.0], [3.0]]


def test_work_in_the_background_lets_everybody_else_go_first(monkeypatch: pytest.MonkeyPatch):
    """It shares no run with them, so that none of theirs becomes longer; after a while it takes its turn."""

    def background(visitor: str) -> Caller:
        return Caller(time.monotonic() + 20, visitor=visitor, background=True)

    for patience, runs in ((60.0, [[0.0], [3.0, 4.0], [1.0, 2.0]]), (0.0, [[0.0], [1.0, 2.0, 3.0, 4.0]])):
        monkeypatch.setattr(batching, "PATIENCE", patience)
        gate = Gate()
        visitors = crowd(gate, queue_of(gate))
        for value, one in (
            (1.0, background("a")),
            (2.0, background("b")),
            (3.0, Caller.of_now("c")),
            (4.0, Caller.of_now("d")),
        ):
            visitors.queue_up(value, one=one)
        gate.open.set()
        visitors.wait()
        assert gate.runs == runs


@pytest.mark.slow
def test_a_run_that_outlasts_a_deadline_is_waited_for_asleep():
    """Of two who share a run, one thread runs it. The other one, overdue meanwhile, must not poll for its end."""
    gates, running, spent = [threading.Event(), threading.Event()], threading.Event(), []
    runs = iter(gates)

    def run(feed: dict[str, np.ndarray], until: float) -> list[np.ndarray]:
        running.set()
        assert next(runs).wait(20)
        return [feed["z"]]

    at = queue_of(run)

    def ask(value: float, seconds: float) -> None:
        with on_behalf_of(Caller.of_now(seconds=seconds)):
            at(rows(value))
        spent.append(time.thread_time())

    threads = [threading.Thread(target=ask, args=one) for one in ((0.0, 20), (1.0, 2), (2.0, 2))]
    threads[0].start()
    assert running.wait(20)
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: at.waiting == 2, pause=0.001)
    gates[0].set()
    wait_until(lambda: at.waiting == 0, pause=0.001)
    time.sleep(2.5)
    gates[1].set()
    for thread in threads:
        thread.join(20)
    assert len(spent) == 3 and max(spent) < 0.1


def test_nobody_waits_for_company_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batching, "WINDOW", 60.0)
    gate = Gate()
    gate.open.set()
    at = queue_of(gate)
    began = time.monotonic()
    for value in (1.0, 2.0, 3.0):
        at(rows(value))
    assert time.monotonic() - began < 30 and len(gate.runs) == 3


def test_where_requests_have_met_a_run_waits_for_company(monkeypatch: pytest.MonkeyPatch):
    gate = Gate()
    at = queue_of(gate, most=2)
    visitors = crowd(gate, at, (1.0,), (2.0,))
    monkeypatch.setattr(batching, "WINDOW", 20.0)
    gate.open.set()
    visitors.wait()
    visitors.ask(3.0)  # would run at once, had nobody else been there
    time.sleep(0.1)
    assert len(gate.runs) == 2
    visitors.ask(4.0)  # the run is full
    visitors.wait()
    assert gate.runs[2] == [3.0, 4.0]


def test_a_deadline_passes_while_waiting():
    gate = Gate()
    visitors = crowd(gate, queue_of(gate))
    visitors.ask(1.0, one=Caller(time.monotonic() + 0.05))
    visitors.threads[1].join(20)
    visitors.queue_up(2.0)
    assert isinstance(visitors.got[1.0,], Busy) and "Timed out after 10 s" in str(visitors.got[1.0,])
    gate.open.set()
    visitors.wait()
    assert gate.runs == [[0.0], [2.0]] and visitors.got[2.0,][0].tolist() == [[4.0]]


def test_nothing_is_drawn_for_who_has_left():
    gate = Gate()
    visitors = crowd(gate, queue_of(gate))
    leaves = Caller(time.monotonic() + 20)
    visitors.queue_up(1.0, one=leaves)
    visitors.queue_up(2.0)
    leaves.gone.set()
    gate.open.set()
    visitors.wait()
    assert gate.runs == [[0.0], [2.0]] and isinstance(visitors.got[1.0,], Busy)


def test_the_line_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batching, "MAX_WAITING", 2)
    gate = Gate()
    at = queue_of(gate)
    visitors = crowd(gate, at, (1.0,), (2.0,))
    with pytest.raises(Busy, match="Too many people"):
        at(rows(3.0))
    gate.open.set()
    visitors.wait()
    assert at.tally.refused == 1 and at(rows(4.0))[0][0].tolist() == [[8.0]]


def test_a_failing_run_fails_all_who_shared_it_and_nobody_else():
    gate, left = Gate(), [2]

    def fails_second(feed: dict[str, np.ndarray], until: float) -> list[np.ndarray]:
        left[0] -= 1
        out = gate(feed, until)
        if left[0] == 0:
            raise RuntimeError("out of memory")
        return out

    at = queue_of(fails_second)
    visitors = crowd(gate, at, (1.0,), (2.0,))
    gate.open.set()
    visitors.wait()
    assert all(isinstance(visitors.got[value,], RuntimeError) for value in (1.0, 2.0))
    assert at(rows(3.0))[0][0].tolist() == [[6.0]]


def endless() -> bytes:
    """A graph that counts to 2**62."""

    def value(name: str, kind: int, shape: list) -> object:
        return helper.make_tensor_value_info(name, kind, shape)

    body = helper.make_graph(
        [helper.make_node("Identity", ["go_in"], ["go_out"]), helper.make_node("Add", ["x_in", "x_in"], ["x_out"])],
        "body",
        [
            value("i", TensorProto.INT64, []),
            value("go_in", TensorProto.BOOL, []),
            value("x_in", TensorProto.FLOAT, [1]),
        ],
        [value("go_out", TensorProto.BOOL, []), value("x_out", TensorProto.FLOAT, [1])],
    )
    nodes = [
        helper.make_node("Constant", [], ["trips"], value=helper.make_tensor("t", TensorProto.INT64, [], [2**62])),
        helper.make_node("Constant", [], ["go"], value=helper.make_tensor("g", TensorProto.BOOL, [], [True])),
        helper.make_node("Loop", ["trips", "go", "x"], ["y"], body=body),
    ]
    graph = helper.make_graph(
        nodes, "endless", [value("x", TensorProto.FLOAT, [1])], [value("y", TensorProto.FLOAT, [1])]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return model.SerializeToString()


def test_the_watchdog_ends_a_run_that_would_never_end():
    session = ort.InferenceSession(endless(), providers=["CPUExecutionProvider"])
    watchdog = Watchdog()
    for _ in range(2):  # the watch goes on after the first one
        began = time.monotonic()
        with watchdog.limit(began + 0.3) as options, pytest.raises(Exception, match="terminate"):
            session.run(None, {"x": np.ones(1, np.float32)}, options)
        assert options.terminate and 0.25 < time.monotonic() - began < 20
