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

from genrecls.dsp.mel import cosine_basis, emphasised, greys, log_mel_of
from genrecls.errors import RunError
from genrecls.runtime.colormaps import painted, unpacked_colours


class FrontEnd(Protocol):
    """Something that makes the inputs of a network."""

    def transform(self, segments: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the inputs of `segments`, shape (segments, samples), by name."""


class MelFrontEnd:
    """`mel`, `mfcc` and `mel_image`.

    Args:
        features: settings of the representation.
        colours: the packed colour map of a `mel_image` that has one.
    """

    def __init__(self, features: Mapping[str, Any], colours: Sequence[int] | None = None) -> None:
        self._features = features
        self._log_mel = log_mel_of(features)
        plain = features.get("colour", "grey") in {"grey", "repeat"}
        self._colours = None if plain else unpacked_colours(colours or ())
        self._draw = {"mel": _unchanged, "mfcc": self._coefficients, "mel_image": self._pictures}

    def transform(self, segments: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the input of `segments`, shape (segments, samples)."""
        name = self._features["name"]
        heard = emphasised(segments, self._features.get("pre_emphasis", 0))
        bands = self._log_mel.decibels(heard, np.fft.rfft)
        values = np.ascontiguousarray(self._draw[name](bands), np.float32)
        return {"picture" if name == "mel_image" else name: values}

    def _coefficients(self, bands: NDArray[np.float32]) -> NDArray[Any]:
        features = self._features
        return bands @ cosine_basis(features["n_mels"], features["n_mfcc"], features["lifter"])

    def _pictures(self, bands: NDArray[np.float32]) -> NDArray[Any]:
        return np.stack([self._picture(segment) for segment in bands])

    def _picture(self, bands: NDArray[np.float32]) -> NDArray[np.float32]:
        features = self._features
        grey = greys(bands, features["top_db"])
        if features["size"] is not None:
            grey = shrunk(grey, features["size"])
        if features["colour"] == "repeat":
            return np.repeat(grey[..., None], 3, axis=-1)
        return grey if self._colours is None else painted(grey, self._colours)


def shrunk(picture: NDArray[np.float32], size: Sequence[int]) -> NDArray[np.float32]:
    """Return a picture of one channel with the shape `size`, as Pillow's `BILINEAR` scales it."""
    rows, columns = (
        bilinear_matrix(here, there) for here, there in zip(picture.shape, size, strict=True)
    )
    return np.asarray(rows @ picture @ columns.T, np.float32)


def bilinear_matrix(here: int, there: int) -> NDArray[np.float64]:
    """Return the matrix, shape (there, here), that scales an axis; shrinking, every value counts.

    A triangle as wide as two new pixels (two old ones, if those are larger) is laid over each.
    """
    scale = here / there
    width = max(1.0, scale)
    centres = (np.arange(there)[:, None] + 0.5) * scale
    weights = np.maximum(0, 1 - np.abs(np.arange(here) + 0.5 - centres) / width)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)


def front_end_of(card: Mapping[str, Any]) -> FrontEnd:
    """Return the front end that the card of an exported file describes.

    Raises:
        RunError: it takes no audio, or needs librosa, which is not installed.
    """
    features = card["features"]
    name = features["name"]
    if name in {"mel", "mfcc", "mel_image"}:
        return MelFrontEnd(features, card.get("colours"))
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


def _unchanged(bands: NDArray[np.float32]) -> NDArray[Any]:
    return bands
