"""What is shown of a transfer, on a terminal and elsewhere."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.console import Console

from genrecls import console
from genrecls.console import bytes_progress


def test_a_transfer_is_a_line_each_quarter_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100))
    monkeypatch.setattr("genrecls.console.time.monotonic", lambda: float(next(clock)))
    with bytes_progress("Downloading a", 8_000_000) as advance:
        for _ in range(8):
            advance(1_000_000)
    assert capsys.readouterr().err.splitlines() == [
        "Downloading a: 2.0 MB of 8.0 MB, 1.0 MB/s, 0:00:06 left",
        "Downloading a: 4.0 MB of 8.0 MB, 1.0 MB/s, 0:00:04 left",
        "Downloading a: 6.0 MB of 8.0 MB, 1.0 MB/s, 0:00:02 left",
        "Downloading a: 8.0 MB, 1.0 MB/s",
    ]


def test_what_was_there_before_does_not_count_for_the_rate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 10.0])
    monkeypatch.setattr("genrecls.console.time.monotonic", lambda: next(clock))
    with bytes_progress("Downloading a", 100_000_000, 40_000_000) as advance:
        advance(10_000_000)
    assert capsys.readouterr().err == (
        "Downloading a: 50.0 MB of 100.0 MB, 1.0 MB/s, 0:00:50 left\n"
    )


def test_of_unknown_length_there_is_a_line_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 30.0, 60.0])
    monkeypatch.setattr("genrecls.console.time.monotonic", lambda: next(clock))
    with bytes_progress("Downloading a", None) as advance:
        advance(30_000)
        advance(30_000)
    assert capsys.readouterr().err == "Downloading a: 60.0 kB, 1.0 kB/s\n"


@pytest.mark.parametrize("total", [8_000_000, None])
def test_a_terminal_gets_a_bar_with_rate_and_time_left(
    total: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(console, "messages", lambda: terminal)
    with bytes_progress("Downloading a", total, 2_000_000) as advance:
        advance(2_000_000)
    assert "Downloading a" in screen.getvalue()
    assert "4.0" in screen.getvalue()
    assert "left" in screen.getvalue()


@pytest.mark.process
def test_messages_go_on_when_nobody_reads_them_any_more() -> None:
    script = (
        "from genrecls.console import say\nfor n in range(20000): say(f'line {n}')\nprint('done')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stdout is not None
    assert process.stderr.readline() == "line 0\n"
    process.stderr.close()
    assert process.stdout.read() == "done\n"
    process.stdout.close()
    assert process.wait(60) == 0
