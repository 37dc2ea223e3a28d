"""Compare training with oneDNN and fused batch normalisation and with TensorFlow and Keras alone.

Run it on an idle machine from the top of the repository:

    python scripts/bench_training.py [--model separable] [--examples 320] [--epochs 5]

It trains a network with batch normalisation on random pictures of 97 frames x 64 bands, as
`experiment=best_small` reads them, in four ways:

    Keras    mean, variance, difference, quotient and sum are computed one after another
    fused    one operator computes them, as every training does
    oneDNN   its kernels compute convolutions, poolings, matrices and more, as every training on an
             x86 processor does; off: those of TensorFlow itself

TensorFlow takes its kernels once for a process, so that there are two processes, one after the
other. The fastest epoch of each way counts, for the first pays for compilation.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

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
from genrecls.training.loop import TrainingData, fit
from genrecls.training.settings import AugmentSettings, TrainerSettings

SIZE, N_CLASSES = (97, 64), 10


def epoch_seconds(family: ModelFamily, examples: Examples, epochs: int) -> float:
    """Train and return the seconds of the fastest epoch."""
    augment = validate(AugmentSettings, _defaults("augment", "none"), "augment")
    trainer = validate(TrainerSettings, _defaults("trainer", "default"), "trainer")
    trainer = replace(trainer, epochs=epochs, patience=None, keep="last")
    batches = BatchMaker(examples, N_CLASSES, trainer.batch_size, augment, {}, 0)
    model = family.build({"mel": SIZE}, N_CLASSES, {})
    with tempfile.TemporaryDirectory() as folder:
        data = TrainingData(model, batches, validation=None)
        progress = fit(data, trainer, Path(folder), Devices(), Callbacks())
    return min(row["seconds"] for row in progress.history)


def _defaults(group: str, name: str, **changes: object) -> object:
    return OmegaConf.to_container(
        OmegaConf.merge(OmegaConf.load(conf_dir() / group / f"{name}.yaml"), changes)
    )


def measure(model: str, count: int, epochs: int) -> dict[str, float]:
    """Return the seconds of an epoch with batch normalisation by Keras and by one operator."""
    tensorflow_setup.configure_tensorflow()
    family = select(MODELS, _defaults("model", model, standardise=False))
    if not isinstance(family, ModelFamily):
        raise TypeError(f"expected a network, received {family}")
    pictures = np.random.default_rng(0).random((count, *SIZE), dtype=np.float32)
    names = tuple(str(number) for number in range(count))
    examples = Examples({"mel": pictures}, np.arange(count) % N_CLASSES, names, np.zeros(count))
    keras_alone = patch("genrecls.training.loop.fuse_batch_norms", lambda _model: None)
    ways: dict[str, AbstractContextManager[object]] = {"Keras": keras_alone, "fused": nullcontext()}
    seconds = {}
    for name, way in ways.items():
        with way:
            seconds[name] = epoch_seconds(family, examples, epochs)
    return seconds


def main() -> None:
    """Measure all four and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="separable", choices=("separable", "cnn", "crnn"))
    parser.add_argument("--examples", type=int, default=320)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()

    processes = multiprocessing.get_context("spawn")
    seconds = {}
    for onednn in ("off", "on"):
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = str(int(onednn == "on"))
        with processes.Pool(1) as pool:
            work = (options.model, options.examples, options.epochs)
            for name, found in pool.apply(measure, work).items():
                seconds[name, onednn] = found
                print(
                    f"{name}, oneDNN {onednn:3} {found:7.3f} s an epoch of {options.examples} "
                    f"examples, {found / seconds['Keras', 'off']:.2f} x Keras without oneDNN"
                )
    for onednn in ("off", "on"):
        ratio = seconds["fused", onednn] / seconds["Keras", onednn]
        print(f"fused takes {ratio:.2f} x the time of Keras, oneDNN {onednn}")
    ratio = seconds["fused", "on"] / seconds["fused", "off"]
    print(f"oneDNN takes {ratio:.2f} x the time of TensorFlow's own kernels, fused")


if __name__ == "__main__":
    main()
