"""What a search is going to do: its settings, its space, and the training that it varies."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from genrecls.config.overrides import combine_values
from genrecls.console import warn
from genrecls.errors import ConfigError
from genrecls.experiment.prepare import USUAL_GENRES, count_genres
from genrecls.export.bundle.targets import Target, target
from genrecls.export.costs import reasons_outside
from genrecls.files.hashing import text_digest
from genrecls.models.base import ModelFamily
from genrecls.runs.run import SEARCH
from genrecls.sweeps.job import Job
from genrecls.sweeps.plan import Planner
from genrecls.sweeps.search.objective import SearchObjective
from genrecls.sweeps.search.settings import SearchSettings, read_settings
from genrecls.sweeps.search.space import Space, override_text, read_space
from genrecls.sweeps.settings import SweepArguments
from genrecls.sweeps.sweep import FOLDER


@dataclass(frozen=True)
class SearchPlan:
    """A search that can be started or continued.

    Attributes:
        space: what is searched: all of it that the command line does not fix.
        config_dir: folder with configurations of the user.
        words: overrides that all trials share.
        start: the training that `words` describe, which every trial varies.
        planner: makes the training of a trial.
    """

    settings: SearchSettings
    space: Space
    config_dir: str | None
    words: tuple[str, ...]
    start: Job
    planner: Planner

    @property
    def objectives(self) -> tuple[SearchObjective, ...]:
        """What is searched for, the score first."""
        return self.settings.objectives

    @property
    def name(self) -> str:
        """The folder's name, `search-<model>-<id>`.

        The same question has the same name. How many trials there are is not part of it: a search
        may be extended.
        """
        asked = dataclasses.asdict(self.settings)
        for key in ("trials", "base", "space"):
            del asked[key]
        # A search from before there were targets keeps its name.
        if asked["target"] is None:
            del asked["target"]
        space = {key: dataclasses.asdict(dimension) for key, dimension in self.space.items()}
        text = json.dumps([self.start.run_name, asked, space], sort_keys=True)
        digest = text_digest(text, 8)
        # A search that began when its model had another name keeps the folder that it has.
        root = self.start.experiment.output_root / FOLDER
        earlier = sorted(path.name for path in root.glob(f"{SEARCH}*-{digest}"))
        return earlier[0] if earlier else f"{SEARCH}{self.start.experiment.model.title}-{digest}"

    @property
    def device(self) -> Target | None:
        """The class of devices that every network has to fit."""
        return target(self.settings.target) if self.settings.target else None

    @property
    def folder(self) -> Path:
        """Where its study and its result go."""
        return self.start.experiment.output_root / FOLDER / self.name

    def overrides(self, chosen: Mapping[str, str]) -> tuple[str, ...]:
        """Return the words of a trial, from the right side of the override of each key."""
        return (*self.words, *(f"{key}={text}" for key, text in chosen.items()))

    def job(self, chosen: Mapping[str, str]) -> Job:
        """Return the training of a trial, from the right side of the override of each key.

        Raises:
            ConfigError: the settings are impossible together.
        """
        return self.planner.job(self.overrides(chosen))

    def reasons_outside(self, job: Job) -> list[str]:
        """Return why the network of a trial will not fit the target; empty if it will.

        Raises:
            ExportError: the converter cannot begin.
        """
        if self.device is None:
            return []
        classes = count_genres(job.experiment) or USUAL_GENRES
        return reasons_outside(self.device, job.experiment, classes)


def plan_search(arguments: SweepArguments) -> SearchPlan:
    """Return what a command line asks to be searched.

    Raises:
        ConfigError: a setting is wrong, or a key of the space is no key of the configuration.
        DataError: the data set is absent.
    """
    if arguments.cluster is not None:
        raise ConfigError(
            f"cluster={arguments.cluster.name}: a search runs on this machine, because it chooses "
            "each training by the results of those before; jobs=2 trains two at once"
        )
    settings = read_settings(arguments.search or {})
    given, *more = combine_values(arguments.overrides, arguments.config_dir)
    if more:
        raise ConfigError(
            f"a search takes one value of each key, received words for {len(more) + 1} trainings; "
            "what is to be chosen belongs into its space: "
            "'+search.space={trainer.batch_size:{choices:[16,32]}}'"
        )
    fixed = {word.partition("=")[0].lstrip("+~") for word in given}
    space = {key: d for key, d in read_space(settings.space).items() if key not in fixed}
    if not space:
        raise ConfigError(
            "search.space: nothing is left to search; leave a key of it out of the command line, "
            "or add one: '+search.space={model.head.dropout:{low:0,high:0.5}}'"
        )
    # The choices of the search itself; an experiment is a choice of all groups.
    base = {} if "experiment" in fixed else settings.base
    words = (*(f"{key}={override_text(base[key])}" for key in base if key not in fixed), *given)
    planner = Planner(arguments.config_dir)
    start = planner.job(words)
    meant, model = settings.base.get("model"), start.experiment.model
    if meant is not None and meant not in {model.name, model.title}:
        warn(
            f"the space of this search was made for model={meant}, but model={model.title} is "
            "searched"
        )
    _try_corners(planner, words, space)
    plan = SearchPlan(settings, space, arguments.config_dir, words, start, planner)
    if plan.device is not None and not isinstance(model, ModelFamily):
        raise ConfigError(
            f"search.target: received {settings.target} for model={model.title}, whose size is "
            "known after its fit; leave it out, and export the best with target=..."
        )
    return plan


def _try_corners(planner: Planner, words: Iterable[str], space: Space) -> None:
    """Refuse a key or a value that the configuration does not take before the first trial."""
    lowest = [f"{key}={dimension.text(dimension.first)}" for key, dimension in space.items()]
    highest = [f"{key}={dimension.text(dimension.last)}" for key, dimension in space.items()]
    for corner in (lowest, highest):
        try:
            planner.experiment((*words, *corner))
        except ConfigError:
            # What is impossible only together with others fails its own trials.
            for word in corner:
                try:
                    planner.experiment((*words, word))
                except ConfigError as error:
                    raise ConfigError(f"search.space: {word}: {error}") from None
