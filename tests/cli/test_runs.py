"""`genrecls runs` lists what is there, as it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from genrecls.runs.metrics import PartMetrics
from genrecls.runs.run import Run
from tests.conftest import RunCommand
from tests.runs.finished_runs import Made, metrics_of

SHARED = ["artist", "track"]
MADE = metrics_of(Made(seed=3, split={"name": "segment"}, leaks=SHARED, parameters=12345))
SCORES = replace(MADE.test.track, accuracy=0.75, accuracy_interval=(0.7, 0.8), macro_f1=0.74)
METRICS = replace(
    MADE,
    dataset=replace(MADE.dataset, name="synth", generated=True),
    parts=dict.fromkeys(MADE.parts, PartMetrics(segment=SCORES, track=SCORES)),
)


def finished(root: Path, name: str) -> Run:
    run = Run(root / name)
    run.mark("finished", command="genrecls train")
    run.metrics_file.write_text(json.dumps(METRICS.to_json()))
    run.model_file.touch()
    return run


def listed(root: Path, run_command: RunCommand) -> list[dict[str, Any]]:
    outcome = run_command("runs", "--format", "json", f"output_root={root}")
    assert (outcome.status, outcome.err) == (0, "")
    rows: list[dict[str, Any]] = json.loads(outcome.out)
    return rows


def test_a_finished_run_shows_its_scores_and_that_it_leaks(
    tmp_path: Path, run_command: RunCommand
) -> None:
    finished(tmp_path, "synth-mfcc-cnn-1")
    (row,) = listed(tmp_path, run_command)
    assert row["test_track_accuracy"] == 0.75
    assert row["leaky"] is True
    assert row["generated"] is True
    table = run_command("runs", f"output_root={tmp_path}").out
    assert "segment (LEAKY)" in table
    assert "synth (generated)" in table
    assert "0.750" in table
    assert "[0.700, 0.800]" in table
    assert "12,345" in table


def test_a_run_that_is_at_work_is_running_and_one_that_was_killed_is_interrupted(
    tmp_path: Path, run_command: RunCommand
) -> None:
    run = Run(tmp_path / "a")
    with run.locked():
        run.mark("running")
        assert [row["status"] for row in listed(tmp_path, run_command)] == ["running"]
    assert [row["status"] for row in listed(tmp_path, run_command)] == ["interrupted"]


def test_damage_is_named_and_hides_no_other_run(tmp_path: Path, run_command: RunCommand) -> None:
    finished(tmp_path, "whole")
    finished(tmp_path, "halved").metrics_file.write_text('{"parts": ')
    finished(tmp_path, "other").metrics_file.write_text("[]")
    (tmp_path / "stateless").mkdir()
    (tmp_path / "stateless" / "run.json").write_text('{"changed": 3, "status": null}')
    found = {row["run"]: row["status"] for row in listed(tmp_path, run_command)}
    assert found == {
        "whole": "finished",
        "halved": "damaged",
        "other": "damaged",
        "stateless": "damaged",
    }
    assert run_command("runs", f"output_root={tmp_path}").status == 0


def test_nothing_there_says_where_and_how_to_begin(tmp_path: Path, run_command: RunCommand) -> None:
    outcome = run_command("runs", f"output_root={tmp_path}")
    assert outcome.out == f"no runs in {tmp_path}; make one with 'genrecls train'\n"
    assert listed(tmp_path, run_command) == []


def test_a_finished_run_without_its_model_is_incomplete(
    tmp_path: Path, run_command: RunCommand
) -> None:
    finished(tmp_path, "synth-mfcc-cnn-1")
    (tmp_path / "synth-mfcc-cnn-1" / "model.keras").unlink()
    assert [row["status"] for row in listed(tmp_path, run_command)] == ["incomplete"]


def test_scores_that_are_no_numbers_are_damage(tmp_path: Path, run_command: RunCommand) -> None:
    finished(tmp_path, "synth-mfcc-cnn-1")
    metrics = tmp_path / "synth-mfcc-cnn-1" / "metrics.json"
    metrics.write_text(metrics.read_text().replace("0.75", '"x"'))
    assert [row["status"] for row in listed(tmp_path, run_command)] == ["damaged"]
