"""Real processes that are killed and asked to stop, until the training is done."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.runs import model_file

OVERRIDES = (
    "debug=smoke",
    "trainer.epochs=8",
    "trainer.batch_size=2",
    "trainer.schedule.name=plateau",
    "augment=strong",
    "model=crnn",
    # After every step, so that a kill meets the writing of a checkpoint, too.
    "trainer.checkpoint_minutes=1e-6",
)


def _command(data: Path, outputs: Path) -> list[str]:
    places = (f"data_root={data}", f"output_root={outputs}")
    return [sys.executable, "-m", "genrecls", "train", *OVERRIDES, *places]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("undisturbed")
    subprocess.run(_command(data, outputs), check=True, capture_output=True, cwd=outputs)
    return _run(outputs)


def _run(outputs: Path) -> Path:
    (found,) = (path for path in outputs.glob("synth-*") if path.is_dir())
    return found


def _checkpoints(outputs: Path) -> list[str]:
    return sorted(path.name for path in outputs.glob("synth-*/checkpoint/epoch-*"))


def _interrupt(
    command: list[str], outputs: Path, number: signal.Signals, delay: float
) -> tuple[int, str]:
    """Send the signal a while after the first new checkpoint; return exit status and messages."""
    before = _checkpoints(outputs)[-1:]
    with subprocess.Popen(
        command, cwd=outputs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 90
        while _checkpoints(outputs)[-1:] <= before:
            assert process.poll() is None, "it ended before it could be interrupted"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(delay)
        process.send_signal(number)
        _, messages = process.communicate(timeout=60)
    return process.returncode, messages


def _history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]


def _weights(run: Path) -> list[Any]:
    return list(model_file.load(run / "model.keras")[0].get_weights())


def test_a_training_that_was_killed_and_stopped_ends_like_an_undisturbed_one(
    data: Path, undisturbed: Path, tmp_path: Path
) -> None:
    command, chance = _command(data, tmp_path), random.Random(0)  # noqa: S311
    for _ in range(3):
        status, _ = _interrupt(command, tmp_path, signal.SIGKILL, chance.uniform(0, 0.4))
        assert status == -signal.SIGKILL
    for number in (signal.SIGTERM, signal.SIGINT):
        status, messages = _interrupt(command, tmp_path, number, chance.uniform(0, 0.2))
        assert status == 130
        assert "goes on from here" in messages
        assert messages.count("genrecls: error:") == 1
        assert "Traceback" not in messages
        assert len(_checkpoints(tmp_path)) == 2
    last = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert "going on after epoch" in last.stderr
    run = _run(tmp_path)
    assert run.name == undisturbed.name
    assert len(_history(run)) == 8
    assert _history(run) == _history(undisturbed)
    pairs = zip(_weights(run), _weights(undisturbed), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    for name in ("predictions_segments.csv", "predictions_tracks.csv"):
        assert (run / name).read_bytes() == (undisturbed / name).read_bytes()
    assert not any(name.startswith(".writing") for name in os.listdir(run))  # noqa: PTH208
