"""GTZAN's published partitions, as the publications give them."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from genrecls.config.validation import select
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.datasets.gtzan import GENRES
from genrecls.datasets.gtzan_facts import gtzan_facts
from genrecls.splits.base import PARTS, SPLITS, Part, Split, SplitInput
from genrecls.splits.leakage import Leak, find_leaks
from tests.composed import composed

COUNTS: dict[Part, tuple[int, ...]] = {
    "train": (46, 48, 45, 42, 47, 43, 44, 41, 43, 44),
    "validation": (23, 20, 23, 22, 18, 17, 20, 13, 17, 24),
    "test": (31, 31, 30, 29, 27, 27, 27, 30, 26, 32),
}


@pytest.fixture(scope="module")
def gtzan() -> SplitInput:
    """All thousand tracks, without their audio."""
    facts = gtzan_facts()
    ids = [f"{genre}.{number:05d}" for genre in GENRES for number in range(100)]
    tracks = tuple(
        Track(i, Path(f"{i}.au"), i.partition(".")[0], facts.artists.get(i)) for i in ids
    )
    partitions = {"fault_filtered": facts.fault_filtered, "artist_folds": facts.artist_folds}
    dataset = Dataset(
        "gtzan", GENRES, tracks, Path(), Provenance("", "", ""), partitions=partitions
    )
    return SplitInput(dataset, dict.fromkeys(ids, 10), {i: i for i in ids})


def assigned(gtzan: SplitInput, *overrides: str, seed: int = 0) -> Split:
    return select(SPLITS, composed("train", *overrides)["split"]).assign(gtzan, seed)


def test_the_fault_filtered_parts_have_their_published_sizes(gtzan: SplitInput) -> None:
    split = assigned(gtzan, "split=fault_filtered")
    assert [len(split.parts[part]) for part in PARTS] == [443, 197, 290]


@pytest.mark.parametrize("part", PARTS)
def test_the_fault_filtered_parts_have_their_published_genres(
    part: Part, gtzan: SplitInput
) -> None:
    split = assigned(gtzan, "split=fault_filtered")
    found = Counter(track.partition(".")[0] for track in split.parts[part])
    assert tuple(found[genre] for genre in GENRES) == COUNTS[part]


@pytest.mark.parametrize(
    ("part", "digest"),
    [
        ("train", "2b04966cef1486f1a7767b74271533fa23e220388db804a1937835e1fc4fa3fa"),
        ("validation", "f8fbee7c52397a0e0f3a91dc54fedecb2e27f5bdc9a9daeab8cb10d077e26956"),
        ("test", "09cafa6a89ce0a27f30ed250d56ecb4d03c22fffb5a693f96c7ae655ee02ac72"),
    ],
)
def test_the_fault_filtered_lists_are_the_published_files(part: Part, digest: str) -> None:
    facts = gtzan_facts().fault_filtered
    names = sorted(track for track, where in facts.items() if where == part)
    lines = [f"{name.partition('.')[0]}/{name}.wav" for name in names]
    text = "\n".join(lines) + "\n"
    assert sha256(text.encode()).hexdigest() == digest


def test_one_disco_artist_is_on_both_sides_of_the_fault_filtered_partition(
    gtzan: SplitInput,
) -> None:
    split = assigned(gtzan, "split=fault_filtered")
    leaks = [leak for leak in find_leaks(split, gtzan) if {"train", "test"} <= set(leak.parts)]
    artists = {t.id: t.artist for t in gtzan.dataset.tracks}
    ((leak),) = leaks
    assert leak == Leak("artist", leak.name, leak.parts)
    sides = {part: [t for t in split.parts[part] if artists[t] == leak.name] for part in leak.parts}
    assert all(track.startswith("disco.") for tracks in sides.values() for track in tracks)
    assert "disco artist" in split.caveat


def test_there_are_948_tracks_of_412_artists_in_the_folds() -> None:
    facts = gtzan_facts()
    assert len(facts.artists) == 948
    assert len(set(facts.artists.values())) == 412
    assert facts.artists.keys() == facts.artist_folds.keys()


@pytest.mark.parametrize(("fold", "size"), [(1, 315), (2, 316), (3, 317)])
def test_each_fold_tests_its_published_tracks(fold: int, size: int, gtzan: SplitInput) -> None:
    split = assigned(gtzan, "split=artist_folds", "dataset=gtzan", f"split.fold={fold}")
    facts = gtzan_facts().artist_folds
    assert len(split.parts["test"]) == size
    assert set(split.parts["test"]) == {t for t, where in facts.items() if where == str(fold)}
    others = 948 - size
    assert len(split.parts["validation"]) == pytest.approx(others / 4, abs=20)
    assert len(split.parts["train"]) + len(split.parts["validation"]) == others


@pytest.mark.parametrize("fold", [1, 2, 3])
def test_no_fold_shares_an_artist(fold: int, gtzan: SplitInput) -> None:
    for seed in range(3):
        split = assigned(gtzan, "split=artist_folds", f"split.fold={fold}", seed=seed)
        assert find_leaks(split, gtzan) == []


def test_the_folds_together_test_every_track_once(gtzan: SplitInput) -> None:
    tested = [
        track
        for fold in (1, 2, 3)
        for track in assigned(gtzan, "split=artist_folds", f"split.fold={fold}").parts["test"]
    ]
    assert sorted(tested) == sorted(gtzan_facts().artist_folds)


def test_only_the_validation_part_of_a_fold_depends_on_the_seed(gtzan: SplitInput) -> None:
    first, second = (assigned(gtzan, "split=artist_folds", seed=seed) for seed in (0, 1))
    assert set(first.parts["test"]) == set(second.parts["test"])
    assert set(first.parts["validation"]) != set(second.parts["validation"])
