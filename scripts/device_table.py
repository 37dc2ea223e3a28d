"""Compare what a microcontroller answers with what `genrecls predict` says, on real tracks.

    python scripts/device_table.py --root FOLDER [--tracks 1] FILE ...

FILE is a features_int8.tflite or the name of a shipped model, such as best_small_int8. The tracks,
so many of each genre of FOLDER (<genre>/<name>), go as 16-bit samples through the C++ front end of
the file's project, compiled here, and then through the interpreter of TensorFlow Lite Micro; and
through `predict --live`, without overlap, as a device cuts them. Needs g++ and `genrecls[micro]`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from genrecls.cli import main as genrecls
from genrecls.export.bundle.c_project import write_project
from genrecls.export.bundle.firmware import read_project
from genrecls.export.verify import micro
from genrecls.inference.files import named_model_file
from genrecls.runtime.container import unpack
from genrecls.runtime.network import Network

FRONT_END = """
#include <cstdio>
#include "front_end.h"
int main() {
  static genrecls::FrontEnd front_end;
  const std::size_t size = genrecls::kInputs[0].size;
  genrecls::Element* features = new genrecls::Element[size];
  front_end.Init();
  front_end.Reset();
  front_end.Begin(features);
  std::int16_t block[160];
  for (std::size_t count; (count = std::fread(block, 2, 160, stdin)) != 0;) {
    for (std::size_t begin = 0; begin < count;) {
      begin += front_end.Feed(block + begin, count - begin);
      if (!front_end.complete()) continue;
      std::fwrite(features, sizeof(*features), size, stdout);
      front_end.Begin(features);
    }
  }
  delete[] features;
  return 0;
}
"""
SOURCES = ("main.cc", "src/tables.cc", "src/fft.cc", "src/front_end.cc")


@dataclass(frozen=True)
class Comparison:
    """How two kinds of answers to the same segments differ.

    Attributes:
        segments: their number.
        genres: genres that the device answered.
        same_genre: segments with the same most probable genre.
        equal: segments whose probabilities are all the same.
        alike: segments whose probabilities differ by two steps of the int8 output at most.
        steps: largest difference of a probability, in such steps.
    """

    segments: int
    genres: int
    same_genre: int
    equal: int
    alike: int
    steps: int

    @classmethod
    def of(cls, device: NDArray[np.int64], expected: NDArray[np.int64]) -> Comparison:
        """Return the differences of stored answers, shape (segments, genres)."""
        gaps, decisions = np.abs(device - expected).max(axis=1), device.argmax(axis=1)
        return cls(
            segments=len(device),
            genres=len(set(decisions.tolist())),
            same_genre=int((decisions == expected.argmax(axis=1)).sum()),
            equal=int((gaps == 0).sum()),
            alike=int((gaps <= 2).sum()),
            steps=int(gaps.max()),
        )


def compare(file: Path, tracks: Sequence[Path], folder: Path) -> Comparison:
    """Return how a device and `predict` differ on tracks of the sample rate of a file."""
    songs = []
    for track in tracks:
        samples, rate = soundfile.read(track, dtype="int16")
        songs.append(folder / f"{track.stem}.wav")
        soundfile.write(songs[-1], samples, rate, subtype="PCM_16")
    answers = on_device(file, songs, folder / "micro")
    # What is left at the end of a track a device keeps for a segment that does not come.
    said = zip(answers, predicted(file, songs), strict=True)
    expected = [stored[: len(device)] for device, stored in said]
    return Comparison.of(np.concatenate(answers), np.concatenate(expected))


def on_device(file: Path, songs: Sequence[Path], folder: Path) -> list[NDArray[np.int64]]:
    """Return what a device answers to the segments of each song, in steps of its output."""
    write_project(folder, read_project(file))
    (folder / "main.cc").write_text(FRONT_END, encoding="utf-8")
    program = folder / "front_end"
    words = ["g++", "-std=c++17", "-O2", "-Isrc", *SOURCES, "-o", str(program)]
    subprocess.run(words, cwd=folder, check=True)
    flatbuffer, _ = unpack(file)
    (taken,) = Network(flatbuffer).inputs.values()
    features = []
    for song in songs:
        samples, _ = soundfile.read(song, dtype="int16")
        done = subprocess.run([program], input=samples.tobytes(), capture_output=True, check=True)
        features.append(np.frombuffer(done.stdout, np.int8).reshape(-1, *taken["shape"]))
    outputs = micro.run(flatbuffer, [np.concatenate(features)]).outputs.astype(np.int64)
    return np.split(outputs, np.cumsum([len(one) for one in features])[:-1])


def predicted(file: Path, songs: Sequence[Path]) -> list[NDArray[np.int64]]:
    """Return what `predict` says to the segments of each song, in the same steps."""
    flatbuffer, card = unpack(file)
    output, answers = Network(flatbuffer).output, []
    cut = ("--hop", str(card["segment"]["length"]), "--smooth", "1", "--live-wait", "0.01")
    for song in songs:
        words = ("predict", "--model", str(file), "--live", str(song), *cut, "--format", "json")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = genrecls.main(words)
        if status != 0:
            raise SystemExit(f"predict ended with status {status}")
        rows = [json.loads(line)["probabilities"] for line in printed.getvalue().splitlines()]
        steps = np.array([[*row.values()] for row in rows]) / output["scale"]
        answers.append(np.rint(steps + output["zero_point"]).astype(np.int64))
    return answers


def main() -> None:
    """Print a row of a Markdown table for each file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of the tracks")
    parser.add_argument("--tracks", type=int, default=1, help="of each genre (1)")
    parser.add_argument("files", nargs="+", metavar="FILE")
    options = parser.parse_args()
    genres = sorted(path for path in options.root.resolve().iterdir() if path.is_dir())
    tracks = [track for genre in genres for track in sorted(genre.iterdir())[: options.tracks]]
    print("| file | segments | same genre | all probabilities equal | largest difference |")
    print("| --- | --: | --: | --: | --: |")
    for word in options.files:
        file = named_model_file(word)
        if file is None:
            raise SystemExit(f"{word}: no such file or shipped model")
        with tempfile.TemporaryDirectory() as name:
            found = compare(file.resolve(), tracks, Path(name))
        cells = (found.segments, found.same_genre, found.equal, f"{found.steps} steps")
        print(f"| {word} | {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
