"""Weights of VGG-16: found, refused, or asked for in one line."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError, ModelFileError
from genrecls.models import pretrained_weights
from genrecls.models.pretrained_weights import (
    IMAGENET,
    PublishedWeights,
    check_weights,
    weights_file,
)
from tests.models.families import build, family

TINY = (32, 32, 3)


def one_line(error: pytest.ExceptionInfo[Any]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras"


@pytest.mark.parametrize("upto", ["conv", "dense"])
def test_offline_one_line_says_what_to_fetch_and_where_to_put_it(
    upto: Any, keras_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = IMAGENET[upto]
    with pytest.raises(ModelFileError) as caught:
        family("vgg16", weights="imagenet", upto=upto).fetch()
    message = one_line(caught)
    for fact in (published.name, f"{published.size:,}", published.md5, str(keras_home / "models")):
        assert fact in message
    assert message.startswith("model.weights=imagenet: ")
    assert "model.weights=<path>" in message
    assert not list(keras_home.rglob("*.h5"))
    assert capsys.readouterr().out == "", "standard output is for results"


def test_names_and_checksums_are_those_of_keras() -> None:
    from keras.src.applications import vgg16 as keras_vgg16

    source = Path(keras_vgg16.__file__).read_text(encoding="utf-8")
    assert IMAGENET["conv"].address == keras_vgg16.WEIGHTS_PATH_NO_TOP
    assert IMAGENET["dense"].address == keras_vgg16.WEIGHTS_PATH
    assert all(published.md5 in source for published in IMAGENET.values())


def test_a_whole_file_in_the_cache_of_keras_is_taken_without_a_network(
    keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"weights"
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    published = PublishedWeights("some.h5", len(content), digest)
    monkeypatch.setitem(pretrained_weights.IMAGENET, "conv", published)
    place = keras_home / "models" / "some.h5"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    assert weights_file("imagenet", "conv") == place
    place.write_bytes(b"weightz")
    with pytest.raises(ModelFileError, match="is not, or not whole, in"):
        weights_file("imagenet", "conv")


def test_frozen_layers_of_random_weights_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    network = build("vgg16", TINY, source="picture", pooling="average")
    family("vgg16").initialise(network)
    assert capsys.readouterr().err == ""
    family("vgg16", train="head").initialise(network)
    assert "do not learn stay random" in capsys.readouterr().err


def test_no_weights_need_no_file() -> None:
    assert weights_file("none", "conv") is None
    check_weights("imagenet")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        check_weights(str(tmp_path / "absent.h5"))
    assert str(tmp_path / "absent.h5") in one_line(caught)
    with pytest.raises(ConfigError, match="there is no file"):
        check_weights(str(tmp_path))


def test_a_file_with_something_else_is_refused(tmp_path: Path) -> None:
    import keras

    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    other.save_weights(tmp_path / "other.weights.h5")
    other.save(tmp_path / "model.keras")
    (tmp_path / "page.h5").write_text("<!DOCTYPE html><html>\nnot found</html>", encoding="utf-8")
    (tmp_path / "empty.weights.h5").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("weights", encoding="utf-8")
    whole = (tmp_path / "other.weights.h5").read_bytes()
    (tmp_path / "cut.weights.h5").write_bytes(whole[: len(whole) // 2])
    network = build("vgg16", TINY, source="picture", pooling="average")
    before = network.get_layer("block1_conv1").get_weights()[0]
    for path in sorted(path for path in tmp_path.iterdir() if path.is_file()):
        with pytest.raises(ModelFileError) as caught:
            family("vgg16", weights=str(path)).initialise(network)
        message = one_line(caught)
        assert message.startswith(f"model.weights: {path} does not hold the weights of VGG-16")
    assert np.array_equal(before, network.get_layer("block1_conv1").get_weights()[0])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("large", "it has 20,000,000 bytes; allowed: at most 16,777,"),
        ("bomb", "its arrays take more than 16,777,"),
        ("cycle", "it has more than 200 arrays and groups"),
        ("link", "'elsewhere' in it is a link"),
        ("storage", "'weights' in it lies in another file"),
    ],
)
def test_a_file_that_would_fill_the_memory_or_leads_elsewhere_is_not_read(
    kind: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import h5py  # type: ignore[import-untyped]
    import keras

    monkeypatch.setattr(pretrained_weights, "_MOST_ITEMS", 200)
    path = tmp_path / "some.weights.h5"
    with h5py.File(path, "w") as file:
        if kind == "bomb":
            file.create_dataset("a", (2**20, 2**20), "f4", chunks=(64, 64), compression="gzip")
        elif kind == "cycle":
            file["inner"] = file["/"]
        elif kind == "link":
            file["elsewhere"] = h5py.ExternalLink("other.h5", "/")
        elif kind == "storage":
            file.create_dataset("weights", (4,), "f4", external=[(str(tmp_path / "raw"), 0, 16)])
    if kind == "large":
        os.truncate(path, 20_000_000)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    with pytest.raises(ModelFileError) as caught:
        pretrained_weights.load_from(network, path, "the weights of a toy")
    assert one_line(caught).startswith(
        f"model.weights: {path} does not hold the weights of a toy ({reason}"
    )


@pytest.mark.parametrize("preprocessing", ["imagenet", "none"])
def test_weights_of_a_file_come_into_the_layers_of_their_names(
    preprocessing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras

    source = keras.applications.VGG16(include_top=False, weights=None)
    source.save_weights(tmp_path / "some.weights.h5")
    model = family("vgg16", weights=str(tmp_path / "some.weights.h5"), preprocessing=preprocessing)
    network = model.build({"picture": TINY}, 10, {})
    model.initialise(network)
    for name in ("block1_conv1", "block3_conv2", "block5_conv3"):
        expected, bias = source.get_layer(name).get_weights()
        if (name, preprocessing) == ("block1_conv1", "imagenet"):
            expected = expected[:, :, ::-1]
        kernel, offset = network.get_layer(name).get_weights()
        assert np.array_equal(kernel, expected)
        assert np.array_equal(offset, bias)
    digest = hashlib.sha256((tmp_path / "some.weights.h5").read_bytes()).hexdigest()
    assert f"some.weights.h5, SHA-256 {digest}" in capsys.readouterr().err


def test_weights_in_the_old_format_of_keras_are_read(tmp_path: Path) -> None:
    import h5py
    import keras
    from keras.src.legacy.saving import legacy_h5_format

    source = keras.applications.VGG16(include_top=False, weights=None)
    path = tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, source)
    network = build("vgg16", TINY, source="picture", pooling="average")
    pretrained_weights.load_weights(network, path, "conv")
    expected = source.get_layer("block4_conv1").get_weights()[0]
    assert np.array_equal(network.get_layer("block4_conv1").get_weights()[0], expected)
