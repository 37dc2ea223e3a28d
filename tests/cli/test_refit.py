from __future__ import annotations

from tests.conftest import RunCommand


def test_without_runs_it_says_where_they_are_listed(run_command: RunCommand) -> None:
    outcome = run_command("refit")
    assert outcome.status == 1
    assert outcome.error == "refit: expected runs; 'genrecls runs' lists them"
