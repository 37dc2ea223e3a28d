"""One damaged run never hides the others: it is a row with the reason."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from genrecls import api
from genrecls.comparison.leaderboard import read_runs
from genrecls.errors import RunError
from genrecls.files.tables import write_json
from genrecls.reports import comparison
from genrecls.runs.find import all_runs, find_run
from genrecls.runs.record import read
from genrecls.runs.run import Run
from genrecls.sweeps.estimate import Estimates
from tests.conftest import RunCommand
from tests.runs.damage import ANY, CASES, damage_run, setting
from tests.runs.finished_runs import Made, finished_run

SHOWN = [name for name, (file, _) in CASES.items() if file in {"run.json", "metrics.json"}]


@pytest.fixture
def whole(tmp_path: Path) -> Run:
    """A run beside the damaged one."""
    return finished_run(tmp_path, "made-mfcc-cnn-1a", Made(validation=(1, 1)))


def made(root: Path, damage: str) -> tuple[Run, Path]:
    run = finished_run(root, "made-mfcc-rnn-2b", Made(model="rnn"))
    return run, damage_run(run, damage)


@pytest.mark.parametrize("damage", CASES)
def test_a_damaged_run_is_refused_in_one_line_and_is_a_row_beside_those_that_are_read(
    damage: str, whole: Run, tmp_path: Path
) -> None:
    run, path = made(tmp_path, damage)
    with pytest.raises(RunError) as caught:
        read(run)
    assert f"{path} is damaged (" in str(caught.value)
    assert "\n" not in str(caught.value)
    records, (failed,) = read_runs(all_runs(tmp_path))
    assert [record.name for record in records] == [whole.name]
    assert (failed.name, failed.state, failed.reason) == (run.name, "damaged", str(caught.value))
    Estimates([tmp_path])


@pytest.mark.parametrize("damage", SHOWN)
def test_the_list_of_runs_marks_the_damaged_one_with_the_reason(
    damage: str, whole: Run, tmp_path: Path, run_command: RunCommand
) -> None:
    run, path = made(tmp_path, damage)
    outcome = run_command("runs", "--format", "json", f"output_root={tmp_path}")
    assert (outcome.status, outcome.err) == (0, "")
    rows = {row["run"]: row for row in json.loads(outcome.out)}
    assert rows[whole.name]["status"] == "finished"
    assert rows[run.name]["status"] == "damaged"
    assert rows[run.name]["reason"].startswith(f"{path} is damaged (")
    assert find_run(tmp_path, whole.name).name == whole.name


def test_compare_has_a_row_for_the_damaged_run_and_fails_only_where_it_was_named(
    whole: Run, tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, path = made(tmp_path, "run.json deep")
    monkeypatch.setattr(comparison, "draw", lambda _boards, _part: {})
    outcome = run_command("compare", f"output_root={tmp_path}")
    assert outcome.status == 0, outcome.err
    document = (tmp_path / "comparison" / "comparison.md").read_text()
    assert "## 1 run left out" in document
    assert f"{path} is damaged (" in document
    assert whole.name in (tmp_path / "comparison" / "comparison.csv").read_text()

    outcome = run_command("compare", "1a", "2b", f"output_root={tmp_path}")
    assert outcome.status == 1
    assert f"error: cannot be compared: {run.name}; the table says why" in outcome.err
    outcome = run_command("compare", "*2b", f"output_root={tmp_path}")
    assert f"{path} is damaged (" in outcome.error


def test_the_list_for_the_terminal_says_why_below_the_table(
    whole: Run, tmp_path: Path, run_command: RunCommand
) -> None:
    run, path = made(tmp_path, "parameters negative")
    table = " ".join(run_command("runs", f"output_root={tmp_path}").out.split())
    assert f"{run.name}: {path} is damaged (model.parameters: received -1; allowed:" in table
    assert whole.name in table


def test_the_api_compares_the_others(whole: Run, tmp_path: Path) -> None:
    run, path = made(tmp_path, "a recursive alias")
    compared = api.compare(api.runs(tmp_path, finished=False))
    assert f"{path} is damaged (" in compared.failed[run.name]
    assert "1 run left out" in compared.to_markdown()
    states = {row["runs"]: row["state"] for row in csv.DictReader(io.StringIO(compared.to_csv()))}
    assert states == {whole.name: "finished", run.name: "damaged"}
    with pytest.raises(RunError, match="is damaged"):
        api.compare([run])


def test_the_api_lists_finished_runs_and_says_which_it_leaves_out(
    whole: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, path = made(tmp_path, "metrics.json empty mapping")
    assert [each.name for each in api.runs(tmp_path)] == [whole.name]
    assert f"left out: {path} is damaged (" in " ".join(capsys.readouterr().err.split())
    damage = {each.name: each.damage for each in api.runs(tmp_path, finished=False)}
    assert damage[whole.name] == ""
    assert damage[run.name].startswith(f"{path} is damaged (")


@pytest.mark.parametrize("damage", ANY)
def test_damaged_versions_and_progress_are_not_known(damage: str, whole: Run) -> None:
    write_json(whole.environment_file, {"python": "3.11"})
    write_json(whole.progress_file, {"epoch": 1, "epochs": 3, "seconds_left": 2.0})
    assert whole.read_environment() == {"python": "3.11"}
    assert whole.read_progress()["epochs"] == 3
    for path in (whole.environment_file, whole.progress_file):
        ANY[damage](path)
    assert whole.read_environment() == {}
    assert whole.read_progress() == {}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epoch", "1"),
        ("epochs", -1),
        ("seconds_left", 1e300),
        ("seconds_left", float("nan")),
        ("history", [{"epoch": 1}]),
        ("best", 3),
    ],
)
def test_progress_that_cannot_be_is_not_known(key: str, value: Any, whole: Run) -> None:
    write_json(whole.progress_file, {"epoch": 1, "epochs": 3})
    setting(key, value)(whole.progress_file)
    assert whole.read_progress() == {}
