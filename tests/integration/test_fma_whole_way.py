"""A generated FMA in the published layout, from verification to prediction, as a person types it.

Its music are the 13 real clips where GENRECLS_TEST_DATA says they are, else made-up ones; each clip
of the train part is there a second time under another number, with a tag that makes its bytes
differ.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from genrecls.config.compose import compose
from genrecls.experiment.experiment import parse
from genrecls.experiment.prepare import PreparedData, prepare
from tests.datasets.fma_copy import Clip, clip_path, write_checksums, write_metadata
from tests.in_process import Answer, run_here

DATA = os.environ.get("GENRECLS_TEST_DATA", "")
ORDER = ("training", "test", "validation")
RATE = 11025
BROKEN = (
    Clip(98567, "Folk", artist="98567"),  # 0.5 s as published
    Clip(133297, "Rock", split="test", artist="133297"),  # nothing as published
    Clip(151920, "Pop", artist="151920"),  # published whole, lost here
)


@pytest.fixture(scope="module")
def fma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy, and the folder from which the program is started."""
    root = tmp_path_factory.mktemp("work")
    clips = _write_music(root / "fma_small")
    tagged = [_tagged(root / "fma_small", clip) for clip in clips if clip.split == "training"]
    _write_noise(root / "short.mp3", seconds=1)
    _write(root / "fma_small", BROKEN[0].number, (root / "short.mp3").read_bytes())
    _write(root / "fma_small", BROKEN[1].number, b"")
    _write(root / "fma_small", BROKEN[2].number, b"as it was published")
    write_checksums(root / "fma_small")
    _write(root / "fma_small", BROKEN[2].number, b"")
    write_metadata(root / "fma_metadata" / "tracks.csv", [*clips, *tagged, *BROKEN])
    return root


def _write_music(folder: Path) -> list[Clip]:
    music = _real() if DATA else _made_up(folder.parent / "sounds")
    clips: list[Clip] = []
    for number, genre, path in music:
        split = ORDER[sum(clip.genre == genre for clip in clips)]
        clips.append(Clip(number, genre, split=split, artist=f"{number}"))
        _write(folder, number, path.read_bytes())
    return clips


def _tagged(folder: Path, clip: Clip) -> Clip:
    """Write a clip a second time, with an ID3v1 tag at its end."""
    tag = b"TAG" + f"{clip.number}".encode().ljust(125, b"\0")
    again = replace(clip, number=100_000 + clip.number)
    _write(folder, again.number, clip_path(folder, clip.number).read_bytes() + tag)
    return again


def _real() -> list[tuple[int, str, Path]]:
    sample = Path(DATA, "fma_small_sample").resolve()
    with (sample / "genre_top.csv").open(newline="") as stream:
        rows = [(int(row["track_id"]), row["genre_top"]) for row in csv.DictReader(stream)]
    return [(number, genre, clip_path(sample, number)) for number, genre in rows]


def _made_up(folder: Path) -> list[tuple[int, str, Path]]:
    folder.mkdir()
    made = []
    for number in range(12):
        path = folder / f"{number}.mp3"
        _write_noise(path, seconds=30, seed=number)
        made.append((number, ("Folk", "Hip-Hop", "Pop", "Rock")[number % 4], path))
    return made


def _write_noise(path: Path, seconds: int, seed: int = 0) -> None:
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, seconds * RATE)
    soundfile.write(path, noise, RATE, format="MP3")


def _write(folder: Path, number: int, content: bytes) -> None:
    path = clip_path(folder, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def words(root: Path) -> tuple[str, ...]:
    return ("dataset=fma_small", f"dataset.root={root}", "split=official")


@pytest.fixture(scope="module")
def trained(fma: Path, tensorflow: None, without_figures: None) -> Answer:
    answer = run_here(fma, "train", "debug=smoke", *words(fma))
    assert answer.status == 0, answer.err
    return answer


def metrics(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((latest(root) / "metrics.json").read_text())
    return found


def latest(root: Path) -> Path:
    return root / "outputs" / "latest"


def prepared(root: Path, *more: str) -> PreparedData:
    given = (*words(root), f"data_root={root / 'data'}", *more)
    experiment = parse(compose("train", given))
    return prepare(experiment, experiment.dataset.load(experiment.data_root))


def test_verification_tells_lost_clips_from_those_published_broken(fma: Path) -> None:
    answer = run_here(fma, "data", "verify", *words(fma)[:2], "--format=json")
    assert answer.status == 1
    unusable = [row for row in json.loads(answer.out) if not row["usable"]]
    assert [(row["track"], row["code"]) for row in unusable] == [
        ("098567", "short"),
        ("133297", "empty"),
        ("151920", "checksum"),
        ("151920", "empty"),
    ]
    assert unusable[0]["detail"].endswith("known to be broken: 0.5 s instead of 30")
    assert "3 not (2 of them known to be published so)" in answer.err


def test_training_leaves_broken_clips_out_and_counts_them(fma: Path, trained: Answer) -> None:
    assert trained.err.count("left out ") == len(BROKEN)
    assert [(bad["track"], bad["code"]) for bad in metrics(fma)["rejected"]] == [
        ("098567", "short"),
        ("133297", "empty"),
        ("151920", "empty"),
    ]
    report = (latest(fma) / "report.html").read_text()
    assert "3 files were not usable" in report
    assert "098567" in report


def test_every_clip_is_in_its_official_part(fma: Path, trained: Answer) -> None:
    clips = len(list(fma.glob("fma_small/*/*.mp3"))) - len(BROKEN)
    found = prepared(fma)
    parts = {part: set(examples.tracks) for part, examples in found.parts.items()}
    assert sum(map(len, parts.values())) == clips == len(found.dataset.tracks)
    official = found.dataset.partitions["official"]
    assert all(official[track] == part for part, tracks in parts.items() for track in tracks)
    assert found.leaks == ()
    artists = [{t.artist for t in found.dataset.tracks if t.id in ids} for ids in parts.values()]
    assert not any(one & other for one in artists for other in artists if one is not other)


def test_evaluation_and_prediction_agree_with_the_training(fma: Path, trained: Answer) -> None:
    answer = run_here(fma, "evaluate", "latest")
    assert answer.status == 0, answer.err
    again = json.loads((latest(fma) / "evaluation-test.json").read_text())
    assert again["track"] == metrics(fma)["parts"]["test"]["track"]
    with (latest(fma) / "predictions_tracks.csv").open(newline="") as stream:
        row = next(row for row in csv.DictReader(stream) if row["part"] == "test")
    clip = clip_path(fma / "fma_small", int(row["track"]))
    answer = run_here(fma, "predict", "latest", clip, "--format", "json")
    assert answer.status == 0, answer.err
    (result,) = json.loads(answer.out)
    assert result["segments"][-1]["end"] > 5


def test_some_genres_are_trained_on_without_the_others(fma: Path) -> None:
    found = prepared(fma, "dataset.genres=[Rock,Folk]")
    assert found.dataset.labels == ("Folk", "Rock")
    assert {bad.track for bad in found.rejected} == {"098567", "133297"}
    assert set(found.parts["train"].targets) == {0, 1}


def test_a_genre_that_is_not_there_is_named(fma: Path) -> None:
    answer = run_here(fma, "train", *words(fma), "dataset.genres=[Rock,Instrumental]")
    assert answer.status == 1
    assert "expected Instrumental too; complete it" in answer.error


@pytest.mark.parametrize("kept", ["whole lines", "half a line"])
def test_a_cut_tracks_csv_stops_the_training_with_its_name(
    kept: str, fma: Path, tmp_path: Path
) -> None:
    shutil.copytree(fma / "fma_metadata", tmp_path / "fma_metadata")
    (tmp_path / "fma_small").symlink_to(fma / "fma_small")
    file = tmp_path / "fma_metadata" / "tracks.csv"
    content = file.read_bytes()
    end = (
        content.rindex(b"title") - 5 if kept == "half a line" else content.rindex(b"\n151920,") + 1
    )
    file.write_bytes(content[:end])
    answer = run_here(tmp_path, "train", *words(tmp_path))
    assert answer.status == 1
    assert str(file) in answer.error
    assert "unpack" in answer.error
