"""`published_table`: the 57 summary features of the Kaggle copy of GTZAN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.base import Medium, Track
from genrecls.datasets.gtzan_kaggle import N_COLUMNS, TABLE
from genrecls.dsp.audio import AudioLimits, AudioRejected
from genrecls.errors import ConfigError
from genrecls.features.base import FEATURES, FeatureSpec, Inputs, Samples

SECONDS = 30
"""What a row describes: a whole clip."""


@FEATURES.register("published_table")
@dataclass(frozen=True)
class PublishedTable(FeatureSpec):
    """A row of the table: input `summary`, (segments, 57). It describes segments of 30 s only."""

    @property
    def media(self) -> frozenset[Medium]:
        """The table."""
        return frozenset({"table"})

    @property
    def rate(self) -> float:
        """One value a second, all of them the row: a segment shorter than a clip has none."""
        return 1.0

    @property
    def step(self) -> int:
        """A row has no frames."""
        return SECONDS

    def read(self, track: Track, limits: AudioLimits) -> Samples:  # noqa: ARG002
        """Return the row of the track once for each second, shape (30, 57).

        Raises:
            AudioRejected: there is no row of it.
        """
        return np.tile(row_of(track), (SECONDS, 1))

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `summary`.

        Raises:
            ConfigError: it is for less than a clip.
        """
        if n_samples < SECONDS:
            raise ConfigError(
                f"segment.length: received about {n_samples} s, but a row of "
                f"features={self.name} describes a whole track; choose segment=30s"
            )
        return {"summary": (N_COLUMNS,)}

    def transform(self, segments: Samples) -> Inputs:
        """Return the row of each segment."""
        return {"summary": segments[:, 0]}

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the two axes."""
        return ("track", "feature")


def row_of(track: Track) -> NDArray[np.float32]:
    """Return the row of the table, shape (57,).

    Raises:
        AudioRejected: the table has no row of this track, or is absent.
    """
    if not track.row:
        raise AudioRejected(track.path, "missing", f"{TABLE} has no row of {track.id}")
    return np.asarray(track.row, np.float32)
