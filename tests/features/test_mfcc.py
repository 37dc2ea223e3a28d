from __future__ import annotations

from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

SpecMaker = Callable[..., Any]
Signals = dict[str, NDArray[np.float32]]


@pytest.mark.parametrize("name", ["noise", "click", "zeros", "tone", "music", "quiet music"])
@pytest.mark.parametrize(
    "settings",
    [
        {"n_fft": 2048, "hop_length": 512, "n_mels": 128, "n_mfcc": 13, "lifter": 0},
        {"n_fft": 1024, "hop_length": 256, "n_mels": 64, "n_mfcc": 20, "lifter": 22},
        {"n_fft": 512, "hop_length": 160, "n_mels": 40, "n_mfcc": 40, "lifter": 0},
    ],
    ids=str,
)
def test_mfcc_equals_librosa(
    spec_of: SpecMaker, signals: Signals, settings: dict[str, int], name: str
) -> None:
    spec = spec_of("mfcc", **settings)
    expected = librosa.feature.mfcc(y=signals[name], sr=22050, **settings).T
    received = spec.transform(signals[name][None])["mfcc"]
    assert received.shape == (1, *expected.shape)
    # Coefficients reach thousands, where neighbouring float32 numbers are 1e-4 apart.
    tolerance = (1e-3 if name == "tone" else 1e-4) * (1 + settings["lifter"] / 2)
    tolerance += 2.5e-7 * np.abs(expected).max()
    assert np.abs(received[0] - expected).max() < tolerance
    assert np.ptp(expected) > 1


def test_the_basis_turns_bands_into_coefficients(spec_of: SpecMaker, signals: Signals) -> None:
    spec = spec_of("mfcc", lifter=22.0)
    bands = spec.bands(signals["music"][None])
    assert spec.front_end.basis.shape == (128, 13)
    np.testing.assert_allclose(
        bands @ spec.front_end.basis, spec.transform(signals["music"][None])["mfcc"], atol=2e-3
    )


def test_segments_without_frames_give_empty_arrays(spec_of: SpecMaker) -> None:
    spec = spec_of("mfcc", center=False)
    assert spec.transform(np.zeros((2, 100), np.float32))["mfcc"].shape == (2, 0, 13)
    assert spec.transform(np.zeros((0, 5000), np.float32))["mfcc"].shape == (0, 6, 13)


def test_more_coefficients_than_bands_are_refused(spec_of: SpecMaker) -> None:
    with pytest.raises(ValidationError, match=r"allowed: at most n_mels \(20\)"):
        spec_of("mfcc", n_mels=20, n_mfcc=21)
