"""The result of a search: the best settings to train with, all trials, figures and a page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from genrecls.config.compose import chosen_options
from genrecls.config.options import choices, groups, listed
from genrecls.config.overrides import overrides_of
from genrecls.config.plugins import plugin_flags
from genrecls.config.relevant import IRRELEVANT, without_irrelevant
from genrecls.console import say, show, warn
from genrecls.environment import environment
from genrecls.errors import RunError
from genrecls.experiment.experiment import GROUPS, Experiment, compose_experiment
from genrecls.files.atomic import write_text
from genrecls.files.tables import mapping_or_empty
from genrecls.reports.figure_files import figures_as, write_figures
from genrecls.reports.figures.search import figures
from genrecls.reports.search import (
    SearchReport,
    as_csv,
    as_html,
    as_markdown,
    as_terminal,
    pareto_front,
    rank_trials,
)
from genrecls.runs.record import read
from genrecls.runs.run import Run
from genrecls.sweeps.search.plan import SearchPlan

if TYPE_CHECKING:
    from genrecls.sweeps.search.storage import Study


def write_result(plan: SearchPlan, study: Study, command: str) -> list[Run]:
    """Write everything that is known of the trials, and show the best.

    Returns:
        The finished runs, the best first.

    Raises:
        RunError: no trial has finished.
    """
    trials, objectives, folder = study.trials, plan.objectives, plan.folder
    root, best = plan.start.run.folder.parent, None
    while best is None:
        ranked = rank_trials(trials, objectives)
        if not ranked:
            reasons = [trial.reason for trial in trials if trial.reason]
            last = f"; the last: {reasons[-1]}" if reasons else ""
            raise RunError(f"none of {len(trials)} trials has a result{last}")
        try:
            best = read(Run(root / ranked[0].run))
        except RunError as error:
            # It cannot be shown or used: the next one is the best, and this one says why not.
            unreadable = replace(ranked[0], state="failed", values=(), reason=str(error))
            trials = [unreadable if trial.run == unreadable.run else trial for trial in trials]

    runs = [Run(root / trial.run) for trial in ranked]
    # The command that trains the best, or finds its run where it lies.
    words = [word for word in plan.words if says_where_things_are(word)]
    words += own_data_words(plan)
    flags = ["-cd", str(folder), *plugin_flags()]
    again = shlex.join(["genrecls", "train", *flags, "experiment=best", *words])
    report = SearchReport(
        name=plan.name,
        command=command,
        again=again,
        folder=folder,
        objectives=objectives,
        settings=tuple(dimension.setting(key) for key, dimension in plan.space.items()),
        trials=tuple(trials),
        importances=study.importances(),
        best=best,
        versions=environment(),
    )
    with figures_as(plan.start.experiment.figures):
        drawn = write_figures(lambda: figures(report), folder)
    write_text(folder / "trials.csv", as_csv(report))
    write_text(folder / "search.md", as_markdown(report))
    write_text(folder / "search.html", as_html(report, drawn))

    # An experiment file for the best; of two objectives for all that nothing beats.
    front = pareto_front(trials, objectives)
    named = {"best": ranked[0], **{f"trial_{trial.number}": trial for trial in front[1:]}}
    for name, trial in named.items():
        job = plan.job(trial.settings)
        if job.run.name != trial.run:
            # Data or a file of weights have changed since.
            warn(f"{trial.title}: its settings no longer lead to its run {trial.run}")
        scores = ", ".join(
            f"{objective.title} {objective.shown(value)}"
            for objective, value in zip(objectives, trial.values, strict=True)
        )
        about = f"{trial.title} of {plan.name}: {scores}"
        text = experiment_file(plan, trial.settings, job.experiment, about)
        write_text(folder / "experiment" / f"{name}.yaml", text)
    show(as_terminal(report))
    say(f"written to {folder}; trained again by: {again}")
    return runs


def says_where_things_are(word: str) -> bool:
    """Return whether no file of an experiment holds what a word sets: places, one's own data."""
    key = tuple(word.partition("=")[0].lstrip("+").split("."))
    beginnings = {key[: end + 1] for end in range(len(key))}
    return key == ("dataset", "genres") or not beginnings.isdisjoint(IRRELEVANT)


def own_data_words(plan: SearchPlan) -> list[str]:
    """Return words for what an option of the user's folder says of the user's own data.

    Empty where the option comes with genrecls: then all that is special stands on the command line.
    """
    experiment = plan.start.experiment
    option = chosen_options("train", plan.words, plan.config_dir)["dataset"]
    if option in choices("dataset"):
        return []
    known = known_options(plan, plan.words, experiment)["dataset"]
    usual = compose_experiment([f"dataset={known}"]).resolved()["dataset"]
    said = {word.partition("=")[0].lstrip("+") for word in plan.words}
    special = {
        key: value
        for key, value in experiment.resolved()["dataset"].items()
        if says_where_things_are(f"dataset.{key}") and value != usual.get(key)
    }
    words = overrides_of({"dataset": special}, [f"dataset={known}"])
    return [word for word in words if word.partition("=")[0].lstrip("+") not in said]


def known_options(plan: SearchPlan, words: Sequence[str], experiment: Experiment) -> dict[str, str]:
    """Return for each group the option that is chosen, or one of ours that has the same keys."""
    chosen, settings = chosen_options("train", words, plan.config_dir), experiment.resolved()
    return {
        group: _known(group, str(chosen[group]), settings[group].get("name")) for group in GROUPS
    }


def _known(group: str, option: str, name: str | None) -> str:
    ours = choices(group)
    if option in ours:
        return option
    # All options of a group without classes have the same keys.
    if name is None:
        return groups("train")[group][0]
    alike = (
        one for one, path in listed(group).items() if mapping_or_empty(path).get("name") == name
    )
    return name if name in ours else next(alike)


def experiment_file(
    plan: SearchPlan, chosen: Mapping[str, str], experiment: Experiment, about: str
) -> str:
    """Return the content of a file `experiment/<name>.yaml`: all that differs from the defaults.

    Training with it leads to the same run.

    Args:
        plan: the search.
        chosen: right side of the override of each key of the space.
        experiment: the configuration that these overrides describe.
        about: first line, shown by `genrecls train --help`.
    """
    words = plan.overrides(chosen)
    settings = without_irrelevant(experiment.resolved())
    # The command that trains with it knows this folder alone, not that of the user.
    options = known_options(plan, words, experiment)
    plain = [f"{group}={option}" for group, option in options.items()]
    usual = compose_experiment(plain).resolved()
    defaults = "".join(
        f"  - override /{group}: {option}\n"
        for group, option in options.items()
        if group in settings
    )
    different = _different(settings, usual)
    values = yaml.safe_dump(different, sort_keys=False, default_flow_style=None)
    return f"# @package _global_\n# {about}\ndefaults:\n{defaults}\n{values if different else ''}"


def _different(values: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of `values` is not so in `usual`, in the same layout; lists are one value."""
    kept: dict[str, Any] = {}
    for key, value in values.items():
        other = usual.get(key)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            if inner := _different(value, other):
                kept[key] = inner
        elif value != other:
            kept[key] = value
    return kept
