from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from genrecls.datasets.base import Dataset
from genrecls.features.extract import fingerprint
from genrecls.files.hashing import FileDigests


def test_the_fingerprint_ignores_places_and_order(
    dataset: Dataset, tmp_path: Path, refuse_decoding: Callable[[], None]
) -> None:
    refuse_decoding()
    before = fingerprint(dataset, FileDigests(tmp_path / "cache.json"))
    moved = dataset.root.rename(tmp_path / "elsewhere")
    tracks = [replace(t, path=moved / t.path.name) for t in reversed(dataset.tracks)]
    assert (
        fingerprint(replace(dataset, tracks=tuple(tracks)), FileDigests(tmp_path / "other.json"))
        == before
    )
    assert fingerprint(replace(dataset, tracks=tuple(tracks)), FileDigests(None)) == before


def test_the_fingerprint_sees_labels_artists_ids_contents_and_absence(dataset: Dataset) -> None:
    first, *rest = dataset.tracks
    prints = {fingerprint(dataset, FileDigests(None))}
    for changed in (
        replace(first, label="other"),
        replace(first, artist="somebody"),
        replace(first, id="z"),
        replace(first, path=rest[0].path),
        replace(first, path=dataset.root / "nowhere.wav"),
    ):
        prints.add(fingerprint(replace(dataset, tracks=(changed, *rest)), FileDigests(None)))
    assert len(prints) == 6


def test_the_fingerprint_sees_the_part_that_a_track_is_given(dataset: Dataset) -> None:
    first = dataset.tracks[0].id
    parts = [{}, {"official": {first: "train"}}, {"official": {first: "test"}}]
    prints = {fingerprint(replace(dataset, partitions=given), FileDigests(None)) for given in parts}
    assert len(prints) == 3


def test_the_fingerprint_ignores_partitions_of_other_tracks(dataset: Dataset) -> None:
    others = {"official": {"of another copy": "train"}}
    none: dict[str, dict[str, str]] = {"official": {}}
    assert (
        len(
            {fingerprint(replace(dataset, partitions=p), FileDigests(None)) for p in (none, others)}
        )
        == 1
    )
