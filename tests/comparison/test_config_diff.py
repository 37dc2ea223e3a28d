from __future__ import annotations

from typing import Any

import pytest

from genrecls.comparison.config_diff import (
    differing,
    differing_from_defaults,
    settings_of,
    short_titles,
    split_of,
    title_of,
    value_of,
)
from genrecls.config.compose import compose
from genrecls.reports.numbers import DASH


def config(**changed: Any) -> dict[str, Any]:
    return {
        "model": {"name": "cnn", "units": 32},
        "trainer": {"epochs": 3, "optimizer": {"name": "adam", "momentum": 0.9}},
        "split": {"name": "kfold", "fold": 1},
        "seed": 0,
        "output_root": "here",
        **changed,
    }


def apart(*configs: dict[str, Any]) -> tuple[str, ...]:
    return differing([settings_of(one) for one in configs])


def test_only_what_differs_is_named() -> None:
    changed = config(model={"name": "cnn", "units": 64})
    assert apart(config(), changed) == ("model.units",)
    assert apart(config(), config()) == ()


def test_seeds_folds_and_places_are_no_difference() -> None:
    other = config(seed=1, split={"name": "kfold", "fold": 2}, output_root="there")
    assert settings_of(config()) == settings_of(other)


def test_what_follows_from_a_name_is_left_out() -> None:
    rnn = config(model={"name": "rnn", "units": 64, "layers": 2})
    assert apart(config(), rnn) == ("model.name",)
    sgd = config(trainer={"epochs": 3, "optimizer": {"name": "sgd", "momentum": 0.5}})
    assert apart(config(), sgd) == ("trainer.optimizer.name",)


def test_a_model_without_a_trainer_does_not_differ_in_its_settings() -> None:
    svm = config(model={"name": "sklearn", "estimator": "svm"}, trainer={"epochs": 40})
    short = config(trainer={"epochs": 5, "optimizer": {"name": "adam", "momentum": 0.9}})
    ensemble = config(model={"name": "ensemble", "members": ["cnn mfcc 1a", "rnn mfcc 2b"]})
    del ensemble["trainer"]
    assert apart(config(), svm) == apart(config(), ensemble) == ("model.name",)
    assert apart(config(), short, svm, ensemble) == ("model.name", "trainer.epochs")
    assert value_of(settings_of(svm), "trainer.epochs") == DASH
    weighted = config(model=svm["model"], trainer={"epochs": 5, "class_weights": "balanced"})
    plain = config(model=svm["model"], trainer={"epochs": 40, "class_weights": "none"})
    assert apart(weighted, plain) == ("trainer.class_weights",)


def test_a_setting_counts_where_systems_of_one_name_differ_in_it() -> None:
    rnns = [config(model={"name": "rnn", "units": units}) for units in (64, 128)]
    assert apart(config(), *rnns) == ("model.name", "model.units")


def test_a_preset_is_a_name_from_which_its_settings_follow() -> None:
    micro = config(model={"name": "cnn", "units": 8, "preset": "cnn_micro"})
    assert settings_of(micro)["model.name"] == "cnn_micro"
    assert apart(config(), micro) == ("model.name",)


def test_a_setting_that_only_one_has_counts() -> None:
    more = config(model={"name": "cnn", "units": 32, "dropout": None})
    assert apart(config(), more) == ("model.dropout",)


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("model.name", "model"),
        ("model.units", "model.units"),
        ("trainer.optimizer.name", "trainer.optimizer.name"),
        ("vote", "vote"),
    ],
)
def test_a_title_is_what_one_writes_in_a_command(key: str, title: str) -> None:
    assert title_of(key) == title


def test_short_titles_stay_different() -> None:
    keys = ("model.units", "trainer.optimizer.name", "model.head.rate", "trainer.rate")
    assert short_titles(keys) == {
        "model.units": "units",
        "trainer.optimizer.name": "optimizer",
        "model.head.rate": "model.head.rate",
        "trainer.rate": "trainer.rate",
    }


def test_values_are_short_and_absent_ones_a_dash() -> None:
    settings = {"a": None, "b": [1, 2], "c": "x" * 60, "d": "adam"}
    shown = [value_of(settings, key, 10) for key in "abcde"]
    assert shown == ["null", "[1, 2]", f"{'x' * 9}…", "adam", DASH]


def test_what_differs_from_the_defaults_is_what_the_chosen_options_do_not_bring() -> None:
    words = ["model=crnn_micro", "trainer.epochs=7", "seed=2", "output_root=/elsewhere"]
    assert differing_from_defaults(compose("train", words)) == {
        "model.name": ("crnn_micro", "cnn"),
        "trainer.epochs": (7, 40),
        "seed": (2, 0),
    }
    assert differing_from_defaults(compose("train", [])) == {}
    assert differing_from_defaults(compose("train", ["features=mel"])) == {
        "features.hop_length": (512, 1024),
        "features.n_mels": (128, 64),
    }
    mfcc = differing_from_defaults(compose("train", ["features=mfcc", "features.n_mels=64"]))
    assert mfcc == {"features.name": ("mfcc", "mel"), "features.n_mels": (64, 128)}


def test_a_split_without_a_seed_has_that_of_its_run() -> None:
    assert split_of({"seed": 4, "split": {"fold": 2, "seed": None}}) == {"fold": 2, "seed": 4}
    assert split_of({"seed": 4, "split": {"fold": 2}}) == {"fold": 2, "seed": 4}
    assert split_of({"seed": 4, "split": {"fold": 2, "seed": 0}}) == {"fold": 2, "seed": 0}
