"""Train cnn, rnn and crnn on GTZAN under three splits and print the README's tables.

    python scripts/gtzan_table.py --root FOLDER [--seeds 5] [--output-root outputs]

FOLDER holds GTZAN or a part of it. Every number comes from a run in the output folder; runs that
are finished already are not trained again. The best model is the one with the highest mean
validation accuracy per track over the two honest splits; the test part decides nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

MODELS = ("cnn", "rnn", "crnn")
HONEST = ("track", "artist")
SPLITS = (*HONEST, "segment")
Result = dict[str, Any]


def train(options: argparse.Namespace, *overrides: str) -> None:
    """Train all combinations of `overrides` with the program itself."""
    words = [
        "-m",
        "dataset=gtzan",
        f"dataset.root={options.root}",
        "features=mfcc",
        f"output_root={options.output_root}",
        f"split={','.join(SPLITS)}",
        *overrides,
    ]
    print(f"genrecls train {' '.join(words)}", file=sys.stderr)
    # Standard output is for the tables alone.
    command = [sys.executable, "-m", "genrecls", "train", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def results(output_root: Path) -> list[Result]:
    """Return the scores of all finished runs in `output_root`."""
    return [json.loads(path.read_text()) for path in output_root.glob("gtzan-*/metrics.json")]


def chosen(found: list[Result], model: str, split: str, seed: int | None = None) -> list[Result]:
    """Return the results of one model and split, of one seed or of all."""
    return [
        result
        for result in found
        if result["model"]["name"] == model
        and result["split"]["name"] == split
        and seed in (None, result["seed"])
    ]


def best_model(found: list[Result]) -> str:
    """Return the model with the highest mean validation accuracy per track."""

    def validation(model: str) -> float:
        runs = [run for split in HONEST for run in chosen(found, model, split, seed=0)]
        return float(statistics.mean(r["parts"]["validation"]["track"]["accuracy"] for r in runs))

    return max(MODELS, key=validation)


def print_comparison(found: list[Result]) -> None:
    """Print a row a model, a column a split: test accuracy per track with its interval."""
    print("| model | parameters |" + "".join(f" {split} |" for split in map(title, SPLITS)))
    print("|---|---|" + "---|" * len(SPLITS))
    for model in MODELS:
        cells = []
        for split in SPLITS:
            (run,) = chosen(found, model, split, seed=0)
            test = run["parts"]["test"]["track"]
            low, high = test["accuracy_interval"]
            cells.append(f" {test['accuracy']:.3f} [{low:.3f}, {high:.3f}] |")
        print(f"| `{model}` | {run['model']['parameters']:,} |" + "".join(cells))


def print_seeds(found: list[Result], model: str) -> None:
    """Print mean and standard deviation of the best model over all seeds."""
    print("| split | seeds | validation, per track | test, per segment | test, per track |")
    print("|---|---|---|---|---|")
    for split in SPLITS:
        runs = chosen(found, model, split)
        cells = [
            spread([run["parts"][part][unit]["accuracy"] for run in runs])
            for part, unit in (("validation", "track"), ("test", "segment"), ("test", "track"))
        ]
        print(f"| {title(split)} | {len(runs)} | " + " | ".join(cells) + " |")


def title(split: str) -> str:
    """Return a split's name with its warning."""
    return f"`{split}` (LEAKY)" if split == "segment" else f"`{split}`"


def spread(values: list[float]) -> str:
    """Return mean and sample standard deviation."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} ± {deviation:.3f}"


def main() -> None:
    """Train what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True, help="folder of GTZAN")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output-root", type=Path, default=Path("outputs"))
    options = parser.parse_args()
    train(options, f"model={','.join(MODELS)}")
    best = best_model(results(options.output_root))
    if options.seeds > 1:
        seeds = ",".join(str(seed) for seed in range(1, options.seeds))
        train(options, f"model={best}", f"seed={seeds}")
    found = results(options.output_root)
    print_comparison(found)
    print(f"\n`{best}`, the best by validation:\n")
    print_seeds(found, best)


if __name__ == "__main__":
    main()
