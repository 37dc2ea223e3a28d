"""The files of conf/ name the schemas that editors check them by, which are those of the code."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from genrecls.config.json_schema import SCHEMAS_FOLDER
from genrecls.config.paths import conf_dir
from scripts.make_schemas import HEADER, made_files

MADE = made_files(conf_dir())
FILES = sorted(path for path in MADE if path.suffix == ".yaml")
SCHEMAS = sorted(path for path in MADE if path.suffix == ".json")
AGAIN = "run python scripts/make_schemas.py"


def keys(schema: Any) -> Any:
    """Return the keys that a schema allows, with their descriptions; pydantic words types anew."""
    if isinstance(schema, dict):
        inner = {key: keys(value) for key, value in schema.items() if isinstance(value, dict)}
        about = {"description": schema["description"]} if "description" in schema else {}
        return {**inner, **about}
    return None


def test_every_file_of_options_names_its_schema() -> None:
    wrong = [str(path) for path in FILES if path.read_text(encoding="utf-8") != MADE[path]]
    assert wrong == [], AGAIN
    with_schema = {path.parent.name for path in FILES if HEADER in MADE[path]}
    assert {"model", "features", "dataset", "split", "trainer", "augment"} <= with_schema


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_schema_is_that_of_the_code(path: Any) -> None:
    assert path.is_file(), AGAIN
    written = json.loads(path.read_text(encoding="utf-8"))
    assert keys(written["properties"]) == keys(json.loads(MADE[path])["properties"]), AGAIN


def test_no_schema_is_left_over() -> None:
    assert sorted((conf_dir() / SCHEMAS_FOLDER).iterdir()) == SCHEMAS, AGAIN


def test_a_schema_knows_every_key_of_its_files() -> None:
    for path in FILES:
        first = next((line for line in MADE[path].splitlines() if line.startswith(HEADER)), "")
        if first:
            schema = json.loads((path.parent / first.removeprefix(HEADER)).read_text("utf-8"))
            values = yaml.safe_load(MADE[path])
            assert values.keys() <= schema["properties"].keys(), path
