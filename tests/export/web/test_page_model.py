from __future__ import annotations

from dataclasses import asdict

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from genrecls.dsp.mel import MelFrontEnd
from genrecls.export.web.page_model import page_model, reason_not_to_play
from tests.runtime.handmade import CARD, FEATURES, LABELS, flatbuffer

NETWORK = flatbuffer()


def test_the_tables_are_those_of_the_front_end() -> None:
    front, made = MelFrontEnd.of(FEATURES), page_model(CARD)
    tables = made["front_end"]
    assert np.float32(tables["window"]).tolist() == front.window_samples.tolist()
    matrix = np.zeros_like(front.filters)
    for row, (first, length, offset) in zip(matrix, tables["filters"], strict=True):
        row[first : first + length] = tables["weights"][offset : offset + length]
    assert matrix.tolist() == front.filters.tolist()
    assert tables["compression"] == {"name": "db", "ref": 1.0, "amin": 1e-10, "top_db": 80.0}
    assert made["labels"] == LABELS
    assert made["grid"]["cut"] == {"length": 4000, "hop": 4000, "needed": 3960}


def test_a_file_of_audio_brings_its_own_front_end() -> None:
    card = {**CARD, "input": "audio", "inputs": {"audio": {"shape": [4000], "dtype": "float32"}}}
    assert page_model(card)["front_end"] is None
    odd = {**card, "features": {**FEATURES, "n_fft": 400}}
    assert reason_not_to_play(odd, NETWORK) is None


@pytest.mark.parametrize(
    ("card", "reason"),
    [
        ({"inputs": {"mel": {"dtype": "int8"}}}, "LiteRT.js takes no int8 input"),
        ({"features": {"name": "summary"}}, "a page does not compute features=summary"),
        ({"features": {**FEATURES, "n_fft": 400}}, "takes powers of two, and n_fft is 400"),
    ],
)
def test_what_no_page_can_run_is_said(card: dict[str, object], reason: str) -> None:
    assert reason_not_to_play(CARD, NETWORK) is None
    assert reason in str(reason_not_to_play({**CARD, **card}, NETWORK))


def test_a_network_with_a_state_is_refused_with_what_to_train() -> None:
    model = schema.ModelT.InitFromPackedBuf(NETWORK)
    model.subgraphs[0].tensors[2].isVariable = True
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    reason = reason_not_to_play(CARD, bytes(builder.Output()))
    assert "model.recurrent.cell=gru" in str(reason)


def test_a_majority_and_three_smoothed_segments_reach_the_page() -> None:
    made = page_model({**CARD, "vote": "majority"})
    assert (made["vote"], made["smoothed"]) == ("majority", 3)
    assert asdict(MelFrontEnd.of(FEATURES))["hop_length"] == made["front_end"]["hop_length"]
