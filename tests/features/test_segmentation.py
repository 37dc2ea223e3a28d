from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from pydantic import TypeAdapter, ValidationError

from genrecls.config.paths import conf_dir
from genrecls.errors import ConfigError
from genrecls.features.base import AudioFeature, Inputs, Samples
from genrecls.features.segmentation import SegmentRule, Segments

Maker = Callable[..., Any]

RATE = 100


@dataclass(frozen=True)
class Raw(AudioFeature):
    """Shows what a transform is given: one frame of `hop_length` samples after another."""

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        return {"raw": (n_samples // self.hop_length, self.hop_length)}

    def transform(self, segments: Samples) -> Inputs:
        count, n_samples = segments.shape
        frames = n_samples // self.hop_length
        whole = segments[:, : frames * self.hop_length]
        return {"raw": whole.reshape(count, frames, self.hop_length).astype(np.float32)}

    @property
    def axes(self) -> tuple[str, str]:
        return ("frame", "sample")


@dataclass(frozen=True)
class Mean(Raw):
    """One value a segment, so nothing that could be cut."""

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        return {"mean": (1,) if n_samples else (0,)}


SAMPLEWISE = Raw("raw", RATE, 1)
FRAMEWISE = Raw("raw", RATE, 10)


def ramp(count: int) -> Samples:
    """Numbers its samples from 1, so that 0 is padding."""
    return np.arange(1, count + 1, dtype=np.float32)


def heard(segments: Segments) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    return [piece.ravel() for piece in segments.inputs["raw"]]


RULES = st.builds(
    SegmentRule,
    length=st.floats(0.1, 3),
    hop=st.none() | st.floats(0.05, 5),
    count=st.none() | st.integers(1, 6),
    min_fill=st.floats(0.01, 1),
    source=st.sampled_from(["audio", "spectrogram"]),
)
COUNTS = st.integers(1, 2000)


@given(rule=RULES, count=COUNTS)
def test_segments_hold_exactly_the_samples_that_they_claim(rule: SegmentRule, count: int) -> None:
    spec = FRAMEWISE if rule.source == "spectrogram" else SAMPLEWISE
    usable = count // spec.hop_length * spec.hop_length
    segments = rule.apply(ramp(count), spec)
    assert {name: array.shape[1:] for name, array in segments.inputs.items()} == rule.shapes(spec)
    assert rule.count is None or len(segments) <= rule.count
    for piece, start in zip(heard(segments), segments.starts, strict=True):
        first = round(start * RATE)
        assert len(piece) == round(segments.seconds * RATE)
        expected = np.pad(ramp(usable)[first : first + len(piece)], (0, len(piece)))[: len(piece)]
        np.testing.assert_array_equal(piece[: max(0, usable - first)], expected[: usable - first])
        assert np.count_nonzero(piece) >= rule.min_fill * len(piece) - spec.hop_length


@given(rule=RULES, count=COUNTS)
def test_without_count_nothing_long_enough_is_left_out(rule: SegmentRule, count: int) -> None:
    rule = SegmentRule(rule.length, None, None, rule.min_fill, "audio")
    length = rule.samples(RATE)
    segments = rule.apply(ramp(count), SAMPLEWISE)
    held = np.unique(np.concatenate([*heard(segments), [0]]))[1:]
    assert count - len(held) < rule.min_fill * length + 1
    assert [round(start * RATE) for start in segments.starts] == [
        number * length for number in range(len(segments))
    ]


@given(rule=RULES, count=COUNTS)
def test_covering_hears_the_whole_audio_whatever_its_length(rule: SegmentRule, count: int) -> None:
    spec = FRAMEWISE if rule.source == "spectrogram" else SAMPLEWISE
    usable = count // spec.hop_length * spec.hop_length
    segments = rule.cover(ramp(count), spec)
    assert len(segments) >= 1
    shape = rule.shapes(spec)["raw"]
    assert segments.inputs["raw"].shape[1:] == shape
    held = set(np.concatenate(heard(segments)).astype(int))
    missing = set(range(1, usable + 1)) - held
    assert len(missing) <= 0.02 * shape[0] * shape[1]
    assert not missing or min(missing) > usable - len(missing)


def test_a_gtzan_track_of_any_length_gives_ten_segments_or_one(rule_of: Maker) -> None:
    ten, one = rule_of(), rule_of(length=30.0)
    spec = Raw("raw", 22050, 1)
    for count in (661_504, 661_794, 675_808):
        assert len(ten.apply(ramp(count), spec)) == 10
        assert len(one.apply(ramp(count), spec)) == 1
    assert len(ten.cover(ramp(661_794), spec)) == 10
    assert len(one.apply(ramp(660_000), spec)) == 1
    assert heard(one.apply(ramp(660_000), spec))[0][-1] == 0
    assert len(one.apply(ramp(600_000), spec)) == 0


def test_five_blocks_of_258_frames_are_cut_from_a_track(rule_of: Maker, spec_of: Maker) -> None:
    rule, spec = rule_of(length=6.0, source="spectrogram"), spec_of("mfcc")
    track = np.asarray(np.random.default_rng(0).standard_normal(661_500), np.float32)
    segments = rule.apply(track, spec)
    whole = spec.transform(track[None])["mfcc"][0]
    assert rule.shapes(spec) == {"mfcc": (258, 13)}
    assert segments.inputs["mfcc"].shape == (5, 258, 13)
    np.testing.assert_array_equal(segments.inputs["mfcc"].reshape(-1, 13), whole[: 5 * 258])
    np.testing.assert_allclose(segments.starts, np.arange(5) * 258 * 512 / 22050)


@pytest.mark.parametrize("source", ["audio", "spectrogram"])
def test_shapes_of_real_features_are_as_announced(
    rule_of: Maker, spec_of: Maker, signals: dict[str, Samples], source: str
) -> None:
    track = np.tile(signals["music"], 2)
    for name in ("mel", "mfcc"):
        spec, rule = spec_of(name), rule_of(length=1.5, hop=0.7, min_fill=0.5, source=source)
        for segments in (rule.apply(track, spec), rule.cover(track[:9000], spec)):
            received = {key: array.shape[1:] for key, array in segments.inputs.items()}
            assert received == rule.shapes(spec)
            assert len(segments) > 0


@pytest.mark.parametrize("source", ["audio", "spectrogram"])
def test_a_track_shorter_than_a_segment_gives_none(
    rule_of: Maker, spec_of: Maker, source: str
) -> None:
    segments = rule_of(source=source).apply(np.ones(22050, np.float32), spec_of("mel"))
    assert len(segments) == 0
    assert segments.inputs["mel"].shape[0] == 0


def test_a_short_clip_is_repeated_for_a_prediction() -> None:
    rule = SegmentRule(1.0, None, None, 0.99, "audio")
    (piece,) = heard(rule.cover(ramp(40), SAMPLEWISE))
    np.testing.assert_array_equal(piece, [*range(1, 41), *range(1, 41), *range(1, 21)])


def test_a_short_rest_is_heard_by_a_segment_that_ends_with_the_audio() -> None:
    rule = SegmentRule(1.0, 3.0, 1, 0.99, "audio")
    segments = rule.cover(ramp(250), SAMPLEWISE)
    np.testing.assert_allclose(segments.starts, [0, 1, 1.5])
    assert heard(segments)[-1][-1] == 250


def test_an_overlapping_rest_that_adds_nothing_is_left_out() -> None:
    rule = SegmentRule(1.0, 0.5, None, 0.3, "audio")
    np.testing.assert_allclose(rule.apply(ramp(200), SAMPLEWISE).starts, [0, 0.5, 1])
    np.testing.assert_allclose(rule.apply(ramp(210), SAMPLEWISE).starts, [0, 0.5, 1, 1.5])


@pytest.mark.parametrize("source", ["audio", "spectrogram"])
def test_empty_audio_gives_no_segment_even_for_a_prediction(source: Any) -> None:
    rule = SegmentRule(0.1, None, None, 0.5, source)
    assert len(rule.cover(ramp(0), FRAMEWISE)) == 0
    assert len(rule.apply(ramp(0), FRAMEWISE)) == 0


def test_frames_cannot_be_cut_from_what_has_none(rule_of: Maker) -> None:
    with pytest.raises(ConfigError, match=r"use segment\.source=audio"):
        rule_of(source="spectrogram").shapes(Mean("mean", RATE, 10))


def test_segments_shorter_than_a_frame_are_refused(rule_of: Maker, spec_of: Maker) -> None:
    with pytest.raises(ConfigError, match="use longer segments"):
        rule_of(length=0.05).shapes(spec_of("mel", center=False))
    with pytest.raises(ConfigError, match="use longer segments"):
        rule_of(length=0.02, source="spectrogram").shapes(spec_of("mel"))


def test_lengths_that_are_not_exact_in_binary_lose_no_frame() -> None:
    assert SegmentRule(0.29, None, None, 1, "spectrogram").frames(Raw("raw", 100, 1)) == 29
    rule = SegmentRule(30, None, None, 0.1, "audio")
    assert len(rule.apply(ramp(3), Raw("raw", 1, 1))) == 1


@pytest.mark.parametrize(
    ("count", "starts"), [(None, [0, 1, 2, 3, 4, 5, 6, 7, 8]), (2, [0, 1, 2]), (1, [0])]
)
def test_crops_start_every_hop_as_far_as_the_segments_reach(
    count: int | None, starts: list[int]
) -> None:
    rule = SegmentRule(0.2, None, count, 1, "audio").every(0.1)
    segments = rule.apply(ramp(10), Raw("raw", 10, 1))
    assert (10 * segments.starts).round().astype(int).tolist() == starts
    assert {len(piece) for piece in heard(segments)} == {2}


def test_a_share_of_zero_is_refused(rule_of: Maker) -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        rule_of(min_fill=0)


@pytest.mark.parametrize(("name", "length"), [("3s", 3.0), ("6s", 6.0), ("30s", 30.0)])
def test_the_segment_files_say_what_their_names_say(name: str, length: float) -> None:
    path = conf_dir() / "segment" / f"{name}.yaml"
    rule = TypeAdapter(SegmentRule).validate_python(OmegaConf.to_container(OmegaConf.load(path)))
    assert rule == SegmentRule(length, None, None, 0.99, "audio")
    assert path.read_text("utf-8").startswith("# ")


@pytest.mark.parametrize("source", ["audio", "spectrogram"])
@pytest.mark.parametrize("seconds", [2.5, 3.0])
def test_distorted_segments_are_the_same_segments(
    source: str, seconds: float, spec_of: Callable[..., Any], rule_of: Callable[..., Any]
) -> None:
    spec, rule = (
        spec_of("mel", n_mels=16, top_db=None),
        rule_of(length=1.0, min_fill=0.5, source=source),
    )
    rng = np.random.default_rng(0)
    track = (0.1 * rng.standard_normal(round(seconds * spec.rate))).astype(np.float32)
    plain = rule.apply(track, spec)
    same = rule.distorted(track, spec, lambda pieces: pieces)
    np.testing.assert_allclose(same.starts, plain.starts, atol=1e-12)
    assert same.seconds == pytest.approx(plain.seconds)
    assert {n: x.shape for n, x in same.inputs.items()} == {
        n: x.shape for n, x in plain.inputs.items()
    }
    # Where frames were cut, those at the edges saw their neighbours; now they see none.
    inner = slice(None) if source == "audio" else slice(3, -3)
    whole = len(plain.starts) - 1
    np.testing.assert_allclose(
        same.inputs["mel"][:whole, inner], plain.inputs["mel"][:whole, inner], atol=1e-3
    )
    halved = rule.distorted(track, spec, lambda pieces: pieces / 2)
    difference = same.inputs["mel"][0, inner] - halved.inputs["mel"][0, inner]
    np.testing.assert_allclose(difference, 20 * np.log10(2), atol=1e-3)


@pytest.mark.parametrize("source", ["audio", "spectrogram"])
@pytest.mark.parametrize("count", [7, 50, 98, 150, 250, 301])
def test_short_tracks_can_be_repeated_as_a_prediction_does_it_and_others_stay_as_they_are(
    source: Any, count: int
) -> None:
    spec = FRAMEWISE if source == "spectrogram" else SAMPLEWISE
    rule = SegmentRule(
        length=1.0, hop=None, count=None, min_fill=0.99, source=source, short_tracks="repeat"
    )
    rejecting = replace(rule, short_tracks="reject")
    expected = rule.cover(ramp(count), spec) if count < 99 else rejecting.apply(ramp(count), spec)
    found = rule.apply(ramp(count), spec)
    assert len(rejecting.apply(ramp(count), spec)) == (0 if count < 99 else len(found))
    assert np.array_equal(found.inputs["raw"], expected.inputs["raw"])
    assert np.array_equal(found.starts, expected.starts)
    copy = rule.distorted(ramp(count), spec, lambda samples: samples)
    assert np.array_equal(copy.starts, found.starts)
    if count < 99:
        assert np.array_equal(copy.inputs["raw"], found.inputs["raw"])


def test_a_rule_from_before_short_tracks_rejects_them() -> None:
    values = {"length": 1.0, "hop": None, "count": None, "min_fill": 0.99, "source": "audio"}
    assert TypeAdapter(SegmentRule).validate_python(values).short_tracks == "reject"
