"""`genrecls data split-report`: what each split of a data set would give."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import NonNegativeInt, PositiveInt

from genrecls.cli.data.dataset_args import add_action, data_root_of
from genrecls.config.compose import compose
from genrecls.config.options import choices
from genrecls.config.schema import Schema
from genrecls.config.validation import select, validate
from genrecls.datasets.base import DATASETS, DatasetSource
from genrecls.splits.base import SPLITS, Splitter

if TYPE_CHECKING:
    from genrecls.split_audit.audit import AuditSettings

_ROOT, _SPLIT = "split_report", "split="


@dataclass(frozen=True)
class ReportSettings(Schema):
    """The single keys; `conf/split_report.yaml` says what each is for."""

    seed: NonNegativeInt
    repeats: PositiveInt


def add_to(actions: Any) -> None:
    """Add the action."""
    about = "show what each split would give: genres, shared artists, copies, inflated scores"
    parser = add_action(actions, "split-report", about, _split_report)
    parser.epilog = "split=track,artist shows these two; without it every possible split is shown"
    where = "outputs/split-report/<data set>"
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=where)


def _split_report(options: argparse.Namespace, overrides: list[str]) -> int:
    from genrecls.reports.split_audit import write_split_report
    from genrecls.split_audit.audit import audit

    named = [word.removeprefix(_SPLIT) for word in overrides if word.startswith(_SPLIT)]
    rest = [word for word in overrides if not word.startswith(_SPLIT)]
    composed = compose(_ROOT, rest if not named else [f"split={_names(named)[0]}", *rest])
    source = select(DATASETS, composed["dataset"], "dataset")
    splits = _named(_names(named), source, rest) if named else _possible(source, rest)
    dataset = source.load(data_root_of(composed))
    found = audit(dataset, _plan(composed, splits, skip=not named))
    default = Path("outputs") / "split-report" / _choice(rest, dataset.name)
    folder: Path = default if options.out is None else options.out.expanduser()
    command = f"genrecls data split-report {shlex.join(overrides)}".strip()
    write_split_report(found, folder, command)
    return 0


def _choice(words: Sequence[str], name: str) -> str:
    """Return the data set as it was asked for: variants have the name of their kind."""
    chosen = [word.partition("=")[2] for word in words if word.startswith("dataset=")]
    return chosen[-1] if chosen else name


def _names(words: Sequence[str]) -> list[str]:
    """Return the splits of `split=track,artist`, or of `split=[track,artist]`, each once."""
    return list(dict.fromkeys(name.strip() for name in words[-1].strip("[]").split(",")))


def _named(names: Sequence[str], source: DatasetSource, rest: list[str]) -> dict[str, Splitter]:
    found = {name: _splitter(name, rest) for name in names}
    for splitter in found.values():
        splitter.check(source)
    return found


def _possible(source: DatasetSource, rest: list[str]) -> dict[str, Splitter]:
    """Return one split of each kind, without partitions that were published of other data."""
    found = {name: _splitter(name, rest) for name in choices("split") if name in SPLITS}
    return {
        name: splitter
        for name, splitter in found.items()
        if splitter.published is None or splitter.published in source.offers
    }


def _splitter(name: str, rest: list[str]) -> Splitter:
    return select(SPLITS, compose(_ROOT, [f"split={name}", *rest])["split"], "split")


def _plan(composed: dict[str, Any], splits: dict[str, Splitter], *, skip: bool) -> AuditSettings:
    from genrecls.features.mfcc import Mfcc
    from genrecls.features.segmentation import SegmentRule
    from genrecls.split_audit.audit import AuditSettings
    from genrecls.split_audit.fingerprint import RATE

    keys = {name: composed[name] for name in ("seed", "repeats")}
    settings = validate(ReportSettings, keys, "")
    features = compose("train", ["features=mfcc", f"features.sample_rate={RATE}"])["features"]
    spec = validate(Mfcc, features, "features")
    rule = validate(SegmentRule, composed["segment"], "segment")
    return AuditSettings(splits, skip, spec, rule, settings.seed, settings.repeats)
