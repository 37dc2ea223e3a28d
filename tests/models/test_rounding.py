"""Networks that round as their int8 files will."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ConfigError
from genrecls.models.rounding import is_rounded, require_roundable, round_weights, with_rounding
from tests.models.families import build, noise

pytestmark = pytest.mark.tensorflow

SIZES = {"cnn": (40, 13), "separable": (64, 32), "mlp": (57,)}


def network(name: str, **changes: Any) -> Any:
    """Return a network whose batch normalisations have learnt something."""
    import keras

    model = build(name, SIZES[name], source="x", **changes)
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    random.uniform(0.5, 1.5, gamma.shape),
                    random.normal(0, 0.2, beta.shape),
                    random.normal(0, 0.2, mean.shape),
                    random.uniform(0.5, 1.5, variance.shape),
                ]
            )
    return model


def answers(model: Any, examples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(model({"x": examples}, training=False))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("cnn", {}),
        ("separable", {}),
        ("separable", {"kind": "inverted_residual", "squeeze": 4}),
        ("mlp", {}),
    ],
)
def test_a_copy_answers_almost_what_the_network_answers(name: str, changes: dict[str, Any]) -> None:
    import keras

    model, examples = network(name, **changes), noise(64, SIZES[name])
    require_roundable(model)

    copy = with_rounding(model, {"x": examples})

    assert is_rounded(copy)
    assert not is_rounded(model)
    assert not any(isinstance(each, keras.layers.BatchNormalization) for each in copy.layers)
    difference = np.abs(answers(copy, examples) - answers(model, examples))
    assert 0 < difference.mean() < 0.03


def test_a_layer_gives_256_values_at_most() -> None:
    import keras

    examples = noise(64, SIZES["cnn"])
    copy = with_rounding(network("cnn"), {"x": examples})
    (read,) = [layer.input for layer in copy.layers if layer.name == "pool1"]

    values = np.asarray(keras.Model(copy.input, read)({"x": examples}))

    assert 100 < len(np.unique(values)) <= 256
    assert 0 in values


def test_zero_stays_zero_where_a_layer_is_never_negative() -> None:
    import keras

    examples = np.abs(noise(64, SIZES["cnn"])) + 1
    model = build("cnn", SIZES["cnn"], source="x", standardise=False)
    copy = with_rounding(model, {"x": examples})

    silent = {"x": np.zeros((1, *SIZES["cnn"]), np.float32)}

    read = keras.Model(copy.input, copy.get_layer("conv1").input)
    assert np.all(np.asarray(read(silent)) == 0)


def test_weights_become_what_an_int8_file_holds_of_each_filter() -> None:
    copy = with_rounding(network("separable"), {"x": noise(8, SIZES["separable"])})

    round_weights(copy)

    depthwise = copy.get_layer("block2_depthwise").get_weights()[0]
    for kernel in (copy.get_layer("block2_pointwise").get_weights()[0], depthwise[..., 0]):
        steps = kernel / np.abs(kernel).max(axis=(0, 1, 2)[: kernel.ndim - 1]) * 127
        np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    before = [layer.get_weights() for layer in copy.layers]
    round_weights(copy)
    for old, new in zip(before, (layer.get_weights() for layer in copy.layers), strict=True):
        for one, other in zip(old, new, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-8)


def test_its_file_needs_nothing_but_keras(tmp_path: Path) -> None:
    import keras

    examples = noise(16, SIZES["separable"])
    copy = with_rounding(network("separable"), {"x": examples})

    copy.save(tmp_path / "model.keras")

    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(answers(again, examples), answers(copy, examples))


@pytest.mark.parametrize(
    ("name", "changes", "layer"),
    [
        ("crnn", {}, "lstm1"),
        ("cnn", {"conv": {"norm": "after_pool"}}, "norm1"),
        ("cnn", {"conv": {"activation": "elu"}}, "elu1"),
        ("cnn", {"global_pooling": "statistics"}, ""),
    ],
)
def test_other_networks_are_refused_by_the_layer(
    name: str, changes: dict[str, Any], layer: str
) -> None:
    model = build(name, (130, 13), **changes)
    with pytest.raises(ConfigError, match=rf"^trainer\.int8_epochs: .* layer '{layer}.*; use 0"):
        require_roundable(model)
