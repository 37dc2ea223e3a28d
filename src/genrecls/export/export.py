"""From a finished run to a bundle of TensorFlow Lite files that were compared with their model."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from genrecls.config.paths import expanded
from genrecls.console import fail, progress, warn
from genrecls.dsp.segments import audio_window
from genrecls.environment import environment
from genrecls.errors import ExportError
from genrecls.experiment.evaluate import predict_part
from genrecls.experiment.prepare import prepare
from genrecls.experiment.restore import RestoredRun, ensure_parts_of, restore
from genrecls.export.bundle.bundle import BundleFile, write_bundle
from genrecls.export.bundle.golden_audio import golden_audio
from genrecls.export.bundle.metadata import description
from genrecls.export.bundle.targets import fit, reason_not_to_try
from genrecls.export.bundle.targets import target as find_target
from genrecls.export.convert.calibration import Calibration, choose_calibration
from genrecls.export.convert.conversion import ConversionRequest, ConversionResult, convert
from genrecls.export.convert.limitations import approximation, refusal
from genrecls.export.convert.mixed import select_on
from genrecls.export.costs import preset_that_fits, with_costs
from genrecls.export.settings import ExportSettings, without_places
from genrecls.export.verify.held_out import HeldOut
from genrecls.export.verify.micro import (
    NO_GENRE,
    GoldenVectors,
    check_golden,
    golden_examples,
)
from genrecls.export.verify.parity import ParityGate
from genrecls.runs.export_facts import (
    CalibrationData,
    DataSource,
    Export,
    ExportedFile,
    ExportFacts,
    KerasFile,
)
from genrecls.runs.find import find_run
from genrecls.runs.model_file import ModelCard, load
from genrecls.runtime.container import pack
from genrecls.runtime.network import Network
from genrecls.splits.base import EVALUATED_PARTS, Part
from genrecls.training.data import Examples

if TYPE_CHECKING:
    import keras

COMMAND = ("genrecls", "export", "--tflite")


def export(settings: ExportSettings, words: Sequence[str] = ()) -> Export:
    """Convert a finished run, compare every file with its model, and write the bundle.

    Args:
        settings: which run, which formats, and how much a file may differ.
        words: the overrides that made the settings; the card has them, but for places.

    Raises:
        ConfigError: there is no such target.
        RunError, RunBusy, DataError, ModelFileError: model or data cannot be read.
        ExportError: the converter cannot be started, or none of the files can be made.
    """
    # A misspelt target is refused before minutes of work are spent.
    target = find_target(settings.target) if settings.target else None
    run = find_run(expanded(settings.output_root, "output_root"), settings.run)
    restored = restore(run, settings.data_root, settings.dataset_root)
    experiment = restored.experiment
    with run.locked():
        model, card = load(run.model_file)
        prepared = prepare(experiment, restored.dataset, restored.store)
        ensure_parts_of(restored, prepared)

        # Formats: what the target cannot run, and what the model cannot be converted to, is known
        # before the converter is asked.
        steps = settings.unroll_steps
        refusals = {
            wanted: (reason_not_to_try(target, wanted) if target else None)
            or refusal(model, card, wanted, steps)
            for wanted in settings.formats
        }
        possible = tuple(wanted for wanted, reason in refusals.items() if reason is None)
        if not possible and target is None:
            reasons = dict.fromkeys(reason for reason in refusals.values() if reason is not None)
            raise ExportError(f"no file can be made of run {run.name}: {'; '.join(reasons)}")

        # Data: int8 is calibrated on the training part, every file is compared on the two others;
        # which layers of a mixed file stay float, the validation part alone decides.
        train = prepared.parts["train"]
        calibration = choose_calibration(train, settings.calibration, experiment.run.seed)
        audio = any(wanted.input == "audio" for wanted in possible)
        window = audio_window(asdict(card.features), asdict(card.segment)) if audio else None
        # Of the two, what the model has learnt from after all compares nothing.
        learnt = restored.metrics.selection.refit
        examples: dict[Part, Examples] = {
            part: prepared.parts[part] for part in EVALUATED_PARTS if part == "test" or not learnt
        }
        held_out = HeldOut(
            examples, prepared.dataset, experiment.features, experiment.segment, window
        )
        batch = experiment.trainer.batch_size
        answers = {
            part: predict_part(model, given, batch, card.vote) for part, given in examples.items()
        }
        gate = ParityGate(held_out, answers, card, settings.gate)

        # Conversion, in child processes.
        request = ConversionRequest(
            run.model_file,
            possible,
            calibration.inputs,
            steps,
            select_on(prepared.parts["validation"].inputs, settings.gate.mixed)
            if any(wanted.mode == "mixed" for wanted in possible)
            else None,
        )
        results = []
        with progress("Converting", len(possible)) as advance:
            for result in convert(request):
                results.append(result)
                advance()

        # Verification: against Keras, then as a microcontroller would run the file.
        facts = _facts(restored, card, gate, calibration)
        command = shlex.join([*COMMAND, run.name, *without_places(words)])
        facts = replace(facts, command=command)
        golden = golden_examples(prepared.parts["test"], len(card.labels))
        converted = {
            result.format: _check(result, gate, facts, model, golden) for result in results
        }
        files = tuple(
            converted[wanted][0]
            if reason is None
            else ExportedFile(wanted.file, wanted.input, wanted.mode, "refused", reason)
            for wanted, reason in refusals.items()
        )
        facts = replace(facts, files=files)

        # Bundle: with a target it has what fits it and nothing else.
        if target:
            facts = fit(target, facts)
        names = {file.file for file in facts.kept}
        kept = [file for _, file in converted.values() if file and file.format.file in names]
        return Export(write_bundle(run.folder, facts, card, kept), facts)


def _facts(
    restored: RestoredRun, card: ModelCard, gate: ParityGate, calibration: Calibration
) -> ExportFacts:
    """Return what is known of an export before its files are checked."""
    run, data = restored.run, restored.metrics.dataset
    return ExportFacts(
        run=run.name,
        # Without its note, which may name folders of this machine: a bundle leaves it.
        dataset=DataSource(
            data.name, data.title, data.tracks, data.fingerprint, data.citation, data.licence
        ),
        split=card.split,
        leaks=card.leaks,
        generated=card.generated,
        pretraining=card.pretraining,
        keras=KerasFile(
            gate.scores(gate.keras["test"]),
            run.model_file.stat().st_size,
            interval=restored.metrics.test.track.accuracy_interval,
        ),
        files=(),
        model=restored.metrics.model,
        labels=card.labels,
        vote=card.vote,
        features=asdict(card.features),
        segment=asdict(card.segment),
        approximation=approximation(card),
        calibration=CalibrationData("train", len(calibration), calibration.tracks),
        versions=environment(),
    )


def _check(
    result: ConversionResult,
    gate: ParityGate,
    facts: ExportFacts,
    model: keras.Model,
    examples: Examples,
) -> tuple[ExportedFile, BundleFile | None]:
    """Compare a converted file with Keras and, if it is kept, run it as a microcontroller would."""
    made, flatbuffer = result.format, result.flatbuffer
    if flatbuffer is None:
        warn(f"{made.title}: {result.error}")
        return ExportedFile(made.file, made.input, made.mode, "crashed", result.error), None
    file, model_card = gate.check(made, flatbuffer)
    if file.status != "kept":
        return file, None
    network = Network(flatbuffer, delegates=False)
    (inputs,) = gate.held_out.inputs(network, examples)
    truth = examples.targets
    audio = golden_audio(gate.card.features, gate.card.segment)
    if made.input == "features" and audio is not None:
        # Clipping and silence are no test tracks, but what a microphone hears.
        inputs = {name: np.concatenate([audio.features[name], inputs[name]]) for name in inputs}
        truth = np.concatenate([np.full(audio.segments, NO_GENRE), truth])
    golden = GoldenVectors.of(network, inputs, truth)
    micro = check_golden(flatbuffer, golden)
    card = description(facts, file, Network(flatbuffer), model_card, model)
    content = pack(flatbuffer, card)
    file = replace(file, bytes=len(content), inputs=card["inputs"])
    file = with_costs(file, flatbuffer, micro, gate.card.features, gate.card.segment)
    return file, BundleFile(made, content, flatbuffer, golden, micro)


def require_files(settings: ExportSettings, facts: ExportFacts) -> None:
    """Warn of the formats of which there is no file, and say why.

    Raises:
        ExportError: a file was asked for by name, or its conversion or comparison failed; or no
            file fits the target.
    """
    missing: dict[tuple[bool, str], list[str]] = {}
    for wanted, file in zip(settings.formats, facts.files, strict=True):
        if file.status != "kept":
            expected = file.status != "refused" or settings.names(wanted)
            missing.setdefault((expected, file.reason or ""), []).append(file.file)
    for (expected, reason), names in missing.items():
        (fail if expected else warn)(f"no {', '.join(names)}: {reason}")
    failed = sum(len(names) for (expected, _), names in missing.items() if expected)
    # Files that were compared and are too large; what failed before has nothing to do with a size.
    too_large = facts.target and not facts.kept and (facts.target.verdicts or not failed)
    if settings.target and too_large:
        device = find_target(settings.target)
        preset = preset_that_fits(device, len(facts.labels))
        raise ExportError(
            f"no file fits {device.title}; see the lines above. Export without target=... to "
            f"get the files all the same, or train a smaller model: {preset}"
        )
    if failed:
        raise ExportError(
            f"{failed} of {len(facts.files)} files were not exported; see the lines above"
        )
