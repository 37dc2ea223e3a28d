"""A search from its plan to its answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from genrecls.console import say, several, show
from genrecls.errors import ConfigError, RunError
from genrecls.files.locks import locked
from genrecls.sweeps.arguments import SweepArguments
from genrecls.sweeps.estimate import Estimates, epochs_of
from genrecls.sweeps.job import Record, State
from genrecls.sweeps.progress import SweepView, duration, overview
from genrecls.sweeps.scheduler import SweepSlots, run_all, split_resources
from genrecls.sweeps.search.plan import SearchPlan, read_plan
from genrecls.sweeps.shared_work import prepare_shared
from genrecls.sweeps.sweep import writing_sweep_json

if TYPE_CHECKING:
    from genrecls.sweeps.search.runner import Conductor
    from genrecls.sweeps.search.study import Study
    from genrecls.sweeps.search.trial import Trial

_JOURNAL = "study.journal"


def search(request: SweepArguments) -> None:
    """Try as many settings as are asked for, those of earlier attempts counted, and say the best.

    Raises:
        ConfigError: the search cannot be; nothing is started.
        DataError: the data set is absent; nothing is started.
        Interrupted: Ctrl-C or SIGTERM came; the same command goes on.
        RunError: trials failed; the others are done and written.
    """
    if find_spec("optuna") is None:
        raise ConfigError(
            "search: needs Optuna, which is not installed; pip install 'genrecls[search]'"
        )
    plan = read_plan(request)
    if request.settings.dry_run:
        _show(plan, request.settings.jobs)
        return
    with _locked(plan):
        _search(plan, request)


def _show(plan: SearchPlan, jobs: int) -> None:
    """Say what would be searched, what is done of it, and how long the rest takes."""
    from genrecls.reports.search import space_table

    trials: list[Trial] = []
    if (plan.folder / _JOURNAL).is_file():
        with _locked(plan):
            trials = _study(plan).trials
    _announce(plan, trials, Estimates([plan.start.experiment.output_root]), jobs)
    say(f"folder {plan.folder}")
    show(space_table(plan.space))


def _study(plan: SearchPlan) -> Study:
    from genrecls.sweeps.search.study import Study

    epochs = epochs_of(plan.start.experiment)
    return Study(plan.folder / _JOURNAL, plan.settings, plan.space, epochs)


def _search(plan: SearchPlan, request: SweepArguments) -> None:
    from genrecls.sweeps.search.result import write_answer
    from genrecls.sweeps.search.runner import Conductor

    study = _study(plan)
    conductor = Conductor(plan, study)
    estimates = Estimates([plan.start.experiment.output_root])
    _announce(plan, study.trials, estimates, request.settings.jobs)
    if conductor.missing > 0:
        prepare_shared([Record(plan.start)])
        _train(plan, conductor, request, estimates)
    write_answer(plan, study, request.command)
    _complain(conductor)


def _train(
    plan: SearchPlan, conductor: Conductor, request: SweepArguments, estimates: Estimates
) -> None:
    settings, folder = request.settings, plan.folder
    workplace = SweepSlots(
        plan.name, folder, split_resources(settings.jobs, settings.job_memory_gb)
    )
    before: dict[State, int] = {"finished": 0, "stopped": 0}
    for trial in conductor.done:
        before["finished" if trial.state == "finished" else "stopped"] += 1
    scene = SweepView(
        conductor.records, plan.settings.trials, settings.jobs, estimates, "trial", before
    )
    with (
        overview(scene) as watcher,
        writing_sweep_json(watcher, folder, request.command, conductor.records) as keeper,
    ):
        # A trial that fails at the end of a queue makes another one necessary.
        while conductor.missing > 0:
            run_all(conductor.queue(), workplace, conductor.watched(keeper))


def _announce(plan: SearchPlan, trials: Sequence[Trial], estimates: Estimates, jobs: int) -> None:
    say(f"search {plan.name} over {several(len(plan.space), 'setting')}: {_counts(plan, trials)}")
    ended = sum(trial.state in {"finished", "pruned"} for trial in trials)
    left = plan.settings.trials - ended
    seconds = estimates.seconds(Record(plan.start))
    if left > 0 and seconds is not None:
        say(f"about {duration(seconds * left / jobs)}, by what runs of this kind have taken")
    if plan.settings.pruner != "none" and not plan.settings.prunes:
        say("no training is stopped before its end: of two objectives nobody can tell")


def _counts(plan: SearchPlan, trials: Sequence[Trial]) -> str:
    """Return how the trials that are asked for stand; those that failed do not count to them."""
    states = [trial.state for trial in trials]
    failed = states.count("failed")
    wanted = plan.settings.trials
    counts = {
        "finished": states.count("finished"),
        "stopped as hopeless": states.count("pruned"),
        "interrupted": states.count("running"),
        "to come": max(0, wanted - len(states) + failed),
    }
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    beside = f"; {failed} failed beside them" if failed else ""
    return f"{several(wanted, 'trial')}: {', '.join(parts)}{beside}"


def _locked(plan: SearchPlan) -> AbstractContextManager[None]:
    busy = (
        f"search {plan.name} is in the hands of another process at this moment; wait for it, "
        "or search with another search.seed"
    )
    return locked(plan.folder / ".lock", patience=0, busy=busy)


def _complain(conductor: Conductor) -> None:
    failed = conductor.failed
    if failed:
        raise RunError(
            f"{several(len(failed), 'trial')} failed, the last one for: {failed[-1]}; the same "
            "command tries others"
        )
    if conductor.stopped:
        stopped = several(conductor.stopped, "trial")
        raise RunError(f"{stopped} stopped before the end; the same command goes on")
