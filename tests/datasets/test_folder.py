"""Anybody's own music: genre folders, or a CSV."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.errors import ConfigError, DataError
from tests.composed import composed
from tests.datasets.tagged_files import put_mp3


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def load(data_root: Path, **values: str) -> Dataset:
    overrides = [f"dataset.{key}={value}" for key, value in values.items()]
    return select(
        DATASETS, composed("data", "dataset=folder", *overrides)["dataset"], "dataset"
    ).load(data_root)


def listed(folder: Path, text: str | bytes) -> Path:
    file = folder / "list.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def problem(folder: Path, text: str | bytes) -> str:
    with pytest.raises(DataError) as caught:
        load(folder, csv=str(listed(folder, text)))
    return str(caught.value)


class TestGenreFolders:
    def test_folders_are_genres_and_files_are_tracks(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/b.mp3", "rock/a.wav", "jazz/c.flac")
        dataset = load(tmp_path, root=str(tmp_path))
        assert dataset.labels == ("jazz", "rock")
        assert [(t.id, t.label, t.artist) for t in dataset.tracks] == [
            ("jazz/c.flac", "jazz", None),
            ("rock/a.wav", "rock", None),
            ("rock/b.mp3", "rock", None),
        ]
        assert not dataset.partitions

    def test_without_a_root_they_are_in_the_data_folder(self, tmp_path: Path) -> None:
        put(tmp_path / "folder", "rock/a.wav", "jazz/a.wav")
        assert len(load(tmp_path).tracks) == 2

    def test_albums_inside_a_genre_belong_to_it(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/band/album/a.wav", "rock/a.wav", "jazz/a.wav")
        ids = {track.id: track.label for track in load(tmp_path, root=str(tmp_path)).tracks}
        assert ids == {"rock/band/album/a.wav": "rock", "rock/a.wav": "rock", "jazz/a.wav": "jazz"}

    def test_what_is_hidden_or_no_audio_is_left_out(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/a.wav", "jazz/a.wav", ".Trash/a.wav", "rock/.old/a.wav")
        put(tmp_path, "rock/._a.wav", "rock/.a.wav", "rock/a.txt", "b.wav", "empty/cover.jpg")
        (tmp_path / "rock" / "folder.wav").mkdir()
        dataset = load(tmp_path, root=str(tmp_path))
        assert [track.id for track in dataset.tracks] == ["jazz/a.wav", "rock/a.wav"]

    def test_capitals_spaces_and_other_alphabets_are_fine(self, tmp_path: Path) -> None:
        put(tmp_path, "Drum & Bass/a.WAV", "Música popular/Ça va?.Mp3", "演歌/a.ogg")
        dataset = load(tmp_path, root=str(tmp_path))
        assert dataset.labels == ("Drum & Bass", "Música popular", "演歌")

    def test_names_that_are_code_elsewhere_are_just_names(self, tmp_path: Path) -> None:
        put(tmp_path, "<script>alert(1)<", "<img src=x onerror=alert(1)>/a.wav", "[bold]/a.wav")
        dataset = load(tmp_path, root=str(tmp_path))
        assert dataset.labels == ("<img src=x onerror=alert(1)>", "[bold]")

    def test_a_name_that_breaks_lines_is_refused(self, tmp_path: Path) -> None:
        put(tmp_path, "ro\nck/a.wav", "jazz/a.wav")
        with pytest.raises(DataError, match=r"'ro\\nck/a.wav' holds a control character or is not"):
            load(tmp_path, root=str(tmp_path))

    def test_a_name_that_no_text_file_can_hold_is_refused(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/a.wav", "jazz/a.wav")
        try:
            Path(os.fsdecode(os.fsencode(tmp_path / "jazz") + b"/b\xff.wav")).touch()
        except OSError:
            pytest.skip("this file system takes only names in UTF-8")
        with pytest.raises(DataError, match="or is not valid UTF-8; rename it"):
            load(tmp_path, root=str(tmp_path))

    @pytest.mark.parametrize(
        ("names", "found"), [((), "0 audio file(s) in 0"), (("r/a.wav",), "1 audio file(s) in 1")]
    )
    def test_fewer_than_two_genres_are_no_data_set(
        self, names: tuple[str, ...], found: str, tmp_path: Path
    ) -> None:
        put(tmp_path, *names)
        with pytest.raises(DataError) as caught:
            load(tmp_path, root=str(tmp_path))
        assert str(caught.value) == (
            f"dataset=folder: {tmp_path} has {found} genre(s); expected at least two genres, as "
            "<root>/<genre>/<file> with .wav .au .flac .mp3 .ogg (dataset.root=<folder>) or as "
            "lines of a CSV (dataset.csv=<file>)"
        )


class TestCsv:
    def test_path_and_label_are_enough(self, tmp_path: Path) -> None:
        dataset = load(tmp_path, csv=str(listed(tmp_path, "path,label\na.wav,rock\nb.wav,jazz\n")))
        assert dataset.labels == ("jazz", "rock")
        assert [(t.path, t.artist) for t in dataset.tracks] == [
            (tmp_path / "a.wav", None),
            (tmp_path / "b.wav", None),
        ]
        assert not dataset.partitions

    def test_group_and_split_are_read_in_any_order_of_columns(self, tmp_path: Path) -> None:
        text = (
            "split,year,label,group,path\n"
            "train,1971,rock,Ann,a.wav\n"
            "VALID,1972,jazz, ,b.wav\n"
            " Testing ,1973,jazz,Bo,c.wav\n"
            " ,1974,jazz,Bo,d.wav\n"
        )
        dataset = load(tmp_path, csv=str(listed(tmp_path, text)))
        assert [track.artist for track in dataset.tracks] == ["Ann", None, "Bo", "Bo"]
        assert dataset.partitions == {
            "official": {"a.wav": "train", "b.wav": "validation", "c.wav": "test"}
        }

    def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(self, tmp_path: Path) -> None:
        text = b"\xef\xbb\xbfpath,label\r\na.wav,rock\r\nb.wav,jazz\r\n"
        assert len(load(tmp_path, csv=str(listed(tmp_path, text))).tracks) == 2

    def test_paths_count_from_the_csv_unless_they_are_absolute(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", "/home/of/someone")
        text = "path,label\nsub/a.wav,rock\n/music/b.wav,jazz\n~/c.wav,jazz\n~odd/d.wav,jazz\n"
        dataset = load(tmp_path, csv=str(listed(tmp_path, text)))
        assert [track.path for track in dataset.tracks] == [
            tmp_path / "sub" / "a.wav",
            Path("/music/b.wav"),
            Path("/home/of/someone/c.wav"),
            tmp_path / "~odd" / "d.wav",
        ]

    def test_with_a_root_paths_count_from_there(self, tmp_path: Path) -> None:
        file = listed(tmp_path, "path,label\na.wav,rock\nb.wav,jazz\n")
        dataset = load(tmp_path, csv=str(file), root=str(tmp_path / "moved"))
        assert dataset.tracks[0].path == tmp_path / "moved" / "a.wav"
        assert dataset.tracks[0].id == "a.wav"

    def test_quotes_commas_and_other_alphabets_are_fine(self, tmp_path: Path) -> None:
        text = 'path,label\n"a, b.wav",Música\nc.wav,"Drum & ""Bass"""\n'
        dataset = load(tmp_path, csv=str(listed(tmp_path, text)))
        assert dataset.labels == ('Drum & "Bass"', "Música")
        assert dataset.tracks[0].path.name == "a, b.wav"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                "file,label\na.wav,rock\n",
                (
                    "{file}: no column 'path' in its first line (file, label); expected "
                    "path,label[,group][,split]"
                ),
            ),
            (
                "path,lable\na.wav,rock\n",
                (
                    "{file}: no column 'label' in its first line (path, lable); expected "
                    "path,label[,group][,split]; did you mean 'lable'?"
                ),
            ),
            (
                "",
                (
                    "{file}: no column 'path' in its first line (empty); expected "
                    "path,label[,group][,split]"
                ),
            ),
            (
                "path,label,goup\na.wav,rock,Ann\n",
                "{file}: column 'goup' is not read; did you mean 'group'?",
            ),
            (
                "path,label,label\na.wav,rock,jazz\n",
                "{file}: two columns are called 'label'; keep one",
            ),
            (
                "path,label\na.wav,\n",
                "{file}, line 2: expected a path and a label, received 'a.wav' and ''",
            ),
            (
                "path,label\na.wav,rock\n ,jazz\n",
                "{file}, line 3: expected a path and a label, received '' and 'jazz'",
            ),
            (
                "path,label\na.wav\n",
                "{file}, line 2: expected a path and a label, received 'a.wav' and ''",
            ),
            (
                "path,label\na, b.wav,rock\n",
                (
                    "{file}, line 2: more cells than columns; put a cell that holds a comma in "
                    "double quotes"
                ),
            ),
            (
                "path,label\na.wav,rock\nb.wav,jazz\na.wav,jazz\n",
                "{file}, line 4: path 'a.wav' is listed twice; keep one",
            ),
            (
                "path,label,split\na.wav,rock,tran\n",
                (
                    "{file}, line 2: split 'tran'; allowed: train, validation, test; "
                    "did you mean 'train'?"
                ),
            ),
            (
                'path,label\na.wav,"ro\nck"\n',
                (
                    "{file}, line 3: 'ro\\nck' holds a control character or is not valid UTF-8; "
                    "rename it"
                ),
            ),
            (
                'path,label\n"a.wav,rock\n',
                (
                    "dataset.csv: cannot read {file}: unexpected end of data; expected a UTF-8 CSV "
                    "with the columns path,label[,group][,split]"
                ),
            ),
        ],
    )
    def test_a_faulty_line_is_named(self, text: str, expected: str, tmp_path: Path) -> None:
        assert problem(tmp_path, text) == expected.format(file=tmp_path / "list.csv")

    def test_another_encoding_is_named(self, tmp_path: Path) -> None:
        found = problem(tmp_path, "path,label\na.wav,Música\n".encode("latin-1"))
        assert "'utf-8' codec can't decode byte 0xfa" in found
        assert found.endswith("expected a UTF-8 CSV with the columns path,label[,group][,split]")

    def test_zero_bytes_are_refused(self, tmp_path: Path) -> None:
        assert "list.csv" in problem(tmp_path, b"path,label\na\0.wav,rock\nb.wav,jazz\n")

    def test_a_csv_without_lines_is_no_data_set(self, tmp_path: Path) -> None:
        assert "has 0 audio file(s) in 0 genre(s)" in problem(tmp_path, "path,label\n")

    @pytest.mark.parametrize(
        ("name", "reason"), [("absent.csv", "No such file"), (".", "Is a dir")]
    )
    def test_a_csv_that_is_not_there_is_named(self, name: str, reason: str, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=rf"dataset.csv: cannot read {tmp_path}.*: {reason}"):
            load(tmp_path, csv=str(tmp_path / name))


class TestArtists:
    def test_artist_folders_inside_the_genres_name_the_artists(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/Ann/a.wav", "rock/Ann/live/b.wav", "rock/c.wav", "jazz/Bo/d.wav")
        dataset = load(tmp_path, root=str(tmp_path), artists="folders")
        assert {track.id: track.artist for track in dataset.tracks} == {
            "jazz/Bo/d.wav": "Bo",
            "rock/Ann/a.wav": "Ann",
            "rock/Ann/live/b.wav": "Ann",
            "rock/c.wav": None,
        }

    def test_tags_name_the_artists_wherever_the_files_lie(self, tmp_path: Path) -> None:
        put_mp3(tmp_path / "rock" / "album" / "a.mp3", artist="Ann")
        put_mp3(tmp_path / "jazz" / "b.mp3", artist="Bo")
        put(tmp_path, "jazz/c.wav")
        dataset = load(tmp_path, root=str(tmp_path), artists="tags")
        assert [track.artist for track in dataset.tracks] == ["Bo", None, "Ann"]

    def test_where_the_artists_come_from_is_noted(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/Ann/a.wav", "rock/c.wav", "jazz/Bo/d.wav")
        dataset = load(tmp_path, root=str(tmp_path), artists="folders")
        assert "2 artists of 2 of 3 tracks by their folders" in dataset.provenance.note
        assert "guests ('feat.') make no difference" in dataset.provenance.note

    @pytest.mark.parametrize(
        ("artists", "expected"),
        [("tags", "files with an artist tag"), ("folders", "<root>/<genre>/<artist>/<file>")],
    )
    def test_finding_no_artist_at_all_is_one_line(
        self, artists: str, expected: str, tmp_path: Path
    ) -> None:
        put(tmp_path, "rock/a.wav", "jazz/a.wav")
        with pytest.raises(DataError) as caught:
            load(tmp_path, root=str(tmp_path), artists=artists)
        assert str(caught.value) == (
            f"dataset.artists={artists}: no artist found for any of 2 files; expected {expected}, "
            "or set dataset.artists=null"
        )

    def test_a_csv_without_groups_may_leave_them_to_the_tags(self, tmp_path: Path) -> None:
        put_mp3(tmp_path / "a.mp3", artist="Ann")
        file = listed(tmp_path, "path,label\na.mp3,rock\nabsent.mp3,jazz\n")
        dataset = load(tmp_path, csv=str(file), artists="tags")
        assert [track.artist for track in dataset.tracks] == ["Ann", None]

    def test_a_csv_without_groups_may_leave_them_to_its_folders(self, tmp_path: Path) -> None:
        text = "path,label\nmusic/rock/Ann/a.mp3,rock\nmusic/jazz/b.mp3,jazz\nBo/c.mp3,jazz\n"
        dataset = load(tmp_path, csv=str(listed(tmp_path, text)), artists="folders")
        assert [track.artist for track in dataset.tracks] == ["Ann", None, None]

    def test_two_sources_of_artists_are_refused(self, tmp_path: Path) -> None:
        file = listed(tmp_path, "path,label,group\na.wav,rock,Ann\nb.wav,jazz,\n")
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, csv=str(file), artists="tags")
        assert str(caught.value) == (
            f"dataset.artists=tags: {file} gives the artists already, in its column 'group'; "
            "remove that column or set dataset.artists=null"
        )

    def test_another_source_is_refused_with_what_is_possible(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="received 'tag'; allowed: tags, folders or null"):
            load(tmp_path, artists="tag")


@pytest.mark.parametrize("column", ["artist", "Artist", "band"])
def test_a_column_that_should_be_called_group_is_not_passed_over(
    column: str, tmp_path: Path
) -> None:
    assert "call it 'group'" in problem(tmp_path, f"path,label,{column}\na.wav,x,somebody\n")
