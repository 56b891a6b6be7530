"""Progress on a terminal, in a log file, and where nobody listens any more."""

import io

import pytest

from train import progress_bar as shown
from train.progress_bar import progress_bar, say, with_bar


class Clock:
    """A second each time that something is done."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    """The terminal of a window that was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def work(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, seconds: int) -> str:
    """What two hundred pictures at that many seconds each print."""
    clock = Clock()
    monkeypatch.setattr(shown, "time", clock)
    monkeypatch.setattr("sys.stderr", stream)
    bar = progress_bar("reading", 200, "pictures", mininterval=0, miniters=1)
    for _ in range(200):
        clock.now += seconds
        bar.update()
    bar.close()
    return stream.getvalue()


def test_a_log_gets_a_plain_line_now_and_then(monkeypatch):
    text = work(monkeypatch, io.StringIO(), 1)
    assert "\r" not in text
    lines = text.splitlines()
    assert len(lines) == 200 // 30
    assert lines[0].startswith("reading: 15%, 30 of 200 pictures, ")


def test_short_work_leaves_no_line(monkeypatch):
    assert work(monkeypatch, io.StringIO(), 0) == ""


def test_a_terminal_gets_a_bar_that_is_wiped_away(monkeypatch):
    text = work(monkeypatch, Terminal(), 1)
    assert text.count("\r") > 100 and "200/200" in text
    assert text.endswith("\r")


def test_a_closed_terminal_stops_nothing(monkeypatch):
    monkeypatch.setattr("sys.stdout", Closed())
    say("nobody reads this")
    work(monkeypatch, Closed(), 1)


def test_the_items_come_as_they_are(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    assert list(with_bar((i for i in range(5)), "drawing", 5)) == [0, 1, 2, 3, 4]
    assert list(with_bar([3, 4], "short")) == [3, 4]
    assert stream.getvalue() == ""


class Output:
    """The standard output, on the screen where the bar is."""

    def __init__(self, screen: Terminal):
        self.write, self.flush = screen.write, screen.flush


def seen(text: str) -> list[str]:
    """The lines that a screen shows after `text`."""
    lines = []
    for written in text.split("\n"):
        row = ""
        for part in written.split("\r"):
            row = part + row[len(part) :]
        lines.append(row.rstrip())
    return lines


def test_what_is_said_stands_on_a_line_of_its_own_above_the_bar(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("sys.stdout", Output(screen))
    bar = progress_bar("gan", 100, "pictures", mininterval=0, ncols=60)
    bar.update(10)
    say("note: all is well")
    bar.update(10)
    lines = seen(screen.getvalue())
    bar.close()
    assert lines[0] == "note: all is well"
    assert len(lines) == 2 and lines[1].startswith("gan:  20%")
