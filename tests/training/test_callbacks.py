"""Everybody who follows a training is called after every epoch, whatever becomes of them."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genrecls import console
from genrecls.errors import Interrupted
from genrecls.training import loop, stages
from genrecls.training.callbacks import (
    Callback,
    Callbacks,
    FunctionCallback,
    ProgressFile,
    StopReason,
    TrainingDisplay,
    TrainingPlan,
    notify_on_stop,
)
from genrecls.training.checkpoint import Progress
from genrecls.training.distribution import Devices
from genrecls.training.loop import TrainingData
from genrecls.training.stages import TrainingPaths
from tests.training.staged import HEAD, WHOLE, task
from tests.training.toys import (
    StoppingBatches,
    batch_maker,
    network,
    toy_examples,
    trainer_settings,
)

PLAN = TrainingPlan(epochs=2, steps=4, monitor="loss")


class Notes(Callback):
    """Callback that keeps what it is called with."""

    def __init__(self, title: str = "notes", *, broken: bool = False) -> None:
        self.title = title
        self.broken = broken
        self.calls: list[Any] = []

    def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:  # noqa: ARG002
        self._note([row["epoch"] for row in progress.history])

    def on_epoch_end(self, progress: Progress) -> None:
        self._note([row["epoch"] for row in progress.history])

    def on_finish(self, metrics: Mapping[str, Any]) -> None:
        self._note(dict(metrics))

    def on_stop(self, reason: StopReason) -> None:
        self._note(reason)

    def _note(self, call: Any) -> None:
        if self.broken:
            raise OSError("the disk\nis full")
        self.calls.append(call)


def training_data(stop_at: tuple[int, int] | None = None) -> TrainingData:
    batches = batch_maker(toy_examples(30))
    if stop_at:
        batches = StoppingBatches(**vars(batches), stop_at=stop_at, number=signal.SIGTERM)
    return TrainingData(network(), batches, toy_examples(15, seed=1))


def train(folder: Path, callback: Callback, stop_at: tuple[int, int] | None = None) -> Progress:
    trainer = trainer_settings(epochs=3)
    return loop.fit(training_data(stop_at), trainer, folder, Devices(), callback)


def test_every_epoch_is_reported_once_and_the_beginning_too(tmp_path: Path) -> None:
    notes = Notes()
    train(tmp_path, notes)
    assert notes.calls == [[], [1], [1, 2], [1, 2, 3]]


def test_a_resumed_training_reports_what_was_there(tmp_path: Path) -> None:
    notes = Notes()
    with pytest.raises(Interrupted):
        train(tmp_path, Callback(), stop_at=(1, 1))
    train(tmp_path, notes)
    assert notes.calls == [[1], [1, 2], [1, 2, 3]]


def test_every_step_is_reported_with_the_means_of_its_epoch(tmp_path: Path) -> None:
    class Steps(Callback):
        def __init__(self) -> None:
            self.calls: list[tuple[int, int, float, float]] = []
            self.stages = 0

        def on_step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
            self.calls.append((epoch, step, loss, accuracy))

        def on_stage_end(self) -> None:
            self.stages += 1

    steps = Steps()
    progress = train(tmp_path, steps)
    assert [call[:2] for call in steps.calls] == [(e, s) for e in (1, 2, 3) for s in (1, 2, 3, 4)]
    assert steps.calls[3][2:] == (progress.history[0]["loss"], progress.history[0]["accuracy"])
    assert steps.stages == 1


def test_epochs_of_all_stages_are_reported_numbered_through(tmp_path: Path) -> None:
    class Kept(Callback):
        def __init__(self) -> None:
            self.progress: list[Progress] = []
            self.plans: list[TrainingPlan] = []
            self.steps: list[int] = []

        def on_stage_start(self, progress: Progress, plan: TrainingPlan) -> None:
            self.plans.append(plan)
            self.on_epoch_end(progress)

        def on_step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:  # noqa: ARG002
            self.steps.append(epoch)

        def on_epoch_end(self, progress: Progress) -> None:
            self.progress.append(replace(progress))

    kept = Kept()
    plan = task(replace(HEAD, epochs=2), replace(WHOLE, epochs=1))
    result = stages.fit(plan, TrainingPaths(tmp_path / "run", tmp_path / "cache"), Devices(), kept)
    reported = kept.progress
    assert [progress.epoch for progress in reported] == [0, 1, 2, 2, 3]
    assert reported[3].best_epoch == reported[2].best_epoch > 0
    assert reported[3].best_value == reported[2].best_value
    assert [row["stage"] for row in reported[4].history] == [1, 1, 2]
    assert reported[4].history == result.progress.history
    assert reported[4].best_epoch == result.progress.best_epoch
    assert kept.plans == [TrainingPlan(3, 4, "loss")] * 2
    assert sorted(set(kept.steps)) == [1, 2, 3]


def test_a_callback_that_fails_is_left_out_with_one_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken, notes = Notes(title="the broken one", broken=True), Notes()
    both = Callbacks([broken, notes])
    for _ in range(3):
        both.on_epoch_end(Progress())
    both.on_finish({"score": 1})
    assert notes.calls == [[], [], [], {"score": 1}]
    warnings = capsys.readouterr().err.splitlines()
    assert warnings == ["warning: the broken one gets no more of this run: the disk is full"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Interrupted("stopped"), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (ValueError("wrong"), "failed"),
    ],
)
def test_a_callback_learns_why_a_training_ended_without_a_result(
    error: BaseException, reason: str
) -> None:
    notes = Notes()
    with pytest.raises(type(error)), notify_on_stop(Callbacks([notes])):
        raise error
    assert notes.calls == [reason]


def test_a_callback_is_not_called_about_a_stop_where_there_was_none() -> None:
    notes = Notes()
    with notify_on_stop(Callbacks([notes])):
        pass
    assert notes.calls == []


def test_a_function_is_called_at_the_start_and_after_each_epoch(tmp_path: Path) -> None:
    epochs: list[int] = []
    train(tmp_path, Callbacks([FunctionCallback(lambda progress: epochs.append(progress.epoch))]))
    assert epochs == [0, 1, 2, 3]


def test_a_callback_without_methods_of_its_own_follows_anything() -> None:
    nothing = Callbacks([Callback()])
    nothing.on_stage_start(Progress(), PLAN)
    nothing.on_step(1, 1, 0.5, 0.5)
    nothing.on_stage_end()
    nothing.on_stop("failed")


def _one_epoch(display: TrainingDisplay) -> None:
    row = {
        "epoch": 1,
        "loss": 0.5,
        "accuracy": 0.25,
        "validation_loss": 0.75,
        "validation_accuracy": 0.125,
        "learning_rate": 0.1,
        "seconds": 2.04,
    }
    display.on_stage_start(Progress(), PLAN)
    display.on_step(1, 4, 0.5, 0.25)
    display.on_epoch_end(Progress(epoch=1, history=[row], best_epoch=1))
    display.on_step(2, 1, 0.5, 0.25)
    display.on_epoch_end(Progress(epoch=2, history=[row, {**row, "epoch": 2}], best_epoch=1))
    display.on_stage_end()


def test_the_display_prints_a_line_an_epoch_and_marks_the_best(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _one_epoch(TrainingDisplay())
    line = "loss 0.500 accuracy 0.250  validation 0.750 0.125  2.0 s"
    assert capsys.readouterr().err.splitlines() == [
        f"epoch   1/2  {line}  best",
        f"epoch   2/2  {line}",
    ]


def test_on_a_terminal_the_display_has_a_bar_that_goes_when_the_stage_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with console.log_file(tmp_path / "train.log"):
        _one_epoch(TrainingDisplay())
    messages = capsys.readouterr().err
    assert messages.count("  best") == 1
    assert "at most" in messages
    assert messages.endswith("\x1b[?25h\r\x1b[1A\x1b[2K"), "the bar is wiped, the cursor is back"
    assert (tmp_path / "train.log").read_text().count("validation 0.750 0.125") == 2


def test_at_80_columns_the_display_keeps_its_bar_and_the_time_on_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "80")
    display, plan = TrainingDisplay(), TrainingPlan(epochs=100, steps=4, monitor="loss")
    row = {"epoch": 100, "loss": 0.5, "accuracy": 0.25, "seconds": 123.4}
    row |= {"validation_loss": 0.75, "validation_accuracy": 0.125}
    display.on_stage_start(Progress(), plan)
    display.on_epoch_end(Progress(epoch=1, history=[row], best_epoch=1))
    display.on_step(100, 4, 0.5, 0.25)
    display.on_stage_end()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", capsys.readouterr().err)
    # What the cursor goes back over are lines of their own.
    lines = [line for part in plain.splitlines() for line in re.split("(?=epoch|training)", part)]
    assert max(len(line.rstrip()) for line in lines) <= 80
    last = lines[-1]
    assert last.startswith("epoch 100/100")
    for kept in ("━━━━━━━━━━", "100 %", "at most", "0:00:00", "accuracy 0.250", "validation 0.12"):
        assert kept in last


FIVE_EPOCHS = TrainingPlan(epochs=5, steps=4, monitor="loss")


def reported(*losses: float) -> Progress:
    """Return a training whose epochs had the validation losses `losses` and took 2 s each."""
    rows = [
        {
            "epoch": number,
            "loss": loss,
            "accuracy": 0.5,
            "validation_loss": loss,
            "validation_accuracy": 1 - loss,
            "learning_rate": 0.1,
            "seconds": 2.0,
        }
        for number, loss in enumerate(losses, start=1)
    ]
    best = 1 + losses.index(min(losses)) if losses else 0
    return Progress(
        epoch=len(losses), seconds=2.0 * len(losses), history=rows, best_epoch=best, best_value=None
    )


def written(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_before_the_first_epoch_there_are_no_scores(tmp_path: Path) -> None:
    ProgressFile(tmp_path / "progress.json").on_stage_start(reported(), FIVE_EPOCHS)
    facts = written(tmp_path / "progress.json")
    assert facts.pop("updated").startswith("20")
    assert facts == {
        "epoch": 0,
        "validation_accuracy": None,
        "validation_loss": None,
        "epochs": 5,
        "best": None,
        "seconds": 0.0,
        "seconds_left": None,
        "history": [],
    }


def test_after_an_epoch_it_has_scores_the_best_and_the_time_left(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "progress.json")
    file.on_stage_start(reported(), replace(FIVE_EPOCHS, monitor="accuracy"))
    file.on_epoch_end(reported(0.4, 0.25, 0.5))
    facts = written(tmp_path / "progress.json")
    assert facts["epoch"] == 3
    assert facts["validation_accuracy"] == 0.5
    assert facts["best"] == {"epoch": 2, "value": 0.75, "monitor": "accuracy"}
    assert (facts["seconds"], facts["seconds_left"]) == (6.0, 4.0)
    assert [row["validation_loss"] for row in facts["history"]] == [0.4, 0.25, 0.5]
    assert set(facts["history"][0]) == {"epoch", "validation_accuracy", "validation_loss"}


def test_it_goes_when_the_run_is_finished_and_stays_when_it_is_stopped(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "progress.json")
    file.on_stage_start(reported(0.4), FIVE_EPOCHS)
    file.on_stop("interrupted")
    assert file.path.is_file()
    file.on_finish({})
    file.on_finish({})
    assert not file.path.exists()


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_a_training_agrees_with_its_file(monitor: str, tmp_path: Path) -> None:
    trainer = trainer_settings(epochs=2, monitor=monitor)
    file = ProgressFile(tmp_path / "progress.json")
    data = TrainingData(network(), batch_maker(toy_examples(30)), toy_examples(15, seed=1))
    final = loop.fit(data, trainer, tmp_path / "checkpoint", Devices(), file)
    facts = written(file.path)
    assert facts["best"]["epoch"] == final.best_epoch
    assert facts["best"]["value"] == pytest.approx(abs(final.best_value or 0))
    assert facts["seconds_left"] == 0
    assert facts["validation_loss"] == final.history[-1]["validation_loss"]
