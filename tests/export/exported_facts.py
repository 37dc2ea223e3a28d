"""The content of `export.json` and `benchmark.json`, made of values alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from genrecls.config.paths import conf_dir
from genrecls.export.formats import INPUTS, MODES, ExportFormat

EVERY = tuple(ExportFormat(kind, mode) for kind in INPUTS for mode in MODES)


def scores(accuracy: float) -> dict[str, dict[str, float]]:
    segment = {"accuracy": accuracy - 0.03, "macro_f1": accuracy - 0.04}
    return {"segment": segment, "track": {"accuracy": accuracy, "macro_f1": accuracy - 0.01}}


def kept(variant: ExportFormat, size: int = 40_000, accuracy: float = 0.8) -> dict[str, Any]:
    """Return the row of a file that passed the gate."""
    micro = variant.input == "features" and variant.mode == "int8"
    return {
        "file": variant.file,
        "input": variant.input,
        "mode": variant.mode,
        "status": "kept",
        "reason": None,
        "bytes": size,
        "flatbuffer": size - 1000,
        "gate": {
            "parts": ["validation", "test"],
            "segments": 1234,
            "tracks": 120,
            "difference": 2.5e-6,
            "decisions": 0.998,
            "track_accuracy_lost": 0.005,
        },
        "bounds": {"difference": None, "decisions": 0.98, "accuracy": 0.01},
        "inputs": {"mfcc": {"shape": [130, 13], "dtype": "int8", "scale": 0.04, "zero_point": 3}},
        "test": scores(accuracy),
        "operators": [
            {"name": "CONV_2D", "count": 3, "micro": True, "note": ""},
            {"name": "RFFT2D", "count": 1, "micro": micro, "note": "not there"},
        ],
        "micro": {"runs": micro, "reason": "so it was told"},
        "arena": {"bytes": 31_744, "source": "tflite-micro" if micro else "estimate"},
    }


def lost(variant: ExportFormat, status: str, reason: str) -> dict[str, Any]:
    """Return the row of a variant of which there is no file."""
    return {
        "file": variant.file,
        "input": variant.input,
        "mode": variant.mode,
        "status": status,
        "reason": reason,
    }


def export_facts(files: Sequence[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """Return the facts of an export; by default it kept every variant."""
    facts = {
        "run": "made-mfcc-cnn-1234abcd",
        "dataset": {
            "name": "made",
            "title": "Made up",
            "generated": False,
            "licence": "CC0-1.0",
            "citation": "Nobody 2026",
            "note": "",
        },
        "split": "artist",
        "leaks": [],
        "approximation": None,
        "command": "genrecls export --tflite made-mfcc-cnn-1234abcd",
        "generated": False,
        "model": {"name": "cnn", "parameters": 78_282, "macs": 1_500_000},
        "labels": ["blues", "jazz", "rock"],
        "vote": "mean",
        "features": _settings("features/mfcc"),
        "segment": _settings("segment/3s"),
        "keras": {"test": scores(0.81), "bytes": 980_000},
        "files": [kept(variant) for variant in EVERY] if files is None else list(files),
        "target": None,
        "calibration": {"part": "train", "segments": 200, "tracks": ["jazz.00001", "rock.00002"]},
        "versions": {"genrecls": "0.1.0", "tensorflow-cpu": "2.21.0"},
    }
    return {**facts, **changes}


def benchmark_facts(export: dict[str, Any], threads: Sequence[int] = (1,)) -> dict[str, Any]:
    """Return the measurements of the model and of every kept file."""
    files = [
        {"file": "model.keras", "input": "keras", "mode": "float32"},
        *(file for file in export["files"] if file["status"] == "kept"),
    ]
    rows = [_row(file, many, 8 / many) for file in files for many in threads]
    machine = {"cpu": "A Processor", "cores": 2, "runtimes": ["ai-edge-litert 2.3.0"]}
    return {"run": export["run"], "machine": machine, "rows": rows}


def _row(file: dict[str, Any], threads: int, median: float) -> dict[str, Any]:
    times = {"median": median, "p95": median + 1}
    return {
        **{key: file[key] for key in ("file", "input", "mode")},
        "threads": threads,
        "segment_ms": times,
        "features_ms": times,
        "inference_ms": times,
        "track_ms": {**times, "seconds": 30},
    }


def _settings(name: str) -> dict[str, Any]:
    text = (conf_dir() / f"{name}.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))
