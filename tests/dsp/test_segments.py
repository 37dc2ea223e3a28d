from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from genrecls.dsp.segments import SegmentGrid, audio_window, windows
from genrecls.errors import ConfigError
from genrecls.features.segmentation import SegmentRule
from tests.export.exported import RATE, features, music, segment_rule


def test_a_window_of_cut_samples_is_the_segment_itself() -> None:
    spec, rule = features("mel"), segment_rule("audio", 0.5)
    window = audio_window(asdict(spec), asdict(rule))
    assert (window.length, window.hop, window.margin) == (rule.samples(spec.rate), 128, 0)


@pytest.mark.parametrize("changes", [{}, {"hop_length": 100}, {"center": False, "n_fft": 512}])
def test_a_window_of_cut_frames_gives_the_frames_of_the_whole_track(
    changes: dict[str, Any],
) -> None:
    spec, rule = features("mel", top_db=None, **changes), segment_rule("spectrogram", 0.5)
    window = audio_window(asdict(spec), asdict(rule))
    (track,) = music(1, 16_000)
    segments = rule.cover(track, spec)
    starts = np.rint(segments.starts * spec.rate).astype(np.int64)
    cut = windows(np.pad(track, window.margin), starts, window.length)
    bare = features("mel", top_db=None, **{**changes, "center": False})
    found = bare.transform(cut)["mel"]
    assert found.shape == segments.inputs["mel"].shape
    # A last segment beyond the end of the track has other zeros behind it.
    np.testing.assert_allclose(found[:-1], segments.inputs["mel"][:-1], atol=1e-3)


@pytest.mark.parametrize(
    ("length", "hop", "reason"),
    [
        (3.0, 0.0, "hop: received 0 s; allowed: at least 0.03 s with segments of 3 s"),
        (3.0, 1e-5, "hop: received 1e-05 s; allowed: at least 0.03 s"),
        (0.05, 1e-4, "hop: received 0.0001 s; allowed: at least 0.001 s"),
        (1e-4, None, "length: received 0.0001 s; allowed: at least 0.001 s"),
    ],
)
def test_a_rule_that_would_never_end_is_refused(
    length: float, hop: float | None, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        SegmentRule(length, hop, count=None, min_fill=1.0, source="audio")
    SegmentRule(length=3.0, hop=0.03, count=None, min_fill=1.0, source="audio")


@pytest.mark.parametrize("name", ["mel", "mfcc", "mel_image", "summary", "multi_input"])
@pytest.mark.parametrize("source", ["audio", "spectrogram"])
def test_segments_that_would_not_fit_into_memory_are_refused_whatever_they_become(
    name: str, source: str
) -> None:
    spec = features(name)
    for length in (1e6, 1e300):
        with pytest.raises(ConfigError, match=r"segment\.length: .*; allowed: at most"):
            segment_rule(source, length).shapes(spec)


def test_sizes_are_multiplied_even_where_the_picture_itself_is_small() -> None:
    spec = features("mel_image", hop_length=8, n_mels=120, n_fft=2048, size=[8, 8])
    with pytest.raises(ConfigError, match=r"segment\.length: .* make 120,000,\d+ numbers of"):
        segment_rule("audio", 1000.0).shapes(spec)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("mel", {"n_fft": 2**30}),
        ("mel", {"n_mels": 10**9}),
        ("mel", {"sample_rate": 10**9}),
        ("summary", {"n_fft": 2**30}),
        ("summary", {"sample_rate": 10**9}),
    ],
)
def test_features_that_would_not_fit_into_memory_are_refused_by_their_setting(
    name: str, changes: dict[str, Any]
) -> None:
    (key,) = changes
    with pytest.raises(ConfigError, match=f"features\\.{key}: received"):
        features(name, **changes)


def test_frames_of_a_representation_that_does_not_say_what_they_hold_are_cut_of_files_alone() -> (
    None
):
    plain = {"name": "mine", "sample_rate": RATE, "hop_length": 128}
    grid = SegmentGrid.of(plain, asdict(segment_rule("spectrogram", 0.5)))
    assert grid.cut.length == 31
    with pytest.raises(ConfigError, match=r"features=mine does not say .*segment\.source=audio"):
        _ = grid.window
