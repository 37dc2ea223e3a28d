"""Which runs are one system, which systems may be ranked together, and which is best."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan, nan
from statistics import fmean
from typing import Any, Literal

from genrecls.comparison.config_diff import differing, model_of, settings_in_words, settings_of
from genrecls.config.relevant import without_later
from genrecls.errors import RunError
from genrecls.evaluation.paired_tests import Pairing, interval, pair
from genrecls.evaluation.significance import SeedSummary, holm, summarise
from genrecls.runs.metrics import SplitFacts, united
from genrecls.runs.record import RunRecord, read
from genrecls.runs.run import Run
from genrecls.runtime.marks import pretraining_mark
from genrecls.splits.base import EVALUATED_PARTS, EvaluatedPart

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
        """Seconds of training over the runs; None where a run does not say."""
        seconds = [run.metrics.training_seconds for run in self.runs]
        known = [value for value in seconds if value is not None]
        return summarise(known) if len(known) == len(seconds) else None

    def score(self, part: str, name: str = "accuracy", unit: str = "track") -> SeedSummary:
        """Return a score over the runs."""
        return summarise([run.score(part, name, unit) for run in self.runs])

    def interval(self, part: str) -> tuple[float, float]:
        """Return the 95 % interval of the accuracy per track.

        Of one run it is that of its own metrics, of several the bootstrap over runs and tracks.
        """
        return self._intervals[part]

    @cached_property
    def _intervals(self) -> Mapping[str, tuple[float, float]]:
        if len(self.runs) == 1:
            return {
                part: self.runs[0].part(part).track.accuracy_interval for part in EVALUATED_PARTS
            }
        return {
            part: interval([run.answers[part] for run in self.runs]) for part in EVALUATED_PARTS
        }

    def f1(self, part: str) -> dict[str, float]:
        """Return F1 of each genre per track, the mean over the runs that have tracks of it.

        It is NaN where no run has.
        """
        scores = [run.f1(part) for run in self.runs]
        known = {g: [f1[g] for f1 in scores if not isnan(f1[g])] for g in scores[0]}
        return {genre: fmean(values) if values else nan for genre, values in known.items()}

    @cached_property
    def repetitions(self) -> str:
        """Seeds and folds in words."""
        seeds, folds = zip(*(run.repetition for run in self.runs), strict=True)
        numbers = [("seed", sorted(set(seeds))), ("fold", sorted(set(folds) - {None}))]
        return ", ".join(
            f"{name}{'s' if len(values) > 1 else ''} {' '.join(map(str, values))}"
            for name, values in numbers
            if values
        )


@dataclass(frozen=True)
class Failed:
    """A run without scores.

    Attributes:
        reason: why, in one line.
        log: where to read on; may be empty.
        title: the settings in which its training differs from the others of its sweep.
        state: `failed`, or `damaged` where its scores cannot be read.
    """

    name: str
    reason: str
    log: str
    title: str = ""
    state: Literal["failed", "damaged"] = "failed"


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
class RankedSystem:
    """A system in its place.

    Attributes:
        place: counted from 1; systems of the same scores share theirs.
        tied: how many others share it.
        verdict: against the first system; None for that one.
    """

    place: int
    tied: int
    system: System
    verdict: Verdict | None


@dataclass(frozen=True)
class Leaderboard:
    """Systems on the same data and split, the best first.

    Attributes:
        by: the part that ranked them.
        verdicts: one a system; None for the best.
        distinction: how it differs from other leaderboards of the same data and split; may be
            empty.
    """

    systems: tuple[System, ...]
    verdicts: tuple[Verdict | None, ...] = ()
    distinction: str = ""
    by: EvaluatedPart = "validation"

    @property
    def data(self) -> str:
        """Name of the data set."""
        return self.systems[0].runs[0].metrics.dataset.label

    @property
    def split(self) -> str:
        """Name of the split with what it leaks."""
        return self._split.title

    @cached_property
    def _split(self) -> SplitFacts:
        return united([run.metrics.split for system in self.systems for run in system.runs])

    @property
    def uneven(self) -> bool:
        """Whether some systems have other seeds or folds than others."""
        return len({frozenset(map(_repetition, system.runs)) for system in self.systems}) > 1

    @cached_property
    def differing(self) -> tuple[str, ...]:
        """Dotted keys in which its systems differ."""
        return differing([system.settings for system in self.systems])

    @property
    def leaky(self) -> bool:
        """Whether pieces of one track train and test."""
        return self._split.leaky

    @property
    def about(self) -> str:
        """What every number of the table is a number of."""
        return " · ".join(filter(None, (self.data, f"split {self.split}", self.distinction)))

    @property
    def ranked(self) -> list[RankedSystem]:
        """The systems with their places and verdicts."""
        scores = [_ranking_scores(system, self.by) for system in self.systems]
        return [
            RankedSystem(scores.index(score) + 1, scores.count(score) - 1, system, verdict)
            for score, system, verdict in zip(scores, self.systems, self.verdicts, strict=True)
        ]

    def tracks(self, part: str) -> str:
        """Return how many tracks the part has, as a range where seeds or folds differ."""
        counts = {len(run.answers[part].truth) for system in self.systems for run in system.runs}
        low, high = min(counts), max(counts)
        return f"{low} {part} tracks" if low == high else f"{low} to {high} {part} tracks"


def read_runs(runs: Iterable[Run]) -> tuple[list[RunRecord], list[Failed]]:
    """Return what finished runs hold, and those that are damaged with the reason.

    Raises:
        RunError: a run is not finished.
    """
    records, damaged = [], []
    for run in runs:
        try:
            records.append(read(run))
        except RunError as error:
            if not (run.finished or run.damage):
                raise
            log = str(run.log_file) if run.log_file.is_file() else ""
            damaged.append(Failed(run.name, str(error), log, state="damaged"))
    return records, damaged


def compare(
    runs: Sequence[RunRecord], by: EvaluatedPart, part: EvaluatedPart
) -> tuple[Leaderboard, ...]:
    """Return the leaderboards of all data and splits, each tested against its best.

    Args:
        runs: one a configuration, seed and fold.
        by: the part whose accuracy per track ranks.
        part: the part on which the tests are made.
    """
    boards = []
    for members in _grouped(runs, _place).values():
        groups = list(_grouped(members, _system).values())
        labels = _labels([group[0] for group in groups])
        systems = [
            System(label, tuple(sorted(group, key=_repetition)))
            for label, group in zip(labels, groups, strict=True)
        ]
        systems.sort(key=lambda system: (*_ranking_scores(system, by), system.label))
        boards.append(Leaderboard(tuple(systems), by=by))

    # Each system is tested against the best of its board; p values are corrected over all tests.
    pairings = []
    for board in boards:
        best, *others = [[run.answers[part] for run in s.runs] for s in board.systems]
        pairings.append([pair(other, best) for other in others])
    tested = [pairing for row in pairings for pairing in row if pairing.mcnemar]
    p_differences = holm([pairing.difference.p for pairing in tested if pairing.difference])
    p_mcnemar = holm([pairing.mcnemar.p for pairing in tested if pairing.mcnemar])
    corrected = iter(zip(p_differences, p_mcnemar, strict=True))
    finished = []
    for board, row in zip(boards, pairings, strict=True):
        verdicts: list[Verdict | None] = [None]
        for pairing in row:
            p, p_of_mcnemar = next(corrected) if pairing.mcnemar else (None, None)
            verdicts.append(Verdict(pairing, p, p_of_mcnemar))
        finished.append(
            replace(board, verdicts=tuple(verdicts), distinction=_distinction(board, boards))
        )
    return tuple(finished)


def newest(runs: Iterable[RunRecord]) -> tuple[list[RunRecord], list[RunRecord]]:
    """Return the newest run of each configuration, seed and fold, and the older ones."""
    ordered = sorted(runs, key=lambda run: (run.changed, run.name), reverse=True)
    repeated = _grouped(ordered, lambda run: f"{_place(run)}{_system(run)}{run.repetition}")
    kept = [members[0] for members in repeated.values()]
    return kept, [run for members in repeated.values() for run in members[1:]]


def _ranking_scores(system: System, by: str) -> tuple[float, float]:
    """Return what ranks a system, the best least: accuracy, and macro-F1 where that is equal."""
    # Means of the same numbers in another order differ in their last digits.
    accuracy, f1 = (round(system.score(by, name).mean, 9) for name in ("accuracy", "macro_f1"))
    return -accuracy, -f1


def _repetition(run: RunRecord) -> tuple[int, int]:
    seed, fold = run.repetition
    return seed, fold or 0


def _grouped(runs: Iterable[RunRecord], key: Any) -> dict[str, list[RunRecord]]:
    groups: dict[str, list[RunRecord]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def _place(run: RunRecord) -> str:
    """Return what runs ranked together share: data, genres and split, but for its fold."""
    config = without_later(run.config)
    split = {key: value for key, value in config["split"].items() if key != "fold"}
    fingerprint, labels = run.metrics.dataset.fingerprint, run.metrics.labels
    data, name = run.metrics.dataset.label, run.metrics.split.name
    return json.dumps([data, fingerprint, labels, name, split], sort_keys=True)


def _system(run: RunRecord) -> str:
    # Whether its model was made by a preset or by single settings is no difference.
    settings = {**settings_of(run.config), "model.name": run.config["model"]["name"]}
    return json.dumps(settings, sort_keys=True)


def _distinction(board: Leaderboard, boards: Sequence[Leaderboard]) -> str:
    """Return what distinguishes a board from others of its title; empty where there are none.

    It is the settings of data and split that differ, or else which files were taken.
    """
    alike = [other for other in boards if other.about == board.about]
    if len(alike) == 1:
        return ""

    def place(other: Leaderboard) -> dict[str, Any]:
        settings = other.systems[0].settings
        return {k: settings[k] for k in settings if k.split(".")[0] in {"dataset", "split"}}

    own, places = place(board), [place(other) for other in alike]
    keys = differing(places)
    words = ", ".join(settings_in_words(own, keys[:_MOST_KEYS]))
    # Long values are cut, and may be alike as far as they are shown.
    shown = [", ".join(settings_in_words(each, keys[:_MOST_KEYS])) for each in places]
    if words and shown.count(words) == 1 and len(keys) <= _MOST_KEYS:
        return words
    fingerprint = board.systems[0].runs[0].metrics.dataset.fingerprint
    return ", ".join(filter(None, (words, f"files {fingerprint[:_FINGERPRINT]}")))


def _labels(runs: Sequence[RunRecord]) -> list[str]:
    """Return a name for each system: model and features, then what differs from others alike."""
    labels = []
    for run in runs:
        title = _title(run)
        alike = [settings_of(other.config) for other in runs if _title(other) == title]
        keys = differing(alike)
        words = settings_in_words(settings_of(run.config), keys[:_MOST_KEYS])
        shown = [settings_in_words(settings, keys[:_MOST_KEYS]) for settings in alike]
        # Too many to name, or alike as far as they are shown: the end of a run's name never is.
        cut = len(keys) > _MOST_KEYS or shown.count(words) > 1
        end = [f"… ({run.name.rpartition('-')[2]})"] if cut else []
        labels.append(" ".join([title, *words, *end]))
    return labels


def _title(run: RunRecord) -> str:
    """Return model and features (of joint ones those of both parts), and any pretraining."""
    features = run.config["features"]
    inside = [part.get("name") for part in features.values() if isinstance(part, Mapping)]
    parts = [name for name in inside if isinstance(name, str)]
    mark = pretraining_mark(run.metrics.model.pretraining)
    title = f"{model_of(run.config)} {'+'.join(parts) or features['name']}"
    return f"{title} ({mark})" if mark else title
