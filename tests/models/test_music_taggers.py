"""musicnn and its VGG: the published networks, rebuilt, and what genres are told from in them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError, ModelFileError
from genrecls.inference.tagger import PARAMETERS
from genrecls.models import musicnn_weights
from genrecls.models.musicnn_weights import (
    CHECKPOINTS,
    DATA,
    INDEX,
    TAGS,
    WHEEL,
    Corpus,
    PublishedCheckpoint,
    read_checkpoint,
)
from tests.models.families import build, family, noise

PATCH = (187, 96)
PUBLISHED_VARIABLE = "GENRECLS_TEST_MUSICNN"
PUBLISHED = os.environ.get(PUBLISHED_VARIABLE)

needs_weights = pytest.mark.skipif(
    PUBLISHED is None, reason=f"{PUBLISHED_VARIABLE} does not name the wheel of musicnn 0.1.0"
)


@pytest.fixture(autouse=True)
def forgotten(tensorflow: None) -> Iterator[None]:
    yield
    import keras

    keras.backend.clear_session()


def patches(count: int = 2) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(0).normal(1, 1, (count, *PATCH))
    return np.abs(values).astype(np.float32)


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_it_has_the_published_number_of_parameters(name: str, parameters: int) -> None:
    assert build(name, PATCH, source="mel", n_classes=50).count_params() == parameters


@pytest.mark.parametrize(
    ("name", "layer", "width"),
    [
        ("musicnn", "front_end", 561),
        ("musicnn", "mid_end", 192),
        ("musicnn", "mean_pool", 753),
        ("musicnn", "max_pool", 753),
        ("musicnn", "penultimate", 200),
        ("musicnn", "logits", 50),
        ("music_vgg", "pool1", 128),
        ("music_vgg", "pool4", 128),
        ("music_vgg", "flatten", 256),
        ("music_vgg", "logits", 50),
    ],
)
def test_a_layer_is_chosen_by_its_name(name: str, layer: str, width: int) -> None:
    changes = {"layer": layer, "train": "head", "fine_tune": {"from_block": 1}}
    network = build(name, PATCH, source="mel", **changes)
    last = family(name, **changes).embedding_layer  # type: ignore[attr-defined]
    assert network.get_layer(last).output.shape == (None, width)
    (stage,) = family(name, **changes).stages()
    assert stage.frozen == last
    behind = network.layers[[each.name for each in network.layers].index(last) + 1 :]
    assert [each.name for each in behind if each.weights] == ["probabilities"]


@pytest.mark.parametrize(
    ("name", "layer", "block", "frozen"),
    [
        ("musicnn", "mid_end", 1, None),
        ("musicnn", "mid_end", 2, "front_end"),
        ("musicnn", "penultimate", 3, "all_ends"),
        ("music_vgg", "pool4", 4, "pool3"),
    ],
)
def test_the_last_blocks_can_be_divided_from_those_that_stay(
    name: str, layer: str, block: int, frozen: str | None
) -> None:
    from genrecls.training.frozen_outputs import divide

    changes = {"layer": layer, "train": "fine_tune", "fine_tune": {"from_block": block}}
    _, stage = family(name, **changes).stages()
    assert stage.frozen == frozen
    if frozen is None:
        return
    network = build(name, (64, 64), source="mel", **changes)
    backbone, behind = divide(network, frozen)
    batch = noise(2, (64, 64))
    expected = network.predict({"mel": batch}, verbose=0)
    between = backbone.predict({"mel": batch}, verbose=0)
    result = behind.predict({"embedding": between}, verbose=0)
    np.testing.assert_allclose(result, expected, atol=1e-6)
    assert network.get_layer("probabilities") in behind.get_layer("behind").layers


@pytest.mark.parametrize("name", ["musicnn", "music_vgg"])
def test_statistics_of_a_large_data_set_are_not_counted_again_on_a_small_one(name: str) -> None:
    changes = {"train": "fine_tune", "fine_tune": {"from_block": 1}, "normalise": True}
    network = build(name, PATCH, source="mel", **changes)
    head, fine_tune = family(name, **changes).stages()
    norms = {each.name for each in network.layers if type(each).__name__ == "BatchNormalization"}
    assert head.fixed == frozenset()
    assert fine_tune.fixed & norms == norms - {"embedding_norm"}


@pytest.mark.parametrize(
    ("name", "changes", "shape", "message"),
    [
        ("musicnn", {"weights": "msd"}, (187, 64), r"^model\.weights=msd: takes 96 mel bands"),
        ("music_vgg", {"weights": "msd"}, (187, 64), r"^model\.weights=msd: takes 96 mel bands"),
        ("music_vgg", {}, (40, 96), r"^model=music_vgg: takes a picture of at least 64 x 64"),
        (
            "music_vgg",
            {"weights": "msd", "layer": "logits"},
            (376, 96),
            r"^model\.layer=logits: takes segments of 3 s \(187 frames\).* 376",
        ),
        ("musicnn", {"weights": "msd", "standardise": True}, PATCH, r"^model\.standardise: "),
        (
            "musicnn",
            {"weights_from": "nowhere"},
            PATCH,
            r"^model\.weights_from: received 'nowhere'",
        ),
        ("musicnn", {}, (187, 96, 3), r"^model=musicnn: takes a picture of one channel"),
        ("musicnn", {}, (187, 2), r"^model=musicnn: takes at least 3 bands"),
    ],
)
def test_what_cannot_be_built_is_refused_before_audio_is_read(
    name: str, changes: dict[str, Any], shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        family(name, **changes).check({"mel": shape})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "layer", "block", "most"),
    [("musicnn", "mid_end", 3, 2), ("music_vgg", "pool4", 5, 4), ("musicnn", "logits", 4, 3)],
)
def test_a_block_behind_the_chosen_layer_cannot_learn(
    name: str, layer: str, block: int, most: int
) -> None:
    changes = {"layer": layer, "train": "fine_tune", "fine_tune": {"from_block": block}}
    with pytest.raises(ConfigError, match=rf"^model\.fine_tune\.from_block: .* {most}\b"):
        family(name, **changes)


def test_other_features_than_those_of_the_weights_are_refused(compose_experiment: Any) -> None:
    words = ("model=musicnn_msd", "features=musicnn_mel")
    assert compose_experiment(*words).model.pretraining == "Million Song Dataset"
    with pytest.raises(
        ConfigError, match=r"whose compression is log1p; .*features\.compression=db"
    ):
        compose_experiment(*words, "features.compression=db")
    with pytest.raises(ConfigError, match=r"trained on features=musicnn_mel"):
        compose_experiment("model=musicnn_msd", "features=mel", "features.n_mels=96")
    scratch = compose_experiment("model=musicnn", "features=mel", "features.n_mels=96")
    assert scratch.model.pretraining == ""


def test_every_tag_is_there_once() -> None:
    assert {corpus: len(set(tags)) for corpus, tags in TAGS.items()} == {"msd": 50, "mtt": 50}


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with random weights, whose digests are taken for the published ones."""
    import tensorflow as tf

    network = build("musicnn", PATCH, source="mel", layer="logits")
    chosen = family("musicnn", layer="logits")
    names, values = ["dense/kernel/Adam"], [np.zeros(1, np.float32)]
    rng = np.random.default_rng(0)
    for ours, theirs in chosen.checkpoint_layers.items():  # type: ignore[attr-defined]
        for variable in network.get_layer(ours).weights:
            shape = tuple(variable.shape)
            shape = (shape[0], shape[1], 1, shape[2]) if len(shape) == 3 else shape
            names.append(f"{theirs}/{variable.name}")
            values.append(rng.random(shape, np.float32))
    prefix = tmp_path / "made"
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=names, shape_and_slices=[""] * len(names), tensors=values
    )
    path = tmp_path / WHEEL
    digests = {}
    with zipfile.ZipFile(path, "w") as archive:
        for name in (INDEX, DATA):
            content = prefix.with_name(f"made{name}").read_bytes()
            archive.writestr(f"musicnn/MSD_musicnn/{name}", content)
            digests[name] = sha256(content).hexdigest()
    made = PublishedCheckpoint("MSD_musicnn", digests[INDEX], digests[DATA])
    monkeypatch.setitem(CHECKPOINTS, ("musicnn", "msd"), made)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return path


def test_each_layer_gets_its_own_weights(wheel: Path, tmp_path: Path) -> None:
    chosen = family("musicnn", weights="msd", weights_from=str(wheel), layer="logits")
    network = chosen.build({"mel": PATCH}, 3, {})
    chosen.fetch()
    chosen.initialise(network)
    made = read_checkpoint(
        {name: (tmp_path / f"made{name}").read_bytes() for name in (INDEX, DATA)}
    )
    assert not [name for name in made if "Adam" in name]
    kernel = network.get_layer("mid1").get_weights()[0]
    np.testing.assert_array_equal(kernel, made["conv2d_5/kernel"][:, :, 0])
    moving = network.get_layer("penultimate").get_weights()[2]
    np.testing.assert_array_equal(moving, made["batch_normalization_10/moving_mean"])
    # The same weights elsewhere are the same run.
    assert chosen.contents() == family("musicnn", weights="msd").contents()
    assert family("musicnn").contents() == {"weights_from": None}


def test_the_weights_are_found_in_a_folder_and_where_keras_keeps_its_models(
    wheel: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "unpacked")
    for place in ("unpacked", "unpacked/musicnn", "unpacked/musicnn/MSD_musicnn"):
        family("musicnn", weights="msd", weights_from=str(tmp_path / place)).fetch()
    with pytest.raises(ModelFileError, match=r"pip download --no-deps musicnn==0\.1\.0") as caught:
        family("musicnn", weights="msd").fetch()
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "keras" / "models") in str(caught.value)
    (tmp_path / "keras" / "models").mkdir(parents=True)
    wheel.rename(tmp_path / "keras" / "models" / WHEEL)
    family("musicnn", weights="msd").fetch()


def test_other_weights_than_the_published_ones_are_refused(wheel: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    with zipfile.ZipFile(other, "w") as archive:
        for name in (INDEX, DATA):
            archive.writestr(f"musicnn/MSD_musicnn/{name}", b"other")
    (tmp_path / "text.whl").write_text("no zip", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    for place, reason in (
        ("other.whl", r"SHA-256 d9298a1.*, expected .*fetch it again"),
        ("text.whl", r"cannot be read \(File is not a zip file\)"),
        ("empty", r"MSD_musicnn of the package musicnn is not in"),
    ):
        with pytest.raises(ModelFileError, match=reason) as caught:
            family("musicnn", weights="msd", weights_from=str(tmp_path / place)).fetch()
        assert "\n" not in str(caught.value)


def _published_logits(place: Path, checkpoint: PublishedCheckpoint) -> np.ndarray[Any, Any]:
    """Return what the graph that was published with a checkpoint makes of `patches`."""
    import tensorflow as tf

    meta = tf.compat.v1.MetaGraphDef()
    with zipfile.ZipFile(place) as archive:
        meta.ParseFromString(archive.read(f"musicnn/{checkpoint.folder}/.meta"))
    files = musicnn_weights.checkpoint_files(checkpoint, str(place))
    values = read_checkpoint(files)
    for node in meta.graph_def.node:
        # Of the gradients, which contradict today's TensorFlow.
        node.attr.pop("_output_shapes", None)
        if node.op == "RandomUniform":
            node.attr["seed"].i = 1
    graph_def = tf.compat.v1.graph_util.extract_sub_graph(meta.graph_def, ["model/Sigmoid"])
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(graph_def, name="")
        feed: dict[Any, Any] = {}
        for operation in graph.get_operations():
            if operation.type == "Placeholder":
                (output,) = operation.outputs
                feed[output] = False if output.dtype == tf.bool else patches()
            elif operation.type == "VariableV2":
                feed[operation.outputs[0]] = values[operation.name]
        sigmoid = graph.get_operation_by_name("model/Sigmoid")
        return np.asarray(session.run(sigmoid.inputs[0], feed))


@needs_weights
@pytest.mark.parametrize("corpus", ["msd", "mtt"])
@pytest.mark.parametrize("name", ["musicnn", "music_vgg"])
def test_the_logits_are_those_of_the_published_graph(name: str, corpus: Corpus) -> None:
    import keras

    assert PUBLISHED is not None
    changes: Mapping[str, Any] = {"weights": corpus, "weights_from": PUBLISHED, "layer": "logits"}
    tagger = family(name, **changes, train="head").tagger()  # type: ignore[attr-defined]
    logits = keras.Model(tagger.input, tagger.get_layer("logits").output)
    ours = logits.predict({"mel": patches()}, verbose=0)
    theirs = _published_logits(Path(PUBLISHED), CHECKPOINTS[name, corpus])
    assert np.abs(theirs).max() > 1
    assert np.abs(ours - theirs).max() < 1e-4
