"""genrecls' own options keep the contracts that it holds plugins to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genrecls.contracts import datasets, features, models, splits
from genrecls.contracts.base import BrokenContractError, require, run_checks
from genrecls.features.base import AudioFeature
from genrecls.models.base import MODELS, ModelFamily
from genrecls.splits.base import SPLITS
from tests.conftest import ComposeExperiment
from tests.models.families import family

# The network of vgg16 takes minutes on pictures of the size that others are tried with; those of
# image answer all segments alike until they have learnt something.
HEAVY = {"vgg16", "image"}
LIGHT = sorted(n for n in MODELS if issubclass(MODELS[n], ModelFamily) and n not in HEAVY)


def broken(option: Any, checks: Any) -> list[str]:
    findings = list(run_checks(option, checks))
    assert len(findings) == len(checks)
    return [f"{finding.check}: {finding.problem}" for finding in findings if finding.problem]


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", LIGHT)
def test_every_model_keeps_its_contract(name: str) -> None:
    assert broken(family(name), models.CHECKS) == []


@pytest.mark.parametrize("name", ["mel", "mfcc", "mel_image", "summary"])
def test_every_audio_feature_keeps_its_contract(
    name: str, compose_experiment: ComposeExperiment
) -> None:
    spec = (
        compose_experiment(f"features={name}", "model=mlp").features
        if name == "summary"
        else (compose_experiment(f"features={name}").features)
    )
    assert isinstance(spec, AudioFeature)
    assert broken(spec, features.CHECKS) == []


@pytest.mark.parametrize("name", sorted(SPLITS))
def test_every_split_keeps_its_contract(name: str, compose_experiment: ComposeExperiment) -> None:
    words = ["dataset=gtzan"] if SPLITS[name].published or name == "artist" else []
    if name == "official":
        words = ["dataset=fma"]
    split = compose_experiment(f"split={name}", *words).split
    assert broken(split, splits.CHECKS) == []


def test_the_generated_data_set_keeps_its_contract(
    compose_experiment: ComposeExperiment, tmp_path: Path
) -> None:
    source = compose_experiment().dataset
    assert broken(datasets.load(source, tmp_path), datasets.CHECKS) == []


def test_whatever_an_option_raises_is_a_finding() -> None:
    def divides(_option: Any) -> None:
        """It divides."""
        _ = 1 / 0

    def holds(_option: Any) -> None:
        """It holds."""
        require(True, "never said")  # noqa: FBT003

    findings = list(run_checks(None, [divides, holds]))
    assert [(f.check, f.problem) for f in findings] == [
        ("It divides", "ZeroDivisionError: division by zero"),
        ("It holds", ""),
    ]
    with pytest.raises(BrokenContractError, match="said"):
        require(False, "said")  # noqa: FBT003
