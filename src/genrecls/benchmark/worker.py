"""How long one model takes: `python -m genrecls.benchmark.worker FILE THREADS RUNS`.

It prints a JSON object.

It is a process of its own for each model and number of threads: libraries for numerics fix their
threads when they are imported, and no model finds caches or memory that another one left.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.console import fail
from genrecls.errors import GenreclsError
from genrecls.inference.files import is_exported

SECONDS = 30
"""Length of the track, that of GTZAN and FMA."""

# What a `.tflite` file computes from audio by itself; others are measured from their inputs on.
_COMPUTED = ("mel", "mfcc", "mel_image")
_WARM_UPS = 3

Samples = NDArray[np.float32]
Inputs = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class BenchmarkTarget:
    """A loaded model, and what it is given to hear.

    Attributes:
        runtime: name and version of what runs it.
        inputs: makes inputs of samples as `genrecls predict` does; None where only inference is
            measured.
        infer: makes probabilities of inputs.
        segment: samples (or inputs, where they are not made of audio) of one segment.
        track: the same of a track.
    """

    input: str
    mode: str
    runtime: str
    inputs: Callable[[Any], Any] | None
    infer: Callable[[Any], Any]
    segment: Any
    track: Any

    def times(self, heard: Any) -> tuple[float, float]:
        """Return the seconds that features and inference take."""
        began = time.perf_counter()
        inputs = heard if self.inputs is None else self.inputs(heard)
        made = time.perf_counter()
        self.infer(inputs)
        return made - began, time.perf_counter() - made


def measure(path: Path, threads: int, runs: int) -> dict[str, Any]:
    """Return median and 95th percentile in milliseconds, per segment and per track.

    Args:
        path: a `model.keras` or `.tflite` file of genrecls.
        threads: threads of the interpreter; those of Keras and NumPy are set by who starts this
            process.
        runs: counted repetitions.

    Raises:
        GenreclsError: the file cannot be used.
    """
    subject = _tflite(path, threads) if is_exported(path) else _keras(path)
    segment, track = (_repeated(subject, heard, runs) for heard in (subject.segment, subject.track))
    made = subject.inputs is not None
    return {
        "file": path.name,
        "input": subject.input,
        "mode": subject.mode,
        "threads": threads,
        "runs": runs,
        "runtime": subject.runtime,
        "segment_ms": _spread(segment.sum(axis=1)),
        "features_ms": _spread(segment[:, 0]) if made else None,
        "inference_ms": _spread(segment[:, 1]),
        "track_ms": {**_spread(track.sum(axis=1)), "seconds": SECONDS},
    }


def music(rate: int, seconds: float) -> Samples:
    """Return mono samples that keep a front end busy: chords on a beat, and noise.

    They are the same in every process, so that all models hear the same.

    Args:
        rate: samples a second.
        seconds: length.
    """
    rng = np.random.default_rng(0)
    at = np.arange(round(rate * seconds)) / rate
    beat = np.exp(-6 * (at * 2 % 1))
    chord = sum(np.sin(2 * np.pi * pitch * at) for pitch in rng.uniform(80, 4000, 6))
    noise = rng.standard_normal(len(at))
    return np.asarray(0.08 * chord * beat + 0.02 * noise, np.float32)


def _repeated(subject: BenchmarkTarget, heard: Any, runs: int) -> NDArray[np.float64]:
    """Return seconds of features and inference, shape (runs, 2), after a warm-up."""
    for _ in range(_WARM_UPS):
        subject.times(heard)
    return np.array([subject.times(heard) for _ in range(runs)])


def _spread(seconds: NDArray[np.float64]) -> dict[str, float]:
    median, high = 1000 * np.percentile(seconds, (50, 95))
    return {"median": round(float(median), 4), "p95": round(float(high), 4)}


def _keras(path: Path) -> BenchmarkTarget:
    from genrecls.runs.model_file import load

    model, card = load(path)
    spec, rule = card.features, card.segment
    # One call for one batch: `predict` would add the making of a data set to each.
    known: dict[str, Any] = {"input": "keras", "mode": "float32"}
    known |= {"infer": model.predict_on_batch}
    known["runtime"] = _installed("tensorflow-cpu", "tensorflow")
    if spec.name not in _COMPUTED:
        return _from_inputs(rule.shapes(spec), _segments(rule.length, rule.hop), known)
    heard = music(int(spec.rate), SECONDS)
    return BenchmarkTarget(
        inputs=lambda samples: rule.cover(samples, spec).inputs,
        segment=heard[: rule.samples(spec.rate)],
        track=heard,
        **known,
    )


def _tflite(path: Path, threads: int) -> BenchmarkTarget:
    from genrecls.runtime.container import unpack
    from genrecls.runtime.network import Network
    from genrecls.runtime.tflite_predictor import load_tflite

    flatbuffer, card = unpack(path)
    known: dict[str, Any] = {"input": card["input"], "mode": card["mode"]}
    known["runtime"] = _installed("ai-edge-litert", "tflite-runtime")
    if card["features"]["name"] not in _COMPUTED:
        network, rule = Network(flatbuffer, threads), card["segment"]
        known["infer"] = network.probabilities
        shapes = {name: tensor["shape"] for name, tensor in card["inputs"].items()}
        return _from_inputs(shapes, _segments(rule["length"], rule["hop"]), known)
    classifier = load_tflite(path, threads)
    infer, rate = classifier.predictor.probabilities, classifier.grid.rate
    heard = music(rate, SECONDS)
    return BenchmarkTarget(
        inputs=lambda samples: list(classifier.inputs(samples)),
        infer=lambda batches: [infer(batch) for batch in batches],
        segment=heard[: round(card["segment"]["length"] * rate)],
        track=heard,
        **known,
    )


def _segments(length: float, hop: float | None) -> int:
    """Return how many segments of `length` seconds the track has."""
    return max(1, 1 + int(round((SECONDS - length) / (hop or length), 6)))


def _from_inputs(
    shapes: Mapping[str, Sequence[int]], count: int, known: Mapping[str, Any]
) -> BenchmarkTarget:
    """Return a subject that is given inputs, `count` segments a track, instead of audio."""
    return BenchmarkTarget(
        inputs=None, segment=_noise(1, shapes), track=_noise(count, shapes), **known
    )


def _noise(count: int, shapes: Mapping[str, Sequence[int]]) -> Inputs:
    rng = np.random.default_rng(0)
    return {
        name: rng.standard_normal((count, *shape), dtype=np.float32)
        for name, shape in shapes.items()
    }


def _installed(*packages: str) -> str:
    """Return name and version of the first of `packages` that is installed."""
    for package in packages:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return packages[0]


def main(words: Sequence[str]) -> int:
    """Measure one file and print what was found; an error is one line."""
    path, threads, runs = words
    try:
        print(json.dumps(measure(Path(path), int(threads), int(runs))))  # noqa: T201
    except GenreclsError as error:
        fail(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
