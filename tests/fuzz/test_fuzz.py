"""Some seeded cases of every input; `python -m tests.fuzz --models --seconds 3600` runs many."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from genrecls.errors import GenreclsError
from tests.fuzz.cases import Target, Wrong, run_case

ROOT = Path(__file__).parents[2]
CASES = 4


@pytest.mark.process
def test_whatever_is_damaged_is_answered_or_refused_in_one_line() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--cases", str(CASES)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    rows = [line.split()[-4:] for line in finished.stdout.splitlines()[1:-1]]
    assert len(rows) >= 7
    assert all(row[0] == str(CASES) and row[3] == "0" for row in rows), finished.stdout


def _reads(path: Path) -> None:
    text = path.read_text()
    if text == "refuse":
        raise GenreclsError("no")
    if text == "wrong":
        raise Wrong("NaN")
    if text == "die":
        raise SystemExit(2)
    if text == "crash":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.process
@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        ("fine", "answered", ""),
        ("refuse", "refused", "GenreclsError: no"),
        ("wrong", "wrong", "Wrong: NaN"),
        ("die", "wrong", "SystemExit: 2"),
        ("crash", "wrong", "killed by SIGKILL"),
    ],
)
def test_the_fuzzer_sees_how_a_case_ends(
    text: str, verdict: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "input").write_text("fine")

    def damage(folder: Path, _: Random) -> None:
        (folder / "input").write_text(text)

    target = Target("text", lambda _: None, damage, lambda folder: _reads(folder / "input"))
    result = run_case(target, tmp_path, "seed")
    assert result.verdict == verdict
    assert result.reason.startswith(reason)
