"""A run whose configuration is damaged is refused in one line before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.errors import RunError
from genrecls.experiment.restore import restore
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
