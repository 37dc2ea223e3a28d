"""Two systems on the same tracks: what each has right, and whether that is more than luck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genrecls.evaluation.significance import (
    Difference,
    McNemar,
    accuracy_interval,
    mcnemar,
    paired_bootstrap,
)

Asked = tuple[tuple[str, str], ...]
"""Id and true genre of each track of a part, in the order of the ids."""


@dataclass(frozen=True)
class PairedDecisions:
    """The decisions of one run on the tracks of one part.

    Attributes:
        run: name of the run.
        part: part of the split.
        asked: what there was to decide.
        right: for each track whether the decision is the true genre.
    """

    run: str
    part: str
    asked: Asked
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Pairing:
    """A system against the best one; without tests where they share no test part.

    Attributes:
        difference: accuracy of the system less that of the best.
        mcnemar: the same, the system first, between one run of each.
        runs: names of these two runs.
        compared: number of runs of the system and of the best that were compared.
        tracks: number of different tracks on which they were compared.
        reason: why there are no tests; empty where there are.
    """

    difference: Difference | None = None
    mcnemar: McNemar | None = None
    runs: tuple[str, str] = ("", "")
    compared: tuple[int, int] = (0, 0)
    tracks: int = 0
    reason: str = ""


def pair(system: Sequence[PairedDecisions], best: Sequence[PairedDecisions]) -> Pairing:
    """Return the tests of `system` against `best` over all test parts that both have answered.

    Runs are matched by what they were asked: over seeds with the same test tracks the correctness
    of each track is averaged; where a seed or a fold has test tracks of its own, the tracks of all
    of them are taken together.
    """
    known = {answers.asked for answers in best}
    shared = [asked for asked in dict.fromkeys(a.asked for a in system) if asked in known]
    if not shared:
        return Pairing(reason=_why(system[0], best[0]))
    gaps: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for asked in shared:
        difference = _share_right(system, asked) - _share_right(best, asked)
        for (track, _), gap in zip(asked, difference, strict=True):
            gaps[track] += gap
            counts[track] += 1
    first, second = _first(system, shared[0]), _first(best, shared[0])
    return Pairing(
        difference=paired_bootstrap(
            np.array([gaps[track] for track in counts]), np.array(list(counts.values()))
        ),
        mcnemar=mcnemar(first.right, second.right),
        runs=(first.run, second.run),
        compared=(_count(system, shared), _count(best, shared)),
        tracks=len(counts),
    )


def interval(runs: Sequence[PairedDecisions]) -> tuple[float, float]:
    """Return the 95 % interval of the mean accuracy of runs, by drawing them and their tracks."""
    tracks = {track: at for at, track in enumerate(dict.fromkeys(t for a in runs for t in a.asked))}
    right, asked = np.zeros((2, len(runs), len(tracks)), dtype=np.bool_)
    for row, answers in enumerate(runs):
        places = [tracks[track] for track in answers.asked]
        right[row, places], asked[row, places] = answers.right, True
    return accuracy_interval(right, asked)


def _share_right(system: Sequence[PairedDecisions], asked: Asked) -> NDArray[np.float64]:
    """Return for each track of `asked` the share of the runs that have it right."""
    rights = [answers.right for answers in system if answers.asked == asked]
    return np.asarray(np.mean(rights, axis=0), dtype=np.float64)


def _count(system: Sequence[PairedDecisions], shared: Sequence[Asked]) -> int:
    return sum(answers.asked in shared for answers in system)


def _first(system: Sequence[PairedDecisions], asked: Asked) -> PairedDecisions:
    return next(answers for answers in system if answers.asked == asked)


def _why(one: PairedDecisions, other: PairedDecisions) -> str:
    mine, theirs = dict(one.asked), dict(other.asked)
    common = mine.keys() & theirs.keys()
    relabelled = sum(mine[track] != theirs[track] for track in common)
    if mine.keys() == theirs.keys():
        return f"other truths: {relabelled} of {len(common)} {one.part} tracks"
    return f"other {one.part} tracks: {len(common)} of {len(mine)} in common"
