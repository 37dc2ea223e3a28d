"""The index beside the data notices changed and missing files, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genrecls.config.validation import select
from genrecls.datasets import verify as verification
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.datasets.manifest import NAME, ensure_as_recorded, read_index
from genrecls.errors import DataError
from genrecls.files import hashing
from genrecls.files.hashing import Content, FileDigests
from tests.composed import composed
from tests.conftest import Outcome, RunCommand
from tests.datasets.kaggle_copy import make_copy

RATE = 16_000
Verify = Callable[..., Outcome]


def write_sound(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.5, 0.5, RATE), RATE)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Two genres of two files each."""
    for position, name in enumerate(("blues/a", "blues/b", "jazz/a", "jazz/b")):
        write_sound(tmp_path / "music" / f"{name}.wav", position)
    return tmp_path / "music"


@pytest.fixture
def verify(music: Path, run_command: RunCommand) -> Verify:
    words = ("dataset=folder", f"dataset.root={music}", "segment.length=1", "--format=json")
    return lambda *more: run_command("data", "verify", *words, *more)


def test_an_interrupted_verification_keeps_what_it_has_checked(
    verify: Verify, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = hashing.read_content

    def stop(path: Path, algorithms: set[str]) -> Content | None:
        if path == music / "jazz" / "b.wav":
            raise KeyboardInterrupt
        return original(path, algorithms)

    monkeypatch.setattr(verification, "read_content", stop)
    monkeypatch.setattr(verification, "cores", lambda: 1)
    outcome = verify()
    assert outcome.status == 130
    assert f"recorded in {music / NAME}: 3 files, 3 of them new" in outcome.err
    assert "3 of 4 files were checked" in outcome.err
    monkeypatch.undo()
    write_sound(music / "blues" / "a.wav", 9)
    assert ("blues/a.wav", "changed") in codes(verify())


def load(root: Path, name: str = "folder", *overrides: str) -> Dataset:
    values = {**composed("data", f"dataset={name}", *overrides)["dataset"], "root": str(root)}
    return select(DATASETS, values, "dataset").load(root)


def codes(outcome: Outcome) -> list[tuple[str, str]]:
    return [(row["track"], row["code"]) for row in json.loads(outcome.out) if not row["usable"]]


def problem(dataset: Dataset, index: Path) -> str:
    with pytest.raises(DataError) as caught:
        ensure_as_recorded(dataset, FileDigests(index))
    return str(caught.value)


def test_a_verification_records_every_usable_file(music: Path, verify: Verify) -> None:
    (music / "jazz" / "b.wav").write_bytes(b"<html>")
    assert f"recorded in {music / NAME}: 3 files, 3 of them new" in verify().err
    index = read_index(music)
    assert list(index) == ["blues/a.wav", "blues/b.wav", "jazz/a.wav"]
    entry = index["jazz/a.wav"]
    assert (entry.dataset, entry.track, entry.label) == ("folder", "jazz/a.wav", "jazz")
    assert entry.size == (music / "jazz" / "a.wav").stat().st_size
    assert len(entry.recorded) == len("2026-01-01")


def test_a_second_verification_finds_and_writes_nothing_new(music: Path, verify: Verify) -> None:
    verify()
    before = (music / NAME).stat()
    again = verify()
    assert (again.status, codes(again)) == (0, [])
    assert (music / NAME).stat().st_ino == before.st_ino


def test_changed_and_missing_files_are_found_until_they_are_accepted(
    music: Path, verify: Verify
) -> None:
    verify()
    date = read_index(music)["blues/a.wav"].recorded
    write_sound(music / "blues" / "a.wav", 9)
    (music / "jazz" / "b.wav").unlink()
    for _ in range(2):
        outcome = verify()
        assert outcome.status == 1
        assert codes(outcome) == [("blues/a.wav", "changed"), ("jazz/b.wav", "missing")]
        assert "3 files checked: 2 usable, 1 not" in outcome.err
        assert "recorded files that changed or are gone: 2; " in outcome.err
    assert json.loads(outcome.out)[0]["detail"] == f"it is not what was recorded on {date}"
    accepted = verify("--accept")
    assert (accepted.status, codes(accepted)) == (0, [])
    assert "accepted as they are now: 2 files" in accepted.err
    assert codes(verify()) == []
    assert list(read_index(music)) == ["blues/a.wav", "blues/b.wav", "jazz/a.wav"]


def test_a_recorded_file_that_became_unusable_is_both(music: Path, verify: Verify) -> None:
    verify()
    (music / "jazz" / "b.wav").write_bytes(b"")
    assert codes(verify()) == [("jazz/b.wav", "empty"), ("jazz/b.wav", "changed")]
    assert codes(verify("--accept")) == [("jazz/b.wav", "empty")]
    assert "jazz/b.wav" not in read_index(music)


def test_files_of_other_genres_stay_recorded_and_are_not_missed(
    tmp_path: Path, run_command: RunCommand
) -> None:
    for position, genre in enumerate(("blues", "jazz", "rock")):
        path = tmp_path / genre / f"{genre}.00000.wav"
        path.parent.mkdir()
        soundfile.write(path, np.random.default_rng(position).uniform(-0.5, 0.5, 661_500), 22_050)
    words = ("data", "verify", "dataset=gtzan", f"dataset.root={tmp_path}")
    assert run_command(*words, "dataset.genres=[blues,jazz,rock]").status == 0
    (tmp_path / "rock" / "rock.00000.wav").unlink()
    assert run_command(*words, "dataset.genres=[blues,jazz]").status == 0
    assert len(read_index(tmp_path)) == 3


def test_a_whole_genre_that_is_gone_was_meant(music: Path, verify: Verify) -> None:
    write_sound(music / "rock" / "a.wav", 7)
    verify()
    shutil.rmtree(music / "rock")
    assert verify().status == 0


def test_a_file_listed_by_a_csv_is_missed_once(music: Path, verify: Verify, tmp_path: Path) -> None:
    table = tmp_path / "tracks.csv"
    table.write_text("path,label\nblues/a.wav,blues\njazz/a.wav,jazz\n")
    verify(f"dataset.csv={table}")
    (music / "jazz" / "a.wav").unlink()
    assert codes(verify(f"dataset.csv={table}")) == [("jazz/a.wav", "missing")]
    verify(f"dataset.csv={table}", "--accept")
    assert list(read_index(music)) == ["blues/a.wav"]


def test_data_sets_in_one_folder_do_not_miss_each_other_s_files(
    tmp_path: Path, run_command: RunCommand
) -> None:
    make_copy(tmp_path, 2)
    for name in ("gtzan_kaggle_pictures", "gtzan_kaggle_table"):
        words = ("data", "verify", f"dataset={name}", f"dataset.root={tmp_path}")
        assert run_command(*words).status == 0
    index = read_index(tmp_path)
    assert len(index) == 21
    assert index["features_30_sec.csv"].dataset == "gtzan_kaggle_table"
    (tmp_path / "images_original" / "blues" / "blues00000.png").unlink()
    assert run_command(*words).status == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 2, "files": {}}',
        '{"version": 1, "files": {"a": 1}}',
        '{"version": 1, "files": {"a": {"track": "a"}}}',
        "\xff",
    ],
)
def test_a_damaged_index_is_named_and_recorded_anew(
    text: str, music: Path, verify: Verify, tmp_path: Path
) -> None:
    (music / NAME).write_bytes(text.encode("latin-1"))
    ensure_as_recorded(load(music), FileDigests(tmp_path / "files.json"))
    outcome = verify()
    assert outcome.status == 0
    assert outcome.err.count(f"{music / NAME} is damaged") == 1
    assert len(read_index(music)) == 4
    assert "damaged" not in verify().err


def test_a_place_where_the_index_cannot_be_written_is_no_error(music: Path, verify: Verify) -> None:
    (music / NAME).mkdir()
    outcome = verify()
    assert outcome.status == 0
    assert f"{music / NAME} cannot be written (Is a directory)" in outcome.err


def test_generated_data_have_no_index(
    music: Path, tmp_path: Path, run_command: RunCommand, verify: Verify
) -> None:
    words = ("dataset=synth_tiny", "dataset.bands_per_genre=1", "dataset.seconds=3")
    assert run_command("data", "verify", *words, f"data_root={tmp_path / 'data'}").status == 0
    assert not list(tmp_path.rglob(NAME))
    verify()
    write_sound(music / "blues" / "a.wav", 9)
    ensure_as_recorded(replace(load(music), generated=True), FileDigests(tmp_path / "files.json"))


def test_data_that_were_never_verified_may_be_used(music: Path, tmp_path: Path) -> None:
    ensure_as_recorded(load(music), FileDigests(tmp_path / "files.json"))
    assert not (tmp_path / "files.json").exists()


def test_a_later_run_notices_changed_and_missing_files(
    music: Path, verify: Verify, tmp_path: Path
) -> None:
    verify()
    date = read_index(music)["blues/a.wav"].recorded
    ensure_as_recorded(load(music), FileDigests(tmp_path / "files.json"))
    (music / "jazz" / "b.wav").rename(music / "jazz" / "c.wav")
    gone = problem(load(music), tmp_path / "files.json")
    assert gone.startswith(
        f"dataset=folder: {music}/jazz/b.wav: it was recorded on {date} and is gone (recorded "
        "files that changed or are gone: 1); restore them, or accept"
    )
    write_sound(music / "blues" / "b.wav", 9)
    changed = problem(load(music), tmp_path / "files.json")
    assert f"{music}/blues/b.wav: it is not what was recorded on {date} (recorded" in changed
    assert "gone: 2)" in changed
    assert "'genrecls data verify --accept'" in changed
    verify("--accept")
    ensure_as_recorded(load(music), FileDigests(tmp_path / "files.json"))


def test_a_change_that_leaves_size_and_time_of_the_data_is_noticed(
    music: Path, verify: Verify, tmp_path: Path
) -> None:
    verify()
    file = music / "blues" / "a.wav"
    ensure_as_recorded(load(music), FileDigests(tmp_path / "files.json"))
    times = file.stat()
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert str(file) in problem(load(music), tmp_path / "files.json")


def test_files_as_they_were_are_not_read_again(
    music: Path, verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify()
    monkeypatch.setattr(hashing, "_SETTLED_NS", -1)
    ensure_as_recorded(load(music), FileDigests(tmp_path / "files.json"))
    monkeypatch.setattr(hashing, "hash_file", pytest.fail)
    ensure_as_recorded(load(music), FileDigests(tmp_path / "files.json"))


def test_new_files_may_be_used_before_they_are_recorded(
    music: Path, verify: Verify, tmp_path: Path
) -> None:
    verify()
    write_sound(music / "jazz" / "new.wav", 8)
    ensure_as_recorded(load(music), FileDigests(tmp_path / "files.json"))
    assert f"recorded in {music / NAME}: 5 files, 1 of them new" in verify().err


def test_a_file_elsewhere_is_recorded_by_its_absolute_path(
    music: Path, verify: Verify, tmp_path: Path
) -> None:
    write_sound(tmp_path / "elsewhere.wav", 5)
    table = tmp_path / "tracks.csv"
    table.write_text(f"path,label\nblues/a.wav,blues\n{tmp_path}/elsewhere.wav,jazz\n")
    verify(f"dataset.csv={table}")
    assert set(read_index(music)) == {"blues/a.wav", str(tmp_path / "elsewhere.wav")}
    ensure_as_recorded(
        load(music, "folder", f"dataset.csv={table}"), FileDigests(tmp_path / "files.json")
    )
    (tmp_path / "elsewhere.wav").unlink()
    assert "elsewhere.wav" in problem(
        load(music, "folder", f"dataset.csv={table}"), tmp_path / "files.json"
    )
