"""The tables grow with the training and never hold an epoch twice."""

from __future__ import annotations

import csv
from pathlib import Path

from genrecls.trackers.csv_files import CsvFiles
from tests.trackers.runs import METRICS, after, started_run


def table(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_row_is_there_after_every_epoch(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    files = CsvFiles(run)
    files.on_epoch_end(after(0))
    assert not run.epochs_file.exists()
    for epochs in (1, 2, 3):
        files.on_epoch_end(after(epochs))
        rows = table(run.epochs_file)
        assert [row[0] for row in rows] == ["epoch", *map(str, range(1, epochs + 1))]
    assert rows[0][:3] == ["epoch", "loss", "accuracy"]
    assert rows[2][:3] == ["2", "0.5", "0.5"]


def test_a_training_that_is_taken_up_goes_on_in_the_same_table(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    CsvFiles(run).on_epoch_end(after(3))
    again = CsvFiles(run)
    again.on_epoch_end(after(2))
    again.on_epoch_end(after(3))
    again.on_epoch_end(after(4))
    assert [row[0] for row in table(run.epochs_file)] == ["epoch", "1", "2", "3", "4"]


def test_a_training_that_begins_again_does_not_keep_old_rows(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    CsvFiles(run).on_epoch_end(after(3))
    CsvFiles(run).on_epoch_end(after(0))
    assert not run.epochs_file.exists()


def test_the_final_scores_have_a_table_of_their_own(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    CsvFiles(run).on_finish(METRICS)
    rows = table(run.scores_file)
    assert rows[0] == ["data", "split", "score", "value"]
    beside = ["synth: generated, not real music", "segment (LEAKY)"]
    assert [*beside, "test/track/accuracy", "0.75"] in rows
