"""`rnn`: stacked LSTM layers over the frames.

carnaghi2022 does not state its layers. The default is the tutorial's network (V. Velardo, "Deep
Learning for Audio with Python", lecture 19): two LSTM layers of 64 units, 57,802 parameters on 13
coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PositiveInt

from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from genrecls.models.blocks import DenseHead, normalised_input

if TYPE_CHECKING:
    import keras

Units = Annotated[tuple[PositiveInt, ...], Field(min_length=1)]


@MODELS.register("rnn")
@dataclass(frozen=True)
class Rnn(ModelFamily):
    """Recurrent network on one picture, read frame by frame.

    Attributes:
        units: width of each LSTM layer; the last one gives its final state only.
        head: dense layers behind them.
    """

    units: Units
    head: DenseHead

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but one picture."""
        self.picture(shapes)

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one input (frames, coefficients)."""
        import keras

        name, size = self.picture(shapes)
        source, x = normalised_input(name, size, normalisation[name])
        x = lstm_stack(x, self.units)
        return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)


def lstm_stack(x: Any, units: tuple[int, ...]) -> Any:
    """Return the final state (batch, units[-1]) of LSTM layers over (batch, time, width)."""
    from keras import layers

    for index, width in enumerate(units, start=1):
        x = layers.LSTM(width, return_sequences=index < len(units), name=f"lstm{index}")(x)
    return x
