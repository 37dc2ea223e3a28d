"""Weights & Biases and Trackio hear every epoch once and the scores; stand-ins take their place."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from genrecls.runs.run import Run
from genrecls.training.callbacks import Callback
from tests.conftest import ComposeExperiment
from tests.trackers.runs import METRICS, SETTINGS, after, started_run


class StandIn(ModuleType):
    """A library of either kind: what it was told, and what it was opened with."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.opened: list[dict[str, Any]] = []
        self.told: list[tuple[int, dict[str, Any]]] = []
        self.finished = 0

    def init(self, **words: Any) -> StandIn:
        print("welcome")  # noqa: T201 - as both do
        self.opened.append(words)
        return self

    def log(self, values: dict[str, Any], step: int) -> None:
        self.told.append((step, values))

    def finish(self) -> None:
        self.finished += 1

    def Settings(self, **words: Any) -> dict[str, Any]:  # noqa: N802 - the library's own name
        return words


@pytest.fixture(params=["wandb", "trackio"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn(request.param)
    monkeypatch.setitem(sys.modules, request.param, stand_in)
    for name in ("TRACKIO_DIR", "HF_HUB_DISABLE_TELEMETRY", "WANDB_ERROR_REPORTING"):
        monkeypatch.setenv(name, "set by the test")
    monkeypatch.setenv("GENRECLS_SWEEP", "my-sweep")
    return stand_in


def callback(library: StandIn, run: Run, compose: ComposeExperiment) -> Callback:
    (found,) = compose(f"logger={library.__name__}").logger.callbacks(run, SETTINGS)
    return found


def test_every_epoch_is_told_once_and_the_scores_at_the_end(
    library: StandIn,
    tmp_path: Path,
    compose_experiment: ComposeExperiment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = started_run(tmp_path)
    tracker = callback(library, run, compose_experiment)
    for epochs in (0, 1, 2, 2, 3):
        tracker.on_epoch_end(after(epochs))
    tracker.on_finish(METRICS)
    assert [step for step, _ in library.told] == [1, 2, 3, 3]
    assert library.told[1][1]["validation_loss"] == 1.0
    assert library.told[3][1]["test/track/accuracy"] == 0.75
    assert library.told[3][1]["split"] == "segment (LEAKY)"
    (opened,) = library.opened
    assert opened["group"] == "my-sweep"
    assert opened["config"]["model.head.units"] == "[64, 32]"
    assert library.finished == 1
    assert library.__name__ in str(tracker.location)
    assert capsys.readouterr().out == ""


def test_a_resumed_training_tells_what_is_new_to_the_same_run(
    library: StandIn, tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    run = started_run(tmp_path)
    first = callback(library, run, compose_experiment)
    first.on_epoch_end(after(2))
    first.on_stop("interrupted")
    second = callback(library, run, compose_experiment)
    second.on_epoch_end(after(2))
    second.on_epoch_end(after(3))
    assert [step for step, _ in library.told] == [1, 2, 3]
    opened = [(words.get("id"), words["name"], words["resume"]) for words in library.opened]
    assert opened[0] == opened[1]
    assert opened[0][2] == "allow"


def test_a_finished_run_is_told_once(
    library: StandIn, tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    run = started_run(tmp_path)
    for _ in range(2):
        tracker = callback(library, run, compose_experiment)
        tracker.on_epoch_end(after(1))
        tracker.on_finish(METRICS)
    assert [step for step, _ in library.told] == [1, 1]
