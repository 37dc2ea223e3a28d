"""docs/architecture.md says what is there: every room, every key of the files of a run."""

from __future__ import annotations

import collections.abc
import dataclasses
import importlib
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import genrecls
from genrecls.runs.export_facts import ExportFacts
from genrecls.runs.metrics import RunMetrics
from genrecls.runs.run import Run
from genrecls.runs.run_files import Status
from genrecls.training.callbacks import ProgressFile, TrainingPlan
from genrecls.training.checkpoint import Progress

PAGE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
ROW = {"epoch": 1, "validation_accuracy": 0.5, "validation_loss": 1.0}


def documented(title: str) -> dict[str, set[str]]:
    """Return the keys that the table below a heading names for each object."""
    section = PAGE.split(f"### `{title}`")[1].split("\n### ")[0]
    tables: dict[str, set[str]] = {}
    for objects, keys in re.findall(r"^\| (.+?) \| (.+) \|$", section, flags=re.MULTILINE):
        named = re.findall(r"`([^`]+)`", objects) or (
            ["(whole file)"] if "(whole" in objects else []
        )
        # What stands in brackets or behind a semicolon explains, and names no key.
        plain = re.sub(r"\([^)]*\)", "", keys).partition(";")[0]
        for name in named:
            tables[name] = set(re.findall(r"`([^`]+)`", plain))
    return tables


def keys_of(kind: type[Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Yield place and name of every field of a dataclass and of those inside it."""
    spaces: dict[str, Any] = {"ClassVar": typing.ClassVar, "Any": Any}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("genrecls"):
            spaces |= vars(importlib.import_module(base.__module__))
    hints = typing.get_type_hints(kind, spaces)
    for field in dataclasses.fields(kind):
        yield place or "(whole file)", field.name
        for inner, steps in dataclasses_in(hints[field.name], ""):
            yield from keys_of(inner, f"{place}.{field.name}{steps}".lstrip("."))


def dataclasses_in(hint: Any, steps: str) -> Iterator[tuple[type[Any], str]]:
    if dataclasses.is_dataclass(hint):
        yield typing.cast("type[Any]", hint), steps
    mapping = typing.get_origin(hint) is collections.abc.Mapping
    listed = typing.get_origin(hint) is tuple
    for argument in typing.get_args(hint):
        yield from dataclasses_in(argument, f"{steps}{'.*' if mapping else '.#' if listed else ''}")


def test_every_key_of_run_json_is_documented(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    with pytest.raises(OSError, match="full"), run.recorded("genrecls train", "1a2b3c4d"):
        raise OSError("full")
    (row,) = (line for line in PAGE.splitlines() if line.startswith("| `run.json` |"))
    named = set(re.findall(r"`([^`]+)`", row))
    assert run.state.keys() < named
    assert set(typing.get_args(Status)) < named


@pytest.mark.parametrize(
    ("title", "kind"), [("metrics.json", RunMetrics), ("export.json", ExportFacts)]
)
def test_every_key_of_a_file_is_documented(title: str, kind: type[Any]) -> None:
    tables = documented(title)
    for place, key in keys_of(kind):
        # A pair of scores is explained once, at its deepest place.
        if place in tables:
            assert key in tables[place], f"{title}: {place}.{key}"
        else:
            assert any(name.startswith(f"{place}.") for name in tables), f"{title}: {place}"
    known = {(place, key) for place, key in keys_of(kind)} | {("(whole file)", "version")}
    written = {(place, key) for place, keys in tables.items() for key in keys}
    assert written <= known, f"{title} has no such keys"


def test_every_key_of_the_progress_file_is_documented(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path / "progress.json")
    file.on_stage_start(Progress(), TrainingPlan(2, 3, "loss"))
    file.on_epoch_end(Progress(epoch=1, seconds=1.0, history=[ROW], best_epoch=1, best_value=1.0))
    content = json.loads((tmp_path / "progress.json").read_text())
    tables = documented("progress.json")
    assert tables["(whole file)"] == set(content)
    assert tables["best"] == set(content["best"])
    assert tables["history.#"] == set(content["history"][0])


def test_every_room_has_its_floor() -> None:
    folder = Path(genrecls.__file__).parent
    # An installed package has `conf` beside them, which is no room.
    modules = [p for p in folder.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()]
    rooms = {path.stem for path in modules}
    floors = PAGE.split("## Floors")[1].split("\n## ")[0]
    named = {
        name
        for cell in re.findall(r"^\| (`.+?) \|", floors, flags=re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }
    assert named == {room for room in rooms if not room.startswith(("_", "py"))}


def test_every_file_of_a_run_folder_is_documented() -> None:
    run = Run(Path("run"))
    files = {
        value.name
        for name in dir(Run)
        if name.endswith(("_file", "_folder")) and isinstance(value := getattr(run, name), Path)
        if not name.startswith("_")
    }
    table = PAGE.split("## What a run folder holds")[1].split("\n### ")[0]
    assert {
        name for name in files if f"`{name}`" not in table and f"`{name}/`" not in table
    } == set()
