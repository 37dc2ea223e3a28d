"""Whether TensorFlow Lite Micro runs a file, and how that is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ExportError
from genrecls.export.formats import ExportFormat, Mode
from genrecls.export.verify import micro
from genrecls.export.verify.micro import (
    GoldenVectors,
    check_golden,
    estimate,
    golden_examples,
)
from genrecls.runs.export_facts import MicroSupport
from genrecls.runtime.network import Network
from genrecls.training.data import Examples
from tests.export.conftest import Make

needs_micro = pytest.mark.skipif(not micro.available(), reason="tflite-micro is for Python 3.11")


def vectors(name: str, mode: Mode, make: Make) -> tuple[bytes, GoldenVectors]:
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
    few = golden_examples(examples, made.tiny.answers.shape[1])
    network = Network(flatbuffer, delegates=False)
    return flatbuffer, GoldenVectors.of(network, dict(few.inputs), few.targets)


def test_golden_vectors_are_of_every_genre(make: Make) -> None:
    _, found = vectors("cnn", "int8", make)
    assert set(found.truth) == set(make("cnn").tiny.answers.argmax(axis=1))
    assert len(found.outputs) == len(found.raw["mfcc"]) == len(found.inputs["mfcc"]) <= 10
    assert found.raw["mfcc"].dtype == found.outputs.dtype == np.int8


@pytest.mark.process
@needs_micro
@pytest.mark.parametrize("name", ["cnn", "rnn_lstm", "mlp"])
def test_an_int8_file_is_proved_by_running_it(name: str, make: Make) -> None:
    flatbuffer, found = vectors(name, "int8", make)
    result = check_golden(flatbuffer, found)
    assert result.support.runs, result.support.reason
    assert result.arena.source == "tflite-micro"
    assert 0.5 < result.arena.bytes / estimate(flatbuffer).arena.bytes < 2


@pytest.mark.process
@needs_micro
def test_wrong_answers_are_no_proof(make: Make) -> None:
    flatbuffer, found = vectors("cnn", "int8", make)
    moved = np.roll(found.outputs, 1, axis=1)
    result = check_golden(flatbuffer, replace(found, outputs=moved))
    assert result.support.runs is False
    assert "differ by" in result.support.reason


@pytest.mark.parametrize("mode", ["float16", "dynamic"])
def test_what_has_no_kernel_there_is_not_even_tried(
    mode: Any, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    flatbuffer, found = vectors("cnn", mode, make)
    monkeypatch.setattr(micro, "run", None)
    result = check_golden(flatbuffer, found)
    assert result.support.runs is False
    assert "TensorFlow Lite Micro" in result.support.reason
    assert result.arena.source == "estimate"


def test_without_the_interpreter_nothing_is_claimed(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    flatbuffer, found = vectors("cnn", "int8", make)
    monkeypatch.setattr(micro, "available", lambda: False)
    result = check_golden(flatbuffer, found)
    assert result.support.runs is None
    assert "genrecls[micro]" in result.support.reason


def test_what_no_microcontroller_holds_is_not_tried(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    flatbuffer, found = vectors("cnn", "int8", make)
    monkeypatch.setattr(micro, "run", None)
    monkeypatch.setattr(micro, "LARGEST_NETWORK", len(flatbuffer) - 1)
    result = check_golden(flatbuffer, found)
    assert result.support.runs is None
    assert "no microcontroller holds" in result.support.reason


@needs_micro
def test_an_interpreter_that_fails_is_one_line(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    flatbuffer, found = vectors("cnn", "int8", make)

    def fail(*_: object) -> None:
        raise ExportError("it crashed (signal 6)")

    monkeypatch.setattr(micro, "run", fail)
    result = check_golden(flatbuffer, found)
    assert result.support == MicroSupport(runs=False, reason="it crashed (signal 6)")
