from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from genrecls.datasets.base import Dataset
from genrecls.features.extract import fingerprint


def test_the_fingerprint_ignores_places_and_order(
    dataset: Dataset, tmp_path: Path, refuse_decoding: Callable[[], None]
) -> None:
    refuse_decoding()
    before = fingerprint(dataset, tmp_path / "cache")
    moved = dataset.root.rename(tmp_path / "elsewhere")
    tracks = [replace(t, path=moved / t.path.name) for t in reversed(dataset.tracks)]
    assert fingerprint(replace(dataset, tracks=tuple(tracks)), tmp_path / "other") == before
    assert fingerprint(replace(dataset, tracks=tuple(tracks)), None) == before


def test_the_fingerprint_sees_labels_artists_ids_contents_and_absence(dataset: Dataset) -> None:
    first, *rest = dataset.tracks
    prints = {fingerprint(dataset, None)}
    for changed in (
        replace(first, label="other"),
        replace(first, artist="somebody"),
        replace(first, id="z"),
        replace(first, path=rest[0].path),
        replace(first, path=dataset.root / "nowhere.wav"),
    ):
        prints.add(fingerprint(replace(dataset, tracks=(changed, *rest)), None))
    assert len(prints) == 6


def test_the_fingerprint_sees_the_part_that_a_track_is_given(dataset: Dataset) -> None:
    first = dataset.tracks[0].id
    parts = [{}, {"official": {first: "train"}}, {"official": {first: "test"}}]
    prints = {fingerprint(replace(dataset, partitions=given), None) for given in parts}
    assert len(prints) == 3


def test_the_fingerprint_ignores_partitions_of_other_tracks(dataset: Dataset) -> None:
    others = {"official": {"of another copy": "train"}}
    none: dict[str, dict[str, str]] = {"official": {}}
    assert len({fingerprint(replace(dataset, partitions=p), None) for p in (none, others)}) == 1
