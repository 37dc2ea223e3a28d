"""Memory of the machine and of what runs on it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

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
