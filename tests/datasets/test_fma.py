"""FMA is read as it is published: subsets, official parts, artists, known broken clips."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from genrecls.config.compose import compose
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.datasets.fma import KNOWN_FAULTS, PUBLISHED
from genrecls.datasets.manifest import ensure_as_recorded
from genrecls.errors import ConfigError, DataError
from genrecls.experiment.experiment import parse
from genrecls.experiment.prepare import prepare
from genrecls.files.hashing import FileDigests
from tests.composed import composed
from tests.conftest import RunCommand
from tests.datasets.fma_copy import (
    HEADER,
    MINI,
    Clip,
    clip_path,
    touch_clips,
    write_checksums,
    write_metadata,
    write_sounding_copy,
)

EIGHT = (
    "subset=small has: Electronic, Experimental, Folk, Hip-Hop, Instrumental, International, Pop, "
    "Rock"
)
NO_HEADER = "FILE, lines 1 to 3: no header of groups, names and 'track_id'"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of all subsets, with empty files instead of music."""
    write_metadata(tmp_path / "fma_metadata" / "tracks.csv")
    for position, subset in enumerate(("small", "medium", "large"), start=1):
        names = ("small", "medium", "large")[:position]
        touch_clips(tmp_path / f"fma_{subset}", [c for c in MINI if c.subset in names])
    return tmp_path


def load(root: Path, *overrides: str) -> Dataset:
    values = {**composed("data", "dataset=fma", *overrides)["dataset"], "root": str(root)}
    return select(DATASETS, values, "dataset").load(root / "unused")


def problem(root: Path, *overrides: str) -> str:
    with pytest.raises(DataError) as caught:
        load(root, *overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def damaged(root: Path, text: str | bytes) -> str:
    """Return what is said of a copy whose `tracks.csv` is `text`, after its path."""
    file = root / "fma_metadata" / "tracks.csv"
    write_metadata(file)
    touch_clips(root / "fma_small")
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    ending = "; expected FMA's own tracks.csv; unpack fma_metadata.zip again"
    return problem(root).replace(str(file), "FILE").removesuffix(ending)


def lines(*rows: list[str]) -> str:
    return "".join(",".join(row) + "\n" for row in (*HEADER, *rows))


ROW = ["7", "Album", "", "1", "Ann", "training", "small", "Rock", "Title"]


def row(**cells: str) -> list[str]:
    return [
        cells.get(name, old) for name, old in zip(["track_id", *HEADER[1][1:]], ROW, strict=True)
    ]


def test_tracks_have_six_digits_top_genre_artist_and_file(copy: Path) -> None:
    dataset = load(copy)
    assert dataset.labels == ("Folk", "Hip-Hop", "Rock")
    assert [(t.id, t.label, t.artist) for t in dataset.tracks] == [
        ("000002", "Rock", "1"),
        ("000005", "Hip-Hop", "2"),
        ("001000", "Folk", "3"),
        ("099134", "Rock", "5"),
    ]
    assert dataset.tracks[2].path == copy / "fma_small" / "001" / "001000.mp3"


def test_the_official_parts_have_the_names_that_parts_have_here(copy: Path) -> None:
    assert load(copy).partitions == {
        "official": {
            "000002": "train",
            "000005": "validation",
            "001000": "test",
            "099134": "train",
        }
    }


@pytest.mark.parametrize(("subset", "count"), [("small", 4), ("medium", 5), ("large", 5)])
def test_a_larger_subset_has_the_tracks_of_the_smaller(subset: str, count: int, copy: Path) -> None:
    dataset = load(copy, f"dataset.subset={subset}")
    assert len(dataset.tracks) == count
    assert {t.path.parents[1].name for t in dataset.tracks} == {f"fma_{subset}"}


def test_the_clips_of_a_larger_subset_do_for_a_smaller_one(tmp_path: Path) -> None:
    write_metadata(tmp_path / "fma_metadata" / "tracks.csv")
    touch_clips(tmp_path / "fma_medium")
    dataset = load(tmp_path, "dataset.subset=small")
    assert len(dataset.tracks) == 4
    assert dataset.tracks[0].path == clip_path(tmp_path / "fma_medium", 2)


def test_tracks_without_a_single_top_genre_are_left_out_and_counted(copy: Path) -> None:
    dataset = load(copy, "dataset.subset=large")
    assert "123456" not in {t.id for t in dataset.tracks}
    assert dataset.provenance.note.endswith("; tracks without a single top genre, left out: 1")
    assert "left out" not in load(copy).provenance.note


@pytest.mark.parametrize(
    ("clips", "metadata"),
    [
        ("fma_small", "fma_metadata/tracks.csv"),
        ("fma_small", "tracks.csv"),
        ("fma_small", "fma_small/tracks.csv"),
        (".", "fma_metadata/tracks.csv"),
        (".", "tracks.csv"),
        (".", "../tracks.csv"),
        (".", "../fma_metadata/tracks.csv"),
    ],
)
def test_clips_and_metadata_may_lie_inside_or_beside_each_other(
    clips: str, metadata: str, tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    root.mkdir()
    write_metadata(root / metadata)
    touch_clips(root / clips)
    assert len(load(root).tracks) == 4


def test_some_genres_can_be_chosen(copy: Path) -> None:
    dataset = load(copy, "dataset.genres=[Rock,Hip-Hop,Rock]")
    assert dataset.labels == ("Hip-Hop", "Rock")
    assert len(dataset.tracks) == len(dataset.partitions["official"]) == 3
    jazz = load(copy, "dataset.subset=medium", "dataset.genres=[Jazz,Folk]")
    assert jazz.labels == ("Folk", "Jazz")


@pytest.mark.parametrize(
    ("genres", "expected"),
    [
        ("[Rock,Jazz]", f"dataset.genres: received 'Jazz'; {EIGHT}"),
        ("[Rock,hiphop]", f"dataset.genres: received 'hiphop'; {EIGHT}; did you mean 'Hip-Hop'?"),
        ("[Rock,Rock]", "dataset.genres: at least two different genres are needed"),
        ("[]", "dataset.genres: at least two different genres are needed"),
    ],
)
def test_genres_that_the_subset_does_not_have_are_refused(
    genres: str, expected: str, copy: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(copy, f"dataset.genres={genres}")
    assert str(caught.value) == expected


def test_genres_without_a_clip_are_named(copy: Path) -> None:
    assert problem(copy, "dataset.genres=[Rock,Folk,Pop]") == (
        f"dataset=fma_small: {copy / 'fma_small'} has clips of these genres of tracks.csv: Folk, "
        "Rock; expected Pop too; complete it, or choose another dataset.subset or dataset.genres"
    )


def test_a_single_genre_is_no_data_set(tmp_path: Path) -> None:
    write_metadata(tmp_path / "tracks.csv", MINI[:1])
    touch_clips(tmp_path / "fma_small", MINI[:1])
    assert "of tracks.csv: Rock; expected at least two;" in problem(tmp_path)


def test_an_unknown_artist_is_none(tmp_path: Path) -> None:
    clips = [Clip(1, "Rock", artist=""), Clip(2, "Pop", artist="12")]
    write_metadata(tmp_path / "tracks.csv", clips)
    touch_clips(tmp_path / "fma_small", clips)
    assert [track.artist for track in load(tmp_path).tracks] == [None, "12"]


def test_absent_clips_are_answered_with_where_how_and_what_to_set(tmp_path: Path) -> None:
    archives = "https://os.unil.cloud.switch.ch/fma"
    assert problem(tmp_path / "nowhere", "dataset.subset=medium") == (
        f"dataset=fma_medium: no clips found in {tmp_path / 'nowhere'} (looked for "
        "fma_medium/000/, fma_large/000/, ./000/); get both by 'genrecls data download "
        "fma_medium', or unpack "
        f"{archives}/fma_medium.zip and {archives}/fma_metadata.zip there (7z can where unzip "
        "cannot), or set dataset.root=<folder>"
    )


def test_absent_metadata_are_answered_with_where_how_and_what_to_set(tmp_path: Path) -> None:
    touch_clips(tmp_path / "fma_small")
    found = problem(tmp_path)
    assert found.startswith(
        f"dataset=fma_small: no tracks.csv found (looked for {tmp_path}/fma_metadata/tracks.csv, "
        f"{tmp_path}/tracks.csv, {tmp_path}/fma_small/fma_metadata/tracks.csv, "
        f"{tmp_path}/fma_small/tracks.csv); get both by 'genrecls data download fma_small', or "
    )
    assert found.endswith("or set dataset.root=<folder>")


def test_an_incomplete_copy_is_refused_with_its_first_absent_clip(copy: Path) -> None:
    clip_path(copy / "fma_small", 5).unlink()
    clip_path(copy / "fma_small", 1000).unlink()
    assert problem(copy) == (
        "dataset=fma_small: 2 of the 4 clips that tracks.csv lists are absent, the first is "
        f"{copy}/fma_small/000/000005.mp3; 'genrecls data verify' with the same dataset names "
        "each; unpack https://os.unil.cloud.switch.ch/fma/fma_small.zip again, choose another "
        "dataset.subset, or use what is there with dataset.partial=true"
    )


def test_every_vanished_clip_is_named_by_a_verification_that_reads_all_others(
    tmp_path: Path, run_command: RunCommand
) -> None:
    write_sounding_copy(tmp_path)
    words = ("data", "verify", "dataset=fma_small", f"dataset.root={tmp_path}", "--format=json")
    assert run_command(*words).status == 0
    for number in (1, 4):
        clip_path(tmp_path / "fma_small", number).unlink()
    for more in ((), ("--accept",), ()):
        outcome = run_command(*words, *more)
        assert outcome.status == 1
        found = [(row["track"], row["code"], row["usable"]) for row in json.loads(outcome.out)]
        assert found == [("000001", "missing", False), ("000004", "missing", False)]
        assert "6 files checked: 4 usable, 2 not" in outcome.err


def test_vanished_clips_that_were_accepted_are_not_missed_where_a_part_will_do(
    tmp_path: Path, run_command: RunCommand
) -> None:
    write_sounding_copy(tmp_path)
    words = ("data", "verify", "dataset=fma_small", f"dataset.root={tmp_path}")
    run_command(*words)
    clip_path(tmp_path / "fma_small", 1).unlink()
    assert run_command(*words, "dataset.partial=true").status == 1
    accepted = run_command(*words, "--accept")
    assert "accepted as they are now: 1 file that had changed or are gone" in accepted.err
    assert run_command(*words, "dataset.partial=true").status == 0
    ensure_as_recorded(load(tmp_path, "dataset.partial=true"), FileDigests(tmp_path / "files.json"))


def test_an_incomplete_copy_can_be_used_on_purpose(copy: Path) -> None:
    clip_path(copy / "fma_small", 5).unlink()
    dataset = load(copy, "dataset.partial=true")
    assert [t.id for t in dataset.tracks] == ["000002", "001000", "099134"]
    assert dataset.provenance.note.endswith("; absent clips: 1")
    assert dataset.partitions["official"].keys() == {t.id for t in dataset.tracks}


def test_known_broken_clips_that_were_deleted_do_not_make_a_copy_incomplete(copy: Path) -> None:
    clip_path(copy / "fma_small", 99134).unlink()
    assert "099134" in {t.id for t in load(copy).tracks}


def test_every_published_broken_clip_is_known() -> None:
    broken = [track for track, text in KNOWN_FAULTS.items() if "broken" in text]
    assert len(broken) == 21
    assert {"098565", "098567", "098569", "099134", "108925", "133297"} < set(broken)


def test_the_known_broken_clip_is_explained_where_it_is_rejected(
    copy: Path, run_command: RunCommand
) -> None:
    outcome = run_command("data", "verify", "dataset=fma", "--format=json", f"dataset.root={copy}")
    assert outcome.status == 1
    details = {found["track"]: found["detail"] for found in json.loads(outcome.out)}
    assert details["099134"].endswith(
        "; the published clip is known to be broken: 0 s instead of 30"
    )
    assert "known" not in details["000002"]


def test_a_copy_is_described_with_its_source_parts_and_licences(
    copy: Path, run_command: RunCommand
) -> None:
    outcome = run_command("data", "info", "dataset=fma", f"dataset.root={copy}")
    assert outcome.status == 0
    for text in ("Defferrard", "Creative Commons", "test 1, train 2, validation 1", "Hip-Hop"):
        assert text in outcome.out


def test_an_untouched_copy_can_be_used_without_its_broken_clips(tmp_path: Path) -> None:
    broken = Clip(99134, split="test")
    write_sounding_copy(tmp_path, broken)
    words = ("dataset=fma", f"dataset.root={tmp_path}", f"data_root={tmp_path}", "split=official")
    experiment = parse(compose("train", words))
    prepared = prepare(experiment, experiment.dataset.load(experiment.data_root))
    assert [(bad.track, bad.code) for bad in prepared.rejected] == [("099134", "empty")]
    assert {part: len(set(found.tracks)) for part, found in prepared.parts.items()} == {
        "train": 2,
        "validation": 2,
        "test": 2,
    }
    assert prepared.leaks == ()


def test_cells_with_line_breaks_and_of_any_length_are_read(tmp_path: Path) -> None:
    write_metadata(tmp_path / "tracks.csv")
    touch_clips(tmp_path / "fma_small")
    file = tmp_path / "tracks.csv"
    file.write_text(file.read_text().replace("Born", "Born " + "long ago " * 30_000))
    limit = csv.field_size_limit()
    assert len(load(tmp_path).tracks) == 4
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", f"{NO_HEADER}, it is empty"),
        ("path,label\n", f"{NO_HEADER}, it starts with 'path,label'"),
        (
            "track_id,genre_top\n2,Rock\n5,Pop\n",
            f"{NO_HEADER}, it starts with 'track_id,genre_top,2,Rock,5,Pop'",
        ),
        (
            lines().replace("genre_top", "genre"),
            "FILE, lines 1 and 2: no column (track, genre_top)",
        ),
        (lines(ROW[:-1]), "FILE, line 4: expected 9 cells, received 8"),
        (
            lines(ROW, row(track_id="x")),
            "FILE, line 5: track id 'x'; allowed: up to six digits",
        ),
        (
            lines(row(track_id="1234567")),
            "FILE, line 4: track id '1234567'; allowed: up to six digits",
        ),
        (lines(row(track_id="²")), "FILE, line 4: track id '²'; allowed: up to six digits"),
        (
            lines(row(split="train")),
            "FILE, line 4: split 'train'; allowed: training, validation, test",
        ),
        (lines(row(subset="tiny")), "FILE, line 4: subset 'tiny'; allowed: small, medium, large"),
        (lines(row(bio='"a\nb"'), ROW), "FILE, line 6: track 000007 is listed twice"),
        (lines(ROW, row(track_id="8", bio='"a')), "FILE, line 5: unexpected end of data"),
        (
            lines(row(genre_top='"Ro\nck"')),
            "FILE, line 4: genre 'Ro\\nck' holds a control character",
        ),
    ],
)
def test_a_faulty_line_is_named(text: str, expected: str, tmp_path: Path) -> None:
    assert damaged(tmp_path, text) == expected


def test_another_encoding_is_named(tmp_path: Path) -> None:
    found = damaged(tmp_path, lines(row(name="Zoé")).encode("latin-1"))
    assert found.startswith("cannot read FILE: 'utf-8' codec can't decode byte 0xe9")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("genres.csv", "genre_id,#tracks,parent,title,top_level\n1,8693,38,Avant-Garde,38\n"),
        ("raw_tracks.csv", "track_id,album_id,album_title\n2,1,AWOL\n3,1,AWOL\n5,1,AWOL\n"),
        (
            "features.csv",
            "feature,chroma_cens\nstatistics,kurtosis\nnumber,01\ntrack_id,\n2,7.18\n",
        ),
        ("echonest.csv", ",echonest\n,audio_features\n,danceability\ntrack_id,\n2,0.4\n"),
        ("a web page", '<!DOCTYPE html>\n<html lang="en">\n<body>Moved, "see" there</body>\n'),
    ],
)
def test_another_file_in_its_place_is_named_with_what_it_is(
    name: str, text: str, tmp_path: Path
) -> None:
    found = damaged(tmp_path, text)
    assert found.startswith(f"{NO_HEADER}, it starts with "), name
    assert repr(text[:9])[1:-1] in found


def test_the_archive_in_its_place_is_named(tmp_path: Path) -> None:
    assert damaged(tmp_path, b"PK\x03\x04\x14\xff\x00" * 50).startswith("cannot read FILE: ")


def test_a_file_cut_within_a_line_is_named_with_that_line(copy: Path) -> None:
    file = copy / "fma_metadata" / "tracks.csv"
    file.write_bytes(file.read_bytes()[: file.read_bytes().index(b"medium") - 2])
    assert problem(copy).startswith(f"{file}, line ")


def test_a_file_cut_at_the_end_of_a_line_is_known_by_the_clips_it_lacks(copy: Path) -> None:
    write_metadata(copy / "fma_metadata" / "tracks.csv", MINI[:3])
    file = copy / "fma_metadata" / "tracks.csv"
    assert problem(copy) == (
        f"dataset=fma_small: {file} does not list 1 clip that is there, the first is "
        f"{copy}/fma_small/099/099134.mp3; it was cut or belongs to other clips: unpack "
        "https://os.unil.cloud.switch.ch/fma/fma_metadata.zip again, or leave them out with "
        "dataset.partial=true"
    )
    dataset = load(copy, "dataset.partial=true")
    assert len(dataset.tracks) == 3
    assert dataset.provenance.note.endswith("; clips that tracks.csv does not list: 1")


def test_files_that_are_no_clips_are_nobody_s_business(copy: Path) -> None:
    for name in ("000/._000002.mp3", "000/notes.txt", "000/001234.mp3", "000/000007.mp3.part"):
        (copy / "fma_small" / name).touch()
    (copy / "fma_small" / "000" / "000009.mp3").mkdir()
    assert len(load(copy).tracks) == 4


@pytest.mark.parametrize(("size", "count"), [("small", 4), ("medium", 5), ("large", 5)])
def test_each_subset_has_a_name_of_its_own(size: str, count: int, copy: Path) -> None:
    values = compose("data", [f"dataset=fma_{size}", f"dataset.root={copy}"])
    same = compose("data", ["dataset=fma", f"dataset.subset={size}", f"dataset.root={copy}"])
    assert values == same
    dataset = select(DATASETS, values["dataset"], "dataset").load(copy)
    assert (dataset.name, len(dataset.tracks)) == (f"fma_{size}", count)


def test_the_folder_of_fma_small_is_that_of_fma(tmp_path: Path) -> None:
    source = select(DATASETS, compose("data", ["dataset=fma_small"])["dataset"], "dataset")
    assert source.folder(tmp_path) == tmp_path / "fma"


def test_published_digests_are_taken_from_beside_the_clips(copy: Path) -> None:
    assert load(copy).checksums == {}
    write_checksums(copy / "fma_small")
    file = copy / "fma_small" / "checksums"
    other = "0" * 40
    file.write_text(f"{file.read_text().upper().replace('.MP3', '.mp3')}{other} *tracks.csv\n")
    nothing = "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"
    assert load(copy).checksums == dict.fromkeys(("000002", "000005", "001000", "099134"), nothing)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{'a' * 40}  000/000002.mp3\n{'b' * 17}", f"line 2: {{}}, received '{'b' * 17}'"),
        (f"{'g' * 40}  000/000002.mp3\n", f"line 1: {{}}, received '{'g' * 40}  000/000002.mp3'"),
        ("<html>", "line 1: {}, received '<html>'"),
    ],
)
def test_a_damaged_file_of_digests_is_named_with_its_line(
    text: str, expected: str, copy: Path
) -> None:
    file = copy / "fma_small" / "checksums"
    file.write_text(text)
    wanted = "expected 40 hexadecimal digits, two spaces and the path of a clip"
    assert problem(copy) == (
        f"{file}, {expected.format(wanted)}; get fma_small.zip again and unpack it, or delete the "
        "file to do without published digests"
    )


def test_digests_that_are_no_text_are_named(copy: Path) -> None:
    (copy / "fma_small" / "checksums").write_bytes(b"\xff\xfe")
    assert problem(copy).startswith(f"cannot read {copy}/fma_small/checksums: it is no text; ")


def test_a_clip_that_is_not_the_published_one_is_unusable(
    tmp_path: Path, run_command: RunCommand
) -> None:
    write_sounding_copy(tmp_path)
    write_checksums(tmp_path / "fma_small")
    words = ("data", "verify", "dataset=fma_small", f"dataset.root={tmp_path}", "--format=json")
    outcome = run_command(*words)
    assert outcome.status == 0
    assert "6 of them compared with their published checksums" in outcome.err
    clip = clip_path(tmp_path / "fma_small", 1)
    clip.write_bytes(clip.read_bytes() + bytes(1))
    outcome = run_command(*words, "--accept")
    assert outcome.status == 1
    found = [row for row in json.loads(outcome.out) if not row["usable"]]
    assert [(row["track"], row["code"]) for row in found] == [("000001", "checksum")]
    assert found[0]["detail"].startswith("the published sha1 is ")
    assert found[0]["detail"].endswith("...; fetch it again")


def test_a_perfect_copy_passes_though_some_clips_were_published_broken(
    tmp_path: Path, run_command: RunCommand
) -> None:
    write_sounding_copy(tmp_path, Clip(99134), Clip(133297))
    words = ("data", "verify", "dataset=fma_small", f"dataset.root={tmp_path}")
    outcome = run_command(*words)
    assert outcome.status == 0
    assert "8 files checked: 6 usable, 2 not (2 of them known to be published so)" in outcome.err
    write_checksums(tmp_path / "fma_small")
    clip_path(tmp_path / "fma_small", 133297).unlink()
    outcome = run_command(*words)
    assert outcome.status == 0
    assert "8 files checked: 6 usable, 2 not (2 of them known to be published so)" in outcome.err
    clip_path(tmp_path / "fma_small", 99134).write_bytes(b"something else")
    assert run_command(*words).status == 1


def remarks(root: Path) -> str:
    """Return what is said of a copy at the start of a training, on one line."""
    ensure_as_recorded(load(root), FileDigests(root / "files.json"))
    return " | ".join(load(root).remarks)


def test_far_fewer_tracks_than_published_are_told(
    copy: Path, run_command: RunCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = (
        f"dataset=fma_small: {copy}/fma_metadata/tracks.csv lists 4 of the published 8,000 tracks; "
        "unless that is meant, unpack https://os.unil.cloud.switch.ch/fma/fma_metadata.zip again"
    )
    assert remarks(copy) == expected
    assert " ".join(capsys.readouterr().err.split()) == f"warning: {expected}"
    verified = run_command("data", "verify", "dataset=fma_small", f"dataset.root={copy}")
    assert verified.err.count(expected) == 1


def test_a_whole_list_of_tracks_needs_no_remark(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PUBLISHED, "small", 4)
    assert load(copy).remarks == ()


@pytest.mark.parametrize("kept", [0, 100, 165])
def test_a_file_of_digests_that_was_cut_is_told(
    kept: int, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PUBLISHED, "small", 4)
    write_checksums(copy / "fma_small")
    file = copy / "fma_small" / "checksums"
    assert load(copy).remarks == ()
    file.write_bytes(file.read_bytes()[:kept])
    said = remarks(copy)
    assert said.startswith(f"dataset=fma_small: {file} has no digest of ")
    assert said.endswith("; it was cut, or they were added: unpack fma_small.zip again")
    assert f"{4 - kept // 57} of the 4 clips that are there" in said


def test_a_folder_with_steps_back_is_named_without_them(copy: Path) -> None:
    clip_path(copy / "fma_small", 5).unlink()
    assert f"the first is {copy}/fma_small/000/000005.mp3;" in problem(copy / "x" / "..")
