"""Leaks are worth something, and the measure says how much."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.split_audit import score_inflation
from genrecls.split_audit.fingerprint import Fingerprint
from genrecls.split_audit.scan import AudioScan, Recording
from genrecls.split_audit.score_inflation import (
    DRAWS,
    Resampling,
    SeedDecisions,
    accuracy,
    decide,
    estimate,
)
from genrecls.splits.base import Split
from tests.split_audit.copies import splitters


@pytest.fixture(scope="module")
def audio() -> AudioScan:
    """Tracks that sound like their artist and nothing of which tells the genre."""
    rng = np.random.default_rng(0)
    nothing = Fingerprint(np.empty(0, np.uint32), np.empty(0, np.uint32))
    tracks, recordings = [], {}
    for number in range(120):
        artist = number // 3
        voice = np.random.default_rng(artist).standard_normal(8)
        rows = voice + 0.1 * rng.standard_normal((4, 8))
        name = f"t{number:03d}"
        tracks.append(Track(name, Path(name), "xy"[artist % 2], f"artist {artist}"))
        recordings[name] = Recording(nothing, rows.astype(np.float32), name)
    made = Dataset("made", ("x", "y"), tuple(tracks), Path(), Provenance("", "", ""))
    return AudioScan(made, recordings, {})


def measured(audio: AudioScan, name: str, seeds: int = 3) -> SeedDecisions:
    splitter = splitters(name)[name]
    made = [splitter.assign(audio.split_input, seed) for seed in range(seeds)]
    return decide(audio, made, lambda: None)["nearest"]


def test_a_leaky_split_scores_higher_where_only_artists_can_be_recognised(audio: AudioScan) -> None:
    leaky, honest = measured(audio, "segment"), measured(audio, "artist")
    assert accuracy(leaky) > 0.95
    assert accuracy(honest) < 0.8
    draws = Resampling.of(audio, 0)
    difference = draws.scores(leaky) - draws.scores(honest)
    found = estimate(accuracy(leaky) - accuracy(honest), difference)
    assert 0 < found.interval[0] < found.mean < found.interval[1]


def test_only_tracks_of_the_test_part_are_asked(audio: AudioScan) -> None:
    found = measured(audio, "artist", seeds=1)
    split = splitters("artist")["artist"].assign(audio.split_input, 0)
    asked = {track for track, was in zip(audio.recordings, found.asked[0], strict=True) if was}
    assert asked == set(split.parts["test"])
    assert not (found.right & ~found.asked).any()


def test_equal_splits_are_tried_once(audio: AudioScan, monkeypatch: pytest.MonkeyPatch) -> None:
    split = splitters("track")["track"].assign(audio.split_input, 0)
    calls: list[str] = []
    original = score_inflation._test

    def counted(audio: AudioScan, split: Split, name: str) -> dict[str, bool]:
        calls.append(name)
        return original(audio, split, name)

    monkeypatch.setattr(score_inflation, "_test", counted)
    found = decide(audio, [split, split, split], lambda: None)
    assert sorted(calls) == ["logistic", "nearest"]
    assert (found["nearest"].right[0] == found["nearest"].right[2]).all()


def test_the_same_seed_draws_the_same_and_all_splits_see_the_same_artists(audio: AudioScan) -> None:
    found = measured(audio, "track")
    draws = Resampling.of(audio, 5)
    assert np.array_equal(draws.scores(found), draws.scores(found))
    assert draws.scores(found).shape == (DRAWS,)
    assert not np.array_equal(draws.scores(found), replace(draws, seed=6).scores(found))


def test_tracks_of_one_artist_are_drawn_together(audio: AudioScan) -> None:
    alone = audio.dataset.tracks[0]
    tracks = (replace(alone, artist=None), *audio.dataset.tracks[1:])
    unknown = replace(audio, dataset=replace(audio.dataset, tracks=tracks))
    assert len(set(Resampling.of(audio, 0).groups.tolist())) == 40
    assert len(set(Resampling.of(unknown, 0).groups.tolist())) == 41


def test_few_artists_that_are_all_right_have_an_interval() -> None:
    every = np.ones((3, 8), bool)
    found = Resampling(np.repeat(np.arange(4), 2), seed=0).accuracy(SeedDecisions(every, every))
    assert found.mean == 1
    assert found.interval == pytest.approx((0.5101, 1), abs=1e-4)


def test_a_draw_without_any_artist_of_a_test_part_does_not_count_as_wrong() -> None:
    asked = np.zeros((1, 12), bool)
    asked[0, :2] = True
    every = SeedDecisions(asked, asked)
    draws = Resampling(np.arange(12), seed=0)
    assert draws.scores(every).min() == 1
    assert draws.accuracy(every).interval[0] == pytest.approx(0.342, abs=1e-3)


def test_an_inflation_on_few_artists_has_an_interval() -> None:
    asked = np.ones((1, 6), bool)
    right, wrong = SeedDecisions(asked, asked), SeedDecisions(asked, ~asked)
    draws = Resampling(np.arange(6), seed=0)
    found = draws.inflation(right, wrong)
    assert found.mean == 1
    assert found.interval == pytest.approx((0.448, 1), abs=1e-3)
    low, high = draws.inflation(right, right).interval
    assert low == -high < -0.3


def test_accuracy_is_the_share_of_right_answers() -> None:
    right = np.array([[True, False, True, False]])
    assert accuracy(SeedDecisions(np.ones_like(right), right)) == 0.5
