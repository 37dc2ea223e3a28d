from __future__ import annotations

import dataclasses
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.config.validation import select, validate
from genrecls.errors import ModelFileError
from genrecls.features.base import FEATURES
from genrecls.features.segmentation import SegmentRule
from genrecls.models import tensorflow_setup
from genrecls.models.base import MODELS, ModelFamily, Normalisation
from genrecls.runs import model_file
from tests.composed import conf_values

LABELS = ("blues", "jazz", "métal", "rock & roll")


def _card() -> model_file.ModelCard:
    rule = validate(SegmentRule, {**conf_values("segment/3s"), "length": 1.0}, "segment")
    return model_file.ModelCard(
        labels=LABELS,
        features=select(FEATURES, conf_values("features/mfcc")),
        segment=rule,
        vote="majority",
        run="toy-mfcc-cnn-01234567",
        dataset="toy",
        split="segment",
        leaks=("track",),
        generated=True,
        test={
            "track": {"accuracy": 0.75, "macro_f1": 0.7, "roc_auc": None},
            "segment": {"accuracy": 0.5, "macro_f1": 0.4},
        },
    )


@pytest.fixture(scope="module")
def network(tensorflow: None) -> Any:
    tensorflow_setup.configure_tensorflow()
    tensorflow_setup.fresh(1)
    card = _card()
    statistics = {"mfcc": Normalisation(np.full(13, -5.0), np.full(13, 4.0))}
    shapes = card.segment.shapes(card.features)
    family = select(MODELS, conf_values("model/cnn"))
    assert isinstance(family, ModelFamily)
    return family.build(shapes, len(LABELS), statistics)


@pytest.fixture(scope="module")
def pristine(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pristine") / "model.keras"
    model_file.save(path, network, _card())
    return path


@pytest.fixture
def path(pristine: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copy(pristine, tmp_path / "model.keras"))


def _answer(model: Any) -> Any:
    values = np.random.default_rng(0).standard_normal((3, 44, 13)).astype(np.float32)
    found = np.asarray(model.predict_on_batch({"mfcc": values}))
    assert np.ptp(found, axis=0).max() > 1e-4
    return found


def _rewrite(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Replace the card by what `change` makes of it, as somebody with an editor would."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    card = json.loads(members["genrecls.json"])
    changed = change(card)
    members["genrecls.json"] = json.dumps(card if changed is None else changed).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_model_and_card_come_back_exactly(path: Path, network: Any) -> None:
    model, card = model_file.load(path)
    assert card == _card()
    assert np.array_equal(_answer(model), _answer(network))
    assert model_file.read_card(path) == card


def test_every_field_of_the_card_is_in_the_file(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        stored = json.loads(archive.read("genrecls.json"))
    fields = {field.name for field in dataclasses.fields(model_file.ModelCard)}
    assert set(stored) == fields | {"format", "genrecls"}


def test_keras_alone_reads_the_file_too(path: Path, network: Any) -> None:
    import keras

    model = keras.models.load_model(path, compile=False, safe_mode=True)
    assert np.array_equal(_answer(model), _answer(network))


def test_saving_leaves_nothing_else_behind(network: Any, tmp_path: Path) -> None:
    model_file.save(tmp_path / "new" / "model.keras", network, _card())
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["model.keras"]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(share: float, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelFileError, match="not a readable model file") as error:
        model_file.load(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_flipped_bytes_are_refused_or_change_nothing(path: Path, network: Any) -> None:
    whole, expected, refused = path.read_bytes(), _answer(network), 0
    rng = np.random.default_rng(5)
    # Half of them in the table of contents, which no checksum of a member covers.
    places = [*rng.integers(len(whole), size=30), *rng.integers(len(whole) - 400, len(whole), 30)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            model, card = model_file.load(path)
        except ModelFileError as error:
            refused += 1
            assert "\n" not in str(error)
            continue
        assert card == _card(), f"byte {place}"
        assert np.array_equal(_answer(model), expected), f"byte {place}"
    assert refused >= 30


@pytest.mark.parametrize("name", ["absent.keras", "."])
def test_what_is_no_file_is_refused_with_its_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="model file"):
        model_file.load(tmp_path / name)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.keras")
    with pytest.raises(ModelFileError, match="a folder, a pipe or a device"):
        model_file.read_card(tmp_path / "pipe.keras")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x89HDF\r\n\x1a\n", b"\x80\x04."])
def test_what_is_no_archive_is_refused(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a readable model file"):
        model_file.load(path)


def test_a_keras_file_without_a_card_is_refused(network: Any, tmp_path: Path) -> None:
    network.save(tmp_path / "plain.keras")
    with pytest.raises(ModelFileError, match="a Keras file without labels and features"):
        model_file.load(tmp_path / "plain.keras")


def test_a_card_without_a_model_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        card = archive.read("genrecls.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("genrecls.json", card)
    with pytest.raises(ModelFileError, match="Keras cannot read it"):
        model_file.load(path)


def _features(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda card: card["features"].update(changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(format=99), "written by genrecls .*; update genrecls"),
        (lambda c: {k: c[k] for k in c if k != "format"}, "cannot be understood"),
        (lambda c: {k: c[k] for k in c if k != "genrecls"}, "cannot be understood"),
        (lambda c: {k: c[k] for k in c if k != "labels"}, "card.labels: missing"),
        (lambda c: c.update(surprise=1), "cannot be understood"),
        (lambda c: c.update(labels="abcd"), "cannot be understood"),
        (lambda c: c.update(labels=[1, 2, 3, 4]), "cannot be understood"),
        (lambda c: c.update(labels=["a", "b", "c", "a"]), "cannot be understood"),
        (lambda c: c.update(vote="os.system"), "cannot be understood"),
        (lambda c: c.update(leaks=None), "cannot be understood"),
        (lambda c: c.update(test={}), "cannot be understood"),
        (lambda c: c.update(test={"track": 0.7}), "cannot be understood"),
        (lambda c: c.update(run=["x"]), "cannot be understood"),
        (lambda c: [c], "cannot be understood"),
        (str, "cannot be understood"),
        (_features(name="os.system"), "features.name: received 'os.system'"),
        (_features(name="mfc"), "did you mean 'mfcc'"),
        (_features(n_mfcc=-1), "features.n_mfcc"),
        (_features(code="import os"), "features.code: unknown key"),
        (lambda c: c["segment"].update(length="long"), "segment.length"),
        (lambda c: c.update(labels=["a", "b", "c"]), "4 outputs but 3 labels"),
        (_features(n_mfcc=20), "the file was changed"),
        (lambda c: c["segment"].update(length=2.0), "the file was changed"),
        (
            lambda c: c["segment"].update(length=0.01, source="spectrogram"),
            "shorter than one frame",
        ),
    ],
)
def test_a_changed_card_is_refused_in_one_line(
    change: Callable[[dict[str, Any]], Any], message: str, path: Path
) -> None:
    _rewrite(path, change)
    with pytest.raises(ModelFileError, match=message) as error:
        model_file.load(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def _rewrite_network(path: Path, change: Callable[[str], str]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = change(members["config.json"].decode()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_network_whose_weights_the_file_cannot_hold_is_never_built(path: Path) -> None:
    def widen(text: str) -> str:
        # The hidden layer, and the shape of what the last one takes.
        return text.replace('"units": 64', '"units": 100000000').replace(
            "[null, 64]", "[null, 100000000]"
        )

    _rewrite_network(path, widen)
    with pytest.raises(ModelFileError, match=r"has weights of \d+,\d+,\d+,\d+ bytes, of which"):
        model_file.load(path)


def test_a_layer_that_would_fill_the_memory_is_refused(path: Path) -> None:
    import keras

    source = keras.Input((44, 13), name="mfcc")
    x = keras.layers.UpSampling1D(1_000_000)(source)
    outputs = keras.layers.Dense(len(LABELS))(keras.layers.GlobalAveragePooling1D()(x))
    model_file.save(path, keras.Model({"mfcc": source}, outputs), _card())
    with pytest.raises(ModelFileError, match="makes 572,000,000 numbers of a segment; allowed"):
        model_file.load(path)


def test_code_in_a_model_is_never_run(path: Path, tmp_path: Path) -> None:
    import keras

    mark = tmp_path / "executed"
    source = keras.Input((44, 13), name="mfcc")
    layer = keras.layers.Lambda(_touching(str(mark)), output_shape=(44, 13))
    outputs = keras.layers.Dense(len(LABELS))(keras.layers.Flatten()(layer(source)))
    model_file.save(path, keras.Model({"mfcc": source}, outputs), _card())
    mark.unlink(missing_ok=True)
    with pytest.raises(ModelFileError, match="Keras cannot read it"):
        model_file.load(path)
    assert not mark.exists()


def test_a_class_that_a_model_names_is_never_imported(path: Path, tmp_path: Path) -> None:
    def rename(text: str) -> str:
        config = json.loads(text)
        layer = config["config"]["layers"][1]
        layer.update(module="os", class_name="system", registered_name=None)
        layer["config"] = {"command": f"touch {tmp_path / 'executed'}"}
        return json.dumps(config)

    _rewrite_network(path, rename)
    with pytest.raises(ModelFileError, match="Keras cannot read it"):
        model_file.load(path)
    assert not (tmp_path / "executed").exists()


def test_a_pickle_in_place_of_the_card_is_never_run(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["genrecls.json"] = pickle.dumps(_Bomb())
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ModelFileError, match="cannot be understood"):
        model_file.load(path)
    assert not _Bomb.exploded


def _touching(mark: str) -> Callable[[Any], Any]:
    return lambda x: __import__("pathlib").Path(mark).write_text("run") and x


class _Bomb:
    exploded = False

    def __reduce__(self) -> tuple[object, ...]:
        return _explode, ()


def _explode() -> None:
    _Bomb.exploded = True
