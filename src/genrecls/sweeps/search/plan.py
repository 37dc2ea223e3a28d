"""What a search is going to do: its settings, its space, and the training that it varies."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from genrecls.console import warn
from genrecls.errors import ConfigError
from genrecls.sweeps.arguments import SweepArguments
from genrecls.sweeps.job import Job
from genrecls.sweeps.plan import Planner, expanded_words
from genrecls.sweeps.search.settings import SearchSettings, read_settings
from genrecls.sweeps.search.space import Space, override_text, read_space
from genrecls.sweeps.sweep import FOLDER


@dataclass(frozen=True)
class SearchPlan:
    """A search that can be begun or gone on with.

    Attributes:
        space: what is searched: all of it that the command line does not fix.
        flags: Hydra's flags for every trial.
        words: overrides that all trials share.
        start: the training that `words` mean, which every trial varies.
        planner: makes the training of a trial.
    """

    settings: SearchSettings
    space: Space
    flags: tuple[str, ...]
    words: tuple[str, ...]
    start: Job
    planner: Planner

    @property
    def name(self) -> str:
        """The folder's name, `search-<model>-<id>`.

        The same question has the same name. How many trials there are is not part of it: a search
        may be extended.
        """
        asked = dataclasses.asdict(self.settings)
        for key in ("trials", "base", "space"):
            del asked[key]
        space = {key: dataclasses.asdict(dimension) for key, dimension in self.space.items()}
        text = json.dumps([self.start.run.name, asked, space], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"search-{self.start.experiment.model.name}-{digest}"

    @property
    def folder(self) -> Path:
        """Where its journal and its answer go."""
        return self.start.experiment.output_root / FOLDER / self.name

    def job(self, chosen: Mapping[str, str]) -> Job:
        """Return the training of a trial.

        Args:
            chosen: right side of the override of each key of the space.

        Raises:
            ConfigError: the settings are impossible together.
        """
        return self.planner.job((*self.words, *(f"{key}={text}" for key, text in chosen.items())))


def read_plan(request: SweepArguments) -> SearchPlan:
    """Return what a command line asks to be searched.

    Raises:
        ConfigError: a setting is wrong, or a key of the space is no key of the configuration.
        DataError: the data set is absent.
    """
    if request.launcher:
        raise ConfigError(
            f"{request.launcher[0]}: a search runs on this machine, for it chooses each training "
            "by what came of those before; jobs=2 trains two at once"
        )
    settings = read_settings(request.search or {})
    given = _single(request)
    space = {key: d for key, d in read_space(settings.space).items() if key not in _keys(given)}
    if not space:
        raise ConfigError(
            "search.space: nothing is left to search; leave a key of it out of the command line, "
            "or add one: '+search.space={model.head.dropout:{low:0,high:0.5}}'"
        )
    words = (*_base(settings, given), *given)
    planner = Planner(request.flags)
    plan = SearchPlan(settings, space, request.flags, words, planner.job(words), planner)
    _compare_models(plan)
    _try_space(plan)
    return plan


def _compare_models(plan: SearchPlan) -> None:
    """Say so where a space that was made for one model is searched with another one."""
    meant, found = plan.settings.base.get("model"), plan.start.experiment.model.name
    if meant is not None and found != meant:
        warn(
            f"the space of this search was made for model={meant}, and is searched with "
            f"model={found}"
        )


def _single(request: SweepArguments) -> tuple[str, ...]:
    """Return the words for the trainings, each with one value."""
    words, *more = expanded_words(request.flags, request.overrides)
    if more:
        raise ConfigError(
            f"a search takes one value of each key, received words for {len(more) + 1} trainings; "
            "what is to be chosen belongs into its space: "
            "'+search.space={trainer.batch_size:{choices:[16,32]}}'"
        )
    return words


def _base(settings: SearchSettings, given: Iterable[str]) -> tuple[str, ...]:
    """Return the choices of the search that the command line leaves to it."""
    keys = _keys(given)
    # An experiment is a choice of all groups.
    if "experiment" in keys:
        return ()
    base = settings.base
    return tuple(f"{key}={override_text(base[key])}" for key in base if key not in keys)


def _keys(words: Iterable[str]) -> set[str]:
    return {word.partition("=")[0].lstrip("+~") for word in words}


def _try_space(plan: SearchPlan) -> None:
    """Refuse a key or a value that the configuration does not take before the first trial."""
    lowest = [f"{key}={dimension.text(dimension.first)}" for key, dimension in plan.space.items()]
    highest = [f"{key}={dimension.text(dimension.last)}" for key, dimension in plan.space.items()]
    for corner in (lowest, highest):
        try:
            plan.planner.experiment((*plan.words, *corner))
        except ConfigError:
            for word in corner:
                _try_word(plan, word)


def _try_word(plan: SearchPlan, word: str) -> None:
    # What is impossible only together with others is the business of the single trials.
    try:
        plan.planner.experiment((*plan.words, word))
    except ConfigError as error:
        raise ConfigError(f"search.space: {word}: {error}") from None
