from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.in_process import Answer, run_here

Command = Callable[..., Answer]


def run_genrecls(folder: Path, *words: str | Path, **limits: Callable[[], None]) -> Answer:
    """Run the program in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "GENRECLS_DEBUG"}
    finished = subprocess.run(
        [sys.executable, "-m", "genrecls", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        env={**environment, "PYTHONUTF8": "1"},
        preexec_fn=limits.get("before"),
        check=False,
    )
    return Answer(finished.returncode, finished.stdout, finished.stderr)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, tensorflow: None) -> Path:
    """A working folder whose name is hard on careless programs, with one finished training."""
    folder = tmp_path_factory.mktemp("work") / "Müsik & more 音"
    folder.mkdir()
    answer = run_here(folder, "train", "debug=smoke", "trainer.epochs=8")
    assert answer.status == 0, answer.err
    return folder


@pytest.fixture
def genrecls(home: Path) -> Command:
    """Run the program in the folder of the finished training."""
    return lambda *words: run_here(home, *words)


@pytest.fixture
def undrawn(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the figures of all reports after that of the finished training."""
    monkeypatch.setattr("genrecls.reports.run.draw", lambda _: {})


@pytest.fixture
def genrecls_process(home: Path, process: None) -> Command:
    """Run the program in the folder of the finished training, in a process of its own."""
    return lambda *words, **limits: run_genrecls(home, *words, **limits)
