"""`logger=csv` keeps one table over runs, and writes nothing that a run has already."""

from __future__ import annotations

from pathlib import Path

from genrecls.files.tables import read_rows
from genrecls.trackers.runs_table import RunsTable
from tests.trackers.runs import METRICS, after, started_run


def test_a_finished_run_is_a_row_with_what_its_scores_are_scores_of(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    RunsTable(run).on_finish(METRICS)
    (row,) = read_rows(tmp_path / "runs.csv")
    assert list(row)[:4] == ["run", "data", "split", "seed"]
    assert (row["data"], row["split"]) == ("synth: generated, not real music", "segment (LEAKY)")
    assert (row["run"], row["test/track/accuracy"]) == (run.name, "0.75")


def test_what_the_run_folder_has_is_not_written_again(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    table = RunsTable(run)
    for epochs in (1, 2):
        table.on_epoch_end(after(epochs))
    table.on_finish(METRICS)
    assert [path.name for path in run.folder.iterdir()] == ["run.json"]


def test_every_run_has_one_row_however_often_it_is_reported(tmp_path: Path) -> None:
    runs = [started_run(tmp_path, name) for name in ("one", "two")]
    for run in (*runs, runs[0]):
        RunsTable(run).on_finish(METRICS)
    assert [row["run"] for row in read_rows(tmp_path / "runs.csv")] == ["two", "one"]


def test_runs_with_other_scores_have_their_own_columns(tmp_path: Path) -> None:
    RunsTable(started_run(tmp_path, "one")).on_finish(METRICS)
    other = {**METRICS, "seconds": {"backbone": 2.0}}
    RunsTable(started_run(tmp_path, "two")).on_finish(other)
    first, second = read_rows(tmp_path / "runs.csv")
    assert (first["time/training"], first["time/backbone"]) == ("6.0", "")
    assert (second["time/training"], second["time/backbone"]) == ("", "2.0")


def test_a_training_that_is_stopped_has_no_row(tmp_path: Path) -> None:
    table = RunsTable(started_run(tmp_path))
    table.on_epoch_end(after(1))
    table.on_stop("interrupted")
    assert not (tmp_path / "runs.csv").exists()
