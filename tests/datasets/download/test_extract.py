"""What is in an archive comes out below its folder, or nothing does."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genrecls.datasets.download import extract
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
        (tar(CONTENT | {".": b"x"}), "has no name"),
        (tar({"genres/a": b"x", "genres/a/b": b"x"}), "cannot be unpacked"),
        (zipped({"genres/a": b"x", "genres/a/b": b"x"}), "cannot be unpacked"),
        (zipped({"genres/a/b": b"x", "genres/a": b"x"}), "cannot be unpacked"),
        (zipped({"genres/" + "a" * 300: b"x"}), "cannot be unpacked"),
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


def sparse(size: int) -> bytes:
    """A file that is one hole, as GNU tar packs it."""
    info = tarfile.TarInfo("genres/hole")
    info.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    # The real size, after a map without entries; then the checksum anew.
    block[483:495] = b"%011o\0" % size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return gzip.compress(bytes(block) + bytes(1024))


def declared(size: int, kind: bytes = tarfile.REGTYPE, name: str = "genres/a") -> bytes:
    """The header of a member that says to have `size` bytes, and none of them."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


FIRST = declared(1) + bytes(512)


def pax(**fields: str) -> bytes:
    """A file whose extended header says more."""
    info = tarfile.TarInfo("genres/a")
    info.pax_headers = dict(fields)
    return info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        pytest.param(sparse(10**12), "'genres/hole' has holes", id="sparse"),
        pytest.param(
            pax(**{"GNU.sparse.size": str(10**12), "GNU.sparse.map": "0,0"}),
            "has holes",
            id="sparse in an extended header",
        ),
        pytest.param(pax(size="-1000"), "has holes, or less than no bytes", id="negative"),
        pytest.param(declared(-512), "has holes, or less than no bytes", id="negative in binary"),
        pytest.param(declared(10**12), "received more; nothing was unpacked", id="1 TB"),
        pytest.param(gzip.compress(declared(10**12)), "received more; nothing", id="1 TB, gzip"),
        pytest.param(bz2.compress(declared(10**12)), "received more; nothing", id="1 TB, bzip2"),
        pytest.param(lzma.compress(declared(10**12)), "received more; nothing", id="1 TB, xz"),
        pytest.param(
            bz2.compress(FIRST + declared(10**9, tarfile.XHDTYPE) + bytes(10**7)),
            "a header of more than 16.4 kB",
            id="extended header",
        ),
        pytest.param(
            FIRST + declared(10**9, tarfile.XGLTYPE) + bytes(10**6),
            "a header of more than 16.4 kB",
            id="global header",
        ),
        pytest.param(
            FIRST + declared(10**9, tarfile.GNUTYPE_LONGNAME) + bytes(10**6),
            "a header of more than 16.4 kB",
            id="long name",
        ),
        pytest.param(
            FIRST + declared(-512, tarfile.XHDTYPE) + bytes(10**6),
            "a header of more than 16.4 kB",
            id="negative header",
        ),
        pytest.param(
            FIRST + declared(5010, tarfile.XHDTYPE) + b"9" * 5000 + b" path=x\n" + bytes(2000),
            "cannot be unpacked",
            id="5000 digits",
        ),
        pytest.param(zipped({"genres/a": bytes(2 * 10**6)}), "received more", id="zip"),
        pytest.param(
            zipped({f"genres/{n}": bytes(10**5) for n in range(20)}, zipfile.ZIP_DEFLATED),
            "received more",
            id="zip of many",
        ),
    ],
)
def test_what_would_fill_the_disk_or_the_memory_is_refused_before_anything_is_written(
    body: bytes, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = written(tmp_path, body)
    monkeypatch.setattr(Path, "mkdir", pytest.fail)
    with pytest.raises(DataError) as refused:
        unpack(archive, "genres", tmp_path / "gtzan" / "genres", 10**6)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_a_figure_the_free_space_is_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DataError, match=r"expected at most 1\.0 kB in 500,000 files"):
        unpack(written(tmp_path, tar(CONTENT)), "genres", tmp_path / "genres")


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "_MOST_MEMBERS", 3)
    for pack in (tar, zipped):
        body = pack({f"genres/{n}": b"" for n in range(4)})
        with pytest.raises(DataError, match="in 3 files"):
            unpack(written(tmp_path, body), "genres", tmp_path / "genres")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_is_larger_than_it_says_is_not_written_whole(
    method: int, tmp_path: Path
) -> None:
    body = bytearray(zipped({"genres/a": bytes(10**7)}, method))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = body.rindex(mark) + place
        body[start : start + 4] = (100).to_bytes(4, "little")
    archive = written(tmp_path, bytes(body))
    tracemalloc.start()
    with pytest.raises(DataError, match="Bad CRC-32"):
        unpack(archive, "genres", tmp_path / "gtzan" / "genres", 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**8
    assert not list((tmp_path / "gtzan").iterdir())


@given(data=st.data(), pack=st.sampled_from([partial(tar, mode=""), tar, zipped]))
def test_a_damaged_byte_is_harmless_or_one_line(
    data: st.DataObject,
    pack: Callable[[dict[str, bytes]], bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    body = bytearray(pack(CONTENT))
    places = st.integers(0, len(body) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=4)):
        body[place] = data.draw(st.integers(0, 255))
    root = tmp_path_factory.mktemp("fuzz")
    with suppress(DataError):
        unpack(written(root, bytes(body)), "genres", root / "out" / "genres", 10**6)
