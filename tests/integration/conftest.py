from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Answer:
    """What a command of the program gave back."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The only line of an error, with nothing of a stack trace around it."""
        assert "Traceback" not in self.err + self.out
        lines = [line for line in self.err.splitlines() if line.startswith("genrecls: error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("genrecls: error: ")


Command = Callable[..., Answer]


def run_genrecls(folder: Path, *words: str | Path, **limits: Callable[[], None]) -> Answer:
    environment = {key: value for key, value in os.environ.items() if key != "GENRECLS_DEBUG"}
    finished = subprocess.run(
        [sys.executable, "-m", "genrecls", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        env={**environment, "PYTHONUTF8": "1"},
        preexec_fn=limits.get("before"),
        check=False,
    )
    return Answer(finished.returncode, finished.stdout, finished.stderr)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder whose name is hard on careless programs, with one finished training."""
    folder = tmp_path_factory.mktemp("work") / "Müsik & more 音"
    folder.mkdir()
    answer = run_genrecls(folder, "train", "debug=smoke", "trainer.epochs=8")
    assert answer.status == 0, answer.err
    return folder


@pytest.fixture
def genrecls(home: Path) -> Command:
    """Run the program in the folder of the finished training."""
    return lambda *words, **limits: run_genrecls(home, *words, **limits)
