"""Checkpoints from which a training goes on bit for bit.

A checkpoint is one folder, written aside and renamed, so that weights, optimiser, progress and
history can never come from different moments. It holds every variable of the model (the states of
the dropout generators too, which Keras' own files leave out) and of the optimiser. The previous
checkpoint is kept until the next one is whole, and a damaged one is passed over.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.console import warn

Arrays = list[NDArray[Any]]
_ASIDE = ".writing-"
_NAME = re.compile(r"epoch-(\d+)-step-(\d+)")


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


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into `folder`, whole or not at all, and keep the one before it."""
    folder.mkdir(parents=True, exist_ok=True)
    progress = checkpoint.progress
    final = folder / f"epoch-{progress.epoch:05d}-step-{progress.step:07d}"
    arrays = _named(checkpoint)
    text = json.dumps({**asdict(progress), "arrays": len(arrays)})
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder))
    try:
        with (aside / "arrays.npz").open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        (aside / "progress.json").write_text(text, encoding="utf-8")
        shutil.rmtree(final, ignore_errors=True)
        aside.rename(final)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _clean_up(folder, final)


def packed(checkpoint: Checkpoint) -> bytes:
    """Return `checkpoint` as bytes, to send it elsewhere."""
    progress = np.frombuffer(json.dumps(asdict(checkpoint.progress)).encode(), np.uint8)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, progress=progress, **_named(checkpoint))
    return content.getvalue()


def unpacked(content: bytes) -> Checkpoint:
    """Return the checkpoint that `packed` made into `content`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return Checkpoint(Progress(**json.loads(stored["progress"].tobytes())), **_groups(stored))


def load(folder: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint of `folder`, or None."""
    for candidate in reversed(_ordered(folder)):
        try:
            return _read(candidate)
        except Exception:  # noqa: BLE001 - whatever damage makes the readers of JSON and zip raise
            warn(f"checkpoint {candidate.name} is damaged and passed over")
    return None


def _clean_up(folder: Path, newest: Path) -> None:
    """Keep `newest` and the one before it."""
    before = [path for path in _ordered(folder) if path < newest]
    # Later names are damaged checkpoints that were passed over; a killed writer leaves the rest.
    stale = [path for path in _ordered(folder) if path > newest]
    for old in (*before[:-1], *stale, *folder.glob(f"{_ASIDE}*")):
        shutil.rmtree(old, ignore_errors=True)


def _ordered(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("epoch-*") if _NAME.fullmatch(path.name)]
    return sorted(found)


def _named(checkpoint: Checkpoint) -> dict[str, NDArray[Any]]:
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


def _read(path: Path) -> Checkpoint:
    fields = json.loads((path / "progress.json").read_text(encoding="utf-8"))
    # Opened here, because NumPy leaves a file open that is no archive.
    with (
        (path / "arrays.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        groups = _groups(stored)
    # A damaged table of contents leaves members out without a complaint.
    if fields.pop("arrays") != sum(map(len, groups.values())):
        raise ValueError("not all arrays are there")
    return Checkpoint(Progress(**fields), **groups)


def _groups(stored: Mapping[str, NDArray[Any]]) -> dict[str, Arrays]:
    names = sorted(stored)
    # Reading each member whole is what makes the archive verify its checksums.
    return {
        group: [stored[name] for name in names if name.startswith(f"{group}-")]
        for group in ("model", "optimizer", "best")
    }
