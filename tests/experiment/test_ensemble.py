from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls import api
from genrecls.errors import RunError
from genrecls.experiment import evaluate
from genrecls.experiment.prepare import PreparedData, prepare
from genrecls.files.tables import read_json
from genrecls.runs.record import read
from genrecls.runs.result_tables import read_predictions
from genrecls.runs.run import Run
from genrecls.training.data import take
from tests.conftest import RunCommand
from tests.runs.finished_runs import Made, finished_run

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("without_figures")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tensorflow: None) -> Path:
    """A folder with two classical runs that hear other features in other segments."""
    root = tmp_path_factory.mktemp("ensemble")
    for words in (
        ("model=svm", "features=mfcc"),
        ("model=logistic", "features=mel", "segment.length=2"),
    ):
        api.train(
            "dataset=synth_tiny",
            *words,
            f"data_root={root / 'data'}",
            f"output_root={root / 'outputs'}",
            progress=False,
        )
    return root


@pytest.fixture(scope="module")
def members(root: Path) -> list[Run]:
    return sorted(api.runs(root / "outputs", filter="model!=ensemble"), key=lambda r: r.name)


@pytest.fixture(scope="module")
def both(members: list[Run]) -> Run:
    return api.ensemble(*members)


def rows(run: Run) -> dict[str, np.ndarray[Any, Any]]:
    """Return the probabilities of the test tracks."""
    examples = read_predictions(run.predictions_file("tracks"), "test", run.metrics.labels)
    return {each.track: np.array([*each.probabilities.values()]) for each in examples}


def test_its_probabilities_are_the_mean_and_its_scores_follow(
    both: Run, members: list[Run]
) -> None:
    one, other, mean = (rows(run) for run in (*members, both))
    for track, probabilities in mean.items():
        np.testing.assert_allclose(probabilities, (one[track] + other[track]) / 2, atol=1e-5)
    record = read(both)
    assert record.metrics.test.track.count == len(mean)
    assert record.history == []
    assert len(both.history) == 0
    assert both.report_file.is_file()
    sizes = [run.metrics.model.parameters for run in members]
    assert record.metrics.model.parameters == sum(sizes)


def test_it_names_its_runs_by_digest_and_is_found_again(both: Run, members: list[Run]) -> None:
    card = read_json(both.folder / "ensemble.json")
    assert [member["run"] for member in card["members"]] == [run.name for run in members]
    assert api.ensemble(*reversed(members)).name == both.name


def test_it_predicts_and_evaluates_as_a_run_does(both: Run, root: Path) -> None:
    recorded = both.metrics.test
    again = api.evaluate(both, data_root=root / "data")
    assert again.track.accuracy == recorded.track.accuracy
    assert again.segment.log_loss == pytest.approx(recorded.segment.log_loss, abs=1e-4)
    track, expected = next(iter(rows(both).items()))
    (path,) = (root / "data").rglob(f"{track}.wav")
    answer = api.load(both).predict(path)
    received = [answer.genres[label] for label in both.metrics.labels]
    np.testing.assert_allclose(received, expected, atol=1e-4)


def test_it_is_not_evaluated_on_tracks_that_one_of_its_runs_could_not_use(
    both: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[PreparedData] = []

    def prepare_with_a_track_less_each_time(*given: Any) -> PreparedData:
        data = prepare(*given)
        train = data.parts["train"]
        gone = set(sorted(set(train.tracks))[: len(prepared)])
        rows = [row for row, track in enumerate(train.tracks) if track not in gone]
        prepared.append(replace(data, parts={**data.parts, "train": take(train, np.array(rows))}))
        return prepared[-1]

    monkeypatch.setattr(evaluate, "prepare", prepare_with_a_track_less_each_time)
    with pytest.raises(RunError, match="the same train tracks in all its runs, received 1 track"):
        evaluate.evaluate(both, "train", None, str(root / "data"), None)


def test_it_abstains_by_what_it_answered_itself_to_the_validation_part(
    both: Run, root: Path
) -> None:
    labels = both.metrics.labels
    mean = read_predictions(both.predictions_file("tracks"), "validation", labels)
    held_out = read_json(both.folder / "ensemble.json")["held_out"]
    assert held_out["part"] == "validation"
    expected = [max(each.probabilities.values()) for each in mean]
    np.testing.assert_allclose(held_out["confidence"], expected, atol=1e-4)
    (path,) = (root / "data").rglob(f"{mean[0].track}.wav")
    # More than can be promised on so few tracks: the set has every genre.
    assert set(api.load(both, coverage=0.999).predict(path).genre_set) == set(labels)


def test_what_needs_a_network_is_refused_in_one_line(
    both: Run, tmp_path: Path, run_command: RunCommand
) -> None:
    (song := tmp_path / "song.wav").touch()
    for words in (["export"], ["explain", str(song)], ["benchmark"], ["predict", "--live", "-"]):
        verb, *rest = words
        outcome = run_command(verb, str(both.folder), *rest)
        assert outcome.status == 1
        assert "name one of its runs" in outcome.error


def test_runs_that_cannot_be_averaged_are_refused_in_one_line(tmp_path: Path) -> None:
    first = finished_run(tmp_path, "d-f-cnn-1")
    others = {
        "different data": Made(fingerprint="g"),
        "different genres": Made(genres=("jazz", "metal")),
        "different test tracks": Made(test=(1, 1, 0, 0, 1)),
        "different validation tracks": Made(validation=(1, 0, 1)),
    }
    for number, (reason, made) in enumerate(others.items(), start=2):
        other = finished_run(tmp_path, f"d-f-cnn-{number}", made)
        with pytest.raises(RunError, match=f"runs d-f-cnn-1 and d-f-cnn-{number} .*{reason}"):
            api.ensemble(first, other)
    moved = finished_run(tmp_path, "d-f-cnn-7", Made(test=(1, 1, 0, 0, 1), seed=3))
    # The same split drawn by another seed.
    with pytest.raises(RunError, match=r"; to train d-f-cnn-7 so: genrecls train split\.seed=0$"):
        api.ensemble(first, moved)
    with pytest.raises(RunError, match="expected at least two runs, received 1"):
        api.ensemble(first, first)
    copied = finished_run(tmp_path, "d-f-cnn-8")
    for run in (first, copied):
        run.model_file.write_bytes(b"weights")
    with pytest.raises(RunError, match="runs d-f-cnn-1 and d-f-cnn-8 have the same model"):
        api.ensemble(first, copied)
    elsewhere = finished_run(tmp_path / "elsewhere", "d-f-cnn-9")
    with pytest.raises(RunError, match="expected runs of one folder"):
        api.ensemble(first, elsewhere)
