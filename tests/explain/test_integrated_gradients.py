from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.explain.integrated_gradients import Explainer, baseline
from tests.explain.networks import ALL, SIZE, STATISTICS, dense, family, segment


def log_odds(model: Any, inputs: dict[str, Any], genre: int) -> float:
    answer = model({name: values[None] for name, values in inputs.items()}, training=False)
    p = float(np.asarray(answer)[0, genre])
    return float(np.log(p / (1 - p)))


@pytest.mark.parametrize("name", ALL)
def test_all_evidence_together_is_the_difference_of_the_log_odds(name: str) -> None:
    model = ALL[name]()
    inputs = segment(model)
    for genre in (0, 3):
        found = Explainer(model).attribute(inputs, genre)
        assert found.after == pytest.approx(log_odds(model, inputs, genre), abs=1e-4)
        assert found.before == pytest.approx(
            log_odds(model, baseline(model, inputs), genre), abs=1e-4
        )
        total = sum(float(weights.sum()) for weights in found.weights.values())
        assert total == pytest.approx(found.after - found.before, abs=2e-3)
        assert found.gap == pytest.approx(total - (found.after - found.before))
        assert {k: w.shape for k, w in found.weights.items()} == {
            k: v.shape for k, v in inputs.items()
        }


def test_the_evidence_of_a_linear_network_is_its_weights_times_the_input() -> None:
    from keras import Input, Model, layers

    source = Input((5,), name="summary")
    model = Model({"summary": source}, layers.Dense(2, activation="softmax")(source))
    kernel = model.layers[-1].get_weights()[0]
    inputs = segment(model)
    # Of two genres, the log-odds are the difference of the logits.
    expected = (kernel[:, 1] - kernel[:, 0]) * inputs["summary"]
    assert Explainer(model).attribute(inputs, 1, points=3).weights["summary"] == pytest.approx(
        expected, rel=1e-4, abs=1e-6
    )


def test_what_the_network_does_not_look_at_is_no_evidence() -> None:
    model = dense()
    kernel, *rest = model.get_weights()
    kernel[2] = 0
    model.set_weights([kernel, *rest])
    weights = Explainer(model).attribute(segment(model), 1).weights["summary"]
    assert weights[2] == 0
    assert np.count_nonzero(weights) == 4


def test_an_input_that_leads_nowhere_is_no_evidence() -> None:
    from keras import Input, Model, layers

    heard, ignored = Input((5,), name="summary"), Input((3,), name="ignored")
    answer = layers.Dense(3, activation="softmax")(heard)
    model = Model({"summary": heard, "ignored": ignored}, answer)
    assert not Explainer(model).attribute(segment(model), 0).weights["ignored"].any()


def test_a_network_that_is_sure_still_gives_its_reasons() -> None:
    """The probability is 1 in single precision, and its own gradient would be zero."""
    model = dense()
    model.set_weights([40 * weights for weights in model.get_weights()])
    inputs = segment(model)
    answer = np.asarray(model({"summary": inputs["summary"][None]}))[0]
    assert answer.max() == 1.0
    found = Explainer(model).attribute(inputs, int(answer.argmax()), points=512)
    assert found.after - found.before > 20
    assert abs(found.gap) < 0.05 * (found.after - found.before)


def test_the_baseline_is_the_mean_that_the_network_knows_and_else_zero() -> None:
    model = family("cnn")
    expected = np.broadcast_to(STATISTICS["mfcc"].mean, SIZE)
    assert baseline(model, segment(model))["mfcc"] == pytest.approx(expected, abs=1e-6)
    assert not baseline(dense(), segment(dense()))["summary"].any()


def test_an_average_segment_has_no_evidence_at_all() -> None:
    model = family("rnn")
    average = baseline(model, segment(model))
    found = Explainer(model).attribute(average, 2)
    assert not found.weights["mfcc"].any()
    assert found.before == pytest.approx(found.after, abs=1e-6)


@pytest.mark.parametrize("name", ["cnn", "crnn"])
def test_explaining_is_repeatable_and_leaves_the_network_as_it_was(name: str) -> None:
    model = family(name)
    inputs, weights = segment(model), model.get_weights()
    answer = model.predict_on_batch({"mfcc": inputs["mfcc"][None]})
    first, second = (Explainer(model).attribute(inputs, 1, 16).weights["mfcc"] for _ in range(2))
    assert np.array_equal(first, second)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    assert np.array_equal(answer, model.predict_on_batch({"mfcc": inputs["mfcc"][None]}))
