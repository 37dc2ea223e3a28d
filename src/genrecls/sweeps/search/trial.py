"""One trial of a search as plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from genrecls.sweeps.search.objective import Objective

State = Literal["running", "finished", "pruned", "failed"]
ENOUGH = 20
"""Finished trials from which on it can be told what a setting matters."""


@dataclass(frozen=True)
class Trial:
    """What was tried and what came of it.

    Attributes:
        number: from 0, in the order in which trials were begun.
        state: `pruned` was stopped as hopeless; `running` includes what an earlier attempt left.
        settings: right side of the override of each key of the space.
        values: of the objectives; empty unless finished.
        epochs: value of each epoch by its number, as far as the pruner was told.
        run: name of the run folder.
        reason: why it failed or was stopped.
        seconds: from its beginning to its end.
    """

    number: int
    state: State
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


def ranked(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """Return the finished trials, the best score first, of equal ones the smaller model.

    Trials that led to the same run are one.
    """
    done = {trial.run: trial for trial in reversed(trials) if trial.state == "finished"}
    return sorted(done.values(), key=lambda trial: (*_losses(trial, objectives), trial.number))


def front(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """Return the finished trials that no other one equals or beats in everything."""
    kept: list[Trial] = []
    for trial in ranked(trials, objectives):
        losses = _losses(trial, objectives)
        if not any(_beats(_losses(other, objectives), losses) for other in kept):
            kept.append(trial)
    return kept


def _losses(trial: Trial, objectives: Sequence[Objective]) -> tuple[float, ...]:
    return tuple(
        -value if objective.larger else value
        for value, objective in zip(trial.values, objectives, strict=True)
    )


def _beats(first: Sequence[float], second: Sequence[float]) -> bool:
    return all(one <= other for one, other in zip(first, second, strict=True))
