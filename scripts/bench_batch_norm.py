"""Compare training with TensorFlow's fused batch normalisation and with that of Keras.

Run it on an idle machine from the top of the repository:

    python scripts/bench_batch_norm.py [--model separable] [--examples 320] [--epochs 5]

It trains a network with batch normalisation on random pictures of 97 frames x 64 bands, as
`experiment=best_small` reads them, in one process in two ways:

    Keras    mean, variance, difference, quotient and sum are computed one after another
    fused    one operator computes them, as every training does

The fastest epoch of each counts, for the first pays for compilation.
"""

from __future__ import annotations

import argparse
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


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="separable", help="a file of conf/model")
    parser.add_argument("--examples", type=int, default=320)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()

    tensorflow_setup.configure_tensorflow()
    family = select(MODELS, _defaults("model", options.model, standardise=False))
    if not isinstance(family, ModelFamily):
        parser.error(f"--model: expected a network, received {options.model}")
    pictures = np.random.default_rng(0).random((options.examples, *SIZE), dtype=np.float32)
    examples = Examples(
        inputs={"mel": pictures},
        targets=np.arange(options.examples) % N_CLASSES,
        tracks=tuple(str(number) for number in range(options.examples)),
        starts=np.zeros(options.examples),
    )
    keras_alone = patch("genrecls.training.loop.fuse_batch_norms", lambda _model: None)
    ways: dict[str, AbstractContextManager[object]] = {"Keras": keras_alone, "fused": nullcontext()}
    seconds = {}
    for name, way in ways.items():
        with way:
            seconds[name] = epoch_seconds(family, examples, options.epochs)
        print(f"{name:6} {seconds[name]:6.3f} s an epoch of {options.examples} examples")
    print(f"fused takes {seconds['fused'] / seconds['Keras']:.2f} x the time of Keras")


if __name__ == "__main__":
    main()
