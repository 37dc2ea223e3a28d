"""An archive ends up unpacked, whichever source it comes from and whatever goes wrong before."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from genrecls.datasets.download import download
from genrecls.datasets.download.archive import Archive
from genrecls.datasets.download.download import ensure_feasible, fetch
from genrecls.datasets.download.partial_file import DownloadOrigin, Part
from genrecls.errors import DataError
from tests.datasets.download.archives import CONTENT, files_below, published, tar
from tests.datasets.download.server import Server, cut, status, whole

BODY = tar(CONTENT | {f"genres/blues/{n}": bytes([n]) * 100 for n in range(200)}, mode="")
UNPACKED = 202


def refusal(archive: Archive, root: Path, given: Path | None = None) -> str:
    with pytest.raises(DataError) as refused:
        fetch(archive, root, given)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_archive_is_fetched_unpacked_and_deleted(server: Server, tmp_path: Path) -> None:
    url = server.gives("/a", whole(BODY))
    fetched = fetch(published(BODY, url, size=len(BODY)), tmp_path)
    assert (fetched.folder, fetched.new) == (tmp_path / "gtzan" / "genres", True)
    assert len(files_below(tmp_path)) == UNPACKED
    assert files_below(tmp_path).keys() > {f"gtzan/{name}" for name in CONTENT}


def test_it_may_be_kept_and_then_serves_again_without_being_deleted(
    server: Server, tmp_path: Path
) -> None:
    archive = published(BODY, server.gives("/a", whole(BODY)))
    kept = tmp_path / "downloads" / "genres.tar.gz"
    fetch(archive, tmp_path, keep=True)
    assert kept.read_bytes() == BODY
    shutil.rmtree(tmp_path / "gtzan")
    fetch(archive, tmp_path)
    assert len(server.requests) == 1
    assert kept.read_bytes() == BODY


def test_what_is_there_is_neither_fetched_nor_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gtzan" / "genres").mkdir(parents=True)
    (tmp_path / "gtzan" / "genres" / "mine").write_text("x")
    fetched = fetch(published(BODY, "http://127.0.0.1:1/a"), tmp_path)
    assert not fetched.new
    assert f"gtzan: already in {tmp_path}/gtzan/genres; nothing is" in capsys.readouterr().err
    assert files_below(tmp_path) == {"gtzan/genres/mine": b"x"}


def test_sources_are_tried_in_turn_and_each_failure_is_told(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = [
        server.gives("/missing", status(404)),
        server.gives("/page", whole(b"<html>Log in")),
        server.gives("/wrong", whole(BODY[:-1] + b"!")),
        server.gives("/good", cut(BODY, 70_000), whole(BODY)),
    ]
    fetch(published(BODY, *urls), tmp_path)
    assert len(files_below(tmp_path / "gtzan")) == UNPACKED
    err = " ".join(capsys.readouterr().err.split())
    assert "/missing answers 404 Not Found" in err
    aside = sorted((tmp_path / "downloads").glob("genres.tar.gz.*"))
    assert [path.read_bytes() for path in aside] == [b"<html>Log in", BODY[:-1] + b"!"]
    assert f"/page gives a web page instead of the archive (set aside as {aside[0]})" in err
    assert "/wrong gives another file: sha1:" in err
    assert f"(set aside as {aside[1]})" in err


def test_the_source_of_a_part_is_asked_first(server: Server, tmp_path: Path) -> None:
    urls = [server.gives("/first", whole(BODY)), server.gives("/second", whole(BODY))]
    part = Part(tmp_path / "downloads" / "genres.tar.gz", "sha1")
    part.begin(DownloadOrigin(urls[1], '"1"', len(BODY)))
    part.append([BODY[:5000]])
    fetch(published(BODY, *urls), tmp_path)
    assert server.requests == [("/second", "bytes=5000-")]


def test_a_wrong_file_is_kept_once_however_often_it_comes(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = published(BODY, server.gives("/a", whole(b"wrong")))
    for _ in range(2):
        refusal(archive, tmp_path)
        assert "/a gives another file: sha1:" in capsys.readouterr().err
    assert list(files_below(tmp_path).values()) == [b"wrong"]


def test_without_a_source_one_line_says_why_and_what_else_to_do(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = (server.gives("/a", status(404)), "http://127.0.0.1:1/a")
    assert refusal(published(BODY, *urls), tmp_path) == (
        "gtzan: no source gave the archive (see above); repeat the command later to go on, or get "
        "genres.tar.gz elsewhere (see "
        "https://huggingface.co/datasets/marsyas/gtzan) and give it: genrecls data download gtzan "
        "--archive <file>"
    )
    above = capsys.readouterr().err
    assert f"gtzan: {urls[0]} answers 404 Not Found\n" in above
    assert f"gtzan: {urls[1]} cannot be reached\n" in above
    assert not files_below(tmp_path)


def test_room_is_asked_for_all_that_is_needed_at_once(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    clips, metadata = (
        replace(published(BODY), name=name, file=f"{name}.zip", holds=name, room=free * 2 // 3)
        for name in ("fma_small", "fma_metadata")
    )
    ensure_feasible(clips, [], tmp_path)
    with pytest.raises(DataError, match=r"^fma_small: .* needs about"):
        ensure_feasible(clips, [metadata], tmp_path)
    metadata.target(tmp_path).mkdir(parents=True)
    ensure_feasible(clips, [metadata], tmp_path)


def test_too_little_room_is_told_before_anything_is_asked(server: Server, tmp_path: Path) -> None:
    url = server.gives("/a", whole(BODY))
    archive = replace(published(BODY, url), room=10**18)
    assert "needs about 1.0 EB more" in refusal(archive, tmp_path)
    assert not server.requests


def test_what_is_there_counts_for_the_room(server: Server, tmp_path: Path) -> None:
    url = server.gives("/a", whole(BODY))
    part = Part(tmp_path / "downloads" / "genres.tar.gz", "sha1")
    part.begin(DownloadOrigin(url, '"1"', len(BODY)))
    part.append([BODY[:5000]])
    room = shutil.disk_usage(tmp_path).free + 10**12
    with pytest.MonkeyPatch.context() as patch:
        asked: list[int] = []
        patch.setattr(download, "ensure_room", lambda *given: asked.append(given[2]))
        fetch(replace(published(BODY, url), room=room), tmp_path)
    assert asked == [room - 5000]
    assert server.ranges == ["bytes=5000-"]


def test_a_full_disk_is_one_line_and_the_part_is_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = published(BODY, server.gives("/a", whole(BODY)))
    append = Part.append

    def fill(part: Part, *_: object) -> None:
        append(part, [BODY[:1000]])
        append(part, _full())

    monkeypatch.setattr(Part, "append", fill)
    assert "genres.tar.gz.part: No space left; what is there is kept" in refusal(archive, tmp_path)
    monkeypatch.undo()
    fetch(archive, tmp_path)
    assert server.ranges == [None, "bytes=1000-"]


def _full() -> Iterator[bytes]:
    yield b""
    raise OSError(errno.ENOSPC, "No space left")


_LIMITED = """
import resource, sys
from pathlib import Path
from genrecls.datasets.download.archive import Archive
from genrecls.datasets.download.download import fetch
from tests.datasets.download.archives import published
body = Path(sys.argv[1]).read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
fetch(published(body, sys.argv[2]), Path(sys.argv[4]))
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of Unix")
def test_a_real_limit_on_file_sizes_keeps_the_part_too(server: Server, tmp_path: Path) -> None:
    url = server.gives("/a", whole(BODY))
    (tmp_path / "body").write_bytes(BODY)
    words = [str(tmp_path / "body"), url, "65536", str(tmp_path / "data")]
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, *words],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert "genres.tar.gz.part: File too large; what is there is kept: free" in done.stderr
    assert Part(tmp_path / "data" / "downloads" / "genres.tar.gz", "sha1").size == 65536
    fetch(published(BODY, url), tmp_path / "data")
    assert server.ranges == [None, "bytes=65536-"]


def test_an_interrupt_between_download_and_unpacking_costs_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = published(BODY, server.gives("/a", whole(BODY)))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "unpack", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(archive, tmp_path)
    monkeypatch.undo()
    fetch(archive, tmp_path)
    assert len(server.requests) == 1
    assert len(files_below(tmp_path)) == UNPACKED


def test_a_disk_that_fills_up_while_unpacking_keeps_the_archive(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = published(BODY, server.gives("/a", whole(BODY)))
    monkeypatch.setattr(tarfile, "copyfileobj", lambda *_: list(_full()))
    assert "No space left; the archive is kept: free some space" in refusal(archive, tmp_path)
    assert not list((tmp_path / "gtzan").iterdir())
    monkeypatch.undo()
    fetch(archive, tmp_path)
    assert len(server.requests) == 1


def test_an_archive_that_the_user_put_there_is_not_deleted(tmp_path: Path) -> None:
    mine = tmp_path / "downloads" / "genres.tar.gz"
    part = Part(mine, "sha1")
    part.begin(DownloadOrigin("http://127.0.0.1:1/a", '"1"', len(BODY)))
    part.append([BODY[:5000]])
    mine.write_bytes(BODY)
    fetch(published(BODY), tmp_path)
    assert mine.read_bytes() == BODY
    assert not part.path.exists()


def test_a_damaged_archive_from_an_earlier_call_is_set_aside_and_fetched_anew(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "genres.tar.gz").write_bytes(b"old")
    fetch(published(BODY, server.gives("/a", whole(BODY))), tmp_path)
    assert [c for n, c in files_below(tmp_path).items() if "wrong-" in n] == [b"old"]


class TestGivenArchive:
    def test_it_is_unpacked_and_left_alone(self, tmp_path: Path) -> None:
        given = tmp_path / "mine"
        given.write_bytes(BODY)
        assert fetch(published(BODY), tmp_path / "data", given).new
        assert len(files_below(tmp_path / "data")) == UNPACKED
        assert given.read_bytes() == BODY

    def test_another_file_is_refused_with_a_way_out(self, tmp_path: Path) -> None:
        given = tmp_path / "mine"
        given.write_bytes(BODY + b"!")
        message = refusal(published(BODY), tmp_path / "data", given)
        assert f"--archive: {given} is not the published genres.tar.gz: its digest is" in message
        own = message.rpartition("repeat with digest=")[2]
        fetch(replace(published(BODY), digest=own), tmp_path / "data", given)
        assert len(files_below(tmp_path / "data")) == UNPACKED

    def test_one_of_another_size_is_refused_unread(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = tmp_path / "mine"
        given.write_bytes(BODY[:-1])
        monkeypatch.setattr(download, "published_digest", pytest.fail)
        archive = published(BODY, size=len(BODY))
        expected = (
            f"--archive: {given} is not the published genres.tar.gz: it has {len(BODY) - 1} bytes, "
            f"expected {len(BODY)}; it was cut or is another file: get it from {archive.page}"
        )
        assert refusal(archive, tmp_path / "data", given) == expected
        with pytest.raises(DataError) as refused:
            ensure_feasible(archive, [], tmp_path / "data", given)
        assert str(refused.value) == expected

    def test_a_file_that_is_not_there_is_one_line(self, tmp_path: Path) -> None:
        message = refusal(published(BODY), tmp_path, tmp_path / "none")
        assert message == f"--archive: there is no file {tmp_path}/none"

    def test_another_format_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "mine.rar").write_bytes(b"Rar!")
        message = refusal(published(b"Rar!"), tmp_path / "data", tmp_path / "mine.rar")
        assert "expected a .zip or a .tar" in message
        assert not files_below(tmp_path / "data")
