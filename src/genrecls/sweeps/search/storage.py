"""The memory of a search, in a file of Optuna's: which trials were started, and their results."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from genrecls.console import say
from genrecls.errors import RunError
from genrecls.reports.numbers import finite
from genrecls.reports.search import ENOUGH_TRIALS, Trial
from genrecls.sweeps.search.settings import SearchSettings
from genrecls.sweeps.search.space import Space

STUDY = "study.sqlite"
"""Name of the file in the folder of a search."""

_NAME = "search"
# Up to version 79a4a76.
_JOURNAL = "study.journal"
# Of a trial that was not trained. For Optuna it is one that was stopped before it had any value,
# which its sampler takes for worse than all that have one, and so learns to stay inside.
_OUTSIDE = "outside"
_STATES: dict[TrialState, Literal["running", "finished", "pruned", "failed"]] = {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class Study:
    """Trials of one search; every change is on disk when the call returns.

    The settings of a trial depend only on the trials before it and on its number. A killed search
    therefore continues as if it had never stopped, where one training runs at a time.
    """

    def __init__(
        self, storage: RDBStorage, settings: SearchSettings, space: Space, epochs: int
    ) -> None:
        """Open the study in `storage`; see `open_study`."""
        self._storage = storage
        self._settings = settings
        self._space = space
        self._distributions = {key: dimension.distribution() for key, dimension in space.items()}
        self._pruner = _make_pruner(settings, epochs)
        self._directions = [
            StudyDirection.MAXIMIZE if objective.larger else StudyDirection.MINIMIZE
            for objective in settings.objectives
        ]
        self._study = optuna.create_study(
            storage=storage,
            study_name=_NAME,
            directions=self._directions,
            pruner=self._pruner,
            load_if_exists=True,
        )

    @property
    def trials(self) -> list[Trial]:
        """All trials so far, in the order of their numbers."""
        return [self._read(trial) for trial in self._frozen()]

    def ask(self) -> Trial:
        """Begin a trial, with settings that promise most after the results so far."""
        # Drawn in memory and written in one transaction: killed in between, there would be a trial
        # with some of its settings. With a sampler of its own for each number, for one of a whole
        # search would begin its random numbers again after an interruption, and repeat trials.
        before = self._study.get_trials()
        rehearsal = optuna.create_study(
            study_name=_NAME,
            directions=self._directions,
            pruner=self._pruner,
            sampler=make_sampler(self._settings, len(before)),
        )
        rehearsal.add_trials(before)
        drawn = rehearsal.ask(self._distributions)
        self._study.add_trial(
            create_trial(
                state=TrialState.RUNNING, params=drawn.params, distributions=drawn.distributions
            )
        )
        return self.trials[len(before)]

    def set_run(self, trial: Trial, run: str) -> None:
        """Record the name of the run folder of a trial."""
        self._storage.set_trial_user_attr(self._id(trial), "run", run)

    def report(self, trial: Trial, epoch: int, value: float) -> bool:
        """Record an epoch; return whether the trial should be stopped early.

        An epoch that is known already, from before an interruption, is not recorded again.
        """
        if epoch not in self._frozen()[trial.number].intermediate_values:
            self._storage.set_trial_intermediate_value(self._id(trial), epoch, value)
        frozen = self._frozen()[trial.number]
        return self._settings.prunes and self._pruner.prune(self._study, frozen)

    def finish(self, trial: Trial, values: Sequence[float]) -> None:
        """Record the values of the objectives."""
        self._study.tell(trial.number, values)

    def prune(self, trial: Trial, reason: str) -> None:
        """Record that a trial was stopped early."""
        self._end(trial, TrialState.PRUNED, reason)

    def leave_out(self, trial: Trial, reason: str) -> None:
        """Record that a trial is not trained, for its network would not fit the target."""
        self._storage.set_trial_user_attr(self._id(trial), _OUTSIDE, value=True)
        self._end(trial, TrialState.PRUNED, reason)

    def fail(self, trial: Trial, reason: str) -> None:
        """Record that a trial has no result and will have none."""
        self._end(trial, TrialState.FAIL, reason)

    def importances(self) -> dict[str, float]:
        """Return the share of each key in what distinguishes the best trials; empty if too few.

        The best are a tenth: of fewer trials than `ENOUGH_TRIALS` hardly one, which says nothing.

        PED-ANOVA: S. Watanabe et al., "PED-ANOVA: Efficiently Quantifying Hyperparameter
        Importance in Arbitrary Subspaces", IJCAI 2023.
        """
        if sum(trial.state == "finished" for trial in self.trials) < ENOUGH_TRIALS:
            return {}
        # Where a target is given, the smallest counts as the best, of which Optuna warns.
        sign = -1.0 if self._settings.objectives[0].larger else 1.0
        with suppress(ValueError, RuntimeError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return get_param_importances(
                self._study,
                evaluator=PedAnovaImportanceEvaluator(),
                target=lambda trial: sign * trial.values[0],
            )
        return {}

    def _end(self, trial: Trial, state: TrialState, reason: str) -> None:
        self._storage.set_trial_user_attr(self._id(trial), "reason", reason)
        self._study.tell(trial.number, state=state)

    def _frozen(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _id(self, trial: Trial) -> int:
        study = self._storage.get_study_id_from_name(_NAME)
        return self._storage.get_trial_id_from_study_id_trial_number(study, trial.number)

    def _read(self, frozen: FrozenTrial) -> Trial:
        state = "outside" if frozen.user_attrs.get(_OUTSIDE) else _STATES[frozen.state]
        start, end = frozen.datetime_start, frozen.datetime_complete
        return Trial(
            number=frozen.number,
            state=state,
            settings={key: self._space[key].text(value) for key, value in frozen.params.items()},
            values=tuple(frozen.values) if state == "finished" else (),
            epochs=dict(frozen.intermediate_values),
            run=str(frozen.user_attrs.get("run", "")),
            reason=str(frozen.user_attrs.get("reason", "")),
            seconds=finite((end - start).total_seconds() if start and end else None),
        )


@contextmanager
def open_study(
    folder: Path, settings: SearchSettings, space: Space, epochs: int
) -> Iterator[Study]:
    """Open the study of a search, a new one if there is none; closed after the block.

    Args:
        folder: folder of the search, which no other process may use at the same time.
        settings: how the search works.
        space: what is searched.
        epochs: how many a training has at most.

    Raises:
        RunError: the file is damaged.
    """
    from sqlalchemy import URL
    from sqlalchemy.exc import DatabaseError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / STUDY
    if not path.exists() and (folder / _JOURNAL).exists():
        say(
            f"{folder / _JOURNAL} was written by an earlier version and is not read: the search "
            "begins again, and takes the results of the runs that are finished already"
        )
    storage = None
    try:
        address = URL.create("sqlite", database=str(path.absolute())).render_as_string()
        # Optuna fills in what stands in braces.
        storage = RDBStorage(address.replace("{", "{{").replace("}", "}}"))
        study = Study(storage, settings, space, epochs)
        # Damage further behind is met here, not after hours of training.
        _ = study.trials
    except (
        *(DatabaseError, optuna.exceptions.OptunaError),
        *(ValueError, LookupError, AssertionError, RuntimeError),
    ) as error:
        if storage is not None:
            storage.engine.dispose()
        reason = str(error).partition("\n")[0]
        raise RunError(
            f"{path} is damaged ({reason}); move it away to begin again: the runs are kept, and "
            "where the same settings are tried again their results are taken"
        ) from None
    try:
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def make_sampler(settings: SearchSettings, number: int) -> BaseSampler:
    """Return the sampler of one trial, with random numbers of its own."""
    digest = hashlib.sha256(f"{settings.seed} {number}".encode()).digest()
    seed = int.from_bytes(digest[:4], "big")
    if settings.sampler == "random":
        return RandomSampler(seed=seed)
    return TPESampler(seed=seed, n_startup_trials=settings.startup_trials)


def _make_pruner(settings: SearchSettings, epochs: int) -> BasePruner:
    if not settings.prunes:
        return NopPruner()
    warmup = settings.warmup_epochs
    if settings.pruner == "hyperband":
        return HyperbandPruner(min_resource=min(warmup, epochs), max_resource=epochs)
    return MedianPruner(n_startup_trials=settings.startup_trials, n_warmup_steps=warmup)
