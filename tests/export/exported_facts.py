"""The content of `export.json` and `benchmark.json`, made of values alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from genrecls.export.formats import INPUTS, MODES, ExportFormat
from genrecls.models.cost import ModelCost
from genrecls.runs.export_facts import (
    Agreement,
    ArenaSize,
    CalibrationData,
    DataSource,
    ExportedFile,
    ExportFacts,
    KerasFile,
    MicroSupport,
    ModelFiles,
    OperatorUse,
    PartScores,
    ScorePair,
    Status,
)
from tests.composed import conf_values

EVERY = tuple(ExportFormat(kind, mode) for kind in INPUTS for mode in MODES)


def scores(accuracy: float) -> dict[str, dict[str, float]]:
    segment = {"accuracy": accuracy - 0.03, "macro_f1": accuracy - 0.04}
    return {"segment": segment, "track": {"accuracy": accuracy, "macro_f1": accuracy - 0.01}}


def part_scores(accuracy: float) -> PartScores:
    """Return `scores` as an export has them."""
    values = scores(accuracy)
    return PartScores(ScorePair(**values["segment"]), ScorePair(**values["track"]))


def kept(export_format: ExportFormat, size: int = 40_000, accuracy: float = 0.8) -> ExportedFile:
    """Return a file that passed the gate."""
    micro = export_format.input == "features" and export_format.mode == "int8"
    return ExportedFile(
        file=export_format.file,
        input=export_format.input,
        mode=export_format.mode,
        status="kept",
        bytes=size,
        flatbuffer=max(0, size - 1000),
        gate=Agreement(
            parts=("validation", "test"),
            segments=1234,
            tracks=120,
            difference=2.5e-6,
            decisions=0.998,
            track_accuracy_lost=0.005,
        ),
        bounds={"difference": None, "decisions": 0.98, "accuracy": 0.01},
        inputs={"mfcc": {"shape": [130, 13], "dtype": "int8", "scale": 0.04, "zero_point": 3}},
        test=part_scores(accuracy),
        macs=1_500_000,
        operators=(
            OperatorUse("CONV_2D", 3, micro=True, note=""),
            OperatorUse("RFFT2D", 1, micro=micro, note="not there"),
        ),
        micro=MicroSupport(runs=micro, reason="so it was told"),
        arena=ArenaSize(31_744, "tflite-micro" if micro else "estimate"),
    )


def lost(export_format: ExportFormat, status: Status, reason: str) -> ExportedFile:
    """Return a format of which there is no file."""
    return ExportedFile(export_format.file, export_format.input, export_format.mode, status, reason)


def export_facts(files: Sequence[ExportedFile] | None = None, **changes: Any) -> ExportFacts:
    """Return the facts of an export; by default it kept every format."""
    facts = ExportFacts(
        run="made-mfcc-cnn-1234abcd",
        dataset=DataSource("made", "Made up", citation="Nobody 2026", licence="CC0-1.0"),
        split="artist",
        leaks=(),
        approximation=None,
        command="genrecls export --tflite made-mfcc-cnn-1234abcd",
        generated=False,
        model=ModelCost("cnn", 78_282, 1_500_000),
        labels=("blues", "jazz", "rock"),
        vote="mean",
        features=conf_values("features/mfcc"),
        segment=conf_values("segment/3s"),
        keras=KerasFile(part_scores(0.81), 980_000),
        files=tuple(map(kept, EVERY)) if files is None else tuple(files),
        calibration=CalibrationData("train", 200, ("jazz.00001", "rock.00002")),
        versions={"genrecls": "0.1.0", "tensorflow-cpu": "2.21.0"},
    )
    return replace(facts, **changes)


def benchmark_facts(export: ModelFiles, threads: Sequence[int] = (1,)) -> dict[str, Any]:
    """Return the measurements of the model and of every kept file."""
    files = [
        {"file": "model.keras", "input": "keras", "mode": "float32"},
        *({"file": file.file, "input": file.input, "mode": file.mode} for file in export.kept),
    ]
    rows = [_row(file, many, 8 / many) for file in files for many in threads]
    machine = {"cpu": "A Processor", "cores": 2, "runtimes": ["ai-edge-litert 2.3.0"]}
    return {"run": export.run, "machine": machine, "rows": rows}


def _row(file: dict[str, Any], threads: int, median: float) -> dict[str, Any]:
    times = {"median": median, "p95": median + 1}
    return {
        **file,
        "threads": threads,
        "segment_ms": times,
        "features_ms": times,
        "inference_ms": times,
        "track_ms": {**times, "seconds": 30},
    }
