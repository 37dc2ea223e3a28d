"""Runs are removed whole, and never those that are at work or were not meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.errors import ConfigError, RunBusy, RunError
from genrecls.runs.find import all_runs, find_run, point_latest
from genrecls.runs.removal import find_removals, remove
from genrecls.runs.run import Run
from genrecls.runs.run_files import Status
from tests.runs.finished_runs import finished_run


def unfinished(root: Path, name: str, status: Status) -> Run:
    run = Run(root / name)
    run.mark(status)
    run.checkpoint_folder.mkdir()
    (run.checkpoint_folder / "weights").write_bytes(bytes(1000))
    run.progress_file.write_text("{}")
    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Holds a run in each state."""
    finished_run(tmp_path, "made-finished")
    for status in ("failed", "interrupted", "pruned", "running"):
        unfinished(tmp_path, f"made-{status}", status)
    return tmp_path


def names(root: Path, *words: str, condition: str = "") -> list[str]:
    removals, busy = find_removals(root, words, condition)
    assert busy == []
    return sorted(str(removal.folder.relative_to(root)) for removal in removals)


def test_a_state_names_the_runs_in_it(root: Path) -> None:
    assert names(root, "failed") == ["made-failed"]
    # A training that was killed is interrupted.
    assert names(root, "interrupted", "pruned") == [
        "made-interrupted",
        "made-pruned",
        "made-running",
    ]


def test_checkpoints_are_those_of_unfinished_runs(root: Path) -> None:
    places = [
        f"made-{state}/checkpoint" for state in ("failed", "interrupted", "pruned", "running")
    ]
    assert names(root, "checkpoints") == places
    assert names(root, "checkpoints", "failed") == ["made-failed", *places[1:]]


def test_the_checkpoint_of_a_finished_run_can_go_and_the_run_stays(root: Path) -> None:
    (root / "made-finished" / "checkpoint").mkdir()
    assert "made-finished/checkpoint" in names(root, "checkpoints")
    assert "made-finished" not in names(root, "checkpoints")


def test_runs_are_named_by_ends_of_names_and_by_patterns(root: Path) -> None:
    assert names(root, "finished") == ["made-finished"]
    assert names(root, "made-f*") == ["made-failed", "made-finished"]
    assert names(root, "made-*", condition="status=failed") == ["made-failed"]


def test_nothing_is_meant_without_a_word_and_by_a_wrong_one(root: Path) -> None:
    with pytest.raises(
        ConfigError, match="expected what to remove: failed, interrupted, pruned, c"
    ):
        find_removals(root, [])
    with pytest.raises(RunError, match="'faild' names no runs"):
        find_removals(root, ["faild"])


def test_a_run_that_is_at_work_is_no_removal(root: Path) -> None:
    run = Run(root / "made-running")
    with run.locked():
        assert find_removals(root, ["made-running"]) == ([], [run])
        assert "made-running" not in names(root, "interrupted")
        assert "made-running/checkpoint" not in names(root, "checkpoints")


def test_a_removed_run_is_gone_with_all_its_bytes(root: Path) -> None:
    ((removal,), _) = find_removals(root, ["failed"])
    assert removal.size > 1000
    remove(removal)
    assert not removal.folder.exists()
    assert not (root / ".removed").exists()
    assert len(all_runs(root)) == 4


def test_without_its_checkpoints_a_run_is_still_there(root: Path) -> None:
    run = Run(root / "made-failed")
    (removal,) = (each for each in find_removals(root, ["checkpoints"])[0] if each.run == run)
    remove(removal)
    assert not run.checkpoint_folder.exists()
    assert run.read_progress() == {}
    assert run.status == "failed"


def test_a_run_that_began_or_changed_meanwhile_is_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genrecls.runs.run._PATIENCE", 0)
    run = Run(root / "made-failed")
    ((removal,), _) = find_removals(root, ["failed"])
    with run.locked(), pytest.raises(RunBusy, match="is used by another process"):
        remove(removal)
    run.mark("finished")
    with pytest.raises(RunBusy, match="has changed meanwhile"):
        remove(removal)
    assert run.folder.is_dir()


def test_what_was_left_half_removed_is_no_run_and_goes_with_the_next(root: Path) -> None:
    left = root / ".removed" / "x" / "made-half"
    left.mkdir(parents=True)
    (left / "run.json").write_text('{"status": "finished"}')
    assert len(all_runs(root)) == 5
    remove(find_removals(root, ["failed"])[0][0])
    assert not left.exists()


def test_where_files_lie_that_cannot_be_deleted_is_said(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genrecls.runs.removal.shutil.rmtree", lambda *_, **__: None)
    with pytest.raises(RunError, match="what is left lies in"):
        remove(find_removals(root, ["failed"])[0][0])
    assert len(all_runs(root)) == 4


def test_latest_is_the_newest_of_those_that_are_left(root: Path) -> None:
    newest = finished_run(root, "made-newest")
    newest.mark("finished", changed="9")
    point_latest(newest)
    remove(find_removals(root, ["made-newest"])[0][0])
    assert find_run(root, "latest").name == "made-finished"
    assert (root / "latest").resolve() == (root / "made-finished").resolve()
    remove(find_removals(root, ["made-finished"])[0][0])
    assert not (root / "latest").is_symlink()
