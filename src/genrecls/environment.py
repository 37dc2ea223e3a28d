"""Under which versions, on which machine and from which commit a run was made."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from genrecls import __version__

_LIBRARIES = (
    "ai-edge-litert",
    "av",
    "keras",
    "librosa",
    "numpy",
    "pillow",
    "scikit-learn",
    "scipy",
    "soundfile",
    "soxr",
    "tensorflow",
    "tensorflow-cpu",
    "tflite-micro",
)
# What different systems call the processor in /proc/cpuinfo.
_PROCESSOR = ("model name", "Model", "Hardware", "cpu model")


def environment() -> dict[str, str]:
    """Return names and versions of what a result may depend on."""
    found = {"genrecls": __version__, "python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    found["system"] = f"{platform.system()} {platform.machine()}"
    found["cpu"] = processor()
    found["cores"] = str(cores())
    commit = _commit()
    return {**found, "commit": commit} if commit else found


def processor() -> str:
    """Return the model of the processor, or at least its kind.

    Clouds give many models one name; family and model tell them apart.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    lines = (line.partition(":") for line in text.splitlines())
    entries = {key.strip(): value.strip() for key, _, value in lines}
    names = (entries[key] for key in _PROCESSOR if entries.get(key))
    name = next(names, platform.processor() or platform.machine())
    numbers = [entries.get(key, "") for key in ("cpu family", "model")]
    return f"{name} (family {numbers[0]}, model {numbers[1]})" if all(numbers) else name


def cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _commit() -> str | None:
    """Return the commit of a source checkout, with a `+` where files differ from it."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return None
    try:
        head = _git(source, "rev-parse", "--short=12", "HEAD")
        return f"{head}+" if _git(source, "status", "--porcelain") else head
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *words: str) -> str:
    command = ("git", "-C", str(folder), *words)
    return subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()
