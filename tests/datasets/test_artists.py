"""Artists of one's own music: from tags and folders, with one spelling each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genrecls.datasets.artists import one_spelling, suggest, with_artists
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.errors import DataError
from tests.conftest import RunCommand
from tests.datasets.tagged_files import put_mp3


def own_music(root: Path, name: str = "folder") -> Dataset:
    tracks = tuple(
        Track(path.relative_to(root).as_posix(), path, path.relative_to(root).parts[0])
        for path in sorted(root.rglob("*.*"))
    )
    labels = tuple(sorted({track.label for track in tracks}))
    return Dataset(name, labels, tracks, root, Provenance("", "", ""))


def by_tags(*paths: Path) -> list[str | None]:
    tracks = [Track(path.name, path, "rock") for path in paths]
    return [track.artist for track in with_artists(tracks, "tags")]


class TestTags:
    @pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
    def test_every_container_with_tags_is_read(self, suffix: str, tmp_path: Path) -> None:
        path = tmp_path / f"a.{suffix}"
        with soundfile.SoundFile(path, "w", 22050, 1) as file:
            file.artist = "Ann"
            file.write(np.zeros(2000))
        assert by_tags(path) == ["Ann"]

    def test_the_album_artist_comes_first(self, tmp_path: Path) -> None:
        put_mp3(tmp_path / "a.mp3", artist="Ann, Bo and Cy", album_artist="Ann")
        assert by_tags(tmp_path / "a.mp3") == ["Ann"]

    def test_an_album_by_various_artists_has_the_artist_of_the_track(self, tmp_path: Path) -> None:
        put_mp3(tmp_path / "a.mp3", artist="Ann", album_artist="Various Artists")
        assert by_tags(tmp_path / "a.mp3") == ["Ann"]

    def test_a_tag_that_names_nobody_is_none(self, tmp_path: Path) -> None:
        put_mp3(tmp_path / "a.mp3", artist="Unknown Artist")
        put_mp3(tmp_path / "b.mp3", artist=" \t ")
        put_mp3(tmp_path / "c.mp3", artist="Ann")
        assert by_tags(*sorted(tmp_path.iterdir())) == [None, None, "Ann"]

    def test_damaged_tags_are_none(self, tmp_path: Path) -> None:
        put_mp3(tmp_path / "whole.mp3", artist="Ann")
        whole = (tmp_path / "whole.mp3").read_bytes()
        rng = np.random.default_rng(0)
        (tmp_path / "empty.mp3").touch()
        (tmp_path / "cut.mp3").write_bytes(whole[:15])
        (tmp_path / "noise.flac").write_bytes(b"fLaC" + rng.bytes(500))
        (tmp_path / "riff.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\xff")
        (tmp_path / "page.ogg").write_bytes(b"OggS" + rng.bytes(500))
        (tmp_path / "sound.au").write_bytes(b".snd" + rng.bytes(50))
        (tmp_path / "folder.mp3").mkdir()
        (tmp_path / "nowhere.mp3").symlink_to(tmp_path / "absent")
        os.mkfifo(tmp_path / "pipe.mp3")
        damaged = [path for path in sorted(tmp_path.iterdir()) if path.stem != "whole"]
        assert by_tags(tmp_path / "whole.mp3", *damaged) == ["Ann", *[None] * 9]

    def test_random_bytes_behind_a_good_start_never_crash(self, tmp_path: Path) -> None:
        put_mp3(tmp_path / "whole.mp3", artist="Ann")
        whole = (tmp_path / "whole.mp3").read_bytes()
        rng = np.random.default_rng(1)
        for number in range(100):
            changed = bytearray(whole)
            for place in rng.integers(3, len(whole), 6):
                changed[place] = rng.integers(256)
            (tmp_path / f"{number:03d}.mp3").write_bytes(changed)
        assert len(by_tags(*sorted(tmp_path.iterdir()))) == 101

    def test_names_that_break_lines_are_made_one_line(self, tmp_path: Path) -> None:
        put_mp3(tmp_path / "a.mp3", artist="Ann\n\x1b[31mBo")
        assert by_tags(tmp_path / "a.mp3") == ["Ann [31mBo"]

    def test_many_files_show_how_far_it_is(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put_mp3(tmp_path / "a.mp3", artist="Ann")
        assert by_tags(*[tmp_path / "a.mp3"] * 200) == ["Ann"] * 200
        assert capsys.readouterr().err == ""
        by_tags(*[tmp_path / "a.mp3"] * 201)
        assert "Reading tags: 201 of 201" in capsys.readouterr().err


class TestSpelling:
    @pytest.mark.parametrize(
        "names",
        [
            ("Ann", "ANN", " ann "),
            ("Ann", "Ann feat. Bo", "Ann ft Bo", "Ann (featuring Bo & Cy)", "Ann [Feat. Bo]"),
            ("Ann", "Ann; Bo"),
            ("The Beatles", "Beatles, The", "the  beatles", "Beatles"),
            ("AC/DC", "AC-DC", "ACDC", "Ac Dc"),
            ("Beyoncé", "Beyonce", "BEYONCE\u0301"),
            ("Motörhead", "Motorhead"),
        ],
    )
    def test_spellings_of_one_artist_are_one(self, names: Sequence[str]) -> None:
        assert len(set(one_spelling(names))) == 1

    @pytest.mark.parametrize(
        "names",
        [
            ("Ann", "Anne"),
            ("Simon", "Simon & Garfunkel"),
            ("Feathers", "Ann"),
            ("Feat", "Ann"),
            ("The The", "The Who"),
            ("!!!", "???"),
            ("आशा", "अशि"),
            ("Sunn O)))", "Sun O"),
        ],
    )
    def test_different_artists_stay_different(self, names: Sequence[str]) -> None:
        assert len({*one_spelling(names)} - {None}) == 2

    def test_the_most_frequent_spelling_is_shown(self) -> None:
        names = ["ann", "Ann feat. Bo", "ANN", "Ann", None, "Cy"]
        assert one_spelling(names) == ["Ann"] * 4 + [None, "Cy"]

    def test_the_order_of_the_files_does_not_decide(self) -> None:
        assert set(one_spelling(["ann", "Ann"])) == set(one_spelling(["Ann", "ann"]))


class TestSuggestion:
    def test_tags_are_suggested_with_how_many_files_have_one(self, tmp_path: Path) -> None:
        for number in range(3):
            put_mp3(tmp_path / "rock" / f"{number}.mp3", artist="Ann")
        put_mp3(tmp_path / "jazz" / "a.mp3", artist="Bo")
        put_mp3(tmp_path / "jazz" / "b.mp3")
        assert suggest(own_music(tmp_path)) == (
            "artists are not known; 4 of 5 files have an artist tag (2 artists): "
            "dataset.artists=tags"
        )

    def test_folders_are_suggested_where_most_genres_have_several(self, tmp_path: Path) -> None:
        for name in ("rock/Ann", "rock/Bo", "jazz/Cy", "jazz/Di", "pop"):
            put_mp3(tmp_path / name / "a.mp3")
        assert suggest(own_music(tmp_path)) == (
            "artists are not known; 2 of 3 genres have several sub-folders; if those are artists: "
            "dataset.artists=folders"
        )

    @pytest.mark.parametrize(
        "names", [("rock", "jazz"), ("rock/Ann", "jazz/Bo"), ("rock/Ann", "rock/Bo", "jazz")]
    )
    def test_nothing_is_suggested_where_nothing_helps(
        self, names: Sequence[str], tmp_path: Path
    ) -> None:
        for name in names:
            put_mp3(tmp_path / name / "a.mp3")
        assert suggest(own_music(tmp_path)) is None

    def test_tags_of_a_few_files_are_not_suggested(self, tmp_path: Path) -> None:
        for number, artist in enumerate(["Ann", "Bo", "", "", ""]):
            put_mp3(tmp_path / "rock" / f"{number}.mp3", artist=artist)
        assert suggest(own_music(tmp_path)) is None

    def test_known_artists_and_other_data_sets_need_no_suggestion(self, tmp_path: Path) -> None:
        put_mp3(tmp_path / "rock" / "a.mp3", artist="Ann")
        put_mp3(tmp_path / "jazz" / "a.mp3", artist="Bo")
        assert suggest(own_music(tmp_path, "gtzan")) is None
        found = own_music(tmp_path)
        known = Dataset(
            **{**vars(found), "tracks": with_artists(found.tracks, "tags")},
        )
        assert suggest(known) is None

    def test_the_command_that_describes_a_data_set_prints_it(
        self, tmp_path: Path, run_command: RunCommand
    ) -> None:
        put_mp3(tmp_path / "rock" / "a.mp3", artist="Ann")
        put_mp3(tmp_path / "jazz" / "a.mp3", artist="Bo")
        words = ("data", "info", "dataset=folder", f"dataset.root={tmp_path}")
        assert "2 of 2 files have an artist tag (2 artists)" in run_command(*words).err
        known = run_command(*words, "dataset.artists=tags")
        assert known.status == 0
        assert known.err == ""
        assert "2 artists of 2 of 2 tracks by their tags" in known.out


def test_no_tracks_have_no_artists_and_no_error() -> None:
    assert with_artists((), "tags") == ()


def test_no_artist_at_all_is_an_error(tmp_path: Path) -> None:
    put_mp3(tmp_path / "a.mp3")
    with pytest.raises(DataError, match="no artist found for any of 1 files"):
        by_tags(tmp_path / "a.mp3")
