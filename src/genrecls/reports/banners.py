"""What a reader has to know before believing the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genrecls.reports.values import Metrics

_LEAKY = (
    "Segments of one track are in the train part and in the test part. The model has heard the "
    "tracks that it is tested on, so the scores are too high and say little about new music."
)
_SHARED = (
    "Artists are on both sides of this split, so part of a score may be recognition of an artist; "
    "split=artist keeps them apart."
)
_GENERATED = (
    "The tracks were made by a program. The scores show that everything works, not how well "
    "recorded music is classified."
)


@dataclass(frozen=True)
class Banner:
    """One warning: `kind` is its colour ("leaky", "caution" or "generated") in the page."""

    kind: str
    title: str
    text: str


def banners(metrics: Metrics) -> list[Banner]:
    """Return the warnings that a run's numbers need, gravest first."""
    return [*_of_split(metrics), *_of_data(metrics)]


def _of_split(metrics: Metrics) -> Iterator[Banner]:
    split = metrics["split"]
    caveat, leaky, shared = split["caveat"], "track" in split["leaks"], "artist" in split["leaks"]
    if leaky:
        # Who has heard the track has heard the artist: the graver warning says enough.
        yield Banner("leaky", f"LEAKY split {split['name']}", caveat or _LEAKY)
    elif shared or caveat:
        title = "Artists are shared" if shared else f"Caveat of split {split['name']}"
        yield Banner("caution", title, caveat or _SHARED)


def _of_data(metrics: Metrics) -> Iterator[Banner]:
    if metrics["dataset"]["generated"]:
        yield Banner("generated", "Generated data", _GENERATED)
    rejected = len(metrics["rejected"])
    if rejected:
        files = "1 file was" if rejected == 1 else f"{rejected} files were"
        text = f"{files} not usable and is in no part; the reasons are listed under Data."
        text = text if rejected == 1 else text.replace("and is in", "and are in")
        yield Banner("caution", "Rejected files", text)
