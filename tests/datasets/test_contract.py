"""What every data set keeps to; a new one is tested by being registered.

A mini set is `<root>/<genre>/<file>.wav`, unless the data set makes its own or has a layout of its
own in `LAID_OUT`: the genres are those that the data set insists on, or any two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from genrecls.config.paths import conf_dir
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset, DatasetSource
from genrecls.datasets.gtzan import GENRES
from genrecls.datasets.verify import verify
from genrecls.errors import DataError
from genrecls.splits.base import PARTS, SPLITS
from tests.datasets.fma_copy import write_sounding_copy
from tests.datasets.kaggle_copy import make_copy

MADE_SMALL = {"synth": {"bands_per_genre": 1, "tracks_per_band": 1, "seconds": 2}}
INSISTS_ON = {"gtzan": GENRES}
LAID_OUT: dict[str, Callable[[Path], None]] = {
    "fma": write_sounding_copy,
    "gtzan_kaggle_pictures": partial(make_copy, tracks_per_genre=1),
    "gtzan_kaggle_table": partial(make_copy, tracks_per_genre=1),
}

every = pytest.mark.parametrize("name", list(DATASETS))


def source(name: str, root: Path) -> DatasetSource:
    path = conf_dir() / "dataset" / f"{name}.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {"name": name}
    place = {"root": str(root)} if name not in MADE_SMALL else MADE_SMALL[name]
    return select(DATASETS, {**values, **place})


def load(name: str, root: Path) -> Dataset:
    found = source(name, root)
    if not found.made_on_demand:
        LAID_OUT.get(name, partial(write_genre_folders, INSISTS_ON.get(name, ("high", "low"))))(
            root
        )
    return found.load(root)


def write_genre_folders(genres: Sequence[str], root: Path) -> None:
    for number, genre in enumerate(genres):
        (root / genre).mkdir(parents=True, exist_ok=True)
        (root / genre / f"{genre}.00000.wav").write_bytes(_noise(number))


@cache
def _noise(number: int) -> bytes:
    """Return a clip of 30 s, each number another one, encoded once for all tests."""
    file = BytesIO()
    noise = np.random.default_rng(number).uniform(-0.5, 0.5, 30 * 22050)
    soundfile.write(file, noise, 22050, format="WAV")
    return file.getvalue()


@every
def test_the_index_is_well_formed(name: str, tmp_path: Path) -> None:
    dataset = load(name, tmp_path)
    ids = [track.id for track in dataset.tracks]
    assert dataset.name == source(name, tmp_path).title
    assert len(set(ids)) == len(ids) >= 2
    assert {track.label for track in dataset.tracks} == set(dataset.labels)
    assert list(dataset.labels) == sorted(set(dataset.labels))
    assert all(track.path.is_file() for track in dataset.tracks)
    assert dataset.provenance.title
    assert dataset.provenance.citation
    assert dataset.provenance.licence


@every
def test_loading_twice_gives_the_same(name: str, tmp_path: Path) -> None:
    assert load(name, tmp_path).tracks == source(name, tmp_path).load(tmp_path).tracks


@every
def test_its_own_files_pass_its_own_verification(name: str, tmp_path: Path) -> None:
    report = verify(load(name, tmp_path))
    assert report.checked >= 2
    assert [finding for finding in report.findings if finding.fatal] == []


@every
def test_partitions_are_offered_and_name_parts_or_folds(name: str, tmp_path: Path) -> None:
    dataset = load(name, tmp_path)
    assert set(dataset.partitions) <= set(source(name, tmp_path).offers) <= set(SPLITS)
    for parts in dataset.partitions.values():
        assert set(parts.values()) <= {*PARTS, "1", "2", "3"}


@every
def test_absent_data_say_where_they_were_looked_for_and_what_to_set(
    name: str, tmp_path: Path
) -> None:
    absent = source(name, tmp_path / "absent")
    if absent.made_on_demand:
        pytest.skip("it makes its data")
    with pytest.raises(DataError) as error:
        absent.load(tmp_path)
    assert str(tmp_path / "absent") in str(error.value)
    assert "dataset.root=" in str(error.value)
    assert "\n" not in str(error.value)


@every
def test_a_nominal_length_is_within_its_limits(name: str, tmp_path: Path) -> None:
    seconds = source(name, tmp_path).track_seconds
    limits = load(name, tmp_path).limits
    assert seconds is None or limits.min_seconds <= seconds <= limits.max_seconds
