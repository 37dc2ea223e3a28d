"""`genrecls data split-report`: what each split of a data set would give."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from pydantic import PositiveInt

from genrecls.config.compose import compose
from genrecls.config.options import choices
from genrecls.config.paths import data_root_of
from genrecls.config.plugins import command_line
from genrecls.config.ranges import Seed
from genrecls.config.schema import Schema
from genrecls.config.validation import select, validate
from genrecls.console import warn
from genrecls.datasets.base import DATASETS
from genrecls.errors import ConfigError
from genrecls.splits.base import SPLITS, Splitter

_ROOT, _SPLIT = "split_report", "split="


@dataclass(frozen=True)
class ReportSettings(Schema):
    """The single keys; `conf/split_report.yaml` says what each is for."""

    seed: Seed
    repeats: PositiveInt


def main(options: argparse.Namespace) -> int:
    """Audit the splits that are asked for, or all that are possible, and write the report."""
    from genrecls.features.cache import FeatureStore, cache_root
    from genrecls.features.mfcc import Mfcc
    from genrecls.features.segmentation import SegmentRule
    from genrecls.reports.figure_files import FigureSettings, figures_as
    from genrecls.reports.split_audit import write_split_report
    from genrecls.split_audit.audit import AuditSettings, audit
    from genrecls.split_audit.fingerprint import RATE

    # `split=track,artist` or `split=[track,artist]`, each once; without it all that are possible.
    overrides: list[str] = options.overrides
    wanted = [word.removeprefix(_SPLIT) for word in overrides if word.startswith(_SPLIT)]
    rest = [word for word in overrides if not word.startswith(_SPLIT)]
    listed = "".join(wanted[-1:]).strip("[]").split(",")
    names = list(dict.fromkeys(name.strip() for name in listed))
    composed = compose(_ROOT, [f"split={names[0]}", *rest] if wanted else rest)
    source = select(DATASETS, composed["dataset"], "dataset")
    if fixed := [word for word in rest if word.startswith("split.seed=")]:
        raise ConfigError(
            f"'{fixed[0]}': a report is about several seeds; set the first one with seed=<number> "
            "and how many with repeats=<number>"
        )
    if wanted:
        splits = {name: _splitter(name, rest) for name in names}
        for splitter in splits.values():
            splitter.check(source)
    else:
        # One of each kind, without partitions that were published of other data.
        every = {name: _splitter(name, rest) for name in choices("split") if name in SPLITS}
        possible = {None, *source.offers}
        splits = {name: each for name, each in every.items() if each.published in possible}

    data_root = data_root_of(composed)
    dataset = source.load(data_root)
    for remark in dataset.remarks:
        warn(remark)
    keys = {name: composed[name] for name in ("seed", "repeats")}
    numbers = validate(ReportSettings, keys, "")
    figures = figures_as(validate(FigureSettings, composed["figures"], "figures"))
    features = compose("train", ["features=mfcc", f"features.sample_rate={RATE}"])["features"]
    settings = AuditSettings(
        splits=splits,
        skip=not wanted,
        spec=validate(Mfcc, features, "features"),
        rule=validate(SegmentRule, composed["segment"], "segment"),
        seed=numbers.seed,
        repeats=numbers.repeats,
    )
    result = audit(dataset, settings, FeatureStore(cache_root(data_root)))

    # The folder has the name of the data set as it was asked for: variants have that of their kind.
    chosen = [word.partition("=")[2] for word in rest if word.startswith("dataset=")]
    default = Path("outputs") / "split-report" / (chosen[-1] if chosen else dataset.name)
    folder: Path = options.output or default
    words = [*overrides, *(["--output", str(options.output)] if options.output else [])]
    command = command_line("data", ["split-report", *words])
    with figures:
        write_split_report(result, folder, command)
    return 0


def _splitter(name: str, rest: list[str]) -> Splitter:
    return select(SPLITS, compose(_ROOT, [f"split={name}", *rest])["split"], "split")
