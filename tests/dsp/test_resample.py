from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from genrecls.dsp.audio import read
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.resample import (
    CROSSINGS,
    SincStream,
    StreamResampler,
    resample,
    resampled_length,
    sinc_resample,
    stream_resampler,
)

RATES = [
    (44100, 22050),
    (48000, 22050),
    (16000, 22050),
    (8000, 22050),
    (96000, 22050),
    (11025, 8000),
]


def tones(rate: int, highest: float, seconds: float = 1.0) -> NDArray[np.float32]:
    """Return a dozen tones up to `highest` Hz that peak at full scale."""
    time = np.arange(round(rate * seconds)) / rate
    pitches = np.random.default_rng(rate).uniform(20, highest, 12)
    sound = sum(np.sin(2 * np.pi * pitch * time + pitch) for pitch in pitches)
    return np.asarray(sound / np.abs(sound).max(), np.float32)


@pytest.mark.parametrize(("rate", "wanted"), RATES)
def test_without_soxr_the_pass_band_sounds_the_same(rate: int, wanted: int) -> None:
    sound = tones(rate, 0.45 * min(rate, wanted))
    received, expected = (
        sinc_resample(sound, rate, wanted),
        soxr.resample(sound, rate, wanted, "HQ"),
    )
    assert received.shape == expected.shape
    assert received.dtype == np.float32
    # Where a sound starts or ends abruptly it has every frequency.
    edge = 2 * CROSSINGS
    np.testing.assert_allclose(received[edge:-edge], expected[edge:-edge], atol=1e-3)


@pytest.mark.parametrize(("rate", "wanted"), [*RATES, (22050, 22050), (22051, 16000)])
def test_the_number_of_samples_at_another_rate_is_known_before_they_are_made(
    rate: int, wanted: int
) -> None:
    for count in range(rate - 4, rate + 5):
        stream = stream_resampler(rate, wanted)
        made = [stream.push(np.zeros(count, np.float32)), stream.finish()]
        assert sum(map(len, made)) == resampled_length(count, rate, wanted)


@pytest.mark.parametrize(("rate", "wanted"), [(44100, 22050), (48000, 22050), (96000, 22050)])
def test_what_the_new_rate_cannot_hold_is_gone(rate: int, wanted: int) -> None:
    time = np.arange(rate) / rate
    high = np.asarray(np.sin(2 * np.pi * 0.53 * wanted * time), np.float32)
    assert np.abs(sinc_resample(high, rate, wanted)[200:-200]).max() < 1e-3


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 100, 1001, 12345])
@pytest.mark.parametrize(("rate", "wanted"), [*RATES, (384000, 22050)])
def test_both_ways_give_equally_many_samples(count: int, rate: int, wanted: int) -> None:
    silence = np.zeros(count, np.float32)
    assert len(sinc_resample(silence, rate, wanted)) == len(resample(silence, rate, wanted))


def test_files_are_read_where_soxr_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "song.wav", 0.9 * tones(44100, 9000), 44100)
    expected = read(tmp_path / "song.wav", 22050, AudioLimits())
    monkeypatch.setitem(sys.modules, "soxr", None)
    received = read(tmp_path / "song.wav", 22050, AudioLimits())
    np.testing.assert_allclose(received[200:-200], expected[200:-200], atol=1e-3)
    assert not np.array_equal(received, expected)


STREAM_RATES = [(44100, 22050), (48000, 22050), (8000, 22050), (11025, 16000)]


def _streamed(
    stream: StreamResampler, samples: NDArray[np.float32], size: int
) -> Iterator[NDArray[np.float32]]:
    for first in range(0, len(samples), size):
        yield stream.push(samples[first : first + size])
    yield stream.finish()


@pytest.mark.parametrize(("rate", "wanted"), [*STREAM_RATES, (22050, 22050)])
@pytest.mark.parametrize(("count", "size"), [(8_011, 311), (8_011, 12_000), (90, 7)])
def test_blocks_become_what_the_whole_becomes(
    rate: int, wanted: int, count: int, size: int
) -> None:
    samples = np.random.default_rng(0).standard_normal(count).astype(np.float32)
    found = np.concatenate(list(_streamed(stream_resampler(rate, wanted), samples, size)))
    expected = samples if rate == wanted else resample(samples, rate, wanted)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("rate", "wanted"), STREAM_RATES)
@pytest.mark.parametrize(("count", "size"), [(8_011, 311), (8_011, 12_000), (90, 7)])
def test_without_soxr_too(
    rate: int, wanted: int, count: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    stream = stream_resampler(rate, wanted)
    assert isinstance(stream, SincStream)
    samples = np.random.default_rng(0).standard_normal(count).astype(np.float32)
    found = np.concatenate(list(_streamed(stream, samples, size)))
    expected = sinc_resample(samples, rate, wanted)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
