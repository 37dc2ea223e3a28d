from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import ModelFileError
from genrecls.runs.ensemble_card import (
    ENSEMBLE,
    EnsembleCard,
    Member,
    read_ensemble,
    write_ensemble,
)
from genrecls.runs.model_file import read_card

SCORES = {"accuracy": 0.5, "macro_f1": 0.4}
DIGEST = "0" * 64
CARD = EnsembleCard(
    labels=("jazz", "rock"),
    vote="mean",
    run="d-f-ensemble-1",
    dataset="d",
    split="artist",
    leaks=(),
    generated=False,
    test={"segment": SCORES, "track": SCORES},
    members=(Member("d-f-svm-1", DIGEST), Member("d-f-cnn-2", "1" * 64)),
)


def written(folder: Path, **changes: Any) -> Path:
    """Write the file of an ensemble, and change its plain values."""
    path = folder / "d-f-ensemble-1" / ENSEMBLE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_ensemble(path, CARD)
    values = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({k: v for k, v in values.items() if v != "absent"}))
    return path


@pytest.mark.parametrize("name", ["my run (1), again", ".hidden", "Ö", "a" * 200])
def test_a_run_may_be_called_what_a_folder_may(name: str, tmp_path: Path) -> None:
    members = (Member(name, DIGEST), Member("d-f-cnn-2", "1" * 64))
    write_ensemble(tmp_path / ENSEMBLE, replace(CARD, members=members))
    assert read_ensemble(tmp_path / ENSEMBLE).members == members


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    assert read_ensemble(written(tmp_path)) == CARD


def test_one_that_does_not_say_what_it_answered_is_still_read(tmp_path: Path) -> None:
    assert read_ensemble(written(tmp_path, held_out="absent")).held_out is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"members": []}, "members"),
        ({"members": [{"run": "../../etc", "sha256": DIGEST}] * 2}, "members"),
        ({"members": [{"run": "..", "sha256": DIGEST}] * 2}, "members"),
        ({"members": [{"run": "C:\\x", "sha256": DIGEST}] * 2}, "members"),
        ({"members": [{"run": "a", "sha256": "0"}] * 2}, "members"),
        ({"members": [{"run": 1, "sha256": DIGEST}] * 2}, "members"),
        ({"members": ["a", "b"]}, "members"),
        (
            {"members": [{"run": "a", "sha256": DIGEST}, {"run": "a", "sha256": "1" * 64}]},
            "members: run a is there twice",
        ),
        (
            {"members": [{"run": "a", "sha256": DIGEST}, {"run": "b", "sha256": DIGEST}]},
            "members: runs a and b have the same model",
        ),
        ({"labels": "jazz"}, "labels"),
        ({"test": {}}, "test"),
        ({"format": 2}, "format"),
        ({"more": 1}, "more"),
        ({"vote": "absent"}, "vote: missing"),
    ],
)
def test_a_file_that_says_what_cannot_be_is_refused_in_one_line(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match=reason) as caught:
        read_ensemble(written(tmp_path, **changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"[" * 10_000, b"\xff\xfe", b"[1]", b'{"a": 1e999}'])
def test_a_file_that_holds_something_else_is_refused_in_one_line(
    text: bytes, tmp_path: Path
) -> None:
    path = tmp_path / ENSEMBLE
    path.write_bytes(text)
    with pytest.raises(ModelFileError, match="it cannot be understood") as caught:
        read_ensemble(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelFileError, match="there is no such file"):
        read_ensemble(tmp_path / "other" / ENSEMBLE)


def test_a_run_that_is_gone_or_was_trained_again_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    with pytest.raises(ModelFileError, match="its run d-f-svm-1 is not beside it any more"):
        list(CARD.model_files(path))
    models = [tmp_path / member.run / "model.keras" for member in CARD.members]
    for model in models:
        model.parent.mkdir()
        model.write_bytes(f"weights of {model.parent.name}".encode())
    card = replace(CARD, members=tuple(map(Member.of, models)))
    assert list(card.model_files(path)) == models
    models[1].write_bytes(b"other weights")
    with pytest.raises(ModelFileError, match="the model of its run d-f-cnn-2 is another one now"):
        list(card.model_files(path))


def test_whoever_needs_a_network_is_told_the_runs_that_have_one(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"no network of its own; .* d-f-svm-1, d-f-cnn-2"):
        read_card(written(tmp_path))
