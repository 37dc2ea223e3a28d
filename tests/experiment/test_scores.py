from __future__ import annotations

import numpy as np

from genrecls.dsp.votes import Vote
from genrecls.evaluation.predictions import Predictions, by_track
from genrecls.experiment.evaluate import PartPredictions, score_part
from genrecls.runs.metrics import PartMetrics
from genrecls.training.data import Examples

LABELS = ("blues", "jazz")
SEGMENTS = Predictions(
    tracks=("a", "a", "a", "b"),
    starts=np.array([0.0, 3.0, 6.5, 0.0]),
    truth=np.array([0, 0, 0, 1]),
    probabilities=np.array([[0.6, 0.4], [0.6, 0.4], [0.1, 0.9], [0.25, 0.75]]),
)
TRAIN = Examples({}, np.array([0, 0, 1]), ("c", "c", "d"), np.zeros(3))


def scored(vote: Vote) -> PartMetrics:
    return score_part(PartPredictions(SEGMENTS, by_track(SEGMENTS, vote)), TRAIN, LABELS, {})


def test_a_part_has_scores_of_segments_and_of_tracks_by_the_chosen_vote() -> None:
    part = scored("mean")
    assert part.segment.count == 4
    assert part.segment.accuracy == 0.75
    assert part.track.count == 2
    assert part.track.accuracy == 0.5
    assert scored("majority").track.accuracy == 1


def test_both_units_take_the_artists_that_a_split_keeps_apart_as_independent() -> None:
    answers = PartPredictions(SEGMENTS, by_track(SEGMENTS, "mean"))
    part = score_part(answers, TRAIN, LABELS, {"a": "someone", "b": "someone"})
    assert [(s.cluster, s.clusters) for s in (part.segment, part.track)] == [("artist", 1)] * 2
    assert [s.clusters for s in (scored("mean").segment, scored("mean").track)] == [2, 2]


def test_the_baseline_answers_what_is_commonest_in_the_train_part() -> None:
    baseline = scored("mean").baseline
    assert (baseline["segment"].genre, baseline["segment"].accuracy) == ("blues", 0.75)
    assert (baseline["track"].genre, baseline["track"].accuracy) == ("blues", 0.5)
