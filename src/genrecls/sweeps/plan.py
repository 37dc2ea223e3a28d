"""From words with several values to trainings, each of them checked before any starts."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genrecls.config.compose import compose, register_unlisted
from genrecls.config.overrides import check_overrides
from genrecls.config.paths import conf_dir
from genrecls.console import fail, say
from genrecls.datasets.base import Dataset
from genrecls.errors import ConfigError
from genrecls.experiment.experiment import Experiment, parse
from genrecls.experiment.prepare import load_dataset_checked
from genrecls.experiment.run_id import run_folder
from genrecls.features.cache import FeatureStore, cache_root
from genrecls.features.extract import fingerprint
from genrecls.runs.run import Run
from genrecls.sweeps.job import Job, Record


def planned(flags: Sequence[str], overrides: Sequence[str]) -> list[Record]:
    """Return the trainings of a sweep, each once, in the order of the values.

    Args:
        flags: Hydra's flags for every training.
        overrides: words, some with several values.

    Raises:
        ConfigError: a word cannot be meant, or a training cannot be; each of those has a line.
        DataError: a data set is absent.
    """
    lists = expanded_words(flags, overrides)
    planner = Planner(flags)
    experiments = _composed(planner, lists)
    jobs: dict[Path, Job] = {}
    for words, experiment in zip(lists, experiments, strict=True):
        job = planner.with_run_folder(words, experiment)
        jobs.setdefault(job.run.folder.absolute(), job)
    if len(jobs) < len(lists):
        same = len(lists) - len(jobs)
        say(f"{len(lists)} combinations, {same} of them the same training as another one")
    return _titled(list(jobs.values()))


def expanded_words(flags: Sequence[str], overrides: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the words of each training: one value of every word that has several.

    Raises:
        ConfigError: a word cannot be meant, or its pattern matches nothing.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    checked = check_overrides("train", overrides, multirun=True)
    with _config_loader(flags) as loader:
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(checked)
        # As in Hydra, of one key that is given twice the last word holds.
        values = {override.get_key_element(): _values(override) for override in parsed}
    return list(itertools.product(*values.values()))


def _values(override: Any) -> list[str]:
    if not override.is_sweep_override():
        return [str(override.input_line)]
    if not override.is_discrete_sweep():
        raise ConfigError(
            f"{override.input_line}: expected values that can be listed; a range between two "
            "bounds is for a search space, see 'genrecls sweep --help'"
        )
    key = override.get_key_element()
    words = [f"{key}={value}" for value in override.sweep_string_iterator()]
    if not words:
        raise ConfigError(f"{override.input_line}: matches no choice of {key}")
    return words


@contextmanager
def _config_loader(flags: Sequence[str]) -> Iterator[Any]:
    """Yield what knows all choices of the groups, those in the user's own folder too."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    register_unlisted()
    with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
        loader: Any = GlobalHydra.instance().config_loader()
        if flags:
            loader.get_search_path().append("command-line", _own_folder(flags))
            loader.repository.initialize_sources(loader.get_search_path())
        yield loader


class Planner:
    """Makes jobs of words; data that several share are looked at once.

    A configuration is composed and validated here as the training itself will do it.
    """

    def __init__(self, flags: Sequence[str] = ()) -> None:
        self._flags = tuple(flags)
        self._place = own_place(flags)
        self._data: dict[str, tuple[Dataset, str]] = {}

    def job(self, words: Sequence[str]) -> Job:
        """Return the training that the words mean.

        Raises:
            ConfigError: they mean none.
            DataError: its data set is absent, not what was recorded, or cannot have its split.
        """
        return self.with_run_folder(words, self.experiment(words))

    def experiment(self, words: Sequence[str]) -> Experiment:
        """Return the validated configuration that the words mean.

        Raises:
            ConfigError: they mean none, or one that no sweep can start.
        """
        experiment = parse(compose("train", [*self._place, *words]))
        if experiment.trainer.strategy == "multiworker":
            raise ConfigError(
                "trainer.strategy: received 'multiworker', which needs the same command on every "
                "host; in a sweep allowed: single, mirrored; else use 'genrecls train'"
            )
        return experiment

    def with_run_folder(self, words: Sequence[str], experiment: Experiment) -> Job:
        """Return the training with its run folder.

        Raises:
            DataError: its data set is absent, not what was recorded, or cannot have its split.
        """
        run = Run(run_folder(experiment, self._fingerprint(experiment)))
        return Job((*self._flags, *words), experiment, run)

    def _fingerprint(self, experiment: Experiment) -> str:
        key = data_key(experiment)
        if key not in self._data:
            store = FeatureStore(cache_root(experiment.data_root))
            dataset = load_dataset_checked(experiment)
            self._data[key] = dataset, fingerprint(dataset, store.digests)
        dataset, digest = self._data[key]
        experiment.split.require(dataset)
        return digest


def data_key(experiment: Experiment) -> str:
    """Return a text that trainings on the same data share."""
    place = str(experiment.data_root.absolute())
    return json.dumps([place, experiment.resolved()["dataset"]], sort_keys=True)


def sweep_name(records: Sequence[Record]) -> str:
    """Return eight hexadecimal digits that sweeps over the same runs share."""
    names = sorted(record.job.run.name for record in records)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]


def _composed(planner: Planner, lists: Sequence[tuple[str, ...]]) -> list[Experiment]:
    experiments: list[Experiment] = []
    problems: dict[tuple[str, ...], ConfigError] = {}
    for words in lists:
        try:
            experiments.append(planner.experiment(words))
        except ConfigError as error:
            problems[words] = error
    if problems:
        raise _refused(problems, lists)
    return experiments


def _refused(
    problems: Mapping[tuple[str, ...], ConfigError], lists: Sequence[tuple[str, ...]]
) -> ConfigError:
    """Print a line for each training that cannot be; return the error of the sweep."""
    first, *others = problems.values()
    if len(problems) == len(lists) and all(str(error) == str(first) for error in others):
        return first
    for title, words in zip(_titles(lists), lists, strict=True):
        if words in problems:
            fail(f"[{title}] {problems[words]}")
    return ConfigError(
        f"{len(problems)} of {len(lists)} trainings cannot be; see the lines above (nothing was "
        "started)"
    )


def _titles(lists: Sequence[tuple[str, ...]]) -> list[str]:
    """Return for each training the words that not all of them have."""
    shared = set.intersection(*map(set, lists))
    return [" ".join(word for word in words if word not in shared) for words in lists]


def _titled(jobs: Sequence[Job]) -> list[Record]:
    titles = _titles([job.words for job in jobs])
    return [
        Record(job, title=title or job.run.name) for job, title in zip(jobs, titles, strict=True)
    ]


def own_place(flags: Sequence[str]) -> tuple[str, ...]:
    """Return the word that makes Hydra look into the folder behind `-cd`, if there is one."""
    return (f"hydra.searchpath=['{_own_folder(flags)}']",) if flags else ()


def _own_folder(flags: Sequence[str]) -> str:
    """Return the folder behind `-cd` as Hydra names it."""
    folder = Path(flags[-1]).expanduser().absolute()
    if not folder.is_dir():
        raise ConfigError(f"-cd: there is no folder {folder}")
    return f"file://{folder}"
