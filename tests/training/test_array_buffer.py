from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genrecls.errors import DataError
from genrecls.training import data as module
from genrecls.training.data import ArrayBuffer, chunks

BLOCKS = [np.full((count, 2, 3), count, np.float32) for count in (1, 4, 2)]


def _filled(folder: Path | None) -> np.ndarray:
    buffer = ArrayBuffer(7, (2, 3), folder)
    for block in BLOCKS:
        buffer.append(block)
    return buffer.array()


def test_rows_of_a_file_are_those_of_memory(tmp_path: Path) -> None:
    array = _filled(tmp_path / "new")
    assert isinstance(array, np.memmap)
    np.testing.assert_array_equal(array, _filled(None))
    np.testing.assert_array_equal(array[[6, 0]], np.stack([BLOCKS[2][0], BLOCKS[0][0]]))


def test_the_file_has_no_name_that_could_be_left_behind(tmp_path: Path) -> None:
    array = _filled(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert array.sum() > 0


def test_rows_of_a_file_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        _filled(tmp_path)[0] = 1


def test_a_block_that_is_no_contiguous_piece_of_memory_is_written_right(tmp_path: Path) -> None:
    block = np.arange(24, dtype=np.float32).reshape(4, 3, 2).transpose(0, 2, 1)[::2]
    buffer = ArrayBuffer(2, (2, 3), tmp_path)
    buffer.append(block)
    np.testing.assert_array_equal(buffer.array(), block)


def test_a_full_disk_is_said_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, _: object) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    buffer = ArrayBuffer(500_000, (1000,), tmp_path)
    with pytest.raises(DataError, match=r"No space left.*2\.0 GB.*memory_gb"):
        buffer.append(np.zeros((1, 1000), np.float32))


def test_chunks_are_all_the_rows_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK_BYTES", 3 * 24)
    array = np.arange(48, dtype=np.float32).reshape(8, 6)
    assert [len(chunk) for chunk in chunks(array)] == [3, 3, 2]
    np.testing.assert_array_equal(np.concatenate(chunks(array)), array)
