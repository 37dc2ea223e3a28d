"""`genrecls runs` lists what is there, as it is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genrecls.cli.arguments import parser_of
from genrecls.cli.verbs import REMOVABLE
from genrecls.runs.metrics import PartMetrics
from genrecls.runs.removal import CHECKPOINTS, STATES
from genrecls.runs.run import Run
from tests.conftest import RunCommand
from tests.runs.damage import damage_run
from tests.runs.finished_runs import Made, finished_run, metrics_of

SEARCH = "search-rnn-1a2b3c4d"
SHARED = ["artist", "track"]
MADE = metrics_of(Made(seed=3, split={"name": "segment"}, leaks=SHARED, parameters=12345))
SCORES = replace(MADE.test.track, accuracy=0.75, accuracy_interval=(0.7, 0.8), macro_f1=0.74)
METRICS = replace(
    MADE,
    dataset=replace(MADE.dataset, name="synth", generated=True),
    model=replace(MADE.model, pretraining="ImageNet"),
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
    assert "segment (LEAKY) (pretraining: ImageNet)" in table
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


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Holds a run of one's own and three trials of a search."""
    finished_run(tmp_path, "made-mfcc-cnn-own")
    finished_run(tmp_path, "made-mfcc-rnn-a", Made(model="rnn")).mark("finished", sweep=SEARCH)
    for name in ("made-mfcc-rnn-b", "made-mfcc-rnn-c"):
        run = Run(tmp_path / name)
        run.mark("pruned", sweep=SEARCH, reason="stopped early after epoch 2 (median pruner)")
    return tmp_path


def test_trials_are_left_out_with_a_line_that_says_how_to_see_them(
    root: Path, run_command: RunCommand
) -> None:
    line = f"not listed: 3 trials of {SEARCH} (2 pruned, 1 finished); --trials lists them\n"
    for words in ([], ["--format", "json"], ["status!=damaged"]):
        outcome = run_command("runs", *words, f"output_root={root}")
        assert "cnn-own" in outcome.out
        assert "rnn" not in outcome.out
        assert outcome.err == line


def test_trials_stand_under_their_search_and_a_pruned_one_is_called_pruned(
    root: Path, run_command: RunCommand
) -> None:
    outcome = run_command("runs", "--trials", f"output_root={root}")
    own, trials = outcome.out.split(f"3 trials of {SEARCH}")
    assert "cnn-own" in own
    assert trials.count("pruned ") == 2
    assert outcome.err == ""
    rows = json.loads(run_command("runs", "--trials", "--format=json", f"output_root={root}").out)
    found = {row["run"][-1]: (row["status"], row["sweep"]) for row in rows}
    assert found["b"] == ("pruned", SEARCH)
    assert found["n"] == ("finished", "")
    assert {row.get("reason", "")[:13] for row in rows} == {"", "stopped early"}


@pytest.mark.parametrize(
    "words",
    [
        ["model=rnn and test.accuracy>0.5"],
        ["model=rnn", "test.accuracy>0.5"],
        ["filter", "model=rnn or model=mlp", "--filter", "test.accuracy>0.5"],
        ["--filter=model=rnn"],
        [
            "run in ["
            + ", ".join(f"'made-mfcc-rnn-{name}'" for name in "abcdefghijklmnopqrst")
            + "]"
        ],
    ],
)
def test_conditions_choose_among_the_runs(
    words: list[str], root: Path, run_command: RunCommand
) -> None:
    outcome = run_command("runs", *words, "--trials", "--format=json", f"output_root={root}")
    assert outcome.status == 0, outcome.err
    assert "made-mfcc-rnn-a" in [row["run"] for row in json.loads(outcome.out)]
    assert "made-mfcc-cnn-own" not in outcome.out


def test_a_condition_that_no_run_meets_says_so(root: Path, run_command: RunCommand) -> None:
    outcome = run_command("runs", "model=mlp", f"output_root={root}")
    assert outcome.out == f"none of 4 runs in {root} meets this condition\n"
    assert run_command("runs", "model=mlp", "--format=json", f"output_root={root}").out == "[]\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["shwo"], "unknown action 'shwo'; did you mean 'show'?"),
        (["modle=rnn"], "unknown key 'modle'; did you mean 'model'?"),
        (["made-mfcc-cnn-own"], "'genrecls runs show made-mfcc-cnn-own' shows it"),
        (["show", "a", "b"], "expected one RUN, received 2"),
        (["show", "--yes"], "--yes: only 'genrecls runs remove' has this flag"),
        (["open", "--trials"], "--trials: 'genrecls runs open' has no such flag"),
        (["show", "--filter", "x"], "--filter: 'genrecls runs show' has no such flag"),
        (["remove"], "expected what to remove: failed"),
        (["open", "rnn-b"], "run made-mfcc-rnn-b has no report.html (pruned)"),
    ],
)
def test_wrong_words_are_refused_in_one_line(
    words: list[str], told: str, root: Path, run_command: RunCommand
) -> None:
    outcome = run_command("runs", *words, f"output_root={root}")
    assert outcome.status == 1
    assert told in outcome.err
    assert outcome.err.count("\n") == 1


def test_show_says_what_a_run_is(root: Path, run_command: RunCommand) -> None:
    outcome = run_command("runs", "show", "rnn-a", f"output_root={root}")
    assert outcome.status == 0, outcome.err
    for line in (
        r"^status +finished$",
        rf"^of +{SEARCH}$",
        r"model +│ rnn +│ cnn",
        r"trainer.epochs +│ 3 +│ 40",
        r"^data made, split artist$",
        r"accuracy +│ +0.500 │ +0.500 │ +0.750 │ +0.750",
        r"95 % interval.*0.375-1.000",
        r"predictions_tracks.csv",
    ):
        assert re.search(line, outcome.out, re.MULTILINE), f"{line} in {outcome.out}"
    outcome = run_command("runs", "show", "rnn-a", "--format=json", f"output_root={root}")
    facts = json.loads(outcome.out)
    assert facts["settings"]["trainer.epochs"] == {"value": 3, "default": 40}
    assert facts["parts"]["test"]["track"]["accuracy"] == 0.75
    assert facts["files"]["metrics.json"] > 1000


def test_an_unfinished_and_a_damaged_run_are_shown_as_far_as_they_go(
    root: Path, run_command: RunCommand
) -> None:
    out = run_command("runs", "show", "rnn-b", f"output_root={root}").out
    assert "stopped early after epoch 2" in out
    assert "run.json" in out
    damage_run(Run(root / "made-mfcc-cnn-own"), "metrics.json deep")
    outcome = run_command("runs", "show", "cnn-own", f"output_root={root}")
    assert outcome.status == 0
    assert "it is nested too deeply" in outcome.out
    assert "trainer.epochs" in outcome.out


@pytest.mark.parametrize("browser", [True, False])
def test_open_shows_the_report_or_prints_where_it_is(
    browser: bool, root: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def opens(url: str) -> bool:
        opened.append(url)
        return browser

    monkeypatch.setattr("webbrowser.open", opens)
    page = Run(root / "made-mfcc-cnn-own").report_file
    page.touch()
    outcome = run_command("runs", "open", "cnn-own", f"output_root={root}")
    assert outcome.status == 0
    assert opened == [page.as_uri()]
    assert (outcome.out, outcome.err) == (
        ("", f"opened {page}\n") if browser else (f"{page}\n", "")
    )


def test_remove_says_first_what_it_would_free(root: Path, run_command: RunCommand) -> None:
    outcome = run_command("runs", "remove", "pruned", f"output_root={root}")
    assert outcome.status == 0
    assert outcome.out.count("pruned") == 2
    assert "nothing was removed; the same with --yes removes these 2 and frees" in outcome.err
    assert len(list(root.glob("*/run.json"))) == 4
    outcome = run_command("runs", "remove", "pruned", "--yes", f"output_root={root}")
    assert "removed 2 folders, " in outcome.err
    assert len(list(root.glob("*/run.json"))) == 2
    outcome = run_command(
        "runs", "remove", "pruned", "--yes", "--format=json", f"output_root={root}"
    )
    assert outcome.out == "[]\n"


def test_what_can_be_removed_is_what_completion_and_help_name() -> None:
    assert (*STATES, CHECKPOINTS) == REMOVABLE
    assert all(word in parser_of("runs").format_help() for word in REMOVABLE)


def test_remove_keeps_a_run_that_is_at_work_and_says_so(
    root: Path, run_command: RunCommand
) -> None:
    run = Run(root / "made-mfcc-rnn-b")
    with run.locked():
        outcome = run_command("runs", "remove", "made-mfcc-rnn-*", "--yes", f"output_root={root}")
    assert outcome.status == 1
    assert "made-mfcc-rnn-b is at work in another process and is kept" in outcome.err
    assert [path.parent.name for path in sorted(root.glob("*/run.json"))] == [
        "made-mfcc-cnn-own",
        "made-mfcc-rnn-b",
    ]
