"""Compare an exported model, from audio to genre, with librosa's features alone.

Run it on an idle machine from the top of the repository:

    python scripts/bench_export.py [RUN | audio_float32.tflite] [--repeat 20] [--threads 1]

A run must have been exported ('genrecls export --tflite'); without one an untrained network of the
default configuration is converted, for its weights change no time. The same generated track of 30 s
goes, segment by segment and in one process, through

    librosa      one librosa call a segment with the same settings, no network behind it
    audio in     the exported file: front end, network and softmax, samples in and genres out

They take turns, so that other work on the machine hits both; the median and the fastest round are
printed. librosa gets as many BLAS threads as the file has threads.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.benchmark.worker import SECONDS, music
from genrecls.dsp.segments import audio_window, windows
from genrecls.errors import GenreclsError
from genrecls.experiment.experiment import compose_experiment
from genrecls.export.convert.conversion import ConversionRequest, convert
from genrecls.export.convert.untrained import write_untrained
from genrecls.export.formats import ExportFormat
from genrecls.runs.export_facts import EXPORT
from genrecls.runs.find import find_run
from genrecls.runtime.container import unpack
from genrecls.runtime.network import Network

AUDIO = ExportFormat("audio", "float32")


@dataclass(frozen=True)
class AudioModel:
    """An audio-in network, and the plain settings of what it does with audio."""

    flatbuffer: bytes
    features: Mapping[str, Any]
    segment: Mapping[str, Any]


def read_model(path: Path) -> AudioModel:
    """Return what a `.tflite` file holds."""
    flatbuffer, card = unpack(path)
    if card["input"] != AUDIO.input:
        raise SystemExit(f"{path} takes {card['input']}; expected {AUDIO.file}")
    return AudioModel(flatbuffer, card["features"], card["segment"])


def untrained_model(folder: Path) -> AudioModel:
    """Return an untrained network of the default configuration, converted."""
    experiment = compose_experiment([])
    path = write_untrained(folder, experiment, n_classes=10)
    (result,) = convert(ConversionRequest(path, (AUDIO,), None, 0), folder / "conversion")
    if result.flatbuffer is None:
        raise SystemExit(f"{AUDIO.title}: {result.error}")
    return AudioModel(result.flatbuffer, asdict(experiment.features), asdict(experiment.segment))


def with_librosa(pieces: NDArray[np.float32], features: Mapping[str, Any]) -> None:
    """Compute the features of each piece as the published notebooks do."""
    import librosa

    same = {key: features[key] for key in ("n_fft", "hop_length", "n_mels", "fmin", "fmax")}
    for piece in pieces:
        bands = librosa.feature.melspectrogram(y=piece, sr=features["sample_rate"], **same)
        decibels = librosa.power_to_db(bands)
        if "n_mfcc" in features:
            librosa.feature.mfcc(S=decibels, n_mfcc=features["n_mfcc"])


def measure(model: AudioModel, repeat: int, threads: int) -> dict[str, NDArray[np.float64]]:
    """Return the seconds for one track by way, of `repeat` interleaved rounds."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    window, rule = audio_window(model.features, model.segment), model.segment
    rate = model.features["sample_rate"]
    hop = round((rule["hop"] or rule["length"]) * rate)
    track = np.pad(music(rate, SECONDS), window.margin)
    pieces = windows(track, np.arange(0, len(track) - window.length + 1, hop), window.length)
    network = Network(model.flatbuffer, threads)
    ways: dict[str, Callable[[], Any]] = {
        "librosa": lambda: with_librosa(pieces, model.features),
        "audio in": lambda: network.probabilities({"audio": pieces}),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    with threadpool_limits(threads):
        for _ in range(repeat + 1):
            for way, run in ways.items():
                began = time.perf_counter()
                run()
                times[way].append(time.perf_counter() - began)
    # The first round pays for imports and is not counted.
    return {way: np.array(seconds[1:]) for way, seconds in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="AudioModel model against librosa's features")
    parser.add_argument("model", nargs="?", help="a run or an audio_float32.tflite")
    parser.add_argument("--repeat", type=int, default=20, help="counted rounds, default 20")
    parser.add_argument("--threads", type=int, default=1, help="of both ways, default 1")
    parser.add_argument("--output-root", type=Path, default=Path("outputs"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.model is None:
            model = untrained_model(Path(folder))
        elif options.model.endswith(".tflite"):
            model = read_model(Path(options.model))
        else:
            run = find_run(options.output_root, options.model)
            model = read_model(run.folder / EXPORT / AUDIO.file)
        seconds = measure(model, options.repeat, options.threads)
    print(f"{model.features['name']}, a track of {SECONDS} s, {options.threads} threads")
    for name, chosen in (("median", np.median), ("fastest", np.min)):
        base = chosen(seconds["librosa"])
        for way, times in seconds.items():
            value = chosen(times)
            print(f"  {name:<8} {way:<9}{1000 * value:8.1f} ms  {value / base:5.2f} x librosa")


if __name__ == "__main__":
    try:
        main()
    except GenreclsError as error:
        raise SystemExit(str(error)) from None
