"""`genrecls data list` and `info`: the data sets, and what is in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from genrecls.cli.data.dataset_args import chosen_source, data_root_of
from genrecls.config.compose import compose
from genrecls.config.options import choices
from genrecls.config.validation import select
from genrecls.console import say, show, warn
from genrecls.datasets.artists import suggest
from genrecls.datasets.base import DATASETS
from genrecls.errors import DataError


def list_datasets(overrides: Sequence[str]) -> int:
    """Print a line for each data set: what it is, and whether it is here."""
    from rich.table import Table

    root = data_root_of(compose("data", overrides))
    table = Table()
    for column in ("data set", "what it is", "here"):
        table.add_column(column, overflow="fold")
    for name, line in choices("dataset").items():
        source = select(DATASETS, compose("data", [f"dataset={name}"])["dataset"], "dataset")
        if source.made_on_demand:
            here = "made when needed"
        else:
            try:
                here = f"{len(source.load(root).tracks)} tracks in {source.folder(root)}"
            except DataError:
                here = f"not in {source.folder(root)}"
        table.add_row(name, line, here)
    show(table)
    return 0


def show_dataset(overrides: Sequence[str]) -> int:
    """Print what is known of one data set, and its genres."""
    from rich.table import Table

    chosen, root = chosen_source(overrides)
    dataset = chosen.describe(root)
    source, ids = dataset.provenance, {track.id for track in dataset.tracks}
    made_later = "" if dataset.root.exists() else " (made by the first training)"
    facts = {
        "name": dataset.name,
        "title": source.title,
        "generated": "yes: this is not real music" if dataset.generated else "no",
        "folder": f"{dataset.root.absolute()}{made_later}",
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
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if value:
            table.add_row(name, value)
    show(table)

    genres = Table()
    for column in ("genre", "tracks", "known artists", "tracks without artist"):
        genres.add_column(column, justify="left" if column == "genre" else "right")
    for label in dataset.labels:
        tracks = [track for track in dataset.tracks if track.label == label]
        known = [track.artist for track in tracks if track.artist is not None]
        genres.add_row(label, str(len(tracks)), str(len(set(known))), str(len(tracks) - len(known)))
    show(genres)
    for remark in dataset.remarks:
        warn(remark)
    if hint := suggest(dataset):
        say(hint)
    return 0
