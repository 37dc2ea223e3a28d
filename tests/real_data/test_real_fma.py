"""The 13 real clips of FMA small where GENRECLS_TEST_DATA says they are, as a copy of FMA."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from genrecls.config.compose import compose
from genrecls.experiment.experiment import parse
from genrecls.experiment.prepare import prepare
from tests.datasets.fma_copy import Clip, write_metadata
from tests.in_process import run_here

DATA = os.environ.get("GENRECLS_TEST_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA, reason="GENRECLS_TEST_DATA is not set"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clips, with a `tracks.csv` that gives each an artist of its own and a part."""
    root = tmp_path_factory.mktemp("fma")
    sample = Path(DATA, "fma_small_sample").resolve()
    (root / "fma_small").symlink_to(sample)
    with (sample / "genre_top.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    clips = [
        Clip(int(row["track_id"]), row["genre_top"], artist=row["track_id"], split=split)
        for row, split in zip(rows, _splits([row["genre_top"] for row in rows]), strict=True)
    ]
    write_metadata(root / "fma_metadata" / "tracks.csv", clips)
    return root


def _splits(genres: list[str]) -> list[str]:
    """Return `training` for the first clip of a genre, `test` for the second, then the last."""
    order = ("training", "test", "validation")
    return [order[genres[:position].count(genre)] for position, genre in enumerate(genres)]


def test_the_real_clips_are_described(copy: Path) -> None:
    answer = run_here(copy, "data", "info", "dataset=fma", f"dataset.root={copy}")
    assert answer.status == 0, answer.err
    for text in ("International", "test 6, train 6, validation 1", "Defferrard"):
        assert text in answer.out


def test_the_real_clips_are_usable(copy: Path) -> None:
    words = ("data", "verify", "dataset=fma_small", f"dataset.root={copy}", "--format", "json")
    answer = run_here(copy, *words)
    assert answer.status == 0, answer.err
    assert "13 files checked: 13 usable, 0 not" in answer.err
    assert "13 of them compared with their published checksums" in answer.err
    assert {row["code"] for row in json.loads(answer.out)} <= {"clipped"}


def test_each_real_clip_is_one_segment_of_30_seconds_in_its_official_part(copy: Path) -> None:
    words = ("dataset=fma", f"dataset.root={copy}", "segment=30s", "split=official")
    experiment = parse(compose("train", (*words, f"data_root={copy / 'data'}")))
    prepared = prepare(experiment, experiment.dataset.load(experiment.data_root))
    assert {part: len(found) for part, found in prepared.parts.items()} == {
        "train": 6,
        "validation": 1,
        "test": 6,
    }


def test_a_real_clip_with_one_wrong_bit_is_found_by_its_checksum(
    copy: Path, tmp_path: Path
) -> None:
    shutil.copytree(copy, tmp_path / "copy")
    clip = tmp_path / "copy" / "fma_small" / "000" / "000140.mp3"
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    clip.chmod(0o644)
    clip.write_bytes(content)
    words = ("dataset=fma_small", f"dataset.root={tmp_path / 'copy'}", "--format", "json")
    answer = run_here(tmp_path, "data", "verify", *words)
    assert answer.status == 1
    wrong = [row for row in json.loads(answer.out) if row["code"] == "checksum"]
    assert [row["track"] for row in wrong] == ["000140"]
    assert "the published sha1 is 208851706e7f..." in wrong[0]["detail"]
