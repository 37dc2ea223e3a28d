from __future__ import annotations

import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from genrecls.config.compose import compose
from genrecls.config.validation import validate
from genrecls.errors import ConfigError
from genrecls.features.audio_augmentation import AudioAugmentSettings, Distortion, require_audio
from genrecls.features.base import Samples
from tests.composed import conf_values
from tests.conftest import ComposeExperiment
from tests.export.exported import features

RATE = 22_050
OFF: dict[str, Any] = {
    "pitch": 0,
    "stretch": 0,
    "equaliser": 0,
    "band": None,
    "gain": 0,
    "noise": None,
}


def settings(**changes: Any) -> AudioAugmentSettings:
    """Return three copies as `conf/augment/none.yaml` distorts them, with changes."""
    values = {**conf_values("augment/none")["audio"], "copies": 3, **changes}
    return validate(AudioAugmentSettings, values, "augment.audio")


def distorted(segments: Samples, seed: int = 0, rate: float = RATE, **changes: Any) -> Samples:
    """Return a copy on which every chosen change is made."""
    return Distortion(settings(**{"chance": 1, **changes}), rate).apply(segments, seed)


def noise(count: int, seconds: float = 1.0, rate: int = RATE) -> Samples:
    rng = np.random.default_rng(count)
    return 0.1 * rng.standard_normal((count, round(seconds * rate)), np.float32)


def sine(hertz: float, count: int, seconds: float = 1.0) -> Samples:
    times = np.arange(round(seconds * RATE)) / RATE
    return np.tile((0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32), (count, 1))


def peak(segment: Samples) -> float:
    """Return the frequency in Hz of the strongest component."""
    power = np.abs(np.fft.rfft(segment * np.hanning(len(segment)), 8 * len(segment)))
    return float(power.argmax() * RATE / (8 * len(segment)))


def loudness(segments: Samples) -> Samples:
    """Return the level of each segment in dB."""
    return np.asarray(20 * np.log10(np.sqrt(np.mean(segments**2, axis=-1))))


def shared_state() -> tuple[object, ...]:
    """Return the random state that the whole process shares."""
    drawn = pickle.dumps(np.random.get_state())  # noqa: NPY002
    return random.getstate(), drawn


def test_the_same_seed_gives_the_same_copies_and_another_one_gives_others() -> None:
    segments = noise(4)
    copies = distorted(segments, seed=1)
    assert np.array_equal(copies, distorted(segments, seed=1))
    assert not np.isclose(copies, distorted(segments, seed=2)).all(axis=1).any()


def test_copies_do_not_depend_on_threads() -> None:
    segments = noise(3)
    one_by_one = [distorted(segments, seed) for seed in range(6)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: distorted(segments, seed), range(6)))
    assert all(np.array_equal(*pair) for pair in zip(one_by_one, together, strict=True))


def test_a_segment_is_distorted_the_same_with_fewer_segments_behind_it() -> None:
    segments = noise(5)
    assert np.array_equal(distorted(segments)[:2], distorted(segments[:2]))


def test_each_segment_is_distorted_in_its_own_way() -> None:
    copies = distorted(np.repeat(noise(1), 4, axis=0))
    assert all(not np.allclose(copies[0], other) for other in copies[1:])


def test_the_random_state_of_the_process_is_neither_used_nor_changed() -> None:
    segments = noise(2)
    first = distorted(segments)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - the very state that must not matter
    before = shared_state()
    assert np.array_equal(first, distorted(segments))
    assert shared_state() == before


def test_switching_one_change_off_leaves_the_others_as_they_were() -> None:
    segments = noise(2)
    without = distorted(segments, noise=None, gain=0, equaliser=0)
    assert np.array_equal(without, distorted(segments, **{**OFF, "pitch": 2, "stretch": 0.1}))


def test_a_chance_of_one_half_changes_about_half_of_the_segments() -> None:
    segments = noise(200, seconds=0.01)
    copies = distorted(segments, chance=0.5, **{**OFF, "gain": 6})
    assert 70 < np.sum((copies != segments).any(axis=1)) < 130


def test_one_change_does_not_tell_whether_another_is_made() -> None:
    segments = noise(400, seconds=0.01)
    copies = distorted(segments, chance=0.5, **{**OFF, "gain": 6, "noise": [0, 20]})
    assert 70 < np.sum((copies == segments).all(axis=1)) < 130


def test_the_pitch_is_shifted_by_at_most_the_semitones_and_the_tempo_stays() -> None:
    segments = sine(440, 12)
    copies = distorted(segments, **{**OFF, "pitch": 3})
    shifts = [12 * np.log2(peak(copy) / 440) for copy in copies]
    assert max(np.abs(shifts)) < 3.05
    assert min(shifts) < -1
    assert max(shifts) > 1


def test_the_tempo_is_changed_by_at_most_the_share_and_the_pitch_stays() -> None:
    clicks = np.zeros((12, 3 * RATE), np.float32)
    clicks[:, RATE // 4 :: RATE // 2] = 1
    copies = distorted(clicks, **{**OFF, "stretch": 0.2})
    tempos = [0.5 / _seconds_between_clicks(copy) for copy in copies]
    assert 0.79 < min(tempos) < 0.9
    assert 1.1 < max(tempos) < 1.21
    assert [peak(copy) for copy in distorted(sine(440, 3), **{**OFF, "stretch": 0.2})] == (
        pytest.approx([440] * 3, abs=3)
    )


def _seconds_between_clicks(segment: Samples) -> float:
    """Return the distance of the first two clicks, in seconds."""
    loud = np.flatnonzero(np.abs(segment) > 0.3)
    first = loud[0]
    second = loud[loud > first + RATE // 4][0]
    return float(second - first) / RATE


def test_a_faster_segment_is_filled_up_with_its_beginning() -> None:
    marked = np.zeros((12, RATE), np.float32)
    marked[:, 2000] = 1
    copies = distorted(marked, **{**OFF, "stretch": 0.2})
    again = [np.flatnonzero(np.abs(copy[RATE // 2 :]) > 0.3).size > 0 for copy in copies]
    faster = [int(np.abs(copy[:4000]).argmax()) < 1995 for copy in copies]
    # The mark comes again only if a tenth of the segment or more is left to fill.
    assert any(again)
    assert all(quick for back, quick in zip(again, faster, strict=True) if back)


def test_the_loudness_changes_by_at_most_the_gain() -> None:
    segments = noise(50, seconds=0.1)
    change = loudness(distorted(segments, **{**OFF, "gain": 6})) - loudness(segments)
    assert np.abs(change).max() <= 6.001
    assert change.min() < -4
    assert change.max() > 4


def test_noise_lies_within_the_asked_ratio() -> None:
    segments = noise(50, seconds=0.5)
    added = distorted(segments, **{**OFF, "noise": [10, 20]}) - segments
    ratio = loudness(segments) - loudness(added)
    assert 9.8 < ratio.min() < 12
    assert 18 < ratio.max() < 20.2


def test_the_equaliser_changes_bands_differently_and_not_beyond_what_neighbours_add_up_to() -> None:
    impulse = np.zeros((40, 2 * RATE), np.float32)
    impulse[:, 100] = 1
    copies = distorted(impulse, **{**OFF, "equaliser": 6})
    response = 20 * np.log10(np.abs(np.fft.rfft(copies)))
    assert np.median(np.ptp(response, axis=1)) > 4
    assert 6 < np.abs(response).max() < 12
    middle = distorted(impulse, **{**OFF, "equaliser": 0.001})
    assert np.allclose(middle, impulse, atol=1e-3)


def test_a_band_is_never_narrower_than_its_setting_and_loses_what_lies_beyond() -> None:
    impulse = np.zeros((200, RATE), np.float32)
    impulse[:, 100] = 1
    copies = distorted(impulse, **{**OFF, "band": [300, 3400]})
    response = 20 * np.log10(np.abs(np.fft.rfft(copies)) + 1e-9)
    assert response[:, 330:3100].min() > -5
    assert abs(response).max(axis=0)[1000] < 0.1
    lower, upper = response[:, 30], response[:, 8000]
    for edge in (lower, upper):
        assert edge.min() < -20
        assert edge.max() > -1


@pytest.mark.parametrize("rate", [30, 500, 4000])
def test_edges_of_a_band_beyond_half_the_rate_are_left_out(rate: int) -> None:
    segments = noise(20, seconds=5, rate=rate)
    copies = distorted(segments, rate=rate, **{**OFF, "band": [300, 3400]})
    assert np.isfinite(copies).all()
    assert loudness(copies).max() <= loudness(segments).max()


@pytest.mark.parametrize("rate", [2000, 4000, 8000])
def test_bands_beyond_half_the_rate_are_left_out(rate: int) -> None:
    segments = noise(20, seconds=5, rate=rate)
    copies = distorted(segments, rate=rate, **{**OFF, "equaliser": 12})
    assert np.abs(loudness(copies) - loudness(segments)).max() < 24
    assert np.isfinite(copies).all()


@pytest.mark.parametrize("stretch", [0.1, 0.4])
@pytest.mark.parametrize("seconds", [0.002, 0.05, 3.0])
def test_copies_are_finite_and_of_the_same_shape_and_type(seconds: float, stretch: float) -> None:
    segments = noise(3, seconds)
    copies = distorted(segments, stretch=stretch, pitch=12)
    assert copies.shape == segments.shape
    assert copies.dtype == np.float32
    assert np.isfinite(copies).all()
    assert np.array_equal(copies, distorted(segments, stretch=stretch, pitch=12))


def test_the_originals_stay_and_may_be_read_only_windows_of_one_track() -> None:
    track = noise(1, seconds=3)[0]
    track.flags.writeable = False
    windows = np.lib.stride_tricks.sliding_window_view(track, RATE)[:: RATE // 2]
    copies = distorted(windows)
    assert np.array_equal(copies, distorted(np.ascontiguousarray(windows)))
    assert np.array_equal(copies, distorted(np.asfortranarray(windows)))


def test_silence_stays_silence() -> None:
    silence = np.zeros((3, RATE), np.float32)
    assert not distorted(silence).any()


def test_no_segments_give_no_copies() -> None:
    assert distorted(np.empty((0, RATE), np.float32)).shape == (0, RATE)


def test_with_everything_off_a_copy_is_the_original() -> None:
    off = settings(copies=0, chance=1, **OFF)
    segments = noise(2)
    assert np.array_equal(Distortion(off, RATE).apply(segments, 0), segments)
    assert off.changes == ()
    assert not off.active


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (OFF, "augment.audio.copies: received 3; allowed: 0, as nothing would change the copies"),
        ({"chance": 0}, "augment.audio.copies: received 3; allowed: 0, as nothing would change"),
        ({"noise": [30, 10]}, r"augment.audio.noise: received \[30.0, 10.0\]; allowed: \[lowest"),
        ({"noise": [30]}, "augment.audio.noise"),
        ({"band": [3400, 300]}, r"augment.audio.band: received \[3400.0, 300.0\]; allowed: \[low"),
        ({"band": [10, 3400]}, r"augment.audio.band: received \[10.0, 3400.0\]; allowed: \[low"),
        ({"band": [0, 3400]}, "augment.audio.band.* received 0; allowed: greater than 0"),
        ({"stretch": 0.5}, "augment.audio.stretch: received 0.5; allowed: less than or equal to"),
        ({"pitch": -1}, "augment.audio.pitch: received -1; allowed: greater than or equal to 0"),
        ({"copies": 1.5}, "augment.audio.copies: received 1.5; allowed: a whole number"),
        ({"gian": 1}, "augment.audio.gian: unknown key; .*did you mean 'gain'?"),
    ],
)
def test_impossible_settings_are_refused_in_one_line(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=line) as caught:
        settings(**changes)
    assert "\n" not in str(caught.value)


def test_copies_are_off_by_default_and_switched_on_beside_other_augmentation(
    compose_experiment: ComposeExperiment,
) -> None:
    assert not compose_experiment().augment.audio.active
    chosen = compose_experiment("augment=strong", "augment.audio.copies=2").augment
    assert chosen.audio.active
    assert chosen.audio.changes == ("pitch", "stretch", "equaliser", "gain", "noise")
    assert chosen.mixup > 0


def test_copies_alone_leave_batches_unchanged(compose_experiment: ComposeExperiment) -> None:
    chosen = compose_experiment("augment=audio").augment
    assert chosen.audio.copies == 3
    assert not chosen.active
    only = compose("train", ["augment=audio"])["augment"]["audio"]
    off = compose("train", [])["augment"]["audio"]
    assert {**only, "copies": 0} == {**off}


@pytest.mark.parametrize("name", ["mfcc", "mel", "summary", "multi_input"])
def test_features_of_audio_can_be_distorted(name: str) -> None:
    require_audio(features(name))


def test_features_without_audio_are_refused(compose_experiment: ComposeExperiment) -> None:
    pictures = compose_experiment("features=kaggle_picture", "dataset=gtzan_kaggle_pictures")
    with pytest.raises(ConfigError, match="features=kaggle_picture reads picture; use features"):
        require_audio(pictures.features)
