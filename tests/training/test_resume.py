"""A training that was interrupted ends bit for bit like one that was not."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import Interrupted
from genrecls.training import checkpoint
from tests.training.toys import (
    ONE_BLOCK,
    StoppingBatches,
    augment_settings,
    batch_maker,
    network,
    same,
    timeless,
    toy_examples,
    train,
    values,
)

EPOCHS = 3
STOPS = ((0, 3), (1, 0), (2, 2))
"""At the end of an epoch, after its first step, and so that the next batch is a smaller one."""

SMALL: dict[str, dict[str, Any]] = {
    "cnn": {"conv": ONE_BLOCK},
    "rnn": {"recurrent": {"units": [8]}},
    "crnn": {"conv": ONE_BLOCK, "recurrent": {"units": [8]}},
}
EVERYTHING = {
    "mixup": 0.4,
    "mixup_chance": 0.8,
    "time_masks": 2,
    "frequency_masks": 2,
    "crop": 0.8,
    "roll": 0.5,
    "gain": 3.0,
    "mixstyle": 0.4,
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "plateau": {"schedule": {"name": "plateau", "patience": 1, "factor": 0.3}},
    "cosine": {
        "schedule": {"name": "cosine", "warmup_epochs": 1},
        "optimizer": {"name": "adamw", "weight_decay": 0.01, "clip_norm": 1.0},
        "label_smoothing": 0.1,
        "ema": 0.8,
    },
}


def _train(
    folder: Path, family: str, schedule: str, stop: tuple[int, int] | None, seed: int
) -> Any:
    import keras

    augment = augment_settings(**EVERYTHING)
    batches = batch_maker(toy_examples(27), augment=augment)
    if stop is not None:
        batches = StoppingBatches(**vars(batches), stop_at=stop, number=signal.SIGTERM)
    head = {"units": [16], "dropout": 0.4}
    model = network(family, seed=seed, head=head, **SMALL[family])
    if seed:
        keras.utils.set_random_seed(seed)
    changes: dict[str, Any] = {"epochs": EPOCHS, "patience": None, **SCHEDULES[schedule]}
    return train(folder, model=model, batches=batches, **changes)


# What a schedule has to remember hangs on no family.
@pytest.mark.parametrize(
    ("family", "schedule"), [("cnn", "plateau"), ("rnn", "cosine"), ("crnn", "plateau")]
)
def test_an_interrupted_training_ends_like_an_undisturbed_one(
    family: str, schedule: str, tmp_path: Path
) -> None:
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    model, progress = _train(whole, family, schedule, None, seed=0)
    for attempt, stop in enumerate(STOPS):
        with pytest.raises(Interrupted):
            _train(pieces, family, schedule, stop, seed=100 * attempt)
    again, resumed = _train(pieces, family, schedule, None, seed=999)
    assert timeless(progress.history) == timeless(resumed.history)
    assert same(values(model.variables), values(again.variables))
    one, other = checkpoint.load(whole), checkpoint.load(pieces)
    assert one is not None
    assert other is not None
    for group in ("model", "optimizer", "best"):
        assert same(getattr(one, group), getattr(other, group))
    assert (progress.best_epoch, progress.wait) == (resumed.best_epoch, resumed.wait)
    assert len({row["loss"] for row in progress.history}) == EPOCHS, "something was learnt"


def test_a_training_with_a_damaged_checkpoint_ends_like_an_undisturbed_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, hurt = tmp_path / "whole", tmp_path / "hurt"
    model, progress = _train(whole, "cnn", "plateau", None, seed=0)
    with pytest.raises(Interrupted):
        _train(hurt, "cnn", "plateau", (2, 1), seed=0)
    newest = sorted(hurt.iterdir())[-1] / "arrays.npz"
    newest.write_bytes(newest.read_bytes()[:-500])
    again, resumed = _train(hurt, "cnn", "plateau", None, seed=7)
    assert "epoch-00002-step-0000002 is damaged" in capsys.readouterr().err
    assert same(values(model.variables), values(again.variables))
    assert timeless(progress.history) == timeless(resumed.history)
