"""The words of a sweep divided: into its own keys, and those of its trainings."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import PositiveFloat, PositiveInt

from genrecls.config.aliases import current_word, tell_new_name
from genrecls.config.compose import compose
from genrecls.config.options import groups, keys, other_words, settable
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.errors import ConfigError, nearest
from genrecls.sweeps.cluster import Cluster, read_cluster

_REFUSED = {
    "force": "a sweep continues where it was stopped, but this would begin again each time; choose "
    "another output_root=<folder> to train everything again",
    "show": "a sweep trains; 'genrecls train show=true' shows a model",
}
_ROOTS = ("sweep", "train")
_FILTER = "filter="
# What the groups were called when Hydra's plugins started the jobs.
_LAUNCHERS = {"submitit_slurm": "slurm", "submitit_local": "local", "ray": "ray"}


@dataclass(frozen=True)
class SweepSettings(Schema):
    """The keys of `conf/sweep.yaml`, which says what each is for."""

    jobs: PositiveInt
    job_memory_gb: PositiveFloat | None
    dry_run: bool
    filter: str | None
    seeds: PositiveInt | None


@dataclass(frozen=True)
class SweepArguments:
    """What a sweep is asked to do.

    Attributes:
        settings: the sweep's own keys.
        overrides: words for the trainings, some with several values.
        cluster: where trainings run; None for this machine.
        search: composed values of the group `search`; None where nothing is searched.
        config_dir: folder with configurations of the user, which every training gets.
        command: the whole command line, for records.
    """

    settings: SweepSettings
    overrides: tuple[str, ...]
    cluster: Cluster | None
    search: Mapping[str, Any] | None
    config_dir: str | None
    command: str


def read_arguments(
    words: Sequence[str], config_dir: str | None = None, command: str = ""
) -> SweepArguments:
    """Return what words such as `model=cnn,rnn jobs=2` ask for.

    Args:
        words: overrides, without flags.
        config_dir: folder with configurations of the user.
        command: the whole command line, if there is one.

    Raises:
        ConfigError: a word that a sweep does not take, or a cluster that cannot be used.
    """
    # Conditions are no overrides, which could not hold them.
    conditions = [word.partition("=")[2] for word in words if word.startswith(_FILTER)]
    given = words
    words = [current_word(word) for word in words if not word.startswith(_FILTER)]
    words = _with_current_names(words)
    mine, theirs = (
        sorted({*(line.partition(":")[0] for line in keys(root)), *groups(root)}) for root in _ROOTS
    )
    own: list[str] = []
    overrides: list[str] = []
    for word in words:
        key = word.partition("=")[0]
        bare = key.lstrip("+~")
        first = bare.partition(".")[0]
        if first in mine:
            own.append(word)
            continue
        if bare in _REFUSED:
            raise ConfigError(f"'{word}': {_REFUSED[bare]}")
        if bare.startswith(("hydra/sweeper", "hydra.sweeper")):
            raise ConfigError(
                f"'{word}': a sweep lists or searches itself; see 'genrecls sweep --help'"
            )
        if "=" in word and key.partition(".")[0].isidentifier() and first not in theirs:
            value = word.partition("=")[2]
            hint = nearest(first, [*mine, *theirs]) or next(
                filter(None, (other_words(r, bare, value, settable(r, words)) for r in _ROOTS)), ""
            )
            raise ConfigError(
                f"{first}: unknown key; allowed: of the sweep {', '.join(mine)}; of its trainings "
                f"{', '.join(theirs)}{hint}"
            )
        overrides.append(word)
    composed = compose("sweep", own, config_dir)
    search, cluster = composed.pop("search", None), composed.pop("cluster", None)
    if conditions and search is not None:
        raise ConfigError(
            f"{_FILTER}{conditions[0]}: a search chooses by its scores; narrow its space instead"
        )
    if conditions:
        first, *more = conditions
        composed["filter"] = " and ".join(f"({c})" for c in conditions) if more else first
    settings = validate(SweepSettings, composed, "")
    if settings.seeds is not None:
        overrides.append(_seeds_word(settings.seeds, overrides, search))
    return SweepArguments(
        settings=settings,
        overrides=tuple(overrides),
        cluster=None if cluster is None else read_cluster(cluster),
        search=search,
        config_dir=config_dir,
        command=command or f"genrecls sweep {shlex.join(given)}".strip(),
    )


def _seeds_word(count: int, overrides: Sequence[str], search: Mapping[str, Any] | None) -> str:
    """Return the word that trains so many seeds.

    Raises:
        ConfigError: a word says already which seeds, or a search takes one of them.
    """
    if search is not None:
        raise ConfigError(
            f"seeds={count}: a search trains one seed of each trial; several of its best settings: "
            f"'genrecls sweep -cd <folder of the search> experiment=best seeds={count}'"
        )
    for word in overrides:
        if word.partition("=")[0].lstrip("+~") == "seed":
            raise ConfigError(
                f"seeds={count}: means the seeds from 0 on, but '{word}' names others; give one of "
                "the two"
            )
    return f"seed=range(0,{count})"


def _with_current_names(words: Sequence[str]) -> list[str]:
    """Return the words with `cluster=...` for `hydra/launcher=...`, and say so in one line.

    Raises:
        ConfigError: the launcher has no counterpart, or is set up but not chosen.
    """
    current, old, new = [], [], []
    for word in words:
        key, _, value = word.partition("=")
        bare = key.lstrip("+")
        if bare == "hydra/launcher":
            if value not in _LAUNCHERS:
                raise ConfigError(
                    f"{word}: expected cluster={', '.join(_LAUNCHERS.values())}; a launcher of "
                    "your own becomes a file cluster/<name>.yaml in the folder behind -cd, with "
                    "'defaults: [slurm]'; without a cluster a sweep trains on this machine"
                )
            renamed = f"cluster={_LAUNCHERS[value]}"
        elif bare.startswith("hydra.launcher."):
            place = bare.removeprefix("hydra.launcher.").removeprefix("ray.")
            if place in {"remote.num_cpus", "remote.num_gpus"}:
                place = place.removeprefix("remote.")
            # What a plugin had to be given with '+' may be a key here, and the other way round.
            plus = "++" if key != bare or place.startswith("init.") else ""
            renamed = f"{plus}cluster.{place}={value}"
        else:
            current.append(word)
            continue
        old.append(word)
        new.append(renamed)
    if old and not any(word.startswith("cluster=") for word in (*current, *new)):
        raise ConfigError(
            f"{old[0]}: sets up a cluster that is not chosen; expected cluster=slurm, local or ray "
            "beside it"
        )
    if old:
        tell_new_name(" ".join(old), " ".join(word.lstrip("+") for word in new))
    return [*current, *new]
