"""Music-like tracks that are made on the spot, so that everything works before any download.

Ten invented styles; each band of a style has a sound of its own that tells nothing about the style.
Scores on these data say that the program works and how splits differ, nothing about real music.
"""

from __future__ import annotations

import wave
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveInt

from genrecls.atomic import replacing
from genrecls.audio import AudioLimits
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource, Provenance, Track
from genrecls.datasets.synthesis.instruments import RATE
from genrecls.datasets.synthesis.styles import STYLES
from genrecls.environment import cores
from genrecls.errors import DataError

REVISION = 1
"""Counts up whenever the same settings would sound different, so that old files are not used."""

_HEADER_BYTES = 44
_PROVENANCE = Provenance(
    title="synth: generated, not real music",
    citation="none: made by genrecls itself; not a benchmark, do not compare with published scores",
    licence="CC0-1.0",
    note="ten invented styles; scores say whether the program works, not how it does on real music",
)


@DATASETS.register("synth")
@dataclass(frozen=True)
class Synth(DatasetSource):
    """Generated tracks of ten invented styles.

    Attributes:
        bands_per_genre: bands of each style; a band is what a split by artist keeps together.
        tracks_per_band: tracks of each band.
        seconds: length of a track.
        seed: seed of the data, apart from the seed of a run.
    """

    bands_per_genre: PositiveInt
    tracks_per_band: PositiveInt
    seconds: PositiveInt
    seed: NonNegativeInt

    @property
    def track_seconds(self) -> float:
        """Length of every track."""
        return float(self.seconds)

    @property
    def made_on_demand(self) -> bool:
        """It needs no download."""
        return True

    @property
    def key(self) -> str:
        """Name of the folder of these settings; no two settings share one."""
        sizes = f"{self.bands_per_genre}x{self.tracks_per_band}x{self.seconds}s"
        return f"r{REVISION}-seed{self.seed}-{sizes}"

    def load(self, data_root: Path) -> Dataset:
        """Return the tracks, after making those whose files are missing or incomplete.

        Raises:
            DataError: the files cannot be written.
        """
        root = self.folder(data_root) / self.key
        recordings = self._recordings(root)
        try:
            _make([r for r in recordings if not r.complete()])
        except OSError as error:
            raise DataError(
                f"synth: cannot make the tracks in {root}: {error.strerror or error}; "
                "free some space or choose another data_root"
            ) from error
        return Dataset(
            name=self.name,
            labels=tuple(sorted(STYLES)),
            tracks=tuple(r.track for r in recordings),
            root=root,
            provenance=_PROVENANCE,
            limits=AudioLimits(
                min_seconds=0.99 * self.seconds,
                max_seconds=1.01 * self.seconds,
                min_rate=RATE,
                max_rate=RATE,
                max_channels=1,
                max_peak=1.0,
            ),
            generated=True,
        )

    def _recordings(self, root: Path) -> list[_Recording]:
        return [
            self._recording(root, style, band, number)
            for style in sorted(STYLES)
            for band in range(self.bands_per_genre)
            for number in range(self.tracks_per_band)
        ]

    def _recording(self, root: Path, style: str, band: int, number: int) -> _Recording:
        identity = f"{style}.{band * self.tracks_per_band + number:05d}"
        track = Track(identity, root / style / f"{identity}.wav", style, f"{style}-band{band}")
        return _Recording(track, self.seconds * RATE, self.seed, band, number)


@dataclass(frozen=True)
class _Recording:
    """A track and all that its samples depend on.

    Attributes:
        length: samples of the track.
        seed: seed of the data set.
        band: number of the band within its style.
        number: number of the track within its band.
    """

    track: Track
    length: int
    seed: int
    band: int
    number: int

    def complete(self) -> bool:
        """Whether the file is there in full; a file cut short by a crash is not."""
        path = self.track.path
        return path.is_file() and path.stat().st_size == _HEADER_BYTES + 2 * self.length

    def make(self) -> None:
        """Write the file: mono, 16 bits, `RATE` samples a second."""
        from genrecls.datasets.synthesis.recording import record

        # A checksum and not the place in the list: a new style leaves the others as they were.
        style = zlib.crc32(self.track.label.encode())
        band_seed = np.random.SeedSequence(self.seed, spawn_key=(style, self.band))
        seed = np.random.SeedSequence(self.seed, spawn_key=(style, self.band, self.number))
        samples = record(STYLES[self.track.label], self.length, band_seed, seed)
        with replacing(self.track.path) as beside:
            _write(beside, samples)


def _write(path: Path, samples: NDArray[np.int16]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())


def _make(recordings: Sequence[_Recording]) -> None:
    """Make the files on all cores; threads do, for NumPy computes without Python's lock."""
    from genrecls.console import progress

    if not recordings:
        return
    with (
        progress("Generating synth", total=len(recordings)) as advance,
        ThreadPoolExecutor(cores()) as pool,
    ):
        for _ in pool.map(_Recording.make, recordings):
            advance()
