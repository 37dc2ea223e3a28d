"""What a search has found, for the terminal, and as Markdown, CSV and one page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.reports.numbers import decimal, duration, interval, known, percent
from genrecls.reports.pages import render_page
from genrecls.runs.record import RunRecord
from genrecls.sweeps.search.objective import Objective
from genrecls.sweeps.search.settings import SearchSettings
from genrecls.sweeps.search.space import Space
from genrecls.sweeps.search.trial import Trial, front, ranked

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group
    from rich.table import Table

_SHOWN = 10
_MEANING = {
    "finished": "finished",
    "pruned": "stopped as hopeless",
    "failed": "failed",
    "running": "interrupted",
}


@dataclass(frozen=True)
class Answer:
    """What is shown.

    Attributes:
        command: the command line that made it.
        again: the command line that trains the best, or shows it.
        folder: where it is written, with the experiment file of the best.
        space: what was searched.
        importances: share of each key in what sets the best trials apart; may be empty.
        best: run of the best trial.
        versions: of what made it.
    """

    name: str
    command: str
    again: str
    folder: Path
    settings: SearchSettings
    space: Space
    trials: tuple[Trial, ...]
    importances: Mapping[str, float]
    best: RunRecord
    versions: Mapping[str, str]

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What was looked for."""
        return self.settings.objectives

    @cached_property
    def ranked(self) -> list[Trial]:
        """The finished trials, the best first."""
        return ranked(self.trials, self.objectives)

    @cached_property
    def front(self) -> list[Trial]:
        """The trials that no other one equals or beats in everything."""
        return front(self.trials, self.objectives)

    @property
    def about(self) -> str:
        """What the scores are scores of."""
        return f"{self.best.data} · split {self.best.split} · validation part, per track"

    @property
    def leaky(self) -> bool:
        """Whether pieces of one track train and select."""
        return "track" in self.best.metrics["split"]["leaks"]

    @property
    def counts(self) -> str:
        """How many trials there are, and how they ended."""
        states = [trial.state for trial in self.trials]
        parts = [f"{states.count(s)} {text}" for s, text in _MEANING.items() if s in states]
        again = states.count("finished") - len(self.ranked)
        parts += [f"{again} of the finished with the settings of another one"] if again else []
        return f"{len(states)} trial{'' if len(states) == 1 else 's'}: {', '.join(parts)}"

    @property
    def test(self) -> str:
        """The test score of the best, in words."""
        score = self.best.metrics["parts"]["test"]["track"]
        bounds = interval(score["accuracy_interval"])
        return (
            f"Test accuracy of the best, per track: {percent(score['accuracy'])} (95 % interval "
            f"{bounds}). No test score took part in the search; the validation score of the best "
            f"flatters it, being the best of {len(self.ranked)}."
        )

    @cached_property
    def names(self) -> dict[str, str]:
        """A short name for each key of the space, different for all."""
        return short_names(list(self.space))

    @property
    def head(self) -> tuple[str, ...]:
        """Names of the columns of the best trials."""
        titles = tuple(objective.title for objective in self.objectives)
        return ("", "trial", *titles, "settings", "run")


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return the shortest endings of dotted keys that tell them apart and begin with a word."""
    return {key: next(_endings(key, keys)) for key in keys}


def _endings(key: str, keys: Sequence[str]) -> Iterator[str]:
    steps = key.split(".")
    for count in range(1, len(steps) + 1):
        ending = ".".join(steps[-count:])
        alike = [other for other in keys if f".{other}".endswith(f".{ending}")]
        if count == len(steps) or (alike == [key] and not ending[0].isdigit()):
            yield ending


def lines(answer: Answer) -> list[tuple[str, ...]]:
    """Return a row for each of the best trials; of two objectives for all that nothing beats."""
    shown = answer.ranked[:_SHOWN] if len(answer.objectives) == 1 else answer.front
    return [
        (
            str(place),
            str(trial.number),
            *_scores(answer, trial),
            _settings(answer, trial),
            trial.run,
        )
        for place, trial in enumerate(shown, start=1)
    ]


def _scores(answer: Answer, trial: Trial) -> list[str]:
    pairs = zip(answer.objectives, trial.values, strict=True)
    return [objective.shown(value) for objective, value in pairs]


def _settings(answer: Answer, trial: Trial) -> str:
    return " · ".join(f"{answer.names[key]} {text}" for key, text in trial.settings.items())


def title(answer: Answer) -> str:
    """Return what the table of the best is called."""
    which = "best trials" if len(answer.objectives) == 1 else "trials that no other one beats"
    return f"{answer.name}: {which} · {answer.about}"


def as_table(answer: Answer) -> Group:
    """Return the best trials for the terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    style = "bold red" if answer.leaky else "bold"
    table = Table(title=Text(title(answer), style=style), title_justify="left", show_lines=True)
    numbers = 2 + len(answer.objectives)
    for index, name in enumerate(answer.head):
        table.add_column(name, overflow="fold", justify="right" if index < numbers else "left")
    for row in lines(answer):
        table.add_row(*map(Text, row))
    return Group(table, Text(f"{answer.counts}. {answer.test}"))


def space_table(space: Space) -> Table:
    """Return what will be searched."""
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in ("key", "values"):
        table.add_column(name, overflow="fold")
    for key, dimension in space.items():
        table.add_row(Text(key), Text(dimension.words))
    return table


def as_markdown(answer: Answer) -> str:
    """Return a document with the best trials, the command and the versions."""
    head = [f"| {' | '.join(answer.head)} |", f"|{' --- |' * len(answer.head)}"]
    body = [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in r)} |" for r in lines(answer)
    ]
    parts = (
        f"# {answer.name}",
        f"{answer.about}. {answer.counts}. {answer.test}",
        "\n".join((*head, *body)),
        *(f"![{text}]({name}.png)" for name, text in captions(answer).items()),
        "## How it was made",
        f"    {answer.command}",
        "The best is trained again, or shown, by",
        f"    {answer.again}",
        ", ".join(f"{name} {version}" for name, version in answer.versions.items()),
    )
    return "\n\n".join(parts) + "\n"


def as_csv(answer: Answer) -> str:
    """Return a line a trial, all numbers in full."""
    records = [_record(answer, trial) for trial in answer.trials]
    written = io.StringIO()
    table = csv.DictWriter(written, list(records[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(records)
    return written.getvalue()


def _record(answer: Answer, trial: Trial) -> dict[str, Any]:
    values = trial.values or (None,) * len(answer.objectives)
    return {
        "trial": trial.number,
        "state": trial.state,
        **{o.title: value for o, value in zip(answer.objectives, values, strict=True)},
        "epochs": max(trial.epochs, default=None),
        "seconds": trial.seconds if known(trial.seconds) else None,
        **{key: trial.settings.get(key) for key in answer.space},
        "run": trial.run,
        "reason": trial.reason,
    }


def captions(answer: Answer) -> dict[str, str]:
    """Return the figures by file name, and what they show in words."""
    score = answer.objectives[0].title
    order = ", the most important first" if answer.importances else ""
    found = {
        "history": f"{score} of every trial in the order in which they were begun",
        "settings": f"{score} against every setting{order}",
    }
    if len(answer.objectives) > 1:
        found = {"front": f"{score} against the number of parameters", **found}
    return found


def as_html(answer: Answer, drawn: Mapping[str, Figure]) -> str:
    """Return a page of its own with the best trials, the figures and all trials."""
    return render_page(
        "search.html.j2",
        drawn,
        answer=answer,
        title=title(answer),
        rows=lines(answer),
        numbers=2 + len(answer.objectives),
        trials=[_row(answer, trial) for trial in answer.trials],
        captions=captions(answer),
    )


def _row(answer: Answer, trial: Trial) -> list[str]:
    scores = _scores(answer, trial) if trial.values else [decimal(None)] * len(answer.objectives)
    state = {"pruned": trial.reason, "failed": f"failed: {trial.reason}"}.get(trial.state)
    settings = [trial.settings.get(key, "") for key in answer.space]
    return [
        str(trial.number),
        state or _MEANING[trial.state],
        *scores,
        *settings,
        duration(trial.seconds),
        trial.run,
    ]
