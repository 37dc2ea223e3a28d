"""Depthwise-separable networks: what they are made of, and that they stay small."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.models.base import ModelFamily
from genrecls.models.cost import layer_costs
from tests.conftest import ComposeExperiment
from tests.models.families import build, unit

SMALL: dict[str, Any] = {
    "blocks": [
        {"filters": 8, "stride": 2, "pool": None, "expansion": 1},
        {"filters": 8, "stride": 1, "pool": None, "expansion": 2},
    ],
    "stem": {"filters": 4, "kernel": [3, 3], "stride": [2, 1], "pool": None},
}


def names(network: Any) -> set[str]:
    return {layer.name for layer in network.layers}


@pytest.mark.parametrize(
    ("preset", "parameters"),
    [("separable", 51_178), ("separable_tiny", 16_862), ("separable_residual", 84_417)],
)
def test_the_presets_are_as_small_as_they_say(
    preset: str, parameters: int, compose_experiment: ComposeExperiment
) -> None:
    words = (f"model={preset}", "features=mel", "features.n_mels=64", "segment.length=4.5")
    experiment = compose_experiment(*words, "features.hop_length=1024")
    shapes = experiment.segment.shapes(experiment.features)
    assert isinstance(experiment.model, ModelFamily)
    network = experiment.model.build(shapes, 10, unit(shapes))
    assert network.count_params() == parameters
    assert f"{round(parameters / 1000)},000 parameters" in _first_line(preset)
    assert sum(cost.macs for cost in layer_costs(network)) < 10e6


def _first_line(preset: str) -> str:
    from genrecls.config.paths import conf_dir

    return (conf_dir() / "model" / f"{preset}.yaml").read_text(encoding="utf-8").splitlines()[0]


def test_strides_are_those_of_the_blocks_and_the_stem() -> None:
    network = build("separable", (40, 20), **SMALL)
    assert network.get_layer("stem").output.shape[1:] == (20, 20, 4)
    assert network.get_layer("block1_depthwise").output.shape[1:] == (10, 10, 4)
    assert network.get_layer("block2_expand").output.shape[1:] == (10, 10, 16)
    assert network.get_layer("block2_pointwise").output.shape[1:] == (10, 10, 8)


def test_max_pooling_stands_behind_the_stem_and_behind_a_block() -> None:
    stem = {**SMALL["stem"], "pool": [2, 2]}
    first, second = SMALL["blocks"]
    network = build("separable", (40, 20), stem=stem, blocks=[first, {**second, "pool": [1, 3]}])
    assert network.get_layer("stem_pool").output.shape[1:] == (10, 10, 4)
    assert network.get_layer("block1_pointwise").output.shape[1:] == (5, 5, 8)
    assert network.get_layer("block2_pool").output.shape[1:] == (5, 2, 8)


def test_an_inverted_residual_adds_its_input_where_the_sizes_agree_and_ends_without_a_relu() -> (
    None
):
    plain = build("separable", (40, 20), **SMALL)
    residual = build("separable", (40, 20), kind="inverted_residual", last=12, **SMALL)
    assert not {name for name in names(plain) if name.endswith("_add")}
    assert {name for name in names(residual) if name.endswith("_add")} == {"block2_add"}
    assert "block2_pointwise_relu" in names(plain)
    assert "block2_pointwise_relu" not in names(residual)
    assert residual.get_layer("last").output.shape[-1] == 12


def test_squeeze_and_excitation_scales_each_channel_between_0_and_1() -> None:
    import keras

    network = build("separable", (40, 20), squeeze=4, **SMALL)
    scale = network.get_layer("block2_scale")
    view = keras.Model(network.input, [*scale.input, scale.output])
    batch = np.random.default_rng(0).standard_normal((3, 40, 20)).astype(np.float32)
    values, factors, scaled = (np.asarray(x) for x in view.predict({"mfcc": batch}, verbose=0))
    assert factors.shape == (3, 1, 1, 16)
    assert ((factors > 0) & (factors < 1)).all()
    assert scaled == pytest.approx(values * factors, abs=1e-6)
    assert network.get_layer("block2_reduce").output.shape[-1] == 4
