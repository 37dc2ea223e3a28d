from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import Interrupted, RunError
from genrecls.training import checkpoint
from genrecls.training.batches import BatchMaker
from genrecls.training.callbacks import Callback, TrainingDisplay
from genrecls.training.checkpoint import Progress
from genrecls.training.distribution import Devices
from genrecls.training.loop import TrainingData, fit, probabilities
from tests.training.toys import (
    N_CLASSES,
    StoppingBatches,
    augment_settings,
    batch_maker,
    network,
    same,
    timeless,
    toy_examples,
    train,
    trainer_settings,
    values,
)

DENSE = {"units": [16], "dropout": 0.0}


def test_a_tiny_set_is_learnt_by_heart(tmp_path: Path) -> None:
    examples = toy_examples(24)
    _, progress = train(
        tmp_path,
        model=network(head=DENSE),
        batches=batch_maker(examples),
        epochs=15,
        patience=None,
        optimizer={"learning_rate": 0.005},
    )
    assert progress.history[-1]["accuracy"] > 0.95
    assert progress.history[-1]["loss"] < progress.history[0]["loss"] / 4


def test_the_history_has_a_row_an_epoch_with_the_figures_of_both_parts(tmp_path: Path) -> None:
    validation = toy_examples(15, seed=1)
    model, progress = train(tmp_path, validation=validation, optimizer={"learning_rate": 0.003})
    assert [row["epoch"] for row in progress.history] == [1, 2, 3]
    for row in progress.history:
        assert 0 <= row["accuracy"] <= 1
        assert row["learning_rate"] == pytest.approx(0.003)
        assert row["seconds"] > 0
    best = progress.history[progress.best_epoch - 1]
    outputs = probabilities(model, validation, 32)
    own = -np.log(outputs[np.arange(15), validation.targets]).mean()
    assert best["validation_loss"] == pytest.approx(own, rel=1e-6)
    accuracy = (outputs.argmax(axis=1) == validation.targets).mean()
    assert best["validation_accuracy"] == pytest.approx(accuracy)


def test_the_model_ends_with_the_weights_of_its_best_epoch(tmp_path: Path) -> None:
    validation = toy_examples(15, seed=1)
    model, progress = train(
        tmp_path, validation=validation, epochs=6, patience=None, optimizer={"learning_rate": 0.05}
    )
    losses = [row["validation_loss"] for row in progress.history]
    assert progress.best_epoch == 1 + int(np.argmin(losses))
    outputs = probabilities(model, validation, 32)
    own = -np.log(np.clip(outputs[np.arange(15), validation.targets], 1e-7, 1)).mean()
    assert own == pytest.approx(min(losses), rel=1e-6)
    assert len(set(losses)) == 6


def _overfitted(folder: Path, epochs: int, **changes: Any) -> tuple[Any, Progress]:
    """Train on labels that validation contradicts, so that the last epoch is not the best."""
    wrong = replace(toy_examples(15, seed=1), targets=(np.arange(15) + 1) % N_CLASSES)
    rate = {"learning_rate": 0.01}
    return train(folder, validation=wrong, epochs=epochs, patience=None, optimizer=rate, **changes)


def test_the_weights_of_the_last_epoch_are_kept_where_the_settings_say_so(tmp_path: Path) -> None:
    model, progress = _overfitted(tmp_path, 4, keep="last")
    stored = checkpoint.load(tmp_path)
    assert stored is not None
    assert progress.best_epoch < progress.epoch == 4
    assert same(values(model.variables), stored.model)
    assert not same(values(model.variables), stored.best)
    best, same_progress = _overfitted(tmp_path / "best", 4, keep="best")
    assert timeless(same_progress.history) == timeless(progress.history)
    assert same(values(best.variables), stored.best)


def test_without_a_validation_part_nothing_is_selected(tmp_path: Path) -> None:
    data = TrainingData(network(), batch_maker(toy_examples(30)), None)
    trainer = trainer_settings(epochs=2, keep="last", patience=None)
    progress = fit(data, trainer, tmp_path, Devices(), TrainingDisplay())
    assert [row["epoch"] for row in progress.history] == [1, 2]
    assert not any("validation_loss" in row for row in progress.history)
    assert (progress.best_epoch, progress.best_value) == (0, None)


def test_the_last_weights_are_the_same_after_an_interruption(tmp_path: Path) -> None:
    whole, _ = _overfitted(tmp_path / "whole", 4, keep="last")
    with pytest.raises(Interrupted):
        _overfitted(tmp_path, 4, keep="last", batches=_stopping((2, 1), signal.SIGINT))
    resumed, _ = _overfitted(tmp_path, 4, keep="last")
    again, _ = _overfitted(tmp_path, 4, keep="last", model=network(seed=9))
    for model in (resumed, again):
        assert same(values(model.variables), values(whole.variables))


def test_accuracy_as_the_monitor_selects_the_first_of_the_most_accurate_epochs(
    tmp_path: Path,
) -> None:
    _, progress = train(tmp_path, monitor="accuracy", epochs=6, patience=None)
    accuracies = [row["validation_accuracy"] for row in progress.history]
    assert progress.best_epoch == 1 + int(np.argmax(accuracies))


def test_training_stops_when_validation_has_not_improved_for_the_patience(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = toy_examples(24)
    wrong = replace(toy_examples(15, seed=1), targets=(np.arange(15) + 1) % N_CLASSES)
    _, progress = train(
        tmp_path,
        batches=batch_maker(examples),
        validation=wrong,
        epochs=40,
        patience=2,
        optimizer={"learning_rate": 0.01},
    )
    assert progress.epoch == progress.best_epoch + 2 < 40
    assert (
        f"early stopping after epoch {progress.epoch} of 40: no better validation loss for 2 epochs"
        in capsys.readouterr().err
    )


def test_a_plateau_lowers_the_rate_after_its_patience_but_not_below_the_minimum(
    tmp_path: Path,
) -> None:
    wrong = replace(toy_examples(15, seed=1), targets=(np.arange(15) + 1) % N_CLASSES)
    schedule = {"name": "plateau", "patience": 1, "factor": 0.1, "minimum": 0.0005}
    _, progress = train(
        tmp_path,
        batches=batch_maker(toy_examples(24)),
        validation=wrong,
        epochs=6,
        patience=None,
        schedule=schedule,
        optimizer={"learning_rate": 0.01},
    )
    losses = [row["validation_loss"] for row in progress.history]
    expected, rate, best = [], 0.01, np.inf
    for loss in losses:
        expected.append(rate)
        rate = rate if loss < best else max(0.1 * rate, 0.0005)
        best = min(best, loss)
    rates = [row["learning_rate"] for row in progress.history]
    assert rates == pytest.approx(expected, rel=1e-5)
    assert rates[-1] == pytest.approx(0.0005)


def test_a_plateau_never_raises_a_rate_that_is_below_its_minimum(tmp_path: Path) -> None:
    schedule = {"name": "plateau", "patience": 1, "minimum": 0.01}
    wrong = replace(toy_examples(15, seed=1), targets=(np.arange(15) + 1) % N_CLASSES)
    _, progress = train(
        tmp_path,
        validation=wrong,
        epochs=5,
        patience=None,
        schedule=schedule,
        optimizer={"name": "sgd", "learning_rate": 0.005},
    )
    rates = [row["learning_rate"] for row in progress.history]
    assert rates == pytest.approx([0.005] * 5)


def test_the_rate_of_a_cosine_schedule_in_the_history_is_the_one_of_the_next_step(
    tmp_path: Path,
) -> None:
    _, progress = train(tmp_path, schedule={"name": "cosine", "warmup_epochs": 1})
    rates = [row["learning_rate"] for row in progress.history]
    assert rates == pytest.approx([0.001, 0.0005, 0], abs=1e-9)


def test_the_loss_of_a_step_is_the_weighted_smoothed_cross_entropy(tmp_path: Path) -> None:
    examples = replace(toy_examples(12), targets=np.array([0] * 8 + [1] * 3 + [2]))
    model = network(head=DENSE)
    result = np.asarray(model(dict(examples.inputs), training=True), np.float64)
    model = network(head=DENSE)
    _, progress = train(
        tmp_path,
        model=model,
        batches=batch_maker(examples, batch_size=12),
        epochs=1,
        label_smoothing=0.3,
        class_weights="balanced",
    )
    targets = 0.7 * np.eye(N_CLASSES)[examples.targets] + 0.1
    each = -(targets * np.log(result)).sum(axis=1)
    weights = 12 / (3 * np.array([8, 3, 1]))[examples.targets]
    assert progress.history[0]["loss"] == pytest.approx((weights * each).mean(), rel=1e-4)


def test_an_average_over_more_steps_than_there_are_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, (ema, said) in enumerate(((0.75, ""), (0.99, "about 100 steps, of which this"))):
        data = TrainingData(network(), batch_maker(toy_examples(30)), toy_examples(15, seed=1))
        fit(
            data, trainer_settings(epochs=1, ema=ema), tmp_path / str(number), Devices(), Callback()
        )
        error = capsys.readouterr().err
        assert said in error
        assert ("trainer.ema" in error) == bool(said)
    assert "training has at most 4: weights of its beginning count" in error
    assert "choose at most 0.75" in error


def test_validation_is_never_augmented(tmp_path: Path) -> None:
    frozen = {"name": "sgd", "learning_rate": 1e-20, "momentum": 0.0}
    examples, losses = toy_examples(30), []
    for index, changes in enumerate(({}, {"mixup": 1.0, "time_masks": 4, "crop": 0.3})):
        batches = batch_maker(examples, augment=augment_settings(**changes), batch_size=30)
        model = network("rnn", head=DENSE)
        _, progress = train(
            tmp_path / str(index), model=model, batches=batches, epochs=1, optimizer=frozen
        )
        losses.append((progress.history[0]["loss"], progress.history[0]["validation_loss"]))
    assert losses[0][0] != losses[1][0], "training is augmented"
    assert losses[0][1] == losses[1][1]


def test_equal_seeds_give_equal_trainings_and_other_seeds_others(tmp_path: Path) -> None:
    results = []
    for index, seed in enumerate((4, 4, 5)):
        augment = augment_settings(mixup=0.3, time_masks=1)
        batches = batch_maker(toy_examples(30), seed=seed, augment=augment)
        model, progress = train(tmp_path / str(index), model=network(seed=seed), batches=batches)
        results.append((values(model.variables), timeless(progress.history)))
    assert same(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]
    assert not same(results[0][0], results[2][0])


def test_a_loss_that_is_no_number_ends_the_training_with_advice(tmp_path: Path) -> None:
    examples = toy_examples(30)
    examples.inputs["mfcc"][17, 3, 3] = np.nan
    with pytest.raises(RunError, match=r"training loss is nan in epoch 1, step \d; lower") as error:
        train(tmp_path, batches=batch_maker(examples))
    assert "\n" not in str(error.value)


def test_a_validation_loss_that_is_no_number_ends_the_training_with_advice(
    tmp_path: Path,
) -> None:
    broken = toy_examples(15, seed=1)
    broken.inputs["mfcc"][2] = np.nan
    with pytest.raises(RunError, match="validation loss is nan in epoch 1; lower") as error:
        train(tmp_path, model=network("rnn", head={"units": []}), validation=broken)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_with_a_checkpoint_and_advice(
    number: signal.Signals, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=r"epoch 2 after step 3 of 4; .* continues from here"):
        train(tmp_path, batches=_stopping((1, 2), number))
    stored = checkpoint.load(tmp_path)
    assert stored is not None
    assert (stored.progress.epoch, stored.progress.step) == (1, 3)
    assert "stopping after this step" in capsys.readouterr().err
    assert signal.getsignal(number) is before


def test_a_signal_during_the_last_validation_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def signalled(*arguments: Any) -> Any:
        asked.append(1)
        if len(asked) == 2:
            signal.raise_signal(signal.SIGINT)
        return probabilities(*arguments)

    monkeypatch.setattr("genrecls.training.loop.probabilities", signalled)
    with pytest.raises(Interrupted, match=r"after epoch 2 of 2; .* continues from here"):
        train(tmp_path, epochs=2)
    _, progress = train(tmp_path, epochs=2)
    assert progress.epoch == 2
    assert len(asked) == 2, "nothing was left to do but to go on"


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    class Impatient(BatchMaker):
        def epoch(self, epoch: int, first_step: int = 0) -> Any:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            return super().epoch(epoch, first_step)

    plain = batch_maker(toy_examples(30))
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, batches=Impatient(**vars(plain)))


def test_long_epochs_are_saved_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[int, int]] = []
    real = checkpoint.save

    def noted(folder: Path, moment: checkpoint.Checkpoint) -> None:
        saved.append((moment.progress.epoch, moment.progress.step))
        real(folder, moment)

    monkeypatch.setattr(checkpoint, "save", noted)
    train(tmp_path, epochs=1, checkpoint_minutes=1e-9)
    assert saved == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 0)]


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    model, progress = train(tmp_path)
    again, same_progress = train(tmp_path, model=network(seed=9))
    assert same(values(model.variables), values(again.variables))
    assert progress == same_progress


@pytest.mark.parametrize(
    "changes",
    [{"units": [64, 64], "dropout": 0.3}, {"units": [24], "dropout": 0.3}],
    ids=["another number of arrays", "another shape"],
)
def test_a_checkpoint_of_another_network_is_refused_in_one_line(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    train(tmp_path, epochs=1)
    with pytest.raises(RunError, match=r"the checkpoint .* force=true") as error:
        train(tmp_path, model=network(head=changes))
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_optimiser_is_refused_in_one_line(tmp_path: Path) -> None:
    train(tmp_path, epochs=1)
    with pytest.raises(RunError, match=r"the checkpoint has \d+ arrays .* force=true") as error:
        train(tmp_path, optimizer={"name": "sgd"})
    assert "\n" not in str(error.value)


def _stopping(stop_at: tuple[int, int], number: signal.Signals) -> StoppingBatches:
    return StoppingBatches(**vars(batch_maker(toy_examples(30))), stop_at=stop_at, number=number)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_average_of_the_weights_is_validated_and_kept_and_the_weights_learn_on(
    keep: str, tmp_path: Path
) -> None:
    model = network()
    seen: list[list[NDArray[Any]]] = []

    class Watch(Callback):
        def on_step(self, *_: Any) -> None:
            seen.append(values(model.trainable_variables))

    validation = toy_examples(15, seed=1)
    data = TrainingData(model, batch_maker(toy_examples(30)), validation)
    trainer = trainer_settings(epochs=2, ema=0.7, keep=keep)
    progress = fit(data, trainer, tmp_path, Devices(), Watch())
    averages = [seen[0]]
    for weights in seen[1:]:
        averages.append([0.7 * a + 0.3 * w for a, w in zip(averages[-1], weights, strict=True)])
    epoch = progress.best_epoch if keep == "best" else 2
    kept = values(model.trainable_variables)
    for average, weight in zip(averages[4 * epoch - 1], kept, strict=True):
        assert weight == pytest.approx(average, abs=1e-5)
    stored = checkpoint.load(tmp_path)
    assert stored is not None
    learnt = {array.tobytes() for array in stored.model}
    assert {array.tobytes() for array in seen[-1]} <= learnt, "the checkpoint has the weights"
    outputs = probabilities(model, validation, 32)
    own = -np.log(outputs[np.arange(15), validation.targets]).mean()
    row = progress.history[epoch - 1]
    assert row["validation_loss"] == pytest.approx(own, rel=1e-5)
