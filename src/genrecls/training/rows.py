"""Arrays that are filled row after row, in memory or, where that is too small, in a file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import DataError

# The rows that a statistic looks at in one go.
_CHUNK_BYTES = 16 * 1024 * 1024


class Rows:
    """Rows of one array of float32: append them all, then take the array.

    A file has no name: it is gone with the array or the process, however that ends.

    Args:
        count: number of rows to come.
        shape: of one row.
        folder: where the file is made; None keeps the rows in memory.
    """

    def __init__(self, count: int, shape: tuple[int, ...], folder: Path | None) -> None:
        self._shape = (count, *shape)
        self._folder = folder
        self._filled = 0
        if folder is None:
            self._memory = np.empty(self._shape, np.float32)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives with the array

    def append(self, block: NDArray[np.float32]) -> None:
        """Add rows, shape (rows, *shape).

        Raises:
            DataError: the disk is full.
        """
        if self._folder is None:
            self._memory[self._filled : self._filled + len(block)] = block
            self._filled += len(block)
            return
        try:
            self._file.write(np.ascontiguousarray(block, np.float32).data)
        except OSError as error:
            needed = prod(self._shape) * 4 / 1e9
            raise DataError(
                f"{self._folder}: the examples cannot be written ({error.strerror or error}); they "
                f"need {needed:.1f} GB there: free space, set another data_root, or keep them in "
                "memory with a larger memory_gb"
            ) from error

    def array(self) -> NDArray[np.float32]:
        """Return all rows; those of a file are read from it when they are looked at."""
        if self._folder is None:
            return self._memory
        with self._file as file:
            file.flush()
            # The map holds the content of the file after it is closed.
            return np.memmap(file, np.float32, mode="r", shape=self._shape)


def chunks(array: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
    """Return `array` in views of whole rows, each small enough to be copied."""
    rows = max(1, _CHUNK_BYTES // max(1, array[:1].nbytes))
    return [array[start : start + rows] for start in range(0, len(array), rows)]
