"""A search from top to bottom: trials become trainings, and their results choose the next ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from genrecls.console import say, several, show, warn
from genrecls.errors import ConfigError, DataError, RunError
from genrecls.experiment.train import say_where_trackers_wrote
from genrecls.files.locks import locked
from genrecls.reports.numbers import finite, known
from genrecls.reports.search import Trial
from genrecls.reports.tables import Table
from genrecls.runs.result_tables import read_epochs
from genrecls.runs.run import Run
from genrecls.sweeps.estimate import Estimates, count_epochs
from genrecls.sweeps.job import Job, State, SweepFile
from genrecls.sweeps.progress import SweepView, rough_duration, show_progress
from genrecls.sweeps.scheduler import SweepSlots, run_jobs, split_resources
from genrecls.sweeps.search.plan import SearchPlan, plan_search
from genrecls.sweeps.settings import SweepArguments
from genrecls.sweeps.shared_work import prepare_shared
from genrecls.sweeps.sweep import FILE

if TYPE_CHECKING:
    from genrecls.sweeps.search.space import Space
    from genrecls.sweeps.search.storage import Study

# So many in a row are no accident.
_MOST_FAILURES = 5
_MOST_OUTSIDE = 20


def search(arguments: SweepArguments) -> list[Run]:
    """Try as many settings as are asked for, including earlier calls, and report the best.

    Returns:
        The finished runs, the best first; none with `dry_run=true`.

    Raises:
        ConfigError: the search is impossible; nothing is started.
        DataError: the data set is absent; nothing is started.
        Interrupted: Ctrl-C or SIGTERM came; the same command continues.
        RunError: trials failed; the others are done and written.
    """
    if find_spec("optuna") is None:
        raise ConfigError(
            "search: needs Optuna, which is not installed; pip install 'genrecls[search]'"
        )
    from genrecls.sweeps.search.result import write_result
    from genrecls.sweeps.search.storage import STUDY

    plan = plan_search(arguments)
    settings, start = arguments.settings, plan.start
    estimates = Estimates([start.experiment.output_root])
    if settings.dry_run:
        trials: list[Trial] = []
        if (plan.folder / STUDY).is_file():
            with _locked_study(plan) as study:
                trials = study.trials
        _announce(plan, trials, estimates, settings.jobs)
        say(f"folder {plan.folder}")
        show(space_table(plan.space).to_terminal())
        return []
    with _locked_study(plan) as study:
        runner = SearchRunner(plan, study)
        _announce(plan, study.trials, estimates, settings.jobs)
        if runner.missing > 0:
            # All trials vary one training, and so have its data and features in common.
            prepare_shared([start])
            limits = split_resources(settings.jobs, settings.job_memory_gb)
            sweep_file = SweepFile(plan.folder / FILE, arguments.command, runner.jobs)
            total, before = plan.settings.trials, runner.count_done()
            view = SweepView(runner.jobs, total, settings.jobs, estimates, "trial", before)
            slots = SweepSlots(plan.folder, limits)
            sweep_file.write()
            try:
                with show_progress(view) as progress:
                    # A trial that fails at the end of a queue makes another one necessary.
                    while runner.missing > 0:
                        run_jobs(runner.queue(), slots, [runner, sweep_file, progress])
            finally:
                sweep_file.write()
        runs = write_result(plan, study, arguments.command)
        say_where_trackers_wrote((run, start.experiment) for run in runs)
    if runner.failed:
        raise RunError(
            f"{several(len(runner.failed), 'trial')} failed, the last one because: "
            f"{runner.failed[-1]}; the same command tries others"
        )
    if runner.outside_in_a_row == _MOST_OUTSIDE:
        raise RunError(
            f"{_MOST_OUTSIDE} trials in a row would not fit {plan.settings.target}; narrow "
            "the space, or choose another search.target"
        )
    if runner.stopped:
        stopped = several(runner.stopped, "trial")
        raise RunError(f"{stopped} stopped before the end; repeat the command to continue")
    return runs


def _announce(
    plan: SearchPlan, trials: Sequence[Trial], estimates: Estimates, at_once: int
) -> None:
    """Say what is searched, what is done of it, and how long the rest takes."""
    states = [trial.state for trial in trials]
    wanted, failed = plan.settings.trials, states.count("failed")
    outside = states.count("outside")
    # Trials that failed or were not trained do not count: others are tried instead.
    counts = {
        "finished": states.count("finished"),
        "stopped early": states.count("pruned"),
        "interrupted": states.count("running"),
        "to come": max(0, wanted - len(states) + failed + outside),
    }
    parts = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    beside = f"; {failed} more failed" if failed else ""
    beside += f"; {outside} more were outside the target" if outside else ""
    say(
        f"search {plan.name} over {several(len(plan.space), 'setting')}: "
        f"{several(wanted, 'trial')}: {parts}{beside}"
    )
    left = wanted - states.count("finished") - states.count("pruned")
    seconds = estimates.seconds(plan.start)
    if left > 0 and seconds is not None:
        expected = rough_duration(seconds * left / at_once)
        say(f"about {expected}, by what runs of this kind have taken")
    if plan.settings.pruner != "none" and not plan.settings.prunes:
        say("no training is stopped early: with two objectives none is clearly worse")


@contextmanager
def _locked_study(plan: SearchPlan) -> Iterator[Study]:
    """Open the study of a search, and keep other processes out of its folder."""
    from genrecls.sweeps.search.storage import open_study

    busy = (
        f"search {plan.name} is running in another process; wait for it, or search with another "
        "search.seed"
    )
    epochs = count_epochs(plan.start.experiment)
    with (
        locked(plan.folder / ".lock", patience=0, busy=busy),
        open_study(plan.folder, plan.settings, plan.space, epochs) as study,
    ):
        yield study


def space_table(space: Space) -> Table:
    """Return what will be searched."""
    return Table(("key", "values"), [(key, each.words) for key, each in space.items()])


class SearchRunner:
    """The queue of the trainings of a search, and the listener that tells the study their results.

    Attributes:
        jobs: all trainings of this call, in the order in which they were started.
        failed: why trials of this call have failed.
        stopped: how many were stopped by somebody else, and continue with the next call.
        outside_in_a_row: how many of the latest trials would not fit the target.
    """

    def __init__(self, plan: SearchPlan, study: Study) -> None:
        """Continue with what `study` holds."""
        self.jobs: list[Job] = []
        self.failed: list[str] = []
        self.stopped = 0
        self.outside_in_a_row = 0
        self._failed_in_a_row = 0
        self._plan = plan
        self._study = study
        self._interrupted = [trial for trial in study.trials if trial.state == "running"]
        self._trials: dict[Job, Trial] = {}
        self._epochs: dict[Job, int] = {}
        self._pruned: dict[Job, str] = {}
        # Killed between study and run folder, an earlier call has not told the latter.
        for trial in study.trials:
            if trial.state == "pruned" and trial.run:
                _record_pruned(Run(plan.start.run.folder.parent / trial.run), plan, trial.reason)

    @property
    def done(self) -> list[Trial]:
        """The trials that count: those that have finished and those that were stopped early."""
        return [trial for trial in self._study.trials if trial.state in {"finished", "pruned"}]

    @property
    def missing(self) -> int:
        """How many trials are still to be started; none where too many in a row came to nothing."""
        if self._failed_in_a_row >= _MOST_FAILURES or self.outside_in_a_row >= _MOST_OUTSIDE:
            return 0
        return self._plan.settings.trials - len(self.done) - len(self._trials) - self.stopped

    def count_done(self) -> dict[State, int]:
        """Return how many trials count, by the state of their jobs."""
        finished = sum(trial.state == "finished" for trial in self.done)
        return {"finished": finished, "stopped": len(self.done) - finished}

    def queue(self) -> Iterator[Job]:
        """Yield one training after the other, each chosen when there is a slot for it."""
        while self.missing > 0:
            trial = self._interrupted.pop(0) if self._interrupted else self._study.ask()
            try:
                job = self._plan.job(trial.settings)
            except (ConfigError, DataError, RunError) as error:
                warn(f"{trial.title}: impossible: {error}")
                self._fail(trial, str(error))
                continue
            if reasons := self._plan.reasons_outside(job):
                reason = f"would not fit {self._plan.settings.target}: {'; '.join(reasons)}"
                warn(f"{trial.title} is not trained: it {reason}")
                self._study.leave_out(trial, reason)
                self.outside_in_a_row += 1
                continue
            self.outside_in_a_row = 0
            job.title = trial.title
            self._study.set_run(trial, job.run.name)
            self.jobs.append(job)
            self._trials[job] = trial
            yield job

    def changed(self, job: Job) -> None:
        """Tell the study how a training has ended."""
        if not job.ended:
            return
        trial = self._trials[job]
        if job.state == "finished":
            self._report(job, _read_history(job.run))
            try:
                metrics = job.run.read_metrics()
                values = [finite(objective.read(metrics)) for objective in self._plan.objectives]
                if not all(map(known, values)):
                    raise RunError("its score is not a number")
            except RunError as error:
                self._fail(trial, str(error))
            else:
                self._failed_in_a_row = 0
                self._study.finish(trial, values)
        elif job.state == "failed":
            self._fail(trial, job.note)
        elif job in self._pruned:
            self._failed_in_a_row = 0
            self._study.prune(trial, self._pruned[job])
            _record_pruned(job.run, self._plan, self._pruned[job])
        else:
            # Stopped by somebody who may continue it: the study keeps it as running.
            self.stopped += 1
        del self._trials[job]

    def tick(self) -> None:
        """Tell the study of new epochs, and stop the trainings that promise nothing."""
        for job in self._trials:
            if job.state == "running" and job not in self._pruned:
                self._report(job, job.progress.get("history", []))
                if job in self._pruned:
                    job.stop(self._pruned[job])

    def _fail(self, trial: Trial, reason: str) -> None:
        self._failed_in_a_row += 1
        self.failed.append(reason)
        self._study.fail(trial, reason)
        if self._failed_in_a_row == _MOST_FAILURES:
            warn(f"{_MOST_FAILURES} trials in a row have failed: no more are started")

    def _report(self, job: Job, rows: Sequence[Mapping[str, Any]]) -> None:
        """Tell the study of epochs that it has not heard of, until one of them says to stop."""
        column = self._plan.objectives[0].column
        values = {int(row["epoch"]): finite(row[column]) for row in rows}
        for epoch in sorted(epoch for epoch in values if epoch > self._epochs.get(job, 0)):
            self._epochs[job] = epoch
            trial, value = self._trials[job], values[epoch]
            if known(value) and self._study.report(trial, epoch, value):
                pruner = self._plan.settings.pruner
                self._pruned[job] = f"stopped early after epoch {epoch} ({pruner} pruner)"
                return


def _record_pruned(run: Run, plan: SearchPlan, reason: str) -> None:
    """Record in its folder that a search has stopped a run early."""
    stopped = {"running", "interrupted"}
    if run.state.get("status") not in stopped:
        return
    # A process that has the run now knows its state better.
    with suppress(RunError, OSError), run.locked():
        if run.state.get("status") in stopped:
            run.mark("pruned", reason=reason, sweep=run.state.get("sweep", plan.name))


def _read_history(run: Run) -> list[dict[str, float]]:
    """Return the rows of a finished run; none where they cannot be read, for they only help."""
    with suppress(RunError):
        return [epoch.to_row() for epoch in read_epochs(run.history_file)]
    return []
