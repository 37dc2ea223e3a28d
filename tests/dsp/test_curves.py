from __future__ import annotations

import numpy as np

from genrecls.dsp.curves import modulation, onsets, timbre
from genrecls.features.summary_rich import OCTAVES, TEMPI

RATE = 50.0


def test_the_modulation_is_found_at_the_rate_at_which_a_band_swells() -> None:
    time = np.arange(1500) / RATE
    bands = np.stack([np.sin(2 * np.pi * 3 * time), np.sin(2 * np.pi * 0.7 * time)], axis=1)
    power = modulation(10 * bands, RATE, OCTAVES).reshape(len(OCTAVES) - 1, 2)
    assert OCTAVES[power[:, 0].argmax()] == 2.0
    assert OCTAVES[power[:, 1].argmax()] == 0.5
    assert (np.sort(power, axis=0)[-1] - np.sort(power, axis=0)[-2] > 20).all()


def test_onsets_repeat_at_the_tempo_of_a_beat() -> None:
    frames = np.arange(1500)
    beat = 20.0 * (frames % 30 < 3)  # every 0.6 s: 100 BPM
    values = onsets(np.repeat(beat[:, None], 24, axis=1), RATE, TEMPI)
    repetition = dict(zip(TEMPI, values[4:], strict=True))
    assert repetition[100] > 0.9
    assert repetition[50] > 0.9, "two beats are a period, too"
    assert all(value < 0.2 for tempo, value in repetition.items() if tempo not in {50, 100, 200})


def test_curves_of_one_frame_do_not_change() -> None:
    values = timbre(np.ones((1, 20)))
    np.testing.assert_array_equal(values, np.repeat([1.0, 0, 0, 0], 20))
