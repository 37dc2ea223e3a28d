"""`genrecls predict` with many files: results as they come, and a command that continues."""

from __future__ import annotations

import csv
import errno
import json
import os
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from genrecls.errors import EXIT_BUSY
from genrecls.inference.files import classify_files
from genrecls.inference.output_file import alone_with
from genrecls.runtime.abstention import HeldOutAnswers
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.result import Result
from tests.conftest import Outcome, RunCommand
from tests.runs.finished_runs import Made, finished_run

LABELS = ("path", "true")
BAD = "5.wav"


class ToyClassifier:
    """Knows all files but one, and is interrupted before the file called `stop_at`."""

    labels = LABELS

    def __init__(self, stop_at: str = "", run: str = "run-1") -> None:
        self.stop_at = stop_at
        self.shares = np.array([0.25, 0.75])
        self.asked: list[str] = []
        self.description = ModelDescription(
            LABELS, "mean", run, "", "toy", "split track", generated=False, accuracy=1
        )

    def classify(self, path: Path) -> Result:
        """Return an answer."""
        if path.name == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(path.name)
        if path.name == BAD:
            return Result(path, error="unreadable: no music")
        shares = self.shares
        return Result(path, int(shares.argmax()), shares, np.zeros(1), np.ones(1), shares[None])


Predict = Callable[..., Outcome]


@pytest.fixture
def predict(tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch) -> Predict:
    """Runs `genrecls predict` on eight files, with a toy for a model."""
    monkeypatch.chdir(tmp_path)
    Path("music").mkdir()
    for number in range(8):
        Path("music", f"{number}.wav").touch()
    Path("m.tflite").touch()

    def run(classifier: ToyClassifier, *words: str) -> Outcome:
        monkeypatch.setattr("genrecls.inference.files.load_classifier", lambda _: classifier)
        return run_command("predict", "m.tflite", "music", *words)

    return run


def names(text: str, layout: str) -> list[str]:
    if layout == "json":
        return [Path(row["path"]).name for row in json.loads(text)]
    return [Path(row["path"]).name for row in csv.DictReader(text.splitlines())]


EVERY = [f"{number}.wav" for number in range(8)]


@pytest.mark.parametrize("layout", ["json", "csv"])
def test_what_is_done_before_ctrl_c_is_printed(layout: str, predict: Predict) -> None:
    outcome = predict(ToyClassifier("3.wav"), "--format", layout)
    assert names(outcome.out, layout) == EVERY[:3]
    assert outcome.status == 130
    assert outcome.err.splitlines()[-1] == (
        "genrecls: error: interrupted after 3 of 8 files, whose results are above; with --output "
        "FILE the same command continues"
    )


@pytest.mark.parametrize("layout", ["json", "csv"])
def test_the_same_command_adds_what_is_missing(layout: str, predict: Predict) -> None:
    file = Path(f"out.{layout}")
    words = ("--output", str(file))
    first = predict(ToyClassifier("6.wav"), *words)
    assert first.status == 130
    assert "whose results are in out." in first.err
    assert first.out == ""
    assert names(file.read_text(), layout) == EVERY[:6]
    second = ToyClassifier()
    outcome = predict(second, *words)
    # What could not be used is tried again, and comes last.
    assert second.asked == [BAD, "6.wav", "7.wav"]
    assert sorted(names(file.read_text(), layout)) == EVERY
    assert outcome.status == 1
    assert "5.wav: unreadable: no music" in outcome.err
    assert f"out.{layout} has 5 answers; 3 are missing" in outcome.err
    third = ToyClassifier()
    predict(third, *words)
    assert third.asked == [BAD]
    assert sorted(names(file.read_text(), layout)) == EVERY


@pytest.mark.parametrize("layout", ["json", "csv"])
def test_a_line_that_a_killed_command_cut_off_is_written_again(
    layout: str, predict: Predict
) -> None:
    file = Path(f"out.{layout}")
    words = ("--output", str(file))
    predict(ToyClassifier(), *words)
    whole = file.read_text()
    rows = sorted(whole.removesuffix("\n]\n").replace(",\n{", "\n{").splitlines())
    for length in (0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 4):
        file.write_text(whole[:length])
        predict(ToyClassifier(), *words)
        again = file.read_text()
        assert sorted(names(again, layout)) == EVERY
        assert sorted(again.removesuffix("\n]\n").replace(",\n{", "\n{").splitlines()) == rows


def test_two_commands_do_not_write_to_one_file(predict: Predict) -> None:
    with alone_with(Path("out.csv")):
        outcome = predict(ToyClassifier(), "--output", "out.csv")
    assert outcome.status == EXIT_BUSY
    assert outcome.err.count("--output: another command is writing to out.csv") == 1
    assert predict(ToyClassifier(), "--output", "out.csv").status == 1
    assert sorted(path.name for path in Path().iterdir()) == ["m.tflite", "music", "out.csv"]


def test_audio_that_was_changed_since_is_classified_again(predict: Predict) -> None:
    predict(ToyClassifier(), "--output", "out.csv")
    later = Path("out.csv").stat().st_mtime + 60
    os.utime("music/2.wav", (later, later))
    again = ToyClassifier()
    predict(again, "--output", "out.csv")
    assert again.asked == ["2.wav", BAD]


@pytest.mark.parametrize("stop_at", ["", "6.wav"])
def test_audio_that_was_changed_after_its_answer_is_classified_again(
    stop_at: str, predict: Predict
) -> None:
    class Slow(ToyClassifier):
        def classify(self, path: Path) -> Result:
            result = super().classify(path)
            if path.name == "3.wav":
                os.utime("music/2.wav")
            return result

    predict(Slow(stop_at), "--output", "out.csv")
    again = ToyClassifier()
    predict(again, "--output", "out.csv")
    assert again.asked == ["2.wav", BAD, *(["6.wav", "7.wav"] if stop_at else [])]
    last = ToyClassifier()
    predict(last, "--output", "out.csv")
    assert last.asked == [BAD]


def test_answers_of_a_model_whose_file_was_changed_are_not_continued(predict: Predict) -> None:
    predict(ToyClassifier(), "--output", "out.csv")
    kept = Path("out.csv").read_bytes()
    os.utime("m.tflite")
    outcome = predict(ToyClassifier(), "--output", "out.csv")
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1] == (
        "genrecls: error: --output: out.csv holds answers of run-1 from before its file was "
        "changed; choose another file, or delete it"
    )
    assert Path("out.csv").read_bytes() == kept


@pytest.mark.parametrize("layout", ["json", "csv"])
def test_the_same_names_in_another_working_folder_are_other_files(
    layout: str, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(f"out.{layout}").absolute()
    predict(ToyClassifier(), "--output", str(file))
    kept = file.read_text()
    assert "music/1.wav" in kept
    Path("other/music").mkdir(parents=True)
    Path("other/music/1.wav").touch()
    os.link("m.tflite", "other/m.tflite")
    monkeypatch.chdir("other")
    there = ToyClassifier()
    predict(there, "--output", f"../out.{layout}")
    assert there.asked == ["1.wav"]
    assert "other/music/1.wav" in file.read_text()
    monkeypatch.chdir("..")
    again = ToyClassifier()
    predict(again, "--output", str(file))
    assert again.asked == [BAD]


def test_an_absolute_path_is_written_as_it_was_typed(
    predict: Predict, run_command: RunCommand
) -> None:
    song = Path("music/1.wav").absolute()
    predict(ToyClassifier())
    for _ in range(2):
        run_command("predict", str(song), "--output", "out.csv", "output_root=none")
    _, row = csv.reader(Path("out.csv").read_text().splitlines())
    assert row[0] == str(song)


@pytest.mark.parametrize("there", [False, True])
def test_a_link_to_the_file_stays_a_link(there: bool, predict: Predict) -> None:
    Path("disk").mkdir()
    link, file = Path("out.csv"), Path("disk/kept.csv")
    if there:
        predict(ToyClassifier("3.wav"), "--output", str(file))
    link.symlink_to(file)
    with alone_with(file):
        assert predict(ToyClassifier(), "--output", "out.csv").status == EXIT_BUSY
    second = ToyClassifier()
    predict(second, "--output", "out.csv")
    assert link.is_symlink()
    assert second.asked == EVERY[3 if there else 0 :]
    assert sorted(names(file.read_text(), "csv")) == EVERY
    assert [path.name for path in Path("disk").iterdir()] == ["kept.csv"]


@pytest.mark.parametrize("layout", ["json", "csv"])
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ((), ("--accuracy", "0.9")),
        (("--accuracy", "0.9"), ()),
        ((), ("--coverage", "0.5")),
        (("--coverage", "0.5"), ("--coverage", "0.75")),
    ],
)
def test_answers_of_other_shares_are_not_continued(
    first: tuple[str, ...], then: tuple[str, ...], layout: str, predict: Predict
) -> None:
    held_out = HeldOutAnswers("validation", (0.9, 0.6, 0.5), (True, False, False), (0.9, 0.3, 0.1))
    toy = ToyClassifier()
    toy.description = replace(toy.description, held_out=held_out)
    output = ("--output", f"out.{layout}")
    predict(toy, *output, *first)
    kept = Path(output[1]).read_bytes()
    outcome = predict(toy, *output, *then)
    assert outcome.status == 1
    assert "other values of --accuracy" in outcome.err or "holds something else" in outcome.err
    assert Path(output[1]).read_bytes() == kept
    toy.asked.clear()
    predict(toy, *output, *first)
    assert toy.asked == [BAD]


@pytest.mark.parametrize("layout", ["json", "csv"])
def test_genres_that_are_almost_equally_improbable_are_continued(
    layout: str, predict: Predict
) -> None:
    toy, labels = ToyClassifier(), ("blues", "jazz", "rock")
    toy.shares = np.array([1 - 3e-8, 1e-8, 2e-8])
    held_out = HeldOutAnswers("validation", (0.9,), (True,), (0.0,))
    toy.description = replace(toy.description, labels=labels, held_out=held_out)
    words = ("--output", f"out.{layout}", "--coverage", "0.5")
    predict(toy, *words)
    toy.asked.clear()
    predict(toy, *words)
    assert toy.asked == [BAD]


@pytest.mark.parametrize("layout", ["json", "csv"])
def test_answers_of_a_genre_called_unknown_are_continued(layout: str, predict: Predict) -> None:
    toy = ToyClassifier()
    toy.description = replace(toy.description, labels=("jazz", "unknown"))
    predict(toy, "--output", f"out.{layout}")
    toy.asked.clear()
    predict(toy, "--output", f"out.{layout}")
    assert toy.asked == [BAD]


@pytest.mark.parametrize(
    "content", ["path,genre\n", "# my notes\n", "[\n{}\n]\n", '[\n{"path": 1}\n', "\xff\x00\n"]
)
@pytest.mark.parametrize("layout", ["json", "csv"])
def test_a_file_of_something_else_is_left_alone(
    content: str, layout: str, predict: Predict
) -> None:
    file = Path("mine.txt")
    file.write_bytes(content.encode("latin-1"))
    outcome = predict(ToyClassifier(), "--output", "mine.txt", "--format", layout)
    assert outcome.status == 1
    assert f"--output: mine.txt holds something else than {layout.upper()}" in outcome.err
    assert file.read_bytes() == content.encode("latin-1")


def test_a_file_that_may_not_be_read_is_one_of_many(
    predict: Predict, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict(ToyClassifier())
    opened = Path.open

    def refuse(path: Path, *words: Any, **options: Any) -> Any:
        if path.name == BAD:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *words, **options)

    monkeypatch.setattr(Path, "open", refuse)
    words = (f"music/{BAD}", "music/1.wav", "--output", "out.csv", "output_root=none")
    outcome = run_command("predict", *words)
    assert "5.wav: unreadable: no music" in outcome.err
    assert set(names(Path("out.csv").read_text(), "csv")) == {BAD, "1.wav"}


@pytest.mark.parametrize("layout", ["json", "csv"])
def test_answers_of_another_model_are_not_continued(layout: str, predict: Predict) -> None:
    predict(ToyClassifier(), "--output", f"out.{layout}")
    outcome = predict(ToyClassifier(run="run-2"), "--output", f"out.{layout}")
    assert outcome.status == 1
    assert "answers of run-2 (found 'an answer of run-1')" in outcome.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--output", "out.txt"), "--output: received 'out.txt'; allowed: a name in .csv or .json"),
        (("--output", "a.csv", "--format", "table"), "--output: received 'a.csv'; allowed"),
        (("--output", "a.csv", "--timeline", "a.png"), "--output: it does not go with --timeline"),
        (("--output", "music", "--format", "csv"), "--output: music is no file"),
    ],
)
def test_an_output_that_cannot_be_is_one_line(
    words: tuple[str, ...], reason: str, predict: Predict
) -> None:
    outcome = predict(ToyClassifier(), *words)
    assert outcome.status == 1
    assert reason in outcome.err.splitlines()[-1]


def test_no_result_is_kept_once_it_is_written() -> None:
    toy: Classifier = ToyClassifier()  # type: ignore[assignment]
    before: weakref.ref[Result] | None = None
    for result in classify_files(toy, [Path(f"{number}.wav") for number in range(20)]):
        assert before is None or before() is None
        before = weakref.ref(result)
        del result


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["pipe.tflite", "pipe.keras"])
def test_a_named_pipe_is_no_model(name: str, tmp_path: Path, run_command: RunCommand) -> None:
    os.mkfifo(tmp_path / name)
    outcome = run_command("predict", str(tmp_path / name), "a.wav")
    assert outcome.status == 1
    assert f"{name}: a folder, pipe or device; expected a model.keras or .tflite" in outcome.error


def test_a_shipped_model_that_was_misspelt_is_suggested(run_command: RunCommand) -> None:
    error = run_command("predict", "--model", "best_smal_int8", "song.wav").error
    assert error.startswith("'best_smal_int8' names no runs")
    assert error.endswith("; did you mean 'best_small_int8'?")


def test_a_pattern_that_runs_match_is_no_audio_file(
    tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        finished_run(Path("outputs"), f"run-{number}")
    Path("song.wav").touch()
    for words in (["outputs/*"], ["run-*"], ["--model", "run-*"]):
        outcome = run_command("predict", *words, "song.wav")
        assert outcome.status == 1
        assert f"'{words[-1]}' names no runs" in outcome.error
        assert "; patterns are not expanded here; " in outcome.error
    outcome = run_command("predict", "--model", "song.wav", "song.wav")
    assert "song.wav: not a TFLite file and its name does not end in .keras" in outcome.error
    Path("song.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    outcome = run_command("predict", "--model", "song.wav", "song.wav")
    assert "song.wav: it is a WAV file and its name does not end in .keras" in outcome.error


@pytest.mark.parametrize("flag", [[], ["--model"]])
def test_the_file_of_an_ensemble_stands_for_it(
    flag: list[str], tmp_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ensemble.json").write_text("{}")
    Path("1.wav").touch()
    loaded: list[str] = []

    def load(path: Path) -> ToyClassifier:
        loaded.append(path.name)
        return ToyClassifier()

    monkeypatch.setattr("genrecls.inference.files.load_classifier", load)
    assert run_command("predict", *flag, "ensemble.json", "1.wav", "--format", "json").status == 0
    assert loaded == ["ensemble.json"]


@pytest.fixture
def noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five seconds of it, in a folder without runs."""
    monkeypatch.chdir(tmp_path)
    samples = 0.1 * np.random.default_rng(0).standard_normal(5 * 22050)
    soundfile.write("noise.wav", samples, 22050)
    return Path("noise.wav")


def test_without_a_run_the_shipped_model_answers_and_says_what_it_is(
    noise: Path, run_command: RunCommand
) -> None:
    outcome = run_command("predict", str(noise), "--format", "json")
    assert outcome.status == 0, outcome.err
    (answer,) = json.loads(outcome.out)
    assert answer["model"] == "best_small (features float32)"
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    said = outcome.err
    assert said.count("best_small, which comes with genrecls, answers instead") == 1
    assert said.count("trained on all 160 tracks of gtzan") == 1
    assert ", split artist_kfold" in said


@pytest.mark.parametrize(
    "words",
    [("--model", "best_tiny_int8", "noise.wav"), ("noise.wav", "best_tiny_int8")],
)
def test_a_shipped_model_answers_by_its_name(
    words: tuple[str, ...], noise: Path, run_command: RunCommand
) -> None:
    outcome = run_command("predict", *words, "--format", "json")
    (answer,) = json.loads(outcome.out)
    assert answer["model"] == "best_tiny (features int8)"
    assert "answers instead" not in outcome.err


def test_a_shipped_model_hears_what_is_piped_in(noise: Path, run_command: RunCommand) -> None:
    words = ("--live", str(noise), "--live-wait", "0.1", "--model", "best_small")
    outcome = run_command("predict", *words)
    assert outcome.status == 0, outcome.err
    assert " s  " in outcome.out


def test_runs_of_no_use_leave_the_answer_to_the_shipped_model(
    noise: Path, run_command: RunCommand
) -> None:
    finished_run(Path("outputs"), "synth-mfcc-cnn-1", Made(generated=True))
    outcome = run_command("predict", str(noise))
    assert outcome.status == 0, outcome.err
    assert "is chosen for real music" in outcome.err
    assert "best_small, which comes with genrecls, answers instead" in outcome.err


def test_runs_that_a_device_cannot_read_leave_the_answer_to_the_shipped_model(
    noise: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_run(Path("outputs"), "gtzan-mfcc-cnn-1", Made())
    monkeypatch.setitem(sys.modules, "genrecls.runs.find", None)
    outcome = run_command("predict", str(noise))
    assert outcome.status == 0, outcome.err
    assert "need genrecls[train]; best_small, which comes with genrecls, answers" in outcome.err
    assert "is not installed" in run_command("predict", "gtzan-mfcc-cnn-1", str(noise)).err


def test_a_shipped_model_is_no_run(noise: Path, run_command: RunCommand) -> None:
    outcome = run_command("evaluate", "best_small")
    assert outcome.status == 1
    assert "best_small comes with genrecls and is no run: predict takes it" in outcome.error


def test_unknown_and_sets_rest_on_tracks_that_the_model_had_not_heard(predict: Predict) -> None:
    toy = ToyClassifier()
    answers = HeldOutAnswers("validation", (0.9, 0.75, 0.6), (True, False, False), (0.9, 0.2, 0.1))
    toy.description = replace(toy.description, held_out=answers)
    outcome = predict(toy, "--accuracy", "0.9", "--coverage", "0.5", "--format", "json")
    assert "unknown below a probability of 0.90" in outcome.err
    first = json.loads(outcome.out)[0]
    assert (first["genre"], first["set"]) == (None, ["true", "path"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--accuracy", "0.9"), "--accuracy: this model does not say what it answered to tracks"),
        (("--coverage", "1"), "--coverage: received '1'; allowed: above 0, below 1"),
        (("--coverage", "much"), "--coverage: received 'much'; allowed: above 0, below 1"),
    ],
)
def test_a_share_that_cannot_be_is_one_line(
    words: tuple[str, ...], reason: str, predict: Predict
) -> None:
    outcome = predict(ToyClassifier(), *words)
    assert outcome.status == 1
    assert reason in outcome.err.splitlines()[-1]
