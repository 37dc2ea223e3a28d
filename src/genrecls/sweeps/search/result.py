"""The result of a search: the best settings to train with, all trials, figures and a page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from genrecls.config.compose import chosen_options, compose
from genrecls.config.options import choices
from genrecls.config.overrides import overrides_of
from genrecls.config.paths import own_folder
from genrecls.config.plugins import plugin_flags
from genrecls.config.relevant import IRRELEVANT, without_irrelevant
from genrecls.console import say, show, warn
from genrecls.environment import environment
from genrecls.errors import RunError
from genrecls.experiment.experiment import GROUPS, Experiment, unchecked
from genrecls.files.atomic import write_text
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
    flags = ["-cd", str(folder), *plugin_flags()]
    again = shlex.join(["genrecls", "train", *flags, "experiment=best", *place_words(plan)])
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
    copy_own_options(plan)
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


def place_words(plan: SearchPlan) -> list[str]:
    """Return the words that say where things are: those of the search, and what its files say.

    An experiment file of the user may name one's own data, and the folders of data and runs.
    """
    words = [word for word in plan.words if says_where_things_are(word)]
    said = {word.partition("=")[0].lstrip("+") for word in words}
    settings, usual = plan.start.experiment.resolved(), usual_settings(plan, plan.words)
    special = {
        key: settings[key]
        for key in ("data_root", "output_root")
        if settings[key] != usual[key] and key not in said
    }
    special["dataset"] = {
        key: value
        for key, value in settings["dataset"].items()
        if says_where_things_are(f"dataset.{key}")
        and value != usual["dataset"].get(key)
        and not any(word.startswith(f"dataset.{key}") for word in said)
    }
    return [*words, *overrides_of(special, [f"dataset={settings['dataset']['name']}"])]


def usual_settings(plan: SearchPlan, words: Sequence[str]) -> dict[str, Any]:
    """Return the settings of the options that words choose, which need not go together as such."""
    options = chosen_options("train", words, plan.config_dir)
    plain = [f"{group}={options[group]}" for group in GROUPS]
    return unchecked(compose("train", plain, plan.config_dir)).resolved()


def copy_own_options(plan: SearchPlan) -> None:
    """Copy the options of the user's folder beside the result, where one of them is chosen.

    The command that trains the best names the folder of the search, and no other.
    """
    own = own_folder(plan.config_dir)
    options = chosen_options("train", plan.words, plan.config_dir)
    if own is None or all(options[group] in choices(group) for group in GROUPS):
        return
    for group in GROUPS:
        for file in sorted((own / group).glob("*.yaml")):
            write_text(plan.folder / group / file.name, file.read_text(encoding="utf-8"))


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
    options = chosen_options("train", words, plan.config_dir)
    defaults = "".join(
        f"  - override /{group}: {options[group]}\n" for group in GROUPS if group in settings
    )
    different = _different(settings, usual_settings(plan, words))
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
