from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray
from pydantic import ValidationError

from genrecls.dsp import audio
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.mel import cosine_window
from genrecls.dsp.mel_settings import Window
from genrecls.features.base import FEATURES, AudioFeature, FeatureSpec
from genrecls.features.mel import MelSettings
from genrecls.features.multi_input import MultiInput

SpecMaker = Callable[..., Any]
Signals = dict[str, NDArray[np.float32]]

TOLERANCE_DB = 1e-4

# 80 dB below a pure tone, the rounding of a single-precision transform is all there is.
FLOOR_TOLERANCE_DB = 2e-3


def librosa_mel(samples: NDArray[np.float32], spec: MelSettings) -> NDArray[np.float32]:
    bands = librosa.feature.melspectrogram(
        y=samples,
        sr=spec.sample_rate,
        n_fft=spec.n_fft,
        hop_length=spec.hop_length,
        window={"rectangular": "boxcar"}.get(spec.window, spec.window),
        center=spec.center,
        power=float(spec.power),
        n_mels=spec.n_mels,
        fmin=spec.fmin,
        fmax=spec.fmax,
        htk=spec.mel_scale == "htk",
        norm=spec.mel_norm,
    )
    ref = np.max if spec.ref == "max" else spec.ref
    decibels = librosa.power_to_db(bands, ref=ref, amin=spec.amin, top_db=spec.top_db)
    return np.asarray(decibels.T)


GRID = list(itertools.product([(2048, 512), (1024, 256), (512, 160)], [40, 64], [80.0, 30.0]))


@pytest.mark.parametrize(("frame", "n_mels", "top_db"), [*GRID, ((2048, 512), 128, 80.0)])
@pytest.mark.parametrize("name", ["noise", "click", "zeros", "tone", "music", "quiet music"])
def test_mel_equals_librosa(
    spec_of: SpecMaker,
    signals: Signals,
    frame: tuple[int, int],
    n_mels: int,
    top_db: float,
    name: str,
) -> None:
    spec = spec_of("mel", n_fft=frame[0], hop_length=frame[1], n_mels=n_mels, top_db=top_db)
    samples = signals[name]
    expected = librosa_mel(samples, spec)
    received = spec.transform(samples[None])["mel"]
    assert received.shape == (1, *expected.shape)
    assert received.dtype == np.float32
    error = np.abs(received[0] - expected)
    assert error[expected > expected.max() - 60].max() < TOLERANCE_DB
    assert error.max() < (FLOOR_TOLERANCE_DB if name == "tone" else TOLERANCE_DB)
    assert name == "zeros" or np.ptp(expected) > 1


@pytest.mark.parametrize(
    "changes",
    [
        {"top_db": None},
        {"ref": "max"},
        {"ref": 0.5, "amin": 1e-6},
        {"power": 1},
        {"center": False},
        {"window": "hamming"},
        {"window": "blackman"},
        {"window": "rectangular"},
        {"mel_scale": "htk", "mel_norm": None},
        {"fmin": 50.0, "fmax": 8000.0},
        {"sample_rate": 12000, "n_fft": 512, "hop_length": 256, "n_mels": 96},
    ],
    ids=str,
)
def test_every_setting_means_what_it_means_in_librosa(
    spec_of: SpecMaker, signals: Signals, changes: dict[str, Any]
) -> None:
    spec = spec_of("mel", **changes)
    for name in ("noise", "music"):
        expected = librosa_mel(signals[name], spec)
        received = spec.transform(signals[name][None])["mel"][0]
        assert np.abs(received - expected).max() < TOLERANCE_DB, name
        assert np.ptp(expected) > 1


def librosa_bands(samples: NDArray[np.float32], spec: MelSettings) -> NDArray[np.float64]:
    bands = librosa.feature.melspectrogram(
        y=samples, sr=spec.sample_rate, n_fft=spec.n_fft, hop_length=spec.hop_length, n_mels=96
    )
    return np.asarray(bands, np.float64).T


def test_the_bands_of_musicnn_are_log10_of_one_and_ten_thousand_times_the_band(
    spec_of: SpecMaker, signals: Signals
) -> None:
    spec = spec_of("musicnn_mel")
    for samples in signals.values():
        received = spec.transform(samples[None])["mel"][0]
        expected = np.log10(1 + 10_000 * librosa_bands(samples, spec))
        np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seconds", [1e-6, 1e-4, 1000.0])
def test_pcen_of_the_shortest_and_the_longest_mean_is_finite(
    spec_of: SpecMaker, signals: Signals, seconds: float
) -> None:
    spec = spec_of("mel", compression="pcen", pcen_seconds=seconds)
    assert 0 < spec.front_end.smoothing <= 1
    received = spec.transform(signals["noise"][None])["mel"]
    assert np.isfinite(received).all()
    # A band that is divided by itself is about 1: (1 + 2)^0.5 - 2^0.5 in the default settings.
    assert (received.max() < 1) == (seconds < 1)


@pytest.mark.parametrize(
    "changes",
    [{}, {"pcen_seconds": 0.06, "pcen_gain": 0.8, "pcen_bias": 10.0, "pcen_power": 0.25}],
    ids=["as in librosa", "others"],
)
def test_pcen_is_that_of_librosa_whose_mean_begins_with_the_first_frame(
    spec_of: SpecMaker, signals: Signals, changes: dict[str, float]
) -> None:
    spec = spec_of("mel", n_mels=96, compression="pcen", **changes)
    # A pure tone leaves the other bands to rounding, which is then divided by a mean as small.
    for name in ("noise", "click", "zeros", "music", "quiet music"):
        samples = signals[name]
        scaled = librosa_bands(samples, spec).T * 2**31
        expected = librosa.pcen(
            scaled,
            sr=spec.sample_rate,
            hop_length=spec.hop_length,
            time_constant=spec.pcen_seconds,
            gain=spec.pcen_gain,
            bias=spec.pcen_bias,
            power=spec.pcen_power,
            zi=(1 - spec.front_end.smoothing) * scaled[:, :1],
        ).T
        received = spec.transform(samples[None])["mel"][0]
        np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-4, err_msg=name)


def test_silence_relative_to_its_own_maximum_is_zero_decibels(spec_of: SpecMaker) -> None:
    spec = spec_of("mel", ref="max")
    received = spec.transform(np.zeros((1, 22050), np.float32))["mel"]
    assert np.abs(received).max() < TOLERANCE_DB


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", None])
def test_filters_are_exactly_those_of_librosa(
    spec_of: SpecMaker, scale: str, norm: str | None
) -> None:
    from librosa.filters import mel as mel_of_librosa

    spec = spec_of("mel", mel_scale=scale, mel_norm=norm, fmin=30.0, fmax=9000.0)
    expected = mel_of_librosa(
        sr=22050, n_fft=2048, n_mels=128, fmin=30, fmax=9000, htk=scale == "htk", norm=norm
    )
    np.testing.assert_allclose(spec.front_end.filters, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("hann", "hann"), ("hamming", "hamming"), ("blackman", "blackman"), ("rectangular", "boxcar")],
)
def test_windows_are_those_of_scipy(ours: Window, theirs: str) -> None:
    np.testing.assert_allclose(
        cosine_window(ours, 512), scipy.signal.get_window(theirs, 512), atol=1e-7
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hop_length": 4096}, "allowed: at most n_fft"),
        ({"hop_length": 7}, "received 7; allowed: at least 8 with n_fft=2048"),
        ({"fmax": 12000.0}, "allowed: at most half of sample_rate"),
        ({"fmin": 11025.0}, "allowed: below fmax"),
        ({"n_fft": 512, "n_mels": 256}, "use fewer bands or a larger n_fft"),
        ({"n_fft": 2047}, "multiple of 2"),
        ({"power": 3}, "1 or 2"),
        ({"n_mel": 3}, "n_mel"),
    ],
)
def test_impossible_settings_are_refused_with_what_is_possible(
    spec_of: SpecMaker, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        spec_of("mel", **changes)


@pytest.mark.parametrize("center", [True, False])
def test_audio_shorter_than_a_frame_has_the_announced_shape(
    spec_of: SpecMaker, *, center: bool
) -> None:
    spec = spec_of("mel", center=center)
    for count in (1, 511, 512, 2047, 2048):
        received = spec.transform(np.ones((2, count), np.float32))["mel"]
        assert received.shape == (2, *spec.shapes(count)["mel"])


@pytest.mark.process
def test_extraction_does_not_import_librosa_or_tensorflow() -> None:
    code = (
        "import sys, numpy as np\n"
        "from genrecls.features.mfcc import Mfcc\n"
        "import genrecls.features.extract\n"
        "spec = Mfcc('mfcc', 22050, 512, 2048, 'hann', True, 2, 128, 0.0, None, 'slaney', "
        "'slaney', 1.0, 1e-10, 80.0, 13, 0.0)\n"
        "assert spec.transform(np.ones((1, 9000), 'f'))['mfcc'].shape == (1, 18, 13)\n"
        "assert not {'librosa', 'tensorflow'} & set(sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.real_data
def test_mel_equals_librosa_on_real_music(spec_of: SpecMaker) -> None:
    root = os.environ.get("GENRECLS_TEST_DATA")
    if not root:
        pytest.skip("GENRECLS_TEST_DATA is not set")
    spec = spec_of("mel")
    for genre in sorted((Path(root) / "gtzan").iterdir()):
        path = min(genre.glob("*.flac"))
        samples = audio.read(path, spec.sample_rate, AudioLimits())[:661_500]
        segments = samples[: len(samples) // 66_150 * 66_150].reshape(-1, 66_150)
        expected = np.stack([librosa_mel(segment, spec) for segment in segments])
        error = np.abs(spec.transform(segments)["mel"] - expected)
        assert error[expected > expected.max() - 60].max() < TOLERANCE_DB
        assert error.max() < FLOOR_TOLERANCE_DB


# What was published ready-made is given no audio; a joint needs parts, which its files name.
OF_AUDIO = [
    {"multi_input": "mel_summary"}.get(name, name)
    for name in FEATURES
    if issubclass(FEATURES[name], AudioFeature | MultiInput)
]


@pytest.mark.parametrize("name", OF_AUDIO)
class TestEveryRepresentation:
    """What any member of the registry has to keep, with the settings of its YAML file."""

    N_SAMPLES = 33_075

    @pytest.fixture
    def spec(self, spec_of: SpecMaker, name: str) -> FeatureSpec:
        made: FeatureSpec = spec_of(name)
        return made

    @pytest.fixture
    def segments(self) -> NDArray[np.float32]:
        rng = np.random.default_rng(3)
        segments = np.zeros((4, self.N_SAMPLES), np.float32)
        segments[1, 5000] = 1
        segments[2] = 0.3 * rng.standard_normal(self.N_SAMPLES)
        segments[3] = np.sin(np.arange(self.N_SAMPLES) / 10)
        return segments

    def test_it_carries_its_registered_name(self, spec: FeatureSpec) -> None:
        assert type(spec) is FEATURES[spec.name]

    def test_silence_impulse_noise_and_tone_give_finite_values(
        self, spec: FeatureSpec, segments: NDArray[np.float32]
    ) -> None:
        for array in spec.transform(segments).values():
            assert array.dtype == np.float32
            assert np.isfinite(array).all()
            assert np.ptp(array[2]) > 0

    def test_shapes_are_as_announced(
        self, spec: FeatureSpec, segments: NDArray[np.float32]
    ) -> None:
        for count in (self.N_SAMPLES, self.N_SAMPLES - 1, 22_050):
            received = spec.transform(segments[:, :count])
            announced = spec.shapes(count)
            assert {key: array.shape for key, array in received.items()} == {
                key: (4, *shape) for key, shape in announced.items()
            }

    def test_the_same_audio_gives_the_same_values(
        self, spec: FeatureSpec, segments: NDArray[np.float32]
    ) -> None:
        before = segments.copy()
        first, second = spec.transform(segments), spec.transform(segments)
        for key, array in first.items():
            np.testing.assert_array_equal(array, second[key])
        np.testing.assert_array_equal(segments, before)

    def test_a_segment_does_not_see_its_neighbours(
        self, spec: FeatureSpec, segments: NDArray[np.float32]
    ) -> None:
        together = spec.transform(segments)
        for number in range(len(segments)):
            alone = spec.transform(segments[number : number + 1])
            for key, array in alone.items():
                np.testing.assert_array_equal(array[0], together[key][number])

    def test_it_can_be_a_key_and_survives_a_copy(self, spec: FeatureSpec) -> None:
        assert hash(spec) == hash(replace(spec))
        assert len(spec.axes) == 2
