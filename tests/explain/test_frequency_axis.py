from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.config.validation import select
from genrecls.explain.frequency_axis import axis_of, row_of
from genrecls.features.base import FEATURES
from genrecls.features.mel import Mel
from tests.composed import conf_values


def mel(**changes: Any) -> Mel:
    spec = select(FEATURES, {**conf_values("features/mel"), **changes})
    assert isinstance(spec, Mel)
    return spec


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("hz", [300, 1000, 5000])
def test_a_tone_is_loudest_in_the_row_of_its_frequency(scale: str, hz: int) -> None:
    spec = mel(mel_scale=scale, n_mels=64)
    tone = np.sin(2 * np.pi * hz * np.arange(22050) / 22050).astype(np.float32)
    loudest = int(spec.transform(tone[None])["mel"][0].mean(axis=0).argmax())
    assert row_of(hz, spec, 64) == pytest.approx(loudest, abs=0.75)


def test_a_picture_of_another_height_shows_the_same_range() -> None:
    spec = mel()
    for hz in (200, 3000):
        share, other = ((row_of(hz, spec, rows) + 0.5) / rows for rows in (128, 224))
        assert share == pytest.approx(other)


def test_mel_bands_are_marked_in_hz_and_no_mark_touches_another() -> None:
    axis = axis_of(mel(), 128)
    places, names = zip(*axis.ticks, strict=True)
    assert axis.label == "frequency (Hz)"
    assert {"500", "1000", "2000", "4000", "8000"} <= set(names)
    assert np.diff(places).min() > 0.06 * 128
    assert 0 <= min(places) <= max(places) <= 127.5
    assert "8000" not in [name for _, name in axis_of(mel(fmax=6000.0), 128).ticks]


def test_coefficients_are_numbered_and_not_frequencies() -> None:
    axis = axis_of(select(FEATURES, conf_values("features/mfcc")), 13)
    assert (axis.label, axis.ticks) == ("coefficient", ())
