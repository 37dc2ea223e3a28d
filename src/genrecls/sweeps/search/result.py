"""What a search leaves: the best settings, all trials, figures and a page."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from genrecls.console import say, show, warn
from genrecls.environment import environment
from genrecls.errors import RunError
from genrecls.experiment.run_id import IRRELEVANT
from genrecls.files.atomic import write_text
from genrecls.reports.figures.search import figures
from genrecls.reports.search import Answer, as_csv, as_html, as_markdown, as_table
from genrecls.reports.style import save
from genrecls.runs.record import read
from genrecls.runs.run import Run
from genrecls.sweeps.search.plan import SearchPlan
from genrecls.sweeps.search.preset import preset
from genrecls.sweeps.search.study import Study
from genrecls.sweeps.search.trial import Trial, front, ranked


def write_answer(plan: SearchPlan, study: Study, command: str) -> None:
    """Write everything that is known of the trials, and show the best.

    Raises:
        RunError: no trial has finished.
    """
    trials, settings = study.trials, plan.settings
    best = ranked(trials, settings.objectives)
    if not best:
        reasons = [trial.reason for trial in trials if trial.reason]
        last = f"; the last: {reasons[-1]}" if reasons else ""
        raise RunError(f"none of {len(trials)} trials has a result{last}")
    answer = Answer(
        name=plan.name,
        command=command,
        again=_again(plan),
        folder=plan.folder,
        settings=settings,
        space=plan.space,
        trials=tuple(trials),
        importances=study.importances(),
        best=read(Run(plan.start.run.folder.parent / best[0].run)),
        versions=environment(),
    )
    _write(answer)
    _write_presets(plan, _named(best[0], front(trials, settings.objectives)))
    show(as_table(answer))
    say(f"written to {plan.folder}; trained again by: {answer.again}")


def _again(plan: SearchPlan) -> str:
    """Return the command line that trains the best, or finds it where it lies."""
    places = {".".join(key) for key in IRRELEVANT}
    words = [word for word in plan.words if word.partition("=")[0].lstrip("+") in places]
    return shlex.join(["genrecls", "train", "-cd", str(plan.folder), "experiment=best", *words])


def _write(answer: Answer) -> None:
    drawn = figures(answer)
    for name, figure in drawn.items():
        save(figure, answer.folder / f"{name}.png")
    write_text(answer.folder / "trials.csv", as_csv(answer))
    write_text(answer.folder / "search.md", as_markdown(answer))
    write_text(answer.folder / "search.html", as_html(answer, drawn))


def _named(best: Trial, others: Sequence[Trial]) -> dict[str, Trial]:
    """Return trials by the name of their experiment; of two objectives the whole front."""
    return {"best": best, **{f"trial_{trial.number}": trial for trial in others[1:]}}


def _write_presets(plan: SearchPlan, named: dict[str, Trial]) -> None:
    folder: Path = plan.folder / "experiment"
    for name, trial in named.items():
        job = plan.job(trial.settings)
        if job.run.name != trial.run:
            # Data or a file of weights have changed since.
            warn(f"{trial.title}: its settings no longer lead to its run {trial.run}")
        scores = ", ".join(
            f"{objective.title} {objective.shown(value)}"
            for objective, value in zip(plan.settings.objectives, trial.values, strict=True)
        )
        about = f"{trial.title} of {plan.name}: {scores}"
        write_text(folder / f"{name}.yaml", preset(job, plan.flags, about))
