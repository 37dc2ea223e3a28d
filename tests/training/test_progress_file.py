"""`progress.json` says at any moment how far a training is, and goes when it is finished."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genrecls.training.callbacks import ProgressFile, TrainingPlan
from genrecls.training.checkpoint import Progress
from genrecls.training.distribution import Devices
from genrecls.training.loop import TrainingData, fit
from tests.training.toys import batch_maker, network, toy_examples, trainer_settings

PLAN = TrainingPlan(epochs=5, steps=4, monitor="loss")


def progress(*losses: float) -> Progress:
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
    ProgressFile(tmp_path / "progress.json").on_stage_start(progress(), PLAN)
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
    file.on_stage_start(progress(), replace(PLAN, monitor="accuracy"))
    file.on_epoch_end(progress(0.4, 0.25, 0.5))
    facts = written(tmp_path / "progress.json")
    assert facts["epoch"] == 3
    assert facts["validation_accuracy"] == 0.5
    assert facts["best"] == {"epoch": 2, "value": 0.75, "monitor": "accuracy"}
    assert (facts["seconds"], facts["seconds_left"]) == (6.0, 4.0)
    assert [row["validation_loss"] for row in facts["history"]] == [0.4, 0.25, 0.5]
    assert set(facts["history"][0]) == {"epoch", "validation_accuracy", "validation_loss"}


def test_it_goes_when_the_run_is_finished_and_stays_when_it_is_stopped(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "progress.json")
    file.on_stage_start(progress(0.4), PLAN)
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
    found = fit(data, trainer, tmp_path / "checkpoint", Devices(), file)
    facts = written(file.path)
    assert facts["best"]["epoch"] == found.best_epoch
    assert facts["best"]["value"] == pytest.approx(abs(found.best_value or 0))
    assert facts["seconds_left"] == 0
    assert facts["validation_loss"] == found.history[-1]["validation_loss"]
