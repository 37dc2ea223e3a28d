"""The published pictures and rows, from a copy to the examples that a model sees."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset, Track
from genrecls.datasets.gtzan import GENRES
from genrecls.datasets.gtzan_kaggle import read_picture
from genrecls.dsp.audio_limits import AudioLimits, AudioRejected
from genrecls.errors import ConfigError, DataError
from genrecls.experiment.prepare import PreparedData, prepare
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import extract, fingerprint
from genrecls.files.hashing import FileDigests
from tests.conftest import ComposeExperiment
from tests.datasets.kaggle_copy import make_copy, table_row, write_table
from tests.features.conftest import RuleMaker, SpecMaker

PICTURES, TABLE = "gtzan_kaggle_pictures", "gtzan_kaggle_table"
TRACK = Track("pop.00007", Path("table.csv"), "pop", None, tuple(np.linspace(-3, 9000, 57)))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kaggle")
    make_copy(root, 3)
    return root


def load(name: str, root: Path) -> Dataset:
    return select(DATASETS, {"name": name, "root": str(root), "bad_audio": "error"}).load(root)


@pytest.mark.parametrize(
    ("seconds", "columns", "starts"),
    [
        (6.0, 67, [0, 67, 134, 201, 268]),
        (3.0, 34, [0, 34, 68, 102, 136, 170, 204, 238, 272]),
        (30.0, 336, [0]),
    ],
)
def test_a_segment_is_a_strip_of_the_picture(
    seconds: float,
    columns: int,
    starts: list[int],
    copy: Path,
    spec_of: SpecMaker,
    rule_of: RuleMaker,
) -> None:
    spec, rule = spec_of("kaggle_picture"), rule_of(length=seconds)
    picture = read_picture(copy / "images_original" / "jazz" / "jazz00001.png")
    found = rule.apply(picture, spec)
    assert rule.shapes(spec) == {"picture": (columns, 218)}
    strips = np.stack([picture[start : start + columns] for start in starts])
    np.testing.assert_array_equal(found.inputs["picture"], strips)
    np.testing.assert_allclose(found.starts, np.array(starts) / 11.2)
    assert found.seconds == columns / 11.2


def test_frames_and_samples_are_cut_alike(
    copy: Path, spec_of: SpecMaker, rule_of: RuleMaker
) -> None:
    spec = spec_of("kaggle_picture")
    picture = read_picture(copy / "images_original" / "jazz" / "jazz00001.png")
    by_samples, by_frames = (
        rule_of(length=6.0, source=source).apply(picture, spec)
        for source in ("audio", "spectrogram")
    )
    np.testing.assert_array_equal(by_samples.inputs["picture"], by_frames.inputs["picture"])


def test_strips_are_scaled_to_the_wanted_size(
    copy: Path, spec_of: SpecMaker, rule_of: RuleMaker
) -> None:
    spec, rule = spec_of("kaggle_picture", size=(40, 32)), rule_of(length=6.0)
    picture = read_picture(copy / "images_original" / "jazz" / "jazz00001.png")
    found = rule.apply(picture, spec).inputs["picture"]
    assert rule.shapes(spec) == {"picture": (40, 32)}
    assert found.shape == (5, 40, 32)
    assert found.dtype == np.float32
    strip = Image.fromarray(picture[67:134].T)
    np.testing.assert_allclose(
        found[1].T, np.asarray(strip.resize((40, 32), Image.Resampling.BILINEAR)), atol=1e-6
    )


@pytest.mark.parametrize("size", [None, (8, 9)])
def test_no_segments_are_no_pictures(size: tuple[int, int] | None, spec_of: SpecMaker) -> None:
    spec = spec_of("kaggle_picture", size=size)
    found = spec.transform(np.zeros((0, 67, 218), np.float32))
    assert found["picture"].shape == (0, *(size or (67, 218)))


def test_a_row_is_the_single_segment_of_its_track(spec_of: SpecMaker, rule_of: RuleMaker) -> None:
    spec, rule = spec_of("kaggle_table"), rule_of(length=30.0)
    found = rule.apply(spec.read(TRACK, AudioLimits()), spec)
    assert rule.shapes(spec) == {"summary": (57,)}
    np.testing.assert_array_equal(found.inputs["summary"], np.array([TRACK.row], np.float32))
    assert (found.starts.tolist(), found.seconds) == ([0], 30)


@pytest.mark.parametrize("seconds", [0.05, 3.0, 29.0])
def test_less_than_a_track_has_no_row(
    seconds: float, spec_of: SpecMaker, rule_of: RuleMaker
) -> None:
    with pytest.raises(ConfigError, match="describes a whole track; choose segment=30s"):
        rule_of(length=seconds).shapes(spec_of("kaggle_table"))


def test_a_track_without_a_row_is_rejected(spec_of: SpecMaker) -> None:
    bare = replace(TRACK, row=())
    message = "table.csv: missing: features_30_sec.csv has no row of pop.00007"
    with pytest.raises(AudioRejected, match=message):
        spec_of("kaggle_table").read(bare, AudioLimits())
    with pytest.raises(AudioRejected, match=message):
        spec_of("kaggle_picture", table=True).companions(bare)
    assert spec_of("kaggle_picture").companions(bare) == {}


def test_both_give_each_strip_the_row_of_its_track(
    copy: Path, spec_of: SpecMaker, rule_of: RuleMaker
) -> None:
    dataset, spec, rule = load(PICTURES, copy), spec_of("kaggle_both"), rule_of(length=6.0)
    assert rule.shapes(spec) == {"picture": (67, 218), "summary": (57,)}
    result = extract(dataset, spec, rule, FeatureStore(None))
    assert result.rejected == ()
    for track in dataset.tracks:
        inputs = result.tracks[track.id].segments.inputs
        assert {name: array.shape for name, array in inputs.items()} == {
            "picture": (5, 67, 218),
            "summary": (5, 57),
        }
        np.testing.assert_array_equal(inputs["summary"], np.array([track.row] * 5, np.float32))


def test_what_was_published_is_not_kept_in_the_cache(
    copy: Path, spec_of: SpecMaker, rule_of: RuleMaker, tmp_path: Path
) -> None:
    for _ in range(2):
        spec, rule = spec_of("kaggle_picture"), rule_of(length=6.0)
        result = extract(load(PICTURES, copy), spec, rule, FeatureStore(tmp_path))
        assert (result.hits, result.computed) == (0, 30)
    assert list(tmp_path.rglob("*.npz")) == []


def test_a_changed_picture_or_row_makes_other_data(copy: Path, tmp_path: Path) -> None:
    changed = tmp_path / "copy"
    shutil.copytree(copy, changed)
    rows = [table_row(genre, 0, np.ones(57)) for genre in GENRES]
    known = {
        name: fingerprint(load(name, changed), FileDigests(None)) for name in (PICTURES, TABLE)
    }
    assert known == {
        name: fingerprint(load(name, copy), FileDigests(None)) for name in (PICTURES, TABLE)
    }
    folder = changed / "images_original" / "pop"
    shutil.copy(folder / "pop00000.png", folder / "pop00001.png")
    assert fingerprint(load(PICTURES, changed), FileDigests(None)) != known[PICTURES]
    write_table(changed / "features_30_sec.csv", rows)
    assert fingerprint(load(TABLE, changed), FileDigests(None)) != known[TABLE]


def _prepare(compose_experiment: ComposeExperiment, root: Path, *words: str) -> PreparedData:
    places = (f"dataset.root={root}", f"data_root={root / 'data'}")
    experiment = compose_experiment(*places, *words)
    return prepare(experiment, experiment.dataset.load(experiment.data_root))


STRIPS = (f"dataset={PICTURES}", "features=kaggle_picture", "segment=6s")
ROWS = (f"dataset={TABLE}", "features=kaggle_table", "segment=30s", "model=mlp")
BOTH = (f"dataset={PICTURES}", "features=kaggle_both", "segment=6s", "model=cnn_mlp")


@pytest.mark.parametrize(("words", "each"), [(STRIPS, 5), (ROWS, 1), (BOTH, 5)])
def test_examples_of_all_parts_come_out_of_a_copy(
    words: tuple[str, ...], each: int, copy: Path, compose_experiment: ComposeExperiment
) -> None:
    prepared = _prepare(compose_experiment, copy, *words, "split=track")
    assert prepared.rejected == ()
    assert sum(len(examples) for examples in prepared.parts.values()) == 30 * each
    for examples in prepared.parts.values():
        for values in examples.inputs.values():
            assert np.isfinite(values).all()


def test_equal_pictures_are_one_recording_that_no_split_of_tracks_divides(
    copy: Path, compose_experiment: ComposeExperiment, tmp_path: Path
) -> None:
    shutil.copytree(copy, tmp_path / "copy")
    folder = tmp_path / "copy" / "images_original" / "jazz"
    for number in (1, 2):
        shutil.copy(folder / "jazz00000.png", folder / f"jazz{number:05d}.png")
    with pytest.raises(DataError, match=r"'jazz' has only 1 .* that can be told apart"):
        _prepare(compose_experiment, tmp_path / "copy", *STRIPS, "split=track")


def _damaged(copy: Path, root: Path) -> Path:
    shutil.copytree(copy, root)
    picture = root / "images_original" / "jazz" / "jazz00001.png"
    picture.write_bytes(picture.read_bytes()[:2000])
    return picture


def test_a_damaged_picture_stops_in_one_line(
    copy: Path, compose_experiment: ComposeExperiment, tmp_path: Path
) -> None:
    picture = _damaged(copy, tmp_path / "copy")
    with pytest.raises(DataError) as error:
        _prepare(compose_experiment, tmp_path / "copy", *STRIPS)
    message = str(error.value)
    assert message.startswith(f"{picture}: unreadable: expected a PNG, found none or a damaged one")
    assert "dataset.bad_audio=skip" in message
    assert "\n" not in message


def test_a_damaged_picture_is_left_out_where_that_is_wanted(
    copy: Path,
    compose_experiment: ComposeExperiment,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = _damaged(copy, tmp_path / "copy")
    words = (*STRIPS, "split=segment", "dataset.bad_audio=skip")
    prepared = _prepare(compose_experiment, tmp_path / "copy", *words)
    assert [bad.track for bad in prepared.rejected] == ["jazz.00001"]
    assert len(prepared.dataset.tracks) == 29
    assert f"left out {picture}: unreadable" in capsys.readouterr().err


@pytest.mark.parametrize("words", [BOTH, (f"dataset={PICTURES}", *ROWS[1:])])
def test_a_picture_without_a_row_is_one_line(
    words: Any, copy: Path, compose_experiment: ComposeExperiment, tmp_path: Path
) -> None:
    shutil.copytree(copy, tmp_path / "copy")
    table = tmp_path / "copy" / "features_30_sec.csv"
    lines = [line for line in table.read_text().splitlines() if "rock.00002" not in line]
    table.write_text("\n".join(lines))
    picture = tmp_path / "copy" / "images_original" / "rock" / "rock00002.png"
    with pytest.raises(DataError) as error:
        _prepare(compose_experiment, tmp_path / "copy", *words)
    expected = f"{picture}: missing: features_30_sec.csv has no row of rock.00002 (1 of 30 files"
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)
