"""Who plays the tracks of one's own music: as their tags say, or the folders they lie in.

One artist is written in many ways, and each way would be an artist of its own to a split. So names
are compared without case, accents, punctuation, a leading "the" and what follows "feat."; where two
artists become one by that, a split keeps them together, which is harmless.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Literal

from genrecls.datasets.base import Dataset, Track
from genrecls.errors import DataError
from genrecls.parallel import parallel_map

ArtistSource = Literal["tags", "folders"]

_NOBODY = {
    "",
    "unknown",
    "unknown artist",
    "various",
    "various artists",
    "va",
    "v.a.",
    "compilations",
}
_GUESTS = re.compile(r"(?<=\S)[\s(\[]+(?:feat|ft|featuring)\b.*", re.IGNORECASE)
_THE = re.compile(r"^the\s+(?=\S)|,\s*the$")
# Threads wait for the disk here; they do not compute.
_THREADS = 8
_WORTH_SHOWING = 200


def with_artists(tracks: Sequence[Track], source: ArtistSource) -> tuple[Track, ...]:
    """Return the tracks with the artists that `source` gives, or None where it gives none.

    Args:
        tracks: tracks whose ids are paths with `/`.
        source: `tags` takes the album artist or else the artist; `folders` the folder that lies in
            the one that has the name of the genre, as in `<root>/<genre>/<artist>/<file>`.

    Raises:
        DataError: `source` knows the artist of no track at all.
    """
    names = _read(tracks, source)
    if tracks and not any(names):
        expected = {
            "tags": "expected files with an artist tag",
            "folders": "expected <root>/<genre>/<artist>/<file>",
        }
        raise DataError(
            f"dataset.artists={source}: no artist found for any of {len(tracks)} files; "
            f"{expected[source]}, or set dataset.artists=null"
        )
    return tuple(replace(track, artist=name) for track, name in zip(tracks, names, strict=True))


def suggest(dataset: Dataset) -> str | None:
    """Return a line that says how the artists of a data set could be known.

    Returns:
        None where some are known already, or where neither the tags of most files nor sub-folders
        of most genres could name them.
    """
    if dataset.name != "folder" or any(track.artist for track in dataset.tracks):
        return None
    known = [name for name in _read(dataset.tracks, "tags") if name]
    artists = len(set(known))
    if 2 * len(known) >= len(dataset.tracks) and artists >= 2:
        return (
            f"artists are not known; {len(known)} of {len(dataset.tracks)} files have an artist "
            f"tag ({artists} artists): dataset.artists=tags"
        )
    inside: defaultdict[str, set[str]] = defaultdict(set)
    for track in dataset.tracks:
        if folder := _folder(track):
            inside[track.label].add(folder)
    divided = sum(len(folders) >= 2 for folders in inside.values())
    if 2 * divided > len(dataset.labels):
        return (
            f"artists are not known; {divided} of {len(dataset.labels)} genres have several "
            "sub-folders; if those are artists: dataset.artists=folders"
        )
    return None


def one_spelling(names: Sequence[str | None]) -> list[str | None]:
    """Return the names with one spelling an artist, the most frequent one, without guests."""
    tidy = [_tidy(name or "") for name in names]
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name in tidy:
        spellings[spelling_key(name)][name] += 1
    best = {key: min(n, key=lambda name: (-n[name], name)) for key, n in spellings.items()}
    return [best[spelling_key(name)] or None for name in tidy]


def _read(tracks: Sequence[Track], source: ArtistSource) -> list[str | None]:
    if source == "folders":
        return one_spelling([_folder(track) for track in tracks])
    title = "Reading tags" if len(tracks) > _WORTH_SHOWING else ""
    return one_spelling(parallel_map(read_artist_tag, tracks, title, threads=_THREADS))


def _folder(track: Track) -> str | None:
    folders = PurePosixPath(track.id).parts[:-1]
    inside = folders[folders.index(track.label) + 1 :] if track.label in folders else ()
    return inside[0] if inside else None


def read_artist_tag(track: Track) -> str | None:
    """Return the album artist or else the artist of a file's tags; None where there is none."""
    from tinytag import TinyTag, TinyTagException

    # To open a pipe would be to wait for ever.
    if not track.path.is_file():
        return None
    try:
        tag = TinyTag.get(track.path, duration=False)
    except (OSError, TinyTagException):
        # Whether the file can be used is for `data verify` to say, not for its tags.
        return None
    names = (tag.albumartist, tag.artist)
    return next((name for name in names if name and _tidy(name)), None)


def _tidy(name: str) -> str:
    """Return a name without guests and in one line; empty where it names nobody."""
    printable = "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in name)
    # What follows a semicolon is a further artist in the tags of several programs.
    first = _GUESTS.sub("", printable.partition(";")[0])
    tidy = " ".join(first.split())
    return "" if tidy.casefold() in _NOBODY else tidy


def spelling_key(name: str) -> str:
    """Return what the spellings of one artist have in common."""
    plain = _THE.sub("", unicodedata.normalize("NFKD", name.casefold()))
    # Marks of the Latin, Greek and Cyrillic scripts only: elsewhere they are vowels.
    kept = (
        c for c in plain if unicodedata.category(c)[0] in "LNM" and not "\u0300" <= c < "\u0370"
    )
    return "".join(kept) or plain
