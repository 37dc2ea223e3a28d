"""Write the JSON schemas of conf/, and into its files the line by which editors find them.

    python scripts/make_schemas.py

They are made from the classes that check a configuration; a test says when to run this again.
"""

from __future__ import annotations

import json
from pathlib import Path

from genrecls.config.json_schema import SCHEMAS_FOLDER, file_schema, registered_name
from genrecls.config.paths import conf_dir
from genrecls.config.schema import class_of
from genrecls.files.atomic import write_text
from genrecls.files.tables import mapping_or_empty

HEADER = "# yaml-language-server: $schema="


def made_files(root: Path) -> dict[Path, str]:
    """Return what the files below a configuration folder, and its schemas, should contain.

    A file whose keys belong to no class, such as a preset of all groups, has no schema.
    """
    made = {}
    for path in sorted(root.rglob("*.yaml")):
        group = path.stem if path.parent == root else path.parent.name
        name = registered_name(path)
        checked = class_of(group, name)
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        lines = [line for line in lines if not line.startswith(HEADER)]
        content = {} if checked is None else file_schema(checked)
        # Some keys of a verb belong to another class than the rest of its file.
        if mapping_or_empty(path).keys() <= content.get("properties", {}).keys():
            stem = group if path.parent == root else f"{group}-{name or group}"
            schema = root / SCHEMAS_FOLDER / f"{stem}.json"
            made[schema] = json.dumps(content, indent=1) + "\n"
            up = "../" * (len(path.relative_to(root).parts) - 1)
            # Behind the first line, which help shows.
            lines.insert(1, f"{HEADER}{up}{SCHEMAS_FOLDER}/{schema.name}\n")
        made[path] = "".join(lines)
    return made


def main() -> None:
    """Write all files anew, and remove schemas that no file has any more."""
    root = conf_dir()
    made = made_files(root)
    for path, text in made.items():
        write_text(path, text)
    for path in (root / SCHEMAS_FOLDER).glob("*.json"):
        if path not in made:
            path.unlink()
    count = sum(path.suffix == ".json" for path in made)
    print(f"{count} schemas for {len(made) - count} files")


if __name__ == "__main__":
    main()
