"""The files of conf/ name the schemas that editors check them by, which are those of the code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from genrecls.config.json_schema import SCHEMAS_FOLDER
from genrecls.config.paths import conf_dir
from scripts.make_schemas import HEADER, made_files

SCHEMAS = sorted((conf_dir() / SCHEMAS_FOLDER).iterdir())
AGAIN = "run python scripts/make_schemas.py"


@pytest.fixture(scope="module")
def made() -> Mapping[Path, str]:
    """What the script would write."""
    return made_files(conf_dir())


def option_files(made: Mapping[Path, str]) -> list[Path]:
    return sorted(path for path in made if path.suffix == ".yaml")


def keys(schema: Any) -> Any:
    """Return the keys that a schema allows, with their descriptions; pydantic words types anew."""
    if isinstance(schema, dict):
        inner = {key: keys(value) for key, value in schema.items() if isinstance(value, dict)}
        about = {"description": schema["description"]} if "description" in schema else {}
        return {**inner, **about}
    return None


def test_every_file_of_options_names_its_schema(made: Mapping[Path, str]) -> None:
    files = option_files(made)
    wrong = [str(path) for path in files if path.read_text(encoding="utf-8") != made[path]]
    assert wrong == [], AGAIN
    with_schema = {path.parent.name for path in files if HEADER in made[path]}
    assert {"model", "features", "dataset", "split", "trainer", "augment"} <= with_schema


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_schema_is_that_of_the_code(path: Path, made: Mapping[Path, str]) -> None:
    written = json.loads(path.read_text(encoding="utf-8"))
    assert keys(written["properties"]) == keys(json.loads(made[path])["properties"]), AGAIN


def test_no_schema_is_missing_or_left_over(made: Mapping[Path, str]) -> None:
    assert sorted(path for path in made if path.suffix == ".json") == SCHEMAS, AGAIN


def test_a_schema_knows_every_key_of_its_files(made: Mapping[Path, str]) -> None:
    for path in option_files(made):
        first = next((line for line in made[path].splitlines() if line.startswith(HEADER)), "")
        if first:
            schema = json.loads((path.parent / first.removeprefix(HEADER)).read_text("utf-8"))
            values = yaml.safe_load(made[path])
            assert values.keys() <= schema["properties"].keys(), path
