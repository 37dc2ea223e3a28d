"""What families have in common whose network was made for photographs: a picture in colour."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass

from genrecls.errors import ConfigError
from genrecls.models.base import Shapes
from genrecls.models.pretrained_weights import file_digest
from genrecls.models.transfer import TransferFamily

CHANNELS = 3
SMALLEST = 32
"""Rows and columns: the networks halve them five times."""


@dataclass(frozen=True)
class PhotographFamily(TransferFamily, ABC):
    """A network for photographs on one picture with three channels, whose values are 0 to 1.

    Attributes:
        weights: `none`, `imagenet` or the path of a file.
    """

    weights: str

    @property
    def pretraining(self) -> str:
        """ImageNet, or the file that holds the weights."""
        return {"none": "", "imagenet": "ImageNet"}.get(self.weights, "weights of a file")

    def contents(self) -> dict[str, str | None]:
        """Return the digest of a weights file that is named by its path."""
        digest = file_digest(self.weights)
        return {"weights": digest} if digest else {}

    def coloured(self, shapes: Shapes) -> tuple[str, tuple[int, int, int]]:
        """Return name and shape (rows, columns, 3) of the only input.

        Raises:
            ConfigError: there is another number of inputs, or it is no picture in colour.
        """
        if len(shapes) == 1:
            ((name, shape),) = shapes.items()
            if len(shape) == 3 and shape[2] == CHANNELS:
                return name, (shape[0], shape[1], CHANNELS)
        raise self.refusal(
            f"one input of the shape (frames, bands, {CHANNELS}), such as features=mel_image with "
            "features.colour=jet",
            shapes,
        )

    def check_size(self, rows: int, columns: int) -> None:
        """Refuse a picture of which nothing would be left.

        Raises:
            ConfigError: says how large it has to be.
        """
        if min(rows, columns) < SMALLEST:
            raise ConfigError(
                f"model={self.name}: takes a picture of at least {SMALLEST} x {SMALLEST}, the "
                f"chosen features give {rows} x {columns}; choose a larger size or longer segments"
            )
