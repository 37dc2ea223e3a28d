"""What the page on the Raspberry Pi shows runs: the program that reads lines, and the unit."""

from __future__ import annotations

import configparser
import io
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from genrecls.cli.arguments import parser_of
from genrecls.runtime.command import check_live_options
from genrecls.runtime.formats import LIVE_FORMATS
from genrecls.runtime.live import Moment

PAGE = (Path(__file__).parents[1] / "docs/how_to/raspberry_pi.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the only block of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    return str(found)


def test_the_diary_has_a_line_for_each_change_of_genre(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, as_line = LIVE_FORMATS["json"]
    shares = [(0.9, 0.1), (0.8, 0.2), (0.45, 0.55), (0.2, 0.8), (0.7, 0.3)]
    lines = [
        as_line(
            Moment(3.0 * number, 3.0 * number + 3, np.array([*share, 0.0])), ["jazz", "rock", "ü"]
        )
        for number, share in enumerate(shares)
    ]
    unsure = as_line(Moment(0, 3, np.array([0.4, 0.3, 0.3])), ["jazz", "rock", "ü"])
    text = "\n".join(["--live: raw samples", unsure, *lines])
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    exec(block("python"), {})  # noqa: S102 - our own documentation
    written = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in written] == ["jazz", "rock", "jazz"]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in written)


def test_the_unit_starts_a_command_that_is_understood() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(block("ini"))
    program, verb, *words = shlex.split(unit["Service"]["ExecStart"])
    # systemd wants an absolute path, and looks for no relative one.
    assert program.startswith("/")
    assert all(not word.endswith(".tflite") or word.startswith("/") for word in words)
    options = parser_of(verb).read(words)
    options.paths = []
    check_live_options(options)
    assert (options.device, options.format) == ("hw:1", "json")
    assert unit["Install"]["WantedBy"] == "multi-user.target"
    name = re.search(r"/etc/systemd/system/(\w+)\.service", PAGE)
    assert name is not None
    assert f"journalctl -u {name[1]} " in PAGE
