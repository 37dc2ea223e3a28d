"""The examples of CONTRIBUTING.md, run: documentation must not rot."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from genrecls.config.schema import Registry
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS
from genrecls.features.base import FEATURES
from genrecls.models.base import MODELS, ModelFamily, Normalisation

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n(?=\"\"\"`(\w+)`)(.*?)```", TEXT, flags=re.DOTALL))


def forget_examples(registry: Registry[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of a registry, for a test, what whoever has followed the examples has in it.

    What the test registers is forgotten, too; what it imports stays imported.
    """
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
