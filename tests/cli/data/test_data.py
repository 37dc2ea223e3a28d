"""`genrecls data` lists and describes data sets."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genrecls.config.options import choices
from genrecls.datasets.gtzan import GENRES
from genrecls.datasets.verify import SUSPICIONS
from genrecls.dsp.audio_limits import REASONS
from genrecls.experiment.experiment import compose_experiment
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import extract
from tests.conftest import RunCommand


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_list_names_every_data_set_and_whether_it_is_here(
    tmp_path: Path, run_command: RunCommand
) -> None:
    outcome = run_command("data", "list")
    assert outcome.status == 0
    for name in choices("dataset"):
        assert f" {name} " in outcome.out
    assert "made when needed" in outcome.out
    assert "not in data/gtzan" in outcome.out
    assert not list(tmp_path.iterdir())


def test_a_data_set_is_described_with_genres_artists_partitions_and_source(
    tmp_path: Path, run_command: RunCommand
) -> None:
    for genre in GENRES:
        (tmp_path / "data" / "gtzan" / genre).mkdir(parents=True)
        (tmp_path / "data" / "gtzan" / genre / f"{genre}.00000.au").touch()
    outcome = run_command("data", "info", "dataset=gtzan")
    assert outcome.status == 0
    for text in ("10", "Tzanetakis", "may not be redistributed", "partition fault_filtered"):
        assert text in outcome.out
    assert "fold" in outcome.out


@pytest.mark.parametrize(
    ("name", "licence"),
    [("gtzan", "may not be"), ("gtzan_kaggle_table", "may not be"), ("fma_small", "of its own")],
)
def test_licence_and_source_are_told_before_the_data_are_here(
    name: str, licence: str, run_command: RunCommand
) -> None:
    outcome = run_command("data", "info", f"dataset={name}")
    assert outcome.status == 1
    shown = " ".join(outcome.out.split())
    assert licence in shown
    assert "https://" in shown
    assert f"dataset={name.partition('_kaggle')[0]}" in outcome.error


def test_files_that_a_list_names_and_that_are_not_there_are_said(
    tmp_path: Path, run_command: RunCommand
) -> None:
    (tmp_path / "list.csv").write_text("path,label\nhttps://a/b.wav,rock\nc.wav,jazz\n")
    words = ("data", "info", "dataset=folder", "dataset.csv=list.csv")
    outcome = run_command(*words)
    assert outcome.status == 1
    assert "rock" in outcome.out
    assert outcome.error.startswith("dataset=folder: 2 of 2 files missing: ")
    skipped = run_command(*words, "dataset.bad_audio=skip")
    assert skipped.status == 0
    assert "warning: dataset=folder: 2 of 2 files missing: " in skipped.err


def test_flags_and_overrides_may_stand_in_any_order(
    tmp_path: Path, run_command: RunCommand
) -> None:
    for genre in ("a", "b"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        (tmp_path / "music" / genre / "x.wav").write_bytes(b"no sound")
    words = ["dataset=folder", "--format", "json", "dataset.root=music"]
    outcome = run_command("data", "verify", *words)
    assert outcome.status == 1
    assert outcome.out.count('"unreadable"') == 2


def test_verify_says_once_what_each_code_means(tmp_path: Path, run_command: RunCommand) -> None:
    put_noise(tmp_path / "music" / "jazz", 1)
    put_noise(tmp_path / "music" / "rock", 1)
    for genre in ("jazz", "rock"):
        (tmp_path / "music" / genre / "broken.wav").write_bytes(b"no sound")
    words = ("data", "verify", "dataset=folder", "dataset.root=music", "segment.length=0.5")
    told = run_command(*words).err
    for code, meaning in {**REASONS, **SUSPICIONS}.items():
        assert told.count(f"{code}: {meaning}") == (code in {"unreadable", "duplicate"})
    assert "unreadable: it is not" not in run_command(*words, "--format", "json").err


def put_noise(folder: Path, *seconds: float) -> None:
    folder.mkdir(parents=True)
    for number, length in enumerate(seconds):
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, round(8000 * length))
        soundfile.write(folder / f"{number}.wav", noise, 8000)


def test_verify_counts_clips_that_are_too_short_for_a_segment_as_training_does(
    tmp_path: Path, run_command: RunCommand
) -> None:
    put_noise(tmp_path / "music" / "jazz", 3.5, 2.5, 1.5)
    put_noise(tmp_path / "music" / "rock", 3.4, 3.3, 3.2)
    words = ("data", "verify", "dataset=folder", "dataset.root=music")
    outcome = run_command(*words)
    assert outcome.status == 1
    assert "6 files checked: 4 usable, 2 not" in outcome.err
    assert "2 files too short for a segment of 3 s: choose another segment=<name>" in outcome.err
    assert "expected 2.970 s (65489 samples) for one segment" in outcome.out
    # They are sound, and so recorded.
    assert "recorded in" in outcome.err
    assert "6 files, 6 of them new" in outcome.err
    for setting in ("segment.length=1", "segment.short_tracks=repeat"):
        outcome = run_command(*words, setting)
        assert outcome.status == 0
        assert "6 files checked: 6 usable, 0 not" in outcome.err
        assert "too short" not in outcome.err
    # What the data set itself calls too short no other segment would mend.
    outcome = run_command(*words, "dataset.limits.min_seconds=3.25")
    assert "6 files checked: 3 usable, 3 not" in outcome.err
    assert "too short" not in outcome.err


@pytest.mark.parametrize("source", ["audio", "spectrogram"])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_verify_and_a_training_agree_on_clips_of_just_one_segment(
    source: str, rate: int, tmp_path: Path, run_command: RunCommand
) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * rate + 2)
    for missing in range(-2, 4):
        (folder := tmp_path / "music" / ("rock" if missing < 0 else "jazz")).mkdir(
            parents=True, exist_ok=True
        )
        soundfile.write(folder / f"{missing}.wav", noise[: 2 * rate - missing], rate)
    words = (
        *("dataset=folder", f"dataset.root={tmp_path / 'music'}", "features=mel"),
        *("segment.length=2", "segment.min_fill=1", f"segment.source={source}"),
    )

    outcome = run_command("data", "verify", *words, "--format", "json")
    here = {row["track"]: row["detail"] for row in json.loads(outcome.out) if not row["usable"]}
    experiment = compose_experiment(words)
    extraction = extract(
        experiment.dataset.inspect(tmp_path),
        experiment.features,
        experiment.segment,
        FeatureStore(None),
    )
    assert here == {bad.track: bad.detail for bad in extraction.rejected}
    assert "jazz/0.wav" not in here
    assert ("jazz/3.wav" in here) == (source == "audio")


def test_what_is_left_out_and_what_is_too_small_is_said_by_info_and_verify(
    tmp_path: Path, run_command: RunCommand, without_pyav: None
) -> None:
    put_noise(tmp_path / "music" / "jazz", 3, 3)
    put_noise(tmp_path / "music" / "rock", 3)
    for name in ("funk/a.m4a", "loose.wav", "rock/.old/b.wav"):
        (tmp_path / "music" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "music" / name).touch()
    for action in ("info", "verify"):
        said = run_command("data", action, "dataset=folder", "dataset.root=music").err
        assert said.count("left out 1 file (1 .m4a), such as funk/a.m4a") == 1
        assert said.count("left out 1 file, such as rock/.old/b.wav") == 1
        assert said.count("left out 1 audio file beside the folders of genres, such as loose") == 1
        assert said.count("1 folder without audio that is read, so no genre: funk") == 1
    assert "genres with fewer than 3 tracks, which most splits" in said
    assert "to 3 parts: jazz (2), rock (1)" in said


def test_a_root_that_is_not_there_is_one_line(run_command: RunCommand) -> None:
    for action in ("info", "verify", "split-report"):
        outcome = run_command("data", action, "dataset=folder", "dataset.root=absent")
        assert outcome.status == 1
        assert "/absent does not exist; expected a folder with a folder for" in outcome.error


def test_a_data_root_that_is_no_folder_is_one_line(run_command: RunCommand) -> None:
    outcome = run_command("data", "list", "data_root=null")
    assert outcome.error == "data_root: received null; allowed: a folder"
    assert outcome.status == 1


@pytest.mark.parametrize("days", ["-1", "nan"])
def test_the_cache_is_not_pruned_by_a_nonsensical_age(days: str, run_command: RunCommand) -> None:
    outcome = run_command("data", "cache", "--prune", f"--older={days}")
    assert outcome.status == 1
    assert outcome.error == f"--older: received {days}; allowed: a number of days from 0"


def test_what_is_older_is_listed_before_it_is_deleted(
    run_command: RunCommand, tmp_path: Path
) -> None:
    for name, age in (("0" * 32, 40), ("f" * 32, 2)):
        folder = tmp_path / "data" / "cache" / "features" / name
        folder.mkdir(parents=True)
        (folder / "spec.json").write_text("{}")
        then = time.time() - 86_400 * age
        for path in (folder / "spec.json", folder):
            os.utime(path, (then, then))
    listed = run_command("data", "cache", "--older=30")
    assert "0" * 32 in listed.out
    assert "f" * 32 not in listed.out
    assert run_command("data", "cache", "--older=1e6").out == ""
