"""`rnn`: stacked recurrent layers over the frames.

carnaghi2022 does not state its layers. The default is the tutorial's network (V. Velardo, "Deep
Learning for Audio with Python", lecture 19): two LSTM layers of 64 units, 57,802 parameters on 13
coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from genrecls.models.layers import DenseHead, Recurrent, frames_of, normalised_input

if TYPE_CHECKING:
    import keras


@MODELS.register("rnn")
@dataclass(frozen=True)
class Rnn(ModelFamily):
    """Recurrent network on one picture, read frame by frame.

    Attributes:
        recurrent: layers that read the frames.
        head: dense layers behind them.
    """

    recurrent: Recurrent
    head: DenseHead

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but one picture."""
        self.picture(shapes)

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one picture."""
        import keras

        name, _ = self.picture(shapes)
        source, x = normalised_input(name, shapes[name], self.statistics(name, normalisation))
        x = self.recurrent.apply(frames_of(x))
        return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)
