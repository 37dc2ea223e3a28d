"""A tracker is chosen by name, refused without its library and no part of what a run is."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.config.options import choices
from genrecls.errors import ConfigError
from genrecls.trackers import base
from genrecls.trackers.base import LOGGERS
from tests.conftest import ComposeExperiment
from tests.trackers.runs import started_run


def test_every_tracker_has_a_file_with_its_settings(compose_experiment: ComposeExperiment) -> None:
    assert set(LOGGERS) == set(choices("logger"))
    for name in LOGGERS:
        assert compose_experiment(f"logger={name}").logger.name == name


def test_nobody_watches_unless_asked(compose_experiment: ComposeExperiment, tmp_path: Path) -> None:
    run = started_run(tmp_path)
    assert compose_experiment().logger.name == "none"
    assert compose_experiment().logger.callbacks(run, {}) == ()


@pytest.mark.parametrize("name", list(LOGGERS))
def test_a_tracker_writes_nothing_before_it_is_told_something(
    name: str, compose_experiment: ComposeExperiment, tmp_path: Path
) -> None:
    run = started_run(tmp_path)
    compose_experiment(f"logger={name}").logger.callbacks(run, {})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["run.json"]


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("tensorboard", "tensorboard"),
        ("mlflow", "sqlalchemy"),
        ("wandb", "wandb"),
        ("trackio", "trackio"),
    ],
)
def test_a_missing_library_is_one_line_with_the_extra(
    name: str,
    package: str,
    compose_experiment: ComposeExperiment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "find_spec", lambda asked: None if asked == package else asked)
    logger = compose_experiment(f"logger={name}").logger
    with pytest.raises(ConfigError) as error:
        logger.require()
    assert str(error.value) == (
        f"logger={name}: needs the package {package}, which is not installed; "
        f"run: pip install 'genrecls[{name}]'"
    )


def test_an_address_of_no_known_kind_is_one_line(compose_experiment: ComposeExperiment) -> None:
    with pytest.raises(ConfigError, match=r"logger\.uri: received 'sqllite:///x'; allowed: a fold"):
        compose_experiment("logger=mlflow", "logger.uri=sqllite:///x")
