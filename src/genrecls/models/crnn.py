"""`crnn`: convolution blocks, whose output is read frame by frame by LSTM layers.

carnaghi2022 names a CRNN with LSTM and does not state its layers; this is the usual arrangement
(K. Choi et al., "Convolutional recurrent neural networks for music classification", ICASSP 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from genrecls.models.blocks import (
    ConvBlock,
    DenseHead,
    check_conv_blocks,
    conv_stack,
    normalised_input,
)
from genrecls.models.rnn import Units, lstm_stack

if TYPE_CHECKING:
    import keras


@MODELS.register("crnn")
@dataclass(frozen=True)
class Crnn(ModelFamily):
    """Convolutional recurrent network on one picture.

    Attributes:
        blocks: convolution blocks, first to last.
        units: width of each LSTM layer behind them.
        head: dense layers behind those.
    """

    blocks: tuple[ConvBlock, ...]
    units: Units
    head: DenseHead

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but one picture that is large enough for all blocks."""
        _, size = self.picture(shapes)
        check_conv_blocks(self.blocks, size)

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one input (frames, coefficients)."""
        import keras

        name, size = self.picture(shapes)
        source, x = normalised_input(name, size, normalisation[name])
        x = conv_stack(self.blocks, x)
        # One vector a frame: all coefficients and channels of that frame, no mixing along time.
        x = keras.layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="frames")(x)
        x = lstm_stack(x, self.units)
        return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)
