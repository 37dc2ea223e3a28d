from __future__ import annotations

import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from genrecls.dsp.audio import read
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.features.segmentation import SegmentRule
from tests.dsp.odd_audio import music
from tests.runtime.toy_classifier import SPEC, toy_classifier


def song(path: Path, seconds: float, rate: int) -> Path:
    soundfile.write(path, music(seconds, rate), rate)
    return path


@settings(max_examples=25, deadline=None)
@given(
    seconds=st.floats(0.11, 3.0),
    length=st.sampled_from([0.1, 0.29, 0.5]),
    hop=st.sampled_from([None, 0.03, 0.25, 2.0]),
    min_fill=st.sampled_from([0.2, 1.0]),
    source=st.sampled_from(["audio", "spectrogram"]),
    block=st.integers(50, 20_000),
)
def test_a_file_that_is_read_in_blocks_is_answered_as_one_that_is_held(
    seconds: float, length: float, hop: float | None, min_fill: float, source: str, block: int
) -> None:
    rule = SegmentRule(length, hop, count=None, min_fill=min_fill, source=source)  # type: ignore[arg-type]
    classifier = toy_classifier(SPEC, rule)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = song(Path(folder) / "song.wav", seconds, rate=11_025)
        samples = read(path, SPEC.sample_rate, AudioLimits())
        _, inputs = classifier.segments(samples)
        expected = np.concatenate([classifier.predictor.probabilities(i) for i in inputs])
        patch.setattr("genrecls.dsp.audio._BLOCK_SAMPLES", block)
        found = classifier.classify(path)
        assert np.array_equal(found.segments, expected)
        assert found.ends[-1] <= len(samples) / SPEC.sample_rate
        # What is too long to be held has the same segments, of nearly the same answers.
        patch.setattr("genrecls.runtime.classifier.MAX_HELD_SECONDS", 0.05)
        streamed = classifier.classify(path)
        assert np.array_equal(streamed.starts, found.starts)
        assert np.array_equal(streamed.ends, found.ends)
        assert streamed.segments == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("source", ["audio", "spectrogram"])
def test_a_long_file_is_classified_in_little_memory(
    source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = SegmentRule(0.1, None, count=None, min_fill=0.5, source=source)
    classifier, path = toy_classifier(SPEC, rule), song(tmp_path / "song.wav", 120, rate=8000)
    monkeypatch.setattr("genrecls.dsp.audio._BLOCK_SAMPLES", 20_000)
    monkeypatch.setattr("genrecls.runtime.classifier.MAX_HELD_SECONDS", 1)
    classifier.classify(path)
    tracemalloc.start()
    segments = classifier.classify(path).segments
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(segments) == pytest.approx(1200, abs=1)
    # Four bytes a sample, were it held as a whole.
    assert peak < 4 * 120 * SPEC.sample_rate / 2


def test_a_file_whose_end_is_damaged_has_no_answer(tmp_path: Path) -> None:
    path = song(tmp_path / "song.wav", 3, rate=8000)
    samples, rate = soundfile.read(path, dtype="float32")
    samples[-1] = np.nan
    soundfile.write(path, samples, rate, subtype="FLOAT")
    found = toy_classifier().classify(path)
    assert str(found.error).startswith("non-finite: ")
    assert not len(found.segments)
