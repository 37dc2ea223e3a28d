"""Music that is quick to make, and what copying does to it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from genrecls.config.validation import select, validate
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.features.mfcc import Mfcc
from genrecls.features.segmentation import SegmentRule
from genrecls.split_audit.fingerprint import RATE, Fingerprint, fingerprint
from genrecls.splits.base import SPLITS, Splitter
from tests.composed import composed

Samples = NDArray[np.float32]


def music(seed: int, seconds: float = 12.0) -> Samples:
    """Return notes of random pitch, length and time over a little noise."""
    rng = np.random.default_rng(seed)
    sound = 0.003 * rng.standard_normal(round(seconds * RATE))
    for _ in range(round(12 * seconds)):
        length = int(rng.uniform(0.1, 0.5) * RATE)
        start = int(rng.integers(0, len(sound) - length))
        time = np.arange(length) / RATE
        pitch = rng.uniform(120, 1200)
        tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in (1, 2, 3))
        sound[start : start + length] += 0.1 * rng.uniform(0.3, 1) * tone * np.exp(-5 * time)
    return np.asarray(sound, np.float32)


def noisy(sound: Samples, decibels: float) -> Samples:
    level = np.sqrt(np.mean(sound**2)) * 10 ** (-decibels / 20)
    noise = np.random.default_rng(1).standard_normal(len(sound))
    return np.asarray(sound + level * noise, np.float32)


def as_mp3(sound: Samples, rate: int = 16_000) -> Samples:
    """Return what is left after an MP3 of a low rate and the highest compression."""
    file = io.BytesIO()
    lower = soxr.resample(sound, RATE, rate)
    soundfile.write(file, lower, rate, format="MP3", compression_level=0.9)
    file.seek(0)
    return np.asarray(soxr.resample(soundfile.read(file, dtype="float32")[0], rate, RATE))


def cut(sound: Samples) -> Samples:
    """Return the sound without about its first half second, which is no whole frame."""
    return sound[RATE // 2 + 137 :]


COPIES: dict[str, Callable[[Samples], Samples]] = {
    "half as loud": lambda sound: sound * np.float32(0.5),
    "half a second missing": cut,
    "noise at 20 dB": lambda sound: noisy(sound, 20),
    "8 bits": lambda sound: np.round(sound * 127) / np.float32(127),
    "MP3 of 16 kHz": as_mp3,
    "all of it": lambda sound: as_mp3(noisy(cut(sound) * np.float32(0.5), 20)),
}


def fingerprints(sounds: list[Samples]) -> list[Fingerprint]:
    return [fingerprint(sound) for sound in sounds]


def spec() -> Mfcc:
    return validate(Mfcc, composed("train", "features=mfcc")["features"], "features")


def rule() -> SegmentRule:
    return validate(SegmentRule, composed("train", "segment=3s")["segment"], "segment")


def splitters(*names: str) -> dict[str, Splitter]:
    return {
        name: select(SPLITS, composed("split_report", f"split={name}")["split"]) for name in names
    }


def dataset_of(folder: Path, sounds: Mapping[str, tuple[Samples, str, str | None]]) -> Dataset:
    """Write sounds by id, each with its genre and artist."""
    folder.mkdir(parents=True, exist_ok=True)
    tracks = []
    for name, (sound, genre, artist) in sounds.items():
        soundfile.write(folder / f"{name}.wav", sound, RATE)
        tracks.append(Track(name, folder / f"{name}.wav", genre, artist))
    labels = tuple(sorted({track.label for track in tracks}))
    return Dataset("made", labels, tuple(tracks), folder, Provenance("", "", ""))
