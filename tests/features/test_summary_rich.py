from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ConfigError
from genrecls.features.summary_rich import COLUMNS, OCTAVES, TEMPI, modulation, onsets, timbre
from tests.conftest import ComposeExperiment

SpecMaker = Callable[..., Any]
RATE = 50.0


def column(values: NDArray[Any], name: str, names: tuple[str, ...] = COLUMNS) -> float:
    return float(values[names.index(name)])


def test_there_are_388_columns_of_different_names(spec_of: SpecMaker) -> None:
    spec = spec_of("summary_rich")
    assert spec.names == COLUMNS
    assert len(set(COLUMNS)) == 388
    assert spec.shapes(22050) == {"summary_rich": (388,)}


@pytest.mark.parametrize("name", ["noise", "click", "zeros", "tone", "music", "quiet music"])
def test_every_signal_of_any_length_has_finite_values(
    name: str, spec_of: SpecMaker, signals: dict[str, NDArray[np.float32]]
) -> None:
    spec = spec_of("summary_rich")
    for length in (1, 700, len(signals[name])):
        values = spec.transform(signals[name][None, :length])["summary_rich"]
        assert values.shape == (1, 388)
        assert np.isfinite(values).all()


def test_a_louder_copy_moves_the_means_and_nothing_else(
    spec_of: SpecMaker, signals: dict[str, NDArray[np.float32]]
) -> None:
    both = np.stack([signals["music"], 2 * signals["music"]])
    quiet, loud = spec_of("summary_rich").transform(both)["summary_rich"]
    moved = {name for name, a, b in zip(COLUMNS, quiet, loud, strict=True) if abs(a - b) > 0.01}
    assert moved == {"mfcc1_mean"} | {c for c in COLUMNS if "percentile" in c and "band" in c}
    step = column(loud, "band3_percentile50") - column(quiet, "band3_percentile50")
    assert step == pytest.approx(20 * np.log10(2), abs=1e-3)


def test_the_modulation_is_found_at_the_rate_at_which_a_band_swells() -> None:
    time = np.arange(1500) / RATE
    bands = np.stack([np.sin(2 * np.pi * 3 * time), np.sin(2 * np.pi * 0.7 * time)], axis=1)
    power = modulation(10 * bands, RATE).reshape(len(OCTAVES) - 1, 2)
    assert OCTAVES[power[:, 0].argmax()] == 2.0
    assert OCTAVES[power[:, 1].argmax()] == 0.5
    assert (np.sort(power, axis=0)[-1] - np.sort(power, axis=0)[-2] > 20).all()


def test_onsets_repeat_at_the_tempo_of_a_beat() -> None:
    frames = np.arange(1500)
    beat = 20.0 * (frames % 30 < 3)  # every 0.6 s: 100 BPM
    values = onsets(np.repeat(beat[:, None], 24, axis=1), RATE)
    repetition = dict(zip(TEMPI, values[4:], strict=True))
    assert repetition[100] > 0.9
    assert repetition[50] > 0.9, "two beats are a period, too"
    assert all(value < 0.2 for tempo, value in repetition.items() if tempo not in {50, 100, 200})


def test_curves_of_one_frame_do_not_change() -> None:
    values = timbre(np.ones((1, 20)))
    np.testing.assert_array_equal(values, np.repeat([1.0, 0, 0, 0], 20))


def test_too_few_bins_for_the_bands_are_refused_in_one_line(
    compose_experiment: ComposeExperiment,
) -> None:
    with pytest.raises(ConfigError, match=r"^features\.?.*n_mels: received 96, but .* larger"):
        compose_experiment(
            "features=summary_rich", "model=svm", "features.n_fft=128", "features.hop_length=64"
        )
