"""`published_picture`: the mel pictures of the Kaggle copy of GTZAN, whole or in strips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import PositiveInt

from genrecls.datasets.base import Medium, Track
from genrecls.datasets.gtzan_kaggle import N_COLUMNS
from genrecls.datasets.kaggle_picture import COLUMNS, ROWS, read_picture
from genrecls.dsp.audio import AudioLimits
from genrecls.features.base import FEATURES, FeatureSpec, Inputs, Samples
from genrecls.features.kaggle import row_of
from genrecls.features.mel_image import scaled

SECONDS = 30.0
"""What a picture shows: a whole clip."""


@FEATURES.register("published_picture")
@dataclass(frozen=True)
class PublishedPicture(FeatureSpec):
    """Grey spectrogram: input `picture`, (segments, columns, rows), 0 to 1, low frequency first.

    A picture of 30 s is 336 columns wide, so five segments of 6 s are strips of 67 columns.

    Attributes:
        size: columns x rows that each segment is scaled to (bilinear); null keeps its pixels.
        table: adds the track's row of the published table as a second input, `summary`, (57,).
    """

    size: tuple[PositiveInt, PositiveInt] | None
    table: bool

    @property
    def media(self) -> frozenset[Medium]:
        """Pictures, and the table if it is wanted."""
        return frozenset({"picture", "table"} if self.table else {"picture"})

    @property
    def rate(self) -> float:
        """Columns a second."""
        return COLUMNS / SECONDS

    @property
    def step(self) -> int:
        """Every column is a frame."""
        return 1

    def read(self, track: Track, limits: AudioLimits) -> Samples:  # noqa: ARG002
        """Return the whole picture, shape (336, 218)."""
        return read_picture(track.path)

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `picture` for a strip of `n_samples` columns."""
        return {"picture": self.size or (n_samples, ROWS)}

    def transform(self, segments: Samples) -> Inputs:
        """Return each strip, scaled."""
        if self.size is None or not len(segments):
            shape = (len(segments), *self.shapes(segments.shape[1])["picture"])
            return {"picture": segments.reshape(shape)}
        return {"picture": np.stack([scaled(strip, self.size) for strip in segments])}

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes."""
        return ("time", "row")

    @property
    def companion_shapes(self) -> dict[str, tuple[int, ...]]:
        """The row of the table."""
        return {"summary": (N_COLUMNS,)} if self.table else {}

    def companions(self, track: Track) -> Inputs:
        """Return the row of the table.

        Raises:
            AudioRejected: the table has no such row, or is absent.
        """
        return {"summary": row_of(track)} if self.table else {}
