"""Make the models that come with genrecls: src/genrecls/shipped.

    python scripts/ship_models.py --root FOLDER [--seeds 5] [--work build/shipped] [KEY=VALUE ...]

FOLDER holds the tracks of GTZAN. Each of experiment=best_small and best_tiny is trained on five
folds with each seed, exported, and then trained once more on all tracks (`genrecls refit`). The
card of a model says what the runs on the folds had; nothing in it is written by hand but what the
model is for. What is finished is not done again: the same command continues.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from genrecls.config.compose import compose
from genrecls.config.options import choices
from genrecls.environment import environment
from genrecls.evaluation.paired_tests import PairedDecisions
from genrecls.evaluation.robustness import robustness_scores
from genrecls.experiment.experiment import parse
from genrecls.experiment.prepare import load_dataset_checked, store_of
from genrecls.experiment.refit import Refit, refit
from genrecls.experiment.run_id import run_folder
from genrecls.export.refit import export_refit
from genrecls.features.extract import fingerprint
from genrecls.files.tables import read_table, write_json
from genrecls.runs.export_facts import ExportedFile, read_export
from genrecls.runs.record import RunRecord, read
from genrecls.runs.run import Run
from genrecls.shipped.models import FOLDER, file_name

MODELS = ("best_small", "best_tiny")
FOLDS = 5
MOST_BYTES = 400_000
"""Of all files together: the package stays small."""
MOST_LOST = 0.01
"""Accuracy per track that int8 may lose against float32, in the mean of the runs."""

# The runs measure what a file is worth; whether that is enough is decided by their mean, above.
UNGATED = tuple(f"gate.int8.{bound}=null" for bound in ("difference", "decisions", "accuracy"))

LICENCE = "Apache-2.0"
USE = {
    "for": "sorting a music collection by rough style; trying genrecls; a first model on a "
    "microcontroller",
    "not_for": [
        "judging people: who made or likes a piece, what it is worth, who is paid for it",
        "music unlike its ten genres: it answers one of them to everything, speech and noise too",
        "music outside the western popular and classical styles of the 1950s to 1990s",
        "any decision that nobody looks at before it counts",
    ],
}
"""Words on use, the only ones of a card that no command gives."""


def overrides(options: argparse.Namespace, model: str) -> list[str]:
    """Return what all trainings of a model share."""
    return [
        f"experiment={model}",
        f"dataset.root={options.root}",
        f"data_root={options.work / 'data'}",
        f"output_root={options.work / 'outputs'}",
        *options.settings,
    ]


def program(*words: str) -> None:
    """Run genrecls itself, its progress on standard error."""
    print(f"genrecls {shlex.join(words)}", file=sys.stderr)
    command = [sys.executable, "-m", "genrecls", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def trained(options: argparse.Namespace, model: str) -> list[Run]:
    """Return the finished runs of a model on all folds with all seeds, each exported."""
    words = overrides(options, model)
    folds = ",".join(str(fold) for fold in range(1, FOLDS + 1))
    program("sweep", *words, f"split.fold={folds}", f"seeds={options.seeds}", "jobs=1")
    runs = []
    store = digest = None
    for seed in range(options.seeds):
        for fold in range(1, FOLDS + 1):
            experiment = parse(compose("train", [*words, f"split.fold={fold}", f"seed={seed}"]))
            if store is None or digest is None:
                store = store_of(experiment)
                digest = fingerprint(load_dataset_checked(experiment, store), store.digests)
            runs.append(Run(run_folder(experiment, digest)))
    for number, run in enumerate(runs, start=1):
        if (facts := read_export(run)) and {"float32", "int8"} <= {f.mode for f in facts.kept}:
            continue
        print(f"{model}: export {number} of {len(runs)}", file=sys.stderr)
        places = words[2:4]
        formats = ("inputs=[features]", "modes=[float32,int8]")
        program("export", "--tflite", run.name, *formats, *UNGATED, *places)
    return runs


def robustness(options: argparse.Namespace, runs: Sequence[Run]) -> dict[str, Any]:
    """Return the scores of float32 and int8 on degraded tracks, over all runs, by degradation."""
    decisions: dict[str, dict[str, list[PairedDecisions]]] = {}
    for number, run in enumerate(runs, start=1):
        answers = run.folder / "robustness-test-tracks.csv"
        if not answers.exists():
            print(f"robustness {number} of {len(runs)}", file=sys.stderr)
            folders = (f"data_root={options.work / 'data'}", f"dataset_root={options.root}")
            program("evaluate", str(run.folder), "robustness=standard", *folders)
        record, facts = read(run).answers["test"], read_export(run)
        modes = {file.file: file.mode for file in facts.kept} if facts else {}
        _, rows = read_table(answers)
        predicted = {(file, name, track): genre for file, name, track, _, genre in rows}
        for file, name in dict.fromkeys((file, name) for file, name, *_ in rows):
            if file in modes:
                right = [predicted[file, name, track] == true for track, true in record.truth]
                of_mode = decisions.setdefault(modes[file], {})
                of_mode.setdefault(name, []).append(replace(record, right=np.array(right)))
    return {
        mode: {name: asdict(score) for name, score in robustness_scores(by_name).items()}
        for mode, by_name in decisions.items()
    }


def card(model: str, result: Refit, files: Sequence[ExportedFile], command: str) -> dict[str, Any]:
    """Return what is said of a model, as plain values."""
    records, system = result.system.runs, result.system
    first, tracks = records[0].metrics, result.data.dataset.tracks
    confusion = sum_of([record.metrics.test.track.confusion for record in records])
    seeds = sorted({record.metrics.seed for record in records})
    artists = [track.artist for track in tracks]
    versions = environment()
    return {
        "format": 1,
        "name": model,
        "about": choices("experiment")[model],
        "licence": LICENCE,
        "data": {
            "name": first.dataset.name,
            "title": first.dataset.title,
            "tracks": len(tracks),
            "genres": {
                label: sum(track.label == label for track in tracks) for label in first.labels
            },
            "fingerprint": first.dataset.fingerprint,
            "citation": first.dataset.citation,
            "licence": first.dataset.licence,
        },
        "artists": {
            "known": len(set(artists) - {None}),
            "tracks_of_unknown_artists": artists.count(None),
        },
        "pretraining": result.card.pretraining,
        "split": {
            "name": first.split.name,
            "leaks": list(result.card.leaks),
            "caveat": first.split.caveat,
            "folds": sorted({record.repetition[1] for record in records}),
            "seeds": seeds,
            "runs": len(records),
        },
        "scores": {
            "accuracy": system.score("test").mean,
            "interval": list(system.interval("test")),
            "by_seed": [by_seed(records, seed) for seed in seeds],
            "macro_f1": system.score("test", "macro_f1").mean,
            "log_loss": system.score("test", "log_loss").mean,
            "per_segment": system.score("test", "accuracy", "segment").mean,
            "majority_baseline": statistics.fmean(
                record.metrics.test.baseline["track"].accuracy for record in records
            ),
            "unit": "track",
        },
        "confusion": [[count / len(seeds) for count in row] for row in confusion],
        "genres": {
            genre: {
                "recall": ratio(confusion[row][row], sum(confusion[row])),
                "precision": ratio(confusion[row][row], sum(line[row] for line in confusion)),
            }
            for row, genre in enumerate(first.labels)
        },
        "robustness": None,
        "model": {"parameters": first.model.parameters, "macs": first.model.macs},
        "files": [file_facts(model, result.folder / file.file, file) for file in files],
        "use": USE,
        "versions": {name: versions[name] for name in ("genrecls", "python") if name in versions},
        "command": command,
    }


def by_seed(records: Sequence[RunRecord], seed: int) -> float:
    """Return the share of tracks right over all folds of a seed, each of which is tested once."""
    answers = [r.answers["test"].right for r in records if r.metrics.seed == seed]
    return sum(int(right.sum()) for right in answers) / sum(map(len, answers))


def sum_of(tables: Sequence[Sequence[Sequence[int]]]) -> list[list[int]]:
    """Return the sums of the cells of several tables of one size."""
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]


def ratio(part: int, whole: int) -> float | None:
    """Return a share; None of nothing."""
    return part / whole if whole else None


def file_facts(model: str, path: Path, file: ExportedFile) -> dict[str, Any]:
    """Return what is known of a file: it was measured in the runs, made alike."""
    assert file.test is not None, "a refit has the scores of its runs"  # noqa: S101
    return {
        "file": file_name(model, file.mode),
        "input": file.input,
        "mode": file.mode,
        "bytes": path.stat().st_size,
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "accuracy": file.test.track.accuracy,
        "macro_f1": file.test.track.macro_f1,
        "arena": file.arena and file.arena.bytes,
    }


def ship(options: argparse.Namespace, model: str) -> int:
    """Train a model, write its files and its card into the package, and return their bytes."""
    runs = trained(options, model)
    result = refit(runs, model, data_root=str(options.work / "data"))
    files = export_refit(result)
    settings = "".join(f" {word}" for word in options.settings)
    command = f"python scripts/ship_models.py --root FOLDER --seeds {options.seeds}{settings}"
    facts = card(model, result, files, command) | {"robustness": robustness(options, runs)}
    scores = {file["mode"]: file["accuracy"] for file in facts["files"]}
    print(json.dumps({"model": model, "accuracy": facts["scores"]["accuracy"], **scores}))
    if scores["float32"] - scores["int8"] > MOST_LOST:
        print(f"warning: {model}: int8 loses more than {MOST_LOST:.0%}", file=sys.stderr)
    for file in files:
        shutil.copyfile(result.folder / file.file, FOLDER / file_name(model, file.mode))
    write_json(FOLDER / f"{model}.json", facts)
    return sum(file["bytes"] for file in facts["files"])


def main() -> int:
    """Make all models; the exit status is 1 where they are too large for the package."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, required=True, help="the tracks of GTZAN")
    parser.add_argument("--seeds", type=int, default=5, help="of every score (5)")
    parser.add_argument("--model", action="append", choices=MODELS, help="one of them alone")
    parser.add_argument("--work", type=Path, default=Path("build/shipped"), help="runs and cache")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="for a shorter training")
    options = parser.parse_intermixed_args()
    options.root, options.work = options.root.resolve(), options.work.resolve()
    total = sum(ship(options, model) for model in options.model or MODELS)
    print(f"{total:,} bytes in {FOLDER}")
    return int(total > MOST_BYTES)


if __name__ == "__main__":
    raise SystemExit(main())
