from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.config.validation import select
from genrecls.datasets.base import Dataset
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import ConfigError
from genrecls.features.base import FEATURES
from genrecls.features.cache import FeatureStore, cache_key, settings
from genrecls.features.extract import extract
from tests.composed import composed

Maker = Callable[..., Any]
Signals = dict[str, NDArray[np.float32]]


def chosen(*overrides: str) -> Any:
    """Return the features that a command line chooses."""
    return select(FEATURES, composed("train", *overrides)["features"])


@pytest.mark.parametrize(
    ("name", "part"), [("mel_summary", "mel"), ("mel_image_summary", "mel_image")]
)
def test_both_inputs_are_those_of_the_parts(
    spec_of: Maker, signals: Signals, name: str, part: str
) -> None:
    joint, segments = chosen(f"features={name}"), signals["music"][None]
    received = joint.transform(segments)
    expected = spec_of(part).transform(segments) | spec_of("summary").transform(segments)
    assert list(received) == list(expected)
    for input_name, array in expected.items():
        np.testing.assert_array_equal(received[input_name], array)


def test_the_parts_are_set_like_features_of_their_own() -> None:
    joint = chosen(
        "features=mel_summary", "features.picture.n_mels=64", "features.summary.hop_length=1024"
    )
    assert joint.picture.n_mels == 64
    assert joint.step == 512
    assert joint.shapes(66_150) == {"mel": (130, 64), "summary": (57,)}


def test_both_parts_follow_one_sample_rate() -> None:
    joint = chosen("features=mel_summary", "features.picture.sample_rate=16000")
    assert joint.rate == joint.summary.sample_rate == 16_000


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("+features.picture.n_mel=64", r"features\.picture\.n_mel: unknown key; .* 'n_mels'\?"),
        ("features.picture.n_mels=x", r"features\.picture\.n_mels: received 'x'; allowed: a whole"),
        ("~features.picture.n_mels", r"features\.picture\.n_mels: missing; give it a value"),
        ("features.picture.n_mels=999", r"features\.picture\.n_mels: received 999, but"),
        ("features.picture.name=mell", r"features\.picture\.name: .*; did you mean 'mel'\?"),
        (
            "features.picture.name=summary",
            r"features\.picture\.name: .* allowed: (\w+, )*mel, mel_image, mfcc",
        ),
        ("features.summary.n_fft=x", r"features\.summary\.n_fft: received 'x'; allowed: a whole"),
        ("+features.summary.n_mels=64", r"features\.summary\.n_mels: unknown key; allowed: name,"),
        ("features.summary.sample_rate=8000", r"features\.summary: .* picture \(22050\)"),
    ],
)
def test_what_is_wrong_with_a_part_gets_one_line_with_its_place(
    override: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        chosen("features=mel_summary", override)
    assert "\n" not in str(caught.value)


def test_it_survives_the_way_through_a_model_card() -> None:
    for name in ("mel_summary", "mel_image_summary"):
        joint = chosen(f"features={name}")
        assert select(FEATURES, json.loads(json.dumps(asdict(joint)))) == joint


def test_the_cache_tells_the_settings_of_the_parts_apart(rule_of: Maker) -> None:
    joint = chosen("features=mel_summary")
    variants = [
        joint,
        replace(joint, picture=replace(joint.picture, n_mels=64)),
        replace(joint, summary=replace(joint.summary, hop_length=256)),
    ]
    keys = {cache_key(settings(spec, rule_of(), AudioLimits())) for spec in variants}
    assert len(keys) == 3


def test_frames_cannot_be_cut_from_both(rule_of: Maker) -> None:
    with pytest.raises(ConfigError, match="'summary' of features=multi_input has no frames to cut"):
        rule_of(source="spectrogram").shapes(chosen("features=mel_summary"))


def test_a_data_set_is_extracted_once(dataset: Dataset, rule_of: Maker, tmp_path: Path) -> None:
    joint, rule = chosen("features=mel_summary"), rule_of(length=1.0)
    first = extract(dataset, joint, rule, FeatureStore(tmp_path / "cache"))
    again = extract(dataset, joint, rule, FeatureStore(tmp_path / "cache"))
    assert (first.computed, again.hits) == (4, 4)
    for track, features in again.tracks.items():
        inputs = features.segments.inputs
        assert {name: array.shape for name, array in inputs.items()} == {
            "mel": (3, 44, 128),
            "summary": (3, 57),
        }
        np.testing.assert_array_equal(
            inputs["summary"], first.tracks[track].segments.inputs["summary"]
        )
