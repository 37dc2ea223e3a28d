"""The commands of a working day, one after another, as a person types them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.forked import Forked, program
from tests.integration.conftest import Command


def only_run(home: Path) -> Path:
    return (home / "outputs" / "latest").resolve()


def test_a_training_leaves_everything_in_its_run_folder(home: Path) -> None:
    names = {path.name for path in only_run(home).iterdir()}
    assert {name for name in names if not name.startswith("evaluation-")} == {
        "checkpoint",
        "config.yaml",
        "environment.json",
        "figures",
        "history.csv",
        "metrics.json",
        "model.keras",
        "predictions_segments.csv",
        "predictions_tracks.csv",
        "report.html",
        "run.json",
        "split.csv",
        "train.log",
    }


def test_the_same_command_again_shows_the_run_and_trains_nothing(
    genrecls: Command, home: Path
) -> None:
    before = (only_run(home) / "model.keras").stat().st_mtime_ns
    answer = genrecls("train", "debug=smoke", "trainer.epochs=8")
    assert answer.status == 0
    assert "is trained already" in answer.err
    assert "test, per track" in answer.out
    assert (only_run(home) / "model.keras").stat().st_mtime_ns == before


def test_generated_data_are_called_so_in_every_output(genrecls: Command, home: Path) -> None:
    run = only_run(home)
    wav = next((home / "data" / "synth").rglob("*.wav"))
    assert "not real music" in genrecls("train", "debug=smoke", "trainer.epochs=8").out
    assert "not real music" in genrecls("predict", "latest", wav).err
    assert "not real music" in genrecls("data", "info", "dataset=synth_tiny").out
    assert json.loads((run / "metrics.json").read_text())["dataset"]["generated"] is True
    assert "not real music" in (run / "report.html").read_text()


@pytest.mark.process
def test_evaluate_in_another_process_gives_exactly_the_scores_of_the_training(
    home: Path,
) -> None:
    trained = json.loads((only_run(home) / "metrics.json").read_text())["parts"]["test"]
    status, messages = Forked(program, "evaluate", "latest", folder=home).end()
    assert status == 0, messages
    again = json.loads((only_run(home) / "evaluation-test.json").read_text())
    assert {unit: again[unit] for unit in ("segment", "track", "baseline")} == trained
    before = (only_run(home) / "predictions_tracks.csv").read_text().splitlines()
    beside = (only_run(home) / "evaluation-test-tracks.csv").read_text().splitlines()
    assert beside == [before[0], *(row for row in before if ",test," in row)]


def test_another_vote_leaves_the_scores_of_the_own_vote_alone(
    genrecls: Command, home: Path
) -> None:
    run = only_run(home)
    own = run / "evaluation-test.json"
    before = own.read_bytes() if own.exists() else None
    assert genrecls("evaluate", "latest", "vote=majority").status == 0
    assert json.loads((run / "evaluation-test-majority.json").read_text())["vote"] == "majority"
    assert (run / "evaluation-test-majority-tracks.csv").is_file()
    assert (own.read_bytes() if own.exists() else None) == before
    for file in run.glob("evaluation-test*"):
        file.unlink()


def test_the_test_part_is_touched_by_evaluation_alone(home: Path) -> None:
    """The history, from which the best epoch is chosen, knows train and validation only."""
    with (only_run(home) / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert not [column for column in rows[0] if "test" in column]
    metrics = json.loads((only_run(home) / "metrics.json").read_text())
    losses = [float(row["validation_loss"]) for row in rows]
    assert metrics["selection"]["epoch"] == int(np.argmin(losses)) + 1


def test_predict_agrees_with_the_evaluation_on_a_test_track(genrecls: Command, home: Path) -> None:
    with (only_run(home) / "predictions_tracks.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["part"] == "test")
    answer = genrecls("predict", "latest", row["path"], "--format", "json")
    assert answer.status == 0, answer.err
    (found,) = json.loads(answer.out)
    assert found["genre"] == row["predicted"]
    for genre, probability in found["probabilities"].items():
        assert probability == pytest.approx(float(row[f"probability:{genre}"]), abs=1e-5)


def test_good_and_bad_files_in_one_call_are_told_apart(genrecls: Command, home: Path) -> None:
    folder = home / "mixed"
    folder.mkdir(exist_ok=True)
    wav = next((home / "data" / "synth").rglob("*.wav"))
    shutil.copy(wav, folder / "gut ö.wav")
    (folder / "page.mp3").write_text("<html>404</html>")
    soundfile.write(folder / "silent.flac", np.zeros(44100), 22050)
    answer = genrecls("predict", "latest", folder, "nowhere.ogg", "--format", "json")
    assert answer.status == 1
    found = {Path(item["path"]).name: item for item in json.loads(answer.out)}
    assert sorted(found) == ["gut ö.wav", "nowhere.ogg", "page.mp3", "silent.flac"]
    assert "genre" in found["gut ö.wav"]
    assert "error" not in found["gut ö.wav"]
    assert found["page.mp3"]["error"].startswith("unreadable")
    assert found["silent.flac"]["error"].startswith("silent")
    assert found["nowhere.ogg"]["error"].startswith("missing")
    assert "page.mp3" in answer.err


def test_a_song_of_any_length_is_covered_and_drawn(genrecls: Command, home: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 44100 * 20).astype(np.float32)
    soundfile.write(home / "long.mp3", np.stack([noise, noise], axis=1), 44100)
    soundfile.write(home / "tiny.wav", noise[:8000], 16000)
    answer = genrecls(
        "predict",
        "latest",
        "long.mp3",
        "tiny.wav",
        "--format",
        "json",
        "--timeline",
        "time line.png",
    )
    assert answer.status == 0, answer.err
    long, tiny = json.loads(answer.out)
    assert long["segments"][0]["start"] == 0
    assert long["segments"][-1]["end"] == pytest.approx(20, abs=0.1)
    assert len(tiny["segments"]) == 1
    assert sum(long["probabilities"].values()) == pytest.approx(1)
    assert (home / "time line.png").read_bytes().startswith(b"\x89PNG")


def test_runs_lists_the_run_with_its_scores(genrecls: Command, home: Path) -> None:
    (row,) = [
        row
        for row in json.loads(genrecls("runs", "--format", "json").out)
        if row["run"] == only_run(home).name
    ]
    metrics = json.loads((only_run(home) / "metrics.json").read_text())
    assert row["test_track_accuracy"] == metrics["parts"]["test"]["track"]["accuracy"]
    assert row["command"] == "genrecls train debug=smoke trainer.epochs=8"


@pytest.mark.usefixtures("undrawn")
def test_a_leaky_split_says_so_wherever_its_number_stands(genrecls: Command, home: Path) -> None:
    answer = genrecls("train", "debug=smoke", "split=segment", "output_root=leaky")
    assert answer.status == 0, answer.err
    run = (home / "leaky" / "latest").resolve()
    assert "LEAKY" in answer.out
    assert "LEAKY" in answer.err
    assert "LEAKY" in genrecls("runs", "output_root=leaky").out
    assert "LEAKY" in genrecls("evaluate", "latest", "output_root=leaky").out
    assert '"leaks"' in (run / "evaluation-test.json").read_text()
    assert "LEAKY" in (run / "report.html").read_text()
    for name in ("metrics.json", "predictions_segments.csv", "predictions_tracks.csv", "train.log"):
        assert "LEAKY" in (run / name).read_text()
    wav = next((home / "data" / "synth").rglob("*.wav"))
    assert "LEAKY" in genrecls("predict", wav, run).err


@pytest.mark.usefixtures("forked_modules")
def test_a_run_of_several_knows_the_command_that_makes_it_alone(genrecls: Command) -> None:
    small = "debug=smoke model=mlp features=summary"
    answer = genrecls("train", "-m", *small.split(), "seed=1,2", "output_root=several")
    assert answer.status == 0, answer.err
    rows = json.loads(genrecls("runs", "output_root=several", "--format", "json").out)
    assert sorted(row["command"] for row in rows) == [
        f"genrecls train {small} seed={seed} output_root=several" for seed in (1, 2)
    ]
    again = genrecls(*rows[0]["command"].split()[1:])
    assert "is trained already" in again.err
