from __future__ import annotations

import pytest

from genrecls.errors import ConfigError
from tests.conftest import ComposeExperiment


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["augment=mixup"],
            r"^augment: .* without batches; allowed: augment=none, or augment=audio",
        ),
        (["trainer.strategy=mirrored"], r"^trainer\.strategy: received mirrored, .*: single$"),
        (["trainer.batches=tracks"], r"^trainer\.batches: received tracks, .*: shuffled$"),
        (["trainer.crops=3"], r"^trainer\.crops: received 3, .*: null$"),
        (["trainer.ema=0.9"], r"^trainer\.ema: received 0.9, .*: 0.0$"),
        (
            ["trainer.calibration=temperature"],
            r"^trainer\.calibration: received temperature, .*: none$",
        ),
    ],
)
def test_what_changes_batches_or_steps_is_refused_where_there_are_none(
    words: list[str], message: str, compose_experiment: ComposeExperiment
) -> None:
    with pytest.raises(ConfigError, match=message):
        compose_experiment("model=svm", *words)


def test_neighbours_all_count_the_same(compose_experiment: ComposeExperiment) -> None:
    compose_experiment("model=svm", "trainer.class_weights=balanced")
    with pytest.raises(ConfigError, match=r"^trainer\.class_weights: received balanced, .*knn"):
        compose_experiment("model=knn", "trainer.class_weights=balanced")
