"""What the user sees: messages, progress and tables, made in one place so that it can be tested.

Results go to standard output, everything else to standard error, so that a pipe gets only results.
Messages are also records of the `genrecls` logger; a run keeps them in its `train.log`. Whatever is
printed here passes `genrecls.safe_text`, for it may hold names that others have chosen.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from genrecls.safe_text import for_terminal, one_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

# Seconds between two lines of a transfer where there is no terminal.
_TELL_EVERY = 60

# What `muted` holds back at present: results, messages or both.
_muted: frozenset[str] = frozenset()

# The warnings that were printed within `each_warning_once`; None outside of it.
_warned: set[str] | None = None

log = logging.getLogger("genrecls")
log.setLevel(logging.INFO)
log.addHandler(logging.NullHandler())
log.propagate = False


def messages() -> Console:
    """Return the console for messages and progress (standard error)."""
    return _console(stderr=True, soft_wrap=True)


def _console(**settings: Any) -> Console:
    return _safe_console()(highlight=False, emoji=False, **settings)


@cache
def _safe_console() -> type[Console]:
    """Return what escapes everything that a terminal would obey, rich's own control codes apart.

    Whoever reads messages may leave, as `head` does behind a pipe: a training continues without.
    """
    from rich.console import Console
    from rich.segment import Segment

    class SafeConsole(Console):
        def on_broken_pipe(self) -> None:
            if self.stderr:
                with suppress(OSError, ValueError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())
            else:
                super().on_broken_pipe()

        def render(
            self, renderable: RenderableType, options: ConsoleOptions | None = None
        ) -> Iterator[Segment]:
            for text, style, control in super().render(renderable, options):
                safe = text if control else for_terminal(text, self.encoding)
                yield Segment(safe, style, control)

    return SafeConsole


def is_quiet() -> bool:
    """Return whether messages and progress are held back."""
    return "messages" in _muted


def say(text: str) -> None:
    """Tell the user something and keep it in the log of the run."""
    line = one_line(text)
    log.info(line)
    if not is_quiet():
        messages().print(line, markup=False)


def warn(text: str) -> None:
    """Tell the user something that matters for trusting the result."""
    from rich.markup import escape

    line = one_line(text)
    log.warning(line)
    if _warned is not None:
        if line in _warned:
            return
        _warned.add(line)
    messages().print(f"[bold yellow]warning:[/] {escape(line)}")


@contextmanager
def each_warning_once() -> Iterator[None]:
    """Print the same warning once during the block, such as that of a split that many runs share.

    Log files get it each time: each belongs to a run of its own.
    """
    global _warned  # noqa: PLW0603 - the terminal is one for the whole process
    before, _warned = _warned, set()
    try:
        yield
    finally:
        _warned = before


def fail(text: str) -> None:
    """Print the one line of an error; line breaks inside are folded."""
    line = one_line(" ".join(text.split()))
    log.error(line)
    # Without a file `print` would take standard output.
    if sys.stderr is not None:
        encoding = getattr(sys.stderr, "encoding", None)
        print(f"genrecls: error: {for_terminal(line, encoding)}", file=sys.stderr)  # noqa: T201


def several(count: int, noun: str) -> str:
    """Return `1 run` or `3 runs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


@contextmanager
def muted(*kinds: Literal["results", "messages"]) -> Iterator[None]:
    """Print no results, or neither messages nor progress, during the block; warnings are printed.

    The Python API returns results instead of printing them. Log files get everything.
    """
    global _muted  # noqa: PLW0603 - the terminal is one for the whole process
    before, _muted = _muted, _muted | set(kinds)
    try:
        yield
    finally:
        _muted = before


def show(table: RenderableType) -> None:
    """Print a result to standard output."""
    if "results" in _muted:
        return
    console = _console(soft_wrap=isinstance(table, str), markup=False)
    if not console.is_terminal:
        # A file or a pipe has no edge at which columns would have to be folded or left out.
        console.width = 100_000
    console.print(table)


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar with the time left on a terminal, and a few plain lines elsewhere.

    Yields:
        A function to call, from any thread, after each of the `total` steps.
    """
    console = messages()
    if is_quiet() or not console.is_terminal:
        yield _plain_steps(description, total)
        return
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # Results that are shown meanwhile stay in their pipe; on a terminal they come above the bar.
    results = sys.stdout is not None and sys.stdout.isatty()
    with Progress(*columns, console=console, transient=True, redirect_stdout=results) as bar:
        task = bar.add_task(escape(description), total=total)
        yield lambda: bar.advance(task)


def _plain_steps(description: str, total: int) -> Callable[[], None]:
    done = 0
    quarter = max(1, -(-total // 4))

    def advance() -> None:
        nonlocal done
        done += 1
        if done % quarter == 0 or done == total:
            say(f"{description}: {done} of {total}")

    return advance


@contextmanager
def bytes_progress(
    description: str, total: int | None, done: int = 0
) -> Iterator[Callable[[int], None]]:
    """Show bytes, rate and time left: a bar on a terminal, now and then a line elsewhere.

    Args:
        description: what is going on.
        total: bytes in all; None where nobody knows.
        done: bytes that were there before.

    Yields:
        A function to call with the number of further bytes.
    """
    console = messages()
    if is_quiet() or not console.is_terminal:
        yield _plain_bytes(description, total, done)
        return
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(escape(description), total=total, completed=done)
        yield lambda count: bar.advance(task, count)


def _plain_bytes(description: str, total: int | None, before: int) -> Callable[[int], None]:
    began = told = time.monotonic()
    done = before

    def advance(count: int) -> None:
        nonlocal done, told
        quarter = total is not None and (done + count) * 4 // total > done * 4 // total
        done += count
        now = time.monotonic()
        if quarter or now - told >= _TELL_EVERY:
            told = now
            rate = (done - before) / max(now - began, 1e-3)
            say(f"{description}: {_bytes_line(done, total, rate)}")

    return advance


def _bytes_line(done: int, total: int | None, rate: float) -> str:
    from rich.filesize import decimal

    line = f"{decimal(done)}, {decimal(int(rate))}/s"
    if total is None or done >= total:
        return line
    left = timedelta(seconds=round((total - done) / max(rate, 1)))
    return f"{decimal(done)} of {decimal(total)}, {decimal(int(rate))}/s, {left} left"


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Keep all messages of the block in `path`, appended, as long as the disk has room.

    A full disk is for whoever writes results to report.
    """

    class LogFile(logging.FileHandler):
        def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - of logging
            """Say nothing; the default prints a stack trace."""

        def close(self) -> None:
            with suppress(OSError):
                super().close()

    handler = LogFile(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drop what native libraries print to file descriptor 2 during the block.

    TensorFlow greets on import and MP3 decoding complains per damaged frame, both past Python's
    `sys.stderr`, into the middle of a progress bar. Messages of Python itself get through.
    """
    if sys.stderr is None or sys.__stderr__ is None:
        # Descriptor 2 was closed before Python began, and may be any other file by now.
        yield
        return
    sys.stderr.flush()
    saved, python = os.dup(2), sys.stderr
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with open(saved, "w", encoding="utf-8", errors="replace", buffering=1) as kept:  # noqa: PTH123
        if _writes_to_descriptor_2(python):
            sys.stderr = kept
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(nowhere)
            sys.stderr = python


def _writes_to_descriptor_2(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 2
    except (OSError, ValueError):
        return False
