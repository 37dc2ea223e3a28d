"""Checkpoints from which a training continues bit for bit.

A checkpoint is one folder, written aside and renamed, so that weights, optimiser, progress and
history can never come from different moments. It holds every variable of the model (the states of
the dropout generators too, which Keras' own files leave out) and of the optimiser. The previous
checkpoint is kept until the next one is whole, and a damaged one is passed over:

    epoch-00003-step-0000012/progress.json   number of the format, `Progress`, number of arrays
    epoch-00003-step-0000012/arrays.npz      `model-0000`, ..., `optimizer-0000`, ..., `best-0000`
"""

from __future__ import annotations

import errno
import io
import json
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from genrecls.config.validation import validate
from genrecls.console import warn
from genrecls.errors import ConfigError, RunError
from genrecls.files.atomic import naming

FORMAT = 1
"""Number of the layout above; a change of it or of the fields of `Progress` needs the next one."""

Arrays = list[NDArray[Any]]

_ASIDE = ".writing-"
_NAME = re.compile(r"epoch-(\d+)-step-(\d+)")
_ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    # A damaged header can ask for a password or for another compression.
    RuntimeError,
    NotImplementedError,
)


@dataclass
class Progress:
    """Everything about a training that is no array.

    Attributes:
        epoch: finished epochs.
        step: finished steps of the epoch in progress.
        loss_sum, correct, seen: sums over the finished steps of the epoch in progress.
        seconds: training time so far.
        epoch_seconds: time of the epoch in progress so far.
        history: a row an epoch.
        best_epoch: epoch (from 1) of the best weights; 0 before the first.
        best_value: its validation figure.
        wait: epochs since then.
        plateau_wait: epochs without improvement since the schedule last acted.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seen: int = 0
    seconds: float = 0.0
    epoch_seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_value: float | None = None
    wait: int = 0
    plateau_wait: int = 0

    def kept_epoch(self, keep: Literal["best", "last"]) -> int:
        """Return the epoch, from 1, whose weights a trained model has."""
        return self.best_epoch if keep == "best" else self.epoch


@dataclass(frozen=True)
class Checkpoint:
    """A moment of a training.

    Attributes:
        model, optimizer: values of all their variables, in order.
        best: values of the model's variables at its best epoch; empty before the first.
    """

    progress: Progress
    model: Arrays
    optimizer: Arrays
    best: Arrays


class _DamagedError(Exception):
    """A file of a checkpoint is missing or is not what was written."""


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into `folder`, whole or not at all, and keep the one before it."""
    folder.mkdir(parents=True, exist_ok=True)
    progress = checkpoint.progress
    newest = folder / f"epoch-{progress.epoch:05d}-step-{progress.step:07d}"
    arrays = _named_arrays(checkpoint)
    text = json.dumps(
        {"format": FORMAT, **asdict(progress), "arrays": len(arrays)}, allow_nan=False
    )
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder))
    try:
        with naming(newest), (aside / "arrays.npz").open("wb") as file:
            # The first versions of NumPy 2 take `allow_pickle` for the name of an array.
            np.savez(file, **arrays)  # type: ignore[arg-type]
        with naming(newest):
            (aside / "progress.json").write_text(text, encoding="utf-8")
        shutil.rmtree(newest, ignore_errors=True)
        aside.rename(newest)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    # The one before it stays. Later names are damaged ones that were passed over, and a killed
    # writer leaves its folder.
    paths = _checkpoint_paths(folder)
    before = [path for path in paths if path < newest]
    later = [path for path in paths if path > newest]
    for old in (*before[:-1], *later, *folder.glob(f"{_ASIDE}*")):
        shutil.rmtree(old, ignore_errors=True)


def keep_newest(folder: Path) -> None:
    """Remove all checkpoints of `folder`, and of the stages in it, but the newest."""
    for stage in {path.parent for path in folder.rglob("epoch-*")}:
        for old in _checkpoint_paths(stage)[:-1]:
            shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint of `folder`, or None.

    Raises:
        RunError: the newest one is of another format, or the disk does not give it.
    """
    for path in reversed(_checkpoint_paths(folder)):
        try:
            return _read(path)
        except (_DamagedError, FileNotFoundError):
            warn(f"checkpoint {path.name} is damaged and passed over")
        except OSError as error:
            raise RunError(
                f"{path}: the checkpoint cannot be read ({error.strerror or error}); repeat it "
                "when that is mended, or start over with force=true"
            ) from error
    return None


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """Return `checkpoint` as bytes, to send it to another host."""
    progress = np.frombuffer(
        json.dumps(asdict(checkpoint.progress), allow_nan=False).encode(), np.uint8
    )
    content = io.BytesIO()
    np.savez(content, progress=progress, **_named_arrays(checkpoint))  # type: ignore[arg-type]
    return content.getvalue()


def from_bytes(content: bytes) -> Checkpoint:
    """Return the checkpoint that `to_bytes` made into `content`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        progress = Progress(**json.loads(stored["progress"].tobytes()))
        return Checkpoint(progress, **_arrays_by_group(stored))


def _checkpoint_paths(folder: Path) -> list[Path]:
    """Return the checkpoints in `folder`, oldest first."""
    return sorted(path for path in folder.glob("epoch-*") if _NAME.fullmatch(path.name))


def _read(path: Path) -> Checkpoint:
    """Return the checkpoint at `path`.

    Only what a disk or a killed process does to files counts as damage: text that is no JSON, other
    keys or types than were written, an archive that fails its checksums.

    Raises:
        _DamagedError, FileNotFoundError: the checkpoint is damaged.
        RunError: it is of another format.
        OSError: a file cannot be read.
    """
    try:
        content = json.loads((path / "progress.json").read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _DamagedError from error
    if not isinstance(content, dict):
        raise _DamagedError
    # Format 1 was first written without its number.
    number = content.pop("format", 1)
    if number != FORMAT:
        raise RunError(
            f"{path}: the checkpoint has the format {number}, and this version of genrecls reads "
            f"format {FORMAT}; continue with the version that wrote it, or start again with "
            "force=true"
        )
    if content.keys() != {*asdict(Progress()), "arrays"}:
        raise _DamagedError
    count = content.pop("arrays")
    try:
        validate(Progress, content, "")
    except ConfigError as error:
        raise _DamagedError from error
    # Opened here, because NumPy leaves a file open that is no archive.
    with (path / "arrays.npz").open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                damaged_member = archive.testzip()
            file.seek(0)
            with np.load(file, allow_pickle=False) as stored:
                groups = _arrays_by_group(stored)
        except _ZIP_DAMAGE as error:
            raise _DamagedError from error
        except OSError as error:
            # A damaged table of contents can name a place in front of the file.
            if error.errno != errno.EINVAL:
                raise
            raise _DamagedError from error
    # A damaged table of contents leaves members out without a complaint.
    if damaged_member or count != sum(map(len, groups.values())):
        raise _DamagedError
    return Checkpoint(Progress(**content), **groups)


def _named_arrays(checkpoint: Checkpoint) -> dict[str, NDArray[Any]]:
    groups = {
        "model": checkpoint.model,
        "optimizer": checkpoint.optimizer,
        "best": checkpoint.best,
    }
    return {
        f"{group}-{index:04d}": array
        for group, arrays in groups.items()
        for index, array in enumerate(arrays)
    }


def _arrays_by_group(stored: Mapping[str, NDArray[Any]]) -> dict[str, Arrays]:
    names = sorted(stored)
    return {
        group: [stored[name] for name in names if name.startswith(f"{group}-")]
        for group in ("model", "optimizer", "best")
    }
