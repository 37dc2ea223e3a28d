"""What decides cached features keeps its values, or raises its revision.

The cache finds features by revision numbers and not by source code, so nobody may change a value
and leave the number as it is. `RECORDS` has the numbers that belong to each revision. Where a test
fails and the values were meant to change: raise the revision that the message names, and put what
it prints into `RECORDS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from genrecls.config.options import listed
from genrecls.dsp import resample
from genrecls.dsp.audio import READING_REVISION, read
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.features import audio_augmentation
from genrecls.features.audio_augmentation import AudioAugmentSettings, DistortedCopy
from tests.features.conftest import RuleMaker, SpecMaker

RATE = 22_050
CHANGES = ("pitch", "stretch", "equaliser", "band", "gain", "noise")
REPRESENTATIONS = ("mel", "mfcc", "mel_image", "summary", "mel_summary", "summary_rich")

RECORDS: dict[str, tuple[int, list[float]]] = {
    "copies by equaliser": (
        1,
        [
            -0.0123604,
            -0.0165615,
            0.0115163,
            0.0102868,
            0.0627419,
            -0.0131022,
            0.00853065,
            0.000669377,
            0.0855066,
        ],
    ),
    "copies by band": (
        1,
        [
            -0.000636859,
            0.0300965,
            0.00364628,
            0.00154404,
            0.0975206,
            -0.0153661,
            0.00906199,
            2.05987e-06,
            0.0776232,
        ],
    ),
    "copies by gain": (
        1,
        [
            -0.0103142,
            -0.0167653,
            0.00712532,
            0.0184786,
            0.158927,
            -0.00136645,
            0.00199638,
            0.000735911,
            0.103633,
        ],
    ),
    "copies by noise": (
        1,
        [
            -0.00340871,
            0.00168325,
            0.0229855,
            0.0172309,
            0.0951439,
            -0.00326887,
            -0.00896153,
            0.000560419,
            0.0792848,
        ],
    ),
    "copies by pitch": (
        1,
        [
            -0.0257025,
            -0.00820993,
            0.0276518,
            -0.00281042,
            -0.0401393,
            0.0115535,
            0.0103829,
            0.000222226,
            0.0765634,
        ],
    ),
    "copies by stretch": (
        1,
        [
            0.0201695,
            -0.0157838,
            -0.000482963,
            -0.00756632,
            0.0692683,
            0.000229579,
            -0.019885,
            0.000314253,
            0.081009,
        ],
    ),
    "mel_summary": (
        1,
        [7.9344, -10.1437, -18.8954, -15.8332, -23.2144, -24.13, 5.96489, 313.932, 26323.1],
    ),
    "mel": (
        1,
        [7.9344, -20.3288, -22.1481, -25.8443, -19.3505, -21.6837, -24.9571, -19.851, 7.11679],
    ),
    "mfcc": (
        1,
        [-160.932, 9.42823, 7.97607, 1.01494, 16.0369, 5.73732, -2.49461, -11.7065, 62.9947],
    ),
    "mel_image": (
        1,
        [0.799736, 0.446446, 0.423705, 0.377502, 0.458778, 0.429613, 0.388696, 0.45247, 0.0889598],
    ),
    "segments cut from spectrogram": (
        1,
        [0.0, -17.746, -20.7354, -21.7669, -21.5269, -22.2226, -64.7337, -19.0018, 15.053],
    ),
    "segments cut from audio": (
        1,
        [0.0, -18.8222, -21.0817, -22.1774, -22.3152, -21.6154, -64.8857, -19.356, 15.342],
    ),
    "summary": (
        1,
        [0.394752, 1000.49, 12.0189, 10.0395, 1112.53, 11.665, 5.96489, 65524.7, 363030.0],
    ),
    "summary_rich": (
        1,
        [
            -191.214,
            -21.486,
            -0.867424,
            -0.0600809,
            -7.24888,
            3.08017,
            -0.0682585,
            -2.4764,
            17.1389,
        ],
    ),
    "reading": (
        2,
        [
            0.0894258,
            0.0712129,
            0.011471,
            0.0125072,
            0.0175565,
            -0.0107467,
            0.00654225,
            0.000611654,
            0.0709416,
        ],
    ),
}


def sound(seconds: float = 4.0, rate: int = RATE) -> NDArray[np.float32]:
    """Return three tones, beats and a little noise."""
    time = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * hertz * time) for hertz in (110.0, 523.25, 3001.0))
    noise = np.random.default_rng(5).standard_normal(len(time))
    return np.asarray(0.2 * tones * np.exp(-5 * (time * 2 % 1)) + 0.01 * noise, np.float32)


def hold(name: str, revision: int, where: str, values: NDArray[Any]) -> None:
    """Compare an array with the record of its revision: seven values, its mean and its spread."""
    flat = np.asarray(values, np.float64).ravel()
    some = flat[np.linspace(0, len(flat) - 1, 7).astype(int)]
    numbers = [float(f"{number:.6g}") for number in (*some, flat.mean(), flat.std())]
    known, expected = RECORDS.get(name, (0, []))
    if known == revision:
        close = np.allclose(numbers, expected, rtol=2e-3, atol=2e-3 * np.median(np.abs(flat)))
        assert close, (
            f"the values of {name} are not those of revision {revision}: raise {where}, so that "
            f"cached features of before are not used, and record: {name!r}: ({revision + 1}, "
            f"{numbers}), instead of {expected}"
        )
    else:
        pytest.fail(
            f"record the values of {where} = {revision}: {name!r}: ({revision}, {numbers}),"
        )


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_a_representation_has_the_values_of_its_revision(name: str, spec_of: SpecMaker) -> None:
    spec = spec_of(name)
    inputs = spec.transform(sound().reshape(2, -1))
    values = np.concatenate([inputs[key].ravel() for key in sorted(inputs)])
    hold(name, spec.revision, f"{type(spec).__name__}.revision", values)


def test_every_cached_representation_with_a_file_of_settings_has_a_record(
    spec_of: SpecMaker,
) -> None:
    recorded, shipped = (
        {type(spec_of(name)).__name__ for name in names}
        for names in (REPRESENTATIONS, listed("features"))
    )
    # What is read from Kaggle's files is not cached.
    assert shipped - recorded == {"KagglePicture", "KaggleTable"}


def test_audio_is_read_as_its_revision_says(tmp_path: Path) -> None:
    both = np.stack([sound(1.0, 44_100), sound(2.0, 44_100)[-44_100:]], axis=1)
    soundfile.write(tmp_path / "a.flac", both, 44_100)
    samples = read(tmp_path / "a.flac", RATE, AudioLimits())
    hold("reading", READING_REVISION, "dsp.audio.READING_REVISION", samples)


@pytest.mark.parametrize("source", ["audio", "spectrogram"])
def test_segments_are_cut_as_their_revision_says(
    source: str, spec_of: SpecMaker, rule_of: RuleMaker
) -> None:
    rule = rule_of(length=0.9, hop=0.7, min_fill=0.5, source=source)
    segments = rule.apply(sound(), spec_of("mel", n_mels=16))
    values = np.concatenate([segments.starts, segments.inputs["mel"].ravel()])
    hold(f"segments cut from {source}", rule.revision, "SegmentRule.revision", values)


def distorted(change: str) -> NDArray[np.float32]:
    off: dict[str, Any] = {"pitch": 0, "stretch": 0, "equaliser": 0, "gain": 0}
    off |= {"band": None, "noise": None}
    on: dict[str, Any] = {"pitch": 2.0, "stretch": 0.1, "equaliser": 6.0, "gain": 6.0}
    on |= {"band": (300.0, 3400.0), "noise": (10.0, 20.0)}
    settings = AudioAugmentSettings(copies=1, chance=1.0, **{**off, change: on[change]})
    copy = DistortedCopy(settings, seed=3, number=1)
    return copy.apply(sound().reshape(4, -1), RATE, "ab" * 32)


@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_distorted_as_their_revision_says(change: str) -> None:
    hold(f"copies by {change}", DistortedCopy.revision, "DistortedCopy.revision", distorted(change))


def test_another_resampler_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resample, "_CUTOFF", 0.5)
    monkeypatch.setattr("genrecls.dsp.audio.stream_resampler", resample.SincStream)
    with pytest.raises(AssertionError, match=r"raise dsp\.audio\.READING_REVISION"):
        test_audio_is_read_as_its_revision_says(tmp_path)


def test_other_random_streams_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_augmentation, "stream", lambda *_: np.random.default_rng(8))
    with pytest.raises(AssertionError, match=r"raise DistortedCopy\.revision"):
        test_copies_are_distorted_as_their_revision_says("gain")
