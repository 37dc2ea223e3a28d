"""What the feature cache holds, and how to make it smaller."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from genrecls.errors import DataError
from genrecls.features.cache import SPEC

_KEY = re.compile(r"[0-9a-f]{32}")
_DOOMED = ".pruned-"


@dataclass(frozen=True)
class CacheFolder:
    """One folder of the cache: features made in one way.

    Attributes:
        key: its name.
        summary: features and segments in a few words.
        settings: content of its `spec.json`; empty if that is damaged.
        entries: number of files with features, one an audio file (of frozen layers: a segment).
        size: bytes of all its files.
        last_used: when it was last read or written.
    """

    key: str
    path: Path
    summary: str
    settings: dict[str, Any]
    entries: int
    size: int
    last_used: datetime


def describe(root: Path) -> tuple[CacheFolder, ...]:
    """Return the folders of the cache at `root`, the last used first; none if there is no cache."""
    if not root.is_dir():
        return ()
    folders = [_folder(path) for path in root.iterdir() if _KEY.fullmatch(path.name)]
    return tuple(sorted(folders, key=lambda folder: folder.last_used, reverse=True))


def prune(
    root: Path, older_than_days: float | None = None, keep: Collection[str] = ()
) -> tuple[CacheFolder, ...]:
    """Delete folders of the cache and return what they were.

    Args:
        root: folder of the cache; nothing that is not a cache's is touched in it.
        older_than_days: delete only what was not used for so long; None deletes regardless of age.
        keep: keys of folders to be left alone.

    Raises:
        DataError: a folder cannot be deleted.
    """
    limit = datetime.now(UTC) - timedelta(days=older_than_days or 0)
    doomed = [
        folder
        for folder in describe(root)
        if folder.key not in keep and (older_than_days is None or folder.last_used < limit)
    ]
    for leftover in root.glob(f"{_DOOMED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for folder in doomed:
        _delete(folder.path)
    return tuple(doomed)


def _delete(path: Path) -> None:
    # Renamed first: whoever writes to it at this moment starts a new folder, not a half-empty one.
    aside = path.with_name(f"{_DOOMED}{uuid.uuid4().hex}")
    try:
        path.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be deleted ({error.strerror or error}); delete the folder yourself"
        ) from error


def _folder(path: Path) -> CacheFolder:
    sizes = {file: _status(file).st_size for file in path.rglob("*.*") if file.is_file()}
    settings = _settings(path / SPEC)
    return CacheFolder(
        key=path.name,
        path=path,
        summary=_summary(settings),
        settings=settings,
        entries=sum(file.suffix == ".npz" and not file.name.startswith(".") for file in sizes),
        size=sum(sizes.values()),
        last_used=datetime.fromtimestamp(
            _status(path / SPEC if path / SPEC in sizes else path).st_mtime, UTC
        ),
    )


def _status(path: Path) -> os.stat_result:
    """Return the status of a file, or of its folder if another process took the file away."""
    try:
        return path.stat()
    except FileNotFoundError:
        return path.parent.stat()


def _settings(described: Path) -> dict[str, Any]:
    try:
        content = json.loads(described.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _summary(settings: dict[str, Any]) -> str:
    try:
        if "layers" in settings:
            return f"outputs of frozen layers up to {settings['layers'][-1]}"
        features, segment = settings["features"], settings["segment"]
        rate = features.get("sample_rate") or features["picture"]["sample_rate"]
        return (
            f"{features['name']} at {rate} Hz, "
            f"segments of {segment['length']:g} s cut from {segment['cut']}"
        )
    except (KeyError, TypeError, ValueError):
        return f"unknown ({SPEC} is missing or damaged)"
