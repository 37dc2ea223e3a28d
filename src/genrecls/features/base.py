"""What a representation is: a hashable specification that knows its shape and its transform."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from genrecls.config.schema import Registry, Schema

Samples = NDArray[np.float32]
Inputs = dict[str, NDArray[np.float32]]
"""Named model inputs; the first axis of every array counts segments."""


@dataclass(frozen=True)
class FeatureSpec(Schema, ABC):
    """Everything that defines one representation.

    The same value drives training, is part of the cache key and travels with the trained model.

    Attributes:
        name: registered name.
        sample_rate: rate in Hz that the audio is resampled to.
        hop_length: samples between two frames.
    """

    name: str
    sample_rate: PositiveInt
    hop_length: PositiveInt

    @abstractmethod
    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of each input made from a segment of `n_samples` samples."""

    @abstractmethod
    def transform(self, segments: Samples) -> Inputs:
        """Return the inputs of `segments`, an array (segments, samples), each by itself."""

    @property
    @abstractmethod
    def axes(self) -> tuple[str, str]:
        """Names of the two axes of a picture of this representation, for figures."""


FEATURES: Registry[FeatureSpec] = Registry("features", "genrecls.features")
