"""The published pictures and table of Kaggle's GTZAN where GENRECLS_TEST_DATA says they are."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genrecls.config.compose import compose
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.datasets.gtzan_kaggle import read_picture
from genrecls.experiment.experiment import parse
from genrecls.experiment.prepare import PreparedData, prepare
from tests.datasets.kaggle_copy import HEADER
from tests.in_process import run_here

DATA = os.environ.get("GENRECLS_TEST_DATA", "")
ROOT = Path(DATA).resolve() / "gtzan_kaggle"
PICTURES, TABLE = "gtzan_kaggle_pictures", "gtzan_kaggle_table"
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA, reason="GENRECLS_TEST_DATA is not set"),
]


def _load(name: str) -> Dataset:
    return select(DATASETS, {"name": name, "root": str(ROOT), "bad_audio": "error"}).load(ROOT)


def _prepared(data_root: Path, *words: str) -> PreparedData:
    places = (f"dataset.root={ROOT}", f"data_root={data_root}")
    experiment = parse(compose("train", (*words, *places)))
    return prepare(experiment, experiment.dataset.load(experiment.data_root))


def _sizes(prepared: PreparedData) -> dict[str, int]:
    return {part: len(set(examples.tracks)) for part, examples in prepared.parts.items()}


def test_there_are_1000_rows_and_a_picture_less() -> None:
    pictures, rows = (_load(name) for name in (PICTURES, TABLE))
    assert (len(pictures.tracks), len(rows.tracks)) == (999, 1000)
    absent = {track.id for track in rows.tracks} - {track.id for track in pictures.tracks}
    assert absent == {"jazz.00054"}
    by_id = {track.id: track.row for track in rows.tracks}
    assert all(track.row == by_id[track.id] for track in pictures.tracks)
    with (ROOT / "features_30_sec.csv").open(newline="") as stream:
        assert tuple(next(csv.reader(stream))) == HEADER


@pytest.mark.parametrize(("name", "count"), [(PICTURES, 999), (TABLE, 1000)])
def test_all_are_usable_and_the_known_repetitions_are_named(
    name: str, count: int, tmp_path: Path
) -> None:
    # The index is kept beside the data, which are not the tests' own.
    for published in ("images_original", "features_30_sec.csv"):
        (tmp_path / published).symlink_to(ROOT / published)
    words = ("data", "verify", f"dataset={name}", f"dataset.root={tmp_path}", "--format", "json")
    answer = run_here(tmp_path, *words)
    assert answer.status == 0, answer.err
    assert f"{count} files checked: {count} usable, 0 not" in answer.err
    found = json.loads(answer.out)
    assert {row["code"] for row in found} == {"duplicate"}
    assert {"hiphop.00045", "metal.00061", "rock.00016"} <= {row["track"] for row in found}
    assert len(found) == 14


def test_a_picture_is_read_pixel_by_pixel() -> None:
    path = ROOT / "images_original" / "blues" / "blues00000.png"
    found = read_picture(path)
    with Image.open(path) as picture:
        colours = np.asarray(picture.convert("RGB"), np.float64)
    luma = colours[35:253, 54:390] @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(255 * found, luma[::-1].T, atol=0.51)
    assert found[:, :40].mean() > 2 * found[:, -40:].mean(), "low frequencies come first"


def test_the_fault_filtered_parts_are_those_that_were_published(tmp_path: Path) -> None:
    words = ("features=kaggle_table", "segment=30s", "model=mlp", "split=fault_filtered")
    prepared = _prepared(tmp_path, f"dataset={TABLE}", *words)
    assert _sizes(prepared) == {"train": 443, "validation": 197, "test": 290}
    assert prepared.parts["train"].inputs["summary"].shape == (443, 57)


def test_every_picture_gives_five_strips(tmp_path: Path) -> None:
    words = ("features=kaggle_picture", "segment=6s")
    strips = _prepared(tmp_path, f"dataset={PICTURES}", *words, "split=segment")
    assert sum(map(len, strips.parts.values())) == 4995
    assert strips.parts["train"].inputs["picture"].shape[1:] == (67, 218)
    honest = _prepared(tmp_path, f"dataset={PICTURES}", *words, "split=fault_filtered")
    assert _sizes(honest) == {"train": 442, "validation": 197, "test": 290}
    assert {part: len(examples) for part, examples in honest.parts.items()} == {
        "train": 5 * 442,
        "validation": 5 * 197,
        "test": 5 * 290,
    }
