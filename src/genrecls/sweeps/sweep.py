"""A sweep from its plan to its leaderboard."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from genrecls.console import say, several, show
from genrecls.errors import RunError
from genrecls.sweeps.arguments import SweepArguments
from genrecls.sweeps.estimate import Estimates
from genrecls.sweeps.job import Record, write_records
from genrecls.sweeps.plan import planned, sweep_name
from genrecls.sweeps.process import SWEEP
from genrecls.sweeps.progress import SweepView, announcement, overview, plan_table
from genrecls.sweeps.scheduler import SweepSlots, Watcher, run_all, split_resources
from genrecls.sweeps.shared_work import prepare_shared

FOLDER, RECORDS = "sweeps", "sweep.json"


def sweep(request: SweepArguments) -> None:
    """Train everything that is asked for and compare what is finished.

    Raises:
        ConfigError: a training cannot be; nothing is started.
        DataError: a data set is absent; nothing is started.
        Interrupted: Ctrl-C or SIGTERM came.
        RunError: some trainings failed; the others are done and compared.
    """
    if request.launcher:
        from genrecls.sweeps.cluster import require_launcher

        require_launcher(request.launcher, request.flags)
    records = planned(request.flags, request.overrides)
    for record in records:
        if record.job.run.finished:
            record.found("finished", "was finished before")
    estimates = Estimates(record.job.experiment.output_root for record in records)
    say(announcement(records, estimates, request.settings.jobs))
    if request.settings.dry_run:
        show(plan_table(records, estimates))
        return
    folder = records[0].job.experiment.output_root / FOLDER / sweep_name(records)
    _train(records, request, folder, estimates)
    _hand_in(records, folder.name)
    conclude(records, request.command, folder)


def _train(
    records: Sequence[Record], request: SweepArguments, folder: Path, estimates: Estimates
) -> None:
    pending = [record for record in records if not record.ended]
    if not pending:
        write_records(folder / RECORDS, request.command, records)
        return
    place = workplace(request, folder, len(pending))
    prepare_shared(pending)
    scene = SweepView(records, len(records), request.settings.jobs, estimates)
    with (
        overview(scene) as watcher,
        writing_sweep_json(watcher, folder, request.command, records) as keeper,
    ):
        run_all(iter(pending), place, keeper)


def workplace(request: SweepArguments, folder: Path, waiting: int) -> SweepSlots:
    """Return where trainings are done: on this machine, or where a launcher of Hydra has them done.

    Args:
        request: what is asked for.
        folder: folder of the sweep, by which it is called.
        waiting: how many trainings are to come.

    Raises:
        ConfigError: there is no such launcher.
    """
    jobs, memory = request.settings.jobs, request.settings.job_memory_gb
    if not request.launcher:
        return SweepSlots(folder.name, folder, split_resources(jobs, memory))
    from genrecls.sweeps.cluster import Launchpad

    pad = Launchpad(request.launcher, request.flags, folder)
    return SweepSlots(folder.name, folder, pad.places(waiting, jobs, memory), pad.start)


def _hand_in(records: Sequence[Record], name: str) -> None:
    """Tell trackers of the runs that no training of this sweep could tell them of."""
    from genrecls.trackers.watching import report_to_trackers

    found = [record for record in records if record.state == "finished" and not record.here]
    with patch.dict(os.environ, {SWEEP: name}):
        for record in found:
            report_to_trackers(record.job.run, record.job.experiment)


@contextmanager
def writing_sweep_json(
    watcher: Watcher, folder: Path, command: str, records: Sequence[Record]
) -> Iterator[Watcher]:
    """Yield a watcher that tells `watcher` everything and keeps `sweep.json` in `folder` true."""
    keeper = _Keeper(watcher, folder / RECORDS, command, records)
    keeper.write()
    try:
        yield keeper
    finally:
        keeper.write()


class _Keeper:
    def __init__(
        self, watcher: Watcher, path: Path, command: str, records: Sequence[Record]
    ) -> None:
        self._watcher = watcher
        self._path = path
        self._command = command
        self._records = records

    def changed(self, record: Record) -> None:
        """Write how the sweep stands, and pass the change on."""
        self.write()
        self._watcher.changed(record)

    def tick(self) -> None:
        """Pass the tick on."""
        self._watcher.tick()

    def write(self) -> None:
        """Write how the sweep stands."""
        write_records(self._path, self._command, self._records)


def conclude(records: Sequence[Record], command: str, folder: Path) -> None:
    """Compare the finished runs, and say of the others why there is nothing to compare.

    Raises:
        RunError: some trainings failed or were stopped.
    """
    from genrecls.comparison.leaderboard import Failed, newest
    from genrecls.reports.comparison import write_comparison
    from genrecls.runs.record import read

    done = [read(record.job.run) for record in records if record.state == "finished"]
    lost = [record for record in records if record.state in {"failed", "stopped"}]
    failed = [
        Failed(record.job.run.name, record.note, str(record.log or ""), title=record.title)
        for record in lost
    ]
    write_comparison(newest(done)[0], folder, command, failed)
    if lost:
        raise RunError(
            f"{len(lost)} of {several(len(records), 'run')} failed, each with its reason in the "
            "table; the same command tries them again"
        )
