"""What makes the inputs of a network of audio; here by NumPy alone, from the card of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.audio import AudioFile
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.mel import MelFrontEnd
from genrecls.dsp.mel_settings import FRONT_ENDS
from genrecls.dsp.segments import Representation
from genrecls.errors import RunError
from genrecls.runtime.colormaps import unpack_colours

Samples = NDArray[np.float32]
Inputs = dict[str, NDArray[np.float32]]
"""Named inputs of a network; the first axis of every array counts segments."""


class FrontEnd(Protocol):
    """Something that reads audio and makes the inputs of a network."""

    @property
    def features(self) -> Mapping[str, Any]:
        """`sample_rate` and `hop_length`; also `n_fft` and `center` where frames are cut."""

    @property
    def representation(self) -> Representation:
        """What it computes, with the shapes of that."""

    def blocks(self, path: Path) -> Iterator[Samples]:
        """Yield the mono samples of a file at `sample_rate`, some at a time, shape (samples,).

        Raises:
            AudioRejected: the file cannot be trusted; this may show only at its end.
        """

    def frames(self, n_samples: int) -> int:
        """Return the number of frames of so many samples."""

    def transform(self, segments: Samples, *, padded: bool = False) -> Inputs:
        """Return the inputs of segments.

        Args:
            segments: shape (segments, samples).
            padded: whether they bring the samples around their first and last frame with them, so
                that nothing is to be added for `center`.
        """


class NumpyFrontEnd:
    """`mel`, `mfcc` and `mel_image` by the settings of a card.

    Args:
        features: settings of the representation, as `check_features` passes them.
        colours: the colour map of a `mel_image` that has one, as `packed_colours` packs it.

    Attributes:
        name: of the representation.
        rate: sample rate in Hz.
        step: hop length in samples.

    Raises:
        ValueError: the colours of a coloured picture are missing, or are none.
    """

    def __init__(self, features: Mapping[str, Any], colours: Sequence[int] | None = None) -> None:
        self.features = features
        plain = features.get("colour", "grey") in {"grey", "repeat"}
        table = None if plain else unpack_colours(colours or ())
        self._mel = MelFrontEnd.of(features, table)
        self.name, self.rate, self.step = (
            features["name"],
            self._mel.sample_rate,
            self._mel.hop_length,
        )

    @property
    def representation(self) -> NumpyFrontEnd:
        """Itself."""
        return self

    @property
    def _input(self) -> str:
        return "picture" if self.name == "mel_image" else self.name

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of the input of a segment of `n_samples` samples, by its name."""
        return {self._input: self._mel.shape(n_samples)}

    def values(self, n_samples: int) -> int:
        """Return how many numbers the largest array on the way from a segment to its input has."""
        return self._mel.values(n_samples)

    def blocks(self, path: Path) -> Iterator[Samples]:
        """Yield the mono samples of a file, some at a time."""
        return AudioFile(path, AudioLimits()).resampled(self._mel.sample_rate)

    def frames(self, n_samples: int) -> int:
        """Return the number of frames of so many samples."""
        return self._mel.frames(n_samples)

    def transform(self, segments: Samples, *, padded: bool = False) -> Inputs:
        """Return the input of segments (segments, samples), by its name."""
        mel = replace(self._mel, center=False) if padded else self._mel
        return {self._input: mel.transform(segments)}


FrontEndMaker = Callable[[Mapping[str, Any]], FrontEnd]


def front_end_of(card: Mapping[str, Any], other: FrontEndMaker | None = None) -> FrontEnd:
    """Return the front end that the card of an exported file describes.

    Args:
        card: of the file.
        other: makes those that need more than NumPy, of the settings of the features; None where
            there is nothing more, as on a device.

    Raises:
        RunError: the model takes no audio, or there is nothing that computes its features.
    """
    features = card["features"]
    name = features["name"]
    if name in FRONT_ENDS:
        return NumpyFrontEnd(features, card.get("colours"))
    if name.startswith("kaggle_"):
        raise RunError(
            f"this model takes what was published ready-made (features={name}) and no audio; train "
            "with features that are computed from audio, such as features=mel_image"
        )
    if other is None:
        raise RunError(
            f"features={name} are not computed by this program, which does without librosa; use "
            "genrecls itself (pip install 'genrecls[train]'), or export a model that takes mel, "
            "mfcc or mel_image"
        )
    return other(features)
