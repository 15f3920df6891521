"""How a download is counted and what is said of it."""

import io

from loaders.hub.check import say_disk
from loaders.hub.disk import SPARE
from loaders.hub.progress import Meter, Progress, say_left, say_progress
from loaders.hub.stock import Item
from loaders.hub.terminal import Terminal

GB = 10**9


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_files_bytes_rate_and_what_is_left_are_said() -> None:
    progress = Progress(2, 6, round(1.2 * GB), round(13.5 * GB), rate=85e6)
    assert say_progress(progress) == (
        "downloading: 2 of 6 files, 1.20 of 13.5 GB, 85.0 MB/s, about 2 min left"
    )


def test_of_what_is_not_known_yet_nothing_is_said() -> None:
    assert (
        say_progress(Progress(0, 6, 512, 13 * GB)) == "downloading: 0 of 6 files, 512 B of 13.0 GB"
    )


def test_a_wait_is_said_instead_of_a_rate() -> None:
    progress = Progress(0, 6, GB, 13 * GB, rate=85e6, wait="the Hub is busy (429): again in 3 s")
    assert say_progress(progress).endswith("1.00 of 13.0 GB, the Hub is busy (429): again in 3 s")


def test_time_is_said_as_roughly_as_it_is_known() -> None:
    said = [say_left(seconds) for seconds in (0.2, 49, 60, 600, 5399, 9000)]
    assert said == [
        "about 1 s left",
        "about 49 s left",
        "about 1 min left",
        "about 10 min left",
        "about 90 min left",
        "about 2.5 h left",
    ]


def test_the_rate_is_that_of_the_last_seconds_and_not_of_what_was_here() -> None:
    clock = Clock()
    meter = Meter(2, 1_000, bytes_here=400, clock=clock)
    meter.add(100)
    assert meter.progress.rate == 0
    for clock.now in (1.0, 2.0, 20.0, 21.0):
        meter.add(50)
    assert meter.progress.bytes == 700
    assert meter.progress.rate == 100.0  # two of 50 in the last second
    meter.add(-200)
    meter.end()
    assert (meter.progress.bytes, meter.progress.files) == (500, 1)


def test_what_stays_on_a_terminal_is_lines_and_nothing_else_where_it_is_none() -> None:
    out = io.StringIO()
    terminal = Terminal(out)
    terminal.show("NPO", "downloading: 0 of 6 files")
    terminal.tell("a file came")
    assert out.getvalue() == "a file came\n"


class Screen(io.StringIO):
    """A terminal whose lines can be written over."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_of_all_that_comes() -> None:
    out = Screen()
    terminal = Terminal(out)
    terminal.show("NPO", "1 of 6 files")
    terminal.show("SimNPO", "2 of 6 files")
    terminal.show("NPO", "")
    lines = out.getvalue().split("\r\x1b[K")
    assert lines[2:] == ["NPO: 1 of 6 files | SimNPO: 2 of 6 files", "SimNPO: 2 of 6 files"]


def test_downloads_that_do_not_fit_together_are_a_problem() -> None:
    items = [Item("a", "lab/a", missing=27 * GB), Item("b", "lab/b", missing=27 * GB)]
    lines: list[str] = []
    assert say_disk(items, 50 * GB, lines.append) == 1
    assert lines[0].startswith("\n! disk of ")
    assert lines[0].endswith(": 54.0 GB to download, 50.0 GB free")
    assert "python -m loaders prequantize --delete-source" in lines[1]
    assert say_disk(items, 54 * GB + SPARE, lines.append) == 0
