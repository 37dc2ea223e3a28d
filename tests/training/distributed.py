"""Trainings that a process of its own runs on several devices, or on one of several hosts.

    python -m tests.training.distributed <devices> <strategy> <folder> <training> ...

leaves `<folder>/<training>.npz` of each: variables of the model, the losses of each epoch.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.console import fail
from genrecls.errors import GenreclsError, Interrupted
from genrecls.models import tensorflow_setup
from genrecls.training.batches import BatchMaker
from genrecls.training.checkpoint import Progress
from genrecls.training.distribution import Devices, devices_for
from tests.training.staged import HEAD, fitted, task
from tests.training.toys import (
    StoppingBatches,
    augment_settings,
    batch_maker,
    network,
    toy_examples,
    train,
    values,
)

SMOOTH = {"name": "sgd", "learning_rate": 0.01, "momentum": 0.9}
"""Unlike Adam it makes no whole step of a gradient that is nothing but rounding."""
DENSE = {"units": [16], "dropout": 0.0}

Training = Callable[[Devices, Path], tuple[Any, Progress]]


def plain(devices: Devices, folder: Path) -> tuple[Any, Progress]:
    """Train with batch normalisation; the last batch has fewer examples than devices."""
    batches = batch_maker(toy_examples(26))
    model = network(head=DENSE)
    return train(folder, model=model, batches=batches, devices=devices, optimizer=SMOOTH)


def everything(devices: Devices, folder: Path) -> tuple[Any, Progress]:
    """Train with all that looks at a batch or a gradient as a whole; the last batch has three."""
    augment = augment_settings(mixup=0.3, time_masks=2, crop=0.8)
    optimizer = {**SMOOTH, "clip_norm": 0.05, "weight_decay": 0.01}
    targets = np.array([0] * 15 + [1] * 8 + [2] * 4)
    examples = replace(toy_examples(27), targets=targets)
    return train(
        folder,
        model=network(head=DENSE),
        batches=batch_maker(examples, augment=augment),
        devices=devices,
        optimizer=optimizer,
        schedule={"name": "plateau", "patience": 1, "factor": 0.3},
        label_smoothing=0.1,
        ema=0.5,
        class_weights="balanced",
    )


def recurrent(devices: Devices, folder: Path) -> tuple[Any, Progress]:
    """Train a recurrent network on a cosine schedule."""
    model = network("rnn", recurrent={"dropout": 0.0}, head=DENSE)
    schedule = {"name": "cosine", "warmup_epochs": 1}
    return train(folder, model=model, devices=devices, schedule=schedule, optimizer=SMOOTH)


def staged(devices: Devices, folder: Path) -> tuple[Any, Progress]:
    """Train a head on frozen layers, with dropout."""
    result = fitted(folder, task(HEAD), devices=devices)
    return result.model, result.progress


def dropping(
    devices: Devices, folder: Path, batches: BatchMaker | None = None
) -> tuple[Any, Progress]:
    """Train with Adam and dropout."""
    model = network(head={"units": [16], "dropout": 0.4})
    return train(folder, model=model, batches=batches, devices=devices)


def interrupted(devices: Devices, folder: Path) -> tuple[Any, Progress]:
    """Train as `dropping` does, stopped and taken up again."""
    plain = vars(batch_maker(toy_examples(30)))
    with suppress(Interrupted):
        dropping(devices, folder, StoppingBatches(**plain, stop_at=(1, 2), number=signal.SIGTERM))
        raise AssertionError("nothing stopped it")
    return dropping(devices, folder)


def slow(devices: Devices, folder: Path) -> tuple[Any, Progress]:
    """Train with dropout, slowly and with a checkpoint after each step."""
    batches = SlowBatches(**vars(batch_maker(toy_examples(30))))
    model = network("mlp", head={"units": [16], "dropout": 0.4})
    return train(folder, model=model, batches=batches, devices=devices, checkpoint_minutes=1e-9)


def unlike(devices: Devices, folder: Path) -> tuple[Any, Progress]:
    """Train with a seed that is another one on each host."""
    own = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    return train(folder, batches=batch_maker(toy_examples(30), seed=own), devices=devices)


@dataclass(frozen=True)
class SlowBatches(BatchMaker):
    """Batches that leave time for a signal."""

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Any]:
        for batch in super().epoch(epoch, first_step):
            time.sleep(0.15)
            yield batch


TRAININGS: dict[str, Training] = {
    function.__name__: function
    for function in (plain, everything, recurrent, staged, dropping, interrupted, slow, unlike)
}


def trained(training: str, devices: Devices, folder: Path) -> dict[str, NDArray[Any]]:
    """Run a training and return its figures and variables."""
    model, progress = TRAININGS[training](devices, folder / f"{training}.run")
    figures = {
        column: np.array([row[column] for row in progress.history])
        for column in ("loss", "accuracy", "validation_loss", "validation_accuracy")
    }
    variables = {f"v{index:03d}": value for index, value in enumerate(values(model.variables))}
    return {**figures, **variables}


def main(count: str, strategy: Any, folder: str, *trainings: str) -> int:
    """Run the trainings as a command would, an error being one line."""
    tensorflow_setup.load()
    import tensorflow as tf

    if int(count) > 1:
        each = [tf.config.LogicalDeviceConfiguration()] * int(count)
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], each)
    try:
        devices = devices_for(strategy)
        for training in trainings:
            arrays = trained(training, devices, Path(folder))
            np.savez(Path(folder) / f"{training}.npz", **arrays)  # type: ignore[arg-type]
    except GenreclsError as error:
        fail(str(error))
        return 130 if isinstance(error, Interrupted) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
