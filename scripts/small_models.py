"""Measure small networks, their recipe and their rivals on GTZAN: docs/small_models.md.

    python scripts/small_models.py --root FOLDER [--seeds 5] [--only NAME ...] [--work FOLDER]

FOLDER holds GTZAN or a part of it. Everything is trained on five folds of whole artists with each
seed. Systems are trained on train and validation parts together once validation has selected
(`trainer.refit`); what changes the recipe is judged by validation and needs the train part alone.
What is finished is not trained again: the same command continues, and with more seeds it goes on.
The tables say how many runs stand behind each row; validation chooses, the test part decides
nothing.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod
from pathlib import Path
from statistics import fmean

import genrecls
from genrecls.comparison.leaderboard import System, compare
from genrecls.evaluation.paired_tests import pair
from genrecls.files.atomic import write_text
from genrecls.models.cost import layer_costs
from genrecls.reports.figure_files import write_figures
from genrecls.reports.figures.parameters import accuracy_by_parameters
from genrecls.reports.tables import Column, Table
from genrecls.runs.model_file import load
from genrecls.runs.record import RunRecord, read
from genrecls.runs.run import Run

DOCS = Path(__file__).resolve().parents[1] / "docs"
BASE = "best_small"
RECIPE = "the recipe as it is"

PAGE = """# Small models and their rivals, measured

    python scripts/small_models.py --root <folder of GTZAN> --seeds {seeds}{only}

wrote this page: {data}, five folds of whole artists (`split=artist_kfold
split.unknown=own_artist`). Validation chooses; the test part decides nothing. {tried}
configurations were tried for it.

Accuracy per track, mean ± standard deviation over runs (folds and seeds); in brackets 95 %
intervals, drawn over runs and artists. One standard error on 160 tracks is 3 to 4 points. Always
the most frequent genre: {chance:.3f}. Training is what one run took, with others beside it.
Activations: the two largest neighbouring arrays in int8; the arena of a device holds no
fewer.

## All systems

Trained on train and validation parts together once validation had selected
(`trainer.refit=true`); the validation scores are of the training before.

{systems}

![Accuracy of each system against its number of parameters](small_models/accuracy.png)

## Ingredients of `experiment=best_small`

Each row changes one thing of the recipe, trained on the train part alone
(`trainer.refit=false`). The differences are on the tracks that both were asked. What helps
validation for certain belongs into the recipe; an interval that holds zero says nothing either way.

{ingredients}
"""

INGREDIENTS: Mapping[str, tuple[str, ...]] = {
    "without mixup": ("augment.mixup=0",),
    "without masks": ("augment.time_masks=0", "augment.frequency_masks=0"),
    "without gain": ("augment.gain=0",),
    "without random crops": ("trainer.crops=null",),
    "without overlapping segments": ("segment.hop=null",),
    "without label smoothing": ("trainer.label_smoothing=0",),
    "constant rate": ("trainer.schedule.name=constant", "trainer.schedule.warmup_epochs=0"),
    "without weight decay": ("trainer.optimizer.weight_decay=0",),
    "without dropout": ("model.dropout=0",),
    "only average in the pooled head": ("model.global_pooling=average",),
    "statistics in the pooled head": ("model.global_pooling=statistics",),
    "attention in the pooled head": ("model.global_pooling=attention",),
    "segments of 3 s": ("segment.length=3", "segment.hop=1.5"),
    "segments of 9 s": ("segment.length=9", "segment.hop=4.5"),
    "with frequency MixStyle": ("augment.mixstyle=0.3",),
    "with time roll": ("augment.roll=0.5",),
    "with an average of weights": ("trainer.ema=0.99",),
    "log1p for decibels": ("features.compression=log1p", "augment.gain=0"),
    "PCEN for decibels": ("features.compression=pcen", "augment.gain=0"),
    "level of each segment taken away": ("model.centring=segment",),
    "level of each band taken away": ("model.centring=band",),
    "squeeze-and-excitation": ("model.squeeze=4",),
    "inverted residuals": ("model=separable_residual",),
    "without distorted copies": ("augment.audio.copies=0",),
    "without copies in noise": ("augment.audio.noise=null",),
    "without copies through an equaliser": ("augment.audio.equaliser=0",),
    "without copies in a narrow band": ("augment.audio.band=null",),
    "copies in other pitch and tempo, too": (
        "trainer.crop_hop=1.5",
        "augment.audio.pitch=2",
        "augment.audio.stretch=0.1",
    ),
    "96 mel bands": (
        "features.n_mels=96",
        "model.stem.stride=[1,2]",
    ),
    "a teacher": ("teacher=msd_musicnn",),
    "a teacher that weighs three times as much": (
        "teacher=msd_musicnn",
        "distill.embedding_weight=12",
    ),
}
"""What is left out of `experiment=best_small`, changed in it or added to it."""

_PLAIN = ("dataset=gtzan", "split=artist_kfold", "split.unknown=own_artist")
_COLUMNS = ("features=summary_both", "segment=30s")
SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "nearest neighbours": (*_PLAIN, "model=knn", *_COLUMNS),
    "logistic regression": (*_PLAIN, "model=logistic", *_COLUMNS),
    "support vector machine": (*_PLAIN, "model=svm", *_COLUMNS),
    "random forest": (*_PLAIN, "model=random_forest", *_COLUMNS),
    "boosting": (*_PLAIN, "model=boosting", *_COLUMNS),
    "cnn": (*_PLAIN, "model=cnn"),
    "cnn_velardo on MFCC": (*_PLAIN, "model=cnn_velardo", "features=mfcc"),
    "rnn": (*_PLAIN, "model=rnn"),
    "crnn": (*_PLAIN, "model=crnn"),
    "crnn_micro": (*_PLAIN, "model=crnn_micro"),
    "best_tiny": ("experiment=best_tiny",),
    "best_tiny, taught": ("experiment=best_tiny", "teacher=msd_musicnn"),
    BASE: ("experiment=best_small",),
    "best_small, without copies": ("experiment=best_small", "augment.audio.copies=0"),
    "best_small, taught": ("experiment=best_small", "teacher=msd_musicnn"),
    "musicnn, its head trained": (
        *_PLAIN,
        "model=musicnn_msd",
        "features=musicnn_mel",
        "trainer.epochs=100",
    ),
}
"""Every system that has a row in the table of all."""


# A converter merges them with the layer before, or leaves them out.
_NO_ARRAY = {"Activation", "BatchNormalization", "Dropout", "Flatten", "Normalization", "ReLU"}


def runs_of(options: argparse.Namespace, words: Sequence[str], *, refit: bool) -> list[Run]:
    """Return the runs of one system on all folds with all seeds, trained now or before."""
    return list(
        genrecls.sweep(
            *words,
            f"dataset.root={options.root}",
            f"data_root={options.work / 'data'}",
            f"output_root={options.work / 'outputs'}",
            f"trainer.refit={str(refit).lower()}",
            "split.fold=1,2,3,4,5",
            f"seeds={options.seeds}",
            f"jobs={options.jobs}",
        ).runs
    )


def system_of(records: Sequence[RunRecord]) -> System:
    """Return runs of one configuration as one system."""
    return System(records[0].metrics.model.name, tuple(records))


def activations(run: Run) -> int:
    """Return the bytes of the two largest neighbouring arrays in int8; an arena holds no fewer."""
    costs = layer_costs(load(run.model_file)[0])
    sizes = [prod(cost.output) for cost in costs if cost.kind not in _NO_ARRAY]
    return max((sum(two) for two in pairwise(sizes)), default=0)


def row(title: str, records: Sequence[RunRecord], run: Run, base: System | None) -> list[str]:
    """Return what the table says of a system, with its difference to another one."""
    system = system_of(records)
    cells = [title, str(len(records))]
    for part in ("validation", "test"):
        score = system.score(part)
        cells.append(f"{score.mean:.3f} ± {score.deviation or 0:.3f}")
    low, high = system.interval("test")
    cells[-1] += f" [{low:.3f}, {high:.3f}]"
    if base and records[0] is base.runs[0]:
        cells += ["-", "-"]
    elif base:
        for part in ("validation", "test"):
            difference = pair(
                [record.answers[part] for record in records],
                [record.answers[part] for record in base.runs],
            ).difference
            cells.append(
                "{:+.3f} [{:+.3f}, {:+.3f}]".format(difference.mean, *difference.interval)
                if difference
                else "-"
            )
    seconds = fmean(record.metrics.training_seconds or 0 for record in records)
    cost = records[0].metrics.model
    costs = (f"{seconds:.0f} s", f"{cost.parameters:,}", f"{cost.macs / 1e6:.2f}")
    return [*cells, *costs, f"{activations(run) / 1000:.0f} kB", cost.pretraining or "none"]


def table(systems: Mapping[str, tuple[list[Run], list[RunRecord]]], base: System | None) -> Table:
    """Return a table with a row for each system, the best by validation first."""
    ordered = sorted(
        systems.items(), key=lambda item: -system_of(item[1][1]).score("validation").mean
    )
    heads: list[str | Column] = ["system", Column("runs", "number"), "validation", "test [95 %]"]
    if base:
        heads += ["validation less the recipe", "test less the recipe"]
    costs = ("training", "parameters", "million MACs", "activations")
    heads += [*(Column(cost, "number") for cost in costs), "pretraining"]
    rows = [row(title, records, runs[0], base) for title, (runs, records) in ordered]
    return Table(tuple(heads), rows)


def main() -> None:
    """Train what is missing and write tables and picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="the tracks of GTZAN")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    parser.add_argument("--work", type=Path, default=Path("build/small_models"))
    parser.add_argument("--only", nargs="*", help="names of systems; all of them by default")
    options = parser.parse_args()
    options.root, options.work = options.root.resolve(), options.work.resolve()

    recipe = SYSTEMS[BASE]
    changes = {RECIPE: recipe} | {name: (*recipe, *words) for name, words in INGREDIENTS.items()}
    every = {**SYSTEMS, **changes}
    if unknown := set(options.only or ()) - set(every):
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}; known: {', '.join(every)}")
    measured: dict[str, tuple[list[Run], list[RunRecord]]] = {}
    for name in options.only or every:
        runs = runs_of(options, every[name], refit=name in SYSTEMS)
        measured[name] = (runs, [read(run) for run in runs])
        print(json.dumps({"system": name, "runs": len(runs)}), flush=True)

    systems = {name: measured[name] for name in SYSTEMS if name in measured}
    changed = {name: measured[name] for name in changes if name in measured}
    base = system_of(measured[RECIPE][1]) if RECIPE in measured else None
    records = [record for _, of_system in systems.values() for record in of_system]
    first = records[0].metrics
    page = PAGE.format(
        seeds=options.seeds,
        only=f" --only {shlex.join(options.only)}" if options.only else "",
        data=f"{first.dataset.tracks} tracks of {first.dataset.title}",
        tried=len(measured),
        chance=fmean(record.metrics.test.baseline["track"].accuracy for record in records),
        systems=table(systems, None).to_markdown(),
        ingredients=table(changed, base).to_markdown(),
    )
    write_text(DOCS / "small_models.md", page)
    boards = compare(records, "validation", "test")
    write_figures(
        lambda: {"accuracy": accuracy_by_parameters(boards, "test")}, DOCS / "small_models"
    )


if __name__ == "__main__":
    main()
