"""Compare the backends of feature extraction: threads of this process against processes.

Run it on an idle machine from the top of the repository:

    python scripts/bench_backends.py [--backends threads,loky] [--repeat 2] [--plain] [dataset=...]

It makes one distorted copy of every track (`augment=audio`), or with --plain the features of the
tracks themselves, with each backend in turn and an empty cache each time. The words behind the
flags choose data and features as for `genrecls train`; without them the data are the built-in ones.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from genrecls.config.compose import compose
from genrecls.datasets.base import Dataset
from genrecls.experiment.experiment import Experiment, parse
from genrecls.features.audio_augmentation import DistortedCopy
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import extract
from genrecls.parallel import Backend


def main() -> None:
    """Extract with each backend in turn and print tracks a second."""
    options = _options()
    experiment = parse(compose("train", ["augment=audio", *options.words]))
    dataset = experiment.dataset.load(experiment.data_root)
    copy = None if options.plain else DistortedCopy(experiment.augment.audio, 0, 0)
    first = 0.0
    for backend in options.backends.split(",") * options.repeat:
        rate = _rate(experiment, dataset, copy, backend)
        first = first or rate
        print(f"{backend:<8} {rate:6.1f} tracks/s  {rate / first:5.2f} x")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Threads against processes")
    parser.add_argument("--backends", default="threads,loky")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--plain", action="store_true", help="no distorted copies")
    parser.add_argument("words", nargs="*", help="dataset=... features=...")
    return parser.parse_args()


def _rate(
    experiment: Experiment, dataset: Dataset, copy: DistortedCopy | None, backend: Backend
) -> float:
    features, segment = experiment.features, experiment.segment
    with tempfile.TemporaryDirectory() as cache:
        started = time.perf_counter()
        found = extract(dataset, features, segment, FeatureStore(Path(cache)), copy, backend)
        return found.computed / (time.perf_counter() - started)


# Processes import this file again.
if __name__ == "__main__":
    main()
