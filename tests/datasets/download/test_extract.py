"""What is in an archive comes out below its folder, or nothing does."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genrecls.datasets.download.extract import UnpackResult, unpack
from genrecls.errors import DataError
from tests.datasets.download.archives import CONTENT, files_below, tar, zipped


def written(folder: Path, body: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "archive").write_bytes(body)
    return folder / "archive"


@pytest.mark.parametrize(
    "body",
    [
        *(tar(CONTENT, mode=mode) for mode in ("", "gz", "bz2", "xz")),
        *(zipped(CONTENT, method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)),
        zipped(CONTENT, zipfile.ZIP_BZIP2),
        zipped(CONTENT, zipfile.ZIP_LZMA),
    ],
    ids=["tar", "tar.gz", "tar.bz2", "tar.xz", "stored", "deflated", "bzip2", "lzma"],
)
def test_every_format_comes_out_alike_whatever_the_file_is_called(
    body: bytes, tmp_path: Path
) -> None:
    target = tmp_path / "data" / "gtzan" / "genres"
    assert unpack(written(tmp_path, body), "genres", target) == UnpackResult(2, 0)
    assert files_below(tmp_path / "data") == {f"gtzan/{n}": c for n, c in CONTENT.items()}


def test_companion_files_of_macos_are_left_out_and_counted(tmp_path: Path) -> None:
    ghosts = {"genres/._blues": b"x", "genres/blues/._a.au": b"x", "__MACOSX/genres/b": b"x"}
    target = tmp_path / "gtzan" / "genres"
    assert unpack(written(tmp_path, tar(ghosts | CONTENT)), "genres", target).ghosts == 3
    assert len(files_below(target)) == 2


def by_complaint(value: bytes | str) -> str:
    """Return a name of a case that does not hold the time at which its archive was made."""
    return value if isinstance(value, str) else "archive"


def odd(name: str, kind: bytes, to: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


def link_in_zip() -> bytes:
    stream = io.BytesIO(zipped(CONTENT))
    info = zipfile.ZipInfo("genres/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(info, "/etc")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (tar(CONTENT | {"../evil": b"x"}), "'../evil' would leave its folder"),
        (tar(CONTENT | {"genres/../../evil": b"x"}), "would leave its folder"),
        (tar(CONTENT | {"/evil": b"x"}), "'/evil' would leave its folder"),
        (tar(CONTENT | {"..\\evil": b"x"}), "would leave its folder"),
        (tar(CONTENT | {"C:\\evil": b"x"}), "would leave its folder"),
        (tar(CONTENT | {"genres/._x/../../../evil": b"x"}), "would leave its folder"),
        (zipped(CONTENT | {"../evil": b"x"}), "'../evil' would leave its folder"),
        (zipped(CONTENT | {"/evil": b"x"}), "would leave its folder"),
        (zipped(CONTENT | {"genres/a/../../../evil": b"x"}), "would leave its folder"),
        (tar(CONTENT, odd("genres/l", tarfile.SYMTYPE, "/etc")), "is a link or a device"),
        (tar(CONTENT, odd("genres/l", tarfile.LNKTYPE, "../x")), "is a link or a device"),
        (tar(CONTENT, odd("genres/p", tarfile.FIFOTYPE)), "is a link or a device"),
        (tar(CONTENT, odd("genres/d", tarfile.CHRTYPE)), "is a link or a device"),
        (link_in_zip(), "'genres/link' is a link or a device"),
    ],
    ids=by_complaint,
)
def test_a_member_that_would_get_out_is_named_and_leaves_nothing(
    body: bytes, complaint: str, tmp_path: Path
) -> None:
    archive = written(tmp_path / "in", body)
    with pytest.raises(DataError) as refused:
        unpack(archive, "genres", tmp_path / "in" / "data" / "genres")
    assert complaint in str(refused.value)
    assert files_below(tmp_path) == {"in/archive": body}


@given(name=st.text(st.sampled_from("./\\:ac~ \0é"), min_size=1, max_size=12))
def test_no_name_writes_outside(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("fuzz")
    archive = written(root / "in", tar(CONTENT | {name: b"evil"}))
    with suppress(DataError, OSError):
        unpack(archive, "genres", root / "in" / "out" / "genres")
    assert all(path.parts[0] == "in" for path in map(Path, files_below(root)))
    assert not list((root / "in" / "out").glob(".*"))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "received neither"),
        (b"Rar!" * 300, "received neither"),
        (gzip.compress(b"no tar" * 1000), "received neither"),
        (tar(CONTENT, mode="gz")[:-20], "cannot be unpacked"),
        (tar(CONTENT, mode="bz2")[:-20], "received neither, or a damaged one"),
        (tar(CONTENT, mode="")[:3000], "cannot be unpacked"),
        (zipped(CONTENT, zipfile.ZIP_STORED).replace(b"blues" * 9, b"blueZ" * 9), "Bad CRC-32"),
        (tar({"Data/blues/a.au": b"x"}), "expected a folder genres inside, found Data"),
        (tar({"genres": b"x"}), "expected a folder genres inside, found genres"),
        (zipped({}), "expected a folder genres inside, found nothing"),
    ],
    ids=by_complaint,
)
def test_a_damaged_or_other_archive_is_one_line_and_leaves_nothing(
    body: bytes, complaint: str, tmp_path: Path
) -> None:
    archive = written(tmp_path, body)
    with pytest.raises(DataError) as refused:
        unpack(archive, "genres", tmp_path / "gtzan" / "genres")
    assert complaint in str(refused.value)
    assert files_below(tmp_path) == {"archive": body}


@pytest.mark.parametrize("pack", [tar, zipped])
def test_an_archive_without_the_folder_is_refused_before_anything_is_written(
    pack: Callable[[dict[str, bytes]], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = written(tmp_path, pack({"other/a.au": b"x"}))
    monkeypatch.setattr(Path, "mkdir", pytest.fail)
    with pytest.raises(DataError, match="expected a folder genres inside, found other"):
        unpack(archive, "genres", tmp_path / "gtzan" / "genres")
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_an_encrypted_archive_is_one_line(tmp_path: Path) -> None:
    body = bytearray(zipped({"genres/a": b"x"}, zipfile.ZIP_STORED))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + place] |= 1
    with pytest.raises(DataError, match="is encrypted, password required"):
        unpack(written(tmp_path, bytes(body)), "genres", tmp_path / "genres")


def test_what_an_interrupted_attempt_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "gtzan" / ".genres-unpacking" / "genres").mkdir(parents=True)
    (tmp_path / "gtzan" / ".genres-unpacking" / "genres" / "half").touch()
    (tmp_path / "gtzan" / "mine").touch()
    unpack(written(tmp_path, tar(CONTENT)), "genres", tmp_path / "gtzan" / "genres")
    assert files_below(tmp_path / "gtzan") == CONTENT | {"mine": b""}
