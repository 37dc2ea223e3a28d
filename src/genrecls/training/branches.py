"""Networks side by side in one, each of which learns for itself: an ensemble in one training.

Several small networks that begin and err differently are right together more often than one of
them (L. Hansen and P. Salamon, "Neural network ensembles", 1990). Trained on their common answer
they would learn to complete each other instead (S. Lee et al., "Why M heads are better than one",
2015). So each has a loss of its own here: the dense layer behind all of them answers for each
alone, with the others switched off. The trained network is the mean of their logits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

_LAST = "probabilities"


def with_branches(network: keras.Model, count: int) -> keras.Model:
    """Return a network for training: it answers for all branches together and for each alone.

    Args:
        network: of a family with branches, its probabilities the first output. It shares its layers
            with what is returned.
        count: how many branches it has.

    Returns:
        Outputs are the probabilities of the averaged logits, the other outputs of `network`, and
        the probabilities of each branch.
    """
    import keras

    last = network.get_layer(_LAST)
    values = last.input
    width = values.shape[-1] // count

    def answer(factors: Any, name: str) -> Any:
        return last(keras.layers.Rescaling(factors, name=name)(values))

    together = answer(1 / count, "together")
    alone = [
        answer(np.repeat(np.eye(count)[branch], width).tolist(), f"branch{branch + 1}_alone")
        for branch in range(count)
    ]
    return keras.Model(network.input, [together, *network.outputs[1:], *alone])


def average_branches(model: keras.Model, trained: keras.Model, count: int) -> None:
    """Give `model` the weights with which its logits are the mean of those of trained branches.

    Args:
        model: as the family builds it.
        trained: of `with_branches`.
        count: how many branches both have; of one they share their layers.
    """
    if count == 1:
        return
    for layer in model.layers:
        layer.set_weights(trained.get_layer(layer.name).get_weights())
    last = model.get_layer(_LAST)
    kernel, bias = last.get_weights()
    last.set_weights([kernel / np.float32(count), bias])
