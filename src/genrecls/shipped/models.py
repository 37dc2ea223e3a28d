"""The shipped models by name: their files and their cards.

A name is that of the model, `best_small`, whose file has floats, or that with the mode of another
file behind it, `best_small_int8`. Nothing but the standard library is needed to find them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DEFAULT = "best_small"
"""What answers where nobody has trained anything."""

_PLAIN = "float32"


def file_name(model: str, mode: str) -> str:
    """Return the name of the file of a model in a mode such as `int8`."""
    return f"{model}.tflite" if mode == _PLAIN else f"{model}_{mode}.tflite"


def names() -> tuple[str, ...]:
    """Return the models, without their modes."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def names_with_modes() -> tuple[str, ...]:
    """Return all names that stand for a file."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.tflite")))


def shipped_file(name: str | None) -> Path | None:
    """Return the file that a name stands for; None where it is that of no shipped model."""
    return FOLDER / f"{name}.tflite" if name in names_with_modes() else None


def read_card(model: str) -> Mapping[str, Any]:
    """Return what is said of a model, as plain values."""
    card: dict[str, Any] = json.loads((FOLDER / f"{model}.json").read_text(encoding="utf-8"))
    return card
