from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.datasets.gtzan import GENRES
from genrecls.datasets.gtzan_facts import gtzan_facts
from genrecls.datasets.gtzan_kaggle import read_picture
from genrecls.dsp.audio_limits import AudioRejected
from genrecls.errors import DataError
from tests.datasets.kaggle_copy import (
    COLUMNS,
    HEADER,
    ROWS,
    SAMPLES,
    make_copy,
    palette,
    table_row,
    write_picture,
    write_table,
)

NAMES = ("gtzan_kaggle_pictures", "gtzan_kaggle_table")
TABLE = "features_30_sec.csv"

both = pytest.mark.parametrize("name", NAMES)


def load(name: str, root: Path | None, data_root: Path | None = None) -> Dataset:
    place = None if root is None else str(root)
    source = select(DATASETS, {"name": name, "root": place, "bad_audio": "error"})
    return source.load(data_root or Path("nowhere"))


def refusal(name: str, root: Path) -> str:
    with pytest.raises(DataError) as error:
        load(name, root)
    assert "\n" not in str(error.value)
    return str(error.value)


@both
def test_tracks_have_the_ids_artists_and_partitions_of_gtzan(name: str, tmp_path: Path) -> None:
    make_copy(tmp_path, 2)
    dataset = load(name, tmp_path)
    ids = [f"{genre}.{number:05d}" for genre in GENRES for number in (0, 1)]
    assert [track.id for track in dataset.tracks] == ids
    facts = gtzan_facts()
    for track in dataset.tracks:
        assert track.label == track.id.partition(".")[0]
        assert track.artist == facts.artists.get(track.id)
    assert dataset.partitions["fault_filtered"] == facts.fault_filtered
    assert dataset.partitions["artist_folds"] == facts.artist_folds


@both
def test_every_track_has_its_row(name: str, tmp_path: Path) -> None:
    make_copy(tmp_path, 1)
    rows = [table_row(genre, 0, np.arange(57.0) + n) for n, genre in enumerate(GENRES)]
    write_table(tmp_path / TABLE, rows[::-1])
    for position, track in enumerate(load(name, tmp_path).tracks):
        assert track.row == tuple(np.arange(57) + position)


def test_pictures_need_no_table_and_may_lack_rows(tmp_path: Path) -> None:
    make_copy(tmp_path, 1)
    write_table(tmp_path / TABLE, [table_row("jazz", 0, np.ones(57))])
    rows = {track.id: len(track.row) for track in load(NAMES[0], tmp_path).tracks}
    assert {track for track, length in rows.items() if length} == {"jazz.00000"}
    (tmp_path / TABLE).unlink()
    assert not any(track.row for track in load(NAMES[0], tmp_path).tracks)


@both
@pytest.mark.parametrize("inside", [".", "Data"])
def test_the_copy_is_found_as_it_is_unpacked_and_in_one_place_for_both(
    name: str, inside: str, tmp_path: Path
) -> None:
    make_copy(tmp_path / "gtzan_kaggle" / inside, 1)
    dataset = load(name, None, tmp_path)
    assert len(dataset.tracks) == 10
    assert dataset.root == tmp_path / "gtzan_kaggle" / inside


def test_names_with_a_dot_count_and_hidden_companions_do_not(tmp_path: Path) -> None:
    make_copy(tmp_path, 1)
    folder = tmp_path / "images_original" / "jazz"
    (folder / "jazz00000.png").rename(folder / "jazz.00077.png")
    (folder / "._jazz00000.png").write_bytes(b"\x00\x05\x16\x07")
    ids = {track.id for track in load(NAMES[0], tmp_path).tracks if track.label == "jazz"}
    assert ids == {"jazz.00077"}


@both
def test_an_absent_copy_says_where_to_get_it(name: str, tmp_path: Path) -> None:
    message = refusal(name, tmp_path / "absent")
    assert message.startswith(f"dataset={name}: no ")
    for text in (str(tmp_path / "absent"), "kaggle.com/datasets/andradaolteanu", "dataset.root="):
        assert text in message


def test_a_genre_without_pictures_is_named(tmp_path: Path) -> None:
    make_copy(tmp_path, 1)
    (tmp_path / "images_original" / "pop" / "pop00000.png").unlink()
    message = refusal(NAMES[0], tmp_path)
    assert f"{tmp_path} has no tracks of pop; get https://www.kaggle.com" in message


def test_a_picture_of_another_genre_is_named(tmp_path: Path) -> None:
    make_copy(tmp_path, 1)
    folder = tmp_path / "images_original" / "jazz"
    (folder / "jazz00000.png").rename(folder / "rock00000.png")
    assert refusal(NAMES[0], tmp_path) == (
        f"{folder / 'rock00000.png'}: expected a name such as jazz00000.png in the folder jazz; "
        "remove or rename it"
    )


def _changed(line: int, cell: int, text: str) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        cells = lines[line].split(",")
        cells[cell] = text
        return [*lines[:line], ",".join(cells), *lines[line + 1 :]]

    return change


COLUMNS_WANTED = ": expected the columns filename, length, 57 features and label, found"
FAULTS: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "other header": (
        lambda lines: ["path,label", *lines[1:]],
        f"{COLUMNS_WANTED} 2 columns beginning with ['path', 'label']",
    ),
    "a column more": (
        lambda lines: [lines[0].replace("label", "extra,label"), *lines[1:]],
        f"{COLUMNS_WANTED} 61 columns beginning with ['filename', 'length']",
    ),
    "empty": (
        lambda _: [],
        f"{COLUMNS_WANTED} 0 columns beginning with []",
    ),
    "short line": (
        lambda lines: [*lines[:3], "disco.00000.wav,1,2", *lines[4:]],
        ", line 4: expected 60 cells, found 3",
    ),
    "word": (_changed(5, 7, "loud"), ", line 6: could not convert string to float: 'loud'"),
    "nan": (_changed(2, 7, "nan"), ", line 3: expected finite numbers, found others"),
    "infinity": (_changed(2, 58, "-inf"), ", line 3: expected finite numbers, found others"),
    "too large": (_changed(2, 7, "1e39"), ", line 3: expected finite numbers, found others"),
    "unknown genre": (
        _changed(1, -1, "polka"),
        (
            ", line 2: expected a file such as blues.00000.wav and its genre, found "
            "'blues.00000.wav' and 'polka'"
        ),
    ),
    "other file": (
        _changed(1, 0, "song.wav"),
        (
            ", line 2: expected a file such as blues.00000.wav and its genre, found 'song.wav' and "
            "'blues'"
        ),
    ),
    "twice": (lambda lines: [*lines, lines[1]], ", line 12: blues.00000 is listed twice"),
    "quotes": (_changed(1, 3, '"a'), ": cannot be read: unexpected end of data"),
}


@both
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_table_is_one_line_with_its_place_and_a_remedy(
    fault: str, name: str, tmp_path: Path
) -> None:
    make_copy(tmp_path, 1)
    file, (change, message) = tmp_path / TABLE, FAULTS[fault]
    file.write_text("\n".join(change(file.read_text().splitlines())))
    assert refusal(name, tmp_path) == f"{file}{message}; get {TABLE} again"


def test_a_table_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    make_copy(tmp_path, 1)
    (tmp_path / TABLE).write_bytes(b"\xff\xfe\x00")
    message = refusal(NAMES[1], tmp_path)
    assert message.startswith(f"{tmp_path / TABLE}: cannot be read: 'utf-8' codec can't decode")


def test_a_table_that_is_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / TABLE).mkdir()
    message = refusal(NAMES[1], tmp_path)
    assert message == f"{tmp_path / TABLE}: cannot be read: Is a directory; get {TABLE} again"


def test_a_table_without_a_genre_is_one_line(tmp_path: Path) -> None:
    write_table(tmp_path / TABLE, [table_row(genre, 0, np.ones(57)) for genre in GENRES[:-2]])
    assert f"{tmp_path} has no tracks of reggae, rock" in refusal(NAMES[1], tmp_path)


def test_the_copy_of_the_tests_is_laid_out_as_kaggles(tmp_path: Path) -> None:
    make_copy(tmp_path, 1)
    assert (HEADER[2], HEADER[18], HEADER[-2]) == ("chroma_stft_mean", "tempo", "mfcc20_var")
    assert (tmp_path / TABLE).read_text().splitlines()[1].startswith(f"blues.00000.wav,{SAMPLES},")
    with Image.open(tmp_path / "images_original" / "pop" / "pop00000.png") as picture:
        assert (picture.mode, picture.size) == ("P", (432, 288))
        colours = np.asarray(picture.convert("RGB"))
    inside = np.zeros((288, 432), bool)
    inside[35:253, 54:390] = True
    assert (colours[~inside] == 255).all()
    assert (colours[inside] != 255).any(axis=1).all()


def test_a_picture_is_the_luma_of_what_is_inside_the_margin_low_frequencies_first(
    tmp_path: Path,
) -> None:
    shades = np.random.default_rng(3).integers(0, 240, (ROWS, COLUMNS)).astype(np.uint8)
    write_picture(tmp_path / "a.png", shades)
    found = read_picture(tmp_path / "a.png")
    luma = palette()[shades] @ np.array([0.299, 0.587, 0.114])
    assert found.shape == (COLUMNS, ROWS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(255 * found, luma[::-1].T, atol=0.51)


def _reason(path: Path) -> AudioRejected:
    with pytest.raises(AudioRejected) as error:
        read_picture(path)
    assert "\n" not in str(error.value)
    return error.value


def test_a_picture_of_another_size_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (336, 218)).save(tmp_path / "a.png")
    reason = _reason(tmp_path / "a.png")
    assert (reason.code, reason.detail) == (
        "unreadable",
        "expected a picture of 432 x 288 pixels, found 336 x 218",
    )


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    Image.new("RGB", (432, 288)).save(tmp_path / "photo.png", "JPEG")
    damage = "expected a PNG, found none or a damaged one"
    for name in ("text", "empty", "photo"):
        reason = _reason(tmp_path / f"{name}.png")
        assert (reason.code, reason.detail) == ("unreadable", damage)
    assert _reason(tmp_path / "absent.png").code == "missing"
    assert _reason(tmp_path / "folder.png").detail == "Is a directory"


def test_a_picture_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", np.zeros((ROWS, COLUMNS), np.uint8))
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    (tmp_path / "a.png").write_bytes(content)
    assert _reason(tmp_path / "a.png").code == "unreadable"


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_picture_that_was_cut_is_refused(share: float, tmp_path: Path) -> None:
    shades = np.random.default_rng(3).integers(0, 240, (ROWS, COLUMNS)).astype(np.uint8)
    write_picture(tmp_path / "a.png", shades)
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: int(share * len(content))])
    assert _reason(tmp_path / "a.png").code == "unreadable"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(40))
def test_no_damage_gets_past_as_another_error(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    write_picture(tmp_path / "a.png", np.zeros((ROWS, COLUMNS), np.uint8))
    content = bytearray((tmp_path / "a.png").read_bytes())
    for place in rng.integers(8, len(content), 3):
        content[place] = rng.integers(256)
    (tmp_path / "a.png").write_bytes(content)
    try:
        assert read_picture(tmp_path / "a.png").shape == (COLUMNS, ROWS)
    except AudioRejected as reason:
        assert reason.code == "unreadable"
