"""`cnn`: convolution blocks, flattened or pooled into dense layers.

`model=cnn_velardo` is the network of a tutorial (V. Velardo, "Deep Learning for Audio with Python",
lecture 16): 78,282 parameters on 258 x 13 and 45,514 on 130 x 13, with the normalisation moved in
front of the ReLU (`norm: after_pool` is the original). carnaghi2022 does not state its layers, but
its feature extraction follows that tutorial. The default has its blocks with other numbers of
filters, pooled over all places: a network that is small and flat learns where in a segment
something was heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from genrecls.models.layers import (
    Centring,
    ConvStack,
    DenseHead,
    GlobalPooling,
    centred,
    normalised_input,
    pool_globally,
    with_channels,
)

if TYPE_CHECKING:
    import keras


@MODELS.register("cnn")
@dataclass(frozen=True)
class Cnn(ModelFamily):
    """Convolutional network on one picture.

    Attributes:
        conv: convolution blocks.
        head: dense layers behind them.
        global_pooling: what the head reads of the last block: `none` takes all values of all
            places, the others one vector of all places, see `layers.pool_globally`.
        centring: mean that is subtracted of each segment, see `layers.centred`.
    """

    conv: ConvStack
    head: DenseHead
    # They came later: runs from before have no values for them.
    global_pooling: GlobalPooling | Literal["none"] = "none"
    centring: Centring = "none"

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but one picture that is large enough for all blocks."""
        _, size = self.picture(shapes)
        self.conv.output(size)

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one picture."""
        import keras

        name, _ = self.picture(shapes)
        source, x = normalised_input(name, shapes[name], self.statistics(name, normalisation))
        x = self.conv.apply(centred(with_channels(x), self.centring))
        if self.global_pooling == "none":
            x = keras.layers.Flatten(name="flatten")(x)
        else:
            x = pool_globally(x, self.global_pooling)
        return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)
