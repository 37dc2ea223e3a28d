"""Measure small networks, their recipe and their rivals on GTZAN: docs/small_models.md.

    python scripts/small_models.py --root FOLDER [--seeds 5] [--only NAME ...] [--work FOLDER]
    python scripts/small_models.py      # writes the page anew from what is kept

FOLDER holds GTZAN or a part of it. Everything is trained on five folds of whole artists with each
seed. Systems are trained on train and validation parts together once validation has selected
(`trainer.refit`); what changes the recipe is judged by validation and needs the train part alone.

What each run answered is kept in docs/small_models/runs.csv, so that rows and seeds can be measured
one after another, on any machine: whatever is measured again, or with other settings, replaces what
was there. The tables say how many runs stand behind each row; validation chooses, the test part
decides nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from math import prod
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from pydantic import TypeAdapter

import genrecls
from genrecls.comparison.config_diff import settings_of
from genrecls.config.compose import compose
from genrecls.evaluation.paired_tests import PairedDecisions, interval, pair
from genrecls.evaluation.significance import summarise
from genrecls.files.atomic import write_text
from genrecls.files.hashing import text_digest
from genrecls.files.tables import read_rows
from genrecls.reports.figure_files import write_figures
from genrecls.reports.figures.parameters import Point, draw_points
from genrecls.reports.numbers import count, decimal
from genrecls.reports.style import BLUE, in_style, new_figure
from genrecls.reports.tables import Column, Table, to_csv
from genrecls.runs.model_file import load
from genrecls.runs.record import RunRecord, read
from genrecls.runs.run import Run
from genrecls.splits.base import EVALUATED_PARTS, EvaluatedPart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = Path(__file__).resolve().parents[1] / "docs" / "small_models.md"
FOLDER = PAGE.with_suffix("")
RUNS, PARTS = FOLDER / "runs.csv", FOLDER / "parts.csv"
BASE = "best_small"
FINE_TUNED = "musicnn, fine-tuned"
RECIPE = "the recipe as it is"

TEXT = """# Small models and their rivals, measured

    python scripts/small_models.py --root <folder of GTZAN> --seeds <number> --only <system>

measures a row with any number of seeds, and writes this page from all that were measured:
{tracks} tracks of GTZAN, five folds of whole artists (`split=artist_kfold
split.unknown=own_artist`). [runs.csv](small_models/runs.csv) has a line for each run, with the
tracks of [parts.csv](small_models/parts.csv) that it had right. Validation chooses; the test part
decides nothing. {tried} configurations were tried for it.

Accuracy per track, mean ± standard deviation over runs (folds and seeds); in brackets 95 %
intervals, drawn over runs and artists. One standard error on 160 tracks is 3 to 4 points. Always
the most frequent genre: {chance:.3f}. Training is what one run took on the machine of the day, with
others beside it; some of `best_tiny` were halted for up to half an hour meanwhile. Activations:
what one layer reads and writes in int8, of the layer with the most; the arena of a device holds no
fewer.

oneDNN computed the networks, but for `carnaghi2022_cnn`, `carnaghi2022_rnn`, `khamees2021_cnn50`,
"cnn_velardo on MFCC" and the three with musicnn: TensorFlow's own kernels trained these, which
round otherwise and take twice as long. `cnn` learnt on a processor without AVX-512, which rounds
otherwise, too.

`genrecls data split-report` finds that two pairs of these tracks are one recording: pop.00030 and
pop.00031, pop.00056 and pop.00059. Their artists are not known, so that one of a pair may have been
learnt where the other tests, in every row alike.

## All systems

Trained on train and validation parts together once validation had selected
(`trainer.refit=true`); the validation scores are of the training before. Only "{fine_tuned}", which
is trained in stages, learns from the train part alone.

{systems}

![Accuracy of each system against its number of parameters](small_models/accuracy.png)
{rivals}{ingredients}"""

RIVALS_TEXT = """
## Beside published networks and classical models

Accuracy per track in the test part less that of the other, on the runs that both have, with 95 %
intervals drawn over runs and artists. `cnn` is what `genrecls train dataset=gtzan` trains; the
support vector machines learn from `features=summary_both` and from `features=summary`.

{table}
"""

INGREDIENTS_TEXT = """
## Ingredients of `experiment=best_small`

Each row changes one thing of the recipe, trained on the train part alone
(`trainer.refit=false`). The differences are on the tracks that both were asked. What helps
validation for certain belongs into the recipe; an interval that holds zero says nothing either way.

{table}
"""

INGREDIENTS: Mapping[str, tuple[str, ...]] = {
    "without mixup": ("augment.mixup=0",),
    "without masks": ("augment.time_masks=0", "augment.frequency_masks=0"),
    "without gain": ("augment.gain=0",),
    "without random crops": ("trainer.crops=null",),
    "without overlapping segments": ("segment.hop=null",),
    "without label smoothing": ("trainer.label_smoothing=0",),
    "twice as many epochs": ("trainer.epochs=88",),
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
    "two networks side by side": ("model.branches=2",),
    "three networks of three quarters of the filters side by side": (
        "model.branches=3",
        "model.stem.filters=12",
        *(
            f"model.blocks.{place}.filters={filters}"
            for place, filters in enumerate((24, 48, 72, 96, 128))
        ),
    ),
    "three of best_tiny side by side": ("model=separable_tiny", "model.branches=3"),
    "a stem of stride 2 for one with pooling": ("model.stem.stride=[2,2]", "model.stem.pool=null"),
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
    "support vector machine on summary": (
        *_PLAIN,
        "model=svm",
        "features=summary",
        "segment=30s",
    ),
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
    "musicnn, linear support vector machine": (
        *_PLAIN,
        "model=svm_musicnn",
        "features=musicnn_mel",
    ),
    FINE_TUNED: (
        *_PLAIN,
        "model=musicnn_msd",
        "features=musicnn_mel",
        "model.train=fine_tune",
        "trainer.epochs=100",
    ),
    "carnaghi2022_cnn": ("experiment=carnaghi2022_cnn", *_PLAIN[1:]),
    "carnaghi2022_rnn": ("experiment=carnaghi2022_rnn", *_PLAIN[1:]),
    "carnaghi2022_crnn": ("experiment=carnaghi2022_crnn", *_PLAIN[1:]),
    "khamees2021_cnn50": ("experiment=khamees2021_cnn50", *_PLAIN[1:]),
    "khamees2021_lstm": ("experiment=khamees2021_lstm", *_PLAIN[1:]),
}
"""Every system that is trained for the table of all; the published ones as they were published."""

RIVALS = (
    "cnn_velardo on MFCC",
    "carnaghi2022_cnn",
    "carnaghi2022_rnn",
    "carnaghi2022_crnn",
    "khamees2021_cnn50",
    "khamees2021_lstm",
    "support vector machine on summary",
    "support vector machine",
)
"""What the default network and the small presets stand beside."""

ENSEMBLES: Mapping[str, tuple[str, ...]] = {
    "three classical models": (
        "logistic regression",
        "support vector machine",
        "random forest",
    ),
    "cnn and support vector machine": ("cnn", "support vector machine"),
    "best_small and support vector machine": (BASE, "support vector machine"),
}
"""Systems whose probabilities are averaged, fold by fold and seed by seed."""

CHANGES: Mapping[str, tuple[str, ...]] = {RECIPE: SYSTEMS[BASE]} | {
    name: (*SYSTEMS[BASE], *words) for name, words in INGREDIENTS.items()
}
EVERY = (*SYSTEMS, *ENSEMBLES, *CHANGES)


# A converter merges them with the layer before, or leaves them out.
_NO_ARRAY = {"Activation", "BatchNormalization", "Dropout", "Flatten", "Normalization", "ReLU"}


@dataclass(frozen=True)
class Answered:
    """What is kept of one run: a line of runs.csv.

    Attributes:
        settings: digest of what all runs of the system share.
        day: when it was trained.
        chance: accuracy in the test part of the most frequent genre.
        activations: bytes in int8 of what one layer reads and writes, of the layer with the most.
        validation: for each track of the part, as parts.csv has them, y if it was right, else n.
        test: likewise.
    """

    system: str
    settings: str
    run: str
    day: str
    seed: int
    fold: int
    seconds: float
    parameters: int
    macs: int
    activations: int
    pretraining: str
    chance: float
    validation: str
    test: str


@dataclass(frozen=True)
class Asked:
    """A track that was asked in one part of one fold: a line of parts.csv."""

    seed: int
    fold: int
    part: str
    track: str
    genre: str
    artist: str


_Line = TypeVar("_Line", Answered, Asked)


class Kept:
    """What all runs answered, read from the files and written back."""

    def __init__(self) -> None:
        self.asked: dict[tuple[int, int, str], list[Asked]] = {}
        for asked in _read(PARTS, Asked):
            self.asked.setdefault((asked.seed, asked.fold, asked.part), []).append(asked)
        self.answered = _read(RUNS, Answered)

    def add(self, title: str, runs: Sequence[Run]) -> None:
        """Keep what runs of a system answered, in place of runs of other settings or the same seed.

        Raises:
            SystemExit: they were asked other tracks than those of before.
        """
        settings = settings_digest(title)
        records = [(run, read(run)) for run in runs]
        for _, record in records:
            self._check(record)
        added = [_answered(title, settings, run, record) for run, record in records]
        places = {(one.seed, one.fold) for one in added}
        self.answered = [
            one
            for one in self.answered
            if one.system != title
            or (one.settings == settings and (one.seed, one.fold) not in places)
        ] + added
        order = {name: place for place, name in enumerate(EVERY)}
        self.answered.sort(key=lambda one: (order.get(one.system, -1), one.seed, one.fold))
        every = [asked for key in sorted(self.asked) for asked in self.asked[key]]
        write_text(PARTS, to_csv([asdict(asked) for asked in every]))
        write_text(RUNS, to_csv([asdict(one) for one in self.answered]))

    def of(self, title: str) -> list[Answered]:
        """Return the runs of a system, none if its settings are others now."""
        runs = [one for one in self.answered if one.system == title]
        if runs and runs[0].settings != settings_digest(title):
            print(f"{title}: its settings have changed, measure it again", file=sys.stderr)
            return []
        return runs

    def decisions(self, runs: Iterable[Answered], part: str) -> list[PairedDecisions]:
        """Return which tracks of a part each run had right."""
        decisions = []
        for run in runs:
            asked = self.asked[run.seed, run.fold, part]
            right = np.array([letter == "y" for letter in getattr(run, part)])
            truth = tuple((one.track, one.genre) for one in asked)
            artists = {one.track: one.artist for one in asked if one.artist}
            decisions.append(PairedDecisions(run.run, part, truth, right, artists))
        return decisions

    def _check(self, record: RunRecord) -> None:
        seed, fold = record.repetition
        for part in EVALUATED_PARTS:
            answers = record.answers[part]
            asked = [
                Asked(seed, fold or 0, part, track, genre, answers.artists.get(track, ""))
                for track, genre in answers.truth
            ]
            if self.asked.setdefault((seed, fold or 0, part), asked) != asked:
                sys.exit(
                    f"{record.name}: other {part} tracks than {PARTS.name} has for seed {seed}, "
                    f"fold {fold}; delete {PARTS} and {RUNS}, and measure everything again"
                )


def _answered(title: str, settings: str, run: Run, record: RunRecord) -> Answered:
    cost, (seed, fold) = record.metrics.model, record.repetition
    right = {
        part: "".join("y" if right else "n" for right in record.answers[part].right)
        for part in EVALUATED_PARTS
    }
    return Answered(
        system=title,
        settings=settings,
        run=run.name,
        day=record.changed[:10],
        seed=seed,
        fold=fold or 0,
        seconds=round(record.metrics.training_seconds or 0, 1),
        parameters=cost.parameters,
        macs=cost.macs,
        activations=0 if title in ENSEMBLES else activations(run),
        pretraining=cost.pretraining or "",
        chance=round(record.metrics.test.baseline["track"].accuracy, 4),
        **right,
    )


def _read(path: Path, line: type[_Line]) -> list[_Line]:
    rows = read_rows(path) if path.is_file() else []
    return TypeAdapter(list[line]).validate_python(rows)  # type: ignore[valid-type]


def words_of(title: str) -> tuple[str, ...]:
    """Return the settings of a system, and whether it learns from the validation part, too."""
    words = SYSTEMS.get(title) or CHANGES[title]
    # What is trained in stages cannot be trained once more.
    refit = title in SYSTEMS and title != FINE_TUNED
    return (*words, f"trainer.refit={str(refit).lower()}")


@cache
def settings_digest(title: str) -> str:
    """Return what changes whenever a setting of the system or of its members does."""
    if title in ENSEMBLES:
        settings: Any = [settings_digest(member) for member in ENSEMBLES[title]]
    else:
        settings = settings_of(compose("train", words_of(title)))
    text = json.dumps(settings, sort_keys=True)
    return text_digest(text, 8)


def train(options: argparse.Namespace, title: str) -> list[Run]:
    """Return the runs of a system on all folds with all seeds, trained now or before."""
    if title in ENSEMBLES:
        members = [
            sorted(train(options, member), key=lambda run: read(run).repetition)
            for member in ENSEMBLES[title]
        ]
        return [genrecls.ensemble(*runs) for runs in zip(*members, strict=True)]
    runs = genrecls.sweep(
        *words_of(title),
        f"dataset.root={options.root}",
        f"data_root={options.work / 'data'}",
        f"output_root={options.work / 'outputs'}",
        "split.fold=1,2,3,4,5",
        f"seeds={options.seeds}",
        f"jobs={options.jobs}",
    ).runs
    return list(runs)


def activations(run: Run) -> int:
    """Return the bytes in int8 of what one layer reads and writes, of the layer with the most.

    The arena of a device holds no fewer.
    """
    from keras import tree

    model = load(run.model_file)[0]
    arrays = {id(source): id(source) for source in model.inputs}
    sizes = {id(source): prod(source.shape[1:]) for source in model.inputs}
    most = 0
    for operation in model.operations:
        read = {arrays[id(source)] for source in tree.flatten(operation.input)}
        written = operation.output
        if type(operation).__name__ in _NO_ARRAY:
            (arrays[id(written)],) = read
            continue
        arrays[id(written)], sizes[id(written)] = id(written), prod(written.shape[1:])
        most = max(most, sum(sizes[array] for array in read | {id(written)}))
    return most


def accuracies(runs: Iterable[Answered], part: str) -> list[float]:
    """Return the accuracy of each run in a part."""
    return [getattr(run, part).count("y") / len(getattr(run, part)) for run in runs]


def row(kept: Kept, title: str, runs: Sequence[Answered], base: Sequence[Answered]) -> list[str]:
    """Return what the table says of a system, with its difference to another one."""
    cells = [title, str(len(runs))]
    for part in EVALUATED_PARTS:
        score = summarise(accuracies(runs, part))
        spread = "" if score.deviation is None else f" ± {score.deviation:.3f}"
        cells.append(f"{score.mean:.3f}{spread}")
    low, high = interval(kept.decisions(runs, "test"))
    cells[-1] += f" [{low:.3f}, {high:.3f}]"
    if runs == base:
        cells += ["-", "-"]
    elif base:
        cells += [difference(kept, runs, base, part) for part in EVALUATED_PARTS]
    # An ensemble trains nothing itself.
    seconds = "-" if title in ENSEMBLES else f"{fmean(run.seconds for run in runs):.0f} s"
    costs = (seconds, f"{runs[0].parameters:,}", f"{runs[0].macs / 1e6:.2f}")
    memory = f"{runs[0].activations / 1000:.0f} kB" if runs[0].activations else "-"
    return [*cells, *costs, memory, runs[0].pretraining or "none"]


def difference(
    kept: Kept, runs: Sequence[Answered], base: Sequence[Answered], part: EvaluatedPart
) -> str:
    """Return by how much a system is better than another in a part, on the tracks of both."""
    if not (runs and base):
        return "-"
    found = pair(kept.decisions(runs, part), kept.decisions(base, part)).difference
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(found.mean, *found.interval) if found else "-"


def rivals_table(kept: Kept) -> Table:
    """Return a table of what the default network and the small presets have more than others."""
    ours = {title: kept.of(title) for title in ("cnn", "best_tiny", BASE)}
    heads = ("other", *(f"{title} less it" for title in ours))
    rows = [
        [title, *(difference(kept, mine, runs, "test") for mine in ours.values())]
        for title in RIVALS
        if (runs := kept.of(title))
    ]
    return Table(heads, rows)


def table(kept: Kept, titles: Iterable[str], base: Sequence[Answered] = ()) -> Table:
    """Return a table with a row for each system that was measured, the best by validation first."""
    heads: list[str | Column] = ["system", Column("runs", "number"), "validation", "test [95 %]"]
    if base:
        heads += ["validation less the recipe", "test less the recipe"]
    costs = ("training", "parameters", "million MACs", "activations")
    heads += [*(Column(cost, "number") for cost in costs), "pretraining"]
    measured = {title: runs for title in titles if (runs := kept.of(title))}
    ordered = sorted(measured, key=lambda title: -fmean(accuracies(measured[title], "validation")))
    return Table(tuple(heads), [row(kept, title, measured[title], base) for title in ordered])


@in_style
def accuracy_by_parameters(kept: Kept) -> Figure:
    """Draw the accuracy of each system in the test part against its parameters, with its name."""
    points = []
    for title in (*SYSTEMS, *ENSEMBLES):
        if runs := kept.of(title):
            parameters, accuracy = runs[0].parameters, fmean(accuracies(runs, "test"))
            name = f"{title} · {decimal(accuracy)} · {count(parameters)}"
            bounds = interval(kept.decisions(runs, "test"))
            points.append(Point(parameters, accuracy, bounds, name, BLUE))
    about = "test part, per track · mean over the runs of a system with its 95 % interval"
    figure = new_figure(
        "Accuracy against parameters", about, (9.6, max(2.7, 0.7 + 0.26 * len(points)))
    )
    axes, column = figure.subplots(1, 2, width_ratios=(5.2, 4.4))
    draw_points(axes, column, points)
    return figure


def write_page(kept: Kept) -> None:
    """Write tables and picture of what is kept."""
    recipe = kept.of(RECIPE)
    ingredients = table(kept, CHANGES, recipe)
    systems = table(kept, (*SYSTEMS, *ENSEMBLES))
    first = [run for title in (*SYSTEMS, *ENSEMBLES) for run in kept.of(title)]
    rivals = rivals_table(kept)
    text = TEXT.format(
        tracks=len({asked.track for part in kept.asked.values() for asked in part}),
        tried=len(systems.rows) + len(ingredients.rows),
        chance=fmean(run.chance for run in first),
        fine_tuned=FINE_TUNED,
        systems=systems.to_markdown(),
        rivals=RIVALS_TEXT.format(table=rivals.to_markdown()) if rivals.rows else "",
        ingredients=INGREDIENTS_TEXT.format(table=ingredients.to_markdown())
        if ingredients.rows
        else "",
    )
    write_text(PAGE, text)
    write_figures(lambda: {"accuracy": accuracy_by_parameters(kept)}, FOLDER)


def main() -> None:
    """Train what is missing, keep what it answers, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, help="the tracks of GTZAN; none: train nothing")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    parser.add_argument("--work", type=Path, default=Path("build/small_models"))
    parser.add_argument("--only", nargs="*", help="names of systems; all of them by default")
    options = parser.parse_args()
    if unknown := set(options.only or ()) - set(EVERY):
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}; known: {', '.join(EVERY)}")
    kept = Kept()
    if options.root:
        options.root, options.work = options.root.resolve(), options.work.resolve()
        for title in options.only or EVERY:
            kept.add(title, train(options, title))
            write_page(kept)
            print(title, flush=True)
    elif options.only:
        parser.error("--only: what is measured needs --root, the tracks of GTZAN")
    else:
        write_page(kept)


if __name__ == "__main__":
    main()
