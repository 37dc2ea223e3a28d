from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError, DataError, ModelFileError
from genrecls.explain.explanation import explain
from genrecls.inference.keras_predictor import KerasPredictor
from genrecls.runtime.classifier import Classifier
from tests.explain.songs import LABELS, classifier, song


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return song(tmp_path_factory.mktemp("song") / "song.wav", 7.5)


@pytest.fixture
def trained() -> KerasPredictor:
    return classifier()


def test_without_a_wish_the_surest_segment_of_the_answer_is_explained(
    trained: KerasPredictor, place: Path
) -> None:
    found, result = explain(trained, place), Classifier(trained).classify(place)
    row = int(result.segments[:, result.decision].argmax())
    assert (found.genre, found.decision) == (result.decision, result.decision)
    assert found.place == (result.starts[row], result.ends[row])
    assert np.array_equal(found.segment, result.segments[row])
    assert np.array_equal(found.whole, result.probabilities)
    p = found.segment[found.genre]
    assert found.odds[1] == pytest.approx(np.log(p / (1 - p)), abs=1e-4)


@pytest.mark.parametrize(("start", "begins"), [(0.0, 0.0), (2.99, 0.0), (4.2, 3.0), (6.5, 4.5)])
def test_the_wished_genre_and_moment_are_explained(
    start: float, begins: float, trained: KerasPredictor, place: Path
) -> None:
    found = explain(trained, place, genre="jazz", start=start)
    assert found.labels[found.genre] == "jazz"
    assert found.place[0] == pytest.approx(begins, abs=0.01)
    (evidence,) = found.evidence
    assert evidence.place == pytest.approx((begins, begins + 3), abs=0.01)
    assert evidence.weights.sum() == pytest.approx(found.odds[1] - found.odds[0], abs=1e-3)


@pytest.mark.parametrize("start", [-1.0, 7.5, 99.0, float("nan")])
def test_a_moment_outside_of_the_file_gets_one_line(
    start: float, trained: KerasPredictor, place: Path
) -> None:
    with pytest.raises(ConfigError, match=r"--start: received .*; allowed: .* from 0 to 7\.50"):
        explain(trained, place, start=start)


def test_an_unknown_genre_gets_one_line_with_the_nearest(
    trained: KerasPredictor, place: Path
) -> None:
    with pytest.raises(ConfigError, match="allowed: blues, jazz, rock; did you mean 'jazz'"):
        explain(trained, place, genre="Jaz")


def test_a_file_that_cannot_be_used_gets_its_reason(
    trained: KerasPredictor, tmp_path: Path
) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no music")
    with pytest.raises(DataError, match=r"text\.wav: unreadable: "):
        explain(trained, text)


def test_mel_bands_are_shown_in_db_and_coefficients_in_deviations(place: Path) -> None:
    (mel,) = explain(classifier(features="mel"), place, start=0).evidence
    assert (mel.unit, mel.axis.label) == ("dB", "frequency (Hz)")
    (mfcc,) = explain(classifier(), place, start=0).evidence
    assert mfcc.unit == "deviations from the mean"
    assert mfcc.values.shape == mfcc.weights.shape == (130, 13)


def test_a_song_shorter_than_a_segment_is_explained_too(
    trained: KerasPredictor, tmp_path: Path
) -> None:
    found = explain(trained, song(tmp_path / "short.wav", 1.2))
    assert found.place == pytest.approx((0, 1.2), abs=0.001)


def test_layers_and_filters_come_along(place: Path) -> None:
    found = explain(classifier("rnn"), place, layers=("lstm2",), start=0)
    assert {name: answer.shape for name, answer in found.activations.items()} == {"lstm2": (64,)}
    assert found.kernel is not None
    assert found.kernel.layer == "lstm1"
    assert len(found.labels) == len(LABELS)


def test_a_network_that_does_not_answer_as_a_classifier_explains_nothing(
    trained: KerasPredictor, place: Path
) -> None:
    last = trained.model.layers[-1]
    last.set_weights([np.full_like(weights, np.nan) for weights in last.get_weights()])
    with pytest.raises(ModelFileError, match="toy-run: it does not answer as a classifier"):
        explain(trained, place)


def test_nonsense_for_an_average_segment_explains_nothing(
    trained: KerasPredictor, place: Path
) -> None:
    mean = trained.model.get_layer("normalise_mfcc").mean

    def answers(inputs: Any, **_: Any) -> np.ndarray[Any, Any]:
        average = np.isclose(inputs["mfcc"], np.asarray(mean).ravel()).all(axis=(1, 2))
        return np.where(average[:, None], np.nan, 1 / len(LABELS)) * np.ones(len(LABELS))

    trained.model.predict = answers
    with pytest.raises(ModelFileError, match="received values that are no numbers"):
        explain(trained, place)
