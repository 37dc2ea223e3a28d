"""Latency of a model and its exported files on this machine, each in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genrecls.config.paths import why_no_file
from genrecls.console import progress
from genrecls.environment import cores, processor
from genrecls.errors import ModelFileError, RunError
from genrecls.inference.files import is_exported
from genrecls.runs.export_facts import ModelFiles, model_files_of_card

# Who multiplies matrices reads one of these when it is imported.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


@dataclass(frozen=True)
class BenchmarkSettings:
    """What is measured.

    Attributes:
        files: `model.keras` and `.tflite` files of genrecls.
        threads: numbers of threads, each a measurement of every file.
        runs: counted repetitions.
    """

    files: Sequence[Path]
    threads: Sequence[int]
    runs: int


def benchmark(run: str, settings: BenchmarkSettings) -> dict[str, Any]:
    """Return what `benchmark.json` holds: machine and a row a file and number of threads.

    Raises:
        ModelFileError, RunError: a file cannot be used.
    """
    for path in settings.files:
        if not path.is_file():
            raise ModelFileError(
                f"{path}: no such model file{why_no_file(str(path))}; expected a run, a "
                "model.keras or a .tflite of one"
            )
    rows = []
    with progress("Measuring", len(settings.files) * len(settings.threads)) as advance:
        for path in settings.files:
            for threads in settings.threads:
                rows.append(_measure_in_child(path, threads, settings.runs))
                advance()
    runtimes = sorted({row["runtime"] for row in rows})
    return {"run": run, "machine": {**machine(), "runtimes": runtimes}, "rows": rows}


def _measure_in_child(path: Path, threads: int, runs: int) -> dict[str, Any]:
    """Return the row of one file and number of threads, measured by `genrecls.benchmark.worker`."""
    worker = (sys.executable, "-P", "-m", "genrecls.benchmark.worker")
    words = (*worker, str(path), str(threads), str(runs))
    done = subprocess.run(  # noqa: S603 - our own module in our own interpreter
        words,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env=os.environ | dict.fromkeys(_THREADS, str(threads)),
    )
    if done.returncode == 0:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    message = (done.stderr.strip() or "none").splitlines()[-1]
    if done.returncode == 1 and message.startswith("genrecls: error: "):
        raise ModelFileError(message.removeprefix("genrecls: error: "))
    raise RunError(
        f"{path}: measuring it ended with status {done.returncode}; its last message: {message}; "
        "expected a file that 'genrecls predict' can use"
    )


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, cores, system and Python."""
    return {
        "cpu": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def machine_title(result: Mapping[str, Any]) -> str:
    """Return the machine of a benchmark in one line."""
    facts = result["machine"]
    return " · ".join((facts["cpu"], f"{facts['cores']} cores", *facts["runtimes"]))


def model_files_of_file(path: Path) -> ModelFiles:
    """Return what a model file says of itself and its scores.

    Raises:
        ModelFileError: it cannot be read.
    """
    card: Mapping[str, Any]
    if is_exported(path):
        from genrecls.runtime.container import unpack

        card = unpack(path)[1]
    else:
        from genrecls.runs.model_file import read_card

        card = vars(read_card(path))
    return model_files_of_card(path, card)
