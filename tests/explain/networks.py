"""Small networks of every make: our families, two inputs, nested, other ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from genrecls.models.base import Normalisation
from tests.models.families import build

SIZE = (24, 13)
STATISTICS = {"mfcc": Normalisation(np.linspace(-2, 2, 13), np.linspace(0.5, 3, 13))}


def family(name: str) -> Any:
    """Return a network of a family of ours for pictures of `SIZE`, with known statistics."""
    return build(name, SIZE, statistics=STATISTICS, n_classes=4)


def two_inputs() -> Any:
    """Return a network that sees a picture and a vector."""
    from keras import Input, Model, layers

    picture, vector = Input(SIZE, name="mfcc"), Input((5,), name="summary")
    x = layers.Conv1D(4, 3, activation="relu", name="look")(picture)
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Concatenate()([x, layers.Dense(6, activation="tanh")(vector)])
    probabilities = layers.Dense(4, activation="softmax")(x)
    return Model({"mfcc": picture, "summary": vector}, probabilities)


def nested() -> Any:
    """Return a network with another one inside, over three equal channels, like a VGG16."""
    from keras import Input, Model, Sequential, layers

    inner = Sequential(
        [
            Input((*SIZE, 3)),
            layers.Conv2D(4, (5, 3), name="inside1"),
            layers.ReLU(name="relu1"),
            layers.Conv2D(6, 3, name="inside2"),
        ],
        name="backbone",
    )
    picture = Input(SIZE, name="mfcc")
    x = layers.Reshape((*SIZE, 1))(picture)
    x = layers.Concatenate()([x, x, x])
    x = layers.GlobalAveragePooling2D()(inner(x))
    return Model({"mfcc": picture}, layers.Dense(4, activation="softmax")(x))


def dense() -> Any:
    """Return a network of dense layers on a vector."""
    from keras import Input, Model, layers

    vector = Input((5,), name="summary")
    x = layers.Dense(7, activation="relu", name="hidden")(vector)
    return Model({"summary": vector}, layers.Dense(4, activation="softmax")(x))


def softmax_apart() -> Any:
    """Return a network whose softmax is a layer of its own."""
    from keras import Input, Model, layers

    picture = Input(SIZE, name="mfcc")
    x = layers.Dense(4)(layers.Flatten()(layers.GRU(3, return_sequences=True, name="gru")(picture)))
    return Model({"mfcc": picture}, layers.Activation("softmax")(x))


def other_end() -> Any:
    """Return a network whose last layer has no activation to look through."""
    from keras import Input, Model, layers

    picture = Input(SIZE, name="mfcc")
    x = layers.Bidirectional(layers.LSTM(3), name="both_ways")(picture)
    return Model({"mfcc": picture}, layers.Softmax()(layers.Dense(4)(x)))


ALL = {
    "cnn": lambda: family("cnn"),
    "rnn": lambda: family("rnn"),
    "crnn": lambda: family("crnn"),
    "two_inputs": two_inputs,
    "nested": nested,
    "dense": dense,
    "softmax_apart": softmax_apart,
    "other_end": other_end,
}


def segment(model: Any, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Return one segment of noise for the inputs of `model`."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(0, 2, source.shape[1:]).astype(np.float32)
        for name, source in dict(model.input).items()
    }
