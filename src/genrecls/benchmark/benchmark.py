"""Latency of a model and its exported files on this machine, each in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genrecls.console import progress
from genrecls.environment import cores
from genrecls.errors import ModelFileError, RunError
from genrecls.inference.files import is_exported
from genrecls.runs.run import Run

EXPORT = "export"
"""Folder of a run in which its exported files are."""

# Who multiplies matrices reads one of these when it is imported.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
_PROCESSOR = ("model name", "Model", "Hardware", "cpu model")


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


def benchmark(run: str, plan: BenchmarkSettings) -> dict[str, Any]:
    """Return what `benchmark.json` holds: machine and a row a file and number of threads.

    Raises:
        ModelFileError, RunError: a file cannot be used.
    """
    rows = list(_rows(plan))
    runtimes = sorted({row["runtime"] for row in rows})
    return {"run": run, "machine": {**machine(), "runtimes": runtimes}, "rows": rows}


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, cores, system and Python."""
    return {
        "cpu": _processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def named(found: Mapping[str, Any]) -> str:
    """Return the machine of a benchmark in one line."""
    facts = found["machine"]
    return " · ".join((facts["cpu"], f"{facts['cores']} cores", *facts["runtimes"]))


def facts_of_run(run: Run) -> dict[str, Any]:
    """Return the content of a run's `export.json`; of a run without one, its beginning.

    Raises:
        RunError: the run is not finished, or a file is damaged.
    """
    path = run.folder / EXPORT / "export.json"
    try:
        facts = dict(json.loads(path.read_text(encoding="utf-8")))
        for file in facts.get("files", ()):
            if "entrance" in file:  # as the first version called it
                file["input"] = file.pop("entrance")
        return facts
    except FileNotFoundError:
        metrics = run.read_metrics()
    except ValueError as error:
        raise RunError(
            f"{path} is damaged ({error}); run 'genrecls export --tflite' again"
        ) from None
    return {
        "run": run.name,
        "dataset": asdict(metrics.dataset),
        "split": metrics.split.name,
        "leaks": list(metrics.split.leaks),
        "generated": metrics.dataset.generated,
        "keras": {"test": asdict(metrics.test), "bytes": run.model_file.stat().st_size},
        "files": [],
    }


def facts_of_file(path: Path) -> dict[str, Any]:
    """Return what a model file says of itself, in the form of `export.json`.

    Raises:
        ModelFileError: it cannot be read.
    """
    if not is_exported(path):
        from genrecls.runs.model_file import read_card

        card = vars(read_card(path))
        keras = {"file": path.name, "test": card["test"], "bytes": path.stat().st_size}
        return {**_common(card), "keras": keras, "files": []}
    from genrecls.runtime.container import unpack

    card = unpack(path)[1]
    kept = {"file": path.name, "status": "kept", "bytes": path.stat().st_size}
    file = {**kept, **{key: card[key] for key in ("input", "mode", "test")}}
    return {**_common(card), "keras": None, "files": [file]}


def _common(card: Mapping[str, Any]) -> dict[str, Any]:
    facts = {key: card[key] for key in ("run", "split", "leaks", "generated")}
    return {**facts, "dataset": {"name": card["dataset"]}}


def _rows(plan: BenchmarkSettings) -> Iterator[dict[str, Any]]:
    missing = [path for path in plan.files if not path.is_file()]
    if missing:
        raise ModelFileError(
            f"{missing[0]}: no such model file; expected a run, a model.keras or a .tflite of one"
        )
    with progress("Measuring", len(plan.files) * len(plan.threads)) as advance:
        for path in plan.files:
            for threads in plan.threads:
                yield _measured(path, threads, plan.runs)
                advance()


def _measured(path: Path, threads: int, runs: int) -> dict[str, Any]:
    words = (sys.executable, "-m", "genrecls.benchmark.worker", str(path), str(threads), str(runs))
    limits = dict.fromkeys(_THREADS, str(threads))
    done = subprocess.run(  # noqa: S603 - our own module in our own interpreter
        words,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env=os.environ | limits,
    )
    if done.returncode == 0:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    said = (done.stderr.strip() or "it said nothing").splitlines()[-1]
    if done.returncode == 1 and said.startswith("genrecls: error: "):
        raise ModelFileError(said.removeprefix("genrecls: error: "))
    raise RunError(
        f"{path}: measuring it ended with status {done.returncode}; its last message: {said}; "
        "expected a file that 'genrecls predict --model' can use"
    )


def _processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    rows = (line.partition(":") for line in text.splitlines())
    found = {key.strip(): value.strip() for key, _, value in rows}
    names = (found[key] for key in _PROCESSOR if found.get(key))
    return next(names, platform.processor() or platform.machine())
