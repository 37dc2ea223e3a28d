"""The models in the package are those of their cards, and small."""

from __future__ import annotations

from hashlib import sha256

import pytest

from genrecls.export.bundle.targets import target
from genrecls.export.tflite.arithmetic import macs
from genrecls.runtime.abstention import MOST_INT8, abstention_for
from genrecls.runtime.container import unpack
from genrecls.runtime.description import ModelDescription
from genrecls.shipped.models import (
    DEFAULT,
    FOLDER,
    names,
    names_with_modes,
    read_card,
    shipped_file,
)

MOST_BYTES = 400_000
MOST_PARAMETERS = {"best_small": 100_000, "best_tiny": 20_000}


def test_they_are_there_with_floats_and_in_8_bits() -> None:
    assert names() == ("best_small", "best_tiny")
    assert names_with_modes() == (
        "best_small",
        "best_small_int8",
        "best_tiny",
        "best_tiny_int8",
    )
    assert DEFAULT in names()


def test_all_files_together_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.tflite")) < MOST_BYTES


@pytest.mark.parametrize("name", names())
def test_a_card_says_what_the_files_are(name: str) -> None:
    card = read_card(name)
    assert card["name"] == name
    assert {file["file"] for file in card["files"]} == {f"{name}.tflite", f"{name}_int8.tflite"}
    for file in card["files"]:
        path = FOLDER / file["file"]
        assert sha256(path.read_bytes()).hexdigest() == file["sha256"]
        _, inside = unpack(path)
        assert (inside["run"], inside["mode"]) == (name, file["mode"])
        assert inside["test"]["track"]["accuracy"] == pytest.approx(file["accuracy"])
        assert inside["refit"]["tracks"] == card["data"]["tracks"] == 160
        assert inside["refit"]["runs"] == card["split"]["runs"]
        assert inside["labels"] == [*card["data"]["genres"]]


@pytest.mark.parametrize("name", names())
def test_a_card_has_a_score_that_keeps_artists_apart(name: str) -> None:
    card = read_card(name)
    assert card["split"]["name"] == "artist_kfold"
    assert card["split"]["leaks"] == []
    assert card["split"]["folds"] == [1, 2, 3, 4, 5]
    low, high = card["scores"]["interval"]
    assert low < card["scores"]["accuracy"] < high
    # Every track is tested once with each seed.
    assert sum(map(sum, card["confusion"])) == pytest.approx(card["data"]["tracks"])
    assert card["use"]["not_for"]


@pytest.mark.parametrize("name", names())
def test_the_estimate_of_a_latency_holds_against_counted_instructions(name: str) -> None:
    (facts,) = (file for file in read_card(name)["files"] if file["mode"] == "int8")
    device = target("cortex-m4")
    fast, plain = (each["network_instructions"] * 1000 for each in facts["emulated"])
    estimate = macs(unpack(FOLDER / facts["file"])[0]) / device.int8_macs
    # Seconds at 120 MHz, the fastest of these processors, and an instruction a cycle.
    # What surrounds a convolution of few channels is not in the estimate (docs: allow three times).
    assert 1 / 3 < estimate / (fast / 120e6) < 1
    assert plain / fast == pytest.approx(device.reference_slowdown, rel=0.25)


@pytest.mark.parametrize("name", names())
def test_a_model_is_as_small_as_its_recipe_promises(name: str) -> None:
    assert read_card(name)["model"]["parameters"] <= MOST_PARAMETERS[name]


@pytest.mark.parametrize("name", names_with_modes())
@pytest.mark.parametrize("accuracy", [0.8, 0.9, 0.97, 0.99])
def test_a_model_is_never_asked_to_be_surer_than_it_can_be(name: str, accuracy: float) -> None:
    _, card = unpack(FOLDER / f"{name}.tflite")
    chosen, (line,) = abstention_for(ModelDescription.of(card).held_out, accuracy, None)
    assert chosen.unknown(MOST_INT8 if card["mode"] == "int8" else 1.0) == ("always" in line)


def test_a_name_is_exactly_that_of_a_model() -> None:
    assert shipped_file("best_small") == FOLDER / "best_small.tflite"
    for other in ("best", "best_smal", "../shipped/best_small", "best_small.tflite", "", None):
        assert shipped_file(other) is None
