"""The result of a search, for the terminal, and as Markdown, CSV and one page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from genrecls.reports.numbers import bounds, decimal, duration, known
from genrecls.reports.pages import render_page
from genrecls.reports.tables import Column, Table, to_csv
from genrecls.runs.record import RunRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genrecls.reports.terminal import TerminalTable

ENOUGH_TRIALS = 20
"""Finished trials from which on the influence of a setting can be estimated."""

_SHOWN = 10
_RUN = Column("run", "path")
_STATES = {
    "finished": "finished",
    "pruned": "stopped early",
    "outside": "outside the target",
    "failed": "failed",
    "running": "interrupted",
}


@dataclass(frozen=True)
class Objective:
    """A number that a search makes as large or as small as possible.

    Attributes:
        title: what it is called in tables and figures.
        larger: whether more is better.
        shown: turns a value into text.
    """

    title: str
    larger: bool
    shown: Callable[[float | None], str] = decimal


@dataclass(frozen=True)
class SearchedSetting:
    """A key of the configuration whose value a search chose.

    Attributes:
        choices: the values in their order, as texts; empty for numbers of a range.
        low, high: ends of the range.
        log: whether the range is searched, and drawn, by powers of ten.
    """

    key: str
    choices: tuple[str, ...] = ()
    low: float = math.nan
    high: float = math.nan
    log: bool = False

    def position(self, text: str) -> float:
        """Return where a value is on the axis of this setting."""
        return self.choices.index(text) if self.choices else float(text)


@dataclass(frozen=True)
class Trial:
    """One attempt of a search: the settings that were tried, and the result.

    Attributes:
        number: from 0, in the order in which trials were started.
        state: `pruned` was stopped early; `outside` was not trained, for its network would not
            fit the device that is searched for; `running` includes what an earlier call left.
        settings: right side of the override of each key of the space.
        values: of the objectives; empty unless finished.
        epochs: value of each epoch by its number, as far as the pruner knows them.
        run: name of the run folder.
        reason: why it failed, was stopped or was not trained.
        seconds: from its beginning to its end.
    """

    number: int
    state: Literal["running", "finished", "pruned", "outside", "failed"]
    settings: Mapping[str, str]
    values: tuple[float, ...] = ()
    epochs: Mapping[int, float] = field(default_factory=dict)
    run: str = ""
    reason: str = ""
    seconds: float = math.nan

    @property
    def title(self) -> str:
        """What it is called."""
        return f"trial {self.number}"

    def losses(self, objectives: Sequence[Objective]) -> tuple[float, ...]:
        """Return the values with their signs such that less is better."""
        pairs = zip(self.values, objectives, strict=True)
        return tuple(-value if objective.larger else value for value, objective in pairs)


def rank_trials(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """Return the finished trials, the best score first, of equal ones the smaller model.

    Trials that led to the same run are one.
    """
    finished = {trial.run: trial for trial in reversed(trials) if trial.state == "finished"}
    return sorted(finished.values(), key=lambda trial: (*trial.losses(objectives), trial.number))


def pareto_front(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """Return the finished trials that no other one equals or beats in all objectives."""
    front: list[Trial] = []
    for trial in rank_trials(trials, objectives):
        losses = trial.losses(objectives)
        if not any(
            all(other <= own for other, own in zip(kept.losses(objectives), losses, strict=True))
            for kept in front
        ):
            front.append(trial)
    return front


@dataclass(frozen=True)
class SearchReport:
    """What is shown of a search.

    Attributes:
        command: the command line that made it.
        again: the command line that trains the best, or shows it.
        folder: where it is written, with the experiment file of the best.
        objectives: what was searched for, the score first.
        settings: what was searched.
        importances: share of each key in what distinguishes the best trials; may be empty.
        best: run of the best trial.
        versions: of what made it.
    """

    name: str
    command: str
    again: str
    folder: Path
    objectives: tuple[Objective, ...]
    settings: tuple[SearchedSetting, ...]
    trials: tuple[Trial, ...]
    importances: Mapping[str, float]
    best: RunRecord
    versions: Mapping[str, str]

    @cached_property
    def ranked(self) -> list[Trial]:
        """The finished trials, the best first."""
        return rank_trials(self.trials, self.objectives)

    @cached_property
    def front(self) -> list[Trial]:
        """The trials that no other one equals or beats in all objectives."""
        return pareto_front(self.trials, self.objectives)

    @property
    def about(self) -> str:
        """Where the scores come from."""
        metrics = self.best.metrics
        return f"{metrics.dataset.label} · split {metrics.split.title} · validation part, per track"

    @property
    def leaky(self) -> bool:
        """Whether segments of one track train and select."""
        return self.best.metrics.split.leaky

    @property
    def counts(self) -> str:
        """How many trials there are, and how they ended."""
        states = [trial.state for trial in self.trials]
        parts = [f"{states.count(s)} {text}" for s, text in _STATES.items() if s in states]
        again = states.count("finished") - len(self.ranked)
        parts += [f"{again} of the finished with the settings of another one"] if again else []
        return f"{len(states)} trial{'' if len(states) == 1 else 's'}: {', '.join(parts)}"

    @property
    def test(self) -> str:
        """The test score of the best, in words."""
        score = self.best.metrics.test.track
        return (
            f"Test accuracy of the best, per track: {decimal(score.accuracy)} (95 % interval "
            f"{bounds(score.accuracy_interval)}). No test score took part in the search; the "
            f"validation score of the best flatters it, being the best of {len(self.ranked)}."
        )

    @cached_property
    def names(self) -> dict[str, str]:
        """A short name for each key of the space, different for all."""
        return short_names([setting.key for setting in self.settings])

    @property
    def table(self) -> Table:
        """The best trials; of two objectives all that nothing beats."""
        one = len(self.objectives) == 1
        which = "best trials" if one else "trials that no other one beats"
        titles = ("", "trial", *(objective.title for objective in self.objectives))
        rows = [
            (
                str(place),
                str(trial.number),
                *self.scores(trial),
                " · ".join(f"{self.names[key]} {text}" for key, text in trial.settings.items()),
                trial.run,
            )
            for place, trial in enumerate(self.ranked[:_SHOWN] if one else self.front, start=1)
        ]
        return Table(
            columns=(*(Column(title, "number") for title in titles), "settings", _RUN),
            rows=rows,
            title=f"{self.name}: {which} · {self.about}",
            notes=(f"{self.counts}. {self.test}",),
            alarm=self.leaky,
            ruled=True,
        )

    @property
    def all_trials(self) -> Table:
        """Every trial with its state, scores, settings, time and run."""
        rows = []
        for trial in self.trials:
            reasons = {
                "pruned": trial.reason,
                "outside": trial.reason,
                "failed": f"failed: {trial.reason}",
            }
            rows.append(
                (
                    str(trial.number),
                    reasons.get(trial.state) or _STATES[trial.state],
                    *self.scores(trial),
                    *(trial.settings.get(setting.key, "") for setting in self.settings),
                    duration(trial.seconds),
                    trial.run,
                )
            )
        titles = [objective.title for objective in self.objectives]
        return Table(("trial", "state", *titles, *self.names.values(), "time", _RUN), rows)

    @property
    def captions(self) -> dict[str, str]:
        """The figures by file name, and what they show in words."""
        score = self.objectives[0].title
        order = ", the most important first" if self.importances else ""
        captions = {
            "history": f"{score} of every trial in the order in which they were started",
            "settings": f"{score} against every setting{order}",
        }
        if len(self.objectives) > 1:
            captions = {"front": f"{score} against the number of parameters", **captions}
        return captions

    def scores(self, trial: Trial) -> list[str]:
        """Return the values of a trial as texts."""
        values = trial.values or (None,) * len(self.objectives)
        return [o.shown(value) for o, value in zip(self.objectives, values, strict=True)]


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return the shortest endings of dotted keys that tell them apart and begin with a word."""

    def endings(key: str) -> Iterator[str]:
        steps = key.split(".")
        for count in range(1, len(steps) + 1):
            ending = ".".join(steps[-count:])
            alike = [other for other in keys if f".{other}".endswith(f".{ending}")]
            if count == len(steps) or (alike == [key] and not ending[0].isdigit()):
                yield ending

    return {key: next(endings(key)) for key in keys}


def as_terminal(report: SearchReport) -> TerminalTable:
    """Return the best trials for the terminal."""
    return report.table.to_terminal()


def as_markdown(report: SearchReport) -> str:
    """Return a document with the best trials, the command and the versions."""
    table = replace(report.table, notes=())
    parts = (
        f"# {report.name}",
        f"{report.about}. {report.counts}. {report.test}",
        table.to_markdown(heading=""),
        *(f"![{text}]({name}.png)" for name, text in report.captions.items()),
        "## How it was made",
        f"    {report.command}",
        "The best is trained again, or shown, by",
        f"    {report.again}",
        ", ".join(f"{name} {version}" for name, version in report.versions.items()),
    )
    return "\n\n".join(parts) + "\n"


def as_csv(report: SearchReport) -> str:
    """Return a line a trial, all numbers in full."""
    titles = [objective.title for objective in report.objectives]
    return to_csv(
        [
            {
                "trial": trial.number,
                "state": trial.state,
                **dict(zip(titles, trial.values or (None,) * len(titles), strict=True)),
                "epochs": max(trial.epochs, default=None),
                "seconds": trial.seconds if known(trial.seconds) else None,
                **{setting.key: trial.settings.get(setting.key) for setting in report.settings},
                "run": trial.run,
                "reason": trial.reason,
            }
            for trial in report.trials
        ]
    )


def as_html(report: SearchReport, drawn: Mapping[str, Figure]) -> str:
    """Return a page of its own with the best trials, the figures and all trials."""
    return render_page("search.html.j2", drawn, report=report)
