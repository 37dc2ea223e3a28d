"""`kaggle_table`: the 57 summary features of the Kaggle copy of GTZAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import PositiveInt

from genrecls.datasets.base import Medium, Track
from genrecls.datasets.gtzan_kaggle import COLUMNS, N_COLUMNS, ROWS, TABLE, read_picture
from genrecls.dsp.audio_limits import AudioLimits, AudioRejected
from genrecls.errors import ConfigError
from genrecls.features.base import FEATURES, FeatureSpec, Inputs, Samples
from genrecls.features.mel_image import scaled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SECONDS = 30.0
"""What a picture shows: a whole clip."""
# What a row describes is a whole clip, too; as samples it is repeated once a second.
_ROWS = 30


@FEATURES.register("kaggle_picture")
@dataclass(frozen=True)
class KagglePicture(FeatureSpec):
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
        import numpy as np

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


@FEATURES.register("kaggle_table")
@dataclass(frozen=True)
class KaggleTable(FeatureSpec):
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
        return _ROWS

    def read(self, track: Track, limits: AudioLimits) -> Samples:  # noqa: ARG002
        """Return the row of the track once for each second, shape (30, 57).

        Raises:
            AudioRejected: there is no row of it.
        """
        import numpy as np

        return np.tile(row_of(track), (_ROWS, 1))

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `summary`.

        Raises:
            ConfigError: it is for less than a clip.
        """
        if n_samples < _ROWS:
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
    import numpy as np

    if not track.row:
        raise AudioRejected(track.path, "missing", f"{TABLE} has no row of {track.id}")
    return np.asarray(track.row, np.float32)
