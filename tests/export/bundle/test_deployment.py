"""The line that says which file to flash or to copy, and with which figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genrecls.export.bundle.card import card
from genrecls.export.bundle.deployment import deployment, project_file
from genrecls.export.bundle.targets import fit, target
from genrecls.export.formats import ExportFormat
from genrecls.runs.export_facts import ArenaSize, ExportFacts, MicroSupport
from tests.export.exported_facts import EVERY, export_facts, kept, lost

INT8, FLOAT32 = ExportFormat("features", "int8"), ExportFormat("features", "float32")
AUDIO = ExportFormat("audio", "dynamic")
ARENA = "tensor arena 31,744 bytes"
SCORES = "accuracy per test track 0.800, Keras 0.810"
NOT_THERE = MicroSupport(runs=False, reason="no kernel")


def sizes(**changes: int) -> ExportFacts:
    """Return an export of the formats, each of so many bytes."""
    formats = {f"{one.input}_{one.mode}": one for one in EVERY}
    return export_facts([kept(formats[name], size) for name, size in changes.items()])


def test_without_a_target_one_line_is_for_microcontrollers_and_one_for_phones() -> None:
    facts = sizes(features_float32=90_000, features_int8=30_000, audio_dynamic=60_000)
    flashed, copied = deployment(facts)
    assert flashed == (
        "for a microcontroller, flash features_int8.tflite (in micro/): 29,000 bytes, about "
        f"204,000 with the program, {ARENA}, {SCORES}"
    )
    assert copied == (
        f"for a phone or a Raspberry Pi, copy audio_dynamic.tflite: 60,000 bytes, {SCORES}"
    )


def test_a_model_that_takes_no_audio_is_copied_as_it_is() -> None:
    (line,) = deployment(sizes(features_dynamic=50_000, features_float16=70_000))
    assert line.startswith("for a phone or a Raspberry Pi, copy features_dynamic.tflite: 50,000")


@pytest.mark.parametrize("large", [False, True])
def test_what_no_microcontroller_runs_is_not_to_be_flashed(large: bool) -> None:
    file = kept(INT8, 5_000_000) if large else replace(kept(INT8), micro=NOT_THERE)
    (line,) = deployment(export_facts([file]))
    assert "flash" not in line
    assert "micro/" not in line


def test_with_a_target_the_line_says_why_the_file_fits() -> None:
    made = sizes(features_float32=90_000, features_int8=30_000, audio_dynamic=60_000)
    (line,) = deployment(fit(target("cortex-m4"), made))
    assert line == (
        "flash features_int8.tflite (in micro/), which fits Arm Cortex-M4: flash 204,000 of "
        "1,000,000 bytes, 175,000 of them for the program, tensor arena 31,744 of 131,072 bytes, "
        "about 0.037 of 1 s a segment with CMSIS-NN, 0.18 s with the reference kernels; " + SCORES
    )
    (line,) = deployment(fit(target("rpi"), made))
    assert line.startswith(
        "copy audio_dynamic.tflite, which fits Raspberry Pi: flash 60,059,000 of "
    )


def test_the_line_has_what_the_front_end_keeps_beside_the_arena() -> None:
    facts = export_facts([replace(kept(INT8), front_end=78_896)])
    assert f"{ARENA}, front end 78,896 bytes, {SCORES}" in deployment(facts)[0]
    (line,) = deployment(fit(target("cortex-m4"), facts))
    assert "RAM 176,176 of 262,144 bytes, 78,896 of them for the front end" in line
    assert "RAM 176,176 of 262,144 bytes" in card(fit(target("cortex-m4"), facts), None)


def test_of_an_export_that_kept_what_does_not_fit_only_what_fits_is_named() -> None:
    slow = replace(kept(INT8, 20_000), arena=ArenaSize(10**9, "tflite-micro"))
    fitting = replace(kept(FLOAT32, 90_000), micro=MicroSupport(runs=True, reason="ran there"))
    judged = fit(target("cortex-m4"), export_facts([slow, fitting]))
    from_before = replace(judged, files=(slow, fitting))
    for facts in (judged, from_before):
        (line,) = deployment(facts)
        assert line.startswith("flash features_float32.tflite")
        assert "which fits Arm Cortex-M4" in line


def test_where_nothing_is_kept_or_fits_nothing_is_named() -> None:
    nothing = export_facts([lost(INT8, "rejected", "wrong")])
    assert deployment(nothing) == []
    vast = export_facts([kept(INT8, 10**8)])
    assert deployment(fit(target("cortex-m4"), vast)) == []


def test_a_leaky_split_is_marked_in_the_line_and_the_card_has_it_too() -> None:
    facts = replace(sizes(audio_dynamic=60_000), leaks=("track",))
    (line,) = deployment(facts)
    assert "accuracy per test track (LEAKY) 0.800, Keras 0.810" in line
    assert f"- F{line[1:]}.\n" in card(facts, None)


def test_where_int8_was_not_kept_the_project_is_that_of_float32() -> None:
    runs = MicroSupport(runs=True, reason="ran there")
    float32 = replace(kept(FLOAT32, 90_000), micro=runs)
    assert project_file([kept(INT8), float32]) == kept(INT8)
    assert project_file([float32]) == float32
    assert project_file([kept(ExportFormat("audio", "float32"))]) is None
    assert "flash features_float32.tflite (in micro/)" in deployment(export_facts([float32]))[0]
