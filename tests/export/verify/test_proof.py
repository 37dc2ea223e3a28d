"""Whether TensorFlow Lite Micro runs a file, and how that is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ExportError
from genrecls.export.formats import ExportFormat, Mode
from genrecls.export.verify import micro
from genrecls.export.verify.golden import Golden, chosen, golden
from genrecls.export.verify.proof import estimate, prove
from genrecls.runtime.network import Network
from genrecls.training.data import Examples
from tests.export.conftest import Make

needs_micro = pytest.mark.skipif(not micro.available(), reason="tflite-micro is for Python 3.11")


def vectors(name: str, mode: Mode, make: Make) -> tuple[bytes, Golden]:
    """Return a tiny file and its golden vectors."""
    made = make(name)
    flatbuffer = made.flatbuffer(ExportFormat("features", mode))
    count = len(made.tiny.answers)
    examples = Examples(
        inputs=made.tiny.inputs,
        targets=made.tiny.answers.argmax(axis=1),
        tracks=tuple(f"t{row}" for row in range(count)),
        starts=np.zeros(count),
    )
    few = chosen(examples, made.tiny.answers.shape[1])
    network = Network(flatbuffer, delegates=False)
    return flatbuffer, golden(network, dict(few.inputs), few.targets)


def test_golden_vectors_are_of_every_genre(make: Make) -> None:
    _, found = vectors("cnn", "int8", make)
    assert set(found.truth) == set(make("cnn").tiny.answers.argmax(axis=1))
    assert len(found.outputs) == len(found.raw[0]) == len(found.inputs["mfcc"]) <= 10
    assert found.raw[0].dtype == found.outputs.dtype == np.int8


@needs_micro
@pytest.mark.parametrize("name", ["cnn", "rnn_lstm", "mlp"])
def test_an_int8_file_is_proved_by_running_it(name: str, make: Make) -> None:
    flatbuffer, found = vectors(name, "int8", make)
    proof = prove(flatbuffer, found)
    assert proof.runs, proof.reason
    assert proof.facts()["arena"]["source"] == "tflite-micro"
    assert 0.5 < proof.arena / estimate(flatbuffer).arena < 2


@needs_micro
def test_wrong_answers_are_no_proof(make: Make) -> None:
    flatbuffer, found = vectors("cnn", "int8", make)
    moved = np.roll(found.outputs, 1, axis=1)
    proof = prove(flatbuffer, replace(found, outputs=moved))
    assert proof.runs is False
    assert "differ by" in proof.reason


@pytest.mark.parametrize("mode", ["float16", "dynamic"])
def test_what_has_no_kernel_there_is_not_even_tried(
    mode: Any, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    flatbuffer, found = vectors("cnn", mode, make)
    monkeypatch.setattr(micro, "run", None)
    proof = prove(flatbuffer, found)
    assert proof.runs is False
    assert "TensorFlow Lite Micro" in proof.reason
    assert proof.source == "estimate"


def test_without_the_interpreter_nothing_is_claimed(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    flatbuffer, found = vectors("cnn", "int8", make)
    monkeypatch.setattr(micro, "available", lambda: False)
    proof = prove(flatbuffer, found)
    assert proof.runs is None
    assert "genrecls[micro]" in proof.reason


def test_what_no_microcontroller_holds_is_not_tried(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    flatbuffer, found = vectors("cnn", "int8", make)
    monkeypatch.setattr(micro, "run", None)
    monkeypatch.setattr("genrecls.export.verify.proof.LARGEST", len(flatbuffer) - 1)
    proof = prove(flatbuffer, found)
    assert proof.runs is None
    assert "no microcontroller holds" in proof.reason


@needs_micro
def test_an_interpreter_that_fails_is_one_line(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    flatbuffer, found = vectors("cnn", "int8", make)

    def fail(*_: object) -> None:
        raise ExportError("it crashed (signal 6)")

    monkeypatch.setattr(micro, "run", fail)
    proof = prove(flatbuffer, found)
    assert proof.facts()["micro"] == {"runs": False, "reason": "it crashed (signal 6)"}
