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
