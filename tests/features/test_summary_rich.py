from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ConfigError
from genrecls.features.summary_rich import COLUMNS
from tests.conftest import ComposeExperiment

SpecMaker = Callable[..., Any]


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


def test_too_few_bins_for_the_bands_are_refused_in_one_line(
    compose_experiment: ComposeExperiment,
) -> None:
    with pytest.raises(ConfigError, match=r"^features\.?.*n_mels: received 96, but .* larger"):
        compose_experiment(
            "features=summary_rich", "model=svm", "features.n_fft=128", "features.hop_length=64"
        )
