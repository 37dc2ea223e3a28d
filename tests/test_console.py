"""What is shown: messages, tables and transfers, on a terminal and elsewhere."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from genrecls import console
from genrecls.console import bytes_progress, each_warning_once, fail, log_file, say, show, warn
from genrecls.reports.tables import Table

HOSTILE = "a\x1b[2J\x9b1m\u202e[red]:smile:\x07"
HARMLESS = "a\\u001b[2J\\u009b1m\\u202e[red]:smile:\\u0007"


@pytest.mark.parametrize("tell", [say, warn, fail])
def test_no_message_lets_a_name_reach_the_terminal_raw(
    tell: Callable[[str], None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with log_file(tmp_path / "train.log"):
        tell(HOSTILE)
    assert HARMLESS in capsys.readouterr().err
    assert HARMLESS in (tmp_path / "train.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("tell", [say, warn])
def test_a_line_break_in_a_name_makes_no_line_of_its_own(
    tell: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    tell("bad.wav\ngenrecls: error: forged")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_warning_is_printed_once_in_a_command_and_kept_in_the_log_of_each_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with each_warning_once():
        for run in ("one", "two"):
            with log_file(tmp_path / run):
                warn("split segment: LEAKY")
                warn(f"left out {run}.wav")
    warn("split segment: LEAKY")
    printed = [line.removeprefix("warning: ") for line in capsys.readouterr().err.splitlines()]
    assert printed == [
        "split segment: LEAKY",
        "left out one.wav",
        "left out two.wav",
        "split segment: LEAKY",
    ]
    assert "WARNING split segment: LEAKY" in (tmp_path / "two").read_text(encoding="utf-8")


def test_a_table_shows_all_of_a_name_and_nothing_raw(capsys: pytest.CaptureFixture[str]) -> None:
    show(Table(["genre", HOSTILE], [["jazz", HOSTILE]], title=HOSTILE).to_terminal())
    shown = capsys.readouterr().out
    assert shown.count(HARMLESS) >= 1
    assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(shown)


def test_json_stays_exact(capsys: pytest.CaptureFixture[str]) -> None:
    show(json.dumps({HOSTILE: HOSTILE}, ensure_ascii=False, indent=2))
    shown = capsys.readouterr().out
    assert json.loads(shown) == {HOSTILE: HOSTILE}
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown)


@pytest.mark.parametrize("text", ["Жук 😀", [["Жук 😀"]]])
def test_results_come_where_the_output_takes_ascii_alone(
    text: str | list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="ascii"))
    show(text if isinstance(text, str) else Table(["file"], text).to_terminal())
    sys.stdout.flush()
    assert "\\u0416" in output.getvalue().decode("ascii")


def test_an_error_is_not_taken_for_a_result_where_standard_error_is_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    fail("nobody reads this")
    say("nor this")
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_a_log_on_a_full_disk_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert logging.raiseExceptions
    with log_file(Path("/dev/full")):
        say("a line")
    assert capsys.readouterr().err == "a line\n"


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
