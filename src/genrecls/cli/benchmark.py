"""`genrecls benchmark`: how long a model and its exported files take on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from genrecls.benchmark.benchmark import (
    BenchmarkSettings,
    benchmark,
    machine_title,
    model_files_of_file,
)
from genrecls.benchmark.emulator import emulate
from genrecls.cli.arguments import parser_of
from genrecls.console import say, show, warn
from genrecls.errors import ConfigError
from genrecls.files.atomic import write_text
from genrecls.files.tables import write_json
from genrecls.inference.files import named_model_file
from genrecls.reports.emulation import emulation_table
from genrecls.reports.figures.tradeoff import points, scope
from genrecls.reports.numbers import kilobytes
from genrecls.reports.tables import Column, Table
from genrecls.runs.ensemble_card import refuse_ensemble
from genrecls.runs.export_facts import EXPORT, ExportFacts, ModelFiles, model_files_of_run
from genrecls.runtime.network import check_threads
from genrecls.shipped.models import FOLDER

_NUMBERS = ("size", "accuracy", "threads", "features", "inference", "segment", "30-s track")


@dataclass(frozen=True)
class _Job:
    """What is measured and where the results go.

    Attributes:
        model: what is known of the model and its files.
        paths: files to measure.
        to: the JSON file; the figure lies beside it.
    """

    model: ModelFiles
    paths: tuple[Path, ...]
    to: Path


def main(words: Sequence[str]) -> int:
    """Measure, print a table, and write JSON and figure."""
    options = parser_of("benchmark").read(words)
    if len(options.words) > 1:
        raise ConfigError(f"received {' '.join(options.words)}; expected one run or model file")
    for number in options.threads:
        check_threads(number)
    # A device that runs files needs no library for figures.
    draws = all(map(find_spec, ("matplotlib", "hydra")))
    if options.overrides and not draws:
        raise ConfigError(f"{options.overrides[0]}: figures need genrecls[train]")
    figures: AbstractContextManager[None] = nullcontext()
    if draws:
        from genrecls.cli.drawing import drawing

        figures = drawing(options.overrides)
    job = _job(next(iter(options.words), None), options.output_root)
    settings = BenchmarkSettings(job.paths, options.threads, options.runs)
    result = benchmark(job.model.run, settings)
    if options.emulator:
        result["emulated"] = _emulated(job, options.emulator)
    show(_table(result, job.model).to_terminal())
    if options.emulator:
        show(emulation_table(result["emulated"], "on an emulated Cortex-M4").to_terminal())
    if any(row["features_ms"] is None for row in result["rows"]):
        warn("inference alone was measured: what this model takes is not computed in an export")
    write_json(job.to, result)
    if draws:
        from genrecls.reports.figure_files import write_figures
        from genrecls.reports.figures.tradeoff import tradeoff

        with figures:
            write_figures(lambda: {job.to.stem: tradeoff(job.model, result)}, job.to.parent)
    # The card of an export has the latency of its files.
    if isinstance(job.model, ExportFacts) and job.model.kept:
        from genrecls.export.bundle.card import card

        write_text(job.to.with_name("card.md"), card(job.model, result))
    say(f"written to {job.to}")
    return 0


def _job(word: str | None, root: Path) -> _Job:
    """Return what `word` names: a file of one model, or a run with all its files.

    Raises:
        ModelFileError, RunError: there is no such file or finished run.
    """
    path = None if word is None else named_model_file(word)
    if path is not None:
        # Not beside a shipped model: that is within the installed package.
        folder = root if path.parent == FOLDER else path.parent
        to = folder / f"{path.stem}.benchmark.json"
        return _Job(model_files_of_file(path), (path,), to)
    from genrecls.runs.find import find_run

    run = find_run(root, word)
    refuse_ensemble(run.model_file)
    model, folder = model_files_of_run(run), run.folder / EXPORT
    if not model.kept:
        warn(
            f"no exported files in {folder}, so Keras is measured alone; make them with "
            f"'genrecls export --tflite {run.name}'"
        )
    paths = (run.model_file, *(folder / file.file for file in model.kept))
    return _Job(model, paths, folder / "benchmark.json")


def _emulated(job: _Job, tflite_micro: Path) -> list[dict[str, Any]]:
    """Return what the C++ project of the model takes, with fast and with plain kernels.

    Raises:
        ConfigError: there is no project, or a tool is missing.
        ExportError: no microcontroller runs the file.
        RunError: the project cannot be built, or answers otherwise.
    """
    with TemporaryDirectory() as name:
        project = job.to.parent / "micro"
        if not isinstance(job.model, ExportFacts):
            from genrecls.export.bundle.firmware import read_project, write_firmware

            project = Path(name, "micro")
            write_firmware(project, read_project(job.paths[0]))
        return [
            asdict(emulate(project, tflite_micro, optimised=optimised))
            for optimised in (True, False)
        ]


def _table(result: Mapping[str, Any], model: ModelFiles) -> Table:
    known = {point.file: point for point in points(model, None)}
    rows = []
    for row in result["rows"]:
        point = known[row["file"]]
        times = {
            key: _cell(row[f"{key}_ms"]) for key in ("features", "inference", "segment", "track")
        }
        if row["input"] == "audio":
            times["features"] = "inside"
        cells = (row["file"], kilobytes(point.bytes), f"{point.accuracy:.3f}", str(row["threads"]))
        rows.append((*cells, *times.values()))
    return Table(
        columns=("file", *(Column(name, "number") for name in _NUMBERS)),
        rows=rows,
        title=f"{scope(model)}\nmilliseconds: median (95th percentile) · {machine_title(result)}",
        alarm=model.leaky,
    )


def _cell(times: Mapping[str, float] | None) -> str:
    return "not measured" if times is None else f"{times['median']:.2f} ({times['p95']:.2f})"
