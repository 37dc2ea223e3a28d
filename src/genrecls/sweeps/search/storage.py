"""Optuna's study in a file, opened so that nothing is lost or repeated however a search ends."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from genrecls.errors import RunError
from genrecls.sweeps.search.settings import SearchSettings

_NAME = "search"


def opened(
    path: Path, settings: SearchSettings, epochs: int
) -> tuple[optuna.Study, JournalStorage]:
    """Return the study in `path`, begun if there is none, and where it is kept.

    Args:
        path: the journal; its folder must be in the hands of this process alone.
        settings: how the search goes about it.
        epochs: how many a training has at most.

    Raises:
        RunError: the journal is damaged.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path.parent.mkdir(parents=True, exist_ok=True)
    _mend(path)
    try:
        storage = JournalStorage(JournalFileBackend(str(path), _Held(str(path))))
        study = optuna.create_study(
            storage=storage,
            study_name=_NAME,
            directions=[objective.direction for objective in settings.objectives],
            pruner=_pruner(settings, epochs),
            sampler=sampler(settings, 0),
            load_if_exists=True,
        )
    except (ValueError, LookupError, AssertionError) as error:
        raise RunError(
            f"{path} is damaged ({error}); move it away to begin anew: the runs are kept, and "
            "where the same settings are tried again their results are taken"
        ) from None
    return study, storage


def sampler(settings: SearchSettings, number: int) -> BaseSampler:
    """Return the sampler of one trial.

    One that is made for a whole search would begin its random numbers anew after an interruption,
    and so repeat trials.
    """
    digest = hashlib.sha256(f"{settings.seed} {number}".encode()).digest()
    seed = int.from_bytes(digest[:4], "big")
    if settings.sampler == "random":
        return RandomSampler(seed=seed)
    return TPESampler(seed=seed, n_startup_trials=settings.startup_trials)


def _pruner(settings: SearchSettings, epochs: int) -> BasePruner:
    if not settings.prunes:
        return NopPruner()
    warmup = settings.warmup_epochs
    if settings.pruner == "hyperband":
        return HyperbandPruner(min_resource=min(warmup, epochs), max_resource=epochs)
    return MedianPruner(n_startup_trials=settings.startup_trials, n_warmup_steps=warmup)


class _Held(JournalFileOpenLock):
    """No lock, for the whole folder is locked; Optuna's own outlives a killed holder."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


def _mend(path: Path) -> None:
    """Take away the piece of a line that a killed writer has left; Optuna would write behind it."""
    with suppress(FileNotFoundError):
        written = path.read_bytes()
        whole = written.rfind(b"\n") + 1
        if whole < len(written):
            with path.open("r+b") as file:
                file.truncate(whole)
