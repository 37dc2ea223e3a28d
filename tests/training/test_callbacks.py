"""Whoever watches a training hears of every epoch, whatever becomes of the training or of them."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import Interrupted
from genrecls.training.callbacks import Observers, Stop, notify_on_stop
from genrecls.training.checkpoint import Progress
from genrecls.training.loop import TrainingData, fit
from genrecls.training.stages import TrainingPaths, fit_in_stages
from tests.training.staged import HEAD, WHOLE, task
from tests.training.toys import (
    StoppingBatches,
    batch_maker,
    network,
    toy_examples,
    trainer_settings,
)


@dataclass
class Notes:
    """Observer that keeps what it is told."""

    title: str = "notes"
    broken: bool = False
    heard: list[Any] = field(default_factory=list)

    def observe(self, progress: Progress) -> None:
        self._hear([row["epoch"] for row in progress.history])

    def finished(self, metrics: Mapping[str, Any]) -> None:
        self._hear(dict(metrics))

    def stopped(self, how: Stop) -> None:
        self._hear(how)

    def _hear(self, what: Any) -> None:
        if self.broken:
            raise OSError("the disk\nis full")
        self.heard.append(what)


def material(stop_at: tuple[int, int] | None = None) -> TrainingData:
    batches = batch_maker(toy_examples(30))
    if stop_at:
        batches = StoppingBatches(**vars(batches), stop_at=stop_at, number=signal.SIGTERM)
    return TrainingData(network(), batches, toy_examples(15, seed=1))


def test_every_epoch_is_told_once_and_the_beginning_too(tmp_path: Path) -> None:
    notes = Notes()
    fit(material(), trainer_settings(epochs=2), tmp_path, notes.observe)
    assert notes.heard == [[], [1], [1, 2]]


def test_a_training_that_is_taken_up_tells_what_was_there(tmp_path: Path) -> None:
    notes, trainer = Notes(), trainer_settings(epochs=3)
    with pytest.raises(Interrupted):
        fit(material((1, 1)), trainer, tmp_path)
    fit(material(), trainer, tmp_path, notes.observe)
    assert notes.heard == [[1], [1, 2], [1, 2, 3]]


def test_epochs_of_all_stages_are_told_numbered_through(tmp_path: Path) -> None:
    told: list[Progress] = []
    plan = task(replace(HEAD, epochs=2), replace(WHOLE, epochs=1))
    fitted = fit_in_stages(
        plan, TrainingPaths(tmp_path / "run", tmp_path / "cache"), lambda p: told.append(replace(p))
    )
    assert [progress.epoch for progress in told] == [0, 1, 2, 2, 3]
    assert told[3].best_epoch == told[2].best_epoch > 0
    assert told[3].best_value == told[2].best_value
    assert [row["stage"] for row in told[4].history] == [1, 1, 2]
    assert told[4].history == fitted.progress.history
    assert told[4].best_epoch == fitted.progress.best_epoch


def test_an_observer_that_fails_is_left_out_with_one_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken, notes = Notes(title="the broken one", broken=True), Notes()
    both = Observers([broken, notes])
    for _ in range(3):
        both.observe(Progress())
    both.finished({"score": 1})
    assert notes.heard == [[], [], [], {"score": 1}]
    warnings = capsys.readouterr().err.splitlines()
    assert warnings == ["warning: the broken one gets no more of this run: the disk is full"]


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (Interrupted("stopped"), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (ValueError("wrong"), "failed"),
    ],
)
def test_an_observer_hears_how_a_training_ended_without_a_result(
    error: BaseException, how: str
) -> None:
    notes = Notes()
    with pytest.raises(type(error)), notify_on_stop(Observers([notes])):
        raise error
    assert notes.heard == [how]


def test_an_observer_hears_nothing_of_a_stop_where_there_was_none() -> None:
    notes = Notes()
    with notify_on_stop(Observers([notes])):
        pass
    assert notes.heard == []
