"""Compare `features=summary` with the published table of GTZAN, column by column.

    python scripts/summary_table.py --root GTZAN --table features_30_sec.csv [--tracks 160]

GTZAN is the folder of the audio in any layout, the table comes with the Kaggle copy. Printed are,
for each of the 57 columns, the median and the largest relative difference over the tracks, and the
correlation.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from genrecls.config.paths import conf_dir
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset, Track
from genrecls.features.base import FEATURES
from genrecls.features.summary import COLUMNS
from genrecls.reports.tables import Table

Values = dict[str, NDArray[np.float64]]


def published(path: Path) -> Values:
    """Return the 57 values by track id, such as `blues.00000`."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["filename"].removesuffix(".wav"): np.array([float(row[name]) for name in COLUMNS])
            for row in csv.DictReader(file)
        }


def defaults(group: str, name: str) -> Any:
    """Return what `conf/<group>/<name>.yaml` says."""
    return OmegaConf.to_container(OmegaConf.load(conf_dir() / group / f"{name}.yaml"))


def source(root: Path) -> Dataset:
    """Return GTZAN as it lies in `root`."""
    return select(DATASETS, {**defaults("dataset", "gtzan"), "root": str(root)}).load(root)


def computed(dataset: Dataset, tracks: Sequence[Track]) -> Values:
    """Return ours, of whole tracks."""
    spec = select(FEATURES, defaults("features", "summary"))
    rows: Values = {}
    for track in tracks:
        samples = spec.read(track, dataset.limits)
        rows[track.id] = spec.transform(samples[None])["summary"][0].astype(np.float64)
    return rows


def compare(ours: Values, theirs: Values) -> list[tuple[str, float, float, float]]:
    """Return name, median and largest relative difference, and correlation of each column."""
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        raise SystemExit("expected tracks that are in the table, found none")
    our_values, their_values = (np.array([t[track] for track in shared]) for t in (ours, theirs))
    difference = np.abs(our_values - their_values)
    relative = difference / np.maximum(np.abs(their_values), 1e-12)
    return [
        (
            name,
            float(np.median(relative[:, column])),
            float(relative[:, column].max()),
            float(np.corrcoef(our_values[:, column], their_values[:, column])[0, 1]),
        )
        for column, name in enumerate(COLUMNS)
    ]


def main() -> None:
    """Compute, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of GTZAN")
    parser.add_argument("--table", type=Path, required=True, help="features_30_sec.csv")
    parser.add_argument("--tracks", type=int, help="spread over the genres; default: all")
    options = parser.parse_args()
    dataset = source(options.root)
    step = max(1, len(dataset.tracks) // (options.tracks or len(dataset.tracks)))
    tracks = dataset.tracks[::step]
    columns = ("column", "median relative difference", "largest", "correlation")
    rows = [
        (f"`{name}`", f"{median:.1e}", f"{largest:.1e}", f"{correlation:.6f}")
        for name, median, largest, correlation in compare(
            computed(dataset, tracks), published(options.table)
        )
    ]
    print(f"{len(tracks)} tracks\n\n{Table(columns, rows).to_markdown()}")


if __name__ == "__main__":
    main()
