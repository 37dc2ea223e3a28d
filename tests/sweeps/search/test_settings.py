from __future__ import annotations

from dataclasses import replace

import pytest

from genrecls.config.options import choices
from genrecls.errors import ConfigError
from genrecls.sweeps.plan import Planner
from genrecls.sweeps.search.objective import OBJECTIVES
from genrecls.sweeps.search.settings import read_settings
from genrecls.sweeps.search.space import override_text, read_space
from tests.runs.finished_runs import Made, metrics_of
from tests.sweeps.search.spaces import composed, settings


@pytest.mark.parametrize("choice", choices("search"))
def test_a_search_finds_the_corners_of_its_space_in_the_configuration(choice: str) -> None:
    chosen = read_settings(composed(choice))
    space = read_space(chosen.space)
    base = [f"{key}={override_text(value)}" for key, value in chosen.base.items()]
    lowest = [f"{key}={dimension.text(dimension.first)}" for key, dimension in space.items()]
    highest = [f"{key}={dimension.text(dimension.last)}" for key, dimension in space.items()]
    experiments = [Planner().experiment([*base, *words]) for words in (lowest, highest)]
    assert experiments[0].resolved() != experiments[1].resolved()
    assert experiments[0].model.name == chosen.base.get("model", "cnn")


def test_every_family_has_a_search() -> None:
    families = {"mlp", "cnn", "rnn", "crnn", "cnn_mlp", "separable", "vgg16", "sklearn"}
    assert families <= set(choices("search"))


@pytest.mark.parametrize("name", ["test", "test_accuracy", "parts.test.track.accuracy"])
def test_the_test_part_cannot_choose(name: str) -> None:
    with pytest.raises(ConfigError, match="the test part takes no part in a search"):
        settings(objective=[name])


def test_no_objective_reads_anything_of_the_test_part() -> None:
    made = metrics_of(Made(parameters=1234))
    scores = replace(made.validation.track, accuracy=0.7, macro_f1=0.6, log_loss=0.5)
    validation = replace(made.validation, track=scores)
    # Where there is no test part, reading it would fail.
    metrics = replace(made, parts={"validation": validation})
    assert [o.read(metrics) for o in OBJECTIVES.values()] == [0.7, 0.6, 0.5, 1234]


@pytest.mark.parametrize(
    "objective", [["parameters"], ["accuracy", "loss"], ["parameters", "accuracy"], []]
)
def test_an_objective_is_one_score_and_perhaps_the_size(objective: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"search.objective: received .*; allowed: one score"):
        settings(objective=objective)


def test_an_unknown_objective_or_key_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="allowed: accuracy, macro_f1, loss, parameters"):
        settings(objective=["acuracy"])
    with pytest.raises(ConfigError, match=r"received 'acc'; allowed: .*did you mean 'accuracy'"):
        settings(objective=["acc"])
    with pytest.raises(ConfigError, match=r"search.prunner: unknown key; .*did you mean 'pruner'"):
        read_settings({**composed(), "prunner": "none"})


def test_of_two_objectives_nothing_is_pruned() -> None:
    assert settings().prunes
    assert not settings(pruner="none").prunes
    assert not settings(objective=["accuracy", "parameters"]).prunes
