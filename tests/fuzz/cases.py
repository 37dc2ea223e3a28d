"""One case of the fuzzer: in a process of its own, with what must hold whatever the input is.

A command ends with status 0 or with one line that begins `genrecls: error: `; it neither fails
unexpectedly nor dies, takes neither more than 60 s of a core nor more than 2 GB, and what it
answers as JSON is JSON without NaN.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NoReturn

from genrecls.errors import GenreclsError
from tests.in_process import run_here

SECONDS, BYTES = 60, 2_000_000_000
_REFUSED, _WRONG = 1, 3


class Wrong(Exception):
    """What must hold does not."""


@dataclass(frozen=True)
class Target:
    """A kind of input.

    Attributes:
        name: what it is.
        make: writes healthy inputs into a folder, once.
        damage: changes a copy of them.
        read: lets the program read the copy; raises `GenreclsError` where that is refused properly
            and `Wrong` where anything else is wrong.
    """

    name: str
    make: Callable[[Path], None]
    damage: Callable[[Path, Random], None]
    read: Callable[[Path], None]


@dataclass(frozen=True)
class Result:
    """How a case ended: `answered`, or `refused` or `wrong` with the reason."""

    verdict: str
    reason: str = ""


def command(folder: Path, *words: str, healthy_only: bool = True) -> str:
    """Run `genrecls` and return what it printed to standard output.

    Args:
        folder: working folder.
        words: of the command line.
        healthy_only: whether status 1 has a line that says why; `data verify` finds faults with
            that status and without a line.

    Raises:
        GenreclsError: it refused its input, in one line.
        Wrong: it ended in any other way.
    """
    answer = run_here(folder, *words)
    lines = [line for line in answer.err.splitlines() if line.startswith("genrecls: error: ")]
    said = answer.err[-2000:]
    if "Traceback" in answer.err or "genrecls: error: unexpected" in answer.err:
        raise Wrong(f"{words}: {said}")
    least = answer.status if healthy_only else 0
    if answer.status not in {0, 1} or not least <= len(lines) <= answer.status:
        raise Wrong(f"{words}: status {answer.status}: {said}")
    if lines:
        raise GenreclsError(lines[0])
    return answer.out


def strict_json(text: str) -> Any:
    """Return the values of a JSON text, which must hold finite numbers only."""

    def refuse(constant: str) -> NoReturn:
        raise Wrong(f"{constant} in {text[:500]}")

    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise Wrong(f"{error} in {text[:500]}") from None


def run_case(target: Target, healthy: Path, seed: str | None) -> Result:
    """Run one case in a fork of this process.

    Args:
        target: the kind of input.
        healthy: the folder that `target.make` has filled.
        seed: decides everything; the same seed is the same case. None damages nothing.
    """
    folder = Path(tempfile.mkdtemp())
    report = folder / "reason"
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _attack(target, healthy, folder, seed, report)
    _, status, usage = os.wait4(pid, 0)
    reason = report.read_text(encoding="utf-8") if report.exists() else ""
    shutil.rmtree(folder, ignore_errors=True)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return Result("wrong", f"killed by {name} after {usage.ru_utime:.1f} s")
    peak = usage.ru_maxrss * 1024
    if peak > BYTES:
        return Result("wrong", f"took {peak / 1e9:.1f} GB")
    code = os.waitstatus_to_exitcode(status)
    if code in {0, _REFUSED}:
        return Result("refused" if code else "answered", reason)
    return Result("wrong", reason or f"ended with status {code}")


def _attack(
    target: Target, healthy: Path, folder: Path, seed: str | None, report: Path
) -> NoReturn:
    code = _WRONG
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    signal.alarm(4 * SECONDS)
    with open(os.devnull, "w", encoding="utf-8") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    try:
        copy = folder / "copy"
        shutil.copytree(healthy, copy)
        if seed:
            target.damage(copy, Random(seed))
        target.read(copy)
        code = 0
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is reported
        code = _REFUSED if isinstance(error, GenreclsError) else _WRONG
        with suppress(OSError):
            report.write_text(f"{type(error).__name__}: {error}"[:4000], "utf-8", "replace")
    finally:
        os._exit(code)
