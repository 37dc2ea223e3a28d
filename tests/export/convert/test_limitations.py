from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from genrecls.config.validation import select
from genrecls.export.convert.limitations import refusal
from genrecls.export.formats import INPUTS, MODES, ExportFormat
from genrecls.features.base import FEATURES
from genrecls.models.estimators import EstimatorSettings, fit
from tests.export.conftest import Make

INT8 = ExportFormat("features", "int8")


def test_a_loop_that_is_too_long_for_int8_is_refused_with_a_way_out(make: Make) -> None:
    small = make("rnn_bigru").tiny
    assert refusal(small.model, small.card, INT8, 21) == (
        "bidirectional1 (22 steps): a loop, on which the converter's calibration for int8 crashes, "
        "and too long to be written out (unroll_steps=21); use the mode dynamic, train with "
        "model.recurrent.cell=lstm, or set unroll_steps=22 for about 748 operators"
    )
    assert refusal(small.model, small.card, INT8, 22) is None


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "int8"])
def test_a_loop_is_good_enough_for_every_other_mode(mode: Any, make: Make) -> None:
    small = make("rnn_bigru").tiny
    for kind in INPUTS:
        assert refusal(small.model, small.card, ExportFormat(kind, mode), 0) is None


def test_an_lstm_is_never_refused(make: Make) -> None:
    small = make("rnn_bilstm").tiny
    assert refusal(small.model, small.card, INT8, 0) is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [("summary", "beat tracking"), ("kaggle_table", "without the program")],
)
def test_features_without_a_graph_have_no_files_that_take_audio(
    name: str, reason: str, make: Make
) -> None:
    small = make("mlp").tiny
    spec = small.card.features if name == "summary" else select(FEATURES, {"name": name})
    card = dataclasses.replace(small.card, features=spec)
    found = refusal(small.model, card, ExportFormat("audio", "float32"), 64)
    assert found is not None
    assert f"features={name}" in found
    assert reason in found
    assert "use the files that take features" in found
    assert refusal(small.model, card, ExportFormat("features", "float32"), 64) is None


@pytest.mark.parametrize("name", ["rnn_gru", "rnn_bigru", "rnn_simple"])
def test_the_number_of_operators_is_told_truthfully(name: str, make: Make) -> None:
    from tests.export.exported import operators

    made = make(name)
    found = refusal(made.tiny.model, made.tiny.card, INT8, 0)
    assert found is not None
    told = int(found.split("for about ")[1].split(" ")[0].replace(",", ""))
    assert 0.7 < told / len(operators(made.flatbuffer(INT8))) < 1.4


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("estimator", "mode", "reason"),
    [
        ("random_forest", "float32", "decision trees"),
        ("knn", "dynamic", "nearest neighbours"),
        ("svm", "int8", "kernel=linear"),
        ("svm", "dynamic", None),
        ("logistic", "int8", None),
    ],
)
def test_classical_models_that_are_no_sums_are_refused_with_one_that_is(
    estimator: Any, mode: Any, reason: str | None, make: Make
) -> None:
    import keras

    rng = np.random.default_rng(0)
    rows, targets = rng.standard_normal((12, 2)).astype(np.float32), np.arange(12) % 3
    choice = {"c": 1.0, "gamma": 1.0, "leaf": 1, "neighbours": 3}
    learnt = fit(EstimatorSettings(estimator, choice, "rbf", 2, 0), rows, targets, 3)
    source = keras.Input((2,), name="table")
    model = keras.Model({"table": source}, learnt.decision(1.0).apply(source))
    found = refusal(model, make("mlp").tiny.card, ExportFormat("features", mode), 64)
    if reason is None:
        assert found is None
    else:
        assert found is not None
        assert reason in found
        assert "\n" not in found
