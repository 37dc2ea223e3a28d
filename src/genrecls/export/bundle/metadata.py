"""What an exported file says of itself: everything that a device needs to use and to trust it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls import __version__
from genrecls.features.mel_image import MelImage, colour_table
from genrecls.models.layers import input_statistics
from genrecls.runs.export_facts import ExportedFile, ExportFacts
from genrecls.runs.model_file import ModelCard
from genrecls.runtime.colormaps import pack_colours
from genrecls.runtime.container import FORMAT
from genrecls.runtime.network import Network

if TYPE_CHECKING:
    import keras

_VERSIONS = ("ai-edge-litert", "keras", "tensorflow", "tensorflow-cpu")


def description(
    facts: ExportFacts, file: ExportedFile, network: Network, card: ModelCard, model: keras.Model
) -> dict[str, Any]:
    """Return the plain values that travel inside an exported file.

    Args:
        facts: of the export, its files not among them.
        file: the exported file.
        network: what is in it.
        card: of the model.
        model: what knows the statistics that normalise the inputs.
    """
    # A device has no library for colour maps.
    spec = card.features
    colours = colour_table(spec.colour) if isinstance(spec, MelImage) else None
    calibration, keras_test = facts.calibration, facts.keras and asdict(facts.keras.test)
    return {
        "format": FORMAT,
        "genrecls": __version__,
        "input": file.input,
        "mode": file.mode,
        "labels": list(facts.labels),
        "vote": facts.vote,
        "run": facts.run,
        "dataset": facts.dataset.name,
        "split": facts.split,
        "leaks": list(facts.leaks),
        "generated": facts.generated,
        "pretraining": facts.pretraining,
        "features": facts.features,
        "segment": facts.segment,
        "inputs": dict(network.inputs),
        "output": network.output,
        # It is inside the graph as well; here it can be read.
        "normalisation": {
            name: {"mean": _numbers(known.mean), "variance": _numbers(known.variance)}
            for name, known in input_statistics(model).items()
        },
        "calibration": {
            "part": calibration.part,
            "tracks": len(calibration.tracks),
            "segments": calibration.segments,
        }
        if file.mode in {"int8", "mixed"}
        else None,
        "test": file.test and asdict(file.test),
        "keras_test": keras_test,
        **({} if card.refit is None else {"refit": dict(card.refit)}),
        **({} if card.held_out is None else {"held_out": dict(card.held_out)}),
        **({} if colours is None else {"colours": pack_colours(colours)}),
        "versions": {name: v for name, v in facts.versions.items() if name in _VERSIONS},
    }


def _numbers(values: NDArray[np.floating]) -> list[float]:
    # Six digits are what float32 has; more would only make the file longer.
    return [float(f"{value:.6g}") for value in values]
