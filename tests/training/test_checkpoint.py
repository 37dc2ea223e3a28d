from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.errors import RunError
from genrecls.training import checkpoint
from genrecls.training.checkpoint import Checkpoint, Progress


def _moment(epoch: int, step: int = 0, best: int = 2) -> Checkpoint:
    rng = np.random.default_rng([epoch, step])
    arrays = [rng.random((3, 4)).astype(np.float32), np.array([epoch, step], np.uint32)]
    rows = [{"epoch": n + 1.0, "loss": 1 / 3 + n} for n in range(epoch)]
    progress = Progress(epoch, step, 0.1 + 0.2, 7, 9, 1.5, 0.25, rows, 1, 0.1, 2, 1)
    return Checkpoint(progress, arrays, [np.float32(1e-3) * a for a in arrays], arrays[:best])


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _assert_same(result: Checkpoint | None, expected: Checkpoint) -> None:
    assert result is not None
    assert result.progress == expected.progress
    for group in ("model", "optimizer", "best"):
        got, wanted = getattr(result, group), getattr(expected, group)
        assert [a.dtype for a in got] == [a.dtype for a in wanted]
        assert [a.shape for a in got] == [a.shape for a in wanted]
        assert [a.tobytes() for a in got] == [a.tobytes() for a in wanted]


def _retype(path: Path) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "epoch": "one", "history": {}}))


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "arrays cut": lambda folder: _cut(folder / "arrays.npz"),
    "arrays emptied": lambda folder: (folder / "arrays.npz").write_bytes(b""),
    "arrays missing": lambda folder: (folder / "arrays.npz").unlink(),
    "arrays text": lambda folder: (folder / "arrays.npz").write_text("no zip"),
    "progress cut": lambda folder: _cut(folder / "progress.json"),
    "progress emptied": lambda folder: (folder / "progress.json").write_bytes(b""),
    "progress missing": lambda folder: (folder / "progress.json").unlink(),
    "progress deep": lambda folder: (folder / "progress.json").write_text("[" * 100_000),
    "progress of texts": lambda folder: _retype(folder / "progress.json"),
    "progress no mapping": lambda folder: (folder / "progress.json").write_text("[1]"),
    "progress unknown": lambda folder: (folder / "progress.json").write_text('{"epcoh": 1}'),
    "progress binary": lambda folder: (folder / "progress.json").write_bytes(b"\xff\xfe\x00"),
    "both missing": lambda folder: list(map(Path.unlink, folder.iterdir())),
}


def test_what_was_saved_comes_back_bit_for_bit(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _moment(3, 5))
    _assert_same(checkpoint.load(tmp_path), _moment(3, 5))


def test_more_than_ten_arrays_keep_their_order(tmp_path: Path) -> None:
    many = [np.array([n]) for n in range(23)]
    checkpoint.save(tmp_path, Checkpoint(Progress(), many, many, []))
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    assert [int(array[0]) for array in loaded.model] == list(range(23))
    assert loaded.best == []


def test_without_a_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path) is None
    assert checkpoint.load(tmp_path / "absent") is None


def test_the_newest_two_are_kept_and_the_newest_is_loaded(tmp_path: Path) -> None:
    for epoch, step in ((0, 9), (0, 10), (1, 0), (1, 4)):
        checkpoint.save(tmp_path, _moment(epoch, step))
    assert _names(tmp_path) == ["epoch-00001-step-0000000", "epoch-00001-step-0000004"]
    _assert_same(checkpoint.load(tmp_path), _moment(1, 4))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint.save(tmp_path, _moment(1))
    checkpoint.save(tmp_path, _moment(2))
    DAMAGES[damage](tmp_path / "epoch-00002-step-0000000")
    _assert_same(checkpoint.load(tmp_path), _moment(1))
    said = capsys.readouterr().err
    assert "warning: checkpoint epoch-00002-step-0000000 is damaged" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_both_are_damaged_there_is_none(damage: str, tmp_path: Path) -> None:
    for epoch in (1, 2):
        checkpoint.save(tmp_path, _moment(epoch))
        DAMAGES[damage](tmp_path / f"epoch-{epoch:05d}-step-0000000")
    assert checkpoint.load(tmp_path) is None


def test_a_checkpoint_of_another_format_is_refused_by_its_number_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint.save(tmp_path, _moment(1))
    checkpoint.save(tmp_path, _moment(2))
    progress = tmp_path / "epoch-00002-step-0000000" / "progress.json"
    content = json.loads(progress.read_text())
    progress.write_text(json.dumps({**content, "format": 2, "a field of tomorrow": 0}))
    with pytest.raises(
        RunError, match=r"has the format 2, and .* reads format 1; .*force=true"
    ) as e:
        checkpoint.load(tmp_path)
    assert "\n" not in str(e.value)
    assert "epoch-00002-step-0000000" in str(e.value)
    assert capsys.readouterr().err == "", "it is not called damaged"
    assert _names(tmp_path) == ["epoch-00001-step-0000000", "epoch-00002-step-0000000"]


def test_a_checkpoint_from_before_there_was_a_number_is_read(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _moment(3, 5))
    progress = tmp_path / "epoch-00003-step-0000005" / "progress.json"
    content = json.loads(progress.read_text())
    assert content.pop("format") == checkpoint.FORMAT == 1
    progress.write_text(json.dumps(content))
    _assert_same(checkpoint.load(tmp_path), _moment(3, 5))


def test_the_fields_of_a_checkpoint_belong_to_the_number_of_its_format() -> None:
    fields = {
        1: "epoch step loss_sum correct seen seconds epoch_seconds history best_epoch best_value "
        "wait plateau_wait"
    }
    wanted = fields[checkpoint.FORMAT].split()
    assert [field.name for field in dataclasses.fields(Progress)] == wanted, (
        "another field needs another checkpoint.FORMAT: older versions cannot read it"
    )


def test_a_checkpoint_that_the_disk_does_not_give_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path, _moment(1))

    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("zipfile.ZipFile.testzip", broken)
    with pytest.raises(RunError, match=r"cannot be read \(Input/output error\)") as error:
        checkpoint.load(tmp_path)
    assert "\n" not in str(error.value)


def test_an_error_in_the_code_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path, _moment(1))

    def wrong(*_: object, **__: object) -> None:
        raise TypeError("a mistake")

    monkeypatch.setattr(checkpoint, "Checkpoint", wrong)
    with pytest.raises(TypeError, match="a mistake"):
        checkpoint.load(tmp_path)


def test_flipped_bytes_are_noticed_or_harmless(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _moment(1))
    arrays = tmp_path / "epoch-00001-step-0000000" / "arrays.npz"
    whole = arrays.read_bytes()
    rng = np.random.default_rng(0)
    noticed = 0
    for place in rng.integers(len(whole), size=300):
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        arrays.write_bytes(damaged)
        loaded = checkpoint.load(tmp_path)
        noticed += loaded is None
        if loaded is not None:
            _assert_same(loaded, _moment(1))
    assert noticed > 100


def test_checkpoints_after_two_damaged_ones_are_not_taken_for_old(tmp_path: Path) -> None:
    for epoch in (4, 5):
        checkpoint.save(tmp_path, _moment(epoch))
        DAMAGES["arrays cut"](tmp_path / f"epoch-{epoch:05d}-step-0000000")
    for step in (3, 6, 9):
        checkpoint.save(tmp_path, _moment(0, step))
        _assert_same(checkpoint.load(tmp_path), _moment(0, step))
    assert _names(tmp_path) == ["epoch-00000-step-0000006", "epoch-00000-step-0000009"]


def test_what_a_killed_writer_left_is_cleaned_up(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _moment(1))
    stray = tmp_path / ".writing-abc"
    shutil.copytree(tmp_path / "epoch-00001-step-0000000", stray)
    checkpoint.save(tmp_path, _moment(2))
    assert _names(tmp_path) == ["epoch-00001-step-0000000", "epoch-00002-step-0000000"]


def test_saving_the_same_moment_again_replaces_it(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _moment(1, best=1))
    checkpoint.save(tmp_path, _moment(1, best=2))
    _assert_same(checkpoint.load(tmp_path), _moment(1, best=2))


def test_a_failed_save_leaves_the_checkpoint_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path, _moment(1))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.savez", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(tmp_path, _moment(2))
    assert _names(tmp_path) == ["epoch-00001-step-0000000"]
    _assert_same(checkpoint.load(tmp_path), _moment(1))


def test_a_pickle_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, _moment(1))
    target = tmp_path / "epoch-00001-step-0000000" / "arrays.npz"
    bombs: dict[str, Any] = {"model-0000": np.array([_Bomb()], dtype=object)}
    np.savez(target, **bombs)
    assert checkpoint.load(tmp_path) is None
    assert not _Bomb.exploded


class _Bomb:
    exploded = False

    def __reduce__(self) -> tuple[object, ...]:
        return _explode, ()


def _explode() -> None:
    _Bomb.exploded = True
