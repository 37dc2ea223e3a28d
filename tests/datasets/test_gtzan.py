"""GTZAN is found in every layout that circulates, and known for what it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.datasets.gtzan import GENRES
from genrecls.dsp.audio_limits import SUFFIXES
from genrecls.errors import DataError
from tests.composed import composed
from tests.conftest import RunCommand


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def fill(folder: Path, suffix: str = ".wav", genres: Sequence[str] = GENRES) -> None:
    for genre in genres:
        put(*(folder / genre / f"{genre}.{n:05d}{suffix}" for n in range(2)))


def load(root: Path, *overrides: str) -> Dataset:
    values = {**composed("data", "dataset=gtzan", *overrides)["dataset"], "root": str(root)}
    return select(DATASETS, values, "dataset").load(root / "unused")


@pytest.mark.parametrize("layout", ["genres", "genres_original", "Data/genres_original", "."])
@pytest.mark.parametrize("suffix", [".au", ".wav", ".flac", ".mp3", ".ogg", ".WAV"])
def test_every_layout_in_every_container_is_found(layout: str, suffix: str, tmp_path: Path) -> None:
    fill(tmp_path / layout, suffix)
    dataset = load(tmp_path)
    assert dataset.labels == GENRES
    assert [t.id for t in dataset.tracks] == [f"{g}.{n:05d}" for g in GENRES for n in range(2)]
    assert dataset.tracks[0].path == tmp_path / layout / "blues" / f"blues.00000{suffix}"


def test_every_container_that_is_read_is_found_here_too(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        fill(tmp_path / suffix, suffix)
        assert len(load(tmp_path / suffix).tracks) == 20


def test_a_part_of_it_is_used_and_said_to_be_a_part(tmp_path: Path) -> None:
    fill(tmp_path, genres=("jazz", "rock"))
    dataset = load(tmp_path, "dataset.genres=[jazz,rock]")
    (remark,) = dataset.remarks
    assert "has 4 of the published 200 tracks; unless that is meant, complete it" in remark
    assert dataset.provenance.note.startswith("4 of the published 200 tracks; contains repetitions")
    for genre in ("jazz", "rock"):
        put(*(tmp_path / genre / f"{genre}.{n:05d}.wav" for n in range(100)))
    dataset = load(tmp_path, "dataset.genres=[jazz,rock]")
    assert not dataset.remarks
    assert dataset.provenance.note.startswith("contains repetitions")


def test_ghosts_pictures_and_tables_are_no_tracks(tmp_path: Path) -> None:
    fill(tmp_path)
    put(
        tmp_path / "blues" / "._blues.00000.wav",
        tmp_path / "blues" / "blues.00007.png",
        tmp_path / "blues" / ".DS_Store",
        tmp_path / "features_30_sec.csv",
    )
    assert len(load(tmp_path).tracks) == 20


def test_of_several_containers_of_a_track_the_first_in_the_list_is_taken(tmp_path: Path) -> None:
    for suffix in (".ogg", ".au", ".wav"):
        fill(tmp_path, suffix)
    dataset = load(tmp_path)
    assert len(dataset.tracks) == 20
    assert {track.path.suffix for track in dataset.tracks} == {SUFFIXES[0]}


def test_two_spellings_of_one_track_are_one_track_and_always_the_same(tmp_path: Path) -> None:
    fill(tmp_path)
    put(*(tmp_path / "blues" / f"blues{dot}00000.wav" for dot in ("", ".")))
    put(tmp_path / "blues" / "blues.00000.WAV")
    (found,) = [t for t in load(tmp_path).tracks if t.id == "blues.00000"]
    # The set of names has no order of its own: by the alphabet, capitals come first.
    assert found.path.name == "blues.00000.WAV"


def test_hip_hop_may_be_spelt_with_a_hyphen(tmp_path: Path) -> None:
    fill(tmp_path, genres=[genre for genre in GENRES if genre != "hiphop"])
    put(*(tmp_path / "hip-hop" / f"hip-hop.{n:05d}.wav" for n in range(2)))
    hiphop = [track for track in load(tmp_path).tracks if track.label == "hiphop"]
    assert [track.id for track in hiphop] == ["hiphop.00000", "hiphop.00001"]
    assert all(track.artist for track in hiphop)


def test_files_of_other_names_take_nobodys_place(tmp_path: Path) -> None:
    fill(tmp_path)
    put(tmp_path / "rock" / "intro.wav", tmp_path / "pop" / "intro.wav")
    put(tmp_path / "rock" / "blues.00000.wav")
    found = {track.id: track for track in load(tmp_path).tracks}
    assert len(found) == 23
    assert found["rock/intro"].label == "rock"
    assert found["rock/blues.00000"].label == "rock"
    assert found["rock/blues.00000"].artist is None
    assert found["blues.00000"].label == "blues"


def test_artists_and_partitions_are_known(tmp_path: Path) -> None:
    fill(tmp_path)
    dataset = load(tmp_path)
    assert dataset.tracks[0].artist == "artist 0"
    assert dataset.partitions["fault_filtered"]["blues.00000"] == "validation"
    assert dataset.partitions["artist_folds"]["blues.00000"] == "2"
    assert not dataset.generated


def test_a_subset_of_the_genres_can_be_chosen(tmp_path: Path) -> None:
    fill(tmp_path, genres=["blues", "rock", "pop"])
    dataset = load(tmp_path, "dataset.genres=[rock,blues,rock]")
    assert dataset.labels == ("blues", "rock")
    assert {track.label for track in dataset.tracks} == {"blues", "rock"}


def test_missing_genres_are_named(tmp_path: Path) -> None:
    fill(tmp_path, genres=["blues", "rock"])
    with pytest.raises(DataError) as caught:
        load(tmp_path, "dataset.genres=[blues,pop,reggae]")
    assert str(caught.value) == (
        f"dataset=gtzan: {tmp_path} has no audio of pop, reggae; complete it, or name the genres "
        "that are there with dataset.genres=[...]"
    )


def test_absent_data_are_answered_with_where_how_and_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load(tmp_path / "nowhere")
    assert str(caught.value) == (
        f"dataset=gtzan: there is no folder {tmp_path / 'nowhere'} (looked for genres/<genre>/, "
        "genres_original/<genre>/, Data/genres_original/<genre>/, ./<genre>/ with "
        f"{' '.join(SUFFIXES)}); get it with 'genrecls data download gtzan', or unpack "
        "https://www.kaggle.com/datasets/andradaolteanu/gtzan-dataset-music-genre-classification "
        "there, or set dataset.root=<folder>"
    )


def test_the_known_broken_file_is_explained_where_it_is_rejected(
    tmp_path: Path, run_command: RunCommand
) -> None:
    fill(tmp_path)
    put(tmp_path / "jazz" / "jazz.00054.wav")
    outcome = run_command(
        "data", "verify", "dataset=gtzan", "--format", "json", f"dataset.root={tmp_path}"
    )
    assert outcome.status == 1
    details = {row["track"]: row["detail"] for row in json.loads(outcome.out)}
    known = "; the Kaggle copy of jazz.00054 is known to be broken; the original tar has it whole"
    assert details["jazz.00054"].endswith(known)
    assert "known" not in details["jazz.00000"]
