"""From a finished run to files that were compared with their model: convert, gate, score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from genrecls.console import progress, say, warn
from genrecls.dsp.segments import audio_window
from genrecls.evaluation.metrics import scores
from genrecls.evaluation.predictions import Predictions, by_track
from genrecls.experiment.evaluate import predict_part
from genrecls.experiment.prepare import PreparedData, prepare
from genrecls.experiment.restore import RestoredRun
from genrecls.export.convert.calibration import Calibration, choose
from genrecls.export.convert.conversion import ConversionRequest, ConversionResult, convert
from genrecls.export.convert.limitations import refusal
from genrecls.export.formats import ExportFormat
from genrecls.export.settings import Bounds, ExportSettings
from genrecls.export.verify.held_out import PARTS, HeldOut, pooled
from genrecls.export.verify.parity import Agreement, compare, reason_to_reject
from genrecls.features.mel import MelSettings
from genrecls.features.mel_image import MelImage, colour_table
from genrecls.runs.model_file import ModelCard, load

if TYPE_CHECKING:
    import keras

_INEXACT = "its front end is exact only with segment.source=audio and without a colour map"

Status = Literal["kept", "rejected", "refused", "crashed"]


@dataclass(frozen=True, eq=False)
class ExportedFile:
    """What became of one variant.

    Attributes:
        reason: why there is no file, in one line.
        flatbuffer: the converted network, kept or not.
        agreement: how it compares with Keras on the held-out parts.
        bounds: what it was held to.
        test: scores on the test part, per segment and per track.
    """

    variant: ExportFormat
    status: Status
    reason: str | None = None
    flatbuffer: bytes = b""
    agreement: Agreement | None = None
    bounds: Bounds | None = None
    test: Mapping[str, Mapping[str, float]] | None = None


@dataclass(frozen=True, eq=False)
class ExportResult:
    """All that an export found out, before it is written.

    Attributes:
        keras_test: scores of the model itself on the test part.
        keras: answers of the model to the held-out segments.
    """

    reopened: RestoredRun
    model: keras.Model
    card: ModelCard
    prepared: PreparedData
    calibration: Calibration
    held_out: HeldOut
    keras: Mapping[Any, Predictions]
    keras_test: Mapping[str, Mapping[str, float]]
    files: tuple[ExportedFile, ...]


def export(reopened: RestoredRun, settings: ExportSettings) -> ExportResult:
    """Convert a finished run and compare every file with its model.

    Raises:
        RunError, DataError, ModelFileError: model or data cannot be read.
        ExportError: the converter cannot be started.
    """
    run, experiment = reopened.run, reopened.experiment
    model, card = load(run.model_file)
    prepared = prepare(experiment, reopened.dataset, reopened.store)
    calibration = choose(prepared.parts["train"], settings.calibration, experiment.run.seed)
    refused = {v: refusal(model, card, v, settings.unroll_steps) for v in settings.variants}
    possible = tuple(variant for variant, reason in refused.items() if reason is None)
    heard = any(variant.input == "audio" for variant in possible)
    held_out = HeldOut(
        examples={part: prepared.parts[part] for part in PARTS},
        dataset=prepared.dataset,
        features=experiment.features,
        window=audio_window(asdict(card.features), asdict(card.segment)) if heard else None,
    )
    keras_answers = {
        part: predict_part(model, examples, experiment.trainer.batch_size, card.vote).segments
        for part, examples in held_out.examples.items()
    }
    judge = _Judge(held_out, keras_answers, card, settings, experiment.run.seed)
    request = ConversionRequest(run.model_file, possible, calibration.inputs, settings.unroll_steps)
    made = {found.variant: judge.judge(found) for found in _converted(request)}
    return ExportResult(
        reopened=reopened,
        model=model,
        card=card,
        prepared=prepared,
        calibration=calibration,
        held_out=held_out,
        keras=keras_answers,
        keras_test=judge.scores(keras_answers["test"]),
        files=tuple(_file(variant, reason, made) for variant, reason in refused.items()),
    )


def _file(
    variant: ExportFormat, reason: str | None, made: Mapping[ExportFormat, ExportedFile]
) -> ExportedFile:
    return made[variant] if reason is None else ExportedFile(variant, "refused", reason)


def _converted(request: ConversionRequest) -> list[ConversionResult]:
    """Return what the converter makes, with progress."""
    found = []
    with progress("Converting", len(request.variants)) as advance:
        for converted in convert(request):
            found.append(converted)
            advance()
    return found


@dataclass(frozen=True)
class _Judge:
    """Compares converted files with Keras.

    Attributes:
        keras: answers of the model to the held-out segments.
        seed: run seed, for the bootstrap of the scores.
    """

    held_out: HeldOut
    keras: Mapping[Any, Predictions]
    card: ModelCard
    settings: ExportSettings
    seed: int

    def judge(self, found: ConversionResult) -> ExportedFile:
        """Return the file, kept if it passes the gate."""
        variant = found.variant
        if found.flatbuffer is None:
            warn(f"{variant.title}: {found.error}")
            return ExportedFile(variant, "crashed", found.error)
        from genrecls.runtime.network import Network

        answers = self.held_out.answers(Network(found.flatbuffer), variant.title)
        agreement = compare(pooled(self.keras), pooled(answers), self.card.vote, PARTS)
        exact = approximation(self.card) is None
        bounds = self.settings.gate.of(variant, exact=exact)
        reason = reason_to_reject(agreement, bounds)
        if reason:
            if variant.input == "audio" and not exact:
                reason = f"{reason}; {_INEXACT}"
            warn(f"{variant.title}: not kept: {reason}")
            return ExportedFile(variant, "rejected", reason, found.flatbuffer, agreement, bounds)
        say(
            f"{variant.title}: {len(found.flatbuffer):,} bytes, largest difference of a "
            f"probability {agreement.difference:.2g}, equal decisions {agreement.decisions:.1%}"
        )
        test = self.scores(answers["test"])
        return ExportedFile(variant, "kept", None, found.flatbuffer, agreement, bounds, test)

    def scores(self, answers: Predictions) -> dict[str, dict[str, float]]:
        """Return accuracy and macro-F1, per segment and per track."""
        labels = self.card.labels
        levels = {"segment": answers, "track": by_track(answers, self.card.vote)}
        found = {unit: scores(one, labels, self.seed) for unit, one in levels.items()}
        return {
            unit: {"accuracy": one.accuracy, "macro_f1": one.macro_f1}
            for unit, one in found.items()
        }


def approximation(card: ModelCard) -> str | None:
    """Return why a front end that hears a segment at a time is not exact, or None if it is."""
    spec, rule = card.features, card.segment
    if not isinstance(spec, MelSettings):
        return None
    if rule.source == "spectrogram" and (spec.top_db is not None or spec.ref == "max"):
        return (
            "The features of this model depend on what is loudest in the whole track, for training "
            "cut finished spectrograms (`segment.source=spectrogram`); an `audio` file takes what "
            "is loudest in the segment. `segment.source=audio` trains a model without that "
            "difference."
        )
    if isinstance(spec, MelImage) and colour_table(spec.colour) is not None:
        return (
            "The pictures of this model have 256 colours; where a value lies on the edge between "
            "two of them, rounding in an `audio` file may choose the other one."
        )
    return None
