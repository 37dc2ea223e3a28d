"""One file from one address by HTTP, resumed where it was cut (RFC 9110, section 14)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from rich.filesize import decimal

from genrecls import __version__
from genrecls.console import bytes_progress, say
from genrecls.datasets.download.partial_file import DownloadOrigin, Part
from genrecls.errors import DataError

if TYPE_CHECKING:
    from requests import RequestException, Response

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
    """Fetch what is missing of the file at `url`; a transfer that is cut goes on.

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
            _attempt(url, part, size)
        except _Cut as cut:
            say(f"the transfer {cut} after {decimal(part.size)}; going on")
            time.sleep(_PAUSE)
        else:
            return
    if not part.whole(url):
        raise SourceError(f"was cut {_ATTEMPTS} times, the last time after {decimal(part.size)}")


def _attempt(url: str, part: Part, size: int | None) -> None:
    with _opened(url, part) as answer:
        blocks = _blocks(answer)
        if answer.status_code == _OK:
            # What is there of the file is given up only for something that may be the file.
            first = next(blocks, b"")
            _refuse_page(answer, first)
            origin = DownloadOrigin(url, _validator(answer), _length(answer))
            _refuse_length(origin, size)
            part.begin(origin)
            blocks = chain([first], blocks)
        _append(blocks, part)


def _opened(url: str, part: Part) -> Response:
    """Return an answer that goes on where the part ends, or one that begins at the beginning."""
    origin = part.resumable(url)
    if origin is not None:
        conditions = {"Range": f"bytes={part.size}-", "If-Range": str(origin.validator)}
        answer = _get(url, conditions)
        if answer.status_code == _OK or _continues(answer, part, origin):
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
        raise SourceError(_reason(error)) from None


def _refused(answer: Response) -> SourceError:
    return SourceError(f"answers {answer.status_code} {answer.reason or ''}".strip())


def _continues(answer: Response, part: Part, origin: DownloadOrigin) -> bool:
    """Whether an answer is the rest of the very file of which there is a part."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    return (
        answer.status_code == _PARTIAL
        and found is not None
        and int(found[1]) == part.size
        and (origin.total is None or found[2] in {"*", str(origin.total)})
        and _validator(answer) in {None, origin.validator}
    )


def _validator(answer: Response) -> str | None:
    """Return what names this version of the file; a weak `ETag` does not."""
    tag = answer.headers.get("ETag")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified")


def _length(answer: Response) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _refuse_page(answer: Response, first: bytes) -> None:
    kind = answer.headers.get("Content-Type", "").lower()
    beginning = first[:200].lstrip().lower()
    if kind.startswith("text/html") or beginning.startswith((b"<!doctype html", b"<html")):
        raise SourceError("gives a web page instead of the archive", page=first)
    if not first:
        raise SourceError("gives an empty file")


def _refuse_length(origin: DownloadOrigin, size: int | None) -> None:
    if size is not None and origin.total is not None and origin.total != size:
        raise SourceError(f"has a file of {origin.total} bytes instead of {size}")


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


def _append(blocks: Iterable[bytes], part: Part) -> None:
    name = part.path.name.removesuffix(".part")
    total = part.origin.total if part.origin else None
    with bytes_progress(f"Downloading {name}", total, part.size) as advance:
        part.append(_counted(blocks, advance))


def _counted(blocks: Iterable[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    for block in blocks:
        yield block
        advance(len(block))


def _reason(error: RequestException) -> str:
    """Return why there was no answer, without the addresses of objects in memory."""
    import requests

    reasons = (
        (requests.exceptions.SSLError, "its certificate is not accepted"),
        (requests.exceptions.ProxyError, "the proxy does not answer"),
        (requests.exceptions.Timeout, "does not answer in time"),
        (requests.exceptions.TooManyRedirects, "redirects without end"),
    )
    for kind, reason in reasons:
        if isinstance(error, kind):
            return reason
    if "NameResolutionError" in str(error):
        return "is not known here (is there a network?)"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return " ".join(str(error).split())
