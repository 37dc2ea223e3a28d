"""All randomness of a run comes from its one seed, through streams with names."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def stream(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """Return the generator of the stream `name`, such as `stream(seed, "order", epoch)`.

    Streams are independent of each other and of how often another one was used, so that a run can
    be taken up in the middle. A name always goes with the same count of numbers, for a missing one
    counts as zero.
    """
    import numpy as np

    return np.random.default_rng([seed, zlib.crc32(name.encode()), *numbers])


def stream_seed(seed: int, name: str, *numbers: int) -> int:
    """Return a 31-bit seed of the stream `name` for libraries that want an integer."""
    return int(stream(seed, name, *numbers).integers(2**31))
