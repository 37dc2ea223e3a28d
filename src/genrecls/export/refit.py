"""Exported files of a model that learnt from all tracks; their scores are those of the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from genrecls.config.compose import compose
from genrecls.config.validation import validate
from genrecls.environment import environment
from genrecls.errors import ExportError
from genrecls.experiment.evaluate import predict_part
from genrecls.export.bundle.metadata import description
from genrecls.export.convert.calibration import choose_calibration
from genrecls.export.convert.conversion import ConversionRequest, convert
from genrecls.export.formats import ExportFormat
from genrecls.export.settings import ExportSettings, GateBounds
from genrecls.export.verify.held_out import HeldOut
from genrecls.export.verify.parity import ParityGate
from genrecls.files.atomic import replacing
from genrecls.runs.export_facts import (
    CalibrationData,
    ExportedFile,
    ExportFacts,
    KerasFile,
    PartScores,
    ScorePair,
    read_export,
)
from genrecls.runtime.container import pack
from genrecls.runtime.network import Network

if TYPE_CHECKING:
    from genrecls.experiment.refit import Refit


def export_refit(refit: Refit) -> tuple[ExportedFile, ...]:
    """Write the files that take features in the modes that all runs were exported in.

    Each is compared with the model on the tracks that it learnt from, for there are no others, and
    held to the bounds of the files of the runs. Its scores are the means of those files, which were
    tested on tracks that their models had not heard.

    Raises:
        ExportError: a run has not been exported, or a file does not answer as its model does.
    """
    exports = []
    for run in refit.runs:
        if (facts := read_export(run)) is None:
            raise ExportError(
                f"run {run.name} was not exported, so nobody knows what a file of it is worth; "
                f"genrecls export --tflite {run.name} 'inputs=[features]' 'modes=[float32,int8]'"
            )
        exports.append(facts)
    tested = _tested(exports)
    settings = validate(ExportSettings, compose("export", []), "")
    train, model, card = refit.data.parts["train"], refit.model, refit.card
    answers = predict_part(model, train, refit.experiment.trainer.batch_size, card.vote)
    held_out = HeldOut({"train": train}, refit.data.dataset, card.features, card.segment, None)
    bounds = {
        wanted.mode: GateBounds(**files[0].bounds)
        for wanted, files in tested.items()
        if files[0].bounds
    }
    gate = ParityGate(held_out, {"train": answers}, card, replace(settings.gate, **bounds))
    calibration = choose_calibration(train, settings.calibration, refit.experiment.run.seed)
    facts = replace(
        exports[0],
        run=card.run,
        keras=KerasFile(
            _mean([facts.keras.test for facts in exports if facts.keras]),
            refit.file.stat().st_size,
            interval=refit.system.interval("test"),
        ),
        files=(),
        calibration=CalibrationData("train", len(calibration), calibration.tracks),
        versions=environment(),
    )
    formats = tuple(tested)
    steps = settings.unroll_steps
    request = ConversionRequest(refit.file, formats, calibration.inputs, steps)
    files = []
    for result in convert(request):
        if result.flatbuffer is None:
            raise ExportError(f"{result.format.title}: {result.error}")
        file, _ = gate.check(result.format, result.flatbuffer)
        if file.status != "kept":
            raise ExportError(f"{result.format.title}: {file.reason}")
        of_runs = tested[result.format]
        file = replace(
            file,
            test=_mean([each.test for each in of_runs if each.test]),
            micro=of_runs[0].micro,
            arena=of_runs[0].arena,
            macs=of_runs[0].macs,
            operators=of_runs[0].operators,
        )
        content = pack(
            result.flatbuffer, description(facts, file, Network(result.flatbuffer), card, model)
        )
        with replacing(refit.folder / file.file) as beside:
            beside.write_bytes(content)
        files.append(replace(file, bytes=len(content), flatbuffer=len(result.flatbuffer)))
    return tuple(files)


def _tested(exports: Sequence[ExportFacts]) -> dict[ExportFormat, list[ExportedFile]]:
    """Return the files of the runs by their format, those that every run has.

    Raises:
        ExportError: there are none.
    """
    kept = [{ExportFormat(f.input, f.mode): f for f in facts.kept} for facts in exports]
    shared = [
        wanted
        for wanted in kept[0]
        if wanted.input == "features" and all(wanted in files for files in kept)
    ]
    if not shared:
        raise ExportError(
            "the runs have no exported file in common that takes features; export each with "
            "'inputs=[features]' 'modes=[float32,int8]'"
        )
    return {wanted: [files[wanted] for files in kept] for wanted in shared}


def _mean(scores: Sequence[PartScores]) -> PartScores:
    """Return the means of the scores of several parts."""
    return PartScores(
        *(
            ScorePair(
                fmean(getattr(each, unit).accuracy for each in scores),
                fmean(getattr(each, unit).macro_f1 for each in scores),
            )
            for unit in ("segment", "track")
        )
    )
