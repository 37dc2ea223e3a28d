from __future__ import annotations

import re
from dataclasses import replace

import pytest

from genrecls.export.bundle.card import card
from genrecls.export.formats import ExportFormat
from genrecls.runs.export_facts import MicroSupport, OperatorUse, TargetVerdict, TargetVerdicts
from tests.export.exported_facts import (
    EVERY,
    benchmark_facts,
    export_facts,
    kept,
    lost,
)


def test_every_kept_file_has_its_row_with_size_scores_and_agreement() -> None:
    text = card(export_facts(), None)
    for variant in EVERY:
        assert f"| `{variant.file}` | 40\u202f000 | 0.770 | 0.760 | 0.800 | 0.790 |" in text
        assert f"| `{variant.file}` | 2.5e-06 | 99.8\u00a0% | +0.5 |" in text
    assert "| Keras (`model.keras`) | 980\u202f000 | 0.780 | 0.770 | 0.810 | 0.800 |" in text
    assert "1\u202f234 segments of 120 tracks of the held-out parts (validation and test)" in text


def test_all_rows_of_a_table_have_as_many_cells_as_its_head() -> None:
    facts = export_facts([*map(kept, EVERY[:4]), lost(EVERY[4], "rejected", "a | b\nc")])
    text = card(facts, benchmark_facts(facts, (1, 2)))
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) == 5
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
        assert "| --" in table.splitlines()[1]


@pytest.mark.parametrize(
    ("leaks", "mark", "warning"),
    [
        ((), "", None),
        (("artist",), " (artists shared)", "Artists are on both sides"),
        (("unknown artist",), " (artists not all known)", "Not all artists are known"),
        (("track", "artist"), " (LEAKY)", "The split is LEAKY"),
    ],
)
def test_the_leak_of_a_split_stands_beside_its_numbers(
    leaks: tuple[str, ...], mark: str, warning: str | None
) -> None:
    text = card(export_facts(leaks=leaks, split="some"), None)
    assert f"split some{mark}, beside the model in Keras" in text
    assert f"| accuracy per segment{mark} | macro-F1 per segment{mark} |" in text
    assert ("**Warning.**" in text) == (warning is not None)
    assert warning is None or warning in text


def test_generated_data_are_warned_of() -> None:
    assert "generated data, not on recorded music" in card(export_facts(generated=True), None)
    assert "generated" not in card(export_facts(), None).partition("## Files")[0]


def test_pretraining_is_warned_of_and_named_at_the_scores() -> None:
    text = card(export_facts(pretraining="Million Song Dataset"), None)
    assert "no leak check can see into them" in text
    assert ", pretraining: Million Song Dataset, beside the model in Keras" in text
    assert "retraining" not in card(export_facts(), None)


def test_what_there_is_no_file_of_has_its_reason() -> None:
    reason = "lstm_1 keeps its state; use model.rnn.cell=lstm"
    text = card(export_facts([kept(EVERY[0]), lost(EVERY[3], "refused", reason)]), None)
    assert f"| `features_int8.tflite` | refused | {reason} |" in text
    assert "Numbers of int8" not in text


def test_a_card_without_any_file_says_so_and_names_no_command_for_one() -> None:
    text = card(export_facts([lost(variant, "crashed", "signal 11") for variant in EVERY]), None)
    assert text.count("| crashed | signal 11 |") == len(EVERY)
    assert "## How to use it" not in text


def test_latency_is_named_with_its_machine_or_how_to_measure_it() -> None:
    facts = export_facts()
    measured = benchmark_facts(facts, (1, 2))
    measured["rows"][2]["features_ms"] = None
    text = card(facts, measured)
    assert "on A Processor (2 cores), ai-edge-litert 2.3.0" in text
    assert "| `model.keras` | 2 | 4.00 (5.00) | 4.00 (5.00) |" in text
    assert "| not measured |" in text
    assert "benchmark.png" in text
    assert "genrecls benchmark made-mfcc-cnn-1234abcd" in card(facts, None)


def test_operators_that_are_not_on_micro_are_bold_and_the_arena_names_its_source() -> None:
    text = card(export_facts(), None)
    assert "runs: so it was told | 31\u202f744 (reported by tflite-micro)" in text
    assert "does not run: so it was told | 31\u202f744 (estimate) |" in text
    assert "CONV_2D x3, **RFFT2D x1**" in text
    file = kept(ExportFormat("audio", "float32"))
    file = replace(file, micro=MicroSupport(None, "so it was told"), arena=None)
    assert "not proved: so it was told | \u2013 | \u2013 |" in card(export_facts([file]), None)
    file = replace(file, front_end=78_896)
    assert "not proved: so it was told | \u2013 | 78\u202f896 |" in card(export_facts([file]), None)


def test_the_state_of_a_fused_lstm_is_warned_of_only_where_there_is_one() -> None:
    facts = export_facts()
    assert "Reset the state" not in card(facts, None)
    use = OperatorUse("UNIDIRECTIONAL_SEQUENCE_LSTM", 2, micro=True, note="")
    file = replace(facts.files[0], operators=(*facts.files[0].operators, use))
    changed = replace(facts, files=(file, *facts.files[1:]))
    assert "Reset the state before every segment" in card(changed, None)


def test_verdicts_of_a_target_are_told_with_their_reasons() -> None:
    fits = TargetVerdict("features_int8.tflite", fits=True, reasons=())
    not_so = TargetVerdict("audio_int8.tflite", fits=False, reasons=("too large", "no FFT"))
    target = TargetVerdicts("esp32", "ESP32", (fits, not_so))
    text = card(export_facts(target=target), None)
    assert "- `features_int8.tflite`: fits\n" in text
    assert "- `audio_int8.tflite`: does not fit: too large; no FFT\n" in text
    assert "target=esp32" in text


def test_features_and_segments_are_put_in_words_and_tracks_stay_out() -> None:
    facts = export_facts()
    text = card(facts, None)
    assert "13 MFCC of 128 mel bands" in text
    assert "segments of 3 s, one every 3 s" in text
    assert "200 segments of 2 tracks of the train part" in text
    assert "jazz.00001" not in text
    table = card(replace(facts, features={"name": "kaggle_table"}), None)
    assert "- **Features**: `kaggle_table`." in table
    assert "feed the input tensors" in table
    assert "song.mp3" not in table
