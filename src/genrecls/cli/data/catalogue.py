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
from genrecls.reports.tables import Column, Table


def list_datasets(overrides: Sequence[str]) -> int:
    """Print a line for each data set: what it is, and whether it is here."""
    root = data_root_of(compose("data", overrides))
    rows = []
    for name, line in choices("dataset").items():
        source = select(DATASETS, compose("data", [f"dataset={name}"])["dataset"], "dataset")
        if source.made_on_demand:
            here = "made when needed"
        else:
            try:
                here = f"{len(source.load(root).tracks)} tracks in {source.folder(root)}"
            except DataError:
                here = f"not in {source.folder(root)}"
        rows.append((name, line, here))
    show(Table(("data set", "what it is", Column("here", "path")), rows).to_terminal())
    return 0


def show_dataset(overrides: Sequence[str]) -> int:
    """Print what is known of one data set, and its genres.

    Raises:
        DataError: files that a list names are not there, and none is to be left out.
    """
    chosen, root = chosen_source(overrides)
    dataset = chosen.describe(root)
    source, ids = dataset.provenance, {track.id for track in dataset.tracks}
    made_later = "" if dataset.root.exists() else " (made by the first training)"
    facts = {
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
    rows = [(name, value) for name, value in facts.items() if value]
    show(Table(("name", Column(dataset.name, "path")), rows).to_terminal())

    numbers = (Column(n, "number") for n in ("tracks", "known artists", "tracks without artist"))
    genres = []
    for label in dataset.labels:
        tracks = [track for track in dataset.tracks if track.label == label]
        known = [track.artist for track in tracks if track.artist is not None]
        numbered = (len(tracks), len(set(known)), len(tracks) - len(known))
        genres.append((label, *map(str, numbered)))
    show(Table(("genre", *numbers), genres).to_terminal())
    for remark in dataset.remarks:
        warn(remark)
    if hint := suggest(dataset):
        say(hint)
    if not chosen.made_on_demand:
        try:
            dataset.ensure_present()
        except DataError as error:
            # The tables above are true nevertheless.
            if chosen.bad_audio == "error":
                raise
            warn(str(error))
    return 0
