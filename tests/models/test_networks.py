"""The networks of the published systems, layer by layer, as configurations of the families."""

from __future__ import annotations

from typing import Any

import pytest

from genrecls.models.cost import layer_costs
from tests.models.families import build

Rows = list[tuple[str, tuple[int, ...], int]]

VELARDO_CNN: Rows = [
    ("conv1", (128, 11, 32), 3 * 3 * 32 + 32),
    ("relu1", (128, 11, 32), 0),
    ("pool1", (64, 6, 32), 0),
    ("norm1", (64, 6, 32), 4 * 32),
    ("conv2", (62, 4, 32), 32 * 3 * 3 * 32 + 32),
    ("relu2", (62, 4, 32), 0),
    ("pool2", (31, 2, 32), 0),
    ("norm2", (31, 2, 32), 4 * 32),
    ("conv3", (30, 1, 32), 32 * 2 * 2 * 32 + 32),
    ("relu3", (30, 1, 32), 0),
    ("pool3", (15, 1, 32), 0),
    ("norm3", (15, 1, 32), 4 * 32),
    ("flatten", (480,), 0),
    ("dense1", (64,), 480 * 64 + 64),
    ("dropout1", (64,), 0),
    ("probabilities", (10,), 650),
]
VELARDO_LSTM: Rows = [
    ("lstm1", (130, 64), 4 * (64 * (13 + 64) + 64)),
    ("lstm2", (64,), 4 * (64 * (64 + 64) + 64)),
    ("dense1", (64,), 64 * 64 + 64),
    ("dropout1", (64,), 0),
    ("probabilities", (10,), 650),
]
VELARDO_MLP: Rows = [
    ("flatten", (1690,), 0),
    ("dense1", (512,), 1690 * 512 + 512),
    ("dense2", (256,), 512 * 256 + 256),
    ("dense3", (64,), 256 * 64 + 64),
    ("probabilities", (10,), 650),
]
KHAMEES2021: dict[str, tuple[str, dict[str, Any], Rows, int, float]] = {
    "CNN": ("cnn_velardo", {"conv": {"norm": "after_pool"}}, VELARDO_CNN, 45_514, 2.85e6),
    "LSTM": ("rnn", {}, VELARDO_LSTM, 57_802, 6.83e6),
    "MLP": ("mlp", {}, VELARDO_MLP, 1_014_218, 1.01e6),
}


@pytest.mark.parametrize("system", KHAMEES2021)
def test_the_networks_of_khamees2021_are_those_of_the_tutorial(system: str) -> None:
    name, changes, rows, parameters, macs = KHAMEES2021[system]
    network = build(name, (130, 13), standardise=False, **changes)
    assert _rows(network) == rows
    assert network.count_params() == parameters
    assert sum(cost.macs for cost in layer_costs(network)) == pytest.approx(macs, rel=0.01)


@pytest.mark.parametrize(
    ("name", "parameters", "macs"), [("cnn_velardo", 78_282, 5.8e6), ("rnn", 57_802, 13.5e6)]
)
def test_the_stand_ins_for_carnaghi2022_have_the_size_that_the_notes_give(
    name: str, parameters: int, macs: float
) -> None:
    network = build(name, (258, 13))
    assert network.count_params() == parameters
    assert sum(cost.macs for cost in layer_costs(network)) == pytest.approx(macs, rel=0.01)


def test_the_place_of_the_normalisation_changes_no_count() -> None:
    places = ("before_activation", "after_activation", "after_pool")
    networks = [build("cnn_velardo", (130, 13), conv={"norm": place}) for place in places]
    assert {network.count_params() for network in networks} == {45_514}


def test_the_regularised_mlp_of_khamees2021_has_penalty_and_dropout_on_each_hidden_layer() -> None:
    network = build("mlp", (130, 13), head={"dropout": 0.3, "l2": 0.001})
    assert network.count_params() == 1_014_218
    assert len(network.losses) == 3
    kinds = [type(layer).__name__ for layer in network.layers[3:]]
    assert kinds == ["Dense", "Dropout"] * 3 + ["Dense"]


BISARAHALLI2021: Rows = [
    ("channel", (1366, 96, 1), 0),
    ("conv1", (1366, 96, 16), 80),
    ("norm1", (1366, 96, 16), 64),
    ("relu1", (1366, 96, 16), 0),
    ("pool1", (341, 24, 16), 0),
    ("conv2", (341, 24, 32), 2_080),
    ("norm2", (341, 24, 32), 128),
    ("relu2", (341, 24, 32), 0),
    ("pool2", (170, 12, 32), 0),
    ("conv3", (170, 12, 32), 9_248),
    ("norm3", (170, 12, 32), 128),
    ("relu3", (170, 12, 32), 0),
    ("pool3", (85, 6, 32), 0),
    ("channels_first", (85, 32, 6), 0),
    ("frames", (510, 32), 0),
    ("gru1", (510, 16), 2_352),
    ("gru2", (16,), 1_584),
    ("dense1", (128,), 2_176),
    ("probabilities", (4,), 516),
]


def test_the_network_of_bisarahalli2021_is_the_printed_one() -> None:
    network = _bisarahalli()
    assert _rows(network, shown={"channel"}) == BISARAHALLI2021
    assert network.count_params() == 18_356
    trainable = sum(weight.size for weight in _arrays(network.trainable_variables))
    assert trainable == 18_196


def test_the_gru_of_today_has_another_bias() -> None:
    assert _bisarahalli(reset_after=True).count_params() == 18_452


@pytest.mark.parametrize(
    ("filters", "units", "activation", "parameters"),
    [
        ((16, 32, 32), [8, 8], "relu", 14_788),
        ((16, 32, 32), [16], "relu", 16_772),
        ((16, 32, 64), [8, 8], "selu", 24_932),
        ((16, 32, 64), [16, 16], "selu", 29_268),
    ],
)
def test_the_rows_of_the_tables_of_bisarahalli2021_have_their_counts(
    filters: tuple[int, int, int], units: list[int], activation: str, parameters: int
) -> None:
    network = _bisarahalli(filters=filters, units=units, activation=activation)
    assert network.count_params() == parameters


STRIP = (224, 224, 1)
FIVE = [8, 8, 16, 16, 16]


def test_the_cnn_of_steiner2023_flattens_to_784_values() -> None:
    blocks = [_block(filters, 3, pool=2) for filters in FIVE]
    conv = {"blocks": blocks, "padding": "same", "norm": "none", "dropout": 0.2}
    head = {"units": [64], "dropout": 0.0}
    network = build("cnn", STRIP, conv=conv, head=head, global_pooling="none")
    shapes = {cost.name: cost.output for cost in layer_costs(network)}
    assert [shapes[f"pool{i}"][0] for i in range(1, 6)] == [112, 56, 28, 14, 7]
    assert shapes["flatten"] == (784,)
    assert [name for name in shapes if "dropout" in name] == [
        f"conv_dropout{i}" for i in range(1, 6)
    ]
    assert list(shapes.values())[-2:] == [(64,), (10,)]


def test_the_mlp_of_steiner2023_reads_57_values() -> None:
    network = build("mlp", (57,), source="table", head={"units": [32, 16]})
    assert _rows(network) == [
        ("dense1", (32,), 57 * 32 + 32),
        ("dense2", (16,), 32 * 16 + 16),
        ("probabilities", (10,), 170),
    ]


def test_the_rnn_of_steiner2023_reads_both_ways() -> None:
    recurrent = {"cell": "gru", "units": [64], "bidirectional": True}
    network = build("rnn", (224, 224), recurrent=recurrent, head={"units": []})
    assert _rows(network) == [
        ("bidirectional1", (128,), 2 * 3 * (64 * (224 + 64) + 2 * 64)),
        ("probabilities", (10,), 128 * 10 + 10),
    ]


def test_the_sequential_cnn_rnn_of_steiner2023_reads_128_values_a_frame() -> None:
    blocks = [_block(filters, 2, stride=2) for filters in FIVE[:3]]
    network = build(
        "crnn",
        STRIP,
        conv={"blocks": blocks, "norm": "none"},
        frame_units=128,
        recurrent={"cell": "gru", "units": [64, 64, 64]},
        head={"units": []},
    )
    shapes = {cost.name: cost.output for cost in layer_costs(network)}
    assert shapes["frames"] == (28, 28 * 16)
    assert shapes["frame_dense"] == (28, 128)
    assert [shapes[f"gru{i}"] for i in (1, 2, 3)] == [(28, 64), (28, 64), (64,)]
    assert not any("pool" in name for name in shapes)


def test_the_parallel_cnn_rnn_of_steiner2023_joins_two_readings_of_the_picture() -> None:
    blocks = [_block(filters, 2, stride=2) for filters in FIVE]
    network = build(
        "crnn",
        STRIP,
        conv={"blocks": blocks, "norm": "none"},
        join="parallel",
        recurrent={"cell": "gru", "units": [64]},
    )
    shapes = {cost.name: cost.output for cost in layer_costs(network)}
    assert shapes["frames"] == (224, 224)
    assert (shapes["flatten"], shapes["gru1"], shapes["join"]) == ((784,), (64,), (848,))


def _rows(network: Any, shown: frozenset[str] | set[str] = frozenset()) -> Rows:
    """Return name, output and parameters of each layer behind the preparation of the input."""
    return [
        (cost.name, cost.output, cost.parameters)
        for cost in layer_costs(network)
        if cost.kind not in {"InputLayer", "Normalization"}
        and (cost.name != "channel" or cost.name in shown)
    ]


def _arrays(variables: list[Any]) -> list[Any]:
    return [variable.numpy() for variable in variables]


def _block(filters: int, kernel: int, *, stride: int = 1, pool: int | None = None) -> Any:
    return {
        "filters": filters,
        "kernel": [kernel, kernel],
        "stride": [stride, stride],
        "pool": [pool, pool] if pool else None,
        "pool_stride": None,
    }


def _bisarahalli(
    *,
    filters: tuple[int, int, int] = (16, 32, 32),
    units: list[int] | None = None,
    reset_after: bool = False,
    activation: str = "relu",
) -> Any:
    sizes = zip(filters, (2, 2, 3), (4, 2, 2), strict=True)
    blocks = [_block(width, kernel, pool=pool) for width, kernel, pool in sizes]
    return build(
        "crnn",
        (1366, 96),
        source="mel",
        n_classes=4,
        standardise=False,
        conv={"blocks": blocks, "pool_padding": "valid", "activation": activation},
        frames="published",
        recurrent={"cell": "gru", "units": units or [16, 16], "reset_after": reset_after},
        head={"units": [128], "dropout": 0.0},
    )
