"""Train cnn, rnn and crnn on GTZAN under three splits: docs/explanation/splits.md.

    python scripts/gtzan_table.py --root FOLDER [--seeds 5] [--output-root outputs]

FOLDER holds GTZAN or a part of it. Every number comes from a run in the output folder; runs that
are finished already are not trained again. The best model is the one with the highest mean
validation accuracy per track over the two honest splits; the test part decides nothing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from genrecls.evaluation.significance import summarise
from genrecls.reports.tables import Table
from genrecls.runs.find import all_runs
from genrecls.runs.metrics import RunMetrics

MODELS = ("cnn", "rnn", "crnn")
HONEST = ("track", "artist")
SPLITS = {"track": "`track`", "artist": "`artist`", "segment": "`segment` (LEAKY)"}


def train(options: argparse.Namespace, *overrides: str) -> None:
    """Train all combinations of `overrides` with the program itself."""
    words = [
        "sweep",
        "dataset=gtzan",
        f"dataset.root={options.root}",
        f"output_root={options.output_root}",
        f"split={','.join(SPLITS)}",
        *overrides,
    ]
    print(f"genrecls {' '.join(words)}", file=sys.stderr)
    # Standard output is for the tables alone.
    command = [sys.executable, "-m", "genrecls", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def gtzan_metrics(output_root: Path) -> list[RunMetrics]:
    """Return the metrics of all finished runs on GTZAN in `output_root`."""
    runs = [run for run in all_runs(output_root) if run.name.startswith("gtzan-") and run.finished]
    return [run.read_metrics() for run in runs]


def select(
    metrics: Sequence[RunMetrics], model: str, split: str, seed: int | None = None
) -> list[RunMetrics]:
    """Return the metrics of one model and split, of one seed or of all."""
    return [
        run
        for run in metrics
        if (run.model.name, run.split.name) == (model, split) and seed in (None, run.seed)
    ]


def best_model(metrics: Sequence[RunMetrics]) -> str:
    """Return the model with the highest mean validation accuracy per track."""

    def validation(model: str) -> float:
        runs = [run for split in HONEST for run in select(metrics, model, split, seed=0)]
        return statistics.mean(run.validation.track.accuracy for run in runs)

    return max(MODELS, key=validation)


def model_table(metrics: Sequence[RunMetrics]) -> Table:
    """Return a row a model, a column a split: test accuracy per track with its interval."""
    rows = []
    for model in MODELS:
        runs = [run for split in SPLITS for run in select(metrics, model, split, seed=0)]
        scores = [run.test.track for run in runs]
        cells = ["{:.3f} [{:.3f}, {:.3f}]".format(s.accuracy, *s.accuracy_interval) for s in scores]
        rows.append([f"`{model}`", f"{runs[0].model.parameters:,}", *cells])
    return Table(("model", "parameters", *SPLITS.values()), rows)


def seed_table(metrics: Sequence[RunMetrics], model: str) -> Table:
    """Return mean and standard deviation of a model over all seeds, a row a split."""

    def spread(values: Sequence[float]) -> str:
        score = summarise(values)
        return f"{score.mean:.3f} ± {score.deviation or 0.0:.3f}"

    rows = []
    for split, title in SPLITS.items():
        runs = select(metrics, model, split)
        cells = (
            spread([run.validation.track.accuracy for run in runs]),
            spread([run.test.segment.accuracy for run in runs]),
            spread([run.test.track.accuracy for run in runs]),
        )
        rows.append([title, str(len(runs)), *cells])
    scores = ("validation, per track", "test, per segment", "test, per track")
    return Table(("split", "seeds", *scores), rows)


def main() -> None:
    """Train what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True, help="folder of GTZAN")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output-root", type=Path, default=Path("outputs"))
    options = parser.parse_args()
    train(options, f"model={','.join(MODELS)}")
    best = best_model(gtzan_metrics(options.output_root))
    if options.seeds > 1:
        seeds = ",".join(str(seed) for seed in range(1, options.seeds))
        train(options, f"model={best}", f"seed={seeds}")
    metrics = gtzan_metrics(options.output_root)
    print(model_table(metrics).to_markdown())
    print(f"\n`{best}`, the best by validation:\n")
    print(seed_table(metrics, best).to_markdown())


if __name__ == "__main__":
    main()
