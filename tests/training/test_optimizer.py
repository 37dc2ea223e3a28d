from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from genrecls.training.optimizer import build_optimizer, current_rate
from tests.training.toys import trainer_settings

NAMES = ("adam", "adamw", "sgd", "rmsprop", "nadam")


def _optimizer(steps: int = 10, **changes: Any) -> Any:
    return build_optimizer(trainer_settings(**changes), steps)


def _after_steps(count: int, gradient: float = 1.0, **optimizer: Any) -> float:
    import keras

    variable = keras.Variable(np.ones(1, np.float32))
    result = _optimizer(optimizer={"learning_rate": 0.1, **optimizer})
    for _ in range(count):
        result.apply([keras.ops.full((1,), gradient)], [variable])
    return float(variable.numpy()[0])


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("name", NAMES)
def test_every_optimiser_goes_downhill(name: str, decay: float) -> None:
    assert _after_steps(1, name=name, weight_decay=decay) < 1


@pytest.mark.parametrize("name", NAMES)
def test_weight_decay_pulls_weights_to_zero_without_a_gradient(name: str) -> None:
    assert _after_steps(1, 0.0, name=name) == 1
    result = _after_steps(1, 0.0, name=name, weight_decay=0.5)
    assert result == pytest.approx(1 - 0.1 * 0.5, abs=1e-6)


def test_the_gradient_is_clipped_to_the_norm_that_is_set() -> None:
    free = _after_steps(1, 100.0, name="sgd", momentum=0.0)
    clipped = _after_steps(1, 100.0, name="sgd", momentum=0.0, clip_norm=2.0)
    assert free == pytest.approx(1 - 0.1 * 100)
    assert clipped == pytest.approx(1 - 0.1 * 2)
    small = _after_steps(1, 1.0, name="sgd", momentum=0.0, clip_norm=2.0)
    assert small == pytest.approx(1 - 0.1)


def test_momentum_is_used_where_it_is_known() -> None:
    for name in ("sgd", "rmsprop"):
        slow = _after_steps(3, name=name, momentum=0.0)
        assert _after_steps(3, name=name, momentum=0.9) < slow - 0.01


def _rates(steps: int, count: int, **changes: Any) -> list[float]:
    built = _optimizer(steps, **changes)
    rates = []
    for step in range(count):
        built.iterations.assign(step)
        rates.append(current_rate(built))
    return rates


def test_a_constant_schedule_keeps_the_rate() -> None:
    rates = _rates(5, 20, optimizer={"learning_rate": 0.02}, schedule={"name": "constant"})
    assert rates == pytest.approx([0.02] * 20)


def test_a_cosine_schedule_warms_up_in_a_line_and_decays_to_zero() -> None:
    schedule = {"name": "cosine", "warmup_epochs": 2}
    rates = _rates(5, 41, epochs=8, optimizer={"learning_rate": 0.02}, schedule=schedule)
    assert rates[:10] == pytest.approx([0.02 * step / 10 for step in range(10)])
    expected = [0.01 * (1 + math.cos(math.pi * step / 30)) for step in range(31)]
    assert rates[10:] == pytest.approx(expected, abs=1e-8)
    assert rates[10] == pytest.approx(0.02)
    assert rates[40] == pytest.approx(0, abs=1e-9)


def test_a_cosine_schedule_without_warm_up_begins_at_its_peak() -> None:
    rates = _rates(5, 41, epochs=8, optimizer={"learning_rate": 0.02}, schedule={"name": "cosine"})
    assert rates[0] == pytest.approx(0.02)
    assert rates[20] == pytest.approx(0.01)
    assert rates[40] == pytest.approx(0, abs=1e-9)


def test_a_warm_up_longer_than_the_training_only_warms_up() -> None:
    schedule = {"name": "cosine", "warmup_epochs": 50}
    rates = _rates(5, 11, epochs=2, optimizer={"learning_rate": 0.02}, schedule=schedule)
    assert rates == pytest.approx([0.002 * step for step in range(11)])
