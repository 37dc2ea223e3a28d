"""Damage to the files of a finished run: what disks, editors and other people do to them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from genrecls.runs.run import Run

Damage = Callable[[Path], None]
DEEP = "[" * 100_000


def folder(path: Path) -> None:
    """Put a folder in the place of the file."""
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    """Put a named pipe in the place of the file."""
    path.unlink()
    os.mkfifo(path)


def half(path: Path) -> None:
    """Cut the file in the middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def text(content: str) -> Damage:
    """Return the damage that writes something else."""
    return lambda path: _write(path, content)


def _write(path: Path, content: str) -> None:
    path.write_text(content, encoding="latin-1")


ANY: Mapping[str, Damage] = {
    "folder": folder,
    "pipe": pipe,
    "half": half,
    "empty": text(""),
    "word": text("word"),
    "list": text("[1, 2]"),
    "null": text("null"),
    "empty mapping": text("{}"),
    "no text": text("\xff\xfe\x00["),
    "deep": text(DEEP),
    "deep mapping": text('{"a":' * 800 + "1" + "}" * 800),
}
"""Damage that any file can have."""


def setting(key: str, value: Any) -> Damage:
    """Return the damage that gives a key of a JSON or YAML file another value."""

    def change(path: Path) -> None:
        as_json = path.suffix == ".json"
        content = path.read_text(encoding="utf-8")
        values: dict[str, Any] = json.loads(content) if as_json else yaml.safe_load(content)
        *groups, last = key.split(".")
        place = values
        for group in groups:
            place = place[group]
        place[last] = value
        path.write_text(json.dumps(values) if as_json else yaml.safe_dump(values))

    return change


CASES: Mapping[str, tuple[str, Damage]] = {
    **{f"run.json {name}": ("run.json", damage) for name, damage in ANY.items()},
    **{f"metrics.json {name}": ("metrics.json", damage) for name, damage in ANY.items()},
    **{f"config.yaml {name}": ("config.yaml", damage) for name, damage in ANY.items()},
    **{f"history.csv {name}": ("history.csv", damage) for name, damage in ANY.items()},
    **{f"predictions {name}": ("predictions_tracks.csv", damage) for name, damage in ANY.items()},
    "status unknown": ("run.json", setting("status", "done")),
    "changed no text": ("run.json", setting("changed", [])),
    "seconds infinite": ("run.json", setting("seconds", float("inf"))),
    "seconds negative": ("run.json", setting("seconds", -1)),
    "parameters huge": ("metrics.json", setting("model.parameters", 10**400)),
    "parameters negative": ("metrics.json", setting("model.parameters", -1)),
    "interval of no numbers": (
        "metrics.json",
        setting("parts.test.track.accuracy_interval", [float("nan"), float("inf")]),
    ),
    "seed infinite": ("config.yaml", setting("seed", float("inf"))),
    "seed a text": ("config.yaml", setting("seed", "0")),
    "split a list": ("config.yaml", setting("split", [1])),
    "model without name": ("config.yaml", setting("model", {})),
    "augment null": ("config.yaml", setting("augment", None)),
    "a date": ("config.yaml", setting("trainer.epochs", date(2026, 1, 1))),
    "a set": ("config.yaml", setting("trainer.epochs", {1})),
    "a key that is no text": ("config.yaml", setting("trainer", {1: 2})),
    "a recursive alias": ("config.yaml", text("seed: &a [*a]\n")),
    "an alias of its own mapping": ("config.yaml", text("&a\nseed: 0\nmodel: *a\n")),
    "history of heads": (
        "history.csv",
        text("epoch,loss,accuracy,validation_loss,validation_accuracy\n"),
    ),
    "history infinite": (
        "history.csv",
        text("epoch,loss,accuracy,validation_loss,validation_accuracy\n1,inf,0,0,0\n"),
    ),
    "history negative": (
        "history.csv",
        text("epoch,loss,accuracy,validation_loss,validation_accuracy\n1,1,-0.1,0,0\n"),
    ),
    "history short": (
        "history.csv",
        text("epoch,loss,accuracy,validation_loss,validation_accuracy\n1,1,0,0,0\n"),
    ),
}
"""By a name: the file of a finished run, and what is done to it."""


def damage_run(run: Run, name: str) -> Path:
    """Damage a file of a finished run; return its path."""
    file, change = CASES[name]
    path = run.folder / file
    change(path)
    return path
