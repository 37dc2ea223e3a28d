"""Files in which some layers are int8 and others float."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from genrecls.errors import ExportError
from genrecls.export.convert import mixed
from genrecls.export.convert.conversion import ConversionRequest
from genrecls.export.convert.limitations import refusal
from genrecls.export.convert.mixed import MixedSelection, select_on
from genrecls.export.convert.worker import network
from genrecls.export.formats import INPUTS, ExportFormat
from genrecls.export.settings import GateBounds
from genrecls.runtime.network import Network
from tests.export.conftest import Make
from tests.export.exported import convert_here, operators, run

MIXED = ExportFormat("features", "mixed")
EXPECTED = np.array([[0.6, 0.4], [0.4, 0.6], [0.1, 0.9], [0.9, 0.1]])

needs_quantiser = pytest.mark.skipif(not mixed.available(), reason="genrecls[mixed] is not there")


def test_a_selection_counts_decisions_and_differences() -> None:
    answers = EXPECTED.copy()
    answers[:2] = answers[:2, ::-1]
    assert not MixedSelection({}, None, 0.98).accepts(answers, EXPECTED)
    assert MixedSelection({}, None, 0.5).accepts(answers, EXPECTED)
    assert MixedSelection({}, None, None).accepts(answers, EXPECTED)
    assert not MixedSelection({}, 0.1, None).accepts(answers, EXPECTED)
    assert MixedSelection({}, 0.3, None).accepts(answers, EXPECTED)


def test_one_decision_may_always_differ() -> None:
    answers = EXPECTED.copy()
    answers[0] = answers[0, ::-1]
    assert MixedSelection({}, None, 1.0).accepts(answers, EXPECTED)


def test_a_few_hundred_examples_select_and_leave_half_of_what_may_change() -> None:
    selection = select_on({"mel": np.zeros((1000, 2), np.float32)}, GateBounds(0.2, 0.98, 0.01))
    assert len(selection.examples["mel"]) == 250
    assert selection.decisions == pytest.approx(0.99)
    assert selection.difference == 0.2


def test_what_is_not_installed_is_said_in_one_line(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = make("cnn").tiny
    monkeypatch.setattr(mixed, "available", lambda: False)
    for kind in INPUTS:
        reason = refusal(small.model, small.card, ExportFormat(kind, "mixed"), 64)
        assert reason is not None
        assert reason.endswith("pip install 'genrecls[mixed]'")


def test_loops_are_refused_and_lstms_are_not(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixed, "available", lambda: True)
    loop, lstm = make("rnn_gru").tiny, make("rnn_lstm").tiny
    assert "gru1: a loop" in str(refusal(loop.model, loop.card, MIXED, 64))
    assert refusal(lstm.model, lstm.card, MIXED, 0) is None


@needs_quantiser
@pytest.mark.parametrize("name", ["separable", "crnn", "cnn_mlp"])
def test_layers_stay_float_until_enough_decisions_are_equal(name: str, make: Make) -> None:
    made = make(name)
    small = made.tiny

    def mixed_file(decisions: float | None) -> bytes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            selection = MixedSelection(small.inputs, None, decisions)
            return network(small.model, "mixed", small.inputs, selection)

    def equal(file: bytes) -> float:
        answers = run(file, small.inputs).argmax(axis=1)
        return float((answers == small.answers.argmax(axis=1)).mean())

    all_int8, strict = mixed_file(None), mixed_file(0.975)
    assert equal(strict) >= 0.975
    assert "QUANTIZE" in operators(strict)
    assert {one["dtype"] for one in Network(strict).inputs.values()} == {"float32"}
    # As accurate as the converter's own int8, which rounds on the same scales.
    assert equal(all_int8) >= equal(made.flatbuffer(ExportFormat("features", "int8"))) - 0.1


@needs_quantiser
def test_a_file_that_takes_audio_has_the_same_network(make: Make, tmp_path: Path) -> None:
    small = make("cnn").tiny
    formats = (MIXED, ExportFormat("audio", "mixed"))
    selection = MixedSelection(small.inputs, None, 0.9)
    request = ConversionRequest(small.path, formats, small.inputs, 64, selection)
    made = convert_here(request, tmp_path / "conversion")
    answers = []
    for wanted in formats:
        flatbuffer = made[wanted].flatbuffer
        assert flatbuffer is not None, made[wanted].error
        answers.append(run(flatbuffer, small.taken_by(wanted)))
    np.testing.assert_allclose(answers[0], answers[1], atol=0.02)


def test_without_what_selects_there_is_no_file(make: Make) -> None:
    small = make("cnn").tiny
    with pytest.raises(ExportError, match="expected segments to calibrate and select with"):
        network(small.model, "mixed", small.inputs)
