"""`genrecls reproduce`: the published systems, with their numbers beside ours."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from genrecls.comparison.reproduction import (
    PROTOCOLS,
    Protocol,
    ReproducedSystem,
    ReproductionJob,
    cell,
    chosen,
    jobs,
)
from genrecls.comparison.reproduction import published_presets as presets
from genrecls.console import fail, say, warn
from genrecls.errors import ConfigError, GenreclsError, Interrupted, RunError
from genrecls.experiment.prepare import store_of
from genrecls.experiment.run_id import run_folder
from genrecls.experiment.train import train
from genrecls.features.extract import fingerprint
from genrecls.reports.reproduction import write_reproduction
from genrecls.runs.metrics import RunMetrics
from genrecls.runs.published import Published
from genrecls.runs.run import Run
from genrecls.runtime.parser import Parser

_DESCRIPTION = """Train the published systems on the data that are present, under the published
protocol, on random tracks and under an honest split, and write their numbers beside ours. Finished
runs are used again; after Ctrl-C the same command goes on. Words such as data_root=<folder> or
dataset.root=<folder> hold for every training."""


def main(words: Sequence[str]) -> int:
    """Reproduce what the bare words name; all of it without any."""
    options, rest = _parser().parse_known_args(list(words))
    if unknown := [word for word in rest if word.startswith("-")]:
        raise ConfigError(f"unknown option {unknown[0]}; see 'genrecls reproduce --help'")
    given = [*options.wanted, *rest]
    overrides = [word for word in given if "=" in word]
    wanted = [word for word in given if "=" not in word]
    names = chosen(wanted)
    if options.seeds < 1:
        raise ConfigError(f"--seeds: received {options.seeds}; allowed: 1 or more")
    _refuse_own(overrides)
    work = {name: list(jobs(name, options.seeds, overrides)) for name in names}
    reproduced = _Reproduction(work, train=not options.finished, changed=_changed(overrides))
    rows = reproduced.rows()
    command = f"genrecls reproduce {shlex.join(words)}".strip()
    write_reproduction(rows, _folder(options, work, wanted), command)
    if reproduced.failures:
        raise RunError(f"{reproduced.failures} trainings failed; see the lines above")
    if wanted and not any(row.cells for row in rows):
        raise RunError(f"nothing of {', '.join(wanted)} could be reproduced; see what is missing")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="genrecls reproduce", description=_DESCRIPTION)
    parser.add_argument("wanted", nargs="*", metavar="PAPER|PRESET|all")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of every number (3)")
    parser.add_argument("--finished", action="store_true", help="train nothing, show what is there")
    parser.add_argument(
        "--to", type=Path, metavar="FOLDER", help="<output_root>/reproduction/<what>"
    )
    return parser


def _refuse_own(overrides: Sequence[str]) -> None:
    """Refuse words that this verb chooses itself."""
    for word in overrides:
        key = word.partition("=")[0].lstrip("+~")
        if key == "force":
            raise ConfigError(
                "'force': reproduce goes on where it was stopped, which it could not; choose "
                "another output_root=<folder> to train everything again"
            )
        if key.partition(".")[0] in {"seed", "split", "experiment", "published"}:
            raise ConfigError(
                f"'{word}': reproduce chooses this itself; take --seeds, name presets, or use "
                "'genrecls train' for a single training"
            )


def _changed(overrides: Sequence[str]) -> str:
    """Return the words that do more than say where things lie."""
    places = {"data_root", "output_root", "dataset.root", "dataset.bad_audio"}
    return " ".join(word for word in overrides if word.partition("=")[0] not in places)


def _folder(
    options: argparse.Namespace, work: dict[str, list[ReproductionJob]], wanted: Sequence[str]
) -> Path:
    """Return a folder for each selection, so that one table does not replace another."""
    folder: Path | None = options.to
    if folder is not None:
        return folder.expanduser()
    root = next(iter(work.values()))[0].experiment.output_root
    return root / "reproduction" / ("-".join(wanted) or "all")


class _Reproduction:
    """The trainings of some presets, one after another."""

    def __init__(
        self, work: dict[str, list[ReproductionJob]], *, train: bool, changed: str
    ) -> None:
        self._work = work
        self._changed = changed
        self._train = train
        self._total = sum(map(len, work.values()))
        self._done = 0
        self.failures = 0

    def rows(self) -> list[ReproducedSystem]:
        """Return a row a preset."""
        figures = presets()
        return [self._row(name, figures[name], todo) for name, todo in self._work.items()]

    def _row(
        self, name: str, figure: Published, todo: Sequence[ReproductionJob]
    ) -> ReproducedSystem:
        try:
            # What is missing is missing for all of them, and known before anything is trained.
            todo[0].experiment.dataset.load(todo[0].experiment.data_root)
            if self._train and not all(map(_existing, todo)):
                todo[0].experiment.model.fetch()
        except GenreclsError as error:
            self._done += len(todo)
            warn(f"{name}: {error}")
            return ReproducedSystem(name, figure, missing=str(error), changed=self._changed)
        runs = [(job.protocol, self._run(job)) for job in todo]
        found = {protocol: _metrics(runs, protocol) for protocol in PROTOCOLS}
        cells = {protocol: cell(metrics) for protocol, metrics in found.items() if metrics}
        absent = sum(run is None for _, run in runs)
        missing = f"{absent} of {len(runs)} runs" if absent else ""
        return ReproducedSystem(name, figure, cells, missing, self._changed)

    def _run(self, job: ReproductionJob) -> Run | None:
        self._done += 1
        about = f"{job.preset}, {PROTOCOLS[job.protocol]}, seed {job.seed}"
        say(f"[{self._done}/{self._total}] {about}")
        try:
            if not self._train:
                return _existing(job)
            return train(job.experiment, f"genrecls train {shlex.join(job.overrides)}")
        except Interrupted:
            raise
        except GenreclsError as error:
            fail(f"{about}: {error}")
            self.failures += 1
            return None


def _existing(job: ReproductionJob) -> Run | None:
    experiment = job.experiment
    dataset = experiment.dataset.load(experiment.data_root)
    run = Run(run_folder(experiment, fingerprint(dataset, store_of(experiment).digests)))
    return run if run.finished else None


def _metrics(
    runs: Iterable[tuple[Protocol, Run | None]], protocol: Protocol
) -> list[tuple[str, RunMetrics]]:
    wanted = [run for name, run in runs if name == protocol and run is not None]
    return [(run.name, run.read_metrics()) for run in wanted]
