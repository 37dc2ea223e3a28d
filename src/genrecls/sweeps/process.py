"""One training in its own process: started, watched, stopped, and how it ended."""

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
from typing import Literal, Protocol

from genrecls.errors import EXIT_BUSY, RunError
from genrecls.files.tables import write_json
from genrecls.runs.run import Run
from genrecls.sweeps import parent_watch
from genrecls.trackers.base import SWEEP

# As of the installed command, no module is taken from the working folder (-P).
TRAIN: tuple[str, ...] = (sys.executable, "-P", "-m", "genrecls", "train")
"""The command that trains; the words of a training come behind it."""

_ERROR = "genrecls: error: "
_LINES = 20
_TAIL_BYTES = 1 << 16
# Seconds between two measurements of the memory.
_MEASURE_EVERY = 0.5
# Seconds from SIGTERM, after which a training writes a checkpoint, to SIGKILL.
_GRACE, _GRACE_OVER_MEMORY = 60.0, 10.0
_CONTROL_GROUP = Path("/sys/fs/cgroup")


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
    """How the process of a training ended.

    Attributes:
        state: `stopped` before its end, by the sweep or by SIGTERM, so that it can continue;
            `busy` where another process is training the same run.
        reason: in words; empty for `finished`.
        lines: the last lines that it printed; empty for `finished`.
    """

    state: Literal["finished", "failed", "stopped", "busy"]
    reason: str = ""
    lines: tuple[str, ...] = ()


class StartedTraining(Protocol):
    """A training that was started, on this machine or by a cluster.

    Attributes:
        log: file to which everything is appended that it prints.
    """

    log: Path

    def poll(self) -> JobResult | None:
        """Return how it ended; None while it waits or runs. To be called again and again."""

    def stop(self, reason: str) -> None:
        """Ask it to write a checkpoint and end; it then ends as `stopped` for this reason."""

    def kill(self, reason: str = "") -> None:
        """End it at once; `poll` then says how."""


class TrainingProcess:
    """A training in a process of this machine.

    Attributes:
        log: file to which everything is appended that it prints.
        peak: most bytes of memory measured so far.
    """

    def __init__(
        self, words: Sequence[str], run: Run, log: Path, limits: ResourceLimits, sweep: str = ""
    ) -> None:
        """Start the training.

        Args:
            words: overrides and flags behind `genrecls train`.
            run: the run folder that they lead to.
            log: file for its output.
            limits: cores that it is given, and memory at which it is stopped.
            sweep: name of the sweep, for trackers that group runs.

        Raises:
            OSError: the log cannot be written, or no process can be started.
        """
        self.log = log
        self.peak = 0
        self._run = run
        self._limits = limits
        self._reason, self._over_memory = "", False
        self._measured = self._kill_at = 0.0
        # A resumed training says nothing of how long a whole one takes.
        self._whole, self._started = not run.state, time.monotonic()
        environment = {**os.environ, parent_watch.VARIABLE: "1", "PYTHONUNBUFFERED": "1"}
        # TensorFlow would take all memory of a GPU for the first of several trainings.
        environment.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        if sweep:
            environment[SWEEP] = sweep
        if limits.cores:
            # Where no core can be assigned, at least as many threads as the share is worth.
            for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
                environment.setdefault(name, str(len(limits.cores)))
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            output.write(f"$ genrecls train {shlex.join(words)}\n".encode())
            output.flush()
            self._log_start = output.tell()
            self._process = subprocess.Popen(  # noqa: S603
                [*TRAIN, *words],
                # Kept open as long as this process lives: see `parent_watch`.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C on the terminal is for the sweep, which passes it on.
                start_new_session=True,
            )
        if limits.cores:
            import psutil

            # Its threads inherit the cores. macOS assigns none.
            with suppress(AttributeError, psutil.Error, OSError):
                psutil.Process(self.pid).cpu_affinity(list(limits.cores))

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def poll(self) -> JobResult | None:
        """Return how the training ended; None while it runs. Watches the memory, too."""
        code = self._process.poll()
        if code is None:
            now = time.monotonic()
            if self._kill_at and now > self._kill_at:
                self.kill()
            if now - self._measured >= _MEASURE_EVERY:
                self._measured = now
                self._stop_over_memory()
            return None
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        result = self._result(code)
        if result.state == "finished" and self._whole:
            # How long the whole process took, for estimates of others.
            seconds = round(time.monotonic() - self._started, 1)
            with suppress(RunError, OSError), self._run.locked():
                if self._run.finished:
                    state = {**self._run.state, "seconds": seconds}
                    write_json(self._run.folder / "run.json", state)
        if result.state == "failed":
            record_failure(self._run, result.reason, over_memory=self._over_memory)
        return result

    def stop(self, reason: str) -> None:
        """Ask the training to write a checkpoint and end; it is killed if it does not."""
        if not self._reason:
            self._reason = reason
            grace = _GRACE_OVER_MEMORY if self._over_memory else _GRACE
            self._kill_at = time.monotonic() + grace
            self._process.terminate()

    def kill(self, reason: str = "") -> None:
        """End the training and all processes it started, at once; `poll` then gives the reason."""
        self._reason = self._reason or reason
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()

    def _stop_over_memory(self) -> None:
        used, limit = memory_of(self.pid), self._limits.memory
        self.peak = max(self.peak, used)
        if limit is not None and used > limit and not self._over_memory:
            self._over_memory, self._reason = True, ""
            self.stop(f"took {used / 1e9:.3g} GB, more than job_memory_gb={limit / 1e9:.3g}")

    def _result(self, code: int) -> JobResult:
        if code == 0 and self._run.finished:
            return JobResult("finished")
        lines = self._last_lines()
        if code == EXIT_BUSY:
            return JobResult("busy", "another process is training it", lines)
        if self._reason:
            return JobResult("failed" if self._over_memory else "stopped", self._reason, lines)
        if code == 130:
            return JobResult("stopped", "was stopped from outside", lines)
        if code < 0:
            reason = f"was killed by {_signal_name(-code)}; used {self.peak / 1e9:.1f} GB of memory"
        elif errors := [line for line in lines if line.startswith(_ERROR)]:
            reason = errors[-1].removeprefix(_ERROR)
        else:
            last = f": {lines[-1]}" if lines else ""
            reason = f"ended with exit status {code} and without a result{last}"
            if code == 0:
                reason += (
                    "; a configuration, a plugin or the data may have changed since this was "
                    "planned: repeat the command"
                )
        return JobResult("failed", reason, lines)

    def _last_lines(self) -> tuple[str, ...]:
        """Return the last lines that this process has printed."""
        try:
            with self.log.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start, end - _TAIL_BYTES))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return ()
        return tuple(line.rstrip() for line in text.splitlines() if line.strip())[-_LINES:]


def _signal_name(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    if name == "SIGKILL":
        return f"{name} (from outside, or because the machine had no memory left)"
    meaning = signal.strsignal(number)
    return f"{name} ({meaning})" if meaning else name


def record_failure(run: Run, reason: str, *, over_memory: bool = False) -> None:
    """Write the reason into the run's folder where the training could not do so itself.

    Args:
        run: the run.
        reason: why it failed.
        over_memory: whether it was stopped for its memory, and so recorded itself as interrupted.
    """
    replaced = {"running", "interrupted"} if over_memory else {"running"}
    # A process that has the run now knows its state better.
    with suppress(RunError, OSError), run.locked():
        if run.state.get("status") in replaced:
            run.mark("failed", reason=reason)


def memory_of(pid: int) -> int:
    """Return the bytes that a process and all of its descendants hold; 0 where it has ended.

    Pages of mapped files do not count where the system tells them apart: it frees those when it
    needs memory, such as those of examples that do not fit into memory.
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
            memory = member.memory_info()
            total += memory.rss - getattr(memory, "shared", 0)
    return total


def free_memory() -> int:
    """Return the bytes that are free for new processes: of the machine, or of the container."""
    import psutil

    free = int(psutil.virtual_memory().available)
    # Version 2 of control groups; others say nothing of containers.
    with suppress(OSError, ValueError):
        limit = int((_CONTROL_GROUP / "memory.max").read_text(encoding="ascii"))
        used = int((_CONTROL_GROUP / "memory.current").read_text(encoding="ascii"))
        stat = (_CONTROL_GROUP / "memory.stat").read_text(encoding="ascii").split()
        cached = int(stat[stat.index("inactive_file") + 1])
        free = min(free, max(0, limit - used + cached))
    return free
