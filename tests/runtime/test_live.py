from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from genrecls.errors import ConfigError, DataError
from genrecls.features.segmentation import SegmentRule
from genrecls.inference.front_end import FeatureFrontEnd
from genrecls.runtime import live
from genrecls.runtime.live import Moment, listen, smooth
from genrecls.runtime.stream import Source
from tests.runtime.packed import song
from tests.runtime.toy_classifier import RATE, RULE, SPEC, band_shares, toy_classifier


def _noise(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def _pieces(track: NDArray[np.float32], size: int) -> Iterator[NDArray[np.float32]]:
    for first in range(0, len(track), size):
        yield track[first : first + size]


@settings(max_examples=150)
@given(
    count=st.integers(RATE // 10, 3 * RATE),
    size=st.integers(50, RATE),
    rule=st.builds(
        SegmentRule,
        length=st.sampled_from([0.1, 0.29, 0.5]),
        hop=st.sampled_from([None, 0.03, 0.25, 2.0]),
        count=st.just(2),
        min_fill=st.sampled_from([0.2, 0.99, 1.0]),
        source=st.sampled_from(["audio", "spectrogram"]),
    ),
    center=st.booleans(),
)
def test_a_finished_sound_is_cut_as_a_file_is(
    count: int, size: int, rule: SegmentRule, center: bool
) -> None:
    spec = replace(SPEC, center=center)
    track = _noise(count)
    expected = rule.cover(track, spec)
    found = list(listen(toy_classifier(spec, rule), Source(RATE, _pieces(track, size)), None))
    assert [moment.start for moment in found] == pytest.approx(expected.starts)
    bands = band_shares(expected.inputs)
    assert np.stack([moment.probabilities for moment in found]) == pytest.approx(bands, abs=1e-6)
    ends = np.minimum(expected.starts + expected.seconds, count / RATE)
    assert [moment.end for moment in found] == pytest.approx(ends)


def test_a_segment_is_answered_as_soon_as_it_has_been_heard() -> None:
    asked: list[int] = []

    def blocks() -> Iterator[NDArray[np.float32]]:
        for number in range(10):
            asked.append(number)
            yield _noise(RATE // 5, number)

    moments = listen(toy_classifier(), Source(RATE, blocks()), None)
    assert [(next(moments).end, asked[-1]) for _ in range(3)] == [(0.5, 2), (1.0, 4), (1.5, 7)]


def test_a_hop_of_ones_own_gives_more_lines() -> None:
    track = _noise(2 * RATE)
    model = toy_classifier()
    found = list(listen(model, Source(RATE, _pieces(track, 777)), 0.25))
    assert [moment.start for moment in found] == [0.25 * n for n in range(7)]


def test_sound_of_another_rate_is_resampled_without_seams() -> None:
    from genrecls.dsp.resample import resample

    track = _noise(3 * 11025)
    expected = RULE.cover(resample(track, 11025, RATE), SPEC)
    found = list(listen(toy_classifier(), Source(11025, _pieces(track, 1000)), None))
    bands = band_shares(expected.inputs)
    assert np.stack([moment.probabilities for moment in found]) == pytest.approx(bands, abs=1e-6)


def test_a_source_without_sound_is_named() -> None:
    with pytest.raises(DataError, match="without a single sample"):
        list(listen(toy_classifier(), Source(RATE, iter(())), None))


def test_sound_that_a_file_would_be_too_short_for_is_no_answer_live() -> None:
    source = Source(RATE, iter([_noise(RATE // 20)]))
    with pytest.raises(DataError, match=r"expected at least 0.1 s of sound, found 0.05"):
        list(listen(toy_classifier(), source, None))


def test_silence_is_answered_when_something_sounds_and_not_by_itself() -> None:
    nothing = np.zeros(RATE, np.float32)
    with pytest.raises(DataError, match="every sample is zero, for 2 s"):
        list(listen(toy_classifier(), Source(RATE, iter([nothing, nothing])), None))
    track = np.concatenate([nothing, _noise(RATE)])
    found = list(listen(toy_classifier(), Source(RATE, _pieces(track, 777)), None))
    assert [moment.start for moment in found] == [0, 0.5, 1, 1.5]


def test_of_long_silence_only_the_end_is_answered_and_memory_does_not_grow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_MOST_SILENT", 20)
    peaks: list[int] = []

    def blocks() -> Iterator[NDArray[np.float32]]:
        for _ in range(4):
            tracemalloc.reset_peak()
            for _ in range(50):
                yield np.zeros(RATE, np.float32)
            peaks.append(tracemalloc.get_traced_memory()[1])
        yield _noise(RATE)

    tracemalloc.start()
    try:
        found = list(listen(toy_classifier(), Source(RATE, blocks()), None))
    finally:
        tracemalloc.stop()
    # The segments of half a second that end in the silence, and the two behind it.
    assert [moment.start for moment in found] == [190 + 0.5 * number for number in range(22)]
    assert peaks[-1] < 1.1 * peaks[1]


def test_smoothing_is_the_mean_of_the_last_segments() -> None:
    moments = [Moment(n, n + 1, np.array([n, 1.0 - n])) for n in range(4)]
    found = [float(moment.probabilities[0]) for moment in smooth(moments, 3)]
    assert found == [0, 0.5, 1, 2]
    assert [m.probabilities[0] for m in smooth(moments, 1)] == [0, 1, 2, 3]


def test_a_hop_that_would_skip_sound_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--hop: received 2 s; allowed: at most .* 0.5 s"):
        list(listen(toy_classifier(), Source(RATE, iter(())), 2.0))


@pytest.mark.parametrize("hop", [1e-9, 1e-5, 0.004])
def test_a_hop_that_would_answer_without_end_is_refused(hop: float) -> None:
    with pytest.raises(ConfigError, match=rf"--hop: received {hop:g} s; allowed: at least 0.005 s"):
        list(listen(toy_classifier(), Source(RATE, iter(())), hop))


class Unframed(FeatureFrontEnd):
    """A representation of one's own, which does not say how many samples a frame holds."""

    @property
    def features(self) -> Mapping[str, Any]:
        return {"name": "mine", "sample_rate": RATE, "hop_length": SPEC.hop_length}


def test_frames_of_a_representation_of_ones_own_are_cut_of_files_and_refused_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.runtime.toy_classifier.FeatureFrontEnd", Unframed)
    classifier = toy_classifier(SPEC, replace(RULE, source="spectrogram"))
    result = classifier.classify(song(tmp_path / "song.wav", 2.0, RATE))
    assert result.error is None
    assert len(result.segments) > 3
    with pytest.raises(ConfigError, match="features=mine does not say how many samples a frame"):
        list(listen(classifier, Source(RATE, iter(())), None))


def test_hours_of_sound_are_heard_in_the_memory_of_a_few_blocks() -> None:
    alive = most = 0
    peaks: list[int] = []

    def forget() -> None:
        nonlocal alive
        alive -= 1

    def blocks() -> Iterator[NDArray[np.float32]]:
        nonlocal alive, most
        for _ in range(4):
            tracemalloc.reset_peak()
            for number in range(2000):
                block = _noise(RATE // 20, number)
                weakref.finalize(block, forget)
                alive += 1
                most = max(most, alive)
                yield block
                del block
            peaks.append(tracemalloc.get_traced_memory()[1])

    tracemalloc.start()
    try:
        count = sum(1 for _ in smooth(listen(toy_classifier(), Source(RATE, blocks()), None), 3))
    finally:
        tracemalloc.stop()
    assert count == 8000 / 20 / 0.5
    assert most <= 2
    assert peaks[-1] < 1.1 * peaks[1]
