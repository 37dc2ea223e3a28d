from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

from genrecls.config.registered import REGISTRIES, modules_of
from genrecls.config.schema import registry_of


@pytest.mark.parametrize("group", REGISTRIES)
def test_the_sources_tell_every_option_and_its_module(group: str) -> None:
    package, _ = REGISTRIES[group]
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{found.name}")
    registry = registry_of(group)
    assert registry is not None
    assert modules_of(package)
    assert {name: registry[name].__module__ for name in modules_of(package)} == modules_of(package)
    assert modules_of(package).keys() <= set(registry)


def test_an_option_is_found_where_only_its_module_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "sounds").mkdir()
    (tmp_path / "sounds" / "__init__.py").write_text("")
    (tmp_path / "sounds" / "drum.py").write_text(
        '@SOUNDS.register("drum")\nclass Drum:\n    """@SOUNDS.register("none")"""\n'
    )
    assert modules_of("sounds") == {"drum": "sounds.drum"}
