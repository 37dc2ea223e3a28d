"""A run whose configuration is damaged is refused in one line before anything is computed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from genrecls.errors import RunError
from genrecls.experiment.restore import RestoredRun, ensure_parts_of, restore
from genrecls.runs.metrics import RejectedFile
from tests.runs.damage import CASES, damage_run
from tests.runs.finished_runs import finished_run


@pytest.mark.parametrize("damage", [name for name in CASES if CASES[name][0] == "config.yaml"])
def test_a_damaged_configuration_is_named(damage: str, tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a-run")
    path = damage_run(run, damage)
    with pytest.raises(RunError) as caught:
        restore(run, str(tmp_path), None)
    assert str(caught.value).startswith(f"{path} is damaged (")
    assert str(caught.value).endswith("; train again with force=true")
    assert "\n" not in str(caught.value)


def test_a_configuration_that_this_version_does_not_know_is_named(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a-run")
    with pytest.raises(RunError, match="run a-run: this version of genrecls cannot read its conf"):
        restore(run, str(tmp_path), str(tmp_path))


def test_other_files_that_cannot_be_used_make_other_parts_and_are_refused(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a-run")
    of_then = (RejectedFile("rock/7", "7.mp3", "undecodable", "AAC"),)
    metrics = replace(run.read_metrics(), rejected=of_then)
    nothing: Any = None
    restored = RestoredRun(run, nothing, nothing, metrics, nothing)
    same: Any = SimpleNamespace(rejected=of_then)
    ensure_parts_of(restored, same)
    usable: Any = SimpleNamespace(rejected=())
    with pytest.raises(RunError, match=r"rock/7 was left out then and is not here \(1 in all\)"):
        ensure_parts_of(restored, usable)
    more: Any = SimpleNamespace(rejected=(*of_then, replace(of_then[0], track="jazz/1")))
    with pytest.raises(RunError, match=r"jazz/1 cannot be used here \(1 in all\)"):
        ensure_parts_of(restored, more)
