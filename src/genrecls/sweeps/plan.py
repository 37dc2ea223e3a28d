"""From words with several values to jobs, each of them checked before any starts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genrecls.config.compose import compose
from genrecls.config.options import groups, settable
from genrecls.config.overrides import choices_and_values, combine_values
from genrecls.config.plugins import plugin_flags
from genrecls.console import fail, say, several
from genrecls.errors import ConfigError
from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.prepare import load_dataset_checked, store_of
from genrecls.experiment.run_id import run_folder
from genrecls.features.extract import fingerprint
from genrecls.files.hashing import text_digest
from genrecls.runs.run import Run
from genrecls.runs.run_filter import RunFilter, facts_of_config
from genrecls.sweeps.job import Job


def plan_jobs(
    overrides: Sequence[str], config_dir: str | None = None, condition: str | None = None
) -> list[Job]:
    """Return the trainings of a sweep, each once, in the order of the values.

    Args:
        overrides: words, some with several values.
        config_dir: folder with configurations of the user.
        condition: which combinations are trained, as `RunFilter` reads it; None for all of them.

    Raises:
        ConfigError: a word or the condition is wrong, no combination meets it, or trainings are
            impossible; each of those has a line.
        DataError: a data set is absent.
    """
    every = combine_values(overrides, config_dir)
    combinations, composed = _filtered(every, condition, config_dir)
    planner = Planner(config_dir)
    experiments: list[Experiment] = []
    problems: dict[tuple[str, ...], ConfigError] = {}
    for words, values in zip(combinations, composed, strict=True):
        try:
            experiments.append(planner.experiment(words, values))
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


def _filtered(
    combinations: list[tuple[str, ...]], condition: str | None, config_dir: str | None
) -> tuple[list[tuple[str, ...]], Sequence[Mapping[str, Any] | None]]:
    """Return the combinations whose settings meet a condition, whether or not they are possible.

    Returns:
        Their words, and what these compose to, which is not known without a condition.

    Raises:
        ConfigError: the condition is none, no combination meets it, or one that it may mean has a
            word that fits no configuration.
    """
    if condition is None:
        return combinations, [None] * len(combinations)
    run_filter = RunFilter.parse(condition)
    facts: list[Mapping[str, Any]] = []
    composed: list[Mapping[str, Any] | None] = []
    known_groups = groups("train")
    for words in combinations:
        try:
            values = compose("train", words, config_dir)
        except ConfigError:
            # Such as a key that one of several models does not have.
            known = _facts_of_words(words)
            if not run_filter.keys <= known.keys() or run_filter.matches(known):
                raise
            facts.append(known)
            composed.append(None)
            continue
        choices = (word.partition("=")[::2] for word in words)
        chosen = {group: choice for group, choice in choices if group in known_groups}
        # A trainer or an augmentation has no name but that of its file.
        facts.append({**chosen, **facts_of_config(values)})
        composed.append(values)
    run_filter.require_known(
        {key for known in facts for key in known},
        "every setting of these trainings, such as model, seed or trainer.epochs",
    )
    meant = [number for number, known in enumerate(facts) if run_filter.matches(known)]
    if not meant:
        raise ConfigError(f"filter: none of {len(combinations)} combinations meets {condition}")
    say(f"{len(meant)} of {several(len(combinations), 'combination')} meet the filter")
    return [combinations[number] for number in meant], [composed[number] for number in meant]


def _facts_of_words(words: Sequence[str]) -> dict[str, Any]:
    """Return what words say by themselves, under the keys and names of `facts_of_config`."""
    divided = choices_and_values(words)
    if divided is None:
        return {}
    files, values = divided
    options = settable("train", files)
    facts = {override.key_or_group: override.value() for override in values}
    for group, text in (word.split("=") for word in files):
        choice = text.strip(" '\"")
        # A model is known by its file, its preset.
        facts[group] = choice if group == "model" else options[group].get("name", choice)
    return facts


def _titles(combinations: Sequence[tuple[str, ...]]) -> list[str]:
    """Return for each training the words that not all of them have."""
    shared = set.intersection(*map(set, combinations))
    return [" ".join(word for word in words if word not in shared) for words in combinations]


class Planner:
    """Makes jobs from words; data that several share are read once.

    A configuration is composed and validated here as the training itself will do it.
    """

    def __init__(self, config_dir: str | None = None) -> None:
        # Other machines do not inherit the plugins of this process.
        self._flags = (*(() if config_dir is None else ("-cd", config_dir)), *plugin_flags())
        self._config_dir = config_dir
        self._fingerprints: dict[str, tuple[Any, str]] = {}

    def experiment(
        self, words: Sequence[str], composed: Mapping[str, Any] | None = None
    ) -> Experiment:
        """Return the validated configuration that the words describe.

        Args:
            words: overrides, each with one value.
            composed: what they compose to, where the caller has it already.

        Raises:
            ConfigError: they describe none, or one that no sweep can train.
        """
        experiment = parse(composed or compose("train", words, self._config_dir))
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
    names = sorted(job.run_name for job in jobs)
    return text_digest("\n".join(names), 8)
