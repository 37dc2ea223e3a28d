"""Published facts about GTZAN's tracks: partitions and artists.

Sources: the fault-filtered partition is that of C. Kereliuk, B. L. Sturm, J. Larsen, "Deep Learning
and Music Adversaries", IEEE Transactions on Multimedia 17(11), 2015; the three artist-filtered
folds with their artist numbers are J. Foleiss' (gtzan_sturm_filter_3folds_stratified), after
B. L. Sturm, "The GTZAN dataset: Its contents, its faults, their effects on evaluation, and its
future use", arXiv 1306.1461, 2013. `scripts/make_gtzan_partitions.py` made the compact file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

_PARTS = {"t": "train", "v": "validation", "s": "test"}


@dataclass(frozen=True)
class GtzanFacts:
    """What is published about the tracks of GTZAN; a track that is absent is not covered.

    Attributes:
        fault_filtered: part of each of 930 track ids.
        artist_folds: fold (`1` to `3`) in which each of 948 track ids is tested.
        artists: artist number of each of the 948 track ids.
    """

    fault_filtered: dict[str, str]
    artist_folds: dict[str, str]
    artists: dict[str, str]


@cache
def gtzan_facts() -> GtzanFacts:
    """Return the published facts."""
    text = resources.files("genrecls.datasets").joinpath("gtzan_partitions.json").read_text()
    facts = GtzanFacts({}, {}, {})
    for genre, lines in json.loads(text)["genres"].items():
        # `7*3 8` are three tracks of artist 7 and one of artist 8.
        runs = [run.partition("*") for run in lines["artists"].split()]
        artists = [artist for artist, _, length in runs for _ in range(int(length or 1))]
        columns = zip(lines["fault_filtered"], lines["folds"], artists, strict=True)
        for number, (part, fold, artist) in enumerate(columns):
            track = f"{genre}.{number:05d}"
            if part != "-":
                facts.fault_filtered[track] = _PARTS[part]
            if fold != "-":
                facts.artist_folds[track] = fold
                facts.artists[track] = f"artist {artist}"
    return facts
