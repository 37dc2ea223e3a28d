"""Training in stages: what learns, what is kept, and that a stop anywhere changes nothing."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import Interrupted
from genrecls.models.base import Stage
from genrecls.models.rounding import is_rounded
from genrecls.training import frozen_outputs, stages
from genrecls.training.batches import BatchMaker
from genrecls.training.data import Examples
from genrecls.training.distillation import Distillation
from genrecls.training.settings import DistillSettings
from genrecls.training.stages import Task
from tests.models.families import family as model_family
from tests.training.staged import HEAD, WHOLE, fitted, task
from tests.training.toys import (
    N_CLASSES,
    ONE_BLOCK,
    StoppingBatches,
    augment_settings,
    same,
    timeless,
    toy_examples,
    values,
)

_SURE = replace(WHOLE, learning_rate=1.0)
"""Learns the training part so well that all contradiction is punished."""


def _contrary() -> Examples:
    """Return a validation part that contradicts the training part."""
    examples = toy_examples(15, seed=1)
    return replace(examples, targets=(examples.targets + 1) % N_CLASSES)


def weights(model: Any, name: str) -> np.ndarray[Any, Any]:
    return np.concatenate([value.ravel() for value in model.get_layer(name).get_weights()])


def test_one_stage_without_a_name_is_a_plain_training(tmp_path: Path) -> None:
    result = fitted(tmp_path, task(Stage()))
    assert result.progress.epoch == 3
    assert "stage" not in result.progress.history[0]
    assert [path.name[:6] for path in (tmp_path / "run").iterdir()] == ["epoch-"] * 2
    assert not (tmp_path / "backbone").exists()
    assert list(result.seconds) == ["training"]


def test_frozen_layers_keep_their_weights_and_the_head_learns(tmp_path: Path) -> None:
    plain = fitted(tmp_path, task(Stage(epochs=1)), "plain").model
    untrained = fitted(tmp_path, task(replace(HEAD, epochs=1)), "short").model
    trained = fitted(tmp_path, task(HEAD), "long").model
    assert np.array_equal(weights(untrained, "bottom"), weights(trained, "bottom"))
    assert not np.array_equal(weights(plain, "bottom"), weights(trained, "bottom"))
    assert not np.array_equal(
        weights(untrained, "probabilities"), weights(trained, "probabilities")
    )


def test_a_layer_that_is_fixed_keeps_its_weights_behind_frozen_ones(tmp_path: Path) -> None:
    short = fitted(tmp_path, task(replace(WHOLE, epochs=1, fixed=frozenset({"bottom"}))), "short")
    long = fitted(tmp_path, task(replace(WHOLE, fixed=frozenset({"bottom"}))), "long")
    assert np.array_equal(weights(short.model, "bottom"), weights(long.model, "bottom"))
    assert not np.array_equal(
        weights(short.model, "probabilities"), weights(long.model, "probabilities")
    )


def test_a_head_on_kept_outputs_learns_what_it_learns_behind_the_frozen_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = fitted(tmp_path, task(HEAD), "kept")
    monkeypatch.setattr(stages, "can_keep_outputs", lambda *_: False)
    whole = fitted(tmp_path, task(HEAD), "whole")
    for one, other in zip(kept.progress.history, whole.progress.history, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
        assert one["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-4)
    difference = weights(kept.model, "probabilities") - weights(whole.model, "probabilities")
    assert np.abs(difference).max() < 1e-4


@pytest.mark.parametrize(
    ("plan", "changes", "frozen"),
    [
        ((Stage(),), {}, None),
        ((HEAD,), {}, "bottom"),
        ((HEAD, WHOLE), {}, "flat"),
        ((HEAD,), {"augment": {"mixup": 0.3}}, None),
    ],
    ids=["all layers", "head", "fine-tuning", "augmentation"],
)
def test_a_result_names_the_layer_whose_outputs_are_kept_for_its_last_stage(
    plan: tuple[Stage, ...], changes: dict[str, Any], frozen: str | None, tmp_path: Path
) -> None:
    assert fitted(tmp_path, task(*plan, **changes)).frozen == frozen


def test_the_temperature_is_fitted_on_kept_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = task(HEAD, trainer={"calibration": "temperature"})
    kept = fitted(tmp_path, chosen, "kept")
    # The selection of the epoch has computed them.
    assert "backbone outputs: 15 from the cache, 0 computed" in capsys.readouterr().err
    monkeypatch.setattr(stages, "can_keep_outputs", lambda *_: False)
    assert kept.temperature == pytest.approx(fitted(tmp_path, chosen, "whole").temperature)


def test_the_network_that_is_returned_is_the_whole_one(tmp_path: Path) -> None:
    result = fitted(tmp_path, task(HEAD))
    assert list(result.model.input) == ["mfcc"]
    result.model.save(tmp_path / "model.keras")
    import keras

    again = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    validation = task(HEAD).validation
    assert validation is not None
    inputs = dict(validation.inputs)
    assert np.array_equal(again.predict(inputs, verbose=0), result.model.predict(inputs, verbose=0))
    best = result.progress.history[result.progress.best_epoch - 1]
    hits = result.model.predict(inputs, verbose=0).argmax(axis=1) == validation.targets
    assert hits.mean() == pytest.approx(best["validation_accuracy"])


def test_epochs_of_all_stages_are_numbered_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = fitted(tmp_path, task(HEAD, WHOLE))
    rows = result.progress.history
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["stage"] for row in rows] == [1, 1, 1, 2, 2]
    assert [row["learning_rate"] for row in rows[2:4]] == pytest.approx([1e-3, 1e-4])
    assert result.progress.epoch == 5
    assert result.progress.seconds == pytest.approx(sum(r["seconds"] for r in rows), abs=0.01)
    losses = [row["validation_loss"] for row in rows]
    assert result.progress.best_epoch == 1 + losses.index(min(losses))
    assert set(result.seconds) == {"frozen layers", "training"}
    messages = capsys.readouterr().err
    assert "stage head: 21 of " in messages
    assert "stage whole: " in messages


def test_a_stage_that_only_spoils_leaves_the_weights_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = fitted(tmp_path, task(HEAD, _SURE, validation=_contrary()))
    alone = fitted(tmp_path, task(HEAD, validation=_contrary()), "alone")
    assert result.progress.best_epoch == alone.progress.best_epoch <= 3
    assert result.progress.best_value == alone.progress.best_value
    assert result.progress.epoch == 5
    pairs = zip(result.model.get_weights(), alone.model.get_weights(), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert "whole: no epoch is better" in capsys.readouterr().err


def test_the_last_weights_are_kept_where_the_trainer_says_so(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"validation": _contrary(), "trainer": {"keep": "last"}}
    result = fitted(tmp_path, task(HEAD, _SURE, **changes))
    alone = fitted(tmp_path, task(HEAD, **changes), "alone")
    assert not np.array_equal(weights(result.model, "bottom"), weights(alone.model, "bottom"))


@pytest.mark.parametrize("augment", [{}, {"mixup": 0.3}], ids=["kept outputs", "every step"])
def test_a_training_stopped_in_either_stage_ends_like_an_undisturbed_one(
    augment: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = task(HEAD, WHOLE, augment=augment)
    undisturbed = fitted(tmp_path, chosen, "undisturbed")
    for stage, stop in ((0, (1, 2)), (1, (0, 1)), (1, (1, 0))):
        with monkeypatch.context() as patch:
            patch.setattr(stages, "BatchMaker", _stopping(stage, stop))
            with pytest.raises(Interrupted):
                fitted(tmp_path, chosen, "pieces")
    resumed = fitted(tmp_path, chosen, "pieces")
    assert timeless(resumed.progress.history) == timeless(undisturbed.progress.history)
    assert resumed.progress.best_epoch == undisturbed.progress.best_epoch
    assert same(values(resumed.model.weights), values(undisturbed.model.weights))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"augment": {"mixup": 0.3}}, "augmentation makes new examples in every epoch"),
        ({"width": 400}, "their outputs would take 0.0 GB"),
    ],
)
def test_outputs_that_cannot_be_kept_are_computed_in_every_step(
    changes: dict[str, Any],
    reason: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frozen_outputs, "MOST_OUTPUT_BYTES", 1e4)
    result = fitted(tmp_path, task(HEAD, **changes))
    messages = capsys.readouterr().err
    assert messages.count(f"{reason}, so the frozen layers are computed in every step") == 1
    assert "backbone outputs" not in messages
    assert not (tmp_path / "backbone").exists()
    assert result.progress.epoch == 3


@pytest.mark.parametrize(
    ("width", "most"), [(400, 3e9), (1, 0)], ids=["few_bytes", "smaller_than_inputs"]
)
def test_outputs_are_kept_that_memory_can_hold(
    width: int,
    most: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frozen_outputs, "MOST_OUTPUT_BYTES", most)
    assert fitted(tmp_path, task(HEAD, width=width)).frozen is not None
    assert "backbone outputs: 0 from the cache, 30 computed" in capsys.readouterr().err


def _stopping(stage: int, stop: tuple[int, int]) -> Callable[..., BatchMaker]:
    """Return a maker of batches that interrupts the stage (counted from 0) at `stop`."""
    made: list[BatchMaker] = []

    def make(*fields: Any, **named: Any) -> BatchMaker:
        plain = BatchMaker(*fields, **named)
        made.append(plain)
        if len(made) - 1 != stage:
            return plain
        return StoppingBatches(**vars(plain), stop_at=stop, number=signal.SIGTERM)

    return make


def rounded_task(**trainer: Any) -> Task:
    """Return the task to fit a small CNN, which goes on with the rounding of int8 files."""
    family = model_family("cnn", conv=ONE_BLOCK)
    return replace(task(Stage(), trainer={"int8_epochs": 2, **trainer}), family=family)


def test_epochs_with_the_rounding_of_int8_follow_those_that_were_asked_for(tmp_path: Path) -> None:
    result = fitted(tmp_path, rounded_task())
    assert is_rounded(result.model)
    assert [row["epoch"] for row in result.progress.history] == [1, 2, 3, 4, 5]
    assert [row["stage"] for row in result.progress.history] == [1, 1, 1, 2, 2]
    assert result.kept_epoch == min(
        (1, 2, 3), key=lambda epoch: result.progress.history[epoch - 1]["validation_loss"]
    )


def test_outputs_are_not_kept_of_layers_that_have_learnt_the_rounding(tmp_path: Path) -> None:
    chosen = task(HEAD, trainer={"int8_epochs": 1}, activation="relu")
    result = fitted(tmp_path, chosen)
    assert is_rounded(result.model)
    assert result.frozen is None


def test_batches_are_changed_while_it_learns_the_rounding(tmp_path: Path) -> None:
    augment = augment_settings(time_masks=1, frequency_masks=1, mixup=0.2)
    result = fitted(tmp_path, replace(rounded_task(), augment=augment))
    assert is_rounded(result.model)
    assert result.progress.epoch == 5


def test_rounding_changes_little_of_what_was_learnt(tmp_path: Path) -> None:
    plain = fitted(tmp_path, rounded_task(int8_epochs=0), "plain")
    rounded = fitted(tmp_path, rounded_task(int8_epochs=1), "rounded")
    assert not is_rounded(plain.model)
    assert rounded.progress.history[:3] == [
        {**row, "stage": 1, "seconds": other["seconds"]}
        for row, other in zip(plain.progress.history, rounded.progress.history, strict=False)
    ]
    examples = toy_examples(40, seed=2).inputs
    one, other = (r.model.predict(examples, verbose=0) for r in (plain, rounded))
    assert (one.argmax(axis=1) == other.argmax(axis=1)).mean() > 0.8


def test_a_stop_while_it_learns_the_rounding_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fitted(tmp_path, rounded_task(), "whole")
    monkeypatch.setattr(stages, "BatchMaker", _stopping(1, (1, 2)))
    with pytest.raises(Interrupted):
        fitted(tmp_path, rounded_task(), "stopped")
    monkeypatch.undo()
    again = fitted(tmp_path, rounded_task(), "stopped")
    assert same(values(again.model.variables), values(whole.model.variables))
    assert timeless(again.progress.history) == timeless(whole.progress.history)


def test_music_without_genres_has_no_part_in_the_rounding(tmp_path: Path) -> None:
    chosen = rounded_task()
    training = replace(
        chosen.training,
        targets=np.where(np.arange(30) < 20, chosen.training.targets, -1),
        teacher=np.full((30, N_CLASSES), 1 / N_CLASSES, np.float32),
    )
    teaching = Distillation(DistillSettings(embedding_weight=0.0), N_CLASSES, 0)
    result = fitted(tmp_path, replace(chosen, training=training, distillation=teaching))
    assert is_rounded(result.model)
    assert result.progress.epoch == 5
