from __future__ import annotations

import json
import sys
import zlib
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import RunError
from genrecls.features.base import FeatureSpec
from genrecls.features.mel_image import MelImage, colour_table
from genrecls.inference.front_end import feature_front_end
from genrecls.runtime.colormaps import pack_colours, unpack_colours
from genrecls.runtime.front_end import front_end_of
from tests.export.exported import features

RATE = 8000
COLOURS = ("jet", "viridis", "magma", "inferno", "plasma", "cividis", "turbo")


def _card(spec: FeatureSpec) -> dict[str, Any]:
    table = colour_table(spec.colour) if isinstance(spec, MelImage) else None
    colours = {} if table is None else {"colours": pack_colours(table)}
    # As it comes out of a file: lists where there were tuples.
    read: dict[str, Any] = json.loads(json.dumps({"features": asdict(spec), **colours}))
    return read


def _sounds() -> NDArray[np.float32]:
    rng, time = np.random.default_rng(3), np.arange(RATE) / RATE
    noise = 0.3 * rng.standard_normal(RATE)
    click = np.eye(1, RATE, RATE // 3)[0]
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    beats = tone * np.exp(-6 * (4 * time % 1)) + 0.01 * noise
    return np.asarray([noise, click, np.zeros(RATE), tone, beats, 1e-4 * beats], np.float32)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("mel", {}),
        ("mel", {"center": False, "power": 1, "window": "hamming"}),
        ("mel", {"mel_scale": "htk", "mel_norm": None, "fmin": 50.0, "fmax": 3500.0}),
        ("mel", {"ref": "max", "top_db": None, "amin": 1e-5}),
        ("mfcc", {}),
        ("mfcc", {"lifter": 22.0}),
        ("mfcc", {"n_mfcc": 16, "center": False}),
    ],
)
def test_bands_and_coefficients_are_those_of_training(name: str, changes: dict[str, Any]) -> None:
    spec, sounds = features(name, **changes), _sounds()
    received, expected = front_end_of(_card(spec)).transform(sounds), spec.transform(sounds)
    assert received.keys() == expected.keys()
    assert received[name].dtype == np.float32
    np.testing.assert_allclose(received[name][[0, 2, 4]], expected[name][[0, 2, 4]], atol=1e-3)
    # Far below a pure tone there is only rounding, which a lifter of 22 makes 12 times as large.
    np.testing.assert_allclose(received[name], expected[name], atol=5e-3, rtol=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": None, "colour": "grey"},
        {"size": [20, 40], "colour": "repeat"},
        {"size": [216, 9], "colour": "grey", "pre_emphasis": 0.97},
        {"size": [32, 32], "colour": "grey", "top_db": 40.0},
    ],
)
def test_pictures_are_those_of_training(changes: dict[str, Any]) -> None:
    spec, sounds = features("mel_image", **changes), _sounds()
    received, expected = front_end_of(_card(spec)).transform(sounds), spec.transform(sounds)
    np.testing.assert_allclose(received["picture"], expected["picture"], atol=1e-4)


@pytest.mark.parametrize("colour", COLOURS)
def test_coloured_pictures_are_those_of_training(colour: str) -> None:
    spec, sounds = features("mel_image", size=[40, 24], colour=colour), _sounds()
    received = front_end_of(_card(spec)).transform(sounds)["picture"]
    expected = spec.transform(sounds)["picture"]
    # Rounding may move a value over the border to the next of the 256 colours.
    assert np.mean(np.abs(received - expected).max(axis=-1) > 1e-4) < 0.01
    np.testing.assert_allclose(received, expected, atol=0.04)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_map_comes_back_and_takes_less_than_half_a_kilobyte(colour: Any) -> None:
    table = colour_table(colour)
    assert table is not None
    packed = pack_colours(table)
    np.testing.assert_allclose(unpack_colours(packed), table, atol=6e-5)
    assert len(zlib.compress(json.dumps(packed, separators=(",", ":")).encode(), 9)) < 512


def test_summary_and_joint_are_computed_by_the_features_of_genrecls() -> None:
    sounds = _sounds()[:2]
    for name in ("summary", "multi_input"):
        spec = features(name)
        received, expected = (
            front_end_of(_card(spec), feature_front_end).transform(sounds),
            spec.transform(sounds),
        )
        assert received.keys() == expected.keys()
        for key in expected:
            np.testing.assert_array_equal(received[key], expected[key])


def test_summary_without_librosa_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    card = _card(features("summary"))
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(RunError, match=r"librosa is not installed; .*mel, mfcc or mel_image"):
        front_end_of(card, feature_front_end)


def test_summary_where_nothing_computes_it_is_one_line() -> None:
    with pytest.raises(RunError, match=r"does without librosa; .*mel, mfcc or mel_image"):
        front_end_of(_card(features("summary")))


@pytest.mark.parametrize("name", ["kaggle_picture", "kaggle_table"])
def test_what_was_published_ready_made_is_no_audio(name: str) -> None:
    with pytest.raises(RunError, match=f"features={name}.* no audio; train with"):
        front_end_of({"features": {"name": name}})


def test_a_coloured_picture_without_its_colours_is_refused() -> None:
    card = _card(features("mel_image", colour="jet"))
    del card["colours"]
    with pytest.raises(ValueError, match="colours: missing"):
        front_end_of(card)
