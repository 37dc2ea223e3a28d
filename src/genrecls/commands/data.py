"""`genrecls data`: what data sets there are, what is in one, whether its files can be trusted."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.arguments import Parser
from genrecls.config.catalogue import choices
from genrecls.config.compose import compose
from genrecls.config.location import expanded
from genrecls.config.validation import select
from genrecls.console import progress, quiet_libraries, say, show
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource
from genrecls.errors import ConfigError, DataError

if TYPE_CHECKING:
    from genrecls.datasets.verify import Finding

OVERRIDES = "dataset=gtzan dataset.root=<folder> ..., as for 'genrecls train'"


def main(words: Sequence[str]) -> int:
    """Do what the first word says."""
    # In two steps, so that flags and overrides may be mixed.
    options, overrides = _parser().parse_known_args(words)
    for word in overrides:
        if word.startswith("-"):
            raise ConfigError(f"unknown flag {word}; see 'genrecls data {words[0]} --help'")
    action: Callable[[argparse.Namespace, list[str]], int] = options.action
    return action(options, [*options.overrides, *overrides])


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = Parser(prog="genrecls data", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="list|info|verify|cache")
    add = _adder(actions)
    add("list", "list the data sets and whether they are here", _list)
    add("info", "show genres, tracks, artists, partitions and the source of one", _info)
    verify = add(
        "verify", "check every file of one; exit status 1 where some are unusable", _verify
    )
    verify.add_argument("--format", choices=("table", "json"), default="table")
    cache = add("cache", "list the cached features, or delete some", _cache)
    cache.add_argument("--prune", action="store_true", help="delete instead of listing")
    cache.add_argument(
        "--older", type=float, metavar="DAYS", help="only what was not used for so many days"
    )
    return parser


def _adder(actions: Any) -> Callable[..., argparse.ArgumentParser]:
    def add(name: str, about: str, action: Any) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = actions.add_parser(name, help=about, description=about)
        parser.add_argument("overrides", nargs="*", metavar="key=value", help=OVERRIDES)
        parser.set_defaults(action=action)
        return parser

    return add


def _source(overrides: Sequence[str]) -> tuple[DatasetSource, Path]:
    composed = compose("data", overrides)
    return select(DATASETS, composed["dataset"], "dataset"), _data_root(composed)


def _data_root(composed: dict[str, Any]) -> Path:
    root = composed["data_root"]
    if not isinstance(root, str):
        raise ConfigError(f"data_root: received {json.dumps(root)}; allowed: a folder")
    return expanded(root, "data_root")


def _list(_: argparse.Namespace, overrides: list[str]) -> int:
    from rich.table import Table

    root = _data_root(compose("data", overrides))
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


def _info(_: argparse.Namespace, overrides: list[str]) -> int:
    from rich.table import Table

    source, root = _source(overrides)
    dataset = source.load(root)
    facts = Table(show_header=False)
    facts.add_column(style="bold")
    facts.add_column(overflow="fold")
    for name, value in _facts(dataset).items():
        facts.add_row(name, value)
    show(facts)
    genres = Table()
    for column in ("genre", "tracks", "known artists", "tracks without artist"):
        genres.add_column(column, justify="left" if column == "genre" else "right")
    for label in dataset.labels:
        tracks = [track for track in dataset.tracks if track.label == label]
        known = [track.artist for track in tracks if track.artist is not None]
        genres.add_row(label, str(len(tracks)), str(len(set(known))), str(len(tracks) - len(known)))
    show(genres)
    return 0


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


def _verify(options: argparse.Namespace, overrides: list[str]) -> int:
    from genrecls.datasets.verify import verify

    source, root = _source(overrides)
    dataset = source.load(root)
    with quiet_libraries(), progress(f"Verifying {dataset.name}", len(dataset.tracks)) as advance:
        report = verify(dataset, advance)
    rows = [
        {
            "track": finding.track,
            "path": str(finding.path),
            "code": finding.code,
            "usable": not finding.fatal,
            "detail": _detail(finding, dataset),
        }
        for finding in report.findings
    ]
    bad = len({finding.track for finding in report.findings if finding.fatal})
    if options.format == "json":
        show(json.dumps(rows, indent=2, ensure_ascii=False))
    elif rows:
        show(_findings(rows))
    say(f"{report.checked} files checked: {report.checked - bad} usable, {bad} not")
    return 1 if bad else 0


def _detail(finding: Finding, dataset: Dataset) -> str:
    known = dataset.faults.get(finding.track, "") if finding.fatal else ""
    return f"{finding.detail}; {known}" if known else finding.detail


def _findings(rows: Sequence[dict[str, Any]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in ("code", "usable", "file", "detail"):
        table.add_column(column, overflow="fold")
    for row in rows:
        usable = "yes" if row["usable"] else "no"
        table.add_row(row["code"], usable, Text(row["path"]), Text(row["detail"]))
    return table


def _cache(options: argparse.Namespace, overrides: list[str]) -> int:
    from genrecls.features.cache import cache_root
    from genrecls.features.pruning import describe, prune
    from genrecls.training.embeddings import backbone_root

    if options.older is not None and not options.older >= 0:
        raise ConfigError(f"--older: received {options.older:g}; allowed: a number of days from 0")
    data_root = _data_root(compose("data", overrides))
    roots = (cache_root(data_root), backbone_root(data_root))
    looked = (prune(root, options.older) if options.prune else describe(root) for root in roots)
    folders = list(chain.from_iterable(looked))
    verb = "deleted" if options.prune else "cached"
    if folders:
        show(_folders(folders))
    size = sum(folder.size for folder in folders) / 1e6
    say(f"{len(folders)} kinds of features {verb}, {size:.1f} MB, in {roots[0].parent.absolute()}")
    return 0


def _folders(folders: Sequence[Any]) -> Any:
    from rich.table import Table

    table = Table()
    for column in ("features", "entries", "MB", "last used (UTC)", "key"):
        table.add_column(column, justify="right" if column in {"entries", "MB"} else "left")
    for folder in folders:
        table.add_row(
            folder.summary,
            str(folder.entries),
            f"{folder.size / 1e6:.1f}",
            f"{folder.last_used:%Y-%m-%d %H:%M}",
            folder.key,
        )
    return table
