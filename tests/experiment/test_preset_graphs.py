"""The network of every published preset against the table of its document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import pytest

from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.reproduce import published_presets
from genrecls.models import tensorflow_setup
from genrecls.models.base import ModelFamily
from tests.composed import composed
from tests.experiment.published_graphs import GRAPHS, genres
from tests.models.families import unit

UNNAMED = {"InputLayer", "Normalization", "Rescaling"}
"""Layers in front of those that a document names; the channel axis is told by its name."""

TOTALS = {
    "carnaghi2022_cnn": 78_282,
    "carnaghi2022_rnn": 57_802,
    "khamees2021_cnn30": 45_514,
    "khamees2021_cnn50": 45_514,
    "khamees2021_lstm": 57_802,
    "khamees2021_mlp": 1_014_218,
    "khamees2021_mlp_regularised": 1_014_218,
    "bisarahalli2021_small": 18_356,
    "bisarahalli2021_medium_relu": 16_772,
    "bisarahalli2021_medium_selu8": 24_932,
    "bisarahalli2021_medium_selu16": 29_268,
    "karam_vgg16": 134_260_544 + 40_970,
    "bahuleyan2018_vgg16": 14_714_688 + 9_441_287,
}
"""Parameters that the documents print, or that follow from what they print."""


@dataclass(frozen=True)
class Layer:
    """What remains of a layer when its network is gone."""

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    trainable: int
    config: dict[str, Any]

    @property
    def line(self) -> str:
        """The layer as `published_graphs` writes it."""
        details = _DETAILS.get(self.kind)
        described = details(self.config) if details else ""
        shape = "x".join(map(str, self.output))
        return " ".join([self.kind, *described.split(), shape, f"{self.parameters:,}"])


@pytest.fixture(scope="module", autouse=True)
def tensorflow() -> Iterator[None]:
    """Starts the back end, and gives the half gigabyte of VGG-16 back."""
    tensorflow_setup.configure_tensorflow()
    yield
    graph.cache_clear()


def preset(name: str) -> Experiment:
    return parse(composed("train", f"experiment={name}"))


@cache
def graph(name: str) -> tuple[Layer, ...]:
    """Return the layers of a preset's network, each branch from its input on."""
    import keras

    keras.backend.clear_session()
    experiment = preset(name)
    shapes = experiment.segment.shapes(experiment.features)
    assert isinstance(experiment.model, ModelFamily)
    network = experiment.model.build(shapes, genres(name), unit(shapes))
    found = tuple(_layer(layer) for layer in _branch_by_branch(network))
    del network
    keras.backend.clear_session()
    return found


def _branch_by_branch(network: Any) -> list[Any]:
    """Return the layers as the tables have them: what is joined comes branch after branch."""
    makers = {id(layer.output): layer for layer in network.layers}
    found: dict[str, Any] = {}

    def visit(tensor: Any) -> None:
        layer = makers[id(tensor)]
        if type(layer).__name__ != "InputLayer":
            for source in layer.input if isinstance(layer.input, list) else [layer.input]:
                visit(source)
        found.setdefault(layer.name, layer)

    visit(network.output)
    assert len(found) == len(network.layers)
    return list(found.values())


def _layer(layer: Any) -> Layer:
    return Layer(
        name=layer.name,
        kind=type(layer).__name__,
        output=tuple(layer.output.shape[1:]),
        parameters=layer.count_params(),
        trainable=sum(prod(weight.shape) for weight in layer.trainable_weights),
        config=layer.get_config(),
    )


def _window(size: str, config: dict[str, Any]) -> str:
    (rows, columns), (step, other) = config[size], config["strides"]
    assert step == other
    return f"{rows}x{columns}/{step}"


def _convolution(config: dict[str, Any]) -> str:
    linear = config["activation"] == "linear"
    return _window("kernel_size", config) + ("" if linear else f" {config['activation']}")


def _dense(config: dict[str, Any]) -> str:
    penalty = config["kernel_regularizer"]
    l2 = f" l2={float(penalty['config']['l2']):.3g}" if penalty else ""
    return f"{config['activation']}{l2}"


_DETAILS: dict[str, Callable[[dict[str, Any]], str]] = {
    "Conv2D": _convolution,
    "MaxPooling2D": lambda config: _window("pool_size", config),
    "Dense": _dense,
    "Dropout": lambda config: str(config["rate"]),
    "AlphaDropout": lambda config: str(config["rate"]),
    "Activation": lambda config: str(config["activation"]),
    "GRU": lambda config: "" if config["reset_after"] else "reset before",
    "Bidirectional": lambda config: str(config["layer"]["class_name"]),
}


def test_every_preset_has_its_graph_written_down() -> None:
    assert set(GRAPHS) == set(published_presets())


@pytest.mark.parametrize("name", GRAPHS)
def test_the_network_is_that_of_the_document_layer_by_layer(name: str) -> None:
    wanted = [" ".join(line.split()) for line in GRAPHS[name].splitlines() if line]
    found = [x.line for x in graph(name) if x.kind not in UNNAMED and x.name != "channel"]
    assert found == wanted


@pytest.mark.parametrize("name", TOTALS)
def test_the_network_has_the_parameters_of_the_document(name: str) -> None:
    counted = (x.parameters for x in graph(name) if x.kind != "Normalization")
    assert sum(counted) == TOTALS[name]


def test_half_of_the_batch_normalisation_is_not_trained() -> None:
    layers = graph("bisarahalli2021_small")
    trainable = sum(layer.trainable for layer in layers)
    assert (trainable, sum(x.parameters for x in layers) - trainable) == (18_196, 160)


@pytest.mark.parametrize(
    ("name", "base", "head"),
    [
        ("karam_vgg16", 134_260_544, 40_970),
        ("bahuleyan2018_vgg16", 14_714_688, 9_441_287),
    ],
)
def test_vgg16_is_whole_and_only_its_end_is_new(name: str, base: int, head: int) -> None:
    layers = graph(name)
    own = [x.name for x in layers].index("fc2" if name == "karam_vgg16" else "flatten") + 1
    assert sum(x.parameters for x in layers[:own]) == base
    assert sum(x.parameters for x in layers[own:]) == head


@pytest.mark.parametrize("name", GRAPHS)
def test_weights_begin_as_the_activation_needs_it(name: str) -> None:
    """SELU's need LeCun's initialiser, the others and the softmax have Keras' default."""
    for layer in graph(name):
        if layer.kind in {"Conv2D", "Dense"}:
            selu = "selu" in name and layer.name != "probabilities"
            wanted = "LecunNormal" if selu else "GlorotUniform"
            assert layer.config["kernel_initializer"]["class_name"] == wanted, layer.name


@pytest.mark.parametrize("name", GRAPHS)
def test_convolutions_keep_their_size_except_in_the_tutorials_network(name: str) -> None:
    tutorials = name in {"carnaghi2022_cnn", "khamees2021_cnn30", "khamees2021_cnn50"}
    paddings = {x.config["padding"] for x in graph(name) if x.kind == "Conv2D"}
    assert paddings <= {"valid" if tutorials else "same"}


@pytest.mark.parametrize("name", ["steiner2023_cnn", "steiner2023_cnn_mlp"])
def test_five_convolutions_leave_784_values(name: str) -> None:
    assert kinds(name).count("Conv2D") == 5
    assert [x.output for x in graph(name) if x.kind == "Flatten"] == [(784,)]


@pytest.mark.parametrize(
    ("name", "dense"),
    # The table has 3 for the CNN as well; its text has 784-64-10.
    [("cnn", 2), ("mlp", 3), ("rnn", 1), ("cnn_mlp", 7), ("cnn_rnn", 3)],
)
def test_there_are_as_many_dense_layers_as_stated(name: str, dense: int) -> None:
    assert kinds(f"steiner2023_{name}").count("Dense") == dense


def test_two_branches_of_100_are_joined() -> None:
    layers = graph("steiner2023_cnn_mlp")
    join = kinds("steiner2023_cnn_mlp").index("Concatenate")
    assert layers[join].output == (200,)
    assert [x.output for x in layers].count((100,)) == 2


def kinds(name: str) -> list[str]:
    return [layer.kind for layer in graph(name)]
