"""Databases of the tests, for which nobody waits until a disk has them: no test cuts the power."""

from __future__ import annotations

import sqlite3
from typing import Any


def hurry() -> None:
    """Let SQLite leave it to the system when what it writes reaches the disk, in this process.

    MLflow and Optuna wait for the disk hundreds of times. What a process has written is not lost
    where it is killed.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if not event.contains(Engine, "connect", _hurry):
        event.listen(Engine, "connect", _hurry)


def _hurry(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")
