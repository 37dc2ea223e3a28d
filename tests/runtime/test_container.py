from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ModelFileError
from genrecls.runtime.container import FORMAT, pack, unpack
from tests.runtime import handmade

CARD: dict[str, Any] = {**handmade.CARD, "labels": ["blues", "ruhig & laut"]}
FLATBUFFER = np.random.default_rng(5).bytes(3001)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_flatbuffer_and_card_come_back_as_they_were(tmp_path: Path) -> None:
    path = _written(tmp_path / "model.tflite", pack(FLATBUFFER, CARD))
    assert path.read_bytes().startswith(FLATBUFFER)
    assert unpack(path) == (FLATBUFFER, CARD)


@pytest.mark.parametrize("cut", ["samples", "frames"])
def test_the_card_of_the_first_version_is_read_in_the_present_words(
    cut: str, tmp_path: Path
) -> None:
    image = {"ref": "max", "pre_emphasis": 0.0, "size": None, "colour": "grey"}
    new = {**CARD, "features": {**CARD["features"], "name": "mel_image", **image}}
    source = {"samples": "audio", "frames": "spectrogram"}[cut]
    path = _written(tmp_path / "model.tflite", pack(FLATBUFFER, _first_version(new, cut)))
    segment = {**CARD["segment"], "source": source}
    assert unpack(path)[1] == {**new, "format": 1, "segment": segment}


def _first_version(card: dict[str, Any], cut: str = "samples") -> dict[str, Any]:
    names = {"mel_image": "picture", "multi_input": "joint"}
    old = {key: value for key, value in card.items() if key != "input"}
    segment = {key: value for key, value in card["segment"].items() if key != "source"}
    features = {**card["features"], "name": names[card["features"]["name"]]}
    old |= {"segment": {**segment, "cut": cut}, "features": features}
    return {**old, "format": 1, "entrance": card["input"]}


def test_the_parts_of_several_inputs_are_read_in_the_present_words(tmp_path: Path) -> None:
    parts = {"picture": {"name": "picture", "size": [8, 8]}, "summary": {"name": "summary"}}
    old = _first_version({**CARD, "features": {"name": "multi_input", **parts}})
    path = _written(tmp_path / "model.tflite", pack(FLATBUFFER, old))
    features = unpack(path)[1]["features"]
    assert features["name"] == "multi_input"
    assert features["picture"] == {"name": "mel_image", "size": [8, 8]}
    assert features["summary"] == {"name": "summary"}


def test_equal_models_are_equal_files() -> None:
    assert pack(FLATBUFFER, CARD) == pack(FLATBUFFER, dict(CARD))


def test_any_reader_of_zips_finds_the_card(tmp_path: Path) -> None:
    path = _written(tmp_path / "model.tflite", pack(FLATBUFFER, CARD))
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("genrecls.json")) == CARD


def test_the_card_costs_few_bytes() -> None:
    assert len(pack(FLATBUFFER, CARD)) - len(FLATBUFFER) < 800


def test_300_files_that_were_cut_are_refused(tmp_path: Path) -> None:
    content, rng = pack(FLATBUFFER, CARD), np.random.default_rng(0)
    for length in rng.choice(len(content), 300, replace=False):
        with pytest.raises(ModelFileError, match=r"model\.tflite: ") as error:
            unpack(_written(tmp_path / "model.tflite", content[:length]))
        assert "\n" not in str(error.value)


def test_300_files_with_a_changed_bit_are_refused(tmp_path: Path) -> None:
    content, rng = pack(FLATBUFFER, CARD), np.random.default_rng(1)
    for place in rng.choice(len(content), 300, replace=False):
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(ModelFileError, match=r"damaged|does not end with"):
            unpack(_written(tmp_path / "model.tflite", bytes(changed)))


@pytest.mark.parametrize("more", [b"\0", b"\n", pack(FLATBUFFER, CARD)[-80:]])
def test_a_file_with_something_behind_it_is_refused(more: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        unpack(_written(tmp_path / "model.tflite", pack(FLATBUFFER, CARD) + more))


@pytest.mark.parametrize("content", [b"", b"TFL3", FLATBUFFER, b"x" * 80])
def test_a_file_that_genrecls_did_not_write_is_one_line(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"expected a \.tflite that 'genrecls export' wrote"):
        unpack(_written(tmp_path / "model.tflite", content))


def test_a_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    newer = pack(FLATBUFFER, {**CARD, "format": FORMAT + 1, "genrecls": "9.0"})
    with pytest.raises(ModelFileError, match=r"written by genrecls 9\.0 .*; update genrecls"):
        unpack(_written(tmp_path / "model.tflite", newer))


def test_no_file_a_folder_and_a_pipe_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such model file"):
        unpack(tmp_path / "absent.tflite")
    with pytest.raises(ModelFileError, match="cannot be read"):
        unpack(tmp_path)
    os.mkfifo(tmp_path / "pipe.tflite")
    with pytest.raises(ModelFileError, match="a folder, a pipe or a device"):
        unpack(tmp_path / "pipe.tflite")


def test_a_file_larger_than_any_model_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "model.tflite").open("wb") as file:
        file.truncate(2**31 + 1)
    with pytest.raises(ModelFileError, match=r"2,147,483,649 bytes, and a TFLite file has at most"):
        unpack(tmp_path / "model.tflite")


def test_not_a_number_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pack(FLATBUFFER, {**CARD, "score": float("nan")})
