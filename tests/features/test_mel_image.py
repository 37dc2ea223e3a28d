from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from numpy.typing import NDArray
from pydantic import ValidationError

from genrecls.dsp.mel import apply_colours, pre_emphasise
from genrecls.errors import ConfigError
from genrecls.features.mel_image import colour_table, scaled

Maker = Callable[..., Any]
Signals = dict[str, NDArray[np.float32]]


def test_one_is_the_loudest_and_zero_is_top_db_below(spec_of: Maker, signals: Signals) -> None:
    decibels = spec_of("mel", ref="max", top_db=30.0).transform(signals["music"][None])["mel"]
    picture = spec_of("mel_image", top_db=30.0).transform(signals["music"][None])["picture"]
    np.testing.assert_allclose(picture, 1 + decibels / 30, atol=1e-6)
    assert picture.max() == 1
    assert picture.min() == pytest.approx(0, abs=1e-6)


def test_silence_is_dark(spec_of: Maker, signals: Signals) -> None:
    segments = np.stack([signals["zeros"], signals["noise"]])
    silent, loud = spec_of("mel_image", size=[20, 30]).transform(segments)["picture"]
    assert not silent.any()
    assert loud.max() > 0.9


def test_low_frequencies_come_first(spec_of: Maker) -> None:
    time = np.arange(22050) / 22050
    tones = np.stack([np.sin(2 * np.pi * f * time) for f in (200, 6000)]).astype(np.float32)
    low, high = spec_of("mel_image", size=[10, 50]).transform(tones)["picture"]
    assert low.shape == (10, 50)
    assert low.mean(axis=0).argmax() < 10
    assert high.mean(axis=0).argmax() > 30


def test_enlarging_interpolates_and_shrinking_averages() -> None:
    np.testing.assert_allclose(scaled(np.array([[0, 1]], np.float32), (1, 4)), [[0, 0.25, 0.75, 1]])
    checks = np.indices((40, 60)).sum(axis=0).astype(np.float32) % 2
    small = scaled(checks, (10, 15))
    assert small.shape == (10, 15)
    np.testing.assert_allclose(small, 0.5, atol=0.05)
    np.testing.assert_array_equal(scaled(checks, (40, 60)), checks)


def test_colours_are_those_of_matplotlib(spec_of: Maker, signals: Signals) -> None:
    grey = spec_of("mel_image").transform(signals["music"][None])["picture"]
    jet = spec_of("mel_image", colour="jet").transform(signals["music"][None])["picture"]
    assert jet.shape == (*grey.shape, 3)
    np.testing.assert_allclose(jet, colormaps["jet"](grey)[..., :3], atol=1e-6)
    assert jet.min() >= 0
    assert jet.max() <= 1


@pytest.mark.parametrize("name", ["viridis", "magma", "inferno", "plasma", "cividis", "turbo"])
def test_every_colour_map_has_two_ends(name: Any) -> None:
    table = colour_table(name)
    assert table is not None
    dark, bright = apply_colours(np.array([0, 1], np.float32), table.astype(np.float32))
    np.testing.assert_allclose(dark, colormaps[name](0.0)[:3], atol=1e-6)
    np.testing.assert_allclose(bright, colormaps[name](1.0)[:3], atol=1e-6)


def test_repeating_gives_three_equal_channels(spec_of: Maker, signals: Signals) -> None:
    grey = spec_of("mel_image").transform(signals["music"][None])["picture"]
    three = spec_of("mel_image", colour="repeat").transform(signals["music"][None])["picture"]
    np.testing.assert_array_equal(three, np.stack([grey] * 3, axis=-1))


def test_pre_emphasis_is_that_of_the_formula(spec_of: Maker, signals: Signals) -> None:
    sound = signals["music"]
    expected = np.append(sound[0], sound[1:] - 0.97 * sound[:-1])
    received = pre_emphasise(sound[None], 0.97)[0]
    np.testing.assert_allclose(received, expected, atol=1e-6)
    with_it = spec_of("mel_image", pre_emphasis=0.97).transform(sound[None])["picture"]
    np.testing.assert_array_equal(
        with_it, spec_of("mel_image").transform(received[None])["picture"]
    )


def test_the_pictures_of_bahuleyan_have_their_size(spec_of: Maker, signals: Signals) -> None:
    spec = spec_of("mel_image", n_mels=96, pre_emphasis=0.97, size=[216, 216], colour="jet")
    assert spec.transform(signals["music"][None])["picture"].shape == (1, 216, 216, 3)


def test_segments_without_frames_give_empty_pictures(spec_of: Maker, rule_of: Maker) -> None:
    spec = spec_of("mel_image", center=False, size=[8, 8], colour="repeat")
    assert spec.transform(np.zeros((2, 100), np.float32))["picture"].shape == (2, 0, 128, 3)
    assert spec.transform(np.zeros((0, 5000), np.float32))["picture"].shape == (0, 8, 8, 3)
    with pytest.raises(ConfigError, match="use longer segments"):
        rule_of(length=0.01).shapes(spec)


def test_frames_are_cut_from_pictures_of_their_own_size_only(
    spec_of: Maker, rule_of: Maker, signals: Signals
) -> None:
    rule = rule_of(length=0.5, source="spectrogram")
    spec = spec_of("mel_image", colour="jet")
    pieces = rule.apply(signals["music"], spec).inputs["picture"]
    whole = spec.transform(signals["music"][None])["picture"][0]
    assert pieces.shape[1:] == rule.shapes(spec)["picture"] == (21, 128, 3)
    np.testing.assert_array_equal(pieces[1], whole[21:42])
    with pytest.raises(ConfigError, match=r"has no frames to cut; use segment\.source=audio"):
        rule.shapes(spec_of("mel_image", size=[216, 216]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ref": 1.0}, "'max'"),
        ({"top_db": None}, "valid number"),
        ({"pre_emphasis": 1.0}, "less than 1"),
        ({"size": [216, 0]}, "greater than 0"),
        ({"colour": "grey3"}, "'grey'"),
    ],
)
def test_impossible_settings_are_refused(
    spec_of: Maker, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        spec_of("mel_image", **changes)
