"""The whole audit: read the audio once, find copies, make every split, measure what it flatters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genrecls.console import progress
from genrecls.datasets.artists import suggest
from genrecls.datasets.base import Dataset
from genrecls.errors import DataError
from genrecls.features.cache import FeatureStore
from genrecls.features.mfcc import Mfcc
from genrecls.features.segmentation import SegmentRule
from genrecls.split_audit.near_duplicates import pairs, resembling
from genrecls.split_audit.overlap import Match, Overlap, find_matches, overlap_of
from genrecls.split_audit.scan import AudioScan, scan
from genrecls.split_audit.score_inflation import (
    MODELS,
    Estimate,
    Resampling,
    SeedDecisions,
    decide,
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
        honest: whether it is as honest as the split that the others are compared with.
        accuracy: of the test part, per track, by classifier.
        inflation: accuracy less that with the most honest split, by classifier; empty where the
            split is as honest, for then the difference tells of no leak.
    """

    name: str
    leaky: bool
    honest: bool
    overlap: Overlap
    accuracy: Mapping[str, Estimate]
    inflation: Mapping[str, Estimate]

    @property
    def title(self) -> str:
        """The name, and that it is leaky."""
        return f"{self.name} (LEAKY)" if self.leaky else self.name


@dataclass(frozen=True)
class Audit:
    """The result.

    Attributes:
        scan: the tracks that can be used, and those that cannot.
        matches: tracks with something in common, the largest share first.
        similar: suspiciously similar tracks that share no landmarks, with their cosine.
        splits: in the order in which they were asked for.
        left_out: splits that the data do not allow, with the reason.
        most_honest: name of the split that the others are compared with.
        suggestion: how more artists could be known; None where there is nothing to suggest.
    """

    plan: AuditSettings
    scan: AudioScan
    matches: tuple[Match, ...]
    similar: tuple[tuple[str, str, float], ...]
    splits: tuple[AuditedSplit, ...]
    left_out: Mapping[str, str]
    most_honest: str
    suggestion: str | None


def audit(dataset: Dataset, plan: AuditSettings, store: FeatureStore) -> Audit:
    """Read the audio of a data set (from `store` where it was read before) and judge each split.

    Raises:
        DataError: no file can be used, or no split can be made.
    """
    audio = scan(dataset, plan.spec, plan.rule, store)

    # What is on the same recording, and what merely sounds like it.
    ids, recordings = list(audio.recordings), list(audio.recordings.values())
    with progress("Comparing fingerprints", len(recordings)) as advance:
        shared = pairs([recording.fingerprint for recording in recordings], advance)
    matches = find_matches(audio, shared)
    known = {(match.first, match.second) for match in matches}
    similar = (
        (ids[pair.first], ids[pair.second], pair.cosine)
        for pair in resembling([recording.statistics for recording in recordings])
    )

    splits, left_out = make_splits(audio, plan)
    overlaps = {name: overlap_of(audio, made[0], matches) for name, made in splits.items()}
    most_honest, honest = rank_by_honesty(plan, splits, overlaps)

    with progress("Trying the splits", sum(map(len, splits.values()))) as advance:
        decisions = {name: decide(audio, made, advance) for name, made in splits.items()}
    resampling = Resampling.of(audio, plan.seed)
    audited = []
    for name, made in splits.items():
        compared = None if name in honest else decisions[most_honest]
        scores, inflation = _estimates(decisions[name], compared, resampling)
        leaky = made[0].leaky
        audited.append(AuditedSplit(name, leaky, name in honest, overlaps[name], scores, inflation))
    return Audit(
        plan=plan,
        scan=audio,
        matches=tuple(matches),
        similar=tuple(each for each in similar if each[:2] not in known),
        splits=tuple(audited),
        left_out=left_out,
        most_honest=most_honest,
        suggestion=suggest(dataset),
    )


def make_splits(
    audio: AudioScan, plan: AuditSettings
) -> tuple[dict[str, list[Split]], dict[str, str]]:
    """Return the splits of all seeds by name, and why some cannot be made.

    Raises:
        DataError: none can be made, or one that may not be skipped.
    """
    splits: dict[str, list[Split]] = {}
    left_out: dict[str, str] = {}
    seeds = range(plan.seed, plan.seed + plan.repeats)
    for name, splitter in plan.splits.items():
        try:
            splits[name] = [splitter.assign(audio.split_input, seed) for seed in seeds]
        except DataError as reason:
            if not plan.skip:
                raise
            left_out[name] = str(reason)
    if not splits:
        raise DataError(f"no split can be made; the first: {next(iter(left_out.values()), '')}")
    return splits, left_out


def rank_by_honesty(
    plan: AuditSettings, splits: Mapping[str, Sequence[Split]], overlaps: Mapping[str, Overlap]
) -> tuple[str, set[str]]:
    """Return the split that the others are compared with, and all that are as honest."""
    faults = {}
    for name in splits:
        overlap = overlaps[name]
        # Artists who are not known may be on both sides as well. The gravest first.
        artists = len(overlap.artists) + overlap.unknown
        faults[name] = overlap.divided_tracks, artists, len(overlap.copies)

    def order(name: str) -> tuple[tuple[int, int, int], bool, int]:
        # Of two equally honest splits: many seeds of one rule say more than the one test part that
        # was published; else the test part with more tracks does.
        published = plan.splits[name].published is not None
        return faults[name], published, -overlaps[name].total("test").tracks

    most_honest = min(splits, key=order)
    # What is assigned at random by rules of equal leaks has more or fewer faults by chance alone.
    rules = {
        name: made[0].leaks for name, made in splits.items() if plan.splits[name].published is None
    }
    by_chance = {n for n in rules if most_honest in rules and rules[n] == rules[most_honest]}
    return most_honest, by_chance | {n for n in splits if faults[n] == faults[most_honest]}


def _estimates(
    own: Mapping[str, SeedDecisions],
    honest: Mapping[str, SeedDecisions] | None,
    resampling: Resampling,
) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """Return accuracy, and inflation against an honest split if there is one, by classifier."""
    scores: dict[str, Estimate] = {}
    inflation: dict[str, Estimate] = {}
    for model in MODELS:
        scores[model] = resampling.accuracy(own[model])
        if honest is not None:
            inflation[model] = resampling.inflation(own[model], honest[model])
    return scores, inflation
