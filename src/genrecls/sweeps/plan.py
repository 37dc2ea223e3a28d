"""From words with several values to jobs, each of them checked before any starts."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genrecls.config.compose import compose, register_unlisted
from genrecls.config.overrides import check_overrides
from genrecls.config.paths import conf_dir
from genrecls.console import fail, say
from genrecls.errors import ConfigError
from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.prepare import load_dataset_checked, store_of
from genrecls.experiment.run_id import run_folder
from genrecls.features.extract import fingerprint
from genrecls.runs.run import Run
from genrecls.sweeps.job import Job


def plan_jobs(overrides: Sequence[str], config_dir: str | None = None) -> list[Job]:
    """Return the trainings of a sweep, each once, in the order of the values.

    Args:
        overrides: words, some with several values.
        config_dir: folder with configurations of the user.

    Raises:
        ConfigError: a word is wrong, or trainings are impossible; each of those has a line.
        DataError: a data set is absent.
    """
    combinations = combine_values(overrides, config_dir)
    planner = Planner(config_dir)
    experiments: list[Experiment] = []
    problems: dict[tuple[str, ...], ConfigError] = {}
    for words in combinations:
        try:
            experiments.append(planner.experiment(words))
        except ConfigError as error:
            problems[words] = error
    if problems:
        first, *others = problems.values()
        if len(problems) == len(combinations) and all(str(e) == str(first) for e in others):
            raise first
        for title, words in zip(_titles(combinations), combinations, strict=True):
            if words in problems:
                fail(f"[{title}] {problems[words]}")
        raise ConfigError(
            f"{len(problems)} of {len(combinations)} trainings are impossible; see the lines above "
            "(nothing was started)"
        )

    # Combinations that differ in what does not change a result are one training.
    jobs: dict[Path, Job] = {}
    for words, experiment in zip(combinations, experiments, strict=True):
        job = planner.job(words, experiment)
        jobs.setdefault(job.run.folder.absolute(), job)
    if same := len(combinations) - len(jobs):
        say(f"{len(combinations)} combinations, {same} of them the same training as another one")
    planned = list(jobs.values())
    for job, title in zip(planned, _titles([job.words for job in planned]), strict=True):
        job.title = title or job.run.name
    return planned


def _titles(combinations: Sequence[tuple[str, ...]]) -> list[str]:
    """Return for each training the words that not all of them have."""
    shared = set.intersection(*map(set, combinations))
    return [" ".join(word for word in words if word not in shared) for words in combinations]


def combine_values(overrides: Sequence[str], config_dir: str | None) -> list[tuple[str, ...]]:
    """Return the words of each training: one value of every word that has several.

    Raises:
        ConfigError: a word is wrong, or its pattern matches nothing.
    """
    import hydra
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    checked = check_overrides("train", overrides, multirun=True)
    register_unlisted()
    with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
        # Knows all choices that a pattern may match, those in the user's own folder too.
        loader: Any = GlobalHydra.instance().config_loader()
        if config_dir is not None:
            loader.get_search_path().append("command-line", _folder_url(config_dir))
            loader.repository.initialize_sources(loader.get_search_path())
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(checked)
        values: dict[str, list[str]] = {}
        for override in parsed:
            key, line = override.get_key_element(), str(override.input_line)
            if not override.is_sweep_override():
                words = [line]
            elif override.is_discrete_sweep():
                words = [f"{key}={value}" for value in override.sweep_string_iterator()]
            else:
                raise ConfigError(
                    f"{line}: expected values that can be listed; a range between two bounds is "
                    "for a search space, see 'genrecls sweep --help'"
                )
            if not words:
                raise ConfigError(f"{line}: matches no choice of {key}")
            # As in Hydra, of one key that is given twice the last word holds.
            values[key] = words
    return list(itertools.product(*values.values()))


class Planner:
    """Makes jobs from words; data that several share are read once.

    A configuration is composed and validated here as the training itself will do it.
    """

    def __init__(self, config_dir: str | None = None) -> None:
        self._flags = () if config_dir is None else ("-cd", config_dir)
        self._search_path = search_path(config_dir)
        self._fingerprints: dict[str, tuple[Any, str]] = {}

    def experiment(self, words: Sequence[str]) -> Experiment:
        """Return the validated configuration that the words describe.

        Raises:
            ConfigError: they describe none, or one that no sweep can train.
        """
        experiment = parse(compose("train", [*self._search_path, *words]))
        if experiment.trainer.strategy == "multiworker":
            raise ConfigError(
                "trainer.strategy: received 'multiworker', which needs the same command on every "
                "host; in a sweep allowed: single, mirrored; else use 'genrecls train'"
            )
        return experiment

    def job(self, words: Sequence[str], experiment: Experiment | None = None) -> Job:
        """Return the training that the words describe.

        Args:
            words: overrides, each with one value.
            experiment: their configuration, where the caller has it already.

        Raises:
            ConfigError: they describe no training.
            DataError: its data set is absent, has changed, or does not allow its split.
        """
        experiment = experiment or self.experiment(words)
        key = data_key(experiment)
        if key not in self._fingerprints:
            store = store_of(experiment)
            dataset = load_dataset_checked(experiment, store)
            digest = fingerprint(dataset, store.digests)
            self._fingerprints[key] = dataset, digest
        dataset, digest = self._fingerprints[key]
        experiment.split.require(dataset)
        run = Run(run_folder(experiment, digest))
        return Job((*self._flags, *words), experiment, run)


def data_key(experiment: Experiment) -> str:
    """Return a text that trainings on the same data share."""
    root = str(experiment.data_root.absolute())
    return json.dumps([root, experiment.resolved()["dataset"]], sort_keys=True)


def sweep_name(jobs: Sequence[Job]) -> str:
    """Return eight hexadecimal digits that sweeps over the same runs share."""
    names = sorted(job.run.name for job in jobs)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]


def search_path(config_dir: str | None) -> tuple[str, ...]:
    """Return the word by which Hydra looks into a folder of the user, if there is one.

    Raises:
        ConfigError: the folder does not exist.
    """
    return () if config_dir is None else (f"hydra.searchpath=['{_folder_url(config_dir)}']",)


def _folder_url(config_dir: str) -> str:
    folder = Path(config_dir).expanduser().absolute()
    if not folder.is_dir():
        raise ConfigError(f"-cd: there is no folder {folder}")
    return f"file://{folder}"
