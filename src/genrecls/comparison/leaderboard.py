"""Runs beside each other: which are one system, which may be ranked together, which is best."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from genrecls.comparison.config_diff import differing, settings_in_words, settings_of
from genrecls.evaluation.paired_tests import Pairing, interval, pair
from genrecls.evaluation.significance import SeedSummary, holm, summarise
from genrecls.runs.record import PARTS, RunRecord

EvaluatedPart = Literal["validation", "test"]
_MOST_KEYS, _FINGERPRINT = 3, 6


@dataclass(frozen=True)
class System:
    """Runs of one configuration that differ in seed and fold alone.

    Attributes:
        label: short name, different for every system of a leaderboard.
        runs: by seed and fold.
    """

    label: str
    runs: tuple[RunRecord, ...]

    @property
    def title(self) -> str:
        """Model and features, which other systems may share."""
        return _title(self.runs[0])

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """What all its runs share, by dotted key."""
        return settings_of(self.runs[0].config)

    @property
    def parameters(self) -> int:
        """Number of parameters of the model."""
        return self.runs[0].metrics.model.parameters

    @property
    def int8_bytes(self) -> int | None:
        """Size of the int8 file; None where no run has one."""
        return next((run.int8_bytes for run in self.runs if run.int8_bytes is not None), None)

    @property
    def seconds(self) -> SeedSummary | None:
        """Seconds of training over the runs; None where a run does not tell."""
        told = [run.metrics.training_seconds for run in self.runs]
        known = [seconds for seconds in told if seconds is not None]
        return summarise(known) if len(known) == len(told) else None

    def score(self, part: str, name: str = "accuracy", unit: str = "track") -> SeedSummary:
        """Return a score over the runs."""
        return summarise([run.score(part, name, unit) for run in self.runs])

    def interval(self, part: str) -> tuple[float, float]:
        """Return the 95 % interval of the accuracy per track.

        Of one run it is the bootstrap over its tracks, of several over runs and tracks at once.
        """
        return self._intervals[part]

    @cached_property
    def _intervals(self) -> Mapping[str, tuple[float, float]]:
        return {part: self._interval(part) for part in PARTS}

    def _interval(self, part: str) -> tuple[float, float]:
        if len(self.runs) > 1:
            return interval([run.answers[part] for run in self.runs])
        return self.runs[0].part(part).track.accuracy_interval

    def f1(self, part: str) -> dict[str, float]:
        """Return F1 of each genre per track, the mean over the runs."""
        found = [run.f1(part) for run in self.runs]
        return {genre: sum(f1[genre] for f1 in found) / len(found) for genre in found[0]}

    @cached_property
    def repetitions(self) -> str:
        """Seeds and folds in words."""
        seeds, folds = zip(*(run.repetition for run in self.runs), strict=True)
        named = [("seed", sorted(set(seeds))), ("fold", sorted(set(folds) - {None}))]
        return ", ".join(
            f"{name}{'s' if len(values) > 1 else ''} {' '.join(map(str, values))}"
            for name, values in named
            if values
        )


@dataclass(frozen=True)
class Failed:
    """A run without scores.

    Attributes:
        reason: why, in one line.
        log: where to read on.
        title: what tells its training from the others of its sweep.
    """

    name: str
    reason: str
    log: str
    title: str


@dataclass(frozen=True)
class Verdict:
    """A system against the best of its leaderboard; p values are Holm-corrected.

    Attributes:
        p: of the paired permutation test; None without tests.
        p_mcnemar: of McNemar's test; None without tests.
    """

    pairing: Pairing
    p: float | None = None
    p_mcnemar: float | None = None


@dataclass(frozen=True)
class Leaderboard:
    """Systems on the same data and split, the best first.

    Attributes:
        verdicts: one a system; None for the best.
        apart: what tells it from other leaderboards of the same data and split; may be empty.
    """

    systems: tuple[System, ...]
    verdicts: tuple[Verdict | None, ...] = ()
    apart: str = ""

    @property
    def data(self) -> str:
        """Name of the data set."""
        return self.systems[0].runs[0].metrics.dataset.label

    @property
    def split(self) -> str:
        """Name of the split with what it leaks."""
        return self.systems[0].runs[0].metrics.split.title

    @cached_property
    def differing(self) -> tuple[str, ...]:
        """Dotted keys in which its systems differ."""
        return differing([system.settings for system in self.systems])

    @property
    def leaky(self) -> bool:
        """Whether pieces of one track train and test."""
        return self.systems[0].runs[0].metrics.split.leaky

    @property
    def about(self) -> str:
        """What every number of the table is a number of."""
        return " · ".join(filter(None, (self.data, f"split {self.split}", self.apart)))

    def tracks(self, part: str) -> str:
        """Return how many tracks the part has, as a range where seeds or folds differ."""
        counts = {len(run.answers[part].truth) for system in self.systems for run in system.runs}
        low, high = min(counts), max(counts)
        return f"{low} {part} tracks" if low == high else f"{low} to {high} {part} tracks"


def compare(
    runs: Sequence[RunRecord], by: EvaluatedPart, part: EvaluatedPart
) -> tuple[Leaderboard, ...]:
    """Return the leaderboards of all data and splits, each tested against its best.

    Args:
        runs: one a configuration, seed and fold.
        by: the part whose accuracy per track ranks.
        part: the part on which the tests are made.
    """
    boards = _told_apart([_ranked(members, by) for members in _grouped(runs, _place).values()])
    pairings = [_pairings(board, part) for board in boards]
    tested = [pairing for row in pairings for pairing in row if pairing.mcnemar]
    corrected = iter(
        zip(
            holm([pairing.difference.p for pairing in tested if pairing.difference]),
            holm([pairing.mcnemar.p for pairing in tested if pairing.mcnemar]),
            strict=True,
        )
    )
    return tuple(
        replace(board, verdicts=(None, *(_verdict(pairing, corrected) for pairing in row)))
        for board, row in zip(boards, pairings, strict=True)
    )


def newest(runs: Iterable[RunRecord]) -> tuple[list[RunRecord], list[RunRecord]]:
    """Return the newest run of each configuration, seed and fold, and the older ones."""
    ordered = sorted(runs, key=lambda run: (run.changed, run.name), reverse=True)
    repeated = _grouped(ordered, lambda run: f"{_place(run)}{_system(run)}{run.repetition}")
    kept = [members[0] for members in repeated.values()]
    return kept, [run for members in repeated.values() for run in members[1:]]


def _pairings(board: Leaderboard, part: str) -> list[Pairing]:
    answers = [[run.answers[part] for run in system.runs] for system in board.systems]
    return [pair(other, answers[0]) for other in answers[1:]]


def _verdict(pairing: Pairing, corrected: Iterable[tuple[float, float]]) -> Verdict:
    if pairing.mcnemar is None:
        return Verdict(pairing)
    return Verdict(pairing, *next(iter(corrected)))


def _ranked(runs: Sequence[RunRecord], by: str) -> Leaderboard:
    groups = list(_grouped(runs, _system).values())
    systems = [
        System(label, tuple(sorted(members, key=_order)))
        for label, members in zip(_labels([members[0] for members in groups]), groups, strict=True)
    ]

    def rank(system: System) -> tuple[float, float, str]:
        return -system.score(by).mean, -system.score(by, "macro_f1").mean, system.label

    return Leaderboard(tuple(sorted(systems, key=rank)))


def _order(run: RunRecord) -> tuple[int, int]:
    seed, fold = run.repetition
    return seed, fold or 0


def _grouped(runs: Iterable[RunRecord], key: Any) -> dict[str, list[RunRecord]]:
    groups: dict[str, list[RunRecord]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def _place(run: RunRecord) -> str:
    """Return what runs ranked together share: data, genres and split, but for its fold."""
    split = {key: value for key, value in run.config["split"].items() if key != "fold"}
    fingerprint, labels = run.metrics.dataset.fingerprint, run.metrics.labels
    data, title = run.metrics.dataset.label, run.metrics.split.title
    return json.dumps([data, fingerprint, labels, title, split], sort_keys=True)


def _system(run: RunRecord) -> str:
    return json.dumps(settings_of(run.config), sort_keys=True)


def _told_apart(boards: Sequence[Leaderboard]) -> list[Leaderboard]:
    """Return the leaderboards, those of one title with what else tells each from its like."""
    alike = [[other for other in boards if other.about == board.about] for board in boards]
    return [
        replace(board, apart=_apart(board, its)) if len(its) > 1 else board
        for board, its in zip(boards, alike, strict=True)
    ]


def _apart(board: Leaderboard, like: Sequence[Leaderboard]) -> str:
    """Return the settings of data and split that differ, or else which files were taken."""
    settings = [_place_settings(other) for other in like]
    own, apart = _place_settings(board), differing(settings)
    words = ", ".join(settings_in_words(own, apart[:_MOST_KEYS]))
    if words and settings.count(own) == 1 and len(apart) <= _MOST_KEYS:
        return words
    fingerprint = board.systems[0].runs[0].metrics.dataset.fingerprint
    return ", ".join(filter(None, (words, f"files {fingerprint[:_FINGERPRINT]}")))


def _place_settings(board: Leaderboard) -> dict[str, Any]:
    settings = board.systems[0].settings
    return {key: settings[key] for key in settings if key.split(".")[0] in {"dataset", "split"}}


def _labels(runs: Sequence[RunRecord]) -> list[str]:
    """Return a name for each system: model and features, then what else tells it from its like."""
    named = [(run, _title(run)) for run in runs]
    return [
        " ".join([base, *_distinct(run, [other for other, its in named if its == base])])
        for run, base in named
    ]


def _title(run: RunRecord) -> str:
    return f"{run.config['model']['name']} {_features(run.config['features'])}"


def _features(settings: Mapping[str, Any]) -> str:
    """Return the name of the features; of joint ones, those of both parts."""
    parts = [part["name"] for part in settings.values() if isinstance(part, Mapping)]
    return "+".join(parts) or str(settings["name"])


def _distinct(run: RunRecord, like: Sequence[RunRecord]) -> list[str]:
    own = settings_of(run.config)
    apart = differing([settings_of(other.config) for other in like])
    # Too many to name: the end of the run's name is never the same.
    end = [f"… ({run.name.rpartition('-')[2]})"] if len(apart) > _MOST_KEYS else []
    return [*settings_in_words(own, apart[:_MOST_KEYS]), *end]
