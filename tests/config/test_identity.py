"""A run is known by what changes its result, and by nothing else."""

from __future__ import annotations

import re

import pytest

from genrecls.config.identity import run_id, run_name
from tests.conftest import ComposeExperiment


@pytest.mark.parametrize(
    "override",
    [
        "force=true",
        "show=true",
        "data_root=elsewhere",
        "output_root=elsewhere",
        "dataset.root=elsewhere",
        "trainer.checkpoint_minutes=1",
    ],
)
def test_what_does_not_change_the_result_does_not_change_the_run(
    override: str, compose_experiment: ComposeExperiment
) -> None:
    assert run_id(compose_experiment(override), "data") == run_id(compose_experiment(), "data")


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "vote=majority",
        "trainer.epochs=3",
        "model.head.dropout=0.4",
        "features.n_mfcc=12",
        "segment.hop=1.5",
        "split.ratio=[2,1,1]",
        "augment.mixup=0.1",
        "dataset.seed=1",
        "dataset.bad_audio=skip",
    ],
)
def test_what_changes_the_result_changes_the_run(
    override: str, compose_experiment: ComposeExperiment
) -> None:
    assert run_id(compose_experiment(override), "data") != run_id(compose_experiment(), "data")


def test_other_data_are_another_run(compose_experiment: ComposeExperiment) -> None:
    assert run_id(compose_experiment(), "data") != run_id(compose_experiment(), "other data")


def test_the_order_of_overrides_does_not_matter(compose_experiment: ComposeExperiment) -> None:
    words = ("seed=3", "model=rnn", "trainer.epochs=7")
    forward, backward = compose_experiment(*words), compose_experiment(*reversed(words))
    assert run_id(forward, "data") == run_id(backward, "data")


def test_the_name_says_data_features_and_model(compose_experiment: ComposeExperiment) -> None:
    name = run_name(compose_experiment("model=rnn", "features=mel"), "data")
    assert re.fullmatch(r"synth-mel-rnn-[0-9a-f]{8}", name)
