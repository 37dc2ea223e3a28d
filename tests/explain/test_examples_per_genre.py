from __future__ import annotations

import numpy as np
import pytest

from genrecls.explain.examples_per_genre import choose_examples, explain_examples
from genrecls.training.data import Examples
from tests.explain.networks import dense
from tests.explain.songs import LABELS, classifier


def part(shape: tuple[int, ...], name: str = "mfcc") -> Examples:
    """Two tracks of blues of three segments each, none of jazz, one track of rock."""
    rng = np.random.default_rng(0)
    return Examples(
        inputs={name: rng.normal(0, 50, (8, *shape)).astype(np.float32)},
        targets=np.array([0, 0, 0, 0, 0, 0, 2, 2]),
        tracks=("b1", "b1", "b1", "b2", "b2", "b2", "r1", "r1"),
        starts=np.array([0.0, 3, 6, 0, 3, 6, 0, 3]),
    )


def test_the_middle_segment_of_the_first_track_of_each_genre_is_explained() -> None:
    trained, examples = classifier(), part((130, 13))
    found = explain_examples(trained.model, trained.card.features, examples, LABELS, 3.0)
    assert [(case.track, case.true) for case in found] == [("b1", "blues"), ("r1", "rock")]
    assert [case.evidence.place for case in found] == [(3, 6), (3, 6)]
    answers = np.asarray(trained.model(examples.inputs, training=False))[[1, 7]]
    assert [case.predicted for case in found] == [LABELS[row.argmax()] for row in answers]
    assert [case.probability for case in found] == pytest.approx(answers.max(axis=1), abs=1e-5)
    assert all(case.evidence.weights.any() for case in found)


def test_networks_that_see_no_picture_have_no_cases() -> None:
    spec = classifier().card.features
    assert explain_examples(dense(), spec, part((5,), "summary"), LABELS, 3.0) == []


def test_examples_of_the_report_are_standardised_unless_they_are_in_colour() -> None:
    train = part((130, 13))
    chosen = choose_examples(train, LABELS, ("time", "coefficient"), 3.0)
    assert list(chosen.pictures) == ["blues", "rock"]
    values = train.inputs["mfcc"]
    expected = (values[1] - values.mean(axis=(0, 1))) / values.std(axis=(0, 1))
    assert chosen.pictures["blues"] == pytest.approx(expected, abs=1e-4)
    coloured = part((20, 30, 3))
    pictures = choose_examples(coloured, LABELS, ("time", "height"), 3.0).pictures
    assert np.array_equal(pictures["rock"], coloured.inputs["mfcc"][7])
    assert not choose_examples(part((5,)), LABELS, ("", ""), 3.0).pictures


def test_a_network_that_cannot_be_explained_costs_a_report_a_section_and_no_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    trained = classifier()
    examples = part((130, 13), name="unknown input")
    assert explain_examples(trained.model, trained.card.features, examples, LABELS, 3.0) == []
    assert "warning: the report does not show what decided: " in capsys.readouterr().err
