"""What every augmentation must do."""

from __future__ import annotations

from typing import Any

import numpy as np

from genrecls.contracts.base import Check, require
from genrecls.training.settings import Augmentation


def _batch() -> tuple[dict[str, Any], Any]:
    """Return pictures (8, 40, 13) and one-hot targets (8, 4)."""
    import tensorflow as tf

    noise = np.random.default_rng(0).standard_normal((8, 40, 13)).astype(np.float32)
    return {"mfcc": tf.constant(noise)}, tf.one_hot(np.arange(8) % 4, 4)


def keeps_the_shape_of_a_batch(augmentation: Augmentation) -> None:
    """Inputs and targets keep their names, shapes and types, and stay finite."""
    inputs, targets = _batch()
    changed, new_targets = augmentation.apply(inputs, targets, [1, 2])
    require(changed.keys() == inputs.keys(), f"the inputs are named {sorted(changed)} now")
    for name, values in inputs.items():
        got = changed[name]
        require(
            got.shape == values.shape and got.dtype == values.dtype,
            f"{name}: expected {values.shape} {values.dtype}, received {got.shape} {got.dtype}",
        )
        require(bool(np.isfinite(got.numpy()).all()), f"{name}: there is NaN or infinity")
    sums = np.sum(new_targets, axis=1)
    require(bool(np.allclose(sums, 1)), f"the targets sum to {sums}, and must sum to 1")


def hangs_on_its_seed_alone(augmentation: Augmentation) -> None:
    """The same seed gives the same batch, another seed another one."""
    import tensorflow as tf

    inputs, targets = _batch()
    # Without it an operation that takes no seed of its own ends in an error of another kind.
    tf.random.set_seed(1)
    first, again, other = (
        augmentation.apply(inputs, targets, seed)[0]["mfcc"].numpy()
        for seed in ([1, 2], [1, 2], [3, 4])
    )
    require(
        bool(np.array_equal(first, again)),
        "one seed gives two batches; use tf.random.stateless_... with the seed that is given",
    )
    require(not np.array_equal(first, other), "two seeds give the same batch")


def works_inside_a_graph(augmentation: Augmentation) -> None:
    """It works inside tf.function, where batches are prepared, for any batch size."""
    import tensorflow as tf

    inputs, targets = _batch()

    def change(values: Any, targets: Any) -> Any:
        return augmentation.apply({"mfcc": values}, targets, [1, 2])[0]["mfcc"]

    specs = [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in (inputs["mfcc"], targets)]
    compiled = tf.function(change, input_signature=specs)
    eager = augmentation.apply(inputs, targets, [1, 2])[0]["mfcc"].numpy()
    graph = compiled(inputs["mfcc"], targets).numpy()
    require(bool(np.allclose(eager, graph, atol=1e-5)), "values differ inside tf.function")


CHECKS: tuple[Check, ...] = (
    keeps_the_shape_of_a_batch,
    hangs_on_its_seed_alone,
    works_inside_a_graph,
)
