"""A trained model in an exported file: it needs a TFLite runtime and no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.segments import SegmentGrid
from genrecls.errors import ModelFileError, RunError
from genrecls.runtime.classifier import Classifier
from genrecls.runtime.container import unpack
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.front_end import FrontEndMaker, Inputs, front_end_of
from genrecls.runtime.network import Network


class TFLitePredictor:
    """An exported model that classifies audio, whether it takes samples or features.

    Args:
        network: the network.
        card: what the file says of itself.
        other: see `front_end_of`.

    Attributes:
        card: plain values, as in the file.

    Raises:
        ModelFileError: the network does not take and give what the card says.
        RunError: it takes something else than audio, or nothing here computes its features.
        KeyError, TypeError, ValueError: the card makes no sense.
    """

    def __init__(
        self, network: Network, card: Mapping[str, Any], other: FrontEndMaker | None = None
    ) -> None:
        self.network, self.card = network, card
        self.segment: Mapping[str, Any] = card["segment"]
        self.takes_samples = card["input"] == "audio"
        self.front_end = front_end_of(card, other)
        self.description = ModelDescription.of(card, f"{card['input']} {card['mode']}")
        SegmentGrid.of(self.front_end.features, self.segment)
        taken, described = sorted(network.inputs), sorted(card["inputs"])
        if taken != described:
            raise ModelFileError(
                f"it takes {', '.join(taken)} but its description says {', '.join(described)}; "
                "export it again"
            )
        labels, outputs = self.description.labels, network.output["shape"]
        if outputs != [len(labels)]:
            raise ModelFileError(f"{outputs[-1]} outputs but {len(labels)} labels; export it again")

    def probabilities(self, inputs: Inputs) -> NDArray[np.float64]:
        """Return the probabilities of segments, shape (segments, classes)."""
        return self.network.probabilities(inputs)


def load_tflite(path: Path, threads: int = 1, other: FrontEndMaker | None = None) -> Classifier:
    """Return the classifier in an exported file.

    Args:
        path: a `.tflite` file.
        threads: how many the runtime may use.
        other: makes front ends that need more than NumPy; see `front_end_of`.

    Raises:
        ModelFileError: it cannot be read, or this runtime cannot run it.
        RunError: it takes something else than audio, or something is not installed.
    """
    flatbuffer, card = unpack(path)
    try:
        return Classifier(TFLitePredictor(Network(flatbuffer, threads), card, other))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(
            f"{path}: its description cannot be understood ({type(error).__name__}: {error}); "
            "export it again"
        ) from None
    except (ModelFileError, RunError) as error:
        raise type(error)(f"{path}: {error}") from None
