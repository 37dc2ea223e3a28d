from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import soundfile
from omegaconf import OmegaConf
from pydantic import TypeAdapter

from genrecls.config.paths import conf_dir
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.features.base import FEATURES, FeatureSpec
from genrecls.features.segmentation import SegmentRule
from tests.composed import composed

RATE = 22050


class SpecMaker(Protocol):
    def __call__(self, name: str, **changes: Any) -> FeatureSpec: ...


class RuleMaker(Protocol):
    def __call__(self, **changes: Any) -> SegmentRule: ...


def _composed(group: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    path = conf_dir() / group / f"{name}.yaml"
    if not path.is_file():
        # Its fields have defaults.
        return {**composed("train", f"{group}={name}")[group], **changes}
    values = _loaded(path)
    if "defaults" in values:
        values = composed("train", f"{group}={name}")[group]
    return {**{str(key): value for key, value in values.items()}, **changes}


@cache
def _loaded(path: Path) -> dict[Any, Any]:
    values = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(values, dict)
    return values


@pytest.fixture(scope="session")
def spec_of() -> SpecMaker:
    """Makes a specification from its YAML file, or its defaults, and some changes."""

    def make(name: str, **changes: Any) -> FeatureSpec:
        values = _composed("features", name, changes)
        return TypeAdapter(FEATURES[values["name"]]).validate_python(values)

    return make


@pytest.fixture(scope="session")
def rule_of() -> RuleMaker:
    """Makes a segment rule from `3s.yaml` and some changes."""

    def make(**changes: Any) -> SegmentRule:
        values = _composed("segment", "3s", changes)
        return TypeAdapter(SegmentRule).validate_python(values)

    return make


def _music(rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.float32]]:
    time = np.arange(2 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * f * time) for f in rng.uniform(60, 5000, 8))
    beat = np.exp(-6 * (time * 2 % 1))
    sound = 0.1 * tones * beat + 0.01 * rng.standard_normal(len(time))
    return np.asarray(sound, np.float32)


@pytest.fixture(scope="session")
def signals() -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Two seconds each of what a transform may meet."""
    rng = np.random.default_rng(7)
    music, count = _music(rng), 2 * RATE
    click = np.zeros(count, np.float32)
    click[count // 3] = 0.9
    tone = np.sin(2 * np.pi * 1000 * np.arange(count) / RATE)
    return {
        "noise": np.asarray(0.3 * rng.standard_normal(count), np.float32),
        "click": click,
        "zeros": np.zeros(count, np.float32),
        "tone": np.asarray(0.5 * tone, np.float32),
        "music": music,
        "quiet music": music * np.float32(1e-4),
    }


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Four different noises of 3 s in two formats."""
    return make_dataset(tmp_path / "audio", ["a.wav", "b.wav", "c.flac", "d.flac"])


def make_dataset(folder: Path, names: list[str], seconds: float = 3.0) -> Dataset:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(names))
    tracks = []
    for name in names:
        sound = 0.1 * rng.standard_normal(round(seconds * RATE))
        soundfile.write(folder / name, sound, RATE)
        tracks.append(Track(Path(name).stem, folder / name, "noise"))
    return Dataset("test", ("noise",), tuple(tracks), folder, Provenance("", "", ""))


@pytest.fixture
def refuse_decoding(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Returns a function after which reading audio fails the test."""

    def refuse(*_: object) -> None:
        pytest.fail("audio was decoded although its features are in the cache")

    return lambda: monkeypatch.setattr("genrecls.dsp.audio.read", refuse)
