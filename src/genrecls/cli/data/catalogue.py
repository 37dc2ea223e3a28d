"""`genrecls data list` and `info`: the data sets, and what is in one."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from genrecls.cli.data.dataset_args import chosen_source
from genrecls.config.compose import compose
from genrecls.config.options import choices
from genrecls.config.paths import data_root_of
from genrecls.config.validation import select
from genrecls.console import say, show, warn
from genrecls.datasets.artists import suggest
from genrecls.datasets.base import DATASETS, Provenance
from genrecls.errors import ConfigError, DataError
from genrecls.reports.tables import Column, Table


def list_datasets(overrides: Sequence[str]) -> int:
    """Print a line for each data set: what it is, and whether it is here."""
    root = data_root_of(compose("data", overrides))
    if others := [word for word in overrides if not word.startswith("data_root=")]:
        raise ConfigError(
            f"data list: received '{others[0]}'; allowed: data_root=<folder> alone; 'genrecls data "
            f"info {shlex.join(others)}' looks at one data set"
        )
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
        DataError: it is not here, or files that a list names are not, and none is to be left out.
    """
    chosen, root = chosen_source(overrides)
    try:
        dataset = chosen.describe(root)
    except DataError:
        # Whoever decides whether to fetch it wants to know what it is.
        if chosen.provenance is not None:
            _show_facts(chosen.title, {"title": chosen.provenance.title}, chosen.provenance)
        raise
    source, ids = dataset.provenance, {track.id for track in dataset.tracks}
    made_later = "" if dataset.root.exists() else " (made by the first training)"
    facts = {
        "title": source.title,
        "generated": "yes: this is not real music" if dataset.generated else "no",
        "folder": f"{dataset.root.absolute()}{made_later}",
        "tracks": str(len(dataset.tracks)),
    }
    partitions = {}
    for name, parts in dataset.partitions.items():
        counts = Counter(part for track, part in parts.items() if track in ids)
        sizes = ", ".join(f"{part} {count}" for part, count in sorted(counts.items()))
        partitions[f"partition {name}"] = sizes or "none of these tracks"
    _show_facts(dataset.name, facts, source, partitions)

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


def _show_facts(
    name: str,
    facts: Mapping[str, str],
    source: Provenance,
    partitions: Mapping[str, str] = MappingProxyType({}),
) -> None:
    published = {
        "citation": source.citation,
        "licence": source.licence,
        "sources": " ".join(source.urls),
        "note": source.note,
    }
    rows = [item for item in {**facts, **published, **partitions}.items() if item[1]]
    show(Table(("name", Column(name, "path")), rows).to_terminal())
