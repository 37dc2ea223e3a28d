"""How well two published measures tell speech from music: the numbers of docs/how_to/unknown.md.

    python scripts/speech_measures.py --music FOLDER --speech FOLDER

Both are searched for audio. The measures are taken over whole files, in frames of 20 ms: the share
of frames quieter than half of the mean of their second (E. Scheirer and M. Slaney, "Construction
and evaluation of a robust multifeature speech/music discriminator", ICASSP 1997), and the share
whose zero-crossing rate is above 1.5 times that mean (L. Lu, H. Zhang and H. Jiang, "Content
analysis for audio classification and segmentation", IEEE TSAP 10(7), 2002). Speech is heard as it
is, degraded as by `genrecls evaluate robustness=standard`, and in a room.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from genrecls.datasets.audio_files import find_audio
from genrecls.dsp.audio import AudioFile
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.evaluation.degradations import STANDARD

FRAME_S = 0.02
SECOND = round(1 / FRAME_S)


def measures(samples: NDArray[np.float32], rate: int) -> tuple[float, float]:
    """Return the share of quiet frames and that of frames with many zero crossings."""
    size = round(FRAME_S * rate)
    seconds = len(samples) // (size * SECOND)
    frames = samples[: seconds * SECOND * size].reshape(seconds, SECOND, size)
    loudness = np.sqrt(np.square(frames).mean(axis=2))
    crossings = (np.diff(np.signbit(frames), axis=2)).mean(axis=2)
    quiet = loudness < 0.5 * loudness.mean(axis=1, keepdims=True)
    many = crossings > 1.5 * crossings.mean(axis=1, keepdims=True)
    return float(quiet.mean()), float(many.mean())


def read(path: Path) -> tuple[NDArray[np.float32], int]:
    """Return the samples of a file, as mono, and their rate."""
    sound = AudioFile(path, AudioLimits())
    return np.concatenate([*sound.blocks()]), sound.rate


def in_a_room(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return sound that is as loud as its echoes, which die away by 60 dB in half a second."""
    times = np.arange(round(0.5 * rate)) / rate
    echoes = np.random.default_rng(0).standard_normal(len(times)) * 10 ** (-3 * times / 0.5)
    response = echoes / np.linalg.norm(echoes)
    response[0] += 1
    return np.asarray(fftconvolve(samples, response)[: len(samples)], np.float32)


def show(title: str, rows: list[tuple[float, float]]) -> None:
    """Print the least, the median and the largest value of both measures."""
    cells = [
        " ".join(f"{value:.3f}" for value in (min(column), np.median(column), max(column)))
        for column in zip(*rows, strict=True)
    ]
    print(f"{title:26} {len(rows):4} files   quiet {cells[0]}   crossings {cells[1]}")


def main() -> None:
    """Measure both folders."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--music", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True)
    options = parser.parse_args()
    music = {path: measures(*read(path)) for path in find_audio(options.music).files}
    for folder in sorted({path.parent for path in music}):
        show(folder.name, [row for path, row in music.items() if path.parent == folder])
    show("all music", [*music.values()])
    speech = [read(path) for path in find_audio(options.speech).files]
    show("speech", [measures(*sound) for sound in speech])
    show("speech, in a room", [measures(in_a_room(*sound), sound[1]) for sound in speech])
    for degradation in STANDARD.values():
        if degradation.missing():
            continue
        show(
            f"speech, {degradation.title}",
            [measures(degradation.apply(x, rate, 0), rate) for x, rate in speech],
        )


if __name__ == "__main__":
    main()
