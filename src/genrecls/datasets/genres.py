"""Which genres of one's own music are used, and which of their names mean the same."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from genrecls.console import several
from genrecls.datasets.artists import spelling_key
from genrecls.datasets.base import Track
from genrecls.errors import ConfigError, nearest

Merge = Literal["spellings"] | Mapping[str, tuple[str, ...]] | None
"""Genres that become one: those that differ in spelling alone, or the names of each new genre."""


def merge_genres(tracks: Sequence[Track], merge: Merge) -> tuple[Track, ...]:
    """Return the tracks with one name for the genres that `merge` makes one.

    Of several spellings the most frequent one stays, of equally frequent ones the first by
    alphabet.

    Raises:
        ConfigError: `merge` names a genre that is not there, or one twice.
    """
    counts = Counter(track.label for track in tracks)
    new: dict[str, str] = {}
    if merge == "spellings":
        for spellings in _spellings(counts).values():
            best = min(spellings, key=lambda name: (-counts[name], name))
            new.update(dict.fromkeys(spellings, best))
    elif merge:
        for genre, names in merge.items():
            for name in names:
                _ensure_known("merge", name, counts)
                if new.setdefault(name, genre) != genre:
                    raise ConfigError(
                        f"dataset.merge: '{name}' is to become '{new[name]}' and '{genre}'; "
                        "name it once"
                    )
    return tuple(replace(track, label=new.get(track.label, track.label)) for track in tracks)


def remark_spellings(tracks: Sequence[Track]) -> tuple[str, ...]:
    """Return a line for each genre that seems to have several names, with the way to merge them."""
    counts = Counter(track.label for track in tracks)
    lines = []
    for names in _spellings(counts).values():
        if len(names) > 1:
            # Composed and decomposed accents look the same: such names are shown in escapes.
            looks = Counter(unicodedata.normalize("NFC", name) for name in names)
            shown = ", ".join(
                f"{repr(name) if looks[unicodedata.normalize('NFC', name)] == 1 else ascii(name)} "
                f"({several(counts[name], 'track')})"
                for name in names
            )
            lines.append(
                f"these genres differ in spelling alone: {shown}; make them one with "
                "dataset.merge=spellings, or only some of them with dataset.merge={<genre>:[<name>,"
                "<name>]}"
            )
    return tuple(lines)


def choose_genres(
    tracks: Sequence[Track], genres: Sequence[str] | None, exclude: Sequence[str], min_tracks: int
) -> tuple[tuple[Track, ...], tuple[str, ...]]:
    """Return the tracks of the genres that are to be used, and a line for what is left out.

    Args:
        tracks: of all genres.
        genres: the genres to be used; None is all.
        exclude: genres that are not.
        min_tracks: a genre of fewer tracks is left out.

    Raises:
        ConfigError: `genres` or `exclude` names a genre that is not there.
    """
    counts = Counter(track.label for track in tracks)
    for key, given in (("genres", genres or ()), ("exclude", exclude)):
        for name in given:
            _ensure_known(key, name, counts)
    wanted = set(counts if genres is None else genres) - set(exclude)
    small = {name for name in wanted if counts[name] < min_tracks}
    lines = []
    for names, reason in (
        (set(counts) - wanted, "dataset.genres and dataset.exclude say so"),
        (small, f"dataset.min_tracks={min_tracks}"),
    ):
        if names:
            shown = ", ".join(
                f"{name} ({several(counts[name], 'track')})" for name in sorted(names)
            )
            lines.append(f"left out {several(len(names), 'genre')}: {shown}: {reason}")
    kept = wanted - small
    return tuple(track for track in tracks if track.label in kept), tuple(lines)


def _spellings(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Return the names that share a key, each list sorted."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(counts):
        names[spelling_key(name)].append(name)
    return names


def _ensure_known(key: str, name: str, counts: Mapping[str, int]) -> None:
    if name not in counts:
        raise ConfigError(
            f"dataset.{key}: no genre '{name}'; there are {', '.join(sorted(counts)) or 'none'}"
            f"{nearest(name, counts)}"
        )
