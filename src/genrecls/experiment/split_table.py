"""Where each track of a run is: `split.csv`, for people and spreadsheets; nothing reads it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from genrecls.datasets.base import Dataset, Track
from genrecls.experiment.prepare import PreparedData
from genrecls.files.tables import write_table
from genrecls.splits.base import PARTS, Splitter

_COLUMNS = ("track", "path", "genre", "artist", "part", "segments", "reason")


def write_split_table(path: Path, splitter: Splitter, dataset: Dataset, data: PreparedData) -> None:
    """Write a row for each track and part that has segments of it.

    A track in no part has one row without a part, which says why.

    Args:
        path: the file.
        splitter: what made the split.
        dataset: all tracks, those that cannot be used among them.
        data: what became of them.
    """
    write_table(path, _COLUMNS, _rows(splitter, dataset, data))


def _rows(
    splitter: Splitter, dataset: Dataset, data: PreparedData
) -> Iterator[tuple[str | int, ...]]:
    rejected = {bad.track: f"{bad.code}: {bad.detail}" for bad in data.rejected}
    for track in dataset.tracks:
        about = (track.id, str(track.path), track.label, track.artist or "")
        counts = {part: len(data.split.parts[part].get(track.id, ())) for part in PARTS}
        if any(counts.values()):
            yield from ((*about, part, n, "") for part, n in counts.items() if n)
        else:
            yield (*about, "", 0, rejected.get(track.id) or _why_unused(splitter, track))


def _why_unused(splitter: Splitter, track: Track) -> str:
    if splitter.published is not None:
        return f"the partition '{splitter.published}' does not name it"
    if track.artist is None:
        return "its artist is not known"
    return f"split={splitter.name} names no part for it"
