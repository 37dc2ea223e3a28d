"""One file from one address by HTTP, resumed where it was cut (RFC 9110, section 14)."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from rich.filesize import decimal

from genrecls import __version__
from genrecls.console import bytes_progress, say
from genrecls.datasets.download.partial_file import DownloadOrigin, Part
from genrecls.datasets.download.time_limits import MinimumRate, within
from genrecls.errors import DataError

if TYPE_CHECKING:
    from requests import Response

# Seconds to connect, and between two bytes.
_TIMEOUT = (10, 60)
# Seconds until all headers are there, those of redirects included.
_ANSWER_SECONDS = 120.0
_REDIRECTS = 30
# Bytes that must come in so many seconds.
_LEAST, _PERIOD = 60_000, 60.0
_ATTEMPTS = 10
_PAUSE = 2.0
_BLOCK = 1 << 18
# Enough to tell a web page from an archive.
_BEGINNING = 512
# More digits are no number of bytes.
_DIGITS = 18
_REASON = 100
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


def transfer(url: str, part: Part, size: int | None, most: int) -> None:
    """Fetch what is missing of the file at `url`; a transfer that is cut continues.

    Args:
        url: the address.
        part: what is there of the file, and gets the rest.
        size: bytes that the file must have; None where they are not known.
        most: bytes that are taken at most where the size is not known.

    Raises:
        SourceError: the source does not have it, sends more than that, or breaks off or is too slow
            again and again.
        DataError: the disk is full.
    """
    for _ in range(_ATTEMPTS):
        if part.whole(url):
            return
        try:
            with _answer(url, part) as answer, closing(_blocks(answer)) as received:
                blocks: Iterable[bytes] = received
                if answer.status_code == _OK:
                    # What is there of the file is given up only for what may be the file.
                    first = _beginning(received)
                    part.begin(_origin(url, answer, first, size, most))
                    blocks = chain([first], received)
                total = part.origin.total if part.origin else None
                limited = _limited(blocks, part, size or most)
                with bytes_progress(f"Downloading {part.file.name}", total, part.size) as advance:
                    part.append(limited, advance)
                if total is None or part.size >= total:
                    return
                raise _Cut("ended")
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
            and given[1] == str(part.size)
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

    class Session(requests.Session):
        """Follows no redirect: requests first reads into memory all that comes with one."""

        def get_redirect_target(self, resp: Response) -> None:
            pass

    # An archive is wanted as it is: some servers would announce its compression as their own.
    headers = {"Accept-Encoding": "identity", "User-Agent": f"genrecls/{__version__}"}

    def ask() -> Response:
        session, address = Session(), url
        for _ in range(_REDIRECTS):
            answer = session.get(
                address, headers=headers | conditions, stream=True, timeout=_TIMEOUT
            )
            target = requests.Session.get_redirect_target(session, answer)
            if target is None:
                return answer
            answer.close()
            address = urljoin(address, target)
        raise requests.TooManyRedirects

    try:
        return within(_ANSWER_SECONDS, ask)
    except TimeoutError:
        raise SourceError("does not answer in time") from None
    except (requests.RequestException, ValueError) as error:
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
        reason = known[0] if known else " ".join(str(error).split())[:_REASON]
        raise SourceError(reason) from None


def _refused(answer: Response) -> SourceError:
    return SourceError(f"answers {answer.status_code} {(answer.reason or '')[:_REASON]}".strip())


def _validator(answer: Response) -> str | None:
    """Return what names this version of the file; a weak `ETag` does not.

    It is sent back later, so that it must be one line of printable characters.
    """
    tag = answer.headers.get("ETag")
    validator = tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified")
    return validator if validator and validator.isprintable() else None


def _origin(
    url: str, answer: Response, first: bytes, size: int | None, most: int
) -> DownloadOrigin:
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
    if not re.fullmatch("[0-9]+", length):
        return DownloadOrigin(url, _validator(answer), size)
    if len(length) > _DIGITS:
        raise SourceError(f"announces a length of {len(length)} digits")
    total = int(length)
    if size is not None and total != size:
        raise SourceError(f"has a file of {total} bytes instead of {size}")
    if total > most:
        raise SourceError(f"announces {decimal(total)}; {_too_much(most)}")
    return DownloadOrigin(url, _validator(answer), total)


def _too_much(limit: int) -> str:
    return (
        f"the archive cannot have more than {decimal(limit)} (if it has, say so with size=<bytes> "
        "and room=<bytes>)"
    )


def _blocks(answer: Response) -> Generator[bytes]:
    """Yield what comes, as it comes.

    Raises:
        SourceError: nothing comes, or hardly anything in the time that it has.
        _Cut: it ends early or gets too slow.
    """
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    came, reason = 0, ""
    with MinimumRate(_LEAST, _PERIOD, answer.raw.shutdown) as rate:
        try:
            while block := answer.raw.read1(_BLOCK, decode_content=False):
                came += len(block)
                rate.count(len(block))
                yield block
        except ReadTimeoutError:
            reason = f"fell silent for {_TIMEOUT[1]} s"
        except (HTTPError, OSError):
            reason = "was cut"
        if rate.missed:
            reason = f"brought less than {decimal(_LEAST)} in {_PERIOD:g} s"
        if reason:
            worthwhile = came >= (1 if reason == "was cut" else _BEGINNING)
            raise _Cut(reason) if worthwhile else SourceError(reason)


def _beginning(blocks: Iterator[bytes]) -> bytes:
    """Return the first blocks, which may be single bytes, as one."""
    first = b""
    for block in blocks:
        first += block
        if len(first) >= _BEGINNING:
            break
    return first


def _limited(blocks: Iterable[bytes], part: Part, limit: int) -> Iterator[bytes]:
    """Yield the blocks of a part that does not get longer than `limit` bytes.

    Raises:
        SourceError: it would; nothing of it is kept then, for it is another file.
    """
    size = part.size
    for block in blocks:
        size += len(block)
        if size > limit:
            part.discard()
            raise SourceError(f"sends more than it should; {_too_much(limit)}")
        yield block
