"""What every model family must do."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.contracts.base import BrokenContractError, Check, require
from genrecls.errors import ConfigError
from genrecls.models.base import ModelFamily, Normalisation, Shapes
from genrecls.models.cost import layer_costs

if TYPE_CHECKING:
    import keras

N_CLASSES = 10
CANDIDATES: tuple[Shapes, ...] = (
    {"mfcc": (40, 13)},
    {"mel": (130, 128)},
    {"table": (57,)},
    {"picture": (48, 40, 3)},
    {"mel": (40, 13), "table": (57,)},
    {"table": (5,), "picture": (48, 40, 1)},
)
"""Inputs of every sort that features give; a family is tried with those that it takes."""


def takes_some_input(family: ModelFamily) -> None:
    """It takes at least one kind of input that features give."""
    shown = ", ".join(str(dict(shapes)) for shapes in CANDIDATES)
    require(bool(_inputs(family)), f"check() refuses every input that was tried: {shown}")


def refuses_in_one_line(family: ModelFamily) -> None:
    """It refuses inputs that it cannot take by a ConfigError of one line, in check()."""
    film = {"film": (3, 48, 40, 3), "table": (57,)}
    for shapes in ({}, film, {"a": (130, 13), "b": (57,), "c": (48, 40, 3)}):
        try:
            family.check(shapes)
        except ConfigError as error:
            require("\n" not in str(error), f"the message of check({shapes}) has several lines")
        else:
            raise BrokenContractError(f"check({shapes}) takes inputs that no features give")


def gives_probabilities(family: ModelFamily) -> None:
    """It answers every segment with one probability for each genre."""
    for shapes in _inputs(family):
        for n_classes in (2, N_CLASSES):
            network = _build(family, shapes, n_classes=n_classes)
            # Loud ones would drive the softmax of random weights to 0 and 1, the same for all.
            quiet = {name: 0.1 * values for name, values in _batch(3, shapes).items()}
            answer = _answers(network, quiet)
            place = f"for inputs {dict(shapes)} and {n_classes} genres"
            require(
                answer.shape == (3, n_classes),
                f"{place}: expected an output of shape (3, {n_classes}), received {answer.shape}",
            )
            sums = answer.sum(axis=1)
            require(
                bool((answer >= 0).all() and np.allclose(sums, 1, atol=1e-5)),
                f"{place}: the outputs are no probabilities (they sum to {sums.round(3)}); end "
                "with a softmax",
            )
            require(
                float(np.ptp(answer, axis=0).max()) > 1e-5,
                f"{place}: different segments get the same answer",
            )


def keeps_the_names_of_its_inputs(family: ModelFamily) -> None:
    """Its network takes a dictionary with the names of the inputs."""
    shapes = {f"other_{name}": shape for name, shape in _inputs(family)[0].items()}
    network = _build(family, shapes)
    names = set(network.input) if isinstance(network.input, dict) else set()
    require(names == set(shapes), f"expected inputs named {sorted(shapes)}, received {names}")


def comes_back_from_a_file(family: ModelFamily) -> None:
    """Its network is saved and loaded without loss, and without code of its own."""
    import keras

    shapes = _inputs(family)[0]
    network, batch = _build(family, shapes), _batch(4, shapes)
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        network.save(path)
        # Layers of a class that Keras does not know cannot be loaded in safe mode.
        again = keras.models.load_model(path, compile=False, safe_mode=True)
    before, after = (_answers(each, batch) for each in (network, again))
    require(bool(np.array_equal(before, after)), "the loaded network gives other answers")


def answers_each_segment_by_itself(family: ModelFamily) -> None:
    """A segment gets the same answer alone as among others."""
    shapes = _inputs(family)[0]
    network, batch = _build(family, shapes), _batch(7, shapes)
    together = _answers(network, batch)
    each = [{name: x[i : i + 1] for name, x in batch.items()} for i in range(7)]
    alone = np.concatenate([_answers(network, one) for one in each])
    largest = float(np.abs(together - alone).max())
    require(largest < 1e-5, f"answers differ by {largest:.1e} between a batch and single segments")


def learns(family: ModelFamily) -> None:
    """A gradient reaches every weight, and one step lowers the loss of its batch."""
    import keras
    import tensorflow as tf

    shapes = _inputs(family)[0]
    network, batch = _build(family, shapes), _batch(16, shapes)
    targets = np.arange(16) % N_CLASSES
    with tf.GradientTape() as tape:
        answer = network(batch, training=True)
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(targets, answer))
    gradients = tape.gradient(loss, network.trainable_variables)
    pairs = zip(network.trainable_variables, gradients, strict=True)
    without = [variable.path for variable, gradient in pairs if gradient is None]
    require(not without, f"no gradient reaches {', '.join(without)}")
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout | keras.layers.AlphaDropout):
            layer.rate = 0.0
    network.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    first, second = (float(network.train_on_batch(batch, targets)) for _ in range(2))
    require(second < first, f"the loss went from {first:.4f} to {second:.4f} by one step")


def hangs_on_the_seed(family: ModelFamily) -> None:
    """Equal seeds give equal first weights, so that a training can be repeated."""
    import keras

    weights = []
    for _ in range(2):
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        network = _build(family, _inputs(family)[0])
        weights.append(np.concatenate([array.ravel() for array in network.get_weights()]))
    require(
        bool(np.array_equal(weights[0], weights[1])),
        "two networks of one seed have other weights; draw through Keras' initializers only",
    )


def undoes_the_statistics(family: ModelFamily) -> None:
    """With standardise=true it standardises its inputs inside the network."""
    if not family.standardise:
        return
    shapes = _inputs(family)[0]
    statistics = {
        name: Normalisation(np.linspace(-200, 20, size[-1]), np.linspace(0.5, 40, size[-1]) ** 2)
        for name, size in shapes.items()
    }
    network, batch = _build(family, shapes, statistics), _batch(5, shapes)
    measured = {
        name: (x * np.sqrt(statistics[name].variance) + statistics[name].mean).astype(np.float32)
        for name, x in batch.items()
    }
    as_measured, standardised = (_answers(network, x) for x in (measured, batch))
    require(
        bool(np.abs(as_measured - standardised).max() > 1e-6),
        "the statistics of the train part change nothing; use `normalised_input`",
    )


def knows_its_costs(family: ModelFamily) -> None:
    """Parameters and multiply-accumulates of all its layers can be counted."""
    network = _build(family, _inputs(family)[0])
    counted = sum(cost.parameters for cost in layer_costs(network))
    total = network.count_params()
    require(counted == total, f"{counted} of {total} parameters are counted")


CHECKS: tuple[Check, ...] = (
    takes_some_input,
    refuses_in_one_line,
    gives_probabilities,
    keeps_the_names_of_its_inputs,
    comes_back_from_a_file,
    answers_each_segment_by_itself,
    learns,
    hangs_on_the_seed,
    undoes_the_statistics,
    knows_its_costs,
)


def _inputs(family: ModelFamily) -> list[Shapes]:
    """Return the candidates that the family takes, small ones first."""
    taken = []
    for shapes in CANDIDATES:
        try:
            family.check(shapes)
        except ConfigError:
            continue
        taken.append(shapes)
    return taken


def _build(
    family: ModelFamily,
    shapes: Shapes,
    statistics: dict[str, Normalisation] | None = None,
    n_classes: int = N_CLASSES,
) -> keras.Model:
    unit = {
        name: Normalisation(np.zeros(shape[-1]), np.ones(shape[-1]))
        for name, shape in shapes.items()
    }
    return family.build(shapes, n_classes, statistics or unit)


def _answers(network: keras.Model, batch: Any) -> NDArray[Any]:
    """Return the answers to a batch by a call: `predict` would compile each network first."""
    return np.asarray(network(batch, training=False))


def _batch(count: int, shapes: Shapes) -> dict[str, NDArray[Any]]:
    return {
        name: np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)
        for seed, (name, shape) in enumerate(shapes.items())
    }
