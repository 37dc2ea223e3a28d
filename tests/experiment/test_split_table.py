"""`split.csv` has every track of the data set, and says why one is in no part."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.experiment.prepare import PreparedData
from genrecls.experiment.split_table import write_split_table
from genrecls.features.extract import Rejection
from genrecls.splits.base import LeakKind, Part, Split, Splitter
from genrecls.splits.published import OfficialSplit
from genrecls.splits.random import ArtistSplit


def data_of(
    dataset: Dataset,
    parts: dict[Part, dict[str, int]],
    leaks: set[LeakKind],
    rejected: tuple[Rejection, ...] = (),
) -> PreparedData:
    split = Split(
        "made",
        {
            part: {track: np.arange(count) for track, count in counts.items()}
            for part, counts in parts.items()
        },
        frozenset(leaks),
        "",
    )
    return PreparedData(dataset, split, {}, (), "", (), rejected)


def dataset_of(artists: dict[str, str | None]) -> Dataset:
    tracks = tuple(
        Track(name, Path(f"{name}.wav"), "jazz", artist) for name, artist in artists.items()
    )
    return Dataset("made", ("jazz", "rock"), tracks, Path(), Provenance("Made", "none", "CC0-1.0"))


def rows_of(
    path: Path, dataset: Dataset, data: PreparedData, splitter: Splitter | None = None
) -> list[dict[str, str]]:
    write_split_table(path, splitter or ArtistSplit("artist", (3, 1, 1)), dataset, data)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_track_has_its_part_or_the_reason_why_it_has_none(tmp_path: Path) -> None:
    dataset = dataset_of({"a": "Ann", "b": "Bob", "c": "Cy", "d": None, "e": "Eve"})
    parts: dict[Part, dict[str, int]] = {
        "train": {"a": 10},
        "validation": {"b": 9},
        "test": {"c": 1},
    }
    bad = Rejection("e", Path("e.wav"), "silent", "every sample is zero")
    rows = rows_of(tmp_path / "split.csv", dataset, data_of(dataset, parts, set(), (bad,)))
    assert [(row["track"], row["artist"], row["part"], row["segments"]) for row in rows] == [
        ("a", "Ann", "train", "10"),
        ("b", "Bob", "validation", "9"),
        ("c", "Cy", "test", "1"),
        ("d", "", "", "0"),
        ("e", "Eve", "", "0"),
    ]
    assert {row["genre"] for row in rows} == {"jazz"}
    assert [row["path"] for row in rows] == [f"{name}.wav" for name in "abcde"]
    assert [row["reason"] for row in rows] == [
        *("", "", ""),
        "its artist is not known",
        "silent: every sample is zero",
    ]


@pytest.mark.parametrize("artist", ["Ann", None])
def test_a_track_that_a_published_partition_does_not_name_says_so(
    artist: str | None, tmp_path: Path
) -> None:
    dataset = dataset_of({"a": artist})
    data = data_of(dataset, {"train": {}, "validation": {}, "test": {}}, {"artist"})
    (row,) = rows_of(tmp_path / "split.csv", dataset, data, OfficialSplit("official"))
    assert row["reason"] == "the partition 'official' does not name it"


def test_a_track_with_segments_in_several_parts_has_a_row_for_each(tmp_path: Path) -> None:
    dataset = dataset_of({"a": "Ann"})
    data = data_of(
        dataset, {"train": {"a": 6}, "validation": {}, "test": {"a": 4}}, {"track", "artist"}
    )
    rows = rows_of(tmp_path / "split.csv", dataset, data)
    assert [(row["part"], row["segments"]) for row in rows] == [("train", "6"), ("test", "4")]
