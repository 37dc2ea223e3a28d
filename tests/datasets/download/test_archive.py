"""What is known of the published archives is complete, and what a user changes is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.config.options import choices
from genrecls.datasets.download.archive import read_archive
from genrecls.errors import ConfigError


@pytest.mark.parametrize("name", choices("download"))
def test_every_published_archive_can_be_recognised_and_has_a_place(name: str) -> None:
    archive, root = read_archive(name)
    assert archive.name == name
    assert archive.sources
    assert archive.room > 1.5 * (archive.size or 0)
    assert archive.target(root) == Path("data") / archive.folder / archive.holds
    assert archive.dataset is None or archive.dataset in choices("dataset")
    assert set(archive.needs) <= set(choices("download"))


def test_the_user_may_name_other_sources_and_another_place() -> None:
    words = ["sources=[http://127.0.0.1:80/a b.zip]", "data_root=/there is", "size=null"]
    archive, root = read_archive("fma_small", words)
    assert archive.sources == ("http://127.0.0.1:80/a b.zip",)
    assert archive.size is None
    assert root == Path("/there is")


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("digest=sha1:12", "gtzan.digest: received 'sha1:12'; allowed: md5:, sha1: or sha256:"),
        ("digest=crc:", "gtzan.digest: received 'crc:'"),
        ("sources=[ftp://a/b]", "gtzan.sources: received 'ftp://a/b'; allowed: http:// or https:"),
        ("sources=http://a/b", "gtzan.sources: received 'http://a/b'; allowed: a list"),
        ("file=../x", "gtzan.file: received '../x'; allowed: a plain name"),
        ("folder=/x", "gtzan.folder: received '/x'; allowed: a plain name"),
        ("holds=..", "gtzan.holds: received '..'; allowed: a plain name"),
        ("size=0", "gtzan.size: received 0; allowed: greater than 0 or null"),
        ("data_root=null", "data_root: received null; allowed: a folder"),
        ("dgest=1", "did you mean 'digest'?"),
    ],
)
def test_a_value_that_cannot_be_is_one_line(word: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_archive("gtzan", [word])
    assert complaint in str(refused.value)


def test_an_unknown_archive_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"'fma_smal' cannot be downloaded.*mean 'fma_small'"):
        read_archive("fma_smal")
