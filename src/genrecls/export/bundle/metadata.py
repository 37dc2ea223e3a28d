"""What an exported file says of itself: everything that a device needs to use and to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from genrecls import __version__
from genrecls.environment import environment
from genrecls.export.export import ExportedFile, ExportResult
from genrecls.features.base import FeatureSpec
from genrecls.features.mel_image import MelImage, colour_table
from genrecls.models.layers import input_statistics
from genrecls.runtime.colormaps import packed_colours
from genrecls.runtime.container import FORMAT
from genrecls.runtime.network import Network

if TYPE_CHECKING:
    import keras

_VERSIONS = ("ai-edge-litert", "keras", "tensorflow", "tensorflow-cpu")


def description(exported: ExportResult, file: ExportedFile) -> dict[str, Any]:
    """Return the plain values that travel inside `file`."""
    card, network = exported.card, Network(file.flatbuffer)
    return {
        "format": FORMAT,
        "genrecls": __version__,
        "input": file.variant.input,
        "mode": file.variant.mode,
        "labels": list(card.labels),
        "vote": card.vote,
        "run": card.run,
        "dataset": card.dataset,
        "split": card.split,
        "leaks": list(card.leaks),
        "generated": card.generated,
        "features": asdict(card.features),
        "segment": asdict(card.segment),
        "inputs": dict(network.inputs),
        "output": network.output,
        "normalisation": normalisation(exported.model),
        "calibration": _calibration(exported) if file.variant.mode == "int8" else None,
        "test": file.test,
        "keras_test": exported.keras_test,
        **_colours(card.features),
        "versions": {name: v for name, v in environment().items() if name in _VERSIONS},
    }


def _colours(features: FeatureSpec) -> dict[str, list[int]]:
    """Return the colour map of a picture, which a device has no library for."""
    table = colour_table(features.colour) if isinstance(features, MelImage) else None
    return {} if table is None else {"colours": packed_colours(table)}


def normalisation(model: keras.Model) -> dict[str, dict[str, list[float]]]:
    """Return the statistics with which the network standardises its inputs, by input name.

    They are inside the graph as well; here they can be read.
    """
    return {
        name: {"mean": _numbers(statistics.mean), "variance": _numbers(statistics.variance)}
        for name, statistics in input_statistics(model).items()
    }


def _numbers(values: NDArray[Any]) -> list[float]:
    # Six digits are what float32 has; more would only make the file longer.
    return [float(f"{value:.6g}") for value in values]


def _calibration(exported: ExportResult) -> Mapping[str, Any]:
    chosen = exported.calibration
    return {"part": "train", "tracks": len(chosen.tracks), "segments": len(chosen)}
