"""Runs are found by what people call them."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.errors import ConfigError, RunError
from genrecls.runs.find import all_runs, find_run, find_runs, point_latest
from genrecls.runs.run import Run
from tests.runs.finished_runs import Made, make


class TestFind:
    def test_without_a_name_the_newest_finished_run_is_meant(self, tmp_path: Path) -> None:
        make(tmp_path, "a-1", "2026-01-01")
        newest = make(tmp_path, "b-2", "2026-01-03")
        make(tmp_path, "c-3", "2026-01-04", "running")
        make(tmp_path, "d-4", "2026-01-02")
        assert find_run(tmp_path, None) == newest

    def test_a_run_is_found_by_folder_name_and_end_of_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        run = make(tmp_path / "outputs", "synth-mfcc-cnn-12345678")
        make(tmp_path / "outputs", "synth-mel-cnn-abcdef00")
        for wanted in (
            str(run.folder),
            "outputs/" + run.name,
            run.name,
            "12345678",
            "cnn-12345678",
        ):
            assert find_run(tmp_path / "outputs", wanted).folder == run.folder

    @pytest.mark.parametrize("name", ["model.keras", "ensemble.json"])
    def test_a_model_file_stands_for_the_run_that_it_lies_in(
        self, name: str, tmp_path: Path
    ) -> None:
        run = make(tmp_path, "a-1")
        (run.folder / name).write_text("{}")
        assert find_run(tmp_path / "none", str(run.folder / name)) == Run(run.folder.resolve())

    def test_a_name_that_no_run_can_have_is_said_to_be_what_it_is(self, tmp_path: Path) -> None:
        make(tmp_path, "a-1")
        for wanted, reason in (
            ("a-*", "patterns are not expanded"),
            ("-", "standard input is not"),
        ):
            with pytest.raises(RunError, match=f"names no runs.*; {reason}"):
                find_run(tmp_path, wanted)

    @pytest.mark.parametrize("wanted", ["~no-such-user/a-1", "~no-such-user/*"])
    def test_the_home_folder_of_nobody_is_one_clear_line(self, wanted: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"~no-such-user.*no such home folder"):
            find_runs(tmp_path, wanted)

    def test_latest_leads_to_the_run_itself(self, tmp_path: Path) -> None:
        run = make(tmp_path, "a-1")
        point_latest(run)
        assert find_run(tmp_path, "latest") == Run(run.folder.resolve())

    @pytest.mark.parametrize("word", ["latest", "outputs/latest", "./outputs/latest"])
    def test_latest_is_the_newest_finished_run_however_it_is_written(
        self, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        root = Path("outputs")
        point_latest(make(root, "a-1", "2026-01-01"))
        synth = make(root, "b-2", "2026-01-02", made=Made(generated=True))
        make(root, "c-3", "2026-01-03", "interrupted")
        # A search or a copied folder leaves a link that is out of date, or none.
        assert find_run(root, word).name == synth.name
        (root / "latest").unlink()
        assert find_run(root, word).name == synth.name

    def test_a_folder_that_somebody_called_latest_is_that_folder(self, tmp_path: Path) -> None:
        own = make(tmp_path, "latest", "2026-01-01")
        make(tmp_path, "a-1", "2026-01-02")
        assert find_run(tmp_path / "none", str(own.folder)) == Run(own.folder.resolve())

    def test_the_link_is_the_newest_run_even_where_an_older_one_was_shown_again(
        self, tmp_path: Path
    ) -> None:
        old, new = make(tmp_path, "a", "2026-01-01"), make(tmp_path, "b", "2026-01-02")
        point_latest(old)
        assert (tmp_path / "latest").resolve() == new.folder.resolve()

    @pytest.mark.parametrize("wanted", [None, "best"])
    def test_a_run_that_is_there_to_try_the_program_is_never_chosen_by_itself(
        self, wanted: str | None, tmp_path: Path
    ) -> None:
        root = tmp_path / "outputs"
        perfect = (1, 1)
        make(root, "synth", "2026-01-05", made=Made(validation=perfect, generated=True))
        make(root, "smoke", "2026-01-04", command="genrecls train debug=smoke dataset=gtzan")
        make(root, "own", "2026-01-04", command="genrecls train seed=1 +debug=mine")
        make(root, "damaged", "2026-01-03").metrics_file.write_text("{}")
        with pytest.raises(RunError) as none:
            find_run(root, wanted)
        assert str(none.value) == (
            f"no finished run in {root} is chosen for real music (generated data, debug=..., "
            "trials of searches, or damaged: see 'genrecls runs --trials'); train one with "
            "dataset=<music>, or name a run: 'latest' is the newest of all but trials"
        )
        assert find_run(root, "latest").name == "synth"
        real = make(root, "real", "2026-01-01", command="genrecls train debug=null")
        assert find_run(root, wanted) == real

    @pytest.mark.parametrize("wanted", [None, "best", "latest"])
    def test_a_trial_of_a_search_is_never_chosen_by_itself(
        self, wanted: str | None, tmp_path: Path
    ) -> None:
        trial = make(tmp_path, "trial", "2026-01-05", made=Made(validation=(1, 1)))
        trial.mark("finished", sweep="search-cnn-1")
        with pytest.raises(RunError, match=r"no finished run in .* but 1 of searches, .* name one"):
            find_run(tmp_path, wanted)
        assert find_run(tmp_path, "trial") == trial
        own = make(tmp_path, "own", "2026-01-01", made=Made(validation=(1, 0)))
        assert find_run(tmp_path, wanted) == own
        # Whoever trains it asks for it.
        trial.leave_search()
        assert find_run(tmp_path, wanted) == trial

    def test_best_is_the_most_accurate_on_validation_tracks_of_the_same_data_and_split(
        self, tmp_path: Path
    ) -> None:
        good, bad = (1, 1, 1, 0), (1, 0, 0, 0)
        best = make(tmp_path, "a", "2026-01-02", made=Made(validation=good, test=bad))
        make(tmp_path, "b", "2026-01-01", made=Made(validation=good, test=good))
        make(tmp_path, "c", "2026-01-03", made=Made(validation=bad, test=good))
        make(tmp_path, "d", "2026-01-01", made=Made(validation=(1,), fingerprint="other"))
        make(tmp_path, "e", "2026-01-01", made=Made(validation=(1,), split={"name": "segment"}))
        make(tmp_path, "f", "2026-01-01", made=Made(validation=(1,), leaks=("track",)))
        assert find_run(tmp_path, "best") == best

    def test_several_that_fit_are_refused(self, tmp_path: Path) -> None:
        make(tmp_path, "a-cnn-1")
        make(tmp_path, "b-cnn-1")
        with pytest.raises(RunError, match=r"^'cnn-1' names 2 runs"):
            find_run(tmp_path, "cnn-1")

    def test_a_name_that_nearly_fits_is_suggested(self, tmp_path: Path) -> None:
        make(tmp_path, "synth-mfcc-cnn-12345678")
        with pytest.raises(RunError) as caught:
            find_run(tmp_path, "synth-mfcc-cnn-12345679")
        assert str(caught.value) == (
            "'synth-mfcc-cnn-12345679' names no runs; did you mean 'synth-mfcc-cnn-12345678'?; "
            "expected a run folder, or one of the names that 'genrecls runs' lists for "
            f"{tmp_path}"
        )

    def test_no_finished_run_says_where_and_how_to_get_one(self, tmp_path: Path) -> None:
        make(tmp_path, "a-1", status="interrupted")
        with pytest.raises(RunError) as caught:
            find_run(tmp_path, None)
        assert str(caught.value) == (
            f"no finished run in {tmp_path}; make one with 'genrecls train', or set "
            "output_root=<folder>"
        )


class TestList:
    def test_the_last_changed_comes_first_and_foreign_folders_are_ignored(
        self, tmp_path: Path
    ) -> None:
        old, new = make(tmp_path, "z", "2026-01-01"), make(tmp_path, "a", "2026-01-02")
        point_latest(new)
        (tmp_path / "multirun" / "0").mkdir(parents=True)
        (tmp_path / "note.txt").touch()
        assert all_runs(tmp_path) == [new, old]
        assert all_runs(tmp_path / "absent") == []

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "null", '{"changed": null}', '{"changed": 3, "status": {}}', "\xff"]
    )
    def test_a_damaged_state_neither_hides_nor_breaks_the_others(
        self, text: str, tmp_path: Path
    ) -> None:
        whole, damaged = make(tmp_path, "a"), make(tmp_path, "b")
        (damaged.folder / "run.json").write_text(text, encoding="latin-1")
        assert sorted(run.name for run in all_runs(tmp_path)) == ["a", "b"]
        assert not damaged.finished
        assert find_run(tmp_path, None) == whole


class TestLatest:
    def test_latest_moves_on(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            point_latest(make(tmp_path, name))
        assert (tmp_path / "latest").resolve() == tmp_path / "b"
        assert not list(tmp_path.glob(".latest*"))

    def test_where_no_link_can_be_made_a_text_file_says_the_same(self, tmp_path: Path) -> None:
        (tmp_path / "latest").mkdir()
        point_latest(make(tmp_path, "a"))
        assert (tmp_path / "latest.txt").read_text() == "a\n"
        assert not list(tmp_path.glob(".latest*"))
