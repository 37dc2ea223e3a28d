"""Tiny exported files, with the card that makes them whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from genrecls import __version__
from genrecls.export.formats import ExportFormat, Input, Mode
from genrecls.runs.model_file import ModelCard
from genrecls.runtime.container import FORMAT, pack
from genrecls.runtime.network import Network
from tests.export.conftest import Made
from tests.export.exported import RATE


@dataclass(frozen=True)
class Packed:
    """A Keras model and its exported files."""

    keras: Path
    files: Mapping[ExportFormat, Path]

    def file(self, kind: Input, mode: Mode) -> Path:
        """The place of one file."""
        return self.files[ExportFormat(kind, mode)]


def packed(made: Made, folder: Path) -> Packed:
    """Write every file of `made` with its card."""
    folder.mkdir()
    places = {}
    for export_format, result in made.files.items():
        assert result.flatbuffer is not None, result.error
        places[export_format] = folder / export_format.file
        card = plain_card(made.tiny.card, export_format, result.flatbuffer)
        places[export_format].write_bytes(pack(result.flatbuffer, card))
    return Packed(made.tiny.path, places)


def plain_card(card: ModelCard, export_format: ExportFormat, flatbuffer: bytes) -> dict[str, Any]:
    """Return what an exported file says of itself."""
    network = Network(flatbuffer)
    facts = {**asdict(card), "labels": list(card.labels), "leaks": list(card.leaks)}
    return {
        **facts,
        "format": FORMAT,
        "genrecls": __version__,
        "input": export_format.input,
        "mode": export_format.mode,
        "inputs": network.inputs,
        "output": network.output,
        "normalisation": {},
        "calibration": None,
        "keras_test": card.test,
        "versions": {},
    }


def song(path: Path, seconds: float = 2.0, rate: int = RATE, seed: int = 0) -> Path:
    """Write noise and a tone whose loudness and height wander, as the suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound(seconds, rate, seed), rate)
    return path


def sound(seconds: float, rate: int = RATE, seed: int = 0) -> NDArray[np.float32]:
    """Return the samples of `song`."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).standard_normal(len(time))
    tone = np.sin(2 * np.pi * (200 + 300 * time) * time)
    loudness = 0.1 + 0.3 * np.abs(np.sin(3 * time))
    return np.asarray(loudness * (tone + 0.3 * noise) / 2, np.float32).clip(-1, 1)
