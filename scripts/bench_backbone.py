"""Compare training a head behind frozen VGG-16 layers with training it on their kept outputs.

Run it on an idle machine from the top of the repository:

    python scripts/bench_backbone.py [--examples 256] [--size 216] [--epochs 3]

It makes random pictures, a quarter of them for validation, and trains the head of `model=vgg16`
with random weights (their values change no time) in one process in two ways:

    in every step   the frozen layers compute all pictures again in each epoch
    kept outputs    they compute each picture once; what is trained reads that

An epoch is the training part and the validation part once; the best epoch counts, for the first
pays for compilation.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from omegaconf import OmegaConf

from genrecls.config.paths import conf_dir
from genrecls.config.validation import select, validate
from genrecls.models import tensorflow_setup
from genrecls.models.base import MODELS, ModelFamily
from genrecls.training.batches import BatchMaker
from genrecls.training.callbacks import Callbacks
from genrecls.training.data import Examples
from genrecls.training.distribution import Devices
from genrecls.training.frozen_outputs import divide, embed
from genrecls.training.loop import TrainingData, fit
from genrecls.training.settings import AugmentSettings, TrainerSettings

if TYPE_CHECKING:
    import keras

N_CLASSES, FROZEN = 10, "flatten"


def pictures(count: int, size: int, seed: int) -> Examples:
    """Return `count` random pictures in colour."""
    values = np.random.default_rng(seed).random((count, size, size, 3), dtype=np.float32)
    names = tuple(str(number) for number in range(count))
    return Examples({"picture": values}, np.arange(count) % N_CLASSES, names, np.zeros(count))


def network(size: int) -> keras.Model:
    """Return VGG-16 of random weights, of which only the head learns."""
    family = select(MODELS, _defaults("model", "vgg16"))
    if not isinstance(family, ModelFamily):
        raise TypeError(f"expected a network, received {family}")
    model = family.build({"picture": (size, size, 3)}, N_CLASSES, {})
    names = [layer.name for layer in model.layers]
    for layer in model.layers[: names.index(FROZEN) + 1]:
        layer.trainable = False
    return model


def epoch_seconds(
    model: keras.Model, training: Examples, validation: Examples, epochs: int
) -> float:
    """Train and return the seconds of the fastest epoch."""
    augment = validate(AugmentSettings, _defaults("augment", "none"), "augment")
    trainer = validate(TrainerSettings, _defaults("trainer", "default"), "trainer")
    trainer = replace(trainer, epochs=epochs, patience=None)
    batches = BatchMaker(training, N_CLASSES, trainer.batch_size, augment, {}, 0)
    with tempfile.TemporaryDirectory() as folder:
        progress = fit(
            TrainingData(model, batches, validation), trainer, Path(folder), Devices(), Callbacks()
        )
    return min(row["seconds"] for row in progress.history)


def _defaults(group: str, name: str) -> object:
    return OmegaConf.to_container(OmegaConf.load(conf_dir() / group / f"{name}.yaml"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Speed of training behind frozen layers")
    parser.add_argument("--examples", type=int, default=256, help="pictures, default 256")
    parser.add_argument("--size", type=int, default=216, help="of a picture, default 216")
    parser.add_argument("--epochs", type=int, default=3, help="of each way, default 3")
    options = parser.parse_args()
    tensorflow_setup.configure_tensorflow()
    model = network(options.size)
    parts = [pictures(options.examples * share // 4, options.size, share) for share in (3, 1)]
    every_step = epoch_seconds(model, parts[0], parts[1], options.epochs)
    backbone, head = divide(model, FROZEN)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        kept = [embed(backbone, part, Path(folder)) for part in parts]
        computing = time.perf_counter() - began
        began = time.perf_counter()
        kept = [embed(backbone, part, Path(folder)) for part in parts]
        reading = time.perf_counter() - began
    on_outputs = epoch_seconds(head, kept[0], kept[1], options.epochs)
    print(f"{options.examples} pictures of {options.size} x {options.size}")
    print(f"  in every step   {every_step:8.2f} s an epoch")
    print(f"  kept outputs    {on_outputs:8.3f} s an epoch  {every_step / on_outputs:.0f} x faster")
    print(f"  computing them  {computing:8.2f} s once, reading them back {reading:.2f} s")


if __name__ == "__main__":
    main()
