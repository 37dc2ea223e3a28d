"""The memory of a search: which trials were begun, and what came of each."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from genrecls.reports.numbers import finite
from genrecls.sweeps.search.settings import SearchSettings
from genrecls.sweeps.search.space import Space
from genrecls.sweeps.search.storage import opened, sampler
from genrecls.sweeps.search.trial import ENOUGH, State, Trial

_STATES: dict[TrialState, State] = {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class Study:
    """Trials of one search; every change is on disk when the call returns.

    The settings of a trial depend on the trials before and on its own number alone. A search that
    was killed therefore goes on as if nothing had been, where one training runs at a time.
    """

    def __init__(self, path: Path, settings: SearchSettings, space: Space, epochs: int) -> None:
        """Open the journal `path`, see `journal.opened`."""
        self._settings = settings
        self._space = space
        self._distributions = {key: dimension.distribution() for key, dimension in space.items()}
        self._study, self._storage = opened(path, settings, epochs)

    @property
    def trials(self) -> list[Trial]:
        """All trials so far, in the order of their numbers."""
        return [self._read(found) for found in self._found()]

    def ask(self) -> Trial:
        """Begin a trial, with settings that promise most after what came of those before."""
        self._study.sampler = sampler(self._settings, len(self._found()))
        number = self._study.ask(self._distributions).number
        return self.trials[number]

    def place(self, trial: Trial, run: str) -> None:
        """Take note of the run folder of a trial."""
        self._storage.set_trial_user_attr(self._id(trial), "run", run)

    def report(self, trial: Trial, epoch: int, value: float) -> bool:
        """Take note of an epoch; return whether the trial is hopeless.

        An epoch that is known already, from before an interruption, is not noted again.
        """
        if epoch not in self._found()[trial.number].intermediate_values:
            self._storage.set_trial_intermediate_value(self._id(trial), epoch, value)
        found = self._found()[trial.number]
        return self._settings.prunes and self._study.pruner.prune(self._study, found)

    def finish(self, trial: Trial, values: Sequence[float]) -> None:
        """Take note of the values of the objectives."""
        self._study.tell(trial.number, values)

    def prune(self, trial: Trial, reason: str) -> None:
        """Take note that a trial was stopped as hopeless."""
        self._end(trial, TrialState.PRUNED, reason)

    def fail(self, trial: Trial, reason: str) -> None:
        """Take note that a trial has no result and will have none."""
        self._end(trial, TrialState.FAIL, reason)

    def importances(self) -> dict[str, float]:
        """Return the share of each key in what sets the best trials apart; empty if too few.

        The best are a tenth: of fewer trials than `trial.ENOUGH` hardly one, which says nothing.

        PED-ANOVA: S. Watanabe et al., "PED-ANOVA: Efficiently Quantifying Hyperparameter
        Importance in Arbitrary Subspaces", IJCAI 2023.
        """
        if sum(trial.state == "finished" for trial in self.trials) < ENOUGH:
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

    def _found(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _id(self, trial: Trial) -> int:
        study = self._storage.get_study_id_from_name(self._study.study_name)
        return self._storage.get_trial_id_from_study_id_trial_number(study, trial.number)

    def _read(self, found: FrozenTrial) -> Trial:
        state = _STATES[found.state]
        return Trial(
            number=found.number,
            state=state,
            settings={key: self._space[key].text(value) for key, value in found.params.items()},
            values=tuple(found.values) if state == "finished" else (),
            epochs=dict(found.intermediate_values),
            run=str(found.user_attrs.get("run", "")),
            reason=str(found.user_attrs.get("reason", "")),
            seconds=_seconds(found.datetime_start, found.datetime_complete),
        )


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return finite((end - start).total_seconds() if start and end else None)
