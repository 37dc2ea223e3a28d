"""From samples to what a network takes, by NumPy alone.

It equals `genrecls.features` (a test compares them), but is made from the plain card of an exported
file and needs neither SciPy, Pillow, matplotlib nor librosa.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.mel import MelFrontEnd
from genrecls.errors import RunError
from genrecls.runtime.colormaps import unpacked_colours


class FrontEnd(Protocol):
    """Something that makes the inputs of a network."""

    def transform(self, segments: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the inputs of `segments`, shape (segments, samples), by name."""


class NumpyFrontEnd:
    """`mel`, `mfcc` and `mel_image`.

    Args:
        features: settings of the representation.
        colours: the packed colour map of a `mel_image` that has one.
    """

    def __init__(self, features: Mapping[str, Any], colours: Sequence[int] | None = None) -> None:
        self._name = features["name"]
        plain = features.get("colour", "grey") in {"grey", "repeat"}
        table = None if plain else unpacked_colours(colours or ())
        self._front_end = MelFrontEnd.of(features, table)

    def transform(self, segments: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the input of `segments`, shape (segments, samples)."""
        name = "picture" if self._name == "mel_image" else self._name
        return {name: self._front_end.transform(segments)}


def front_end_of(card: Mapping[str, Any]) -> FrontEnd:
    """Return the front end that the card of an exported file describes.

    Raises:
        RunError: it takes no audio, or needs librosa, which is not installed.
    """
    features = card["features"]
    name = features["name"]
    if name in {"mel", "mfcc", "mel_image"}:
        return NumpyFrontEnd(features, card.get("colours"))
    if name.startswith("kaggle_"):
        raise RunError(
            f"this model takes what was published ready-made (features={name}) and no audio; train "
            "with features that are computed from audio, such as features=mel_image"
        )
    try:
        # By name, for the single file `classify.py` is made without them.
        registry = import_module("genrecls.features.base").FEATURES
        select = import_module("genrecls.config.validation").select
        import_module("librosa")
    except ImportError as error:
        raise RunError(
            f"features={name} are computed by librosa, but {error.name} is not installed; install "
            "genrecls with pip install 'genrecls[train]', or export a model that takes mel, mfcc "
            "or mel_image"
        ) from None
    found: FrontEnd = select(registry, features)
    return found
