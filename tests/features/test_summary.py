from __future__ import annotations

import csv
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from genrecls.datasets.base import Track
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import ConfigError
from genrecls.features.summary import COLUMNS, separated, tuning
from tests.features.librosa_summary import replace_compiled, summary

SpecMaker = Callable[..., Any]
Signals = dict[str, NDArray[np.float32]]

RATE = 22050
TEMPO = COLUMNS.index("tempo")
DATA = os.environ.get("GENRECLS_TEST_DATA", "")


@pytest.mark.parametrize("name", ["noise", "click", "zeros", "tone", "music", "quiet music"])
@pytest.mark.filterwarnings("ignore:Trying to estimate tuning from empty frequency set")
def test_all_values_equal_those_of_librosa(
    spec_of: SpecMaker, signals: Signals, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    received = spec_of("summary").transform(signals[name][None])["summary"][0]
    replace_compiled(monkeypatch)
    # The means of waves are the small rest of many values that cancel out.
    noise = 1e-6 * np.abs(signals[name]).max()
    np.testing.assert_allclose(received, summary(signals[name]), rtol=2e-5, atol=noise)


def test_the_names_are_those_of_the_table_in_its_order(spec_of: SpecMaker) -> None:
    assert len(set(COLUMNS)) == 57
    assert COLUMNS[:3] == ("chroma_stft_mean", "chroma_stft_var", "rms_mean")
    assert COLUMNS[14:19] == ("perceptr_mean", "perceptr_var", "tempo", "mfcc1_mean", "mfcc1_var")
    assert COLUMNS[-1] == "mfcc20_var"
    assert spec_of("summary").names == COLUMNS


@pytest.mark.parametrize("frames", [1, 3, 40])
def test_harmonic_and_percussive_parts_are_exactly_those_of_librosa(frames: int) -> None:
    from librosa.decompose import hpss

    rng = np.random.default_rng(0)
    spectrum = rng.standard_normal((65, frames)) + 1j * rng.standard_normal((65, frames))
    spectrum[:, 0] = 0
    expected = hpss(spectrum.astype(np.complex64))
    for ours, theirs in zip(separated(spectrum.astype(np.complex64)), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("cents", [-40, 0, 30])
def test_the_tuning_of_a_chord_is_found(cents: int) -> None:
    time = np.arange(2 * RATE) / RATE
    notes = 440 * 2 ** ((np.array([0, 4, 7]) + cents / 100) / 12)
    chord = np.sin(2 * np.pi * notes[:, None] * time).sum(axis=0)
    power = np.abs(librosa.stft(chord.astype(np.float32))) ** 2
    assert tuning(power, RATE) == pytest.approx(cents / 100, abs=0.05)


def test_what_has_no_pitch_has_no_tuning() -> None:
    assert tuning(np.zeros((1025, 9), np.float32), RATE) == 0
    assert tuning(np.ones((1025, 9), np.float32), RATE) == 0


def test_silence_has_no_tempo_and_a_metronome_its_own(spec_of: SpecMaker) -> None:
    clicks = np.zeros(10 * RATE, np.float32)
    clicks[:: RATE // 2] = 1
    spec = spec_of("summary")
    found = spec.transform(np.stack([np.zeros_like(clicks), clicks]))["summary"][:, TEMPO]
    assert found[0] == 0
    assert found[1] == pytest.approx(120, abs=4)


def test_segments_of_any_length_give_finite_values(spec_of: SpecMaker) -> None:
    rng, spec = np.random.default_rng(1), spec_of("summary")
    for count in (1, 2, 511, 1024, 2047, 2048, 2049, 5000):
        segments = np.stack([np.zeros(count), np.ones(count), rng.standard_normal(count)])
        segments[0, count // 2] = 1e-3
        rows = spec.transform(segments.astype(np.float32))["summary"]
        assert rows.shape == (3, 57)
        assert np.isfinite(rows).all()
    assert spec.transform(np.zeros((0, 5000), np.float32))["summary"].shape == (0, 57)


def test_threads_do_not_disturb_each_other(spec_of: SpecMaker, signals: Signals) -> None:
    spec, sounds = spec_of("summary"), [signals[name][None] for name in ("noise", "music")] * 4
    with ThreadPoolExecutor(4) as executor:
        together = list(executor.map(spec.transform, sounds))
    for sound, received in zip(sounds, together, strict=True):
        np.testing.assert_array_equal(received["summary"], spec.transform(sound)["summary"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_fft": 256}, "allowed: at most n_fft"),
        ({"hop_length": 1}, "allowed: at least 8 with n_fft=2048"),
        ({"n_fft": 4096, "hop_length": 4096}, "allowed: at most 2067 at 22050 Hz"),
        ({"n_fft": 256, "hop_length": 128}, "use a larger one"),
        ({"n_fft": 2047}, "multiple of 2"),
    ],
)
def test_impossible_settings_are_refused_with_what_is_possible(
    spec_of: SpecMaker, changes: dict[str, int], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        spec_of("summary", **changes)


def test_frames_cannot_be_cut_from_a_summary(spec_of: SpecMaker, rule_of: SpecMaker) -> None:
    with pytest.raises(ConfigError, match="'summary' of features=summary has no frames to cut"):
        rule_of(source="spectrogram").shapes(spec_of("summary"))


@pytest.mark.real_data
@pytest.mark.skipif(not DATA, reason="GENRECLS_TEST_DATA is not set")
@pytest.mark.parametrize("track", ["blues.00000", "hiphop.00001", "reggae.00004"])
def test_real_tracks_have_the_published_values(spec_of: SpecMaker, track: str) -> None:
    with Path(DATA, "gtzan_kaggle", "features_30_sec.csv").open(encoding="utf-8") as file:
        (row,) = (row for row in csv.DictReader(file) if row["filename"].startswith(track))
    assert tuple(row)[2:-1] == COLUMNS
    expected = np.array([float(row[name]) for name in COLUMNS])
    path = next(Path(DATA, "gtzan", track.partition(".")[0]).glob(f"{track}.*"))
    spec = spec_of("summary")
    samples = spec.read(Track(track, path, "any"), AudioLimits())
    received = spec.transform(samples[None])["summary"][0]
    waves = [COLUMNS.index(name) for name in ("harmony_mean", "perceptr_mean")]
    # These are 1e-5 of the amplitude: what is left where the samples cancel out.
    np.testing.assert_allclose(received[waves], expected[waves], rtol=5e-3)
    others = np.delete(np.arange(57), waves)
    np.testing.assert_allclose(received[others], expected[others], rtol=1e-4)
