"""A network that does not fit its card, or does not answer as a classifier, is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ModelFileError
from genrecls.runtime.container import unpack
from genrecls.runtime.network import Network
from genrecls.runtime.tflite_predictor import load_tflite
from genrecls.shipped.models import shipped_file
from tests.conftest import RunCommand
from tests.runtime.handmade import (
    BANDS,
    CARD,
    FRAMES,
    LABELS,
    RATE,
    exported_file,
    flatbuffer,
)
from tests.runtime.packed import song

FLOAT = {"dtype": "float32", "scale": 0.0, "zero_point": 0}


def _weights(value: float) -> Any:
    return np.full((len(LABELS), FRAMES * BANDS), value, np.float32)


def _taking(*shape: int) -> dict[str, Any]:
    return {**CARD, "inputs": {"mel": {"shape": list(shape), **FLOAT}}}


def test_a_file_made_by_hand_classifies(tmp_path: Path) -> None:
    classifier = load_tflite(exported_file(tmp_path / "model.tflite"))
    result = classifier.classify(song(tmp_path / "song.wav", 2.0, RATE))
    assert result.error is None
    np.testing.assert_allclose(result.segments.sum(axis=1), 1, atol=1e-6)
    assert len(result.segments) == 4


@pytest.mark.parametrize(
    ("card", "network", "reason"),
    [
        (_taking(FRAMES, BANDS), {"shape": (1, BANDS, FRAMES)}, "not those of its description"),
        (_taking(BANDS, FRAMES), {"shape": (1, BANDS, FRAMES)}, "but its features give"),
        (_taking(FRAMES * BANDS), {"shape": (1, FRAMES * BANDS)}, "but its features give"),
        ({**CARD, "inputs": {}}, {}, "it takes mel but its description says"),
        ({**CARD, "inputs": {"mel": None}}, {}, "not those of its description"),
        ({**CARD, "inputs": {"mel": {**FLOAT, "shape": "x"}}}, {}, "not those of its description"),
        ({**CARD, "labels": ["a", "b"]}, {}, "4 outputs but 2 labels"),
        ({**CARD, "input": "audio"}, {}, "but its features give"),
        (CARD, {"shape": (2, FRAMES // 2, BANDS)}, "expected one segment of float32"),
        (CARD, {"shape": (2**11, 2**10, 2**10)}, "its tensors would be"),
        (CARD, {"shape": (1, FRAMES, BANDS + 1)}, "the TFLite runtime cannot run this file"),
    ],
)
def test_a_network_that_is_not_that_of_its_card_is_refused_when_it_is_loaded(
    card: dict[str, Any], network: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = exported_file(tmp_path / "model.tflite", card, flatbuffer(**network))
    with pytest.raises(ModelFileError, match=reason) as caught:
        load_tflite(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ({"weights": _weights(np.nan)}, "received values that are no numbers"),
        ({"weights": _weights(np.inf)}, "received values that are no numbers"),
        ({"weights": _weights(1.0), "softmax": False}, "that sum to 1, received"),
        ({"weights": _weights(-1.0), "softmax": False}, "that sum to 1, received"),
    ],
)
@pytest.mark.parametrize("format_name", ["json", "csv", "table"])
def test_an_answer_that_is_no_distribution_is_no_answer(
    network: dict[str, Any],
    reason: str,
    format_name: str,
    tmp_path: Path,
    run_command: RunCommand,
) -> None:
    model = exported_file(tmp_path / "model.tflite", None, flatbuffer(**network))
    heard = song(tmp_path / "song.wav", 2.0, RATE)
    for words in ((str(heard),), ("--live", str(heard), "--live-wait", "0.01")):
        answer = run_command("predict", str(model), *words, "--format", format_name)
        assert answer.status == 1
        assert "error: model toy-mel-dense-01234567 (features float32): it does not" in answer.err
        assert reason in answer.err
        # What is there is a header, or an empty list.
        assert len(answer.out.split("\n")) <= 4
        assert "NaN" not in answer.out
        assert "song.wav" not in answer.out


def test_a_network_that_stops_inside_is_one_line(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ai_edge_litert import interpreter

    def stop(_: Any) -> None:
        raise RuntimeError("gather index out of bounds\nNode number 3 (GATHER) failed to invoke.")

    monkeypatch.setattr(interpreter.Interpreter, "invoke", stop)
    model = exported_file(tmp_path / "model.tflite")
    answer = run_command("predict", str(model), str(song(tmp_path / "song.wav", 2.0, RATE)))
    assert answer.status == 1
    assert "cannot run this file (gather index out of bounds)" in answer.err
    assert "song.wav" not in answer.out


@pytest.mark.parametrize(
    "edit",
    [
        lambda card: card["segment"].update(hop=0),
        lambda card: card["segment"].update(hop=1e-9),
        lambda card: card["segment"].update(length=1e12),
        lambda card: card["features"].update(n_fft=2**31),
        lambda card: card["features"].update(n_mels=10**9),
        lambda card: card["features"].update(sample_rate=10**9),
    ],
)
def test_predict_refuses_a_hostile_card_at_once(
    edit: Callable[[dict[str, Any]], None], tmp_path: Path, run_command: RunCommand
) -> None:
    card = json.loads(json.dumps(CARD))
    edit(card)
    model = exported_file(tmp_path / "model.tflite", card)
    answer = run_command("predict", str(model), str(song(tmp_path / "song.wav", 2.0, RATE)))
    assert answer.status == 1
    assert "its description cannot be understood" in answer.error


def test_sizes_of_a_card_are_multiplied_before_anything_is_reserved(tmp_path: Path) -> None:
    card = json.loads(json.dumps(CARD))
    # Each alone may be; together they are 0.5 GB a segment.
    card["segment"]["length"] = 1000
    card["features"].update(hop_length=8, n_mels=120, n_fft=2048)
    path = exported_file(tmp_path / "model.tflite", card)
    with pytest.raises(ModelFileError, match=r"segment\.length: .* 120,\d+,\d+ numbers of"):
        load_tflite(path)


def test_a_file_for_microcontrollers_is_rounded_as_they_do() -> None:
    file = shipped_file("best_tiny_int8")
    assert file is not None
    flatbuffer, _ = unpack(file)
    noise = np.random.default_rng(0).standard_normal((3, 97, 64)).astype(np.float32) * 10
    said = load_tflite(file).predictor.probabilities({"mel": noise})
    alike, fast = (Network(flatbuffer, delegates=fast) for fast in (False, True))
    assert np.array_equal(said, alike.probabilities({"mel": noise}))
    assert not np.array_equal(said, fast.probabilities({"mel": noise}))
