"""Batch normalisation by the fused operator learns as that of Keras does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.training.batch_norm import fuse_batch_norms, unseen_fault

pytestmark = pytest.mark.tensorflow

PICTURES = np.random.default_rng(0).normal(2, 3, (5, 7, 4, 6)).astype(np.float32)


def network(shape: tuple[int, ...], **settings: Any) -> Any:
    """Return one batch normalisation with an offset and a scale of its own."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    source = keras.Input(shape)
    layer = layers.BatchNormalization(
        momentum=0.9,
        beta_initializer=keras.initializers.RandomNormal(),
        gamma_initializer=keras.initializers.RandomUniform(0.5, 2),
        **settings,
    )
    return keras.Model(source, layer(source))


def learnt(model: Any, batch: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return outputs in training, gradients of input and weights, and all weights afterwards."""
    import tensorflow as tf

    inputs = tf.constant(batch)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = model(inputs, training=True)
        loss = tf.reduce_sum(outputs**3)
    gradients = tape.gradient(loss, [inputs, *model.trainable_variables])
    return [x.numpy() for x in [outputs, *gradients, *model.variables]]


def test_it_learns_what_the_layer_of_keras_learns_of_pictures() -> None:
    """Outputs, gradients and running averages are equal but for rounding."""
    ours, theirs = network(PICTURES.shape[1:]), network(PICTURES.shape[1:])

    fuse_batch_norms(ours)

    for mine, other in zip(learnt(ours, PICTURES), learnt(theirs, PICTURES), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=2e-3)


def test_the_running_variance_divides_by_the_number_of_values_as_keras_does() -> None:
    """Of two values in a channel the other convention would be twice as large."""
    ours = network((1, 1, 6))
    fuse_batch_norms(ours)

    learnt(ours, PICTURES[:2, :1, :1])

    expected = 0.9 + 0.1 * PICTURES[:2, 0, 0].var(axis=0)
    np.testing.assert_allclose(ours.layers[-1].moving_variance.numpy(), expected, rtol=1e-5)


def test_what_it_answers_and_saves_is_that_of_the_layer_of_keras(tmp_path: Path) -> None:
    """A file knows nothing of it and needs nothing of this package."""
    import keras
    from keras import layers

    model = network(PICTURES.shape[1:])
    before = model.predict(PICTURES, verbose=0)

    fuse_batch_norms(model)
    model.save(tmp_path / "model.keras")

    np.testing.assert_array_equal(model.predict(PICTURES, verbose=0), before)
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again.layers[-1]) is layers.BatchNormalization
    np.testing.assert_array_equal(again.predict(PICTURES, verbose=0), before)


def test_a_layer_that_is_frozen_later_keeps_its_averages() -> None:
    """Fine-tuning freezes layers of a network that has learnt before."""
    model = network(PICTURES.shape[1:])
    fuse_batch_norms(model)
    model.layers[-1].trainable = False
    before = [variable.numpy() for variable in model.variables]

    outputs = model(PICTURES, training=True)

    np.testing.assert_array_equal(outputs, model(PICTURES, training=False))
    for mine, other in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(mine.numpy(), other)


def test_a_network_that_learns_in_several_stages_is_fused_once() -> None:
    """Every stage asks for it."""
    model = network(PICTURES.shape[1:])
    fuse_batch_norms(model)
    first = model.layers[-1].call

    fuse_batch_norms(model)

    assert model.layers[-1].call is first


def test_networks_inside_a_network_are_reached() -> None:
    """An image backbone is one layer of its network."""
    import keras

    inner = network(PICTURES.shape[1:])
    source = keras.Input(PICTURES.shape[1:])

    fuse_batch_norms(keras.Model(source, inner(source)))

    assert "call" in vars(inner.layers[-1])


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((6,), {}),
        ((4, 6), {}),
        ((7, 4, 6), {"axis": 1}),
        ((7, 4, 6), {"scale": False}),
        ((7, 4, 6), {"center": False}),
        ((7, 4, 6), {"trainable": False}),
        ((7, 4, 6), {"dtype": "float64"}),
    ],
)
def test_everything_else_stays_with_keras(shape: tuple[int, ...], settings: dict[str, Any]) -> None:
    """The operator knows channels of pictures, with scale and offset."""
    model = network(shape, **settings)

    fuse_batch_norms(model)

    assert "call" not in vars(model.layers[-1])


def test_means_of_several_devices_stay_with_keras() -> None:
    """The operator sees the share of one device."""
    model = network(PICTURES.shape[1:])
    model.layers[-1].synchronized = True

    fuse_batch_norms(model)

    assert "call" not in vars(model.layers[-1])


def test_values_that_are_no_numbers_are_not_hidden_by_the_layer_behind() -> None:
    """Together with a ReLU the operator may turn them into zeros."""
    model = network(PICTURES.shape[1:])
    fuse_batch_norms(model)
    assert float(unseen_fault(model)) == 0

    model(np.full_like(PICTURES, np.nan), training=True)

    assert np.isnan(unseen_fault(model))
