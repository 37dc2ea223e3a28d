"""What an audit of splits means, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from genrecls.reports.pages import Banner
from genrecls.split_audit.audit import Audit, AuditedSplit
from genrecls.split_audit.score_inflation import DRAWS, MODELS, Estimate

METHOD = (
    "Accuracy is that of the TEST part, per track, of two small models that have nothing to "
    "select: logistic regression and the nearest neighbour, on the standardised mean and standard "
    "deviation of 13 MFCC over each segment. A large model can profit more from a leak, or less. "
    "Points are percentage points above split={honest}, and only of splits that are less honest: "
    "what equally honest ones score differs by chance. In brackets 95 % intervals: {draws} "
    "draws with replacement of artists (tracks, where artists are not known) and of {seeds}; the "
    "models of a seed are not trained anew for a draw. Parts of different sizes, and tracks in no "
    "part, also move a score."
)
COPIES = (
    "Copies are found by landmarks, pairs of spectral peaks that agree at one distance in time "
    "(Wang, ISMIR 2003): from 12 % of them on two tracks are one recording, whatever was done to "
    "its level, start, encoding or tone; from 2 % on they have something in common, such as a "
    "sample or a loop. Copies at another speed or pitch are not found."
)


def method(audit: Audit) -> str:
    """Return how the scores were measured."""
    seeds = f"{audit.plan.repeats} seed{'s' if audit.plan.repeats > 1 else ''}"
    return METHOD.format(draws=DRAWS, seeds=seeds, honest=audit.honest)


def untested(split: AuditedSplit) -> str:
    """Return which genres the test part lacks, or nothing."""
    missing = split.standing.untested
    return f"; its test part has no {', '.join(missing)}" if missing else ""


def points(found: Estimate) -> str:
    """Return `+12.3 [+8.0, +16.9]`, in percentage points."""
    low, high = found.interval
    return f"{100 * found.mean:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def expectation(split: AuditedSplit, audit: Audit) -> str:
    """Return what to expect of a score that is made with a split."""
    return f"{_expectation(split, audit)}{untested(split)}"


def _expectation(split: AuditedSplit, audit: Audit) -> str:
    if split.name == audit.honest:
        copies = len(split.standing.copies)
        but = f", although it has {copies} pairs of copies on both sides" if copies else ""
        return f"the most honest split here, with which the others are compared{but}"
    if split.sound:
        return (
            f"as honest as split={audit.honest}: its score differs by chance, its tracks and the "
            "sizes of its parts, not by a leak"
        )
    found = split.inflation
    told = " and ".join(f"{points(found[m])} points with {MODELS[m]}" for m in MODELS)
    above = f"{told}, above split={audit.honest} on the test part"
    if any(each.interval[0] > 0 for each in found.values()):
        return f"expect about {above}"
    return f"no inflation that so many tracks could prove: {above}"


def findings(audit: Audit) -> list[Banner]:
    """Return what has to be known before a split is chosen, gravest first."""
    return [*_leaky(audit), *_copies(audit), *_artists(audit), *_data(audit)]


def _leaky(audit: Audit) -> Iterator[Banner]:
    for split in audit.splits:
        if split.leaky:
            text = f"{split.standing.torn} tracks have segments on more than one side; "
            text += f"{expectation(split, audit)}."
            yield Banner("leaky", f"LEAKY split {split.name}", text)


def _copies(audit: Audit) -> Iterator[Banner]:
    copies = [match for match in audit.matches if match.copies]
    if copies:
        wrong = sum(match.contradictory for match in copies)
        text = "Splits by track keep only identical ones together: leave one of each pair out. "
        text += f"{wrong} of the pairs have two different genres." if wrong else ""
        many = "1 pair of tracks is" if len(copies) == 1 else f"{len(copies)} pairs of tracks are"
        yield Banner("caution", f"{many} one recording", text)


def _artists(audit: Audit) -> Iterator[Banner]:
    tracks = audit.heard.dataset.tracks
    unknown = sum(track.artist is None for track in tracks)
    if unknown:
        text = "Nobody can say whether they are on several sides of a split"
        text += f"; {audit.suggestion}." if audit.suggestion else "."
        yield Banner("caution", f"The artists of {unknown} of {len(tracks)} are not known", text)


def _data(audit: Audit) -> Iterator[Banner]:
    if audit.heard.rejected:
        first = next(iter(audit.heard.rejected.values()))
        many = len(audit.heard.rejected)
        title = "1 file cannot be used" if many == 1 else f"{many} files cannot be used"
        yield Banner("caution", title, f"The first: {first}")
    for name, reason in audit.left_out.items():
        yield Banner("caution", f"split={name} cannot be made", reason)
    if audit.heard.dataset.generated:
        text = "The tracks were made by a program; real music may differ."
        yield Banner("generated", "Generated data", text)
