"""`mel_image`: log-mel spectrograms scaled and coloured as a picture of them would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from pydantic import PositiveFloat, PositiveInt

from genrecls.config.ranges import Share
from genrecls.dsp.mel_settings import Colour
from genrecls.features.base import FEATURES, Inputs, Samples
from genrecls.features.mel import MelSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from genrecls.dsp.mel import Kernels

Picture2d: TypeAlias = "NDArray[np.float32]"


def scaled(picture: Picture2d, size: Sequence[int]) -> Picture2d:
    """Return a picture of one channel with the shape `size`.

    Bilinear; where it shrinks, every value counts (Pillow's `BILINEAR`, no aliasing).
    """
    import numpy as np
    from PIL import Image

    image = Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32)


@lru_cache
def colour_table(colour: Colour) -> NDArray[np.float64] | None:
    """Return the 256 colours of a colour map from 0 to 1, shape (256, 3); None where it is none."""
    if colour in {"grey", "repeat"}:
        return None
    import numpy as np
    from matplotlib import colormaps

    table = np.asarray(colormaps[colour](np.arange(256))[:, :3], np.float64)
    table.setflags(write=False)
    return table


@FEATURES.register("mel_image")
@dataclass(frozen=True)
class MelImage(MelSettings):
    """Mel picture: one input `picture`, (segments, frames, bands[, 3]), 0 to 1, low bands first.

    1 is the loudest value of a segment, 0 is `top_db` below it and everything in a silent segment.

    Attributes:
        pre_emphasis: y[t] = x[t] - pre_emphasis * x[t - 1] before the spectrogram; 0 is off.
        size: frames x bands that each segment is scaled to (bilinear); null keeps its own.
        colour: `grey` has no third axis, `repeat` has the same value in three channels; the others
            are colour maps of matplotlib, in red, green and blue.
    """

    ref: Literal["max"]
    top_db: PositiveFloat
    pre_emphasis: Share
    size: tuple[PositiveInt, PositiveInt] | None
    colour: Colour

    libraries: ClassVar[tuple[str, ...]] = ("matplotlib", "numpy", "pillow", "scipy")

    @property
    def kernels(self) -> Kernels:
        """The library functions that it is computed with."""
        return replace(super().kernels, resize=scaled)

    def shapes(self, n_samples: int) -> dict[str, tuple[int, ...]]:
        """Return the shape of `picture` for a segment of `n_samples` samples."""
        return {"picture": self.front_end.shape(n_samples)}

    def transform(self, segments: Samples) -> Inputs:
        """Return the picture of each segment."""
        import numpy as np

        table = colour_table(self.colour)
        colours = None if table is None else np.asarray(table, np.float32)
        return {"picture": replace(self.front_end, colours=colours).transform(segments)}

    @property
    def axes(self) -> tuple[str, str]:
        """Names of the first two axes."""
        return ("time", "mel band")
