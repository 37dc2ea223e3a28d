"""A trained model in an exported file: it needs a TFLite runtime and no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.segments import SegmentGrid, input_shapes
from genrecls.errors import ConfigError, ModelFileError, RunError
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.container import unpack
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.front_end import FrontEndMaker, Inputs, front_end_of
from genrecls.runtime.network import Network, check_threads, for_microcontrollers


class TFLitePredictor:
    """An exported model that classifies audio, whether it takes samples or features.

    Args:
        flatbuffer: the network.
        card: what the file says of itself, as `unpack` has checked it.
        threads: how many the runtime may use.
        other: see `front_end_of`.

    Attributes:
        card: plain values, as in the file.

    Raises:
        ModelFileError: the network cannot be run, or does not take and give what the card says.
        RunError: it takes something else than audio, or nothing here computes its features.
        ConfigError, ValueError: the card makes no sense.
    """

    def __init__(
        self,
        flatbuffer: bytes,
        card: Mapping[str, Any],
        threads: int = 1,
        other: FrontEndMaker | None = None,
    ) -> None:
        self.card = card
        self.segment: Mapping[str, Any] = card["segment"]
        self.takes_samples = card["input"] == "audio"
        self.front_end = front_end_of(card, other)
        self.description = ModelDescription.of(card, f"{card['input']} {card['mode']}")
        # Before the network is there: this is also what refuses what would not fit into memory.
        expected = input_shapes(self.segment, self.front_end.representation)
        if self.takes_samples:
            grid = SegmentGrid.of(self.front_end.features, self.segment)
            expected = {"audio": (grid.window.length,)}
        self.network = Network(flatbuffer, threads, delegates=not for_microcontrollers(card))
        self.rounding = self.network.rounding
        taken, described = sorted(self.network.inputs), sorted(card["inputs"])
        if taken != described:
            raise ModelFileError(
                f"it takes {', '.join(taken)} but its description says {', '.join(described)}; "
                "export it again"
            )
        if _types(self.network.inputs) != _types(card["inputs"]):
            raise ModelFileError("its inputs are not those of its description; export it again")
        shapes = {name: tuple(one["shape"]) for name, one in self.network.inputs.items()}
        if shapes != expected:
            raise ModelFileError(
                f"it takes {shapes} but its features give {expected}; the file was changed, export "
                "it again"
            )
        labels, outputs = self.description.labels, self.network.output["shape"]
        if outputs != [len(labels)]:
            raise ModelFileError(
                f"{outputs[-1] if outputs else 1} outputs but {len(labels)} labels; export it again"
            )

    def probabilities(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the probabilities of segments, shape (segments, classes)."""
        return self.network.probabilities(inputs)


def _types(inputs: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the shape, type and scale of each input."""
    return {
        name: [one.get(key) for key in ("shape", "dtype", "scale", "zero_point")]
        for name, one in inputs.items()
        if isinstance(one, Mapping)
    }


def load_tflite(path: Path, threads: int = 1, other: FrontEndMaker | None = None) -> Classifier:
    """Return the classifier in an exported file.

    Args:
        path: a `.tflite` file.
        threads: how many the runtime may use.
        other: makes front ends that need more than NumPy; see `front_end_of`.

    Raises:
        ConfigError: that many threads cannot be.
        ModelFileError: it cannot be read, or this runtime cannot run it.
        RunError: it takes something else than audio, or something is not installed.
    """
    check_threads(threads)
    flatbuffer, card = unpack(path)
    try:
        return Classifier(TFLitePredictor(flatbuffer, card, threads, other))
    except (ConfigError, ValueError) as error:
        raise ModelFileError(
            f"{path}: its description cannot be understood ({error}); export it again"
        ) from None
    except (ModelFileError, RunError) as error:
        raise type(error)(f"{path}: {error}") from None
