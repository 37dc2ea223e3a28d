"""What every data set must do; it is tried on the data that are there."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from genrecls.contracts.base import Check, require
from genrecls.datasets.base import Dataset, DatasetSource
from genrecls.splits.base import PARTS


class LoadedDataset(NamedTuple):
    """A data set with its source and the folder in which it was looked for."""

    source: DatasetSource
    dataset: Dataset
    data_root: Path


def load(source: DatasetSource, data_root: Path) -> LoadedDataset:
    """Return what the checks take.

    Raises:
        DataError: the data are absent, which is no fault of the data set.
    """
    return LoadedDataset(source, source.load(data_root), data_root)


def lists_its_tracks(loaded: LoadedDataset) -> None:
    """Its tracks have ids of their own, genres among its labels, and files that are there."""
    source, dataset = loaded.source, loaded.dataset
    ids = [track.id for track in dataset.tracks]
    require(len(ids) >= 2, f"expected at least two tracks, received {len(ids)}")
    twice = sorted({name for name in ids if ids.count(name) > 1})[:3]
    require(not twice, f"several tracks are called {', '.join(twice)}")
    genres = {track.label for track in dataset.tracks}
    require(
        genres == set(dataset.labels),
        f"its labels are {list(dataset.labels)}, but its tracks have {sorted(genres)}",
    )
    require(
        list(dataset.labels) == sorted(set(dataset.labels)),
        f"expected sorted labels, received {list(dataset.labels)}",
    )
    absent = [str(track.path) for track in dataset.tracks if not track.path.is_file()]
    require(not absent, f"{len(absent)} files are absent, such as {absent[:1]}")
    require(dataset.name == source.title, f"it is called {dataset.name}, its source {source.title}")


def says_where_it_comes_from(loaded: LoadedDataset) -> None:
    """It has a title, a citation and a licence."""
    origin = loaded.dataset.provenance
    require(bool(origin.title and origin.citation and origin.licence), f"received {origin}")


def loads_the_same_twice(loaded: LoadedDataset) -> None:
    """Loading it twice gives the same tracks in the same order."""
    source, dataset = loaded.source, loaded.dataset
    again = source.load(loaded.data_root)
    require(again.tracks == dataset.tracks, "the second time the tracks are others")


def offers_its_partitions(loaded: LoadedDataset) -> None:
    """Published partitions are named in `offers` and hold parts or numbers of folds."""
    source, dataset = loaded.source, loaded.dataset
    require(
        set(dataset.partitions) <= set(source.offers),
        f"it has the partitions {sorted(dataset.partitions)}, but offers {list(source.offers)}",
    )
    for name, parts in dataset.partitions.items():
        odd = sorted({p for p in parts.values() if p not in PARTS and not p.isdecimal()})
        require(not odd, f"partition {name}: expected {PARTS} or numbers of folds, received {odd}")


CHECKS: tuple[Check, ...] = (
    lists_its_tracks,
    says_where_it_comes_from,
    loads_the_same_twice,
    offers_its_partitions,
)
