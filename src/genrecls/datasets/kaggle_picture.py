"""The mel pictures of the Kaggle copy of GTZAN: spectrograms inside a white margin."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.audio import AudioRejected

SIZE = (432, 288)
"""Width and height of a published picture in pixels."""
COLUMNS, ROWS = 336, 218
"""Width (time) and height (mel frequency) of the spectrogram in it."""
_LEFT, _TOP = 54, 35
# Which of them a damaged file raises depends on the byte that is wrong.
_DAMAGE = (OSError, SyntaxError, ValueError, struct.error, zlib.error)


def read_picture(path: Path) -> NDArray[np.float32]:
    """Return the spectrogram of a published picture as shades of grey, 0 to 1.

    Colours become grey by their luma (ITU-R BT.601), as steiner2023's conversion does.

    Returns:
        Shape (336, 218): columns from the first to the last, rows from low to high frequency.

    Raises:
        AudioRejected: the file is no such picture.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if picture.size != SIZE:
                found = " x ".join(map(str, picture.size))
                raise AudioRejected(
                    path, "unreadable", f"expected a picture of 432 x 288 pixels, found {found}"
                )
            box = (_LEFT, _TOP, _LEFT + COLUMNS, _TOP + ROWS)
            grey = np.asarray(picture.convert("RGB").crop(box).convert("L"), np.float32)
    except FileNotFoundError:
        raise AudioRejected(path, "missing", "there is no such picture") from None
    except (*_DAMAGE, Image.DecompressionBombError) as error:
        # What is wrong inside a picture has no number of the operating system.
        reason = getattr(error, "strerror", None) or "expected a PNG, found none or a damaged one"
        raise AudioRejected(path, "unreadable", reason) from None
    return np.ascontiguousarray(grey[::-1].T) / np.float32(255)
