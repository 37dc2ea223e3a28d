"""Recurrent layers that several families share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from genrecls.config.schema import Schema, Share


@dataclass(frozen=True)
class Recurrent(Schema):
    """Stacked recurrent layers; the last one gives its final state only.

    Attributes:
        cell: kind of the layers.
        units: width of each layer, of each direction.
        bidirectional: whether each layer reads both ways and concatenates what it finds.
        dropout: share of values dropped after each layer; nothing is dropped inside a cell.
        reset_after: where a GRU applies its reset gate: after the matrix product (cuDNN, Keras
            since 2.0, one more bias) or before it (K. Cho et al. 2014, Keras 1).
    """

    cell: Literal["lstm", "gru", "simple"]
    units: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    bidirectional: bool
    dropout: Share
    reset_after: bool

    def apply(self, x: Any) -> Any:
        """Return the final state (batch, width) after reading `x` (batch, time, values)."""
        from keras import layers

        for index, width in enumerate(self.units, start=1):
            x = self._layer(width, index)(x)
            if self.dropout:
                x = layers.Dropout(self.dropout, name=f"{self.cell}_dropout{index}")(x)
        return x

    def _layer(self, width: int, index: int) -> Any:
        from keras import layers

        kind = {"lstm": layers.LSTM, "gru": layers.GRU, "simple": layers.SimpleRNN}[self.cell]
        own = {"reset_after": self.reset_after} if self.cell == "gru" else {}
        sequences, name = index < len(self.units), f"{self.cell}{index}"
        layer = kind(width, return_sequences=sequences, name=name, **own)
        if self.bidirectional:
            return layers.Bidirectional(layer, name=f"bidirectional{index}")
        return layer


def frames_of(x: Any) -> Any:
    """Return (batch, frames, values) of a picture (batch, frames, coefficients[, channels]).

    One vector a frame: all coefficients and channels of that frame, no mixing along time.
    """
    from keras import layers

    if len(x.shape) == 3:
        return x
    return layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="frames")(x)
