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
from genrecls.dsp.segments import floor_tolerant
from genrecls.errors import GenreclsError
from genrecls.inference.files import is_exported

SECONDS = 30
"""Length of the track, that of GTZAN and FMA."""

# What a `.tflite` file computes from audio by itself; others are measured from their inputs on.
_COMPUTED = ("mel", "mfcc", "mel_image")
_WARM_UPS = 3

Samples = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class BenchmarkTarget:
    """A loaded model, and what it is given to classify.

    Attributes:
        input: `keras`, `features` or `audio`.
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

    @classmethod
    def from_keras(cls, path: Path) -> BenchmarkTarget:
        """Return a `model.keras`, with features as `genrecls predict` computes them."""
        from genrecls.runs.model_file import load

        model, card = load(path)
        spec, rule = card.features, card.segment
        known: dict[str, Any] = {
            "input": "keras",
            "mode": "float32",
            "runtime": _installed("tensorflow-cpu", "tensorflow"),
            # One call for one batch: `predict` would add the making of a data set to each.
            "infer": model.predict_on_batch,
        }
        if spec.name not in _COMPUTED:
            return _target_without_audio(rule.shapes(spec), (rule.length, rule.hop), known)
        track = music(int(spec.rate), SECONDS)
        return cls(
            inputs=lambda samples: rule.cover(samples, spec).inputs,
            segment=track[: rule.samples(spec.rate)],
            track=track,
            **known,
        )

    @classmethod
    def from_tflite(cls, path: Path, threads: int) -> BenchmarkTarget:
        """Return an exported file, run with so many threads."""
        from genrecls.runtime.container import unpack
        from genrecls.runtime.network import Network
        from genrecls.runtime.tflite_predictor import load_tflite

        flatbuffer, card = unpack(path)
        known: dict[str, Any] = {
            "input": card["input"],
            "mode": card["mode"],
            "runtime": _installed("ai-edge-litert", "tflite-runtime"),
        }
        rule = card["segment"]
        if card["features"]["name"] not in _COMPUTED:
            known["infer"] = Network(flatbuffer, threads).probabilities
            shapes = {name: tensor["shape"] for name, tensor in card["inputs"].items()}
            return _target_without_audio(shapes, (rule["length"], rule["hop"]), known)
        classifier = load_tflite(path, threads)
        infer, rate = classifier.predictor.probabilities, classifier.grid.rate
        track = music(rate, SECONDS)
        return cls(
            inputs=lambda samples: list(classifier.segments(samples)[1]),
            infer=lambda batches: [infer(batch) for batch in batches],
            segment=track[: round(rule["length"] * rate)],
            track=track,
            **known,
        )

    def seconds(self, given: Any, runs: int) -> NDArray[np.float64]:
        """Return the seconds that features and inference take, shape (runs, 2), after a warm-up."""
        times = []
        for _ in range(_WARM_UPS + runs):
            began = time.perf_counter()
            inputs = given if self.inputs is None else self.inputs(given)
            made = time.perf_counter()
            self.infer(inputs)
            times.append((made - began, time.perf_counter() - made))
        return np.array(times[_WARM_UPS:])


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
    target = (
        BenchmarkTarget.from_tflite(path, threads)
        if is_exported(path)
        else BenchmarkTarget.from_keras(path)
    )
    segment, track = (target.seconds(given, runs) for given in (target.segment, target.track))
    return {
        "file": path.name,
        "input": target.input,
        "mode": target.mode,
        "threads": threads,
        "runs": runs,
        "runtime": target.runtime,
        "segment_ms": _median_and_p95(segment.sum(axis=1)),
        "features_ms": None if target.inputs is None else _median_and_p95(segment[:, 0]),
        "inference_ms": _median_and_p95(segment[:, 1]),
        "track_ms": {**_median_and_p95(track.sum(axis=1)), "seconds": SECONDS},
    }


def music(rate: int, seconds: float) -> Samples:
    """Return mono samples that keep a front end busy: chords on a beat, and noise.

    They are the same in every process, so that all models are given the same.

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


def _median_and_p95(seconds: NDArray[np.float64]) -> dict[str, float]:
    median, high = 1000 * np.percentile(seconds, (50, 95))
    return {"median": round(float(median), 4), "p95": round(float(high), 4)}


def _target_without_audio(
    shapes: Mapping[str, Sequence[int]], cut: tuple[float, float | None], known: Mapping[str, Any]
) -> BenchmarkTarget:
    """Return a target that is given random inputs instead of audio.

    Args:
        shapes: of one segment, by input.
        cut: length and hop of the segments in seconds; without a hop they lie side by side.
        known: the other fields.
    """
    length, hop = cut
    segments = max(1, 1 + floor_tolerant((SECONDS - length) / (hop or length)))
    rng = np.random.default_rng(0)
    track = {
        name: rng.standard_normal((segments, *shape), dtype=np.float32)
        for name, shape in shapes.items()
    }
    one = {name: values[:1] for name, values in track.items()}
    return BenchmarkTarget(inputs=None, segment=one, track=track, **known)


def _installed(*packages: str) -> str:
    """Return name and version of the first of `packages` that is installed."""
    for package in packages:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return packages[0]


def main(words: Sequence[str]) -> int:
    """Measure one file and print the result; an error is one line."""
    path, threads, runs = words
    try:
        print(json.dumps(measure(Path(path), int(threads), int(runs)), allow_nan=False))  # noqa: T201
    except GenreclsError as error:
        fail(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
