"""Every model family as its YAML file configures it, and networks made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genrecls.config.paths import conf_dir
from genrecls.config.validation import select
from genrecls.errors import ConfigError
from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from tests.composed import composed

N_CLASSES = 10

CANDIDATES: tuple[Shapes, ...] = (
    {"mfcc": (40, 13)},
    {"mfcc": (258, 13)},
    {"mel": (64, 64)},
    {"mel": (130, 128)},
    {"table": (57,)},
    {"picture": (48, 40, 3)},
    {"mel": (40, 13), "table": (57,)},
    {"table": (5,), "picture": (48, 40, 1)},
)
"""Inputs of every sort that features give; a family is tested with those that it takes."""


def family(name: str, **changes: Any) -> ModelFamily:
    """Return the family `name`; one without a YAML file has to do with its class defaults.

    A mapping in `changes` changes the keys that it has and leaves the others of its group.
    """
    path = conf_dir() / "model" / f"{name}.yaml"
    values: dict[str, Any] = {"name": name}
    if path.is_file():
        values = composed("train", f"model={name}")["model"]
    for key, value in changes.items():
        group: Any = values.get(key)
        both = isinstance(group, dict) and isinstance(value, dict)
        values[key] = {**group, **value} if both else value
    chosen = select(MODELS, values)
    assert isinstance(chosen, ModelFamily)
    return chosen


def takes(name: str, shapes: Shapes) -> bool:
    """Return whether the family `name` takes inputs of these shapes."""
    chosen = family(name)
    try:
        chosen.check(shapes)
    except ConfigError:
        return False
    return True


def inputs_of(name: str) -> list[Shapes]:
    """Return the candidates that the family `name` takes, small ones first."""
    result = [shapes for shapes in CANDIDATES if takes(name, shapes)]
    assert result, f"no test gives '{name}' inputs that it takes: add some to CANDIDATES"
    return result


def unit(shapes: Shapes) -> dict[str, Normalisation]:
    """Return statistics that change nothing."""
    return {
        name: Normalisation(np.zeros(shape[-1]), np.ones(shape[-1]))
        for name, shape in shapes.items()
    }


def build(name: str, size: tuple[int, ...], *, source: str = "mfcc", **changes: Any) -> Any:
    """Return a network of the family `name` for one input of the shape `size`."""
    return build_for(name, {source: size}, **changes)


def build_for(
    name: str,
    shapes: Shapes,
    *,
    statistics: Mapping[str, Normalisation] | None = None,
    n_classes: int = N_CLASSES,
    **changes: Any,
) -> Any:
    """Return a network of the family `name` for inputs of these shapes."""
    chosen = family(name, **changes)
    chosen.check(shapes)
    network = chosen.build(shapes, n_classes, statistics or unit(shapes))
    if name == "image":
        _count_statistics(network, batch_of(8, shapes))
    return network


def _count_statistics(network: Any, batch: Mapping[str, Any]) -> None:
    """Give normalisations the statistics of a batch.

    A deep network whose normalisations have seen nothing answers the same to everything.
    """
    norms = [each for each in network.layers if type(each).__name__ == "BatchNormalization"]
    usual = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    network(batch, training=True)
    for layer, momentum in zip(norms, usual, strict=True):
        layer.momentum = momentum


def noise(count: int, size: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, *size)).astype(np.float32)


def batch_of(count: int, shapes: Shapes) -> dict[str, np.ndarray[Any, Any]]:
    return {name: noise(count, size, seed) for seed, (name, size) in enumerate(shapes.items())}
