"""Networks for photographs on tiny pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError, ModelFileError
from genrecls.models import image
from genrecls.models.pretrained_weights import imagenet_network
from tests.models.families import build, family

TINY = (32, 32, 3)


@pytest.fixture(autouse=True)
def forgotten(tensorflow: None) -> Iterator[None]:
    yield
    import keras

    keras.backend.clear_session()


@pytest.mark.parametrize(
    ("backbone", "module"),
    [
        ("mobilenet", "mobilenet"),
        ("mobilenet_v2", "mobilenet_v2"),
        ("mobilenet_v3_small", "mobilenet_v3"),
        ("efficientnet_b0", "efficientnet"),
        ("efficientnet_v2_b0", "efficientnet_v2"),
        ("densenet121", "densenet"),
        ("resnet50_v2", "resnet_v2"),
    ],
)
def test_pictures_are_scaled_as_keras_scales_them(
    backbone: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    def nothing(_: Any, *, input_tensor: Any, **__: Any) -> Any:
        return SimpleNamespace(output=input_tensor, layers=[])

    monkeypatch.setattr(image, "_network", nothing)
    network = build("image", TINY, source="picture", backbone=backbone)
    scaled = keras.Model(network.input, network.get_layer("imagenet_range").output)
    pictures = np.random.default_rng(0).random((2, *TINY)).astype(np.float32)
    expected = getattr(keras.applications, module).preprocess_input(255 * pictures)
    np.testing.assert_allclose(scaled({"picture": pictures}).numpy(), expected, atol=1e-4)


def test_published_weights_see_what_they_were_trained_with(tmp_path: Path) -> None:
    import keras

    published = keras.applications.MobileNetV3Small(
        include_top=False, weights=None, input_shape=(224, 224, 3)
    )
    published.save_weights(tmp_path / "some.weights.h5")
    model = family("image", weights=str(tmp_path / "some.weights.h5"))
    network = model.build({"picture": TINY}, 10, {})
    model.initialise(network)
    assert model.title == "mobilenet_v3_small"
    assert model.pretraining == "weights of a file"
    for name in ("conv", "expanded_conv_depthwise_bn", "conv_1"):
        for ours, theirs in zip(
            network.get_layer(name).get_weights(),
            published.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_fine_tuning_keeps_the_statistics_and_ends_behind_the_head() -> None:
    model = family("image", train="fine_tune")
    network = build("image", TINY, source="picture", train="fine_tune")
    head, fine_tune = model.stages()
    assert (head.frozen, fine_tune.frozen) == ("average", None)
    norms = {each.name for each in network.layers if type(each).__name__ == "BatchNormalization"}
    assert norms
    assert fine_tune.fixed == norms


def test_every_backbone_is_one_of_keras() -> None:
    import keras

    assert all(hasattr(keras.applications, name) for name in image.APPLICATIONS.values())


@pytest.mark.parametrize(
    ("shape", "changes", "message"),
    [
        ((64, 64, 1), {}, r"^model=image: takes .*features\.colour=jet"),
        ((16, 64, 3), {}, r"^model=image: takes a picture of at least 32 x 32, .* 16 x 64"),
        (TINY, {"weights": "nowhere.h5"}, r"^model\.weights: received 'nowhere\.h5'"),
        (TINY, {"fine_tune": {"from_block": 2}}, r"^model\.fine_tune\.from_block: received 2"),
        (TINY, {"backbone": "alexnet"}, r"^model\.backbone: received 'alexnet'"),
    ],
)
def test_what_cannot_be_built_is_refused_before_audio_is_read(
    shape: tuple[int, ...], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        family("image", **changes).check({"picture": shape})
    assert "\n" not in str(caught.value)


def test_offline_one_line_says_which_file_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://storage.googleapis.com/somewhere/net_no_top.h5"

    def unreachable(**_: Any) -> Any:
        raise RuntimeError(f"URL fetch failure on {address}: None -- no route to host")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    with pytest.raises(ModelFileError, match=r"^model\.weights=imagenet: .*unreachable") as caught:
        imagenet_network(unreachable)
    assert "\n" not in str(caught.value)
    assert address in str(caught.value)
    assert str(tmp_path / "keras" / "models") in str(caught.value)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    import keras

    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    other.save_weights(tmp_path / "other.weights.h5")
    model = family("image", weights=str(tmp_path / "other.weights.h5"))
    with pytest.raises(ModelFileError, match="does not hold the weights of MobileNetV3Small") as e:
        model.initialise(model.build({"picture": TINY}, 10, {}))
    assert "\n" not in str(e.value)
