"""Outputs of frozen layers: right, computed once, and never those of something else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import DataError
from genrecls.models import tensorflow_setup
from genrecls.training import frozen_outputs
from genrecls.training.data import Examples
from genrecls.training.frozen_outputs import INPUT, backbone_root, divide, embed, skip_frozen
from tests.training.staged import HEAD, fitted, task
from tests.training.toys import N_CLASSES, SIZE, toy_examples


def network(seed: int = 0, frozen: str = "bottom") -> tuple[Any, Any, Any]:
    """Return a whole network, the layers up to `frozen` and those behind."""
    tensorflow_setup.fresh(seed)
    whole = task(HEAD).family.build({"mfcc": SIZE}, N_CLASSES, {})
    return (whole, *divide(whole, frozen))


def entries(root: Path) -> list[Path]:
    return sorted(root.rglob("*.npz"))


def first(examples: Examples, count: int) -> Examples:
    return Examples(
        {name: values[:count] for name, values in examples.inputs.items()},
        examples.targets[:count],
        examples.tracks[:count],
        examples.starts[:count],
    )


def test_both_halves_make_the_whole(tmp_path: Path) -> None:
    whole, backbone, head = network()
    examples = toy_examples(37)
    embedded = embed(backbone, examples, tmp_path)
    assert list(embedded.inputs) == [INPUT]
    assert embedded.inputs[INPUT].shape == (37, 6)
    assert embedded.inputs[INPUT].dtype == np.float32
    assert np.array_equal(embedded.targets, examples.targets)
    assert embedded.tracks == examples.tracks
    expected = whole.predict(dict(examples.inputs), verbose=0)
    assert np.abs(head.predict(dict(embedded.inputs), verbose=0) - expected).max() < 1e-5
    assert whole.get_layer("probabilities") in head.get_layer("behind").layers


def test_what_is_left_behind_frozen_layers_answers_as_the_whole_network(tmp_path: Path) -> None:
    whole, _, _ = network()
    examples = toy_examples(20)
    head, embedded = skip_frozen(whole, "bottom", examples, tmp_path)
    expected = whole.predict(dict(examples.inputs), verbose=0)
    assert np.abs(head.predict(dict(embedded.inputs), verbose=0) - expected).max() < 1e-5
    assert len(entries(tmp_path)) == 20


def test_without_frozen_layers_everything_is_left(tmp_path: Path) -> None:
    whole, examples = network()[0], toy_examples(4)
    assert skip_frozen(whole, None, examples, tmp_path) == (whole, examples)


def test_outputs_of_more_examples_than_memory_can_hold_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = task(HEAD, width=400).family.build({"mfcc": SIZE}, N_CLASSES, {})
    examples = toy_examples(20)
    monkeypatch.setattr(frozen_outputs, "MOST_OUTPUT_BYTES", 400 * 4 * 20)
    assert skip_frozen(whole, "bottom", examples, tmp_path)[0] is not whole
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    monkeypatch.setattr(frozen_outputs, "MOST_OUTPUT_BYTES", 400 * 4 * 20 - 1)
    assert skip_frozen(whole, "bottom", examples, tmp_path) == (whole, examples)
    assert not list(tmp_path.iterdir())
    assert not entries(tmp_path)


def test_what_was_computed_once_is_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, backbone, _ = network()
    cold = embed(backbone, toy_examples(20), tmp_path)
    assert "backbone outputs: 0 from the cache, 20 computed" in capsys.readouterr().err
    _, again, _ = network()
    warm = embed(again, toy_examples(20), tmp_path)
    assert "backbone outputs: 20 from the cache, 0 computed" in capsys.readouterr().err
    assert np.array_equal(cold.inputs[INPUT], warm.inputs[INPUT])


def test_other_parts_find_what_they_share_bit_for_bit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, backbone, _ = network()
    together = embed(backbone, toy_examples(20), tmp_path / "one").inputs[INPUT]
    embed(backbone, first(toy_examples(20), 7), tmp_path / "two")
    capsys.readouterr()
    in_pieces = embed(backbone, toy_examples(20), tmp_path / "two").inputs[INPUT]
    assert "7 from the cache, 13 computed" in capsys.readouterr().err
    assert np.array_equal(together, in_pieces)


@pytest.mark.parametrize("change", ["weights", "layers"])
def test_another_backbone_finds_nothing(
    change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embed(network()[1], toy_examples(4), tmp_path)
    other = network(seed=1) if change == "weights" else network(frozen="flat")
    embed(other[1], toy_examples(4), tmp_path)
    assert capsys.readouterr().err.count("0 from the cache, 4 computed") == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_another_input_finds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, backbone, _ = network()
    embed(backbone, toy_examples(4), tmp_path)
    changed = toy_examples(4)
    changed.inputs["mfcc"][2, 5, 5] += 1e-6
    capsys.readouterr()
    embed(backbone, changed, tmp_path)
    assert "3 from the cache, 1 computed" in capsys.readouterr().err


def test_damaged_entries_are_computed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, backbone, _ = network()
    whole = embed(backbone, toy_examples(6), tmp_path).inputs[INPUT]
    cut, flipped, empty, *_ = entries(tmp_path)
    cut.write_bytes(cut.read_bytes()[:-30])
    flipped.write_bytes(_flipped(flipped.read_bytes()))
    empty.write_bytes(b"")
    capsys.readouterr()
    again = embed(backbone, toy_examples(6), tmp_path).inputs[INPUT]
    messages = capsys.readouterr().err
    assert "backbone outputs: 3 damaged and computed again" in messages
    assert "3 from the cache, 3 computed" in messages
    assert np.array_equal(whole, again)


def test_an_entry_of_another_shape_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, backbone, _ = network()
    embed(backbone, toy_examples(3), tmp_path)
    np.savez(entries(tmp_path)[0], outputs=np.zeros((7,), dtype=np.float32))
    capsys.readouterr()
    embed(backbone, toy_examples(3), tmp_path)
    assert "2 from the cache, 1 computed" in capsys.readouterr().err


def test_an_interruption_loses_only_the_batch_in_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, backbone, _ = network()

    @contextmanager
    def stopping(*_: Any) -> Iterator[Callable[[], None]]:
        def stop() -> None:
            raise KeyboardInterrupt

        yield stop

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(frozen_outputs, "progress", stopping)
        embed(backbone, toy_examples(40), tmp_path)
    embed(backbone, toy_examples(40), tmp_path)
    assert "16 from the cache, 24 computed" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_gets_one_line(tmp_path: Path) -> None:
    _, backbone, _ = network()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="outputs cannot be kept") as caught:
        embed(backbone, toy_examples(3), tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_a_folder_says_what_it_holds(tmp_path: Path) -> None:
    embed(network()[1], toy_examples(2), tmp_path)
    (described,) = tmp_path.glob("*/spec.json")
    content = json.loads(described.read_text(encoding="utf-8"))
    assert content["layers"] == ["mfcc", "flat", "bottom"]
    assert content["outputs"] == [6]
    assert {"keras", "tensorflow"} < set(content)


def test_a_second_training_finds_the_outputs_of_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted(tmp_path, task(HEAD), "one")
    capsys.readouterr()
    shorter = replace(HEAD, epochs=1)
    fitted(tmp_path, task(shorter), "two")
    messages = capsys.readouterr().err
    assert "backbone outputs: 30 from the cache, 0 computed" in messages
    assert "backbone outputs: 15 from the cache, 0 computed" in messages


def test_outputs_are_kept_beside_the_features() -> None:
    assert backbone_root(Path("data")) == Path("data/cache/backbone")


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
