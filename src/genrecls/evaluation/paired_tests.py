"""Two systems on the same tracks: which each has right, and whether the difference is chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from genrecls.evaluation.significance import (
    Difference,
    McNemar,
    accuracy_interval,
    mcnemar,
    paired_bootstrap,
)

Truth = tuple[tuple[str, str], ...]
"""Id and true genre of each track of a part, in the order of the ids."""


@dataclass(frozen=True)
class PairedDecisions:
    """The decisions of one run on the tracks of one part.

    Attributes:
        run: name of the run.
        part: part of the split.
        truth: the tracks and their true genres.
        right: for each track whether the decision is the true genre.
        artists: of the tracks whose artist is known, where the split keeps artists apart: the
            tracks of one artist are no independent examples then.
    """

    run: str
    part: str
    truth: Truth
    right: NDArray[np.bool_]
    artists: Mapping[str, str] = field(default_factory=dict)

    @property
    def clusters(self) -> list[tuple[str, str]]:
        """For each track what is drawn with it: its artist, or the track by itself."""
        return [
            ("artist", self.artists[track]) if track in self.artists else ("track", track)
            for track, _ in self.truth
        ]


@dataclass(frozen=True)
class Pairing:
    """A system against the best one; without tests where they share no test part.

    Attributes:
        difference: accuracy of the system less that of the best.
        mcnemar: the same, the system first, between one run of each.
        runs: names of these two runs.
        accuracies: of the system and of the best, over what was compared.
        compared: number of runs of the system and of the best that were compared.
        tracks: number of different tracks on which they were compared.
        reason: why there are no tests; empty where there are.
    """

    difference: Difference | None = None
    mcnemar: McNemar | None = None
    runs: tuple[str, str] = ("", "")
    accuracies: tuple[float, float] = (0.0, 0.0)
    compared: tuple[int, int] = (0, 0)
    tracks: int = 0
    reason: str = ""


def pair(system: Sequence[PairedDecisions], best: Sequence[PairedDecisions]) -> Pairing:
    """Return the tests of `system` against `best` over all test parts that both have.

    Runs are matched by their tracks: over seeds with the same test tracks the correctness of each
    track is averaged; where a seed or a fold has test tracks of its own, the tracks of all of them
    are taken together.
    """
    of_best = {run.truth for run in best}
    shared = [truth for truth in dict.fromkeys(run.truth for run in system) if truth in of_best]
    if not shared:
        return Pairing(reason=_why_not_comparable(system[0], best[0]))
    gaps: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    rights = np.zeros(2)
    for truth in shared:
        ours, theirs = _share_right(system, truth), _share_right(best, truth)
        rights += ours.sum(), theirs.sum()
        clusters = next(run.clusters for run in system if run.truth == truth)
        for cluster, gap in zip(clusters, ours - theirs, strict=True):
            gaps[cluster] += gap
            counts[cluster] += 1
    # McNemar's test is between one run of each.
    first, second = (next(run for run in runs if run.truth == shared[0]) for runs in (system, best))
    accuracy, accuracy_of_best = (rights / counts.total()).tolist()
    return Pairing(
        difference=paired_bootstrap(
            np.array([gaps[cluster] for cluster in counts]), np.array(list(counts.values()))
        ),
        mcnemar=mcnemar(first.right, second.right),
        runs=(first.run, second.run),
        accuracies=(accuracy, accuracy_of_best),
        compared=(
            sum(run.truth in shared for run in system),
            sum(run.truth in shared for run in best),
        ),
        tracks=len({track for truth in shared for track, _ in truth}),
    )


def interval(runs: Sequence[PairedDecisions]) -> tuple[float, float]:
    """Return the 95 % interval of the mean accuracy of runs, by drawing them and their tracks."""
    every = dict.fromkeys(cluster for run in runs for cluster in run.clusters)
    columns = {cluster: column for column, cluster in enumerate(every)}
    hits, counts = np.zeros((2, len(runs), len(columns)), dtype=np.int64)
    for row, run in enumerate(runs):
        of_run = [columns[cluster] for cluster in run.clusters]
        np.add.at(hits[row], of_run, run.right)
        np.add.at(counts[row], of_run, 1)
    return accuracy_interval(hits, counts)


def _share_right(runs: Sequence[PairedDecisions], truth: Truth) -> NDArray[np.float64]:
    """Return for each track of `truth` the share of the runs that have it right."""
    rights = [run.right for run in runs if run.truth == truth]
    return np.asarray(np.mean(rights, axis=0), dtype=np.float64)


def _why_not_comparable(one: PairedDecisions, other: PairedDecisions) -> str:
    first, second = dict(one.truth), dict(other.truth)
    common = first.keys() & second.keys()
    relabelled = sum(first[track] != second[track] for track in common)
    if first.keys() == second.keys():
        return f"other truths: {relabelled} of {len(common)} {one.part} tracks"
    return f"other {one.part} tracks: {len(common)} of {len(first)} in common"
