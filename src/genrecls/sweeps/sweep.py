"""A sweep from top to bottom: words, jobs, shared work, trainings, comparison."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

from genrecls.console import muted, say, several, show, warn
from genrecls.errors import RunError
from genrecls.experiment.train import report_to_trackers, say_where_trackers_wrote
from genrecls.sweeps.cluster import ClusterJob
from genrecls.sweeps.estimate import Estimates
from genrecls.sweeps.job import Job, SweepFile
from genrecls.sweeps.plan import plan_jobs, sweep_name
from genrecls.sweeps.process import ResourceLimits
from genrecls.sweeps.progress import SweepView, announcement, plan_table, show_progress
from genrecls.sweeps.scheduler import SweepSlots, run_jobs, split_resources
from genrecls.sweeps.settings import SweepArguments
from genrecls.sweeps.shared_work import prepare_shared
from genrecls.trackers.base import SWEEP

FOLDER, FILE = "sweeps", "sweep.json"
"""Folder of all sweeps in `output_root`, and the file in each that shows the states of its jobs."""


def sweep(arguments: SweepArguments) -> list[Job]:
    """Train everything that is asked for and compare the finished runs.

    Returns:
        The jobs in the order of the values, those that failed too; with `dry_run=true` none was
        started.

    Raises:
        ConfigError: a training is impossible; nothing is started.
        DataError: a data set is absent; nothing is started.
        Interrupted: Ctrl-C or SIGTERM came.
    """
    # Every combination of values is one job, its configuration checked and its run folder known.
    settings = arguments.settings
    jobs = plan_jobs(arguments.overrides, arguments.config_dir, settings.filter)
    for job in jobs:
        if job.run.finished:
            job.mark("finished", "was finished before")
    estimates = Estimates(job.experiment.output_root for job in jobs)
    say(announcement(jobs, estimates, settings.jobs))
    if settings.dry_run:
        show(plan_table(jobs, estimates).to_terminal())
        return jobs

    folder = jobs[0].experiment.output_root / FOLDER / sweep_name(jobs)
    sweep_file = SweepFile(folder / FILE, arguments.command, jobs)
    pending = [job for job in jobs if not job.ended]
    if pending:
        # Data, weights and features are made once, by this process.
        slots = open_slots(arguments, folder, len(pending))
        prepare_shared(pending)
        # Then each training runs in its own process, as many at once as there are slots.
        sweep_file.write()
        view = SweepView(jobs, len(jobs), settings.jobs, estimates)
        try:
            with show_progress(view) as progress:
                run_jobs(iter(pending), slots, [sweep_file, progress])
        finally:
            sweep_file.write()
    else:
        sweep_file.write()

    # Whoever sweeps over the trial of a search wants it for itself.
    for job in jobs:
        if job.state == "finished":
            job.run.leave_search()

    # Trackers have not heard of the runs that were finished before or by another process.
    with patch.dict(os.environ, {SWEEP: folder.name}), muted("messages"):
        for job in jobs:
            if job.state == "finished" and job.log is None:
                try:
                    report_to_trackers(job.run, job.experiment)
                except RunError as error:
                    warn(f"{job.title}: no tracker is told of it: {error}")

    compare_jobs(jobs, arguments.command, folder)
    say_where_trackers_wrote((job.run, job.experiment) for job in jobs if job.state == "finished")
    return jobs


def open_slots(arguments: SweepArguments, folder: Path, waiting: int) -> SweepSlots:
    """Return where the trainings run: in processes of this machine, or on a cluster.

    Args:
        arguments: what the sweep is asked to do.
        folder: folder of the sweep, which gives it its name.
        waiting: how many trainings are to come.

    Raises:
        ConfigError: the cluster cannot be reached.
    """
    settings, cluster = arguments.settings, arguments.cluster
    if cluster is None:
        return SweepSlots(folder, split_resources(settings.jobs, settings.job_memory_gb))
    cluster.connect()
    memory_gb = settings.job_memory_gb
    limits = ResourceLimits(memory=None if memory_gb is None else int(memory_gb * 1e9))
    count = cluster.count_slots(waiting, settings.jobs)
    return SweepSlots(folder, (limits,) * count, partial(ClusterJob, cluster))


def compare_jobs(jobs: list[Job], command: str, folder: Path) -> None:
    """Rank the finished runs and list the others with their reasons."""
    from genrecls.comparison.leaderboard import Failed, newest, read_runs
    from genrecls.reports.comparison import write_comparison
    from genrecls.reports.figure_files import figures_as

    titles = {job.run.name: job.title for job in jobs if job.state == "finished"}
    finished, damaged = read_runs(job.run for job in jobs if job.state == "finished")
    lost = [job for job in jobs if job.state in {"failed", "stopped"}]
    failed = [Failed(job.run.name, job.note, str(job.log or ""), title=job.title) for job in lost]
    failed += [replace(run, title=titles[run.name]) for run in damaged]
    with figures_as(jobs[0].experiment.figures):
        write_comparison(newest(finished)[0], folder, command, failed)


def require_success(jobs: list[Job]) -> None:
    """Refuse to call a sweep done some of whose trainings failed or were stopped.

    Raises:
        RunError: says how many; the others are done and compared.
    """
    lost = [job for job in jobs if job.state in {"failed", "stopped"}]
    if lost:
        raise RunError(
            f"{len(lost)} of {several(len(jobs), 'run')} failed, each with its reason in the "
            "table; the same command tries them again"
        )
