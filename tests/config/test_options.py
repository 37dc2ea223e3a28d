"""Every choice composes and validates, and help knows all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from genrecls.cli.arguments import parser_of
from genrecls.config.compose import compose
from genrecls.config.options import choices, groups
from genrecls.config.paths import conf_dir
from genrecls.config.schema import Schema
from genrecls.experiment.experiment import parse
from genrecls.features.base import Inputs, Samples
from genrecls.features.mel import Mel
from tests.conftest import ComposeExperiment
from tests.registries import SELECTED

FILES = sorted(p for p in conf_dir().glob("*/*.yaml") if p.parent.name in groups())
# What a choice needs beside itself to be possible at all.
COMPANIONS = {
    "dataset=synth_tiny": ["segment=3s"],
    "dataset=gtzan_kaggle_pictures": ["features=kaggle_picture"],
    "dataset=gtzan_kaggle_table": ["features=kaggle_table", "segment=30s", "model=mlp"],
    "features=mel_summary": ["model=cnn_mlp"],
    "features=mel_image_summary": ["model=cnn_mlp"],
    "features=kaggle_both": ["dataset=gtzan_kaggle_pictures", "model=cnn_mlp"],
    "features=kaggle_picture": ["dataset=gtzan_kaggle_pictures"],
    "features=kaggle_table": ["dataset=gtzan_kaggle_table", "segment=30s", "model=mlp"],
    "features=summary": ["model=mlp"],
    "features=summary_rich": ["model=svm"],
    "features=summary_both": ["model=svm"],
    "model=cnn_mlp": ["features=mel_image_summary"],
    "model=music_vgg": ["features=musicnn_mel"],
    "model=music_vgg_msd": ["features=musicnn_mel"],
    "model=musicnn_msd": ["features=musicnn_mel"],
    "model=svm_musicnn": ["features=musicnn_mel"],
    "model=image": ["features=mel_image", "features.colour=jet"],
    "model=vgg16": ["features=mel_image", "features.colour=jet"],
    "model=vgg16_imagenet": ["features=mel_image", "features.colour=jet"],
    "segment=30s": ["dataset=gtzan"],
    "split=artist_folds": ["dataset=gtzan"],
    "split=fault_filtered": ["dataset=gtzan"],
    "split=official": ["dataset=folder"],
}


@pytest.mark.parametrize("choice", [f"{path.parent.name}={path.stem}" for path in FILES])
def test_every_choice_composes_and_validates(choice: str) -> None:
    experiment = parse(compose("train", [choice, *COMPANIONS.get(choice, [])]))
    group, _, name = choice.partition("=")
    # Other files, such as synth_tiny.yaml, set other numbers for an option.
    if name in SELECTED.get(group, ()):
        assert getattr(experiment, group).name == name


def test_a_resolved_configuration_describes_the_same_experiment(
    compose_experiment: ComposeExperiment,
) -> None:
    experiment = compose_experiment("model=crnn", "split=kfold", "augment=strong")
    assert parse(experiment.resolved()) == experiment


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_help_explains_every_file(path: Path) -> None:
    group, name = path.parent.name, path.stem
    line = choices(group)[name]
    assert len(line) > 10
    assert any(row.strip(" *").split() == [name, *line.split()] for row in _help().splitlines())


def test_help_names_every_group_with_its_purpose_and_marks_one_default_each() -> None:
    for group, (default, purpose) in groups().items():
        assert purpose
        assert f"  {group}: {purpose}" in _help()
        assert default == "null" or default in choices(group)
    assert sum(row.startswith("    * ") for row in _help().splitlines()) == 10


def test_help_names_every_single_key() -> None:
    for key in ("seed=0", "vote=mean", "force=false", "data_root=data", "output_root=outputs"):
        assert f"\n  {key} " in _help()


def _help() -> str:
    return parser_of("train").format_help()


@dataclass(frozen=True)
class Corner(Schema):
    width: int = 2


@dataclass(frozen=True)
class Loud(Mel):
    """Log-mel, only louder.

    More that help does not show.
    """

    name: str = "loud"
    sample_rate: int = 22050
    hop_length: int = 512
    n_fft: int = 2048
    window: str = "hann"  # type: ignore[assignment]
    center: bool = True
    power: int = 2  # type: ignore[assignment]
    n_mels: int = 64
    fmin: float = 0.0
    fmax: float | None = None
    mel_scale: str = "slaney"  # type: ignore[assignment]
    mel_norm: str | None = "slaney"  # type: ignore[assignment]
    ref: float | str = 1.0  # type: ignore[assignment]
    amin: float = 1e-10
    top_db: float | None = 80.0
    corners: tuple[Corner, ...] = (Corner(), Corner(3))
    gains: list[float] = field(default_factory=lambda: [1.0, 2.0])

    def transform(self, segments: Samples) -> Inputs:
        return {"mel": self.bands(segments) + np.float32(sum(self.gains))}


@pytest.fixture
def loud() -> Iterator[None]:
    """Registers a one-file contribution for the length of a test."""
    from hydra.core.config_store import ConfigStore

    registry = SELECTED["features"]
    registry.register("loud")(Loud)
    yield
    registry.forget("loud")
    ConfigStore.instance().repo.get("features", {}).pop("loud.yaml", None)


@pytest.mark.usefixtures("loud")
def test_a_class_without_a_file_is_a_choice_with_its_defaults() -> None:
    experiment = parse(compose("train", ["features=loud", "features.corners.1.width=5"]))
    assert experiment.features == Loud(corners=(Corner(), Corner(5)))


@pytest.mark.usefixtures("loud")
def test_a_class_without_a_file_is_in_the_help() -> None:
    assert choices("features")["loud"] == "Log-mel, only louder."
    names = list(choices("features"))
    assert names == sorted(names)
    assert {"loud", "mel", "mfcc"} <= set(names)
    assert any(
        row.split() == ["loud", "Log-mel,", "only", "louder."] for row in _help().splitlines()
    )


def test_a_contribution_is_gone_after_its_test() -> None:
    assert "loud" not in choices("features")
