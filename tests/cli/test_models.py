"""`genrecls models`: what answers without a training."""

from __future__ import annotations

import json
import re

import pytest

from genrecls.inference.tagger import TAGGERS
from genrecls.shipped.models import names, read_card
from tests.conftest import RunCommand


def test_all_models_are_listed_with_what_they_are(run_command: RunCommand) -> None:
    outcome = run_command("models", "--format", "json")
    listed = {model["name"]: model for model in json.loads(outcome.out)}
    assert [*listed] == [*names(), *TAGGERS]
    small = listed["best_small"]
    assert small["data"] == "gtzan, 160 tracks"
    assert (small["split"], small["licence"]) == ("artist_kfold", "Apache-2.0")
    assert small["accuracy"] == read_card("best_small")["scores"]["accuracy"]
    tagger = listed["msd_musicnn"]
    assert (tagger["accuracy"], tagger["licence"]) == (None, "ISC")


def test_the_table_fits_a_terminal_of_80_columns(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    for words in ((), ("best_small",)):
        outcome = run_command("models", *words)
        assert outcome.status == 0
        assert "best_small" in outcome.out
        plain = re.sub(r"\x1b\[[0-9;]*m", "", outcome.out)
        assert max(map(len, plain.splitlines())) <= 80


def test_a_card_is_shown_whole(run_command: RunCommand) -> None:
    outcome = run_command("models", "best_small")
    card = read_card("best_small")
    assert f"accuracy {card['scores']['accuracy']:.3f} [" in outcome.out
    assert "160 tracks" in outcome.out
    for line in card["use"]["not_for"]:
        assert line in outcome.out
    for file in card["files"]:
        assert file["file"] in outcome.out
    assert json.loads(run_command("models", "best_small", "--format", "json").out) == card


def test_what_degraded_music_costs_stands_in_the_card_once_it_was_measured(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    gap = {"mean": -0.125, "interval": [-0.25, -0.0625], "p": 0.01}
    scores = {
        "clean": {"accuracy": 0.625, "interval": [0.5, 0.75], "difference": None},
        "noise": {"accuracy": 0.5, "interval": [0.25, 0.75], "difference": gap},
    }
    card = {**read_card("best_tiny"), "robustness": {"float32": scores, "int8": scores}}
    monkeypatch.setattr("genrecls.cli.models.read_card", lambda _: card)
    shown = run_command("models", "best_tiny").out
    assert "not measured" not in shown
    assert "noise at 20 dB" in shown
    assert "0.500 [0.25, 0.75]" in shown
    assert "-0.125 [-0.25, -0.06]*" in shown


def test_a_tagger_has_a_row_of_its_own(run_command: RunCommand) -> None:
    outcome = run_command("models", "mtt_vgg")
    assert "MagnaTagATune" in outcome.out
    assert "best_small" not in outcome.out


def test_an_unknown_model_is_one_line(run_command: RunCommand) -> None:
    outcome = run_command("models", "best_smal")
    assert outcome.error == (
        "unknown model 'best_smal'; allowed: best_small, best_tiny, msd_musicnn, mtt_musicnn, "
        "msd_vgg, mtt_vgg; did you mean 'best_small'?"
    )


def test_what_a_model_or_its_teacher_had_heard_stands_beside_its_score(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = {**read_card("best_small"), "pretraining": "Million Song Dataset"}
    monkeypatch.setattr("genrecls.cli.models.read_card", lambda _: card)
    assert "pretraining: Million Song Dataset" in run_command("models").out
    assert "trained on Million Song Dataset, which may hold artists" in (
        run_command("models", "best_small").out
    )
