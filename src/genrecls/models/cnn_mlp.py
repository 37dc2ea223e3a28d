"""`cnn_mlp`: a picture and a table row of the same segment, each with a branch of its own.

The arrangement of steiner2023, after Pun and Nazirkhanova (2021): convolutions and dense layers on
the spectrogram, dense layers on summary features, both concatenated in front of dense layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from genrecls.config.ranges import Share
from genrecls.models.base import MODELS, ModelFamily, Normalisation, Shapes
from genrecls.models.layers import ConvStack, DenseHead, Width, normalised_input

if TYPE_CHECKING:
    import keras


@MODELS.register("cnn_mlp")
@dataclass(frozen=True)
class CnnMlp(ModelFamily):
    """Convolutional network on a picture beside dense layers on a table row.

    Attributes:
        conv: convolution blocks on the picture.
        picture_units: width of each dense layer behind them.
        table_units: width of each dense layer on the table row.
        branch_dropout: share of values dropped after each dense layer of the branches.
        head: dense layers on both branches; its activation and penalty hold for theirs too.
    """

    conv: ConvStack
    picture_units: tuple[Width, ...]
    table_units: tuple[Width, ...]
    branch_dropout: Share
    head: DenseHead

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but a picture large enough for all blocks and a table row."""
        picture, _ = self._names(shapes)
        _, size = self.picture({picture: shapes[picture]})
        self.conv.output(size)

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for a picture and a table row."""
        import keras

        sources, normalised = {}, {}
        for name, shape in shapes.items():
            statistics = self.statistics(name, normalisation)
            sources[name], normalised[name] = normalised_input(name, shape, statistics)
        picture, table = self._names(shapes)
        x = keras.layers.Flatten(name="flatten")(self.conv.apply(normalised[picture]))
        # The dense layers of the branches share activation and penalty with the head.
        branch = replace(self.head, dropout=self.branch_dropout)
        x = keras.layers.Concatenate(name="join")(
            [
                replace(branch, units=self.picture_units).hidden(x, "picture_"),
                replace(branch, units=self.table_units).hidden(normalised[table], "table_"),
            ]
        )
        return keras.Model(sources, self.head.apply(x, n_classes), name=self.name)

    def _names(self, shapes: Shapes) -> tuple[str, str]:
        """Return the names of the picture and of the table row."""
        by_axes = sorted(shapes, key=lambda name: len(shapes[name]), reverse=True)
        if [len(shapes[name]) for name in by_axes] in ([2, 1], [3, 1]):
            picture, table = by_axes
            return picture, table
        raise self.refusal(
            "two inputs, a picture (frames, coefficients) and a table row (values,), such as "
            "features=mel_image_summary",
            shapes,
        )
