"""A disk that is too small is told beforehand, in figures."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from genrecls.datasets.download.disk_space import disk_may_fill, ensure_room
from genrecls.errors import DataError


def test_what_does_not_fit_is_refused_with_both_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 3_000_000))
    ensure_room("a", tmp_path / "not" / "there", 3_000_000)
    with pytest.raises(DataError) as refused:
        ensure_room("fma_small", tmp_path / "not" / "there", 15_600_000_000)
    assert str(refused.value) == (
        f"fma_small: {tmp_path}/not/there needs about 15.6 GB more (the archive and its content), "
        "3.0 MB are free; free some space, or choose another disk with data_root=<folder>"
    )
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_that_fills_up_is_one_line(number: int) -> None:
    with (
        pytest.raises(DataError, match=r"^a\.part: .*; what is there is kept: free some space"),
        disk_may_fill(Path("a.part"), "what is there is kept"),
    ):
        raise OSError(number, "full")


def test_other_trouble_is_left_alone() -> None:
    with pytest.raises(PermissionError), disk_may_fill(Path("a"), "b"):
        raise PermissionError(errno.EACCES, "no")
