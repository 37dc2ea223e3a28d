"""What a file holds is read once, whatever the number of digests."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from genrecls.files.hashing import read_content


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 21) + 5])
def test_size_and_digests_are_those_of_all_bytes(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    found = read_content(tmp_path / "a", ("sha1", "md5"))
    assert found is not None
    assert found.size == size
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert dict(found.digests) == {
        name: hashlib.new(name, content).hexdigest() for name in ("sha1", "md5", "sha256")
    }


def test_what_cannot_be_read_has_no_content(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "link", tmp_path / "a" / "b"):
        assert read_content(path) is None
