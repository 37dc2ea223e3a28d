"""Databases of the tests, for which nobody waits until a disk has them: no test cuts the power."""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any


def hurry() -> None:
    """Let SQLite leave it to the system when what it writes reaches the disk, in this process.

    MLflow and Optuna wait for the disk hundreds of times. What a process has written is not lost
    where it is killed. Both read the history of their tables for each database: here once.
    """
    from alembic.util import pyfiles
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if not event.contains(Engine, "connect", _hurry):
        event.listen(Engine, "connect", _hurry)
        load, kept = pyfiles.load_module_py, cache(pyfiles.load_module_py)

        def load_once(module_id: str, path: str | os.PathLike[str]) -> ModuleType:
            # What is called env.py does its work while it is loaded.
            return load(module_id, path) if module_id == "env_py" else kept(module_id, Path(path))

        pyfiles.load_module_py = load_once


def _hurry(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")
