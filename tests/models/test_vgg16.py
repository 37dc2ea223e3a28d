"""VGG-16 on tiny pictures: what it computes, what it refuses, what its stages are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError
from genrecls.models.cost import layer_costs
from tests.models.families import build, family

TINY = (32, 32, 3)
CONVOLUTIONS = 14_714_688


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Frees the networks of a test: each has some 60 MB."""
    yield
    import keras

    keras.backend.clear_session()


def colours(count: int, size: tuple[int, ...] = TINY) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).random((count, *size)).astype(np.float32)


def vgg(**changes: Any) -> Any:
    return build("vgg16", TINY, source="picture", **changes)


def test_the_network_of_bahuleyan_has_the_published_number_of_parameters() -> None:
    network = build(
        "vgg16",
        (216, 216, 3),
        n_classes=7,
        preprocessing="none",
        head={"units": [512], "l2": 0.001},
    )
    parameters = {layer.name: layer.count_params() for layer in network.layers}
    convolutions = sum(count for name, count in parameters.items() if name.startswith("block"))
    assert convolutions == CONVOLUTIONS
    assert network.get_layer("flatten").output.shape == (None, 18_432)
    assert network.count_params() - convolutions == 9_441_287
    costs = {cost.name: cost for cost in layer_costs(network)}
    assert costs["block1_conv2"].macs == 216 * 216 * 64 * 64 * 9
    assert sum(cost.macs for cost in costs.values()) > 14e9


def test_the_dense_layers_of_imagenet_are_kept_where_they_are_asked_for() -> None:
    dense = [7 * 7 * 512 * 4096 + 4096, 4096 * 4096 + 4096]
    assert CONVOLUTIONS + sum(dense) == 134_260_544
    model = family("vgg16", upto="dense", head={"units": []})
    model.check({"picture": (224, 224, 3)})
    network = model.build({"picture": (224, 224, 3)}, 10, {})
    assert network.count_params() == 134_260_544 + 4096 * 10 + 10
    assert [layer.name for layer in network.layers[-3:]] == ["fc1", "fc2", "probabilities"]


def test_published_weights_see_what_they_were_trained_with(tmp_path: Path) -> None:
    import keras

    published = keras.applications.VGG16(include_top=False, weights=None, pooling="avg")
    published.save_weights(tmp_path / "some.weights.h5")
    model = family("vgg16", weights=str(tmp_path / "some.weights.h5"), pooling="average")
    network = model.build({"picture": TINY}, 10, {})
    model.initialise(network)
    backbone = keras.Model(network.input, network.get_layer("average").output)
    pictures = colours(3)
    expected = published(keras.applications.vgg16.preprocess_input(255 * pictures)).numpy()
    outputs = backbone({"picture": pictures}).numpy()
    assert np.ptp(expected, axis=0).max() > 1e-3
    assert np.abs(outputs - expected).max() < 1e-4 * np.abs(expected).max()


def test_its_layers_are_layers_of_the_network_itself() -> None:
    names = [layer.name for layer in vgg(preprocessing="none", pooling="average").layers]
    assert names[:3] == ["picture", "block1_conv1", "block1_conv2"]
    assert names[-5:] == ["block5_pool", "average", "dense1", "dropout1", "probabilities"]


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"train": "all"}, [("", None, None)]),
        ({"train": "head"}, [("head", "flatten", None)]),
        ({"train": "head", "pooling": "average"}, [("head", "average", None)]),
        ({"train": "head", "upto": "dense"}, [("head", "fc2", None)]),
        ({"train": "fine_tune"}, [("head", "flatten", None), ("fine_tune", "block4_pool", 10)]),
    ],
    ids=str,
)
def test_each_way_to_train_has_its_stages(changes: dict[str, Any], stages: list[Any]) -> None:
    result = family("vgg16", **changes).stages()
    assert [(stage.name, stage.frozen, stage.epochs) for stage in result] == stages


def test_fine_tuning_from_the_first_block_freezes_nothing() -> None:
    settings = {"epochs": 2, "learning_rate": 1e-6, "from_block": 1}
    _, second = family("vgg16", train="fine_tune", fine_tune=settings).stages()
    assert second.frozen is None
    assert second.learning_rate == 1e-6


@pytest.mark.parametrize(
    "shapes",
    [
        {"mel": (130, 128)},
        {"picture": (64, 64, 1)},
        {"picture": (64, 64, 3), "mfcc": (130, 13)},
        {},
    ],
    ids=["no colours", "one channel", "two inputs", "nothing"],
)
def test_only_a_picture_in_colour_is_taken(shapes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ConfigError, match=r"^model=vgg16: takes .*features=mel_image") as caught:
        family("vgg16").check(shapes)
    assert "\n" not in str(caught.value)
    assert all(source in str(caught.value) for source in shapes)


@pytest.mark.parametrize(
    ("size", "changes", "message"),
    [
        ((31, 64, 3), {}, r"^model=vgg16: takes a picture of at least 32 x 32, .* 31 x 64"),
        ((216, 216, 3), {"upto": "dense"}, r"^model\.upto: dense takes a picture of 224 x 224"),
        (
            (224, 224, 3),
            {"upto": "dense", "pooling": "average"},
            r"^model\.pooling: received average; model\.upto=dense needs flatten",
        ),
        (TINY, {"weights": "nowhere/vgg.h5"}, r"^model\.weights: received 'nowhere/vgg\.h5', but"),
    ],
)
def test_what_cannot_be_built_is_refused_before_audio_is_read(
    size: tuple[int, int, int], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        family("vgg16", **changes).check({"picture": size})
    assert "\n" not in str(caught.value)


def test_a_block_that_vgg_does_not_have_is_refused() -> None:
    settings = {"epochs": 2, "learning_rate": 1e-6, "from_block": 6}
    with pytest.raises(ConfigError, match=r"^model\.fine_tune\.from_block: received 6"):
        family("vgg16", fine_tune=settings)
