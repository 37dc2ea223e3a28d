"""The leak check: what is on more than one side of a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from genrecls.errors import LeakError
from genrecls.splits.base import PARTS, LeakKind, Part, Split, SplitInput, known_artists

_ADVICE: dict[LeakKind, str] = {
    "track": "a track must be whole in one part",
    "artist": "choose split=artist, or split=track, which declares it",
    "audio": "remove the copies ('genrecls data verify' lists them) or choose split=track, which "
    "keeps identical recordings together",
}


@dataclass(frozen=True)
class Leak:
    """One thing that is on more than one side.

    Attributes:
        kind: what kind of thing.
        name: the track id, the artist, or the track ids of one recording.
        parts: the parts in which it is.
    """

    kind: LeakKind
    name: str
    parts: tuple[Part, ...]


def find_leaks(split: Split, data: SplitInput) -> list[Leak]:
    """Return all leaks of `split`, declared or not, in a stable order."""
    artists = known_artists(data.dataset.tracks)
    copies: dict[str, list[str]] = {}
    for track, digest in sorted(data.audio_digests.items()):
        copies.setdefault(digest, []).append(track)
    recordings = {
        track: " = ".join(copies[digest])
        for track, digest in data.audio_digests.items()
        if len(copies[digest]) > 1
    }
    tracks = {track.id: track.id for track in data.dataset.tracks}
    return [
        *_shared(split, "track", tracks),
        *_shared(split, "artist", artists),
        *_shared(split, "audio", recordings),
    ]


def ensure_declared(split: Split, leaks: list[Leak]) -> None:
    """Refuse a split that leaks what it does not declare.

    Raises:
        LeakError: names the first undeclared leak, how many there are, and what to do.
    """
    undeclared = [leak for leak in leaks if leak.kind not in split.leaks]
    if undeclared:
        first = undeclared[0]
        raise LeakError(
            f"split={split.name} leaks: {first.kind} '{first.name}' is in "
            f"{' and '.join(first.parts)} ({len(undeclared)} such leak(s) in all); "
            f"{_ADVICE[first.kind]}"
        )


def _shared(split: Split, kind: LeakKind, names: Mapping[str, str]) -> list[Leak]:
    sides: dict[str, set[Part]] = {}
    for part in PARTS:
        for track in split.parts[part]:
            if track in names:
                sides.setdefault(names[track], set()).add(part)
    return [
        Leak(kind, name, tuple(part for part in PARTS if part in parts))
        for name, parts in sorted(sides.items())
        if len(parts) > 1
    ]
