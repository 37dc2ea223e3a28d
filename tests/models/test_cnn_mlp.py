"""`cnn_mlp`: two inputs, whatever their names and order, and two branches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError
from genrecls.models.base import Shapes
from genrecls.models.cost import layer_costs
from tests.models.families import batch_of, build_for, family

SHAPES: Shapes = {"mel": (130, 13), "summary": (57,)}


def test_each_branch_is_as_wide_as_its_last_layer() -> None:
    changes: Any = {"picture_units": [64, 100], "table_units": [32, 90], "head": {"units": [20]}}
    network = build_for("cnn_mlp", SHAPES, **changes)
    shapes = {cost.name: cost.output for cost in layer_costs(network)}
    dense = {name: shape for name, shape in shapes.items() if "dense" in name}
    assert dense == {
        "picture_dense1": (64,),
        "picture_dense2": (100,),
        "table_dense1": (32,),
        "table_dense2": (90,),
        "dense1": (20,),
    }
    assert shapes["join"] == (190,)


def test_a_branch_without_dense_layers_is_handed_on_as_it_is() -> None:
    network = build_for("cnn_mlp", SHAPES, picture_units=[], table_units=[])
    flat = network.get_layer("flatten").output.shape[1]
    assert network.get_layer("join").output.shape == (None, flat + 57)


def test_the_order_of_the_inputs_does_not_matter() -> None:
    import keras

    networks = []
    for shapes in (SHAPES, {name: SHAPES[name] for name in ("summary", "mel")}):
        keras.backend.clear_session()
        keras.utils.set_random_seed(2)
        networks.append(build_for("cnn_mlp", shapes))
    batch = batch_of(3, SHAPES)
    outputs = [np.asarray(network(batch)) for network in networks]
    assert np.array_equal(outputs[0], outputs[1])


def test_the_answer_depends_on_both_inputs() -> None:
    network, batch = build_for("cnn_mlp", SHAPES), batch_of(2, SHAPES)
    expected = np.asarray(network(batch))
    for name in SHAPES:
        changed = {**batch, name: batch[name][::-1]}
        assert np.abs(np.asarray(network(changed)) - expected).max() > 1e-4


def test_the_branches_have_a_dropout_of_their_own_and_the_penalty_of_the_head() -> None:
    changes: Any = {"branch_dropout": 0.5, "head": {"dropout": 0.0, "l2": 0.001}}
    network = build_for("cnn_mlp", SHAPES, **changes)
    dropouts = {layer.name: layer.rate for layer in network.layers if "dropout" in layer.name}
    assert dropouts == {"picture_dropout1": 0.5, "table_dropout1": 0.5}
    assert len(network.losses) == 3


@pytest.mark.parametrize(
    "shapes", [{"mfcc": (130, 13)}, {"table": (57,)}, {"a": (57,), "b": (5,)}], ids=str
)
def test_other_inputs_are_refused_with_a_choice_that_works(shapes: Shapes) -> None:
    message = r"^model=cnn_mlp: takes two inputs, a picture .* such as features=mel_image_summary; "
    with pytest.raises(ConfigError, match=message):
        family("cnn_mlp").check(shapes)


def test_a_picture_too_small_for_the_blocks_is_refused() -> None:
    chosen = family("cnn_mlp", conv={"padding": "valid"})
    with pytest.raises(ConfigError, match=r"^model\.conv\.blocks\.0: a kernel of 3 x 3 does not"):
        chosen.check({"table": (57,), "mel": (130, 2)})
