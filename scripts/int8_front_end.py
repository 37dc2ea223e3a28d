"""Measure what is left of a network's answers when its mel bands are whole numbers of few bits.

    python scripts/int8_front_end.py RUN ...

RUN is the folder of a finished run on features=mel of one sample rate, exported as
features_float32.tflite. An `audio` file that were int8 from the mel on would hold the spectrum, or
the bands before they are compressed, in 8 bits with one scale for all of them, as TensorFlow Lite
has it; here the same numbers are rounded so, between front end and float network, with the largest
value of 20 tracks of the train part as full scale. The test part is compared with the exact front
end, as the gate does it.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from genrecls.dsp.mel import MelFrontEnd
from genrecls.dsp.segments import SegmentGrid, windows
from genrecls.runs.export_facts import EXPORT
from genrecls.runtime.container import unpack
from genrecls.runtime.network import Network

Floats = NDArray[np.float32]
CALIBRATION_TRACKS = 20


def rounded(values: Floats, largest: Floats | float, bits: int) -> Floats:
    """Return values between 0 and `largest` as whole numbers of so many bits hold them."""
    scale = np.asarray(largest, np.float32) / (2**bits - 1)
    return np.asarray(np.clip(np.rint(values / scale), 0, 2**bits - 1) * scale, np.float32)


class FrontEnd:
    """The steps of a front end one by one.

    Args:
        front: its settings.
    """

    def __init__(self, front: MelFrontEnd) -> None:
        self.front = front

    def spectrum(self, segment: Floats) -> Floats:
        """Return the spectrum of each frame of a segment, shape (frames, bins)."""
        front = self.front
        padded = np.pad(segment, front.n_fft // 2 if front.center else 0)
        framed = np.lib.stride_tricks.sliding_window_view(padded, front.n_fft)[:: front.hop_length]
        return np.asarray(
            np.abs(np.fft.rfft(framed * front.window_samples)) ** front.power, np.float32
        )

    def bands(self, spectrum: Floats) -> Floats:
        """Return the mel bands of frames, shape (frames, bands)."""
        return spectrum @ self.front.filters.T

    def features(self, bands: Floats) -> Floats:
        """Return what the network takes, shape (frames, bands)."""
        gain = np.float32(self.front.log_gain)
        return np.asarray(np.log1p(gain * bands) / np.log(10), np.float32)


def segments_of(path: Path, grid: SegmentGrid) -> Floats:
    """Return the segments of a track."""
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    track = samples.mean(axis=1)
    return windows(track, grid.cut.starts(len(track)), grid.cut.length)


def measure(run: Path) -> None:
    """Print the rows of one run."""
    flatbuffer, card = unpack(run / EXPORT / "features_float32.tflite")
    features, network = card["features"], Network(flatbuffer)
    if (features["name"], features["compression"]) != ("mel", "log1p"):
        raise SystemExit(f"{run}: expected features=mel features.compression=log1p")
    front, grid = FrontEnd(MelFrontEnd.of(features)), SegmentGrid.of(features, card["segment"])
    with (run / "split.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["part"] in {"train", "test"}]
    train = [row for row in rows if row["part"] == "train"]
    chosen = train[:: max(1, len(train) // CALIBRATION_TRACKS)]
    heard = [front.spectrum(s) for row in chosen for s in segments_of(Path(row["path"]), grid)]
    loudest = float(max(spectrum.max() for spectrum in heard))
    bands = np.stack([front.bands(spectrum).max(axis=0) for spectrum in heard]).max(axis=0)

    ways: dict[str, Callable[[Floats], Floats]] = {
        "nothing": lambda spectrum: front.features(front.bands(spectrum)),
        "spectrum, 8 bits": lambda s: front.features(front.bands(rounded(s, loudest, 8))),
        "bands, 8 bits": lambda s: front.features(rounded(front.bands(s), float(bands.max()), 8)),
        "bands, 8 bits, a scale for each": lambda s: front.features(
            rounded(front.bands(s), bands, 8)
        ),
        "bands, 16 bits": lambda s: front.features(rounded(front.bands(s), float(bands.max()), 16)),
        "features, 8 bits": lambda s: rounded(
            front.features(front.bands(s)), float(front.features(bands[None]).max()), 8
        ),
    }
    (name,) = network.inputs
    answers: dict[str, list[NDArray[np.int64]]] = {way: [] for way in ways}
    truth: list[int] = []
    for row in rows:
        if row["part"] != "test":
            continue
        spectra = [front.spectrum(segment) for segment in segments_of(Path(row["path"]), grid)]
        truth += [card["labels"].index(row["genre"])] * len(spectra)
        for way, compute in ways.items():
            inputs = np.stack([compute(spectrum) for spectrum in spectra])
            answers[way].append(network.probabilities({name: inputs}).argmax(axis=1))
    decisions = {way: np.concatenate(each) for way, each in answers.items()}
    for way, found in decisions.items():
        equal = np.mean(found == decisions["nothing"])
        print(
            f"| power {features['power']} | {way} | {equal:.1%} | {np.mean(found == truth):.3f} |"
        )


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    print("| spectrum | what is rounded | equal decisions | accuracy per segment (test) |")
    print("| --- | --- | --: | --: |")
    for run in parser.parse_args().runs:
        measure(run)


if __name__ == "__main__":
    main()
