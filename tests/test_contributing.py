"""The examples of CONTRIBUTING.md, run: documentation must not rot."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

import numpy as np
import pytest
import soundfile

from genrecls.cli.completion import candidates
from genrecls.config.options import choices
from genrecls.config.registered import REGISTRIES, modules_of
from genrecls.config.schema import Registry, registry_of
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS
from genrecls.features.base import FEATURES
from genrecls.models.base import MODELS, ModelFamily, Normalisation
from tests.conftest import RunCommand

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n(?=\"\"\"`(\w+)`)(.*?)```", TEXT, flags=re.DOTALL))


def forget_examples(registry: Registry[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of a registry, for a test, what whoever has followed the examples has in it.

    What the test registers is forgotten, too, by Hydra as well; what it imports stays imported.
    """
    from hydra.core.config_store import ConfigStore

    stored = ConfigStore.instance().repo
    for group in REGISTRIES:
        monkeypatch.setitem(stored, group, dict(stored.get(group, {})))
    for name in registry:
        registry[name]
    for places in ("_options", "_modules"):
        known = getattr(registry, places)
        others = {name: place for name, place in known.items() if name not in EXAMPLES}
        monkeypatch.setattr(registry, places, others)


@pytest.fixture
def example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Registry[Any]], ModuleType]:
    def load(name: str, registry: Registry[Any]) -> ModuleType:
        forget_examples(registry, monkeypatch)
        path = tmp_path / f"example_{name}.py"
        path.write_text(EXAMPLES[name], encoding="utf-8")
        specification = importlib.util.spec_from_file_location(path.stem, path)
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        monkeypatch.setitem(sys.modules, path.stem, module)
        specification.loader.exec_module(module)
        return module

    return load


@pytest.mark.tensorflow
def test_the_example_of_a_model_builds_and_answers(example: Callable[..., ModuleType]) -> None:
    example("pooled", MODELS)
    family = select(MODELS, {"name": "pooled", "width": 8})
    assert isinstance(family, ModelFamily)
    unit = {"mfcc": Normalisation(np.zeros(13), np.ones(13))}
    model = family.build({"mfcc": (130, 13)}, 10, unit)
    found = model.predict({"mfcc": np.zeros((2, 130, 13), np.float32)}, verbose=0)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_the_example_of_a_feature_keeps_its_promises(example: Callable[..., ModuleType]) -> None:
    example("energy", FEATURES)
    spec = select(FEATURES, {"name": "energy"})
    segments = np.full((2, 22050), 0.1, np.float32)
    found = spec.transform(segments)["energy"]
    assert found.shape[1:] == spec.shapes(22050)["energy"]
    np.testing.assert_allclose(found, -20, atol=1e-4)


def test_the_example_of_a_data_set_lists_its_tracks(
    example: Callable[..., ModuleType], tmp_path: Path
) -> None:
    example("sines", DATASETS)
    for genre in ("high", "low"):
        (tmp_path / "sines" / genre).mkdir(parents=True)
        soundfile.write(tmp_path / "sines" / genre / "a.wav", np.ones(2205) * 0.1, 22050)
    dataset = select(DATASETS, {"name": "sines"}).load(tmp_path)
    assert [track.id for track in dataset.tracks] == ["high/a", "low/a"]


GROUPS = {"pooled": "model", "energy": "features", "sines": "dataset"}


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every example in a file of the package that its heading names, as a reader puts it there."""
    modules_of.cache_clear()
    for name, group in GROUPS.items():
        package, _ = REGISTRIES[group]
        folder = tmp_path / package
        assert f"one file in `src/{package.replace('.', '/')}/`" in TEXT
        folder.mkdir()
        (folder / f"{name}.py").write_text(EXAMPLES[name], encoding="utf-8")
        found = importlib.import_module(package)
        monkeypatch.setattr(found, "__path__", [*found.__path__, str(folder)])
        registry = registry_of(group)
        assert registry is not None
        forget_examples(registry, monkeypatch)
        monkeypatch.setattr(registry, "_modules", {**registry._modules, **modules_of(package)})
    yield
    for name, group in GROUPS.items():
        sys.modules.pop(f"{REGISTRIES[group][0]}.{name}", None)
    modules_of.cache_clear()


@pytest.mark.usefixtures("followed")
@pytest.mark.parametrize(("name", "group"), GROUPS.items())
def test_an_example_that_is_followed_is_in_every_list_of_choices(
    name: str, group: str, run_command: RunCommand
) -> None:
    assert name in choices(group)
    assert name in (registry_of(group) or ())
    line = choices(group)[name].rstrip(".")
    for words in (["train", "--help"], ["config", "list", group]):
        shown = " ".join(run_command(*words).out.split())
        assert name in shown, words
    assert line in shown
    assert f"{group}={name}" in candidates(["train", f"{group}={name[:2]}"])
    refused = run_command("train", f"{group}={name}x").error
    assert f"{name}," in refused.partition("allowed: ")[2] + ","
    assert f"did you mean '{name}'?" in refused
    shown = run_command("train", f"{group}={name}", "--cfg", "job").out
    assert re.search(rf"^{group}:\n  name: {name}$", shown, re.MULTILINE)


def test_no_list_of_choices_is_spelt_out() -> None:
    known = {f"choices of {group}": set(choices(group)) for group in (*REGISTRIES, "experiment")}
    for group, (package, _) in REGISTRIES.items():
        known[f"classes of {group}"] = set(modules_of(package))
    found = []
    for path in (*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py")):
        text = path.read_text(encoding="utf-8")
        suspects = {what: names for what, names in known.items() if all(n in text for n in names)}
        for node in ast.walk(ast.parse(text)) if suspects else ():
            if isinstance(node, ast.List | ast.Tuple | ast.Set):
                # Of a pair, as tests have many, the first item is the name.
                items = [item.elts[0] if _is_pair(item) else item for item in node.elts]
                words = {item.value for item in items if isinstance(item, ast.Constant)}
                found += [
                    f"{path.relative_to(ROOT)}:{node.lineno}: {what}; derive them"
                    for what, names in suspects.items()
                    if names <= words
                ]
    assert not found


def _is_pair(node: ast.expr) -> TypeGuard[ast.Tuple | ast.List]:
    return isinstance(node, ast.Tuple | ast.List) and bool(node.elts)


def test_every_place_that_the_answers_name_is_there() -> None:
    section = TEXT.split("## Where does it go?")[1].split("\n## ")[0]
    assert section.count("\n- **") == 4
    named = re.findall(r"`((?:src|conf|tests)/[\w/.]+)`(?:\s+\(`(\w+)`\))?", section)
    assert len(named) >= 12
    for place, symbol in named:
        path = ROOT / place
        assert path.exists(), place
        if symbol:
            assert re.search(rf"(def |class |^){symbol}\b", path.read_text(), re.MULTILINE), place
