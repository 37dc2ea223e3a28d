"""A file comes whole from a server that cuts, refuses, changes its mind or answers nonsense."""

from __future__ import annotations

import gzip
import hashlib
import threading
from pathlib import Path

import pytest
import requests

from genrecls.datasets.download import http
from genrecls.datasets.download.http import SourceError, transfer
from genrecls.datasets.download.partial_file import DownloadOrigin, Part
from tests.datasets.download.server import (
    Answer,
    Handler,
    Server,
    chunked,
    cut,
    endless,
    plain,
    rest,
    status,
    whole,
)

BODY = bytes(range(256)) * 4000
MOST = 10 * len(BODY)
SHA1 = f"sha1:{hashlib.sha1(BODY, usedforsecurity=False).hexdigest()}"


@pytest.fixture
def part(tmp_path: Path) -> Part:
    return Part(tmp_path / "downloads" / "genres.tar.gz", "sha1")


def half_there(part: Part, url: str, tag: str | None = '"1"') -> None:
    """As a process leaves it that was ended in the middle."""
    part.begin(DownloadOrigin(url, tag, len(BODY)))
    part.append([BODY[:500_000]])


def test_a_file_arrives_and_its_digest_is_known_without_reading_it_again(
    server: Server, part: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    transfer(server.gives("/a", whole(BODY)), part, len(BODY), MOST)
    assert part.path.read_bytes() == BODY
    assert part.digest() == SHA1
    err = capsys.readouterr().err
    assert "Downloading genres.tar.gz: 1.0 MB, " in err
    assert "Checking" not in err


def test_a_transfer_that_is_cut_at_half_goes_on_there(
    server: Server, part: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    transfer(server.gives("/a", cut(BODY, 500_000), whole(BODY)), part, None, MOST)
    assert part.digest() == SHA1
    assert server.ranges == [None, "bytes=500000-"]
    assert "the transfer was cut after 500.0 kB; continuing" in capsys.readouterr().err


def test_what_another_process_left_is_completed_and_hashed(server: Server, tmp_path: Path) -> None:
    url = server.gives("/a", whole(BODY))
    file = tmp_path / "genres.tar.gz"
    half_there(Part(file, "sha1"), url)
    part = Part(file, "sha1")
    transfer(url, part, len(BODY), MOST)
    assert server.ranges == ["bytes=500000-"]
    assert part.digest() == SHA1


def test_nothing_is_asked_for_where_nothing_is_missing(server: Server, part: Part) -> None:
    part.begin(DownloadOrigin("http://127.0.0.1:1/a", None, len(BODY)))
    part.append([BODY])
    transfer("http://127.0.0.1:1/a", part, None, MOST)
    assert part.digest() == SHA1


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([whole(BODY, tag='"2"')], id="the file has changed"),
        pytest.param([cut(BODY, len(BODY))], id="ranges are ignored"),
        pytest.param([status(416), whole(BODY)], id="the range is refused"),
        pytest.param([rest(BODY, 400_000, 400_000), whole(BODY)], id="an earlier range"),
        pytest.param([rest(BODY[:-1], 500_000, 500_000), whole(BODY)], id="another length"),
        pytest.param([rest(BODY, 500_000, 500_000, '"2"'), whole(BODY)], id="another version"),
    ],
)
def test_two_different_files_are_never_joined(
    answers: list[Answer], server: Server, part: Part
) -> None:
    url = server.gives("/a", *answers)
    half_there(part, url)
    transfer(url, part, None, MOST)
    assert part.digest() == SHA1
    assert server.ranges[0] == "bytes=500000-"
    assert set(server.ranges[1:]) <= {None}


@pytest.mark.parametrize(
    ("url", "tag"), [("http://127.0.0.1:1/other", '"1"'), (None, None)], ids=["url", "no validator"]
)
def test_a_part_of_something_unknown_is_not_continued(
    url: str | None, tag: str | None, server: Server, part: Part
) -> None:
    address = server.gives("/a", whole(BODY))
    half_there(part, url or address, tag)
    transfer(address, part, None, MOST)
    assert server.ranges == [None]
    assert part.digest() == SHA1


def test_a_file_of_unannounced_length_is_whole_when_the_server_says_so(
    server: Server, part: Part
) -> None:
    transfer(server.gives("/a", chunked(BODY, ended=False), chunked(BODY)), part, None, MOST)
    assert part.digest() == SHA1
    assert server.ranges == [None, None]


def test_an_archive_is_not_decompressed_on_the_way(server: Server, part: Part) -> None:
    packed = gzip.compress(BODY)
    answer: Answer = lambda h: h.send(200, packed, Content_Encoding="gzip")  # noqa: E731
    transfer(server.gives("/a", answer), part, len(packed), MOST)
    assert part.path.read_bytes() == packed


def test_a_source_that_leads_elsewhere_is_followed(server: Server, part: Part) -> None:
    server.gives("/there", cut(BODY, 600_000), whole(BODY))
    answer: Answer = lambda h: h.send(302, b"", Location="/there")  # noqa: E731
    transfer(server.gives("/a", answer), part, None, MOST)
    assert part.digest() == SHA1
    assert server.ranges == [None, None, "bytes=600000-", "bytes=600000-"]


def test_a_source_that_leads_in_circles_is_a_reason(server: Server, part: Part) -> None:
    answer: Answer = lambda h: h.send(302, b"", Location="/a")  # noqa: E731
    with pytest.raises(SourceError, match="redirects without end"):
        transfer(server.gives("/a", answer), part, None, MOST)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.exceptions.SSLError("x"), "its certificate is not accepted"),
        (requests.exceptions.ProxyError("x"), "the proxy does not answer"),
        (requests.exceptions.ConnectTimeout("x"), "does not answer in time"),
        (requests.ConnectionError("NameResolutionError(<x at 0x1>)"), "is not known here"),
        (requests.exceptions.InvalidURL("no\nhost"), "no host"),
    ],
)
def test_every_way_of_getting_no_answer_has_its_words(
    error: Exception, reason: str, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(requests.Session, "send", fail)
    with pytest.raises(SourceError, match=reason):
        transfer("https://example.org/a", part, None, MOST)


def test_a_weak_tag_does_not_name_a_version(server: Server, part: Part) -> None:
    transfer(server.gives("/a", whole(BODY, tag='W/"1"')), part, None, MOST)
    assert part.origin is not None
    assert part.origin.validator is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"url": 1}', b"\xff"])
def test_a_damaged_note_means_beginning_anew(damage: bytes, server: Server, part: Part) -> None:
    url = server.gives("/a", whole(BODY))
    half_there(part, url)
    part.note.write_bytes(damage)
    transfer(url, part, None, MOST)
    assert server.ranges == [None]
    assert part.digest() == SHA1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(404), "answers 404 Not Found"),
        (status(503), "answers 503 Service Unavailable"),
        (whole(b"<html>Log in", kind="text/html; charset=utf-8"), "gives a web page instead of"),
        (whole(b"\n<!DOCTYPE html><p>Log in"), "gives a web page instead of the archive"),
        (whole(b""), "gives an empty file"),
        (whole(BODY + b"!"), f"has a file of {len(BODY) + 1} bytes instead of {len(BODY)}"),
    ],
)
def test_what_is_no_archive_is_refused_and_what_was_there_is_kept(
    answer: Answer, reason: str, server: Server, part: Part
) -> None:
    url = server.gives("/a", answer)
    half_there(part, url)
    with pytest.raises(SourceError, match=reason):
        transfer(url, part, len(BODY), MOST)
    assert part.size == 500_000


def test_a_source_that_breaks_off_again_and_again_is_given_up(server: Server, part: Part) -> None:
    url = server.gives("/a", *(cut(BODY, 1000 + n, tag=None) for n in range(10)), status(500))
    with pytest.raises(SourceError, match=r"was cut 10 times, the last time after 1\.0 kB"):
        transfer(url, part, None, MOST)
    assert len(server.requests) == 10


def test_a_source_that_sends_nothing_of_the_file_is_given_up_at_once(
    server: Server, part: Part
) -> None:
    with pytest.raises(SourceError, match="was cut"):
        transfer(server.gives("/a", cut(BODY, 0)), part, None, MOST)
    assert len(server.requests) == 1


@pytest.mark.usefixtures("server")
def test_a_port_that_nobody_listens_on_is_a_reason(part: Part) -> None:
    with pytest.raises(SourceError, match=r"^cannot be reached$"):
        transfer("http://127.0.0.1:1/a", part, None, MOST)


def test_a_source_that_falls_silent_is_given_up(
    server: Server, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def stall(handler: Handler) -> None:
        handler.send(200, b"x", 9)
        ended.wait(5)

    monkeypatch.setattr("genrecls.datasets.download.http._TIMEOUT", (1, 0.1))
    try:
        with pytest.raises(SourceError, match=r"^fell silent for 0\.1 s$"):
            transfer(server.gives("/a", stall), part, None, MOST)
    finally:
        ended.set()


_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_CHUNK = b"10000\r\n" + bytes(1 << 16) + b"\r\n"


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        pytest.param(endless(_CHUNKED, _CHUNK), 400_000, id="chunks, size known"),
        pytest.param(endless(_CHUNKED, _CHUNK), None, id="chunks, size unknown"),
        pytest.param(endless(_OK + b"\r\n", _CHUNK), 400_000, id="until the end, size known"),
        pytest.param(endless(_OK + b"\r\n", _CHUNK), None, id="until the end, size unknown"),
        pytest.param(
            endless(_OK + b"Content-Length: " + b"9" * 4000 + b"\r\n\r\n", _CHUNK), None, id="huge"
        ),
        pytest.param(
            endless(_OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", _CHUNK), None, id="5000"
        ),
    ],
)
def test_a_server_that_never_stops_is_left(
    answer: Answer, size: int | None, server: Server, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    discard = Part.discard

    def note_size(part: Part) -> None:
        sizes.append(part.size)
        discard(part)

    monkeypatch.setattr(Part, "discard", note_size)
    with pytest.raises(SourceError, match=r"sends more than it should|a length of \d+ digits"):
        transfer(server.gives("/a", answer), part, size, 600_000)
    assert all(written <= (size or 600_000) for written in sizes)
    assert part.size == 0


def test_a_rest_that_never_stops_is_left(server: Server, part: Part) -> None:
    place = f"Content-Range: bytes 500000-{len(BODY) - 1}/{len(BODY)}\r\n".encode()
    start = b"HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\n" + place + b"\r\n"
    url = server.gives("/a", endless(start, _CHUNK))
    half_there(part, url)
    with pytest.raises(SourceError, match="sends more than it should"):
        transfer(url, part, len(BODY), MOST)


def test_an_announced_length_beyond_all_room_is_refused_before_anything_is_written(
    server: Server, part: Part
) -> None:
    answer: Answer = lambda h: h.send(200, BODY, 10**13)  # noqa: E731
    with pytest.raises(
        SourceError, match=r"^announces 10\.0 TB; the archive cannot have more than"
    ):
        transfer(server.gives("/a", answer), part, None, MOST)
    assert not part.path.exists()


def test_a_range_of_5000_digits_is_not_continued(server: Server, part: Part) -> None:
    many = "9" * 5000
    answer: Answer = lambda h: h.send(206, b"x", Content_Range=f"bytes {many}-{many}/{many}")  # noqa: E731
    url = server.gives("/a", answer, whole(BODY))
    half_there(part, url)
    transfer(url, part, None, MOST)
    assert part.digest() == SHA1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endless(_OK + b"\r\n", b"x", 0.01), id="content"),
        pytest.param(endless(_CHUNKED, b"1\r\nx\r\n", 0.01), id="chunks"),
        pytest.param(endless(_CHUNKED, b"0", 0.01), id="the length of a chunk"),
        pytest.param(endless(_CHUNKED + b"0\r\n", b"X-Trailer: 1\r\n"), id="trailers"),
        pytest.param(endless(b"", b"H", 0.01), id="the status"),
        pytest.param(endless(_OK + b"X-Header: ", b"x", 0.01), id="a header"),
        pytest.param(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="only more to come"),
    ],
)
def test_a_server_that_sends_hardly_anything_is_left(
    answer: Answer, server: Server, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_PERIOD", 0.05)
    monkeypatch.setattr(http, "_ANSWER_SECONDS", 0.05)
    with pytest.raises(
        SourceError, match=r"^(brought less than 60\.0 kB in 0\.05 s|does not answer in time)$"
    ):
        transfer(server.gives("/a", answer), part, len(BODY), MOST)
    # On a busy machine it may be left before it has read what was asked.
    assert len(server.requests) <= 1
    assert not part.size


def test_a_server_that_gets_too_slow_is_asked_again_for_the_rest(
    server: Server, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_PERIOD", 0.05)
    start = _OK + f'ETag: "1"\r\nContent-Length: {len(BODY)}\r\n\r\n'.encode()
    slow = endless(start + BODY[:500_000], b"", 0.01)
    transfer(server.gives("/a", slow, whole(BODY)), part, len(BODY), MOST)
    assert server.ranges == [None, "bytes=500000-"]
    assert part.digest() == SHA1


@pytest.mark.parametrize(
    "length", [b"", b"Content-Encoding: gzip\r\nContent-Length: 900000000\r\n"]
)
def test_what_comes_with_a_redirect_is_not_read(length: bytes, server: Server, part: Part) -> None:
    server.gives("/there", whole(BODY))
    start = b"HTTP/1.1 302 Found\r\nLocation: /there\r\n" + length + b"\r\n"
    transfer(server.gives("/a", endless(start, bytes(1 << 16))), part, None, MOST)
    assert part.digest() == SHA1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://[", "javascript:" + "x" * 9000])
def test_a_redirect_to_nowhere_is_a_short_reason(target: str, server: Server, part: Part) -> None:
    answer: Answer = lambda h: h.send(302, b"", Location=target)  # noqa: E731
    with pytest.raises(SourceError) as refused:
        transfer(server.gives("/a", answer), part, None, MOST)
    assert 0 < len(str(refused.value)) <= 100


def test_a_tag_that_could_not_be_sent_back_does_not_name_a_version(
    server: Server, part: Part
) -> None:
    start = _OK + f'ETag: "1\r\n 2"\r\nContent-Length: {len(BODY)}\r\n\r\n'.encode()
    transfer(server.gives("/a", plain(start + BODY[:9000]), whole(BODY)), part, None, MOST)
    assert part.digest() == SHA1


def test_a_file_that_ends_early_without_an_announced_length_continues(
    server: Server, part: Part
) -> None:
    start = _OK + b'ETag: "1"\r\nConnection: close\r\n\r\n'
    transfer(server.gives("/a", plain(start + BODY[:9000]), whole(BODY)), part, len(BODY), MOST)
    assert server.ranges == [None, "bytes=9000-"]
    assert part.digest() == SHA1
