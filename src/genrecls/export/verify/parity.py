"""Whether an exported file still says what its model says.

It is asked on examples that did not train the model; of a refit, which has none, on its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np

from genrecls.console import say, warn
from genrecls.dsp.votes import Vote
from genrecls.evaluation.metrics import scores
from genrecls.evaluation.predictions import Predictions, by_track, held_out_answers
from genrecls.experiment.evaluate import PartPredictions
from genrecls.export.convert.limitations import approximation
from genrecls.export.formats import ExportFormat
from genrecls.export.settings import Gate, GateBounds
from genrecls.export.verify.held_out import HeldOut
from genrecls.reports.numbers import beyond
from genrecls.runs.export_facts import Agreement, ExportedFile, PartScores
from genrecls.runs.model_file import ModelCard
from genrecls.splits.base import Part

_INEXACT = "its front end is exact only with segment.source=audio and without a colour map"
_FOR_INT8 = (
    "modes=[mixed] leaves in float what loses the most; without recurrent layers a training with "
    "trainer.int8_epochs=8 learns the rounding"
)


@dataclass(frozen=True, eq=False)
class ParityGate:
    """Keeps the converted files that answer as their model does.

    Attributes:
        held_out: the segments to compare on.
        keras: what the model answers to them.
        gate: how much a file may differ.
    """

    held_out: HeldOut
    keras: Mapping[Part, PartPredictions]
    card: ModelCard
    gate: Gate

    def check(
        self, export_format: ExportFormat, flatbuffer: bytes
    ) -> tuple[ExportedFile, ModelCard]:
        """Return whether a file is kept, and say so; if it is, with its scores on a test part.

        Returns:
            The file, and the card of the model with what the file itself answers to the validation
            part, which decides when it does not answer at all.
        """
        from genrecls.runtime.network import Network, for_microcontrollers

        network = Network(flatbuffer, delegates=not for_microcontrollers(asdict(export_format)))
        segments = self.held_out.answers(network, export_format.title)
        card = self.card
        if "validation" in segments:
            tracks = by_track(segments["validation"], card.vote)
            card = replace(card, held_out=asdict(held_out_answers("validation", tracks)))
        file = pool([*segments.values()])
        agreement = compare(self._pooled_keras, file, self.card.vote, tuple(segments))
        exact = approximation(self.card) is None
        bounds = self.gate.of(export_format, exact=exact)
        reason = reason_to_reject(agreement, bounds, self.gate.key(export_format, exact=exact))
        test = None
        if reason:
            if export_format.input == "audio" and not exact:
                reason = f"{reason}; {_INEXACT}"
            if export_format.mode == "int8":
                reason = f"{reason}; {_FOR_INT8}"
            warn(f"{export_format.title}: not kept: {reason}")
        else:
            say(
                f"{export_format.title}: {len(flatbuffer):,} bytes, largest difference of a "
                f"probability {agreement.difference:.2g}, equal decisions {agreement.decisions:.1%}"
            )
            answers = segments.get("test")
            if answers is not None:
                test = self.scores(PartPredictions(answers, by_track(answers, self.card.vote)))
        file_facts = ExportedFile(
            file=export_format.file,
            input=export_format.input,
            mode=export_format.mode,
            status="rejected" if reason else "kept",
            reason=reason,
            gate=agreement,
            bounds=asdict(bounds),
            test=test,
        )
        return file_facts, card

    @cached_property
    def _pooled_keras(self) -> Predictions:
        # The same for every format.
        return pool([self.keras[part].segments for part in self.held_out.examples])

    def scores(self, answers: PartPredictions) -> PartScores:
        """Return accuracy and macro-F1, per segment and per track."""
        return PartScores.of(
            scores(answers.segments, self.card.labels),
            scores(answers.tracks, self.card.labels),
        )


def compare(keras: Predictions, file: Predictions, vote: Vote, parts: Sequence[str]) -> Agreement:
    """Compare the answers of a file with those of Keras.

    Args:
        keras: of the trained model, one row a segment.
        file: of the exported file, the same rows.
        vote: how the segments of a track decide.
        parts: where the segments are from.
    """
    ours, theirs = file.probabilities, keras.probabilities
    finite = bool(np.isfinite(ours).all())
    tracks = by_track(keras, vote)
    return Agreement(
        parts=tuple(parts),
        segments=len(ours),
        tracks=len(tracks.truth),
        difference=float(np.abs(ours - theirs).max()) if finite else None,
        decisions=float((file.predicted == keras.predicted).mean()),
        track_accuracy_lost=float(tracks.right.mean() - by_track(file, vote).right.mean()),
        finite=finite,
        constant=bool(np.ptp(ours, axis=0).max() == 0 < np.ptp(theirs, axis=0).max()),
    )


def reason_to_reject(agreement: Agreement, bounds: GateBounds, key: str) -> str | None:
    """Return why a file may not be used, with the measured and the allowed value; None if it may.

    One segment and one track may always differ: of a few of them, a single one shows nothing.

    Args:
        agreement: how the file compares.
        bounds: what it is held to.
        key: where those are set, such as `gate.int8`.
    """
    if agreement.difference is None or not agreement.finite:
        return "its outputs are not numbers"
    if agreement.constant:
        return "it answers the same to every segment"
    parts = " and ".join(agreement.parts)
    where = f"on {agreement.segments} segments of {parts}"
    if bounds.difference is not None and agreement.difference > bounds.difference:
        return (
            f"a probability differs by {beyond(agreement.difference, bounds.difference)} from "
            f"Keras {where}; allowed: {bounds.difference:g} ({key}.difference)"
        )
    # What lies exactly on a bound must not fail by rounding.
    if bounds.decisions is not None:
        least = min(bounds.decisions, 1 - 1 / agreement.segments) - 1e-9
        if agreement.decisions < least:
            share = beyond(100 * agreement.decisions, 100 * bounds.decisions, 3)
            return (
                f"{share} % of the decisions are those of Keras {where}; allowed: at least "
                f"{100 * bounds.decisions:g} %, or all but one ({key}.decisions)"
            )
    if bounds.accuracy is not None:
        most = max(bounds.accuracy, 1 / agreement.tracks) + 1e-9
        if agreement.track_accuracy_lost > most:
            lost = beyond(100 * agreement.track_accuracy_lost, 100 * bounds.accuracy)
            return (
                f"{lost} points of accuracy per track are lost on {agreement.tracks} tracks of "
                f"{parts}; allowed: {100 * bounds.accuracy:g}, or one track ({key}.accuracy)"
            )
    return None


def pool(parts: Sequence[Predictions]) -> Predictions:
    """Return the answers of several parts as one; a track may have segments in each."""
    return Predictions(
        tracks=tuple(track for part in parts for track in part.tracks),
        starts=np.concatenate([part.starts for part in parts]),
        truth=np.concatenate([part.truth for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
    )
