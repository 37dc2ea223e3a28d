from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.evaluation import degradations
from genrecls.evaluation.degradations import STANDARD, Samples

RATE = 22050
SECONDS = 2


def tone(hertz: float, rate: int = RATE) -> Samples:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(SECONDS * rate) / rate)).astype(np.float32)


def noise() -> Samples:
    return 0.1 * np.random.default_rng(0).standard_normal(SECONDS * RATE, np.float32)


def power(samples: Samples, low: float, high: float) -> float:
    """Return the mean power between two frequencies in Hz, in dB."""
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(10 * np.log10(spectrum[(hertz >= low) & (hertz < high)].mean()))


def loudest(samples: Samples) -> float:
    """Return the frequency of the highest peak of the spectrum in Hz, without both ends."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    spectrum: NDArray[np.float64] = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(spectrum.argmax() * RATE / len(middle))


@pytest.mark.parametrize("name", [*STANDARD])
def test_a_degradation_changes_a_track_the_same_way_again_and_leaves_it_alone(name: str) -> None:
    samples = noise()
    before = samples.copy()
    first, second = (STANDARD[name].apply(samples, RATE, 7) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(samples, before)
    assert first.dtype == np.float32
    tempo = {"faster": 1.05, "slower": 0.95}.get(name, 1)
    assert len(first) == pytest.approx(len(samples) / tempo, abs=1)
    assert not np.array_equal(first, samples)


def test_noise_is_white_and_20_db_below_the_track_and_each_seed_has_its_own() -> None:
    samples = tone(440)
    added = degradations.white_noise(samples, 1) - samples
    ratio = 20 * np.log10(np.std(samples) / np.std(added))
    assert ratio == pytest.approx(20, abs=0.2)
    assert power(added, 0, 5000) == pytest.approx(power(added, 5000, 11000), abs=0.5)
    assert not np.array_equal(added, degradations.white_noise(samples, 2) - samples)


@pytest.mark.parametrize(("semitones", "hertz"), [(1, 466.2), (-1, 415.3)])
def test_a_tone_moves_by_a_semitone(semitones: float, hertz: float) -> None:
    assert loudest(degradations.transposed(tone(440), RATE, semitones)) == pytest.approx(
        hertz, 0.01
    )


def test_another_tempo_leaves_the_pitch() -> None:
    assert loudest(degradations.at_tempo(tone(440), RATE, 1.05)) == pytest.approx(440, rel=0.01)


def test_the_low_pass_takes_what_lies_above_4_khz_alone() -> None:
    samples = noise()
    filtered = degradations.low_pass(samples, RATE)
    assert power(filtered, 100, 3500) == pytest.approx(power(samples, 100, 3500), abs=0.3)
    assert power(filtered, 6000, 11000) < power(samples, 6000, 11000) - 25
    slow = tone(440, 8000)
    assert np.array_equal(degradations.low_pass(slow, 8000), slow), "nothing lies above"


def test_a_telephone_keeps_its_band_and_distorts_in_it() -> None:
    heard = degradations.telephone(noise(), RATE)
    assert power(heard, 500, 3000) > power(heard, 20, 150) + 25
    assert power(heard, 500, 3000) > power(heard, 6000, 11000) + 25
    overloaded = degradations.telephone(tone(440), RATE)
    third = power(overloaded, 1310, 1330) - power(overloaded, 430, 450)
    assert -30 < third < -10, "an odd function makes the third harmonic"


@pytest.mark.skipif(bool(degradations.why_no_mp3()), reason="this libsndfile writes no MP3")
@pytest.mark.parametrize("rate", [22050, 44100, 13000])
def test_mp3_keeps_length_and_time_and_loses_a_little(rate: int) -> None:
    samples = tone(440, rate)
    coded = degradations.mp3(samples, rate)
    assert len(coded) == len(samples)
    middle = slice(rate // 2, -rate // 2)
    error = np.std((coded - samples)[middle]) / np.std(samples[middle])
    assert 0 < error < 0.1


def test_where_mp3_cannot_be_written_the_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundfile.available_subtypes", lambda _: {})
    monkeypatch.setattr("soundfile.__libsndfile_version__", "1.0.31")
    assert STANDARD["mp3"].missing() == "libsndfile 1.0.31 cannot write MP3; version 1.1 can"
    assert STANDARD["noise"].missing() == ""
