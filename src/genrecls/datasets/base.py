"""What a data set is: labelled tracks, where they come from, and how to find them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

from genrecls.config.paths import expanded, why_no_file
from genrecls.config.schema import Registry, Schema
from genrecls.console import several
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import DataError, nearest

# Names of missing files that one line can bear.
_SHOWN = 3

Medium = Literal["audio", "picture", "table"]
"""What a data set has of its tracks: sound files, pictures, or rows of features."""


@dataclass(frozen=True)
class Track:
    """One recording of a data set.

    Attributes:
        id: stable name within the data set, such as `blues.00012`.
        path: its file, which is audio unless the data set says otherwise.
        label: its genre.
        artist: artist, band or other group that must not be on two sides of an honest split;
            None where it is not known.
        row: features that were published with the track, such as a row of a table; may be empty.
    """

    id: str
    path: Path
    label: str
    artist: str | None = None
    row: tuple[float, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Where the data come from, as data: it is shown by `genrecls data info` and in reports."""

    title: str
    citation: str
    licence: str
    urls: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Dataset:
    """Tracks with ordered labels.

    Attributes:
        labels: genre names in the order of the class indices.
        limits: what a plausible audio file of this data set is.
        partitions: published assignments by name, each from track id to a part (`train`,
            `validation`, `test`) or to the number of the fold in which it is tested.
        generated: True for synthetic data; every output says so.
        faults: what is known to be wrong with the files of some track ids in circulating copies;
            it is added to the reason where such a file is rejected.
        medium: what the files of the tracks are.
        checksums: published digests of files by track id, each as `<algorithm>:<hexadecimal>`;
            `data verify` holds the files to them.
        published_broken: ids of tracks whose file was published unusable; a perfect copy has them.
        remarks: one line each: what looks wrong with this copy, which may be used all the same.
    """

    name: str
    labels: tuple[str, ...]
    tracks: tuple[Track, ...]
    root: Path
    provenance: Provenance
    limits: AudioLimits = field(default_factory=AudioLimits)
    partitions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    generated: bool = False
    faults: Mapping[str, str] = field(default_factory=dict)
    medium: Medium = "audio"
    checksums: Mapping[str, str] = field(default_factory=dict)
    published_broken: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()

    def ensure_present(self) -> None:
        """Check that the file of every track is there, without reading any.

        Raises:
            DataError: some are not; says how many, and names the first ones.
        """
        missing = [track for track in self.tracks if not track.path.exists()]
        if missing:
            shown = ", ".join(str(track.path) for track in missing[:_SHOWN])
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            raise DataError(
                f"dataset={self.name}: {len(missing)} of {several(len(self.tracks), 'file')} "
                f"missing: {shown}{more}{why_no_file(missing[0].id)}; mend the names or fetch the "
                "files, or leave them out with dataset.bad_audio=skip"
            )

    def without(self, ids: Collection[str]) -> Dataset:
        """Return the data set without the tracks named in `ids`."""
        return replace(self, tracks=tuple(t for t in self.tracks if t.id not in ids))


@dataclass(frozen=True)
class DatasetSource(Schema, ABC):
    """The configuration of a data set, which can find (or make) it.

    Attributes:
        name: registered name.
        root: folder of the data; null means `<data_root>/<name>`.
        bad_audio: `error` stops at files that cannot be trusted, `skip` leaves them out, names
            them in the log and counts them in the report.
    """

    name: str
    root: str | None
    bad_audio: Literal["error", "skip"]

    offers: ClassVar[tuple[str, ...]] = ()
    """Names of the published partitions that this data set can have."""
    media: ClassVar[frozenset[Medium]] = frozenset({"audio"})
    """What the data set has of its tracks."""
    provenance: ClassVar[Provenance | None] = None
    """Where the data come from, known before they are here; None where it is not."""

    @abstractmethod
    def load(self, data_root: Path) -> Dataset:
        """Find the tracks, without reading audio.

        Raises:
            DataError: the data are absent; says where they were looked for, how to get them and
                how to point to them.
        """

    def inspect(self, data_root: Path) -> Dataset:
        """Find the tracks to check them: of an incomplete copy also those that are absent.

        Raises:
            DataError: as `load` does, but not for single files that are absent.
        """
        return self.load(data_root)

    def describe(self, data_root: Path) -> Dataset:
        """Find the tracks as `load` does, but make none where `load` would.

        Raises:
            DataError: as `load` does.
        """
        return self.load(data_root)

    @property
    def title(self) -> str:
        """What the loaded data set is called: `name`, or more where `name` leaves a choice open."""
        return self.name

    @property
    def track_seconds(self) -> float | None:
        """Nominal length of a track, or None where tracks have any length."""
        return None

    @property
    def made_on_demand(self) -> bool:
        """Whether `load` generates the data instead of finding them."""
        return False

    def folder(self, data_root: Path) -> Path:
        """Return the folder in which this data set is looked for."""
        return expanded(self.root, "dataset.root") if self.root else data_root / self.name


DATASETS: Registry[DatasetSource] = Registry("dataset", "genrecls.datasets")


def check_genres(genres: Sequence[str] | None, known: Sequence[str], owner: str) -> None:
    """Refuse a choice of genres that cannot be classified.

    Args:
        genres: the choice; None is all of them.
        known: the genres of the data set.
        owner: whose they are, in the words of the message: `allowed`, `subset=small has`.

    Raises:
        ValueError: one is unknown, or there are fewer than two different ones.
    """
    for genre in genres or ():
        if genre not in known:
            raise ValueError(
                f"genres: received '{genre}'; {owner}: {', '.join(known)}{nearest(genre, known)}"
            )
    if genres is not None and len(set(genres)) < 2:
        raise ValueError("genres: at least two different genres are needed")
