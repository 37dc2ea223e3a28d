"""Building blocks that several families share: normalised input, convolution block, dense head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import PositiveInt

from genrecls.config.schema import Schema, Share
from genrecls.errors import ConfigError
from genrecls.models.base import Normalisation

if TYPE_CHECKING:
    import keras

Pair = tuple[PositiveInt, PositiveInt]
Padding = Literal["same", "valid"]

BATCH_NORM_MOMENTUM = 0.9
"""Keras' default of 0.99 needs more steps than a small data set has to forget its first values."""


@dataclass(frozen=True)
class ConvBlock(Schema):
    """Convolution, batch normalisation, ReLU, max-pooling, in this order.

    With this order a converter folds the normalisation into the convolution.

    Attributes:
        filters: output channels.
        kernel: frames x coefficients.
        padding: of the convolution.
        pool: window of the max-pooling, frames x coefficients.
        stride: step of the max-pooling.
    """

    filters: PositiveInt
    kernel: Pair
    padding: Padding
    pool: Pair
    stride: Pair

    def apply(self, x: Any, index: int) -> Any:
        """Return the output for `x` of the shape (batch, frames, coefficients, channels)."""
        from keras import layers

        # The offset of the normalisation makes a bias redundant, but published counts have it.
        x = layers.Conv2D(self.filters, self.kernel, padding=self.padding, name=f"conv{index}")(x)
        x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=f"norm{index}")(x)
        x = layers.ReLU(name=f"relu{index}")(x)
        return layers.MaxPooling2D(self.pool, self.stride, padding="same", name=f"pool{index}")(x)

    def output(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return frames and coefficients after the block; less than 1 where it does not fit."""
        shrink = (0, 0) if self.padding == "same" else (self.kernel[0] - 1, self.kernel[1] - 1)
        frames, coefficients = size[0] - shrink[0], size[1] - shrink[1]
        return -(-frames // self.stride[0]), -(-coefficients // self.stride[1])


@dataclass(frozen=True)
class DenseHead(Schema):
    """Dense ReLU layers with dropout in front of the softmax.

    Attributes:
        units: width of each hidden layer; empty for none.
        dropout: share of units dropped after each hidden layer.
    """

    units: tuple[PositiveInt, ...]
    dropout: Share

    def apply(self, x: Any, n_classes: int) -> Any:
        """Return genre probabilities, shape (batch, n_classes)."""
        from keras import layers

        for index, width in enumerate(self.units, start=1):
            x = layers.Dense(width, activation="relu", name=f"dense{index}")(x)
            x = layers.Dropout(self.dropout, name=f"dropout{index}")(x)
        return layers.Dense(n_classes, activation="softmax", name="probabilities")(x)


def normalised_input(
    name: str, shape: tuple[int, ...], normalisation: Normalisation
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input called `name` and the same standardised per coefficient."""
    import keras

    source = keras.Input(shape, name=name)
    standardise = keras.layers.Normalization(
        axis=-1,
        mean=normalisation.mean.tolist(),
        variance=normalisation.variance.tolist(),
        name=f"normalise_{name}",
    )
    return source, standardise(source)


def conv_stack(blocks: tuple[ConvBlock, ...], picture: keras.KerasTensor) -> Any:
    """Return what all blocks make of a picture (batch, frames, coefficients)."""
    from keras import layers

    x = layers.Reshape((*picture.shape[1:], 1), name="channel")(picture)
    for index, block in enumerate(blocks, start=1):
        x = block.apply(x, index)
    return x


def check_conv_blocks(blocks: tuple[ConvBlock, ...], size: tuple[int, int]) -> tuple[int, int]:
    """Return frames and coefficients after all blocks.

    Raises:
        ConfigError: the picture is too small for one of them.
    """
    for index, block in enumerate(blocks):
        after = block.output(size)
        if min(after) < 1:
            raise ConfigError(
                f"model.blocks.{index}: a kernel of {block.kernel[0]} x {block.kernel[1]} does not "
                f"fit a picture of {size[0]} x {size[1]} (frames x coefficients); use padding "
                "same, fewer blocks, longer segments or more coefficients"
            )
        size = after
    return size
