"""What a user sees of a sweep."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

from genrecls.console import muted
from genrecls.runs.run import Run
from genrecls.sweeps import progress
from genrecls.sweeps.estimate import Estimates
from genrecls.sweeps.job import Job, State, SweepFile
from genrecls.sweeps.progress import (
    ProgressTable,
    SweepView,
    describe,
    rough_duration,
    show_progress,
)
from tests.conftest import ComposeExperiment


@pytest.fixture
def jobs(tmp_path: Path, compose_experiment: ComposeExperiment) -> list[Job]:
    experiment = compose_experiment("trainer.epochs=40")
    runs = [Run(tmp_path / f"synth-mfcc-cnn-{number:08}") for number in range(12)]
    return [Job((), experiment, run, f"seed={n}") for n, run in enumerate(runs)]


def is_in(job: Job, state: State, note: str = "") -> Job:
    job.mark(state, note)
    return job


def with_progress(job: Job, epoch: int) -> Job:
    history = [
        {"epoch": number, "validation_accuracy": value, "validation_loss": 1.0}
        for number, value in enumerate((0.25, 0.5, 0.375)[:epoch], start=1)
    ]
    seconds = {"seconds": 20.0, "seconds_left": 125.0}
    facts = {"epoch": epoch, "epochs": 40, **seconds, "history": history}
    job.run.folder.mkdir(exist_ok=True)
    job.run.progress_file.write_text(json.dumps(facts))
    return is_in(job, "running")


def view(jobs: Sequence[Job], total: int | None = None) -> SweepView:
    return SweepView(jobs, total or len(jobs), 2, Estimates([]))


def drawn(jobs: Sequence[Job], height: int = 40, width: int = 140) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=140, height=height)
    table = ProgressTable(view(jobs), Live(console=console, auto_refresh=False))
    for job in jobs:
        if job.ended:
            table.changed(job)
    plain = Console(file=io.StringIO(), width=width)
    plain.print(table.table())
    assert isinstance(plain.file, io.StringIO)
    return plain.file.getvalue()


def test_a_row_has_state_epoch_score_and_time(jobs: list[Job]) -> None:
    with_progress(jobs[0], 3)
    is_in(jobs[1], "failed", "the data are gone")
    is_in(jobs[2], "elsewhere", "another process is training it")
    rows = {
        line.split("│")[1].strip(): line for line in drawn(jobs[:4]).splitlines() if "seed" in line
    }
    assert [cell.strip() for cell in rows["seed=0"].split("│")[1:-1]] == [
        *("seed=0", "running", "3/40", "0.500 per segment", "0:02:05", "")
    ]
    assert "the data are gone" in rows["seed=1"]
    assert "another process is training it" in rows["seed=2"]
    assert "waiting" in rows["seed=3"]


def test_at_80_columns_no_number_is_cut(jobs: list[Job]) -> None:
    with_progress(jobs[0], 3)
    is_in(jobs[1], "failed", "the data are gone and nobody knows where they went")
    lines = drawn(jobs[:2], width=80).splitlines()
    assert {len(line) for line in lines if "│" in line} == {80}
    for whole in ("seed=0", "running", "3/40", "0.500 per segment", "0:02:05", "failed"):
        assert any(whole in line for line in lines)


def test_the_totals_stand_below(jobs: list[Job]) -> None:
    with_progress(jobs[0], 3)
    is_in(jobs[1], "finished")
    text = drawn(jobs[:4])
    # 125 s of the running one and 40 epochs of 20/3 s of each that waits, two at once; of each
    # also 20 s for the rest.
    assert "4 runs: 1 running, 1 finished, 2 to come, at most 6 min left" in text


def test_one_is_no_plural_and_what_runs_takes_some_time(jobs: list[Job]) -> None:
    with_progress(jobs[0], 3)
    facts = {"epoch": 40, "epochs": 40, "seconds": 20.0, "seconds_left": 0.0}
    jobs[0].run.progress_file.write_text(json.dumps(facts))
    text = drawn(jobs[:1])
    assert "1 run: 1 running, at most 20 s left" in text
    assert "0:00:00" not in text


def test_what_ended_in_earlier_calls_is_counted(jobs: list[Job]) -> None:
    sweep_view = SweepView(jobs[:1], 4, 1, Estimates([]), "trial", {"finished": 2})
    assert sweep_view.totals() == "4 trials: 2 finished, 2 to come"


def test_of_many_only_what_happens_is_shown(jobs: list[Job]) -> None:
    for job in jobs[:6]:
        is_in(job, "finished")
    with_progress(jobs[6], 1)
    text = drawn(jobs, height=14)
    assert [f"seed={n} " in text for n in range(8)] == [False] * 3 + [True] * 4 + [False]
    assert "12 runs: 6 finished, 1 running, 5 to come" in text


def test_a_terminal_that_is_not_there_gets_lines(
    jobs: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    with show_progress(view(jobs[:2])) as listener:
        listener.changed(is_in(jobs[0], "running"))
        listener.changed(is_in(jobs[0], "failed", "the data are gone"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["seed=0: started", "warning: seed=0: failed: the data are gone"]


def test_a_terminal_shows_no_table_where_messages_are_held_back(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Console(force_terminal=True, file=io.StringIO())
    monkeypatch.setattr(progress, "messages", lambda: terminal)
    with muted("results", "messages"), show_progress(view(jobs[:2])) as listener:
        listener.changed(is_in(jobs[0], "running"))
    assert terminal.file.getvalue() == ""  # type: ignore[attr-defined]


def test_a_training_that_continues_says_where(jobs: list[Job]) -> None:
    assert describe(with_progress(jobs[0], 2)) == "seed=0: continues after epoch 2"


def test_a_sweep_whose_length_nobody_knows_names_no_time(jobs: list[Job]) -> None:
    with_progress(jobs[0], 2)
    assert view(jobs[:1], total=5).totals() == "5 runs: 1 running, 4 to come"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (89, "89 s"), (91, "2 min"), (3600, "60 min"), (7260, "2 h 01 min")],
)
def test_a_time_is_as_exact_as_one_wants_it(seconds: float, expected: str) -> None:
    assert rough_duration(seconds) == expected


def test_sweep_json_names_every_run_with_its_state(jobs: list[Job], tmp_path: Path) -> None:
    is_in(jobs[1], "failed", "the data are gone")
    path = tmp_path / "sweeps" / "abc" / "sweep.json"
    SweepFile(path, "genrecls sweep seed=0,1", jobs[:2]).write()
    content = json.loads(path.read_text())
    assert content["command"] == "genrecls sweep seed=0,1"
    assert [(row["run"][-1], row["state"], row["note"]) for row in content["runs"]] == [
        ("0", "waiting", ""),
        ("1", "failed", "the data are gone"),
    ]
