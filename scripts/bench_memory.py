"""Print how much memory the features of many tracks need: extraction, examples, one epoch.

    python scripts/bench_memory.py                       # 2,000 MP3s of 30 s, mel
    python scripts/bench_memory.py --tracks 500 --features mfcc

One generated clip is encoded once; each file is that clip with a tag of its own behind it, so that
all files differ and every one of them is decoded.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from genrecls.config.compose import compose
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.experiment.experiment import Experiment, parse
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import extract
from genrecls.rng import stream
from genrecls.training.data import gather, normalisation

RATE, SECONDS = 44_100, 30


def main() -> None:
    """Make the files, extract, gather and read them once, and print the peak after each step."""
    options = _options()
    words = (f"features={options.features}", "features.sample_rate=22050")
    experiment = parse(compose("train", words))
    with tempfile.TemporaryDirectory() as folder:
        dataset = _dataset(Path(folder), options.tracks)
        print(f"{options.tracks} MP3s of {SECONDS} s, 44.1 kHz stereo; {options.features}")
        print(f"  {'before':<34} {_peak():6.2f} GB")
        for step, peak in _steps(experiment, dataset, Path(folder)):
            print(f"  {step:<34} {peak:6.2f} GB")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Memory for the features of many tracks")
    parser.add_argument("--tracks", type=int, default=2000)
    parser.add_argument("--features", choices=("mel", "mfcc"), default="mel")
    return parser.parse_args()


def _dataset(folder: Path, count: int) -> Dataset:
    rng = np.random.default_rng(0)
    times = np.arange(SECONDS * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * f * times) for f in rng.uniform(80, 8000, 12))
    sound = 0.02 * np.stack([tones, np.roll(tones, 50)], axis=1)
    noise = 0.02 * rng.standard_normal((SECONDS * RATE, 2))
    clip = folder / "clip.mp3"
    soundfile.write(clip, sound + noise, RATE)
    content = clip.read_bytes()
    tracks = []
    for number in range(count):
        path = folder / f"{number:06d}.mp3"
        path.write_bytes(content + b"TAG" + f"{number}".encode().ljust(125, b"\0"))
        tracks.append(Track(path.stem, path, "genre"))
    return Dataset("memory", ("genre",), tuple(tracks), folder, Provenance("", "", ""))


def _steps(experiment: Experiment, dataset: Dataset, folder: Path) -> Iterator[tuple[str, float]]:
    started = time.monotonic()
    cache = folder / "cache"
    extraction = extract(dataset, experiment.features, experiment.segment, FeatureStore(cache))
    if extraction.computed != len(dataset.tracks):
        sys.exit(f"only {extraction.computed} of {len(dataset.tracks)} tracks were computed")
    rate = extraction.computed / (time.monotonic() - started)
    yield f"extracted ({rate:.0f} tracks/s)", _peak()
    part = {name: np.arange(outline.segments) for name, outline in extraction.outlines.items()}
    examples = gather(extraction.tracks, part, dict.fromkeys(part, 0), folder)
    size = sum(values.nbytes for values in examples.inputs.values()) / 1e9
    yield f"{len(examples)} examples, {size:.2f} GB on disk", _peak()
    normalisation(examples)
    yield "statistics of them", _peak()
    order = stream(0, "order", 0).permutation(len(examples))
    for start in range(0, len(order), 32):
        for values in examples.inputs.values():
            _ = np.asarray(values[order[start : start + 32]])
    yield "one epoch, all pages touched", _peak()


def _peak() -> float:
    """Return the largest resident size so far in GB; mapped files count where they are cached."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


if __name__ == "__main__":
    main()
