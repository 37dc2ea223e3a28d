"""Anybody's own music: genre folders, or a CSV."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource
from genrecls.dsp.audio_limits import SUFFIXES, readable_suffixes
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


def folder(root: str) -> DatasetSource:
    values = composed("data", "dataset=folder")["dataset"]
    return select(DATASETS, {**values, "root": root}, "dataset")


def folder_problem(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        load(root, root=str(root))
    return str(caught.value)


def close(monkeypatch: pytest.MonkeyPatch, closed: Path) -> None:
    """Let a folder be one that may not be read, which root could always do."""
    scan = os.scandir

    def refuse(path: Path) -> Any:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)


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
        ("names", "found"),
        [((), "0 audio files in 0 genres"), (("r/a.wav",), "1 audio file in 1 genre")],
    )
    def test_fewer_than_two_genres_are_no_data_set(
        self, names: tuple[str, ...], found: str, tmp_path: Path
    ) -> None:
        put(tmp_path, *names)
        assert folder_problem(tmp_path) == (
            f"dataset=folder: {tmp_path} has {found}; expected at least two genres, as "
            f"<root>/<genre>/<file> with {' '.join(readable_suffixes())} (dataset.root=<folder>) "
            "or as lines of a CSV (dataset.csv=<file>)"
        )

    def test_the_folder_of_one_genre_leads_to_the_one_above(self, tmp_path: Path) -> None:
        put(tmp_path, "music/jazz/a.wav", "music/jazz/b.wav")
        assert folder_problem(tmp_path / "music" / "jazz") == (
            f"dataset=folder: {tmp_path / 'music' / 'jazz'}: 2 audio files directly in it and none "
            "in a folder; expected a folder with a folder for each genre: is it "
            f"dataset.root={tmp_path / 'music'}?"
        )

    @pytest.mark.parametrize(
        ("name", "problem"),
        [
            ("absent", "does not exist; expected a folder with a folder for each genre"),
            ("file", "is a file; expected a folder"),
            ("-", "does not exist; standard input is not read here"),
            ("http://host/music", "does not exist; an address is not fetched; download it"),
            ("mus*", "does not exist; patterns are not expanded here"),
            ("$HOME/music", "does not exist; variables are not expanded here"),
            ("C:\\music", "does not exist; a backslash is part of a name here"),
        ],
    )
    def test_a_root_that_is_no_folder_is_an_error_that_says_what_it_is(
        self, name: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        put(tmp_path, "file")
        with pytest.raises(DataError, match=re.escape(problem)):
            folder(name).load(tmp_path)


class TestWhatIsLeftOut:
    @pytest.mark.parametrize("suffix", sorted(SUFFIXES))
    def test_every_format_that_is_read_when_named_is_found(
        self, suffix: str, tmp_path: Path
    ) -> None:
        put(tmp_path, f"rock/a{suffix}", "jazz/a.wav")
        assert load(tmp_path, root=str(tmp_path)).labels == ("jazz", "rock")

    @pytest.mark.parametrize(
        ("names", "remarks"),
        [
            (
                ("funk/a.m4a", "funk/b.M4A", "rock/c.wma"),
                [
                    (
                        "left out 3 files (2 .m4a, 1 .wma), such as funk/a.m4a: this format needs "
                        "PyAV: pip install 'genrecls[formats]', or 'ffmpeg -i a.m4a a.flac'"
                    ),
                    "1 folder without audio that is read, so no genre: funk",
                ],
            ),
            (
                ("loose.wav", "other.mp3"),
                [
                    (
                        "left out 2 audio files beside the folders of genres, such as loose.wav: "
                        "expected files in <root>/<genre>/"
                    )
                ],
            ),
            (
                (".Trash/a.wav", "rock/.old/a.wav", "rock/.b.wav"),
                [
                    (
                        "left out 3 files, such as .Trash/a.wav: a name that begins with '.' is "
                        "hidden; rename it if this is music"
                    )
                ],
            ),
            (
                ("rock/._a.wav",),
                [
                    (
                        "left out 1 file, such as rock/._a.wav: macOS keeps notes in files called "
                        "'._...', and no sound"
                    )
                ],
            ),
            (
                ("covers/front.jpg", "rock/a.cue"),
                ["1 folder without audio that is read, so no genre: covers"],
            ),
            (("rock/notes.txt", ".cache/x.bin"), []),
        ],
    )
    @pytest.mark.usefixtures("without_pyav")
    def test_it_is_counted_and_named_once_with_the_reason(
        self, names: tuple[str, ...], remarks: list[str], tmp_path: Path
    ) -> None:
        put(tmp_path, "rock/a.wav", "jazz/a.wav", *names)
        dataset = load(tmp_path, root=str(tmp_path))
        assert [track.id for track in dataset.tracks] == ["jazz/a.wav", "rock/a.wav"]
        assert list(dataset.remarks) == [f"{tmp_path}: {remark}" for remark in remarks]

    def test_what_ffmpeg_reads_is_music_where_it_is_installed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("genrecls.dsp.ffmpeg.find_spec", lambda _: object())
        put(tmp_path, "rock/a.m4a", "jazz/b.WMA", "jazz/c.m4p")
        dataset = load(tmp_path, root=str(tmp_path))
        assert [track.id for track in dataset.tracks] == ["jazz/b.WMA", "rock/a.m4a"]
        assert "left out 1 file (1 .m4p), such as jazz/c.m4p: this format is not" in str(
            dataset.remarks
        )

    def test_sound_without_a_suffix_is_known_by_its_content(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/a.wav", "jazz/a.wav", "jazz/README", "jazz/.hidden")
        (tmp_path / "jazz" / "b").write_bytes(b"fLaC" + bytes(50))
        dataset = load(tmp_path, root=str(tmp_path))
        assert [track.id for track in dataset.tracks] == ["jazz/a.wav", "jazz/b", "rock/a.wav"]

    @pytest.mark.usefixtures("without_pyav")
    def test_where_nothing_is_left_the_error_says_what_was_left_out(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/a.m4a", "jazz/a.m4a")
        assert "has 0 audio files in 0 genres" in folder_problem(tmp_path)
        assert "left out 2 files (2 .m4a)" in folder_problem(tmp_path)
        assert "no genre: jazz, rock" in folder_problem(tmp_path)

    def test_a_linked_album_is_music_like_any_other(self, tmp_path: Path) -> None:
        put(tmp_path, "music/rock/a.wav", "elsewhere/album/b.wav")
        (tmp_path / "music" / "jazz").mkdir()
        (tmp_path / "music" / "jazz" / "album").symlink_to(tmp_path / "elsewhere" / "album")
        dataset = load(tmp_path, root=str(tmp_path / "music"))
        assert [track.id for track in dataset.tracks] == ["jazz/album/b.wav", "rock/a.wav"]

    def test_links_in_a_circle_end_and_are_named(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/a.wav", "jazz/a.wav")
        (tmp_path / "jazz" / "all").symlink_to(tmp_path)
        (tmp_path / "rock" / "itself").symlink_to(tmp_path / "rock" / "itself")
        dataset = load(tmp_path, root=str(tmp_path))
        assert len(dataset.tracks) == 2
        assert dataset.remarks == (
            (
                f"{tmp_path}: left out 1 link, such as jazz/all: it leads back to a folder that "
                "holds it"
            ),
        )

    def test_a_folder_that_cannot_be_opened_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(tmp_path, "rock/a.wav", "jazz/a.wav", "soul/a.wav")
        close(monkeypatch, tmp_path / "soul")
        dataset = load(tmp_path, root=str(tmp_path))
        assert dataset.labels == ("jazz", "rock")
        assert dataset.remarks == (
            (
                f"{tmp_path}: left out 1 folder, such as soul: it cannot be opened; check who may "
                "read it"
            ),
        )

    def test_a_root_that_cannot_be_opened_is_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        close(monkeypatch, tmp_path)
        assert folder_problem(tmp_path) == (
            f"dataset=folder: {tmp_path} cannot be opened; check who may read it"
        )


class TestFoldersOfParts:
    def test_folders_called_train_and_test_are_the_published_parts(self, tmp_path: Path) -> None:
        put(tmp_path, "Train/rock/a.wav", "Train/jazz/b.wav", "test/rock/x/a.wav")
        put(tmp_path, "val/jazz/a.wav", "test/loose.wav", "README.md")
        dataset = load(tmp_path, root=str(tmp_path))
        assert dataset.labels == ("jazz", "rock")
        assert dataset.partitions == {
            "official": {
                "Train/jazz/b.wav": "train",
                "Train/rock/a.wav": "train",
                "test/rock/x/a.wav": "test",
                "val/jazz/a.wav": "validation",
            }
        }
        assert dataset.remarks == (
            (
                f"{tmp_path}: left out 1 audio file beside the folders of genres, such as "
                "test/loose.wav: expected files in <root>/<part>/<genre>/"
            ),
        )

    def test_genres_of_parts_can_be_chosen_and_other_folders_excluded(self, tmp_path: Path) -> None:
        put(tmp_path, "train/rock/a.wav", "train/jazz/b.wav", "test/rock/c.wav", "test/x/d.wav")
        put(tmp_path, "old/e.wav")
        root = str(tmp_path)
        for words in ({"genres": "[rock,jazz]", "exclude": "[old]"}, {"exclude": "[old,x]"}):
            dataset = load(tmp_path, root=root, **words)
            assert dataset.labels == ("jazz", "rock")
            assert dataset.partitions["official"] == {
                "test/rock/c.wav": "test",
                "train/jazz/b.wav": "train",
                "train/rock/a.wav": "train",
            }

    def test_artists_are_below_the_genres_of_a_part(self, tmp_path: Path) -> None:
        put(tmp_path, "train/rock/Ann/a.wav", "test/jazz/Bo/b.wav")
        dataset = load(tmp_path, root=str(tmp_path), artists="folders")
        assert [track.artist for track in dataset.tracks] == ["Bo", "Ann"]

    def test_a_part_beside_genres_is_an_error_with_the_ways_out(self, tmp_path: Path) -> None:
        put(tmp_path, "rock/a.wav", "jazz/a.wav", "test/a.wav")
        assert folder_problem(tmp_path) == (
            f"dataset=folder: {tmp_path} has folders that are called like parts of a split (test) "
            "beside genres (jazz, rock); expected <root>/<genre>/<file> or "
            "<root>/<part>/<genre>/<file>; rename them, leave them out with dataset.exclude=[test] "
            "or, if they are genres, name all genres with dataset.genres=[test,jazz,rock]"
        )
        root = str(tmp_path)
        assert load(tmp_path, root=root, exclude="[test]").labels == ("jazz", "rock")
        assert load(tmp_path, root=root, genres="[jazz,rock]").labels == ("jazz", "rock")
        genres = load(tmp_path, root=root, genres="[test,jazz,rock]").labels
        assert genres == ("jazz", "rock", "test")


class TestGenres:
    @pytest.mark.parametrize(
        "names", [("jazz", "Jazz", "jazz "), ("Mu\u0301sica", "M\u00fasica"), ("hip-hop", "HipHop")]
    )
    def test_spellings_of_one_genre_are_named_and_can_be_merged(
        self, names: tuple[str, ...], tmp_path: Path
    ) -> None:
        put(tmp_path, "rock/a.wav", f"{names[0]}/b.wav", *(f"{name}/a.wav" for name in names))
        root = str(tmp_path)
        (remark,) = load(tmp_path, root=root).remarks
        assert remark.startswith("these genres differ in spelling alone: ")
        assert all(repr(name) in remark or ascii(name) in remark for name in names)
        assert "make them one with dataset.merge=spellings" in remark
        merged = load(tmp_path, root=root, merge="spellings")
        assert set(merged.labels) == {"rock", names[0]}
        assert len(merged.tracks) == len(names) + 2
        assert merged.remarks == ()

    def test_genres_are_merged_as_one_says(self, tmp_path: Path) -> None:
        put(tmp_path, "rap/a.wav", "trap/a.wav", "rock/a.wav")
        dataset = load(tmp_path, root=str(tmp_path), merge="{hip-hop: [rap, trap]}")
        assert [(t.id, t.label) for t in dataset.tracks] == [
            ("rap/a.wav", "hip-hop"),
            ("rock/a.wav", "rock"),
            ("trap/a.wav", "hip-hop"),
        ]

    def test_some_genres_are_chosen_and_the_others_are_named(self, tmp_path: Path) -> None:
        put(tmp_path, "a/1.wav", "b/1.wav", "c/1.wav", "c/2.wav", "d/1.wav", "d/2.wav")
        root = str(tmp_path)
        chosen = load(tmp_path, root=root, genres="[a,b]")
        assert chosen.labels == ("a", "b")
        assert chosen.remarks == (
            (
                "left out 2 genres: c (2 tracks), d (2 tracks): dataset.genres and dataset.exclude "
                "say so"
            ),
        )
        assert load(tmp_path, root=root, exclude="[a]").labels == ("b", "c", "d")
        large = load(tmp_path, root=root, min_tracks="2")
        assert large.labels == ("c", "d")
        assert large.remarks == (
            "left out 2 genres: a (1 track), b (1 track): dataset.min_tracks=2",
        )

    @pytest.mark.parametrize(
        ("key", "value", "problem"),
        [
            ("genres", "[rok,jazz]", "no genre 'rok'; there are jazz, rock; did you mean 'rock'?"),
            ("exclude", "[soul]", "no genre 'soul'; there are jazz, rock"),
            ("merge", "{x: [rick]}", "no genre 'rick'; there are jazz, rock; did you mean 'rock'?"),
            ("merge", "{x: [jazz], y: [jazz]}", "'jazz' is to become 'x' and 'y'; name it once"),
        ],
    )
    def test_a_genre_that_is_not_there_is_named(
        self, key: str, value: str, problem: str, tmp_path: Path
    ) -> None:
        put(tmp_path, "rock/a.wav", "jazz/a.wav")
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, root=str(tmp_path), **{key: value})
        assert str(caught.value) == f"dataset.{key}: {problem}"

    def test_genres_of_a_csv_are_chosen_too_and_its_parts_with_them(self, tmp_path: Path) -> None:
        text = "path,label,split\na.wav,Rock,train\nb.wav,rock,test\nc.wav,jazz,\nd.wav,x,train\n"
        file = str(listed(tmp_path, text))
        dataset = load(tmp_path, csv=file, merge="spellings", exclude="[x]")
        assert dataset.labels == ("Rock", "jazz")
        assert dataset.partitions == {"official": {"a.wav": "train", "b.wav": "test"}}


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

    def test_columns_that_are_not_read_may_have_one_name_or_none(self, tmp_path: Path) -> None:
        text = "path,label,note,note,,\na.wav,rock,old,loud,,\nb.wav,jazz,,,,\n"
        assert len(load(tmp_path, csv=str(listed(tmp_path, text))).tracks) == 2

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
                    "path,label[,group][,split], or another name with dataset.columns.path=<name>"
                ),
            ),
            (
                "path,lable\na.wav,rock\n",
                (
                    "{file}: no column 'label' in its first line (path, lable); expected "
                    "path,label[,group][,split], or another name with "
                    "dataset.columns.label=<name>; did you mean 'lable'?"
                ),
            ),
            (
                "",
                (
                    "{file}: no column 'path' in its first line (empty); expected "
                    "path,label[,group][,split], or another name with dataset.columns.path=<name>"
                ),
            ),
            (
                "path;label\na.wav;rock\n",
                (
                    "{file}: no column 'path' in its first line (path;label); expected "
                    "path,label[,group][,split], or another name with dataset.columns.path=<name>; "
                    "its cells are separated by a semicolon: dataset.separator=semicolon"
                ),
            ),
            (
                "Datei;Genre\na.wav;rock\n",
                (
                    "{file}: no column 'path' in its first line (Datei;Genre); expected "
                    "path,label[,group][,split], or another name with dataset.columns.path=<name>; "
                    "its cells are separated by a semicolon: dataset.separator=semicolon"
                ),
            ),
            (
                "label\tpath\trock\n",
                (
                    "{file}: no column 'path' in its first line (label\tpath\trock); expected "
                    "path,label[,group][,split], or another name with dataset.columns.path=<name>; "
                    "its cells are separated by a tab: dataset.separator=tab"
                ),
            ),
            (
                "Path,PATH,label\na.wav,b.wav,rock\n",
                "{file}: two columns are called 'Path'; keep one",
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
                "path,label\n*.wav,rock\n*.wav,jazz\n",
                (
                    "{file}, line 3: path '*.wav' is listed twice; patterns are not expanded here; "
                    "give the folder"
                ),
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

    @pytest.mark.parametrize(("separator", "mark"), [("semicolon", ";"), ("tab", "\t")])
    def test_separator_and_columns_can_be_chosen(
        self, separator: str, mark: str, tmp_path: Path
    ) -> None:
        rows = (("file", "path", "Style", "Band"), ("a,b.wav", "?", "rock", "Ann"))
        text = "\n".join(mark.join(row) for row in (*rows, ("c.wav", "?", "jazz", "Bo")))
        columns = {"columns.path": "file", "columns.label": "style", "columns.group": "band"}
        file = str(listed(tmp_path, text))
        dataset = load(tmp_path, csv=file, separator=separator, **columns)
        assert [(t.id, t.label, t.artist) for t in dataset.tracks] == [
            ("a,b.wav", "rock", "Ann"),
            ("c.wav", "jazz", "Bo"),
        ]

    def test_headings_may_have_capitals_and_spaces(self, tmp_path: Path) -> None:
        text = "Path, LABEL ,Split\na.wav,rock,train\nb.wav,jazz,test\n"
        dataset = load(tmp_path, csv=str(listed(tmp_path, text)))
        assert dataset.labels == ("jazz", "rock")
        assert dataset.partitions == {"official": {"a.wav": "train", "b.wav": "test"}}

    def test_another_encoding_is_named(self, tmp_path: Path) -> None:
        found = problem(tmp_path, "path,label\na.wav,Música\n".encode("latin-1"))
        assert "'utf-8' codec can't decode byte 0xfa" in found
        assert found.endswith("expected a UTF-8 CSV with the columns path,label[,group][,split]")

    def test_zero_bytes_are_refused(self, tmp_path: Path) -> None:
        assert "list.csv" in problem(tmp_path, b"path,label\na\0.wav,rock\nb.wav,jazz\n")

    def test_a_csv_without_lines_is_no_data_set(self, tmp_path: Path) -> None:
        assert "has 0 audio files in 0 genres" in problem(tmp_path, "path,label\n")

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("absent.csv", "No such file or directory; expected"),
            (".", "Is a dir"),
            ("*.csv", "No such file or directory; patterns are not expanded here"),
        ],
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
    found = problem(tmp_path, f"path,label,{column}\na.wav,x,somebody\n")
    assert f"column '{column}' is not read; set dataset.columns.group={column} if no" in found
