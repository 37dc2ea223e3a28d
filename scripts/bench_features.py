"""Compare the speed of feature extraction with the loop of the published notebooks.

Run it on an idle machine from the top of the repository:

    python scripts/bench_features.py [--tracks 64] [--repeat 3] [--features mfcc]

It makes tracks of 30 s in a temporary folder, once as 22.05 kHz mono WAV and once as 44.1 kHz
stereo MP3, and prints tracks per second for

    decoding        reading every file once as mono at 22.05 kHz, one thread
    loop            librosa.load, then one librosa call for each 3-s segment, one thread
    no cache        genrecls, all cores, nothing kept
    cold cache      genrecls, all cores, every entry written
    warm cache      genrecls, all cores, every entry read back

All ways see the same files and take turns, so that other work on the machine hits all of them. The
best of the repeats counts. The loop gets one BLAS thread too: with more, its many small matrix
products wait for each other and it is much slower on a busy machine.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from pydantic import TypeAdapter

from genrecls.config.paths import conf_dir
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.dsp import audio
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.features.base import FEATURES, FeatureSpec
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import extract
from genrecls.features.segmentation import SegmentRule

SECONDS, SEGMENT, RATE = 30, 3 * 22050, 22050


def make_tracks(folder: Path, count: int, kind: str) -> list[Path]:
    """Write `count` tracks with tones, a beat and noise; `kind` is wav or mp3."""
    import soundfile

    rate, channels = (22050, 1) if kind == "wav" else (44100, 2)
    rng = np.random.default_rng(0)
    time_axis = np.arange(SECONDS * rate) / rate
    paths = []
    for number in range(count):
        beat = np.exp(-8 * (time_axis * rng.uniform(1, 3) % 1))
        sound = sum(np.sin(2 * np.pi * f * time_axis) for f in rng.uniform(80, 4000, 6)) * beat
        sound = 0.08 * sound[:, None] + 0.02 * rng.standard_normal((len(time_axis), channels))
        paths.append(folder / f"{number:03d}.{kind}")
        soundfile.write(paths[-1], sound, rate, format=kind.upper())
    return paths


def plain_loop(paths: list[Path], name: str) -> None:
    """Extract as the published notebooks do."""
    import librosa
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        for path in paths:
            samples, rate = librosa.load(path)
            for start in range(0, len(samples) - SEGMENT + 1, SEGMENT):
                segment = samples[start : start + SEGMENT]
                if name == "mfcc":
                    librosa.feature.mfcc(y=segment, sr=rate, n_mfcc=13)
                else:
                    librosa.power_to_db(librosa.feature.melspectrogram(y=segment, sr=rate))


def decoding(paths: list[Path]) -> None:
    """Read every file, and no more."""
    for path in paths:
        audio.read(path, RATE, AudioLimits())


def ours(paths: list[Path], spec: FeatureSpec, cache: Path | None) -> None:
    """Extract with genrecls."""
    rule = TypeAdapter(SegmentRule).validate_python(_defaults("segment", "3s"))
    tracks = tuple(Track(path.stem, path, "any") for path in paths)
    dataset = Dataset("bench", ("any",), tracks, paths[0].parent, Provenance("", "", ""))
    with redirect_stderr(io.StringIO()):
        result = extract(dataset, spec, rule, FeatureStore(cache))
    if result.rejected or len(result.tracks) != len(paths):
        raise SystemExit(f"expected features of {len(paths)} tracks, received {result.rejected}")


def measure(paths: list[Path], name: str, repeat: int, folder: Path) -> dict[str, float]:
    """Return tracks per second by way, the best of `repeat` interleaved rounds."""
    spec = TypeAdapter(FEATURES[name]).validate_python(_defaults("features", name))
    caches = [folder / f"{name}-{turn}" for turn in range(repeat + 1)]
    ways: dict[str, Callable[[int], None]] = {
        "decoding": lambda _: decoding(paths),
        "loop": lambda _: plain_loop(paths, name),
        "no cache": lambda _: ours(paths, spec, None),
        "cold cache": lambda turn: ours(paths, spec, caches[turn]),
        "warm cache": lambda turn: ours(paths, spec, caches[turn]),
    }
    best = dict.fromkeys(ways, 0.0)
    for turn in range(repeat + 1):
        for way, run in ways.items():
            began = time.perf_counter()
            run(turn)
            # Round 0 pays for imports and is not counted.
            speed = len(paths) / (time.perf_counter() - began)
            best[way] = max(best[way], speed if turn else 0.0)
    return best


def _defaults(group: str, name: str) -> object:
    return OmegaConf.to_container(OmegaConf.load(conf_dir() / group / f"{name}.yaml"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Speed of feature extraction")
    parser.add_argument("--tracks", type=int, default=64, help="tracks of 30 s, default 64")
    parser.add_argument("--repeat", type=int, default=3, help="counted rounds, default 3")
    parser.add_argument("--features", nargs="*", default=["mfcc", "mel"], choices=["mfcc", "mel"])
    options = parser.parse_args()
    for kind in ("wav", "mp3"):
        with tempfile.TemporaryDirectory() as name:
            paths = make_tracks(Path(name), options.tracks, kind)
            for features in options.features:
                speeds = measure(paths, features, options.repeat, Path(name))
                print(f"{features} of {len(paths)} {kind} files")
                for way, speed in speeds.items():
                    print(f"  {way:<11}{speed:8.1f} tracks/s  {speed / speeds['loop']:6.2f} x loop")


if __name__ == "__main__":
    main()
