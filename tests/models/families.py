"""Every model family as its YAML file configures it, and networks made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import yaml

from genrecls.config.location import conf_dir
from genrecls.config.validation import select
from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes

N_CLASSES = 10


def family(name: str, **changes: Any) -> ModelFamily:
    """Return the family `name`; one without a YAML file has to do with its class defaults."""
    path = conf_dir() / "model" / f"{name}.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {"name": name}
    return select(MODELS, {**values, **changes})


def unit(shapes: Shapes) -> dict[str, Normalisation]:
    """Return statistics that change nothing."""
    return {
        name: Normalisation(np.zeros(shape[-1]), np.ones(shape[-1]))
        for name, shape in shapes.items()
    }


def build(
    name: str,
    size: tuple[int, ...],
    *,
    statistics: dict[str, Normalisation] | None = None,
    n_classes: int = N_CLASSES,
    source: str = "mfcc",
    **changes: Any,
) -> Any:
    """Return a network of the family `name` for one input of the shape `size`."""
    shapes = {source: size}
    chosen = family(name, **changes)
    chosen.check(shapes)
    return chosen.build(shapes, n_classes, statistics or unit(shapes))


def noise(count: int, size: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, *size)).astype(np.float32)
