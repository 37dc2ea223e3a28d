"""FMA, the Free Music Archive: 30-second clips with top genres and an official split.

Source of layout, subsets and split: M. Defferrard, K. Benzi, P. Vandergheynst, X. Bresson, "FMA: A
Dataset For Music Analysis", ISMIR 2017; of the broken clips: its repository, issues 8 and 44.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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
from genrecls.datasets.fma_files import (
    SUBSETS,
    FmaTrack,
    Subset,
    clip_path,
    clips_on_disk,
    read_checksums,
    read_metadata,
)
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import DataError

SMALL_GENRES = (
    "Electronic",
    "Experimental",
    "Folk",
    "Hip-Hop",
    "Instrumental",
    "International",
    "Pop",
    "Rock",
)
GENRES = (
    *SMALL_GENRES,
    "Blues",
    "Classical",
    "Country",
    "Easy Listening",
    "Jazz",
    "Old-Time / Historic",
    "Soul-RnB",
    "Spoken",
)
ARCHIVES = "https://os.unil.cloud.switch.ch/fma"
PROVENANCE = Provenance(
    title="FMA: a dataset for music analysis",
    citation=(
        "M. Defferrard, K. Benzi, P. Vandergheynst, X. Bresson, 'FMA: A Dataset For Music "
        "Analysis', ISMIR 2017, arXiv 1612.01840"
    ),
    licence=(
        "metadata CC BY 4.0; each track has a Creative Commons licence of its own, many of them "
        "forbid commercial use or derivatives (column 'license' of tracks.csv)"
    ),
    urls=("https://github.com/mdeff/fma",),
)
PUBLISHED: dict[Subset, int] = {"small": 8_000, "medium": 25_000, "large": 106_574}
"""How many tracks of `tracks.csv` a subset has, those of the smaller ones among them."""
METADATA = ("fma_metadata/tracks.csv", "tracks.csv")
_SIZES: dict[Subset, str] = {
    "small": "published: 8,000 clips, 1,000 of each of 8 genres, 6,400/800/800 in the parts",
    "medium": "published: 25,000 clips of 16 genres, from Rock 7,103 to Easy Listening 21, "
    "19,922/2,505/2,573 in the parts",
    "large": "published: 106,574 clips, 84,353/10,958/11,263 in the parts; some recordings exist "
    "more than once",
}
# The clips were to be the middle of each recording, whose announced length was wrong for these.
_CUT_SECONDS = {98565: 1.6, 98566: 6.2, 98567: 0.5, 98568: 6.6, 98569: 1.5, 108924: 27.4} | (
    dict.fromkeys((1486, 5574, 65753, 80391, 98558, 98559, 98560, 98571), 0.0)
    | dict.fromkeys((99134, 105247, 108925, 126981, 127336, 133297, 143992), 0.0)
)
KNOWN_FAULTS = {
    f"{number:06d}": f"the published clip is known to be broken: {seconds:g} s instead of 30"
    for number, seconds in _CUT_SECONDS.items()
} | {
    f"{number:06d}": "the published clip is known to be nearly silent"
    for number in (107535, 110736, 119979, 130169)
}


@DATASETS.register("fma")
@dataclass(frozen=True)
class Fma(DatasetSource):
    """The clips as the archives unpack, with `tracks.csv` beside them.

    Attributes:
        subset: which tracks; a larger subset has those of the smaller ones.
        genres: some of the top genres; null means all of the subset.
        partial: whether to do with what is there where clips or lines of `tracks.csv` are absent.
        limits: what a plausible clip is. The sound ones have about 29.98 to 30.01 s.
    """

    subset: Subset
    genres: tuple[str, ...] | None
    partial: bool
    limits: AudioLimits

    offers: ClassVar[tuple[str, ...]] = ("official",)
    provenance: ClassVar[Provenance | None] = PROVENANCE

    def __post_init__(self) -> None:
        allowed = SMALL_GENRES if self.subset == "small" else tuple(sorted(GENRES))
        check_genres(self.genres, allowed, f"subset={self.subset} has")

    @property
    def title(self) -> str:
        """FMA's subsets are data sets of their own, with scores of their own."""
        return f"fma_{self.subset}"

    @property
    def track_seconds(self) -> float:
        """FMA's clips last 30 s."""
        return 30.0

    def load(self, data_root: Path) -> Dataset:
        """List the tracks of the subset that have one top genre.

        Raises:
            DataError: the clips or `tracks.csv` are absent or incomplete, or `tracks.csv` or
                `checksums` is damaged.
        """
        return self._read(data_root, refuse_absent=not self.partial)

    def inspect(self, data_root: Path) -> Dataset:
        """List the tracks as `load` does, absent clips among them unless `partial` is set."""
        return self._read(data_root, refuse_absent=False)

    def folder(self, data_root: Path) -> Path:
        """Return the folder of both; `..` is resolved, for errors name many paths below it."""
        folder = super().folder(data_root)
        return folder.resolve() if ".." in folder.parts else folder

    def _read(self, data_root: Path, *, refuse_absent: bool) -> Dataset:
        root = self.folder(data_root)
        clips, metadata = self._find_files(root)
        published, on_disk = read_metadata(metadata), clips_on_disk(clips)
        subsets = SUBSETS[: SUBSETS.index(self.subset) + 1]
        listed = [track for track in published if track.subset in subsets]
        labelled = [t for t in listed if t.genre and t.genre in (self.genres or (t.genre,))]
        unlisted = on_disk - {track.id for track in published}
        if unlisted and not self.partial:
            clip = "clip that is" if len(unlisted) == 1 else "clips that are"
            raise DataError(
                f"dataset={self.title}: {metadata} does not list {len(unlisted)} {clip} there, the "
                f"first is {clip_path(clips, min(unlisted))}; it was cut or belongs to other "
                f"clips: unpack {ARCHIVES}/fma_metadata.zip again, or leave them out with "
                "dataset.partial=true"
            )
        if refuse_absent:
            self._ensure_complete(clips, labelled, on_disk)
        present = [t for t in labelled if t.id in on_disk or not self.partial]
        labels = tuple(sorted({t.genre for t in present}))
        lacking = sorted(set(self.genres or ()) - set(labels))
        if lacking or len(labels) < 2:
            raise DataError(
                f"dataset={self.title}: {clips.absolute()} has clips of these genres of "
                f"tracks.csv: {', '.join(labels) or 'none'}; expected "
                f"{', '.join(lacking) + ' too' if lacking else 'at least two'}; complete it, or "
                "choose another dataset.subset or dataset.genres"
            )
        digests = read_checksums(clips)
        counts = {
            "tracks without a single top genre, left out": sum(not t.genre for t in listed),
            "absent clips": len(labelled) - len(present),
            "clips that tracks.csv does not list": len(unlisted),
        }
        notes = [f"{what}: {count}" for what, count in counts.items() if count]
        return Dataset(
            name=self.title,
            labels=labels,
            tracks=tuple(Track(t.id, clip_path(clips, t.id), t.genre, t.artist) for t in present),
            root=root,
            provenance=replace(PROVENANCE, note="; ".join([_SIZES[self.subset], *notes])),
            limits=self.limits,
            partitions={"official": {t.id: t.part for t in present}},
            faults=KNOWN_FAULTS,
            checksums={t.id: digests[t.id] for t in present if digests and t.id in digests},
            published_broken=frozenset(KNOWN_FAULTS),
            remarks=tuple(self._remarks(clips, metadata, len(listed), on_disk, digests)),
        )

    def _find_files(self, root: Path) -> tuple[Path, Path]:
        """Return the folder of the folders `000` to `155`, and `tracks.csv`."""
        advice = (
            f"get both by 'genrecls data download fma_{self.subset}', or unpack {ARCHIVES}/"
            f"fma_{self.subset}.zip and {ARCHIVES}/fma_metadata.zip there (7z can where unzip "
            "cannot), or set dataset.root=<folder>"
        )
        # The clips of a larger subset do as well.
        layouts = [*(f"fma_{subset}" for subset in SUBSETS[SUBSETS.index(self.subset) :]), "."]
        with_clips = [n for n in layouts if any((root / n).glob("[0-9][0-9][0-9]/"))]
        if not with_clips:
            looked = ", ".join(f"{layout}/000/" for layout in layouts)
            raise DataError(
                f"dataset={self.title}: no clips found in {root.absolute()} (looked for {looked})"
                f"; {advice}"
            )
        clips = root / with_clips[0]
        # The table is beside the clips or among them.
        folders = (clips.absolute().parent, clips.absolute())
        places = [folder / name for folder in folders for name in METADATA]
        tables = [place for place in places if place.is_file()]
        if not tables:
            looked = ", ".join(map(str, places))
            raise DataError(
                f"dataset={self.title}: no tracks.csv found (looked for {looked}); {advice}"
            )
        return clips, tables[0]

    def _ensure_complete(
        self, clips: Path, tracks: Sequence[FmaTrack], on_disk: Collection[str]
    ) -> None:
        """Refuse an incomplete copy; known broken clips may be absent, and count as rejected."""
        missing = [t for t in tracks if t.id not in on_disk and t.id not in KNOWN_FAULTS]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            raise DataError(
                f"dataset={self.title}: {len(missing)} of the {len(tracks)} clips that tracks.csv "
                f"lists {are} absent, the first is {clip_path(clips, missing[0].id)}; 'genrecls "
                "data verify' with the same dataset names each; unpack "
                f"{ARCHIVES}/fma_{self.subset}.zip again, choose another dataset.subset, or use "
                "what is there with dataset.partial=true"
            )

    def _remarks(
        self,
        clips: Path,
        metadata: Path,
        listed: int,
        on_disk: Collection[str],
        digests: Mapping[str, str] | None,
    ) -> Iterator[str]:
        """Yield what looks as if a file had been cut; a copy without digests is as good."""
        if listed < PUBLISHED[self.subset]:
            yield (
                f"dataset={self.title}: {metadata} lists {listed:,} of the published "
                f"{PUBLISHED[self.subset]:,} tracks; unless that is meant, unpack {ARCHIVES}/"
                "fma_metadata.zip again"
            )
        if digests is not None and (bare := set(on_disk) - digests.keys()):
            yield (
                f"dataset={self.title}: {clips / 'checksums'} has no digest of {len(bare):,} of "
                f"the {len(on_disk):,} clips that are there, the first is "
                f"{clip_path(clips, min(bare))}; it was cut, or they were added: unpack "
                f"{clips.absolute().name}.zip again"
            )
