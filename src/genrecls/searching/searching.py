"""A search from its plan to its answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from genrecls.console import say, show
from genrecls.errors import ConfigError, RunBusy, RunError
from genrecls.searching.plan import SearchPlan, read_plan
from genrecls.sweeping.engine import Workplace, divided, run_all
from genrecls.sweeping.estimate import Estimates
from genrecls.sweeping.overview import Scene, duration, overview
from genrecls.sweeping.preparation import prepare_shared
from genrecls.sweeping.records import Record
from genrecls.sweeping.request import Request
from genrecls.sweeping.sweep import kept

if TYPE_CHECKING:
    from genrecls.searching.conducting import Conductor
    from genrecls.searching.study import Study


def search(request: Request) -> None:
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
        from genrecls.report.search import space_table

        say(f"search {plan.name}: {plan.settings.trials} trials in {plan.folder}")
        show(space_table(plan.space))
        return
    with _locked(plan):
        _search(plan, request)


def _search(plan: SearchPlan, request: Request) -> None:
    from genrecls.searching.answer import write_answer
    from genrecls.searching.conducting import Conductor
    from genrecls.searching.study import Study
    from genrecls.sweeping.estimate import epochs_of

    epochs = epochs_of(plan.start.experiment)
    study = Study(plan.folder / "study.journal", plan.settings, plan.space, epochs)
    conductor = Conductor(plan, study)
    estimates = Estimates([plan.start.experiment.output_root])
    _announce(plan, study, estimates, request.settings.jobs)
    if conductor.missing > 0:
        prepare_shared([Record(plan.start)])
        _train(plan, conductor, request, estimates)
    write_answer(plan, study, request.command)
    _complain(conductor)


def _train(plan: SearchPlan, conductor: Conductor, request: Request, estimates: Estimates) -> None:
    settings, folder = request.settings, plan.folder
    workplace = Workplace(plan.name, folder, divided(settings.jobs, settings.job_memory_gb))
    scene = Scene(conductor.records, conductor.missing, settings.jobs, estimates)
    with (
        overview(scene) as watcher,
        kept(watcher, folder, request.command, conductor.records) as keeper,
    ):
        # A trial that fails at the end of a queue makes another one necessary.
        while conductor.missing > 0:
            run_all(conductor.queue(), workplace, conductor.watched(keeper))


def _announce(plan: SearchPlan, study: Study, estimates: Estimates, jobs: int) -> None:
    states = [trial.state for trial in study.trials]
    done = {"done": states.count("finished"), "stopped as hopeless": states.count("pruned")}
    done |= {"interrupted, which go on": states.count("running"), "failed": states.count("failed")}
    parts = [f"{count} {name}" for name, count in done.items() if count]
    wanted = plan.settings.trials
    say(f"search {plan.name}: {wanted} trials of {len(plan.space)} settings; {_sum(parts)}")
    left = wanted - done["done"] - done["stopped as hopeless"]
    seconds = estimates.seconds(Record(plan.start))
    if left > 0 and seconds is not None:
        say(f"about {duration(seconds * left / jobs)}, by what runs of this kind have taken")
    if plan.settings.pruner != "none" and not plan.settings.prunes:
        say("no training is stopped before its end: of two objectives nobody can tell")


def _sum(parts: list[str]) -> str:
    return ", ".join(parts) or "none begun"


@contextmanager
def _locked(plan: SearchPlan) -> Iterator[None]:
    from filelock import FileLock, Timeout

    plan.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(plan.folder / ".lock", blocking=False):
            yield
    except Timeout:
        raise RunBusy(
            f"search {plan.name} is in the hands of another process at this moment; wait for it, "
            "or search with another search.seed"
        ) from None


def _complain(conductor: Conductor) -> None:
    failed = conductor.failed
    if failed:
        raise RunError(
            f"{len(failed)} trials failed, the last one for: {failed[-1]}; the same command tries "
            "others"
        )
    if conductor.stopped:
        raise RunError(f"{conductor.stopped} trials were stopped; the same command goes on")
