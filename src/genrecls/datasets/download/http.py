"""One file from one address by HTTP, resumed where it was cut (RFC 9110, section 14)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from rich.filesize import decimal

from genrecls import __version__
from genrecls.console import bytes_progress, say
from genrecls.datasets.download.partial_file import DownloadOrigin, Part
from genrecls.errors import DataError

if TYPE_CHECKING:
    from requests import Response

# Seconds to connect, and between two blocks.
_TIMEOUT = (10, 60)
_ATTEMPTS = 10
_PAUSE = 2.0
_BLOCK = 1 << 18
_OK, _PARTIAL, _UNSATISFIABLE = 200, 206, 416


class SourceError(DataError):
    """One source did not give the file; the next one may.

    Attributes:
        page: what it gave instead, where that is worth keeping.
    """

    def __init__(self, reason: str, page: bytes = b"") -> None:
        super().__init__(reason)
        self.page = page


class _Cut(Exception):
    """The connection ended before the file did."""


def transfer(url: str, part: Part, size: int | None) -> None:
    """Fetch what is missing of the file at `url`; a transfer that is cut continues.

    Args:
        url: the address.
        part: what is there of the file, and gets the rest.
        size: bytes that the file must have; None where they are not known.

    Raises:
        SourceError: the source does not have it, or breaks off again and again.
        DataError: the disk is full.
    """
    for _ in range(_ATTEMPTS):
        if part.whole(url):
            return
        try:
            with _answer(url, part) as answer:
                blocks = _blocks(answer)
                if answer.status_code == _OK:
                    # What is there of the file is given up only for what may be the file.
                    first = next(blocks, b"")
                    part.begin(_origin(url, answer, first, size))
                    blocks = chain([first], blocks)
                total = part.origin.total if part.origin else None
                with bytes_progress(f"Downloading {part.file.name}", total, part.size) as advance:
                    part.append(blocks, advance)
                return
        except _Cut as cut:
            say(f"the transfer {cut} after {decimal(part.size)}; continuing")
            time.sleep(_PAUSE)
    if not part.whole(url):
        raise SourceError(f"was cut {_ATTEMPTS} times, the last time after {decimal(part.size)}")


def _answer(url: str, part: Part) -> Response:
    """Return an answer that goes on where the part ends, or one that begins at the beginning."""
    origin = part.resumable(url)
    if origin is not None:
        answer = _get(url, {"Range": f"bytes={part.size}-", "If-Range": str(origin.validator)})
        given = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        continues = (
            answer.status_code == _PARTIAL
            and given is not None
            and int(given[1]) == part.size
            and (origin.total is None or given[2] in {"*", str(origin.total)})
            and _validator(answer) in {None, origin.validator}
        )
        if answer.status_code == _OK or continues:
            return answer
        answer.close()
        if answer.status_code not in {_PARTIAL, _UNSATISFIABLE}:
            raise _refused(answer)
    answer = _get(url, {})
    if answer.status_code == _OK:
        return answer
    answer.close()
    raise _refused(answer)


def _get(url: str, conditions: dict[str, str]) -> Response:
    import requests

    # An archive is wanted as it is: some servers would announce its compression as their own.
    headers = {"Accept-Encoding": "identity", "User-Agent": f"genrecls/{__version__}"}
    try:
        return requests.get(url, headers=headers | conditions, stream=True, timeout=_TIMEOUT)
    except requests.RequestException as error:
        # Why there was no answer, without the addresses of objects in memory.
        reasons = (
            (requests.exceptions.SSLError, "its certificate is not accepted"),
            (requests.exceptions.ProxyError, "the proxy does not answer"),
            (requests.exceptions.Timeout, "does not answer in time"),
            (requests.exceptions.TooManyRedirects, "redirects without end"),
        )
        known = [reason for kind, reason in reasons if isinstance(error, kind)]
        if not known and "NameResolutionError" in str(error):
            known = ["is not known here (is there a network?)"]
        elif not known and isinstance(error, requests.ConnectionError):
            known = ["cannot be reached"]
        raise SourceError(known[0] if known else " ".join(str(error).split())) from None


def _refused(answer: Response) -> SourceError:
    return SourceError(f"answers {answer.status_code} {answer.reason or ''}".strip())


def _validator(answer: Response) -> str | None:
    """Return what names this version of the file; a weak `ETag` does not."""
    tag = answer.headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified")


def _origin(url: str, answer: Response, first: bytes, size: int | None) -> DownloadOrigin:
    """Return what the server says of the whole file.

    Raises:
        SourceError: it gives a web page, nothing, or a file of another size.
    """
    kind = answer.headers.get("Content-Type", "").lower()
    beginning = first[:200].lstrip().lower()
    if kind.startswith("text/html") or beginning.startswith((b"<!doctype html", b"<html")):
        raise SourceError("gives a web page instead of the archive", page=first)
    if not first:
        raise SourceError("gives an empty file")
    length = answer.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else None
    if size is not None and total is not None and total != size:
        raise SourceError(f"has a file of {total} bytes instead of {size}")
    return DownloadOrigin(url, _validator(answer), total)


def _blocks(answer: Response) -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    came = False
    try:
        for block in answer.raw.stream(_BLOCK, decode_content=False):
            came = True
            yield block
    except (HTTPError, OSError) as error:
        silent = isinstance(error, ReadTimeoutError)
        reason = f"fell silent for {_TIMEOUT[1]} s" if silent else "was cut"
        raise (_Cut(reason) if came else SourceError(reason)) from None
