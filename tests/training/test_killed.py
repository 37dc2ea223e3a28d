"""Real processes that are killed and asked to stop, until the training is done."""

from __future__ import annotations

import csv
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.runs import model_file
from tests.forked import Forked, undrawn_program

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


pytestmark = pytest.mark.process


def _started(data: Path, outputs: Path) -> Forked:
    places = (f"data_root={data}", f"output_root={outputs}")
    return Forked(undrawn_program, "train", *OVERRIDES, *places, folder=outputs)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory, process: None) -> Path:
    outputs = tmp_path_factory.mktemp("undisturbed")
    status, messages = _started(data, outputs).end()
    assert status == 0, messages
    return _run(outputs)


def _run(outputs: Path) -> Path:
    (run,) = (path for path in outputs.glob("synth-*") if path.is_dir())
    return run


def _checkpoints(outputs: Path) -> list[str]:
    return sorted(path.name for path in outputs.glob("synth-*/checkpoint/epoch-*"))


def _interrupt(data: Path, outputs: Path, number: signal.Signals, delay: float) -> tuple[int, str]:
    """Send the signal a while after the first new checkpoint; return exit status and messages."""
    before = _checkpoints(outputs)[-1:]
    process = _started(data, outputs)
    while _checkpoints(outputs)[-1:] <= before:
        assert process.returncode is None, "it ended before it could be interrupted"
        time.sleep(0.005)
    time.sleep(delay)
    process.send_signal(number)
    return process.end()


def _history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]


def _weights(run: Path) -> list[Any]:
    return list(model_file.load(run / "model.keras")[0].get_weights())


def test_a_training_that_was_killed_and_stopped_ends_like_an_undisturbed_one(
    data: Path, undisturbed: Path, tmp_path: Path
) -> None:
    chance = random.Random(0)  # noqa: S311
    for _ in range(2):
        status, _ = _interrupt(data, tmp_path, signal.SIGKILL, chance.uniform(0, 0.4))
        assert status == -signal.SIGKILL
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        status, messages = _interrupt(data, tmp_path, number, chance.uniform(0, 0.2))
        assert status == 130
        assert "continues from here" in messages
        assert messages.count("genrecls: error:") == 1
        assert "Traceback" not in messages
        assert len(_checkpoints(tmp_path)) == 2
    status, messages = _started(data, tmp_path).end()
    assert status == 0, messages
    assert "continuing after epoch" in messages
    run = _run(tmp_path)
    assert run.name == undisturbed.name
    assert len(_history(run)) == 8
    assert _history(run) == _history(undisturbed)
    pairs = zip(_weights(run), _weights(undisturbed), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    for name in ("predictions_segments.csv", "predictions_tracks.csv"):
        assert (run / name).read_bytes() == (undisturbed / name).read_bytes()
    assert not any(name.startswith(".writing") for name in os.listdir(run))  # noqa: PTH208
