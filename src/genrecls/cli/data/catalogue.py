"""`genrecls data list` and `info`: the data sets, and what is in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genrecls.cli.data.dataset_args import chosen_source, data_root_of
from genrecls.config.compose import compose
from genrecls.config.options import choices
from genrecls.config.validation import select
from genrecls.console import say, show
from genrecls.datasets.artists import suggest
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource
from genrecls.errors import DataError


def list_datasets(overrides: Sequence[str]) -> int:
    """Show every data set, what it is and whether it is here."""
    from rich.table import Table

    root = data_root_of(compose("data", overrides))
    table = Table()
    for column in ("data set", "what it is", "here"):
        table.add_column(column, overflow="fold")
    for name, line in choices("dataset").items():
        source = select(DATASETS, compose("data", [f"dataset={name}"])["dataset"], "dataset")
        table.add_row(name, line, _presence(source, root))
    show(table)
    return 0


def _presence(source: DatasetSource, root: Path) -> str:
    if source.made_on_demand:
        return "made when needed"
    try:
        return f"{len(source.load(root).tracks)} tracks in {source.folder(root)}"
    except DataError:
        return f"not in {source.folder(root)}"


def show_dataset(overrides: Sequence[str]) -> int:
    """Show facts and genres of the data set that the overrides choose."""
    from rich.table import Table

    source, root = chosen_source(overrides)
    dataset = source.load(root)
    facts = Table(show_header=False)
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    for name, value in _facts(dataset).items():
        facts.add_row(name, value)
    show(facts)
    show(_genres(dataset))
    if hint := suggest(dataset):
        say(hint)
    return 0


def _genres(dataset: Dataset) -> Any:
    from rich.table import Table

    genres = Table()
    for column in ("genre", "tracks", "known artists", "tracks without artist"):
        genres.add_column(column, justify="left" if column == "genre" else "right")
    for label in dataset.labels:
        tracks = [track for track in dataset.tracks if track.label == label]
        known = [track.artist for track in tracks if track.artist is not None]
        genres.add_row(label, str(len(tracks)), str(len(set(known))), str(len(tracks) - len(known)))
    return genres


def _facts(dataset: Dataset) -> dict[str, str]:
    source = dataset.provenance
    ids = {track.id for track in dataset.tracks}
    facts = {
        "name": dataset.name,
        "title": source.title,
        "generated": "yes: this is not real music" if dataset.generated else "no",
        "folder": str(dataset.root.absolute()),
        "tracks": str(len(dataset.tracks)),
        "citation": source.citation,
        "licence": source.licence,
        "sources": " ".join(source.urls),
        "note": source.note,
    }
    for name, parts in dataset.partitions.items():
        counts = Counter(part for track, part in parts.items() if track in ids)
        sizes = ", ".join(f"{part} {count}" for part, count in sorted(counts.items()))
        facts[f"partition {name}"] = sizes or "none of these tracks"
    return {name: value for name, value in facts.items() if value}
