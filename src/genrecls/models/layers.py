"""Layers that several families share: normalised input, convolutions, recurrent layers, head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, NonNegativeFloat

from genrecls.config.ranges import Share
from genrecls.config.schema import Schema
from genrecls.errors import ConfigError
from genrecls.models.base import Normalisation, Picture

if TYPE_CHECKING:
    import keras

Width = Annotated[int, Field(gt=0, le=2**16)]
"""Units or filters of a layer, or its extent along an axis."""
Pair = tuple[Width, Width]
Padding = Literal["same", "valid"]
Activation = Literal["relu", "elu", "selu"]
NormPlace = Literal["none", "before_activation", "after_activation", "after_pool"]
GlobalPooling = Literal["average", "max", "average_max", "statistics", "attention"]
Centring = Literal["none", "segment", "band"]

BATCH_NORM_MOMENTUM = 0.9
"""Keras' default of 0.99 needs more steps than a small data set has to forget its first values."""


@dataclass(frozen=True)
class ConvBlock(Schema):
    """Sizes of one convolution and the max-pooling behind it, all frames x coefficients.

    Attributes:
        filters: output channels.
        kernel, stride: of the convolution.
        pool: window of the max-pooling; None for no pooling.
        pool_stride: step of the max-pooling; None for windows side by side.
    """

    filters: Width
    kernel: Pair
    stride: Pair
    pool: Pair | None
    pool_stride: Pair | None

    def __post_init__(self) -> None:
        if self.pool_stride and not self.pool:
            raise ValueError(f"pool_stride: received {[*self.pool_stride]}; allowed: null, as pool")


@dataclass(frozen=True)
class ConvStack(Schema):
    """Convolution blocks: convolution, activation, max-pooling, dropout.

    Normalised before the activation, a converter folds the normalisation into the convolution; the
    other places are there because published networks have them.

    Attributes:
        blocks: sizes of each block, first to last.
        padding: of the convolutions.
        pool_padding: of the max-pooling.
        activation: of the convolutions; selu brings its own initialiser and dropout.
        norm: where in each block the batch normalisation stands.
        dropout: share of values dropped after each block.
    """

    blocks: tuple[ConvBlock, ...]
    padding: Padding
    pool_padding: Padding
    activation: Activation
    norm: NormPlace
    dropout: Share

    def apply(self, picture: Any) -> Any:
        """Return the output for a picture (batch, frames, coefficients[, channels])."""
        from keras import layers

        x = with_channels(picture)
        for index, block in enumerate(self.blocks, start=1):
            norm = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=f"norm{index}")
            # The offset of the normalisation makes a bias redundant, but published counts have it.
            x = layers.Conv2D(
                block.filters,
                block.kernel,
                block.stride,
                padding=self.padding,
                kernel_initializer=initializer(self.activation),
                name=f"conv{index}",
            )(x)
            if self.norm == "before_activation":
                x = norm(x)
            name = f"{self.activation}{index}"
            if self.activation == "relu":
                # A layer of its own kind is what a converter recognises and merges.
                x = layers.ReLU(name=name)(x)
            else:
                x = layers.Activation(self.activation, name=name)(x)
            if self.norm == "after_activation":
                x = norm(x)
            if block.pool:
                x = layers.MaxPooling2D(
                    block.pool, block.pool_stride, padding=self.pool_padding, name=f"pool{index}"
                )(x)
            if self.norm == "after_pool":
                x = norm(x)
            if self.dropout:
                x = dropout_layer(self.dropout, self.activation, f"conv_dropout{index}")(x)
        return x

    def output(self, size: Picture) -> Picture:
        """Return frames, coefficients and channels after all blocks.

        Raises:
            ConfigError: the picture is too small for one of them.
        """
        frames, coefficients, channels = size
        for index, block in enumerate(self.blocks):
            channels = block.filters
            windows = [("kernel", block.kernel, block.stride, "padding", self.padding)]
            if block.pool:
                stride = block.pool_stride or block.pool
                windows.append(("pool", block.pool, stride, "pool_padding", self.pool_padding))
            for window, (height, width), stride, key, padding in windows:
                if padding == "valid":
                    if height > frames or width > coefficients:
                        raise ConfigError(
                            f"model.conv.blocks.{index}: a {window} of {height} x {width} does not "
                            f"fit a picture of {frames} x {coefficients} (frames x coefficients); "
                            f"use {key} same, fewer blocks, longer segments or more coefficients"
                        )
                    frames, coefficients = frames - height + 1, coefficients - width + 1
                # The number of places that the window takes, rounded up.
                frames, coefficients = -(-frames // stride[0]), -(-coefficients // stride[1])
        return frames, coefficients, channels


@dataclass(frozen=True)
class DenseHead(Schema):
    """Dense layers with dropout in front of the softmax.

    Attributes:
        units: width of each hidden layer; empty for none.
        dropout: share of values dropped after each hidden layer.
        activation: of the hidden layers; selu brings its own initialiser and dropout.
        l2: factor of the squared weights of the hidden layers in the loss.
    """

    units: tuple[Width, ...]
    dropout: Share
    activation: Activation
    l2: NonNegativeFloat

    def apply(self, x: Any, n_classes: int) -> Any:
        """Return genre probabilities, shape (batch, n_classes)."""
        from keras import layers

        x = self.hidden(x)
        return layers.Dense(n_classes, activation="softmax", name="probabilities")(x)

    def hidden(self, x: Any, prefix: str = "") -> Any:
        """Return what the hidden layers make of (batch, values); their names get `prefix`."""
        from keras import layers, regularizers

        for index, width in enumerate(self.units, start=1):
            x = layers.Dense(
                width,
                activation=self.activation,
                kernel_initializer=initializer(self.activation),
                kernel_regularizer=regularizers.L2(self.l2) if self.l2 else None,
                name=f"{prefix}dense{index}",
            )(x)
            if self.dropout:
                x = dropout_layer(self.dropout, self.activation, f"{prefix}dropout{index}")(x)
        return x


def pool_globally(x: Any, kind: GlobalPooling, prefix: str = "") -> Any:
    """Return one vector of all places of a picture (batch, frames, bands, channels).

    Args:
        x: the picture.
        kind: `average`, `max` or both (`average_max`) of each channel; `statistics`: mean and
            standard deviation (D. Snyder et al., "X-vectors", ICASSP 2018); `attention`: a mean
            whose weights are a softmax over the places, of one score each.
        prefix: in front of the names of the layers.
    """
    from keras import layers, ops

    _, frames, bands, channels = x.shape
    if kind == "attention":
        places = layers.Reshape((frames * bands, channels), name=f"{prefix}places")(x)
        scores = layers.Flatten(name=f"{prefix}scores")(
            layers.Dense(1, name=f"{prefix}score")(places)
        )
        shares = layers.Softmax(name=f"{prefix}attention")(scores)
        return layers.Dot(axes=1, name=f"{prefix}attended")([shares, places])
    average = layers.GlobalAveragePooling2D(name=f"{prefix}average")
    if kind == "average":
        return average(x)
    if kind == "statistics":
        mean = layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}mean")(x)
        distance = layers.Subtract(name=f"{prefix}distance")([x, mean])
        square = layers.Multiply(name=f"{prefix}square")([distance, distance])
        variance = layers.GlobalAveragePooling2D(name=f"{prefix}variance")(square)
        # The root has no slope at 0, where a channel is the same everywhere.
        deviation = ops.sqrt(variance + 1e-4)
        return layers.Concatenate(name=f"{prefix}statistics")(
            [layers.Flatten(name=f"{prefix}means")(mean), deviation]
        )
    # A window of the whole picture has an operator in every runtime; so has none of the reductions.
    largest = layers.MaxPooling2D((frames, bands), name=f"{prefix}largest")(x)
    largest = layers.Flatten(name=f"{prefix}max")(largest)
    if kind == "max":
        return largest
    return layers.Concatenate(name=f"{prefix}pooled")([average(x), largest])


def centred(x: Any, kind: Centring) -> Any:
    """Return a picture (batch, frames, bands, channels) less a mean of itself.

    Args:
        x: the picture.
        kind: `segment`: the mean of all of it, so that loudness does not count; `band`: the mean of
            each band over time, so that the colour of a recording does not count either, as in
            cepstral mean normalisation; `none` leaves it as it is.
    """
    from keras import layers

    if kind == "none":
        return x
    window = x.shape[1:3] if kind == "segment" else (x.shape[1], 1)
    mean = layers.AveragePooling2D(window, name=f"{kind}_mean")(x)
    return layers.Subtract(name="centred")([x, mean])


def with_channels(x: Any) -> Any:
    """Return a picture (batch, frames, bands, channels), with one channel if it had none."""
    from keras import layers

    return x if len(x.shape) == 4 else layers.Reshape((*x.shape[1:], 1), name="channel")(x)


def initializer(activation: Activation) -> str:
    """Return the initialiser of weights in front of `activation`.

    Self-normalisation needs LeCun's (G. Klambauer et al., "Self-normalizing neural networks",
    2017); the other is Keras' default, which published systems use.
    """
    return "lecun_normal" if activation == "selu" else "glorot_uniform"


def dropout_layer(share: float, activation: Activation, name: str) -> Any:
    """Return the dropout for `activation`: selu needs one that keeps mean and variance."""
    from keras import layers

    kind = layers.AlphaDropout if activation == "selu" else layers.Dropout
    return kind(share, name=name)


def normalised_input(
    name: str, shape: tuple[int, ...], statistics: Normalisation | None
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input called `name`, and the same standardised where there are statistics."""
    import keras

    source = keras.Input(shape, name=name)
    if statistics is None:
        return source, source
    standardise = keras.layers.Normalization(
        axis=-1,
        mean=statistics.mean.tolist(),
        variance=statistics.variance.tolist(),
        name=f"normalise_{name}",
    )
    return source, standardise(source)


def input_statistics(model: keras.Model) -> dict[str, Normalisation]:
    """Return the statistics with which a network standardises its inputs, by input name.

    Values are float32, one for each item of the last axis of the input. An input that is fed as it
    is has none.
    """
    import keras
    import numpy as np

    names = {id(source): name for name, source in dict(model.input).items()}
    return {
        names[id(layer.input)]: Normalisation(
            mean=np.ravel(np.asarray(layer.mean, np.float32)),
            variance=np.ravel(np.asarray(layer.variance, np.float32)),
        )
        for layer in model.layers
        if isinstance(layer, keras.layers.Normalization) and id(layer.input) in names
    }


@dataclass(frozen=True)
class Recurrent(Schema):
    """Stacked recurrent layers; the last one gives its final state only.

    Attributes:
        cell: kind of the layers.
        units: width of each layer, of each direction.
        bidirectional: whether each layer reads in both directions and concatenates both outputs.
        dropout: share of values dropped after each layer; nothing is dropped inside a cell.
        reset_after: where a GRU applies its reset gate: after the matrix product (cuDNN, Keras
            since 2.0, one more bias) or before it (K. Cho et al. 2014, Keras 1).
    """

    cell: Literal["lstm", "gru", "simple"]
    units: Annotated[tuple[Width, ...], Field(min_length=1)]
    bidirectional: bool
    dropout: Share
    reset_after: bool

    def apply(self, x: Any) -> Any:
        """Return the final state (batch, width) after reading `x` (batch, time, values)."""
        from keras import layers

        kind = {"lstm": layers.LSTM, "gru": layers.GRU, "simple": layers.SimpleRNN}[self.cell]
        own = {"reset_after": self.reset_after} if self.cell == "gru" else {}
        for index, width in enumerate(self.units, start=1):
            last = index == len(self.units)
            layer = kind(width, return_sequences=not last, name=f"{self.cell}{index}", **own)
            if self.bidirectional:
                layer = layers.Bidirectional(layer, name=f"bidirectional{index}")
            x = layer(x)
            if self.dropout:
                x = layers.Dropout(self.dropout, name=f"{self.cell}_dropout{index}")(x)
        return x


def frames_of(x: Any) -> Any:
    """Return (batch, frames, values) of a picture (batch, frames, coefficients[, channels]).

    One vector a frame: all coefficients and channels of that frame, no mixing along time.
    """
    from keras import layers

    if len(x.shape) == 3:
        return x
    return layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="frames")(x)
