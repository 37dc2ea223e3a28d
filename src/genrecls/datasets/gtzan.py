"""GTZAN: 1000 clips of 30 seconds, ten genres (Tzanetakis & Cook 2002)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from genrecls.datasets.base import (
    DATASETS,
    Dataset,
    DatasetSource,
    Provenance,
    Track,
    check_genres,
)
from genrecls.datasets.gtzan_facts import gtzan_facts
from genrecls.dsp.audio_limits import SUFFIXES, AudioLimits
from genrecls.errors import DataError

GENRES = (
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
)
TRACKS_PER_GENRE = 100
LAYOUTS = ("genres", "genres_original", "Data/genres_original", ".")
PROVENANCE = Provenance(
    title="GTZAN genre collection",
    citation=(
        "G. Tzanetakis, P. Cook, 'Musical genre classification of audio signals', IEEE "
        "Transactions on Speech and Audio Processing 10(5), 2002; faults: B. L. Sturm, "
        "arXiv 1306.1461, 2013"
    ),
    licence="none: the audio may not be redistributed",
    urls=(
        "https://www.kaggle.com/datasets/andradaolteanu/gtzan-dataset-music-genre-classification",
        "https://huggingface.co/datasets/marsyas/gtzan",
    ),
    note="contains repetitions, mislabelled and distorted tracks; see split=fault_filtered",
)
KNOWN_FAULTS = {
    "jazz.00054": "the Kaggle copy of jazz.00054 is known to be broken; the original tar has it "
    "whole"
}
_FILE = re.compile(r"(?P<genre>[a-z-]+)\.?(?P<number>\d{5})")


@DATASETS.register("gtzan")
@dataclass(frozen=True)
class Gtzan(DatasetSource):
    """The original, the Kaggle and plain layouts, in any container.

    Attributes:
        genres: subset of the genres; null means all ten.
        limits: what a plausible GTZAN file is. The 1000 originals have 29.93 to 30.65 s.
    """

    genres: tuple[str, ...] | None
    limits: AudioLimits

    offers: ClassVar[tuple[str, ...]] = ("fault_filtered", "artist_folds")
    provenance: ClassVar[Provenance | None] = PROVENANCE

    def __post_init__(self) -> None:
        check_genres(self.genres, GENRES, "allowed")

    @property
    def track_seconds(self) -> float | None:
        """GTZAN's clips last 30 s."""
        return 30.0

    def load(self, data_root: Path) -> Dataset:
        """Find the tracks in whichever layout is there.

        Raises:
            DataError: no layout holds audio of the wanted genres.
        """
        root = self.folder(data_root)
        labels = tuple(sorted(set(self.genres or GENRES)))
        layouts = (_find(root / layout, labels) for layout in LAYOUTS)
        files: dict[str, tuple[str, Path]] = next(filter(None, layouts), {})
        if not files:
            found = "no audio found in" if root.exists() else "there is no folder"
            raise DataError(
                f"dataset=gtzan: {found} {root.absolute()} (looked for "
                f"{', '.join(f'{layout}/<genre>/' for layout in LAYOUTS)} with "
                f"{' '.join(SUFFIXES)}); get it with 'genrecls data download gtzan', or unpack "
                f"{PROVENANCE.urls[0]} there, or set dataset.root=<folder>"
            )
        missing = [label for label in labels if label not in {genre for genre, _ in files.values()}]
        if missing:
            raise DataError(
                f"dataset=gtzan: {root.absolute()} has no audio of {', '.join(missing)}; complete "
                "it, or name the genres that are there with dataset.genres=[...]"
            )
        facts = gtzan_facts()
        tracks = tuple(
            Track(id=track, path=path, label=genre, artist=facts.artists.get(track))
            for track, (genre, path) in sorted(files.items())
        )
        published = TRACKS_PER_GENRE * len(labels)
        provenance, remarks = PROVENANCE, []
        if len(tracks) < published:
            there = f"{len(tracks):,} of the published {published:,} tracks"
            provenance = replace(PROVENANCE, note=f"{there}; {PROVENANCE.note}")
            remarks.append(
                f"dataset=gtzan: {root.absolute()} has {there}; unless that is meant, complete it: "
                "scores on a part do not compare with published ones"
            )
        partitions = {"fault_filtered": facts.fault_filtered, "artist_folds": facts.artist_folds}
        return Dataset(
            "gtzan",
            labels,
            tracks,
            root,
            provenance,
            self.limits,
            partitions,
            faults=KNOWN_FAULTS,
            remarks=tuple(remarks),
        )


def _find(folder: Path, labels: tuple[str, ...]) -> dict[str, tuple[str, Path]]:
    """Return genre and file by track id; of several containers the first suffix wins."""
    files = {}
    for label in labels:
        for name in (label, label.replace("hiphop", "hip-hop")):
            paths = [
                path
                for path in (folder / name).glob("*.*")
                if path.suffix.lower() in SUFFIXES and not path.name.startswith("._")
            ]
            preference = {path: (SUFFIXES.index(path.suffix.lower()), path.name) for path in paths}
            for path in sorted(preference, key=preference.__getitem__, reverse=True):
                match = _FILE.fullmatch(path.stem)
                if match and match["genre"].replace("hip-hop", "hiphop") == label:
                    track = f"{label}.{match['number']}"
                else:
                    # Neither a file of one's own nor one from the folder of another genre may take
                    # a track's place.
                    track = f"{label}/{path.stem}"
                files[track] = label, path
    return files
