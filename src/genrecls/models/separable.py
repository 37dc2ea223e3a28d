"""`separable`: depthwise-separable or inverted-residual convolutions and a pooled head.

`separable` blocks are those of MobileNet (A. Howard et al. 2017), `inverted_residual` ones those of
MobileNetV2 (M. Sandler et al., CVPR 2018), both with squeeze-and-excitation (J. Hu et al., CVPR
2018) where it is asked for. Low-complexity networks of the DCASE challenges are made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from genrecls.config.ranges import Share
from genrecls.config.schema import Schema
from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from genrecls.models.layers import (
    BATCH_NORM_MOMENTUM,
    Centring,
    GlobalPooling,
    Pair,
    Width,
    centred,
    normalised_input,
    pool_globally,
    with_channels,
)

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class SeparableBlock(Schema):
    """Sizes of one block.

    Attributes:
        filters: output channels.
        stride: of the depthwise convolution, the same along both axes.
        pool: window of the max-pooling behind the block, frames x coefficients; None for none.
        expansion: channels of the depthwise convolution as a multiple of those that come in; 1
            leaves out the convolution that makes them.
    """

    filters: Width
    stride: Annotated[int, Field(ge=1, le=16)]
    pool: Pair | None
    expansion: Annotated[int, Field(ge=1, le=16)]


@dataclass(frozen=True)
class Stem(Schema):
    """Sizes of the first convolution and the max-pooling behind it, frames x coefficients.

    Attributes:
        filters: output channels.
        pool: window of the max-pooling; None for none.
    """

    filters: Width
    kernel: Pair
    stride: Pair
    pool: Pair | None


@MODELS.register("separable")
@dataclass(frozen=True)
class Separable(ModelFamily):
    """Convolutional network on one picture, small and quick for its accuracy.

    All convolutions are padded and have batch normalisation and no bias.

    Attributes:
        centring: mean that is subtracted of each segment, see `layers.centred`.
        stem: the plain convolution in front of the blocks. What it gives is usually the largest
            array of the network.
        kind: `separable`: each block ends in a ReLU; `inverted_residual`: it does not, and its
            input is added where it has the same size.
        kernel: of the depthwise convolutions.
        blocks: first to last.
        squeeze: squeeze-and-excitation on so many times fewer channels than the depthwise
            convolution has; None for none.
        last: filters of a last 1 x 1 convolution with a ReLU; None for none.
        branches: so many networks of stem, blocks and pooling side by side. Each learns for itself,
            and their logits are averaged, see `training.branches`.
        global_pooling: how all places become one vector, see `layers.pool_globally`.
        dropout: share of its values that are dropped in front of the softmax.
    """

    centring: Centring
    stem: Stem
    kind: Literal["separable", "inverted_residual"]
    kernel: Pair
    blocks: Annotated[tuple[SeparableBlock, ...], Field(min_length=1)]
    squeeze: Annotated[int, Field(ge=1, le=256)] | None
    last: Width | None
    branches: Annotated[int, Field(ge=1, le=16)]
    global_pooling: GlobalPooling
    dropout: Share

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but one picture."""
        self.picture(shapes)

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one picture."""
        import keras
        from keras import layers

        name, _ = self.picture(shapes)
        source, x = normalised_input(name, shapes[name], self.statistics(name, normalisation))
        x = centred(with_channels(x), self.centring)
        if self.branches == 1:
            x = self._branch(x)
        else:
            numbers = range(1, self.branches + 1)
            vectors = [self._branch(x, f"branch{number}_") for number in numbers]
            x = layers.Concatenate(name="branches")(vectors)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="dropout")(x)
        x = layers.Dense(n_classes, activation="softmax", name="probabilities")(x)
        return keras.Model({name: source}, x, name=self.name)

    def count_branches(self) -> int:
        """Return how many networks stand side by side."""
        return self.branches

    def _branch(self, x: Any, prefix: str = "") -> Any:
        """Return the pooled values of one network; the names of its layers get `prefix`."""
        stem = f"{prefix}stem"
        x = _convolution(x, self.stem.filters, stem, self.stem.kernel, self.stem.stride)
        x = _pooled(_normalised(x, stem, relu=True), self.stem.pool, stem)
        for number, block in enumerate(self.blocks, start=1):
            x = self._block(x, block, f"{prefix}block{number}")
        if self.last:
            last = f"{prefix}last"
            x = _normalised(_convolution(x, self.last, last), last, relu=True)
        return pool_globally(x, self.global_pooling, prefix)

    def _block(self, x: Any, block: SeparableBlock, name: str) -> Any:
        from keras import initializers, layers

        before, channels = x, x.shape[-1]
        width = channels * block.expansion
        if block.expansion > 1:
            x = _normalised(_convolution(x, width, f"{name}_expand"), f"{name}_expand", relu=True)
        x = layers.DepthwiseConv2D(
            self.kernel,
            block.stride,
            padding="same",
            use_bias=False,
            # Keras takes the channels for inputs of each output, which would fade what comes in.
            depthwise_initializer=initializers.VarianceScaling(2.0, "fan_out"),
            name=f"{name}_depthwise",
        )(x)
        x = _normalised(x, f"{name}_depthwise", relu=True)
        if self.squeeze:
            squeezed = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
            for step, filters, activation in (
                ("reduce", max(1, width // self.squeeze), "relu"),
                ("excite", width, "sigmoid"),
            ):
                squeezed = layers.Conv2D(filters, 1, activation=activation, name=f"{name}_{step}")(
                    squeezed
                )
            x = layers.Multiply(name=f"{name}_scale")([x, squeezed])
        separable = self.kind == "separable"
        x = _convolution(x, block.filters, f"{name}_pointwise")
        x = _normalised(x, f"{name}_pointwise", relu=separable)
        if not separable and x.shape == before.shape:
            x = layers.Add(name=f"{name}_add")([before, x])
        return _pooled(x, block.pool, name)


def _convolution(
    x: Any, filters: int, name: str, kernel: Pair = (1, 1), stride: Pair = (1, 1)
) -> Any:
    from keras import layers

    return layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def _pooled(x: Any, window: Pair | None, name: str) -> Any:
    from keras import layers

    if window is None:
        return x
    return layers.MaxPooling2D(window, padding="same", name=f"{name}_pool")(x)


def _normalised(x: Any, name: str, *, relu: bool) -> Any:
    """Return `x` after batch normalisation, which a converter folds into the convolution."""
    from keras import layers

    x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x
