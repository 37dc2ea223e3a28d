"""Whatever a stranger writes into a card is refused in one line, in both kinds of model files."""

from __future__ import annotations

import copy
import json
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import ModelFileError, RunError
from genrecls.inference.front_end import feature_front_end
from genrecls.runs import model_file
from genrecls.runtime.card import MOST_CARD_BYTES, parse_json
from genrecls.runtime.container import unpack
from genrecls.runtime.tflite_predictor import load_tflite
from tests.runtime.handmade import (
    CARD,
    FACTS,
    exported_file,
    flatbuffer,
    keras_file,
    resealed,
    with_card,
)

NETWORK = flatbuffer()


def _each(place: str, values: list[Any]) -> list[tuple[str, Any]]:
    return [(place, value) for value in values]


# Each is a key and what it is set to; all are refused whichever file says it.
EDITS: list[tuple[str, Any]] = [
    *_each("refit", [{}, {"runs": 1, "tracks": 9}, [1, 2], "all"]),
    *_each("refit", [{"runs": 0, "tracks": 9, "interval": [0.1, 0.2]}]),
    *_each("refit", [{"runs": 5, "tracks": 9, "interval": ["a", 0.2]}]),
    *_each("segment.hop", [0, -1, -0.0, 1e-9, 1e-5, 1e-3, "1", True, [1]]),
    *_each("segment.length", [0, -1, 1e-9, 1e12, 1e300, 10**17, None, "3"]),
    *_each("segment.min_fill", [0, -1, 1.5, None]),
    *_each("segment.count", [0, -1, 1.5, "all"]),
    *_each("segment.source", ["seconds", "", None, 1]),
    *_each("segment", [{}, [], None, "3s"]),
    *_each("features.sample_rate", [0, -1, 10**9, 22050.5, None, "8000", True]),
    *_each("features.n_fft", [0, 1, 3, 17, -256, 2**30, 2**31, 256.0, None, "256"]),
    *_each("features.hop_length", [0, -1, 257, 2**40, None, 1.5]),
    *_each("features.n_mels", [0, -1, 500, 10**9, None, "8"]),
    *_each("features.fmin", [-1, 4000, 1e9, None, "0"]),
    *_each("features.fmax", [0, -1, 4000.5, 1e9, 1e-300, "4000"]),
    *_each("features.window", ["hannn", "", None, 3]),
    *_each("features.power", [-1, 0, 3, 1.0, True, None]),
    *_each("features.mel_scale", ["bark", None]),
    *_each("features.mel_norm", ["area", 2]),
    *_each("features.ref", [0, -1, "min", None]),
    *_each("features.amin", [0, -1, 1e-300, None]),
    *_each("features.top_db", [0, -80]),
    *_each("features.center", [1, None, "yes"]),
    *_each("features.compression", ["log", None, 1]),
    *_each("features.log_gain", [0, -1, 1e-320, 1e300, None]),
    *_each("features.pcen_seconds", [0, -1, 1e-300, None]),
    *_each("features.pcen_bias", [0, "2"]),
    *_each("features.name", ["mels", "os.system", "", 3, None, ["mel"]]),
    ("features.code", "import os"),
    *_each("features", [{}, [], None, {"name": "mel"}]),
    *_each("labels", [[], None, "abcd", [1, 2, 3, 4], ["a", "b", "a", "c"]]),
    ("labels", [["a"], "b", "c", "d"]),
    ("labels", ["a" * 100_000, "b", "c", "d"]),
    *_each("vote", ["loudest", None, 1, ["mean"]]),
    *_each("leaks", [None, "track", [1], {}]),
    *_each("generated", [1, None, "no"]),
    *_each("run", [None, 1, "", ["x"]]),
    *_each("dataset", [None, {"name": "x"}]),
    *_each("split", [None, 3]),
    *_each("test", [None, {}, [], {"track": 0.7}, {"track": {"accuracy": 0.7}}]),
    *_each("test.track.accuracy", [-0.1, 1.1, None, "0.7"]),
    ("test.segment.macro_f1", 2),
    ("test.track.accuracy_interval", [0.4]),
    ("test.track.accuracy_interval", [0.4, 2]),
    ("surprise", 1),
    *_each("format", [0, -1, 1.5, "2", None, True, []]),
]
MISSING = [
    *("features", "segment", "labels", "vote", "run", "dataset", "split", "leaks", "test"),
    *("generated", "format", "genrecls", "segment.hop", "features.n_fft", "features.fmax"),
]


def _edited(card: Mapping[str, Any], place: str, value: Any, *, drop: bool = False) -> Any:
    changed = copy.deepcopy(dict(card))
    *groups, last = place.split(".")
    inside = changed
    for group in groups:
        inside = inside[group]
    if drop:
        del inside[last]
    else:
        inside[last] = value
    return changed


def _reasons(place: str, value: Any, folder: Path, *, drop: bool = False) -> list[str]:
    """Return why a `.tflite` and a `.keras` with a changed card are refused."""
    exported = exported_file(
        folder / "model.tflite", _edited(CARD, place, value, drop=drop), NETWORK
    )
    text = json.dumps(_edited({**FACTS, "format": 1}, place, value, drop=drop)).encode()
    trained = keras_file(folder / "model.keras", text)
    reasons = []
    attempts: tuple[tuple[Path, Callable[[Path], Any]], ...] = (
        (exported, lambda path: load_tflite(path, other=feature_front_end)),
        (exported, load_tflite),
        (trained, model_file.read_card),
    )
    for path, load in attempts:
        with pytest.raises((ModelFileError, RunError)) as caught:
            load(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 700
        reasons.append(str(caught.value).removeprefix(f"{path}: "))
    return reasons


@pytest.mark.parametrize(("place", "value"), EDITS)
def test_a_card_that_says_what_cannot_be_is_refused_alike_in_both_files(
    place: str, value: Any, tmp_path: Path
) -> None:
    exported, device, trained = _reasons(place, value, tmp_path)
    key = place.rpartition(".")[2]
    assert re.search(rf"\b{key}\b|of these bands lie between two bins", exported)
    # What else may be there differs, and so does what a program without plugins can compute.
    if place not in {"format", "features.name", "surprise"}:
        reason = exported.partition("(")[2].partition("; export it again")[0].removesuffix(")")
        assert reason in trained
        assert device == exported


@pytest.mark.parametrize("place", MISSING)
def test_a_card_that_lacks_something_is_refused_by_its_name(place: str, tmp_path: Path) -> None:
    exported, _, trained = _reasons(place, None, tmp_path, drop=True)
    reason = f"{place.rpartition('.')[2]}: missing"
    assert reason in exported
    assert reason in trained


@pytest.mark.parametrize("card", [[], "card", 3, None, [CARD]])
def test_a_card_that_is_no_group_is_refused(card: Any, tmp_path: Path) -> None:
    text = json.dumps(card).encode()
    (tmp_path / "model.tflite").write_bytes(with_card(NETWORK, text))
    with pytest.raises(ModelFileError, match="allowed: a group of the keys genrecls, labels"):
        unpack(tmp_path / "model.tflite")
    with pytest.raises(ModelFileError, match="allowed: a group of the keys genrecls, labels"):
        model_file.read_card(keras_file(tmp_path / "model.keras", text))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"1e999", "1e999, which is not finite"),
        (b"-1e999", "1e999, which is not finite"),
        (b"NaN", "NaN, which is not finite"),
        (b"Infinity", "Infinity, which is not finite"),
        (b"1" + b"0" * 400, "a number of 401 digits"),
        (b"1" + b"0" * 5000, "a number of 5001 digits"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b"[" * 40 + b"]" * 40, "nested too deeply"),
    ],
)
def test_numbers_and_depths_that_no_card_has_are_refused_in_both_files(
    value: bytes, reason: str, tmp_path: Path
) -> None:
    for place in ("dataset", "surprise", "test"):
        text = json.dumps({**CARD, place: "HERE"}).encode().replace(b'"HERE"', value)
        (tmp_path / "model.tflite").write_bytes(with_card(NETWORK, text))
        with pytest.raises(ModelFileError, match=reason):
            unpack(tmp_path / "model.tflite")
        with pytest.raises(ModelFileError, match=reason):
            model_file.read_card(keras_file(tmp_path / "model.keras", text))


def test_the_numbers_of_json_come_back_as_they_were() -> None:
    value = {"a": [1, -2, 0.1, 1e-300, 10**17], "b": None, "c": True, "d": "NaN"}
    assert parse_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_card_packed_in_an_unusual_way_is_refused(method: int, tmp_path: Path) -> None:
    text = json.dumps(CARD).encode()
    (tmp_path / "model.tflite").write_bytes(with_card(NETWORK, text, method))
    keras_file(tmp_path / "model.keras", text, method)
    _both_refuse(tmp_path, f"is packed by method {method}, expected stored or deflated")


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        ("flags", b"\x01\x00", "is encrypted"),
        ("method", b"\x63\x00", "is packed by method 99"),
        ("method", b"\x00\x00", "damaged|Bad magic|Bad CRC"),
    ],
)
def test_a_part_that_zip_cannot_read_is_refused(
    at: str, value: bytes, reason: str, tmp_path: Path
) -> None:
    # The same two fields stand in the header of the part and in the table of contents.
    places = {"flags": (6, 8), "method": (8, 10)}[at]

    def spoil(content: bytes) -> bytes:
        changed = bytearray(content)
        for signature, offset in zip((b"PK\x03\x04", b"PK\x01\x02"), places, strict=True):
            start = content.index(signature) + offset
            changed[start : start + 2] = value
        return bytes(changed)

    _spoil_both(tmp_path, spoil)
    _both_refuse(tmp_path, reason)


def test_a_damaged_stream_in_the_zip_is_refused(tmp_path: Path) -> None:
    def spoil(content: bytes) -> bytes:
        start = content.index(b"genrecls.json") + 40
        return content[:start] + bytes(20) + content[start + 20 :]

    _spoil_both(tmp_path, spoil)
    _both_refuse(tmp_path, "description cannot be read|not a readable model file")


def _spoil_both(folder: Path, spoil: Callable[[bytes], bytes]) -> None:
    text = json.dumps(CARD).encode()
    (folder / "model.tflite").write_bytes(resealed(spoil(with_card(NETWORK, text))))
    path = keras_file(folder / "model.keras", text, zipfile.ZIP_DEFLATED)
    path.write_bytes(spoil(path.read_bytes()))


def _both_refuse(folder: Path, reason: str) -> None:
    for name, load in (("model.tflite", unpack), ("model.keras", model_file.read_card)):
        with pytest.raises(ModelFileError, match=reason) as caught:
            load(folder / name)
        assert "\n" not in str(caught.value)
        assert str(folder / name) in str(caught.value)


def test_a_card_that_inflates_is_refused_before_it_is_read(tmp_path: Path) -> None:
    text = json.dumps(CARD).encode() + b" " * (MOST_CARD_BYTES + 1)
    (tmp_path / "model.tflite").write_bytes(with_card(NETWORK, text))
    keras_file(tmp_path / "model.keras", text, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    _both_refuse(tmp_path, "its description has more than")
    assert tracemalloc.get_traced_memory()[1] < MOST_CARD_BYTES
    tracemalloc.stop()


def test_a_part_beside_the_card_that_inflates_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("genrecls.json", json.dumps(CARD))
        with archive.open("model.weights.h5", "w") as weights:
            for _ in range(70):
                weights.write(bytes(1024 * 1024))
    with pytest.raises(ModelFileError, match=r"its parts would be 73,\d+,\d+ bytes, far more than"):
        model_file.read_card(path)
