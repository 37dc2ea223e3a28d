"""Run folders: locked, set aside, and robust against damage."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from genrecls.errors import RunError
from genrecls.files.tables import write_rows, write_table
from genrecls.runs.run import Run
from tests.runs.finished_runs import make


def test_a_run_belongs_to_whoever_began_it_or_wants_it_for_itself(tmp_path: Path) -> None:
    run = Run(tmp_path / "a")
    for sweep, search in (
        ("search-cnn-1", "search-cnn-1"),
        ("search-cnn-2", "search-cnn-1"),
        ("1a2b3c4d", ""),
        ("search-cnn-1", ""),
    ):
        with run.recorded("genrecls train", sweep):
            pass
        assert run.search == search
    assert run.state["sweep"] == "1a2b3c4d"
    with run.recorded("genrecls train"):
        pass
    assert run.state["sweep"] == ""


def busy(run: Run) -> bool:
    return run.busy


class TestFolder:
    def test_a_run_without_its_model_is_not_finished(self, tmp_path: Path) -> None:
        run = make(tmp_path, "a")
        run.model_file.unlink()
        assert not run.finished
        run.model_file.touch()
        assert Run(run.folder).finished

    def test_marks_keep_the_first_time_and_what_was_known(self, tmp_path: Path) -> None:
        run = Run(tmp_path / "a")
        run.mark("running", command="genrecls train")
        created = run.state["created"]
        run.mark("finished")
        assert run.state["status"] == "finished"
        assert run.state["command"] == "genrecls train"
        assert run.state["created"] == created

    def test_a_locked_run_is_refused_to_others_and_free_afterwards(self, tmp_path: Path) -> None:
        run = make(tmp_path, "a")
        assert not busy(run)
        with run.locked():
            assert busy(run)
            with pytest.raises(RunError, match="run a is used by another process now"):
                run.locked().__enter__()
        assert not busy(run)
        with run.locked():
            pass

    def test_the_lock_is_given_back_after_an_error(self, tmp_path: Path) -> None:
        run = make(tmp_path, "a")
        with pytest.raises(RuntimeError), run.locked():
            raise RuntimeError
        assert not busy(run)

    def test_setting_aside_never_overwrites(self, tmp_path: Path) -> None:
        for number in range(3):
            run = make(tmp_path, "a")
            (run.folder / "mark").write_text(str(number))
            with run.locked():
                run.set_aside()
        assert not (tmp_path / "a").exists()
        assert [(tmp_path / f"a~{n}" / "mark").read_text() for n in (1, 2, 3)] == ["0", "1", "2"]

    @pytest.mark.parametrize(
        ("text", "reason"), [("{", "Expecting"), ("[1]", "it holds no scores")]
    )
    def test_damaged_scores_are_one_clear_line(
        self, text: str, reason: str, tmp_path: Path
    ) -> None:
        run = make(tmp_path, "a")
        run.metrics_file.write_text(text)
        with pytest.raises(RunError, match=rf"metrics.json is damaged \({reason}.*force=true"):
            run.read_metrics()

    def test_scores_that_are_not_there_yet_are_one_clear_line(self, tmp_path: Path) -> None:
        run = make(tmp_path, "a", status="interrupted")
        with pytest.raises(RunError, match=r"run a is not finished \(interrupted\); repeat its"):
            run.read_metrics()

    def test_a_run_that_has_lost_its_scores_is_incomplete_and_not_finished(
        self, tmp_path: Path
    ) -> None:
        run = make(tmp_path, "a")
        run.metrics_file.unlink()
        with pytest.raises(RunError, match=r"run a is not finished \(incomplete\); repeat its"):
            run.read_metrics()


def test_a_table_survives_what_its_cells_hold(tmp_path: Path) -> None:
    rows: list[list[object]] = [["a, b", 'quo"te', "line\nbreak"], ["ä", "", 1.5]]
    write_table(tmp_path / "t.csv", ["x", "y", "z"], rows)
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["x", "y", "z"],
            ["a, b", 'quo"te', "line\nbreak"],
            ["ä", "", "1.5"],
        ]


def test_a_table_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_rows(path, [{"x": 1, "y": 2}])
    with pytest.raises(KeyError):
        write_rows(path, [{"x": 3, "y": 4}, {"x": 5}])
    assert path.read_text() == "x,y\n1,2\n"
    assert list(tmp_path.iterdir()) == [path]
