"""One training in a process of its own: started, watched, stopped, its end put into words."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from genrecls.errors import EXIT_BUSY, RunError
from genrecls.files.tables import write_json
from genrecls.runs.run import Run
from genrecls.sweeps import parent_watch

_CONTROL_GROUP = Path("/sys/fs/cgroup")


def memory_of(pid: int) -> int:
    """Return the bytes that a process and all of its descendants hold; 0 where it is gone.

    Pages of files that are mapped do not count where the system tells them apart: it takes those
    back when it needs them, as with examples that do not fit into memory.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        tree = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for member in tree:
        with suppress(psutil.Error):
            found = member.memory_info()
            total += found.rss - getattr(found, "shared", 0)
    return total


def free_memory() -> int:
    """Return the bytes that are free for new processes: of the machine, or of the container."""
    import psutil

    free = int(psutil.virtual_memory().available)
    # Version 2 of control groups; anything else says nothing of containers.
    with suppress(OSError, ValueError):
        most = int((_CONTROL_GROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_CONTROL_GROUP / "memory.current").read_text(encoding="ascii"))
        stat = (_CONTROL_GROUP / "memory.stat").read_text(encoding="ascii").split()
        cached = int(stat[stat.index("inactive_file") + 1])
        free = min(free, max(0, most - used + cached))
    return free


SWEEP = "GENRECLS_SWEEP"
"""Environment variable that names the sweep, for trackers that group its runs."""

_ERROR = "genrecls: error: "
_LINES = 20
_TAIL_BYTES = 1 << 16
# Seconds between two looks at the memory; from SIGTERM, which writes a checkpoint, to SIGKILL.
_LOOK_EVERY, _GRACE, _GRACE_OF_MEMORY = 0.5, 60.0, 10.0

EndState = Literal["finished", "failed", "stopped", "busy"]


@dataclass(frozen=True)
class ResourceLimits:
    """What a training may take of the machine.

    Attributes:
        cores: numbers of its cores; empty sets no limit.
        memory: bytes; None sets no limit.
    """

    cores: tuple[int, ...] = ()
    memory: int | None = None


@dataclass(frozen=True)
class JobResult:
    """How a training ended.

    Attributes:
        state: `stopped` before its time, by us or by anyone with SIGTERM, so that it can go on;
            `busy` where another process is at work on the same run.
        reason: in words; empty for `finished`.
        lines: the last lines that it printed; empty for `finished`.
    """

    state: EndState
    reason: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobSpec:
    """What is to be trained.

    Attributes:
        words: overrides and flags behind `genrecls train`.
        run: the run folder that they lead to.
        log: file to which everything is appended that the process prints.
        sweep: name of the sweep, for trackers that group runs.
    """

    words: tuple[str, ...]
    run: Run
    log: Path
    sweep: str = ""


class Training(Protocol):
    """A training that was begun, wherever it runs."""

    order: JobSpec

    def poll(self) -> JobResult | None:
        """Return how it ended; None while it waits or runs. To be called again and again."""

    def stop(self, reason: str) -> None:
        """Ask it to write a checkpoint and end; it then ends as `stopped` for this reason."""

    def kill(self, reason: str = "") -> None:
        """End it at once; `poll` then says how."""


class Child:
    """A training in a process of this machine.

    Attributes:
        order: what it trains.
        peak: most bytes of memory seen so far.
    """

    def __init__(self, order: JobSpec, limits: ResourceLimits) -> None:
        """Start the training.

        Raises:
            OSError: the log cannot be written, or no process can be started.
        """
        self.order = order
        self.peak = 0
        self._limits = limits
        self._reason, self._over = "", False
        self._looked = self._kill_at = 0.0
        # What goes on says nothing of how long a whole training takes.
        self._whole, self._started = not order.run.state, time.monotonic()
        order.log.parent.mkdir(parents=True, exist_ok=True)
        with order.log.open("ab") as log:
            log.write(f"$ genrecls train {shlex.join(order.words)}\n".encode())
            log.flush()
            self._begin = log.tell()
            self._process = _start(order, limits, log)
        _pin(self._process.pid, limits.cores)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def poll(self) -> JobResult | None:
        """Return how the training ended; None while it runs. Watches the memory, too."""
        if self._process.poll() is None:
            self._watch()
            return None
        ending = self._ending(self._process.returncode)
        with suppress(OSError):
            self._lifeline.close()
        if ending.state == "finished" and self._whole:
            _record_seconds(self.order.run, time.monotonic() - self._started)
        if ending.state == "failed":
            record_failure(self.order.run, ending.reason, over=self._over)
        return ending

    def stop(self, reason: str) -> None:
        """Ask the training to write a checkpoint and end; it is killed if it does not."""
        if not self._reason:
            self._reason = reason
            self._kill_at = time.monotonic() + (_GRACE_OF_MEMORY if self._over else _GRACE)
            self._process.terminate()

    def kill(self, reason: str = "") -> None:
        """End the training and whatever it has started, at once; `poll` then gives the reason."""
        self._reason = self._reason or reason
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()

    @property
    def _lifeline(self) -> Any:
        return self._process.stdin

    def _watch(self) -> None:
        now = time.monotonic()
        if self._kill_at and now > self._kill_at:
            self.kill()
        if now - self._looked < _LOOK_EVERY:
            return
        self._looked = now
        used, most = memory_of(self.pid), self._limits.memory
        self.peak = max(self.peak, used)
        if most is not None and used > most and not self._over:
            self._over = True
            self._reason = ""
            self.stop(f"took {used / 1e9:.3g} GB, more than job_memory_gb={most / 1e9:.3g}")

    def _ending(self, code: int) -> JobResult:
        if code == 0 and self.order.run.finished:
            return JobResult("finished")
        lines = _last_lines(self.order.log, self._begin)
        if code == EXIT_BUSY:
            return JobResult("busy", "another process trains it", lines)
        if self._over:
            return JobResult("failed", self._reason, lines)
        if self._reason:
            return JobResult("stopped", self._reason, lines)
        if code == 130:
            return JobResult("stopped", "was stopped from outside", lines)
        return JobResult("failed", self._why(code, lines), lines)

    def _why(self, code: int, lines: Sequence[str]) -> str:
        if code < 0:
            return f"was killed by {_signal(-code)}; had taken {self.peak / 1e9:.1f} GB of memory"
        told = [line for line in lines if line.startswith(_ERROR)]
        if told:
            return told[-1].removeprefix(_ERROR)
        last = f": {lines[-1]}" if lines else ""
        return f"ended with exit status {code} and without a result{last}"


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "genrecls", "train", *words]


def _start(order: JobSpec, limits: ResourceLimits, log: Any) -> subprocess.Popen[bytes]:
    variables = {**os.environ, parent_watch.VARIABLE: "1", "PYTHONUNBUFFERED": "1"}
    # TensorFlow would take all memory of a GPU for the first of several trainings.
    variables.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    if order.sweep:
        variables[SWEEP] = order.sweep
    if limits.cores:
        # Where no core can be assigned, at least as many threads as the share is worth.
        count = str(len(limits.cores))
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            variables.setdefault(name, count)
    # A session of its own: Ctrl-C on the terminal is for the sweep, which passes it on.
    return subprocess.Popen(  # noqa: S603
        _command(order.words),
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=variables,
        start_new_session=True,
    )


def _pin(pid: int, cores: Sequence[int]) -> None:
    """Assign cores to a process that has just begun, so to all of its threads to come."""
    import psutil

    # macOS assigns none.
    with suppress(AttributeError, psutil.Error, OSError):
        if cores:
            psutil.Process(pid).cpu_affinity(list(cores))


def record_failure(run: Run, reason: str, *, over: bool = False) -> None:
    """Keep the reason in the run's folder where the training could not do so itself.

    Args:
        run: the run.
        reason: why it failed.
        over: whether it was stopped for its memory, and so took itself for interrupted.
    """
    untold = {"running", "interrupted"} if over else {"running"}
    # Whoever has the run now knows better how it stands.
    with suppress(RunError, OSError), run.locked():
        if run.state.get("status") in untold:
            run.mark("failed", reason=reason)


def _record_seconds(run: Run, seconds: float) -> None:
    """Keep how long the process ran, from its start to its end, for estimates of others."""
    with suppress(RunError, OSError), run.locked():
        if run.finished:
            write_json(run.folder / "run.json", {**run.state, "seconds": round(seconds, 1)})


def _last_lines(log: Path, begin: int) -> tuple[str, ...]:
    """Return the last lines of a log behind the byte `begin`."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(begin, end - _TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())[-_LINES:]


def _signal(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    meaning = signal.strsignal(number)
    if name == "SIGKILL":
        return f"{name} (from outside, or because the machine had no memory left)"
    return f"{name} ({meaning})" if meaning else name
