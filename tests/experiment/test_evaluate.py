"""What a training leaves behind, and that prediction agrees with evaluation."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.config.compose import compose
from genrecls.dsp.votes import Vote
from genrecls.evaluation.predictions import Predictions, by_track
from genrecls.experiment.evaluate import PartPredictions, average_part
from genrecls.experiment.experiment import parse
from genrecls.experiment.train import train
from genrecls.inference.files import load_classifier
from genrecls.inference.keras_predictor import KerasPredictor
from genrecls.runs.metrics import Selection
from genrecls.runs.run import Run

pytestmark = pytest.mark.usefixtures("without_figures")


def _train(root: Path, *overrides: str) -> Run:
    places = (f"data_root={root / 'data'}", f"output_root={root / 'outputs'}")
    words = ("debug=smoke", "augment=strong", "vote=majority", *places, *overrides)
    run = train(parse(compose("train", words)), "genrecls train")
    assert run is not None
    return run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def run(root: Path, tensorflow: None) -> Run:
    return _train(root)


@pytest.fixture(scope="module")
def metrics(run: Run) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run.metrics_file.read_text(encoding="utf-8"))
    return content


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _vector(row: dict[str, str], labels: list[str]) -> list[float]:
    return [float(row[f"probability:{label}"]) for label in labels]


@pytest.mark.tensorflow
def test_the_metrics_tell_what_was_done(run: Run, metrics: dict[str, Any]) -> None:
    assert metrics["dataset"]["name"] == "synth"
    assert metrics["dataset"]["generated"] is True
    assert metrics["vote"] == "majority"
    assert metrics["rejected"] == []
    assert metrics["selection"]["epochs"] == len(_rows(run.history_file)) == 2
    assert metrics["model"]["parameters"] == 22_410
    counts = metrics["split"]["counts"]
    assert sum(counts[part]["tracks"] for part in counts) == metrics["dataset"]["tracks"] == 30


@pytest.mark.tensorflow
def test_the_selected_epoch_is_the_best_of_the_history(run: Run, metrics: dict[str, Any]) -> None:
    losses = [float(row["validation_loss"]) for row in _rows(run.history_file)]
    assert metrics["selection"]["epoch"] == 1 + int(np.argmin(losses))
    assert metrics["selection"]["value"] == min(losses)
    assert metrics["selection"]["keep"] == "best"
    assert metrics["selection"]["monitor"] == "validation loss"
    scored = metrics["parts"]["validation"]["segment"]["log_loss"]
    assert scored == pytest.approx(min(losses), rel=1e-9), "the best weights were evaluated"


@pytest.mark.tensorflow
def test_what_was_kept_is_told_with_its_own_value(root: Path) -> None:
    run = _train(root, "trainer.keep=last", "trainer.monitor=accuracy")
    metrics, last = run.read_metrics(), _rows(run.history_file)[-1]
    assert metrics.selection == Selection(
        epoch=2,
        epochs=2,
        keep="last",
        monitor="validation accuracy",
        value=float(last["validation_accuracy"]),
    )
    scored = metrics.validation.segment.log_loss
    assert scored == pytest.approx(float(last["validation_loss"]), rel=1e-9)


@pytest.mark.parametrize("unit", ["segment", "track"])
def test_genres_are_counted_and_the_majority_of_train_is_the_baseline(
    unit: str, metrics: dict[str, Any]
) -> None:
    counts = metrics["split"]["counts"]
    for sizes in counts.values():
        assert list(sizes["genres"][unit]) == metrics["labels"]
        assert sum(sizes["genres"][unit].values()) == sizes[f"{unit}s"]
    train = counts["train"]["genres"][unit]
    for part in ("validation", "test"):
        baseline, genres = metrics["parts"][part]["baseline"][unit], counts[part]["genres"][unit]
        assert train[baseline["genre"]] == max(train.values())
        share = genres[baseline["genre"]] / metrics["parts"][part][unit]["count"]
        assert baseline["accuracy"] == pytest.approx(share)


@pytest.mark.parametrize("level", ["segments", "tracks"])
def test_the_scores_follow_from_the_predictions_that_are_written(
    level: Any, run: Run, metrics: dict[str, Any]
) -> None:
    rows = _rows(run.predictions_file(level))
    assert {row["part"] for row in rows} == {"validation", "test"}
    for part in ("validation", "test"):
        own = [row for row in rows if row["part"] == part]
        scores = metrics["parts"][part][level.removesuffix("s")]
        assert len(own) == scores["count"]
        hits = [row["true"] == row["predicted"] for row in own]
        assert np.mean(hits) == pytest.approx(scores["accuracy"])
        for row in own:
            assert sum(_vector(row, metrics["labels"])) == pytest.approx(1, abs=1e-4)


def test_classifying_a_test_track_gives_what_evaluation_gave(
    run: Run, metrics: dict[str, Any]
) -> None:
    classifier, labels = load_classifier(run.model_file), metrics["labels"]
    segments, tracks = (_rows(run.predictions_file(level)) for level in ("segments", "tracks"))
    chosen = [row for row in tracks if row["part"] == "test"][:4]
    assert chosen
    for track in chosen:
        found = classifier.classify(Path(track["path"]))
        own = [row for row in segments if row["track"] == track["track"]]
        expected = np.array([_vector(row, labels) for row in own])
        assert found.starts == pytest.approx([float(row["start"]) for row in own])
        assert found.segments == pytest.approx(expected, abs=2e-6)
        assert found.probabilities == pytest.approx(_vector(track, labels), abs=2e-6)
        assert labels[found.decision] == track["predicted"]


def test_the_card_in_the_model_tells_the_same_as_the_metrics(
    run: Run, metrics: dict[str, Any]
) -> None:
    card = KerasPredictor.load(run.model_file).card
    assert list(card.labels) == metrics["labels"]
    assert card.test == metrics["parts"]["test"]
    assert (card.run, card.vote, card.generated) == (run.name, "majority", True)


@pytest.mark.tensorflow
def test_the_same_training_again_gives_the_same_numbers(
    root: Path, run: Run, metrics: dict[str, Any]
) -> None:
    before = [{**row, "seconds": ""} for row in _rows(run.history_file)]
    predictions = run.predictions_file("segments").read_text(encoding="utf-8")
    weights = KerasPredictor.load(run.model_file).model.get_weights()
    again = _train(root, "force=true")
    assert again.name == run.name
    assert (run.folder.with_name(f"{run.name}~1") / "metrics.json").is_file()
    assert [{**row, "seconds": ""} for row in _rows(again.history_file)] == before
    assert again.predictions_file("segments").read_text(encoding="utf-8") == predictions
    pairs = zip(KerasPredictor.load(again.model_file).model.get_weights(), weights, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    written = json.loads(again.metrics_file.read_text(encoding="utf-8"))
    first, second = ({**found, "seconds": None} for found in (metrics, written))
    assert json.dumps(first) == json.dumps(second)


@pytest.mark.parametrize(("vote", "answer"), [("mean", 0), ("majority", 1)])
def test_averaged_segments_vote_as_those_of_one_model_do(vote: Vote, answer: int) -> None:
    first = np.array([0.98, 0.45, 0.45])
    segments = Predictions(
        tracks=("a",) * 3,
        starts=np.arange(3.0),
        truth=np.zeros(3, np.int64),
        probabilities=np.stack([first, 1 - first], axis=1),
    )
    one = PartPredictions(segments, by_track(segments, vote))
    both = average_part([one, one], [1.0, 1.0], vote)
    assert one.tracks.predicted.tolist() == both.tracks.predicted.tolist() == [answer]
