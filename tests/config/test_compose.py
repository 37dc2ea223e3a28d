from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.config.compose import run_hydra
from genrecls.errors import ConfigError

CALLBACK = """\
defaults: [train, _self_]
hydra:
  callbacks:
    hostile: {_target_: logging.FileHandler, filename: '%s'}
"""
LOGGING = """\
defaults: [train, _self_]
hydra:
  %s:
    version: 1
    handlers:
      hostile: {class: logging.FileHandler, filename: '%s'}
    root: {handlers: [hostile]}
"""


def compose_file(folder: Path, text: str, *words: str) -> list[object]:
    (folder / "foreign.yaml").write_text(text)
    composed: list[object] = []
    run_hydra("train", ["-cd", str(folder), "-cn", "foreign", *words], composed.append)
    return composed


def test_a_callback_named_in_a_foreign_configuration_is_refused_and_not_called(
    tmp_path: Path,
) -> None:
    made = tmp_path / "made"
    with pytest.raises(ConfigError, match="callbacks"):
        compose_file(tmp_path, CALLBACK % made)
    assert not made.exists()


@pytest.mark.parametrize("group", ["job_logging", "hydra_logging"])
@pytest.mark.parametrize(("words", "jobs"), [((), 1), (("-m", "seed=0,1"), 2)])
def test_a_log_handler_named_in_a_foreign_configuration_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, words: tuple[str, ...], jobs: int
) -> None:
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "made"
    assert len(compose_file(tmp_path, LOGGING % (group, made), *words)) == jobs
    assert not made.exists()
