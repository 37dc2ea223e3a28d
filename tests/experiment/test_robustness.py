"""A run whose model tells loud tracks from quiet ones is played degraded tracks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from genrecls.errors import RunError
from genrecls.evaluation.degradations import Degradation, low_pass
from genrecls.experiment import robustness
from genrecls.experiment.robustness import Robustness, evaluate_robustness
from genrecls.files.tables import read_json, read_table
from genrecls.reports.run import add_robustness, render
from genrecls.runs.ensemble_card import ENSEMBLE
from genrecls.runs.run import Run
from tests.conftest import RunCommand
from tests.reports.finished_run import finished_run as finished_report
from tests.reports.page import Page, faults
from tests.runs.finished_runs import Made, finished_run

RATE = 16_000


class Loudness:
    """A classifier that answers rock to what is loud."""

    labels = ("jazz", "rock")
    grid = SimpleNamespace(rate=RATE)

    def segments(self, samples: NDArray[np.float32]) -> tuple[Any, Iterator[Any]]:
        return None, iter([samples[None]])

    def answers(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.array([[0.0, 1.0] if np.std(inputs) > 0.1 else [1.0, 0.0]])


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a run with an int8 file: quiet low tones are jazz, loud high ones are rock."""
    time = np.arange(RATE) / RATE
    tracks = []
    for number in range(4):
        hertz, level = (6000, 0.5) if number % 2 else (440, 0.05)
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, level * np.sin(2 * np.pi * hertz * time), RATE)
        tracks.append(SimpleNamespace(id=f"t{number:03d}", path=path))
    restored = SimpleNamespace(dataset=SimpleNamespace(tracks=tracks))
    monkeypatch.setattr(robustness, "restore", lambda *_: restored)
    monkeypatch.setattr(robustness, "load_classifier", lambda _: Loudness())
    low = Degradation("low-pass at 4 kHz", lambda x, rate, _: low_pass(x, rate))
    absent = Degradation("MP3 at 64 kb/s", lambda x, *_: x, lambda: "there is no encoder")
    monkeypatch.setattr(robustness, "STANDARD", {"mp3": absent, "low_pass": low})
    return finished_run(tmp_path, "synth-mfcc-cnn-1", Made(int8=1000))


def evaluated(run: Run) -> Robustness:
    return evaluate_robustness(run, "test", None, "data", None)


def test_the_run_and_its_files_are_scored_clean_and_degraded_on_the_same_tracks(run: Run) -> None:
    result = evaluated(run)
    assert len(result.scores) == 4, "the model, float32, and two of int8"
    for scores in result.scores.values():
        assert scores["clean"].accuracy == 1
        assert scores["clean"].difference is None
        assert scores["low_pass"].accuracy == 0.5
        difference = scores["low_pass"].difference
        assert difference is not None
        assert difference.mean == -0.5
        low, high = difference.interval
        assert low < -0.5 < high


def test_scores_and_answers_are_kept_in_the_run_folder(run: Run) -> None:
    result = evaluated(run)
    kept = read_json(run.folder / "robustness-test.json")
    assert (kept["version"], kept["part"], kept["tracks"]) == (1, "test", 4)
    assert kept["files"]["model.keras"]["low_pass"]["difference"]["mean"] == -0.5
    _, rows = read_table(result.file.with_name("robustness-test-tracks.csv"))
    assert len(rows) == 4 * 2 * 4


def test_a_degradation_that_cannot_be_made_is_told_and_the_others_are(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    result = evaluated(run)
    assert result.missing == {"mp3": "there is no encoder"}
    assert "left out: MP3 at 64 kb/s: there is no encoder" in capsys.readouterr().err
    assert [*result.scores["model.keras"]] == ["clean", "low_pass"]


@pytest.mark.parametrize("name", ["segment", "of_a_plugin"])
def test_a_split_that_cuts_tracks_apart_is_refused(name: str, tmp_path: Path) -> None:
    made = Made(split={"name": name}, leaks=["artist", "track"])
    run = finished_run(tmp_path, "synth-mfcc-cnn-1", made)
    with pytest.raises(RunError, match=f"split={name} has the same tracks in train and test"):
        evaluated(run)


def test_an_ensemble_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / ENSEMBLE).touch()
    with pytest.raises(RunError, match="takes a single run: evaluate its members"):
        evaluated(run)


def test_the_command_shows_a_table_and_draws_a_figure(run: Run, run_command: RunCommand) -> None:
    outcome = run_command("evaluate", str(run.folder), "robustness=standard")
    assert outcome.status == 0
    assert "-0.500" in outcome.out
    assert (run.figures_folder / "robustness-test.png").is_file()


def test_the_report_has_one_section_of_it_however_often_it_is_evaluated(run: Run) -> None:
    report = finished_report()
    run.report_file.write_text(render(report, {}), encoding="utf-8")
    scores = evaluated(run).scores
    for part in ("test", "validation", "test"):
        add_robustness(run, scores, report.scope(part, "track"))
    html = run.report_file.read_text(encoding="utf-8")
    page = Page(html)
    headings = page.texts("h2")
    assert headings.count("Degraded music, test") == 1
    assert headings[-3:] == ["Degraded music, validation", "Degraded music, test", "Make it again"]
    assert any("-0.500" in cell for cell in page.texts("td"))
    assert faults(html) == []


def test_the_train_part_is_refused(run: Run, run_command: RunCommand) -> None:
    outcome = run_command("evaluate", str(run.folder), "robustness=standard", "part=train")
    assert outcome.status != 0
    assert "part: received train; robustness= takes validation or test" in outcome.err
