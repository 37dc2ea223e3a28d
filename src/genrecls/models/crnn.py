"""`crnn`: convolution blocks together with recurrent layers.

carnaghi2022 names a CRNN with LSTM and does not state its layers; the default is the usual
arrangement (K. Choi et al., "Convolutional recurrent neural networks for music classification",
ICASSP 2017). bisarahalli2021 and both CNN-RNN of steiner2023 are configurations of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genrecls.errors import ConfigError
from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from genrecls.models.layers import (
    ConvStack,
    DenseHead,
    Recurrent,
    Width,
    frames_of,
    initializer,
    normalised_input,
)

if TYPE_CHECKING:
    import keras


@MODELS.register("crnn")
@dataclass(frozen=True)
class Crnn(ModelFamily):
    """Convolutional recurrent network on one picture.

    Attributes:
        conv: convolution blocks.
        join: `sequential`: the recurrent layers read what the convolutions make of each frame;
            `parallel`: both read the picture, and their outputs are concatenated.
        frames: what the recurrent layers read as one step, where join is sequential.
            `time`: all coefficients and channels of one frame. `published`: the reshape of
            bisarahalli2021, whose steps are pieces of a frame in which channels and coefficients
            are mixed; only for comparison with the published figure.
        frame_units: width of a dense layer on each step in front of the recurrent layers, with the
            activation of the convolutions; None for none.
        recurrent: layers that read the steps.
        head: dense layers behind all.
    """

    conv: ConvStack
    join: Literal["sequential", "parallel"]
    frames: Literal["time", "published"]
    frame_units: Width | None
    recurrent: Recurrent
    head: DenseHead

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but one picture that is large enough for all blocks."""
        _, size = self.picture(shapes)
        self.conv.output(size)
        if self.join == "parallel" and (self.frames, self.frame_units) != ("time", None):
            raise ConfigError(
                f"model.join: received 'parallel' with frames={self.frames} and frame_units="
                f"{self.frame_units}, which only 'sequential' has; set frames=time and "
                "frame_units=null"
            )

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one picture."""
        import keras
        from keras import layers

        name, _ = self.picture(shapes)
        source, x = normalised_input(name, shapes[name], self.statistics(name, normalisation))
        convolved = self.conv.apply(x)
        if self.join == "parallel":
            flat = layers.Flatten(name="flatten")(convolved)
            x = layers.Concatenate(name="join")([flat, self.recurrent.apply(frames_of(x))])
            return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)

        if self.frames == "time":
            steps = frames_of(convolved)
        else:
            # Behind bisarahalli2021's transposition each frame holds channels x coefficients, so a
            # row of as many values as there are channels is a few channels' coefficients, and not
            # one position's channels.
            _, frames, coefficients, channels = convolved.shape
            steps = layers.Permute((1, 3, 2), name="channels_first")(convolved)
            steps = layers.Reshape((frames * coefficients, channels), name="frames")(steps)
        if self.frame_units:
            activation = self.conv.activation
            steps = layers.Dense(
                self.frame_units,
                activation,
                kernel_initializer=initializer(activation),
                name="frame_dense",
            )(steps)
        x = self.recurrent.apply(steps)
        return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)
