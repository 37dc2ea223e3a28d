"""Print how much of a score is chance: two tables, for the sizes that test parts have.

    python scripts/score_noise.py [--repeats 400]

The first one says how often the 95 % intervals hold the true accuracy and the true macro-F1, of
tracks by themselves, of segments of tracks, and of tracks of artists. The second one gives the
calibration error of a model that is perfectly calibrated, which is nothing but noise.
"""

from __future__ import annotations

import argparse

import numpy as np

from genrecls.evaluation.metrics import calibration_error, scores
from genrecls.evaluation.predictions import Predictions
from genrecls.reports.tables import Column, Table

GENRES = 10
LABELS = tuple(f"genre {number}" for number in range(GENRES))
# Clusters, examples in each, likeness within a cluster.
DESIGNS = (
    *((tracks, 1, 0.0) for tracks in (4, 20, 50, 100, 300, 1000)),
    *((tracks, 10, 0.4) for tracks in (30, 100, 300)),
    *((artists, 5, 0.3) for artists in (12, 40)),
)
ACCURACIES = (0.5, 0.8, 0.97)
SIZES = (50, 100, 200, 300, 500, 1000, 2000, 5000)


def draw(
    rng: np.random.Generator, design: tuple[int, int, float], accuracy: float
) -> tuple[Predictions, dict[str, str]]:
    """Return predictions of a model with that accuracy, and the cluster of each row."""
    clusters, each, likeness = design
    genre = np.repeat(rng.integers(GENRES, size=clusters), each)
    chance = np.full(clusters, accuracy)
    if likeness:
        mass = (1 - likeness) / likeness
        chance = rng.beta(accuracy * mass, (1 - accuracy) * mass, clusters)
    right = rng.random(len(genre)) < np.repeat(chance, each)
    decided = np.where(right, genre, (genre + rng.integers(1, GENRES, len(genre))) % GENRES)
    rows = tuple(f"row {row}" for row in range(len(genre)))
    names = np.repeat([f"cluster {number}" for number in range(clusters)], each)
    predictions = Predictions(rows, np.zeros(len(genre)), genre, np.eye(GENRES)[decided])
    return predictions, dict(zip(rows, names, strict=True))


def coverage(repeats: int) -> Table:
    """Return how often the intervals hold the true scores, and how wide they are."""
    rng = np.random.default_rng(0)
    rows = []
    for design in DESIGNS:
        for accuracy in ACCURACIES:
            # Genres are equally frequent and equally hard: macro-F1 is the accuracy.
            hits, widths = np.zeros(2), np.zeros(2)
            for _ in range(repeats):
                predictions, clusters = draw(rng, design, accuracy)
                result = scores(predictions, LABELS, clusters)
                both = np.array([result.accuracy_interval, result.macro_f1_interval])
                hits += (both[:, 0] <= accuracy) & (accuracy <= both[:, 1])
                widths += both[:, 1] - both[:, 0]
            numbers = np.stack([hits, widths]).T.ravel() / repeats
            rows.append([*map(str, design), str(accuracy), *(f"{value:.3f}" for value in numbers)])
    heads = ("clusters", "examples in each", "likeness", "true score")
    measures = ("held accuracy", "width", "held macro-F1", "width")
    return Table([*heads, *(Column(name, "number") for name in measures)], rows)


def calibration_noise(repeats: int) -> Table:
    """Return the mean calibration error of calibrated predictions by their number."""
    rng = np.random.default_rng(0)
    rows = []
    for size in SIZES:
        errors = []
        for _ in range(repeats):
            probabilities = rng.dirichlet(np.full(GENRES, 0.3), size)
            chosen = rng.random((size, 1)) > probabilities.cumsum(axis=1)
            errors.append(calibration_error(probabilities, chosen.sum(axis=1).clip(max=GENRES - 1)))
        noise = float(np.mean(errors))
        rows.append([str(size), f"{noise:.3f}", f"{noise * size**0.5:.2f}"])
    heads = ("independent examples", "calibration error", "times the root of their number")
    return Table([Column(name, "number") for name in heads], rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=400, help="draws behind each number")
    options = parser.parse_args()
    for table in (coverage(options.repeats), calibration_noise(options.repeats)):
        print(f"{table.to_markdown()}\n")
