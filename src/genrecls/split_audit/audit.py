"""The whole audit: listen once, find copies, make every split, measure what it flatters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genrecls.console import progress
from genrecls.datasets.artists import suggest
from genrecls.datasets.base import Dataset
from genrecls.errors import DataError
from genrecls.features.mfcc import Mfcc
from genrecls.features.segmentation import SegmentRule
from genrecls.split_audit.near_duplicates import alike, pairs
from genrecls.split_audit.overlap import Match, Standing, matches, standing
from genrecls.split_audit.scan import AudioScan, listen
from genrecls.split_audit.score_inflation import (
    MODELS,
    Estimate,
    Resampling,
    SeedDecisions,
    accuracy,
    answers,
    estimate,
)
from genrecls.splits.base import Split, Splitter


@dataclass(frozen=True)
class AuditSettings:
    """What is asked for.

    Attributes:
        splits: by the name that is shown.
        skip: leave out, with the reason, what the data do not allow; otherwise it is an error.
        seed: of the splits that are shown; scores are means over this and the next ones.
        repeats: number of seeds.
    """

    splits: Mapping[str, Splitter]
    skip: bool
    spec: Mfcc
    rule: SegmentRule
    seed: int
    repeats: int


@dataclass(frozen=True)
class AuditedSplit:
    """One split.

    Attributes:
        leaky: whether pieces of one track are on several sides.
        sound: whether it is as honest as the split that the others are compared with.
        accuracy: of the test part, per track, by classifier.
        inflation: accuracy less that with the most honest split, by classifier; empty where the
            split is sound, for then the difference tells of no leak.
    """

    name: str
    leaky: bool
    sound: bool
    standing: Standing
    accuracy: Mapping[str, Estimate]
    inflation: Mapping[str, Estimate]

    @property
    def title(self) -> str:
        """The name, and that it is leaky."""
        return f"{self.name} (LEAKY)" if self.leaky else self.name


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        heard: the tracks that can be used, and those that cannot.
        matches: tracks with something in common, the largest share first.
        alike: suspiciously similar tracks that share no landmarks, with their cosine.
        splits: in the order in which they were asked for.
        left_out: splits that the data do not allow, with the reason.
        honest: name of the split that the others are compared with.
        suggestion: how more artists could be known; None where there is nothing to suggest.
    """

    plan: AuditSettings
    heard: AudioScan
    matches: tuple[Match, ...]
    alike: tuple[tuple[str, str, float], ...]
    splits: tuple[AuditedSplit, ...]
    left_out: Mapping[str, str]
    honest: str
    suggestion: str | None


def audit(dataset: Dataset, plan: AuditSettings) -> Audit:
    """Listen to a data set and look at each split of it.

    Raises:
        DataError: no file can be used, or no split can be made.
    """
    heard = listen(dataset, plan.spec, plan.rule)
    found = _matches(heard)
    made, left_out = _made(heard, plan)
    standings = {name: standing(heard, splits[0], found) for name, splits in made.items()}
    honest, sound = _honesty(plan, made, standings)
    scores = _scores(heard, made, (honest, sound), plan.seed)
    return Audit(
        plan=plan,
        heard=heard,
        matches=tuple(found),
        alike=_alike(heard, found),
        splits=tuple(
            AuditedSplit(
                name=name,
                leaky=splits[0].leaky,
                sound=name in sound,
                standing=standings[name],
                accuracy=scores[name][0],
                inflation=scores[name][1],
            )
            for name, splits in made.items()
        ),
        left_out=left_out,
        honest=honest,
        suggestion=suggest(dataset),
    )


def _matches(heard: AudioScan) -> list[Match]:
    prints = [recording.fingerprint for recording in heard.recordings.values()]
    with progress("Comparing fingerprints", len(prints)) as advance:
        return matches(heard, pairs(prints, advance))


def _alike(heard: AudioScan, found: Sequence[Match]) -> tuple[tuple[str, str, float], ...]:
    ids, known = list(heard.recordings), {(match.first, match.second) for match in found}
    near = alike([recording.statistics for recording in heard.recordings.values()])
    named = ((ids[pair.first], ids[pair.second], pair.cosine) for pair in near)
    return tuple(each for each in named if each[:2] not in known)


def _made(heard: AudioScan, plan: AuditSettings) -> tuple[dict[str, list[Split]], dict[str, str]]:
    """Return the splits of all seeds, and why some cannot be made."""
    made: dict[str, list[Split]] = {}
    left_out: dict[str, str] = {}
    seeds = range(plan.seed, plan.seed + plan.repeats)
    for name, splitter in plan.splits.items():
        try:
            made[name] = [splitter.assign(heard.material, seed) for seed in seeds]
        except DataError as reason:
            if not plan.skip:
                raise
            left_out[name] = str(reason)
    if not made:
        raise DataError(f"no split can be made; the first: {next(iter(left_out.values()), '')}")
    return made, left_out


def _honesty(
    plan: AuditSettings, made: Mapping[str, list[Split]], standings: Mapping[str, Standing]
) -> tuple[str, set[str]]:
    """Return the split that the others are compared with, and all that are as honest."""
    faults = {name: _faults(made[name][0], standings[name]) for name in made}
    honest = min(made, key=lambda name: (faults[name], _preference(plan, name, standings[name])))
    # What is dealt at random by rules of equal leaks has more or fewer faults by chance alone.
    rules = {
        name: splits[0].leaks
        for name, splits in made.items()
        if plan.splits[name].published is None
    }
    alike = {name for name in rules if honest in rules and rules[name] == rules[honest]}
    return honest, alike | {name for name in made if faults[name] == faults[honest]}


def _faults(split: Split, found: Standing) -> tuple[int, int, int]:
    """Return how much stands on several sides, the gravest first."""
    # Where artists may be shared, those who are not known may be on both sides as well.
    artists = len(found.artists) + (found.unknown if "artist" in split.leaks else 0)
    return found.torn, artists, len(found.copies)


def _preference(plan: AuditSettings, name: str, found: Standing) -> tuple[bool, int]:
    """Return which of two equally honest splits the others are compared with.

    Many seeds of one rule say more than the one test part that was published; else the test part
    with more tracks does.
    """
    return plan.splits[name].published is not None, -found.total("test").tracks


Scores = tuple[dict[str, Estimate], dict[str, Estimate]]


def _scores(
    heard: AudioScan, made: Mapping[str, list[Split]], honesty: tuple[str, set[str]], seed: int
) -> dict[str, Scores]:
    """Return accuracy and inflation of each split, by classifier."""
    honest, sound = honesty
    with progress("Trying the splits", sum(map(len, made.values()))) as advance:
        found = {name: answers(heard, splits, advance) for name, splits in made.items()}
    resampling = Resampling.of(heard, seed)
    return {
        name: _estimates(found[name], None if name in sound else found[honest], resampling)
        for name in made
    }


def _estimates(
    own: Mapping[str, SeedDecisions],
    honest: Mapping[str, SeedDecisions] | None,
    resampling: Resampling,
) -> Scores:
    means = {model: accuracy(own[model]) for model in MODELS}
    drawn = {model: resampling.scores(own[model]) for model in MODELS}
    scores = {model: estimate(means[model], drawn[model]) for model in MODELS}
    if honest is None:
        return scores, {}
    less = {
        model: estimate(
            means[model] - accuracy(honest[model]), drawn[model] - resampling.scores(honest[model])
        )
        for model in MODELS
    }
    return scores, less
