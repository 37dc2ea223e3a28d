"""Music-like tracks that are made on the spot, so that everything works before any download.

Ten invented styles; each band of a style has a sound of its own that tells nothing about the style.
Scores on these data say that the program works and how splits differ, nothing about real music.
"""

from __future__ import annotations

import wave
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import NonNegativeInt, PositiveInt

from genrecls.config.ranges import Seed
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource, Provenance, Track
from genrecls.datasets.synth import RATE
from genrecls.datasets.synth.marker import mark
from genrecls.datasets.synth.styles import STYLES
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import DataError
from genrecls.files.atomic import replacing
from genrecls.parallel import parallel_map

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REVISION = 1
"""Counts up whenever the same settings would sound different, so that old files are not used."""

OTHER_GENRE_EVERY = 4
"""Of so many near-copies one lies under another genre than its original."""

_HEADER_BYTES = 44
# A month of sound.
_MOST_SECONDS = 2_592_000
PROVENANCE = Provenance(
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
        replicas: further tracks that are near-copies of others, each said to be of a band of its
            own and some of another genre: what a collection such as GTZAN hides.
        seed: seed of the data, apart from the seed of a run.
    """

    bands_per_genre: PositiveInt
    tracks_per_band: PositiveInt
    seconds: PositiveInt
    replicas: NonNegativeInt
    seed: Seed

    def __post_init__(self) -> None:
        if self.root is not None:
            raise ValueError(
                f"root: received '{self.root}', but dataset=synth generates its tracks and takes "
                "no folder; for music of your own add dataset=folder"
            )
        originals = len(STYLES) * self.bands_per_genre * self.tracks_per_band
        if originals * self.seconds > _MOST_SECONDS:
            raise ValueError(
                f"seconds: received {self.seconds} for each of {originals:,} tracks; allowed: at "
                f"most {_MOST_SECONDS:,} in all"
            )
        if self.replicas > originals:
            raise ValueError(
                f"replicas: received {self.replicas}; allowed: 0 to {originals}, for no track is "
                "copied twice"
            )

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
        copies = f"-{self.replicas}replicas" if self.replicas else ""
        return f"r{REVISION}-seed{self.seed}-{sizes}{copies}"

    @property
    def replica_pairs(self) -> tuple[tuple[str, str], ...]:
        """Ids of each near-copy and of its original: the truth, to judge a search for them."""
        copies = self._copies(self._originals(Path()))
        return tuple((copy.track.id, copy.original.track.id) for copy in copies)

    def load(self, data_root: Path) -> Dataset:
        """Return the tracks, after making those whose files are missing or incomplete.

        Raises:
            DataError: the files cannot be written.
        """
        root = self.folder(data_root) / self.key
        recordings = self._recordings(root)
        missing = [recording for recording in recordings if not recording.complete()]
        try:
            if missing:
                mark(root, {recording.track.path for recording in recordings})
            # Threads do, for NumPy computes without Python's lock.
            parallel_map(_Recording.make, missing, "Generating synth" if missing else "")
        except OSError as error:
            raise DataError(
                f"synth: cannot make the tracks in {root}: {error.strerror or error}; "
                "free some space or choose another data_root"
            ) from error
        return self.describe(data_root)

    def describe(self, data_root: Path) -> Dataset:
        """Return the tracks, whether or not they are made."""
        root = self.folder(data_root) / self.key
        copies = f"; {self.replicas} tracks are near-copies of others, on purpose"
        note = PROVENANCE.note + (copies if self.replicas else "")
        return Dataset(
            name=self.name,
            labels=tuple(sorted(STYLES)),
            tracks=tuple(recording.track for recording in self._recordings(root)),
            root=root,
            provenance=replace(PROVENANCE, note=note),
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

    def _recordings(self, root: Path) -> list[_Original | _Copy]:
        originals = self._originals(root)
        return [*originals, *self._copies(originals)]

    def _originals(self, root: Path) -> list[_Original]:
        originals = []
        for style in sorted(STYLES):
            for band in range(self.bands_per_genre):
                for number in range(self.tracks_per_band):
                    track = _track(root, style, band * self.tracks_per_band + number, band)
                    length = self.seconds * RATE
                    originals.append(_Original(track, length, self.seed, band, number))
        return originals

    def _copies(self, originals: Sequence[_Original]) -> list[_Copy]:
        import numpy as np

        # Numbered on after the originals of their genre, as if they were more of the same.
        number = Counter(original.track.label for original in originals)
        band = dict.fromkeys(STYLES, self.bands_per_genre)
        styles = sorted(STYLES)
        chosen = np.random.default_rng([self.seed, len(originals)]).permutation(len(originals))
        copies = []
        for place, original in enumerate(originals[i] for i in chosen[: self.replicas]):
            away = 1 + place % (len(styles) - 1) if place % OTHER_GENRE_EVERY == 0 else 0
            label = styles[(styles.index(original.track.label) + away) % len(styles)]
            root = original.track.path.parents[1]
            track = _track(root, label, number[label], band[label])
            copies.append(_Copy(track, original.length, original, place))
            number[label] += 1
            band[label] += 1
        return copies


def _track(root: Path, style: str, number: int, band: int) -> Track:
    identity = f"{style}.{number:05d}"
    return Track(identity, root / style / f"{identity}.wav", style, f"{style}-band{band}")


@dataclass(frozen=True)
class _Recording(ABC):
    """A track and the samples of its file.

    Attributes:
        length: samples of the track.
    """

    track: Track
    length: int

    @abstractmethod
    def samples(self) -> NDArray[np.int16]:
        """Compute the samples, shape `(length,)`."""

    def complete(self) -> bool:
        """Whether the file is there in full; a file cut short by a crash is not."""
        path = self.track.path
        return path.is_file() and path.stat().st_size == _HEADER_BYTES + 2 * self.length

    def make(self) -> None:
        """Write the file: mono, 16 bits, `RATE` samples a second."""
        samples = self.samples()
        with replacing(self.track.path) as beside, wave.open(str(beside), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples.astype("<i2").tobytes())


@dataclass(frozen=True)
class _Original(_Recording):
    """A track of its own and all that its samples depend on.

    Attributes:
        seed: seed of the data set.
        band: number of the band within its style.
        number: number of the track within its band.
    """

    seed: int
    band: int
    number: int

    def samples(self) -> NDArray[np.int16]:
        import numpy as np

        from genrecls.datasets.synth.rendering import record

        # A checksum and not the place in the list: a new style leaves the others as they were.
        style = zlib.crc32(self.track.label.encode())
        band_seed = np.random.SeedSequence(self.seed, spawn_key=(style, self.band))
        seed = np.random.SeedSequence(self.seed, spawn_key=(style, self.band, self.number))
        return record(STYLES[self.track.label], self.length, band_seed, seed)


@dataclass(frozen=True)
class _Copy(_Recording):
    """A near-copy of another track.

    Attributes:
        original: what it is a copy of.
        place: number of the copy among all copies.
    """

    original: _Original
    place: int

    def samples(self) -> NDArray[np.int16]:
        import numpy as np

        from genrecls.datasets.synth.near_copies import near_copy

        seed = np.random.SeedSequence(self.original.seed, spawn_key=(self.place,))
        return near_copy(self.original.samples(), self.place, np.random.default_rng(seed))
