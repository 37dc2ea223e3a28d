from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genrecls.errors import DataError
from genrecls.features.cache import TrackFeatures
from genrecls.features.segmentation import Segments
from genrecls.training import data as module
from genrecls.training.data import (
    ArrayBuffer,
    Examples,
    chunks,
    class_weights,
    gather,
    missing_classes,
    normalisation,
    take_turns,
)


def _features(first: float, count: int) -> TrackFeatures:
    values = np.arange(first, first + count, dtype=np.float32)
    inputs = {"mel": np.tile(values[:, None, None], (1, 4, 2)), "vector": values[:, None]}
    segments = Segments(inputs, 3 * np.arange(count, dtype=np.float64), 3.0)
    return TrackFeatures(segments, 3.0 * count, "", "")


def _examples(values: np.ndarray, targets: tuple[int, ...] = (0, 1)) -> Examples:
    count = len(values)
    return Examples(
        {"mel": values.astype(np.float32)},
        np.resize(np.array(targets), count),
        ("t",) * count,
        np.zeros(count),
    )


def test_gathering_takes_the_named_segments_of_each_track_in_order() -> None:
    features = {"a": _features(0, 3), "b": _features(10, 4), "c": _features(20, 1)}
    part = {"b": np.array([0, 3]), "a": np.array([2])}
    examples = gather(features, part, {"a": 1, "b": 4, "c": 0})
    assert examples.inputs["mel"][:, 0, 0].tolist() == [10, 13, 2]
    assert examples.inputs["vector"][:, 0].tolist() == [10, 13, 2]
    assert examples.targets.tolist() == [4, 4, 1]
    assert examples.tracks == ("b", "b", "a")
    assert examples.starts.tolist() == [0, 9, 6]
    assert len(examples) == 3


def test_statistics_are_those_of_each_coefficient_over_examples_and_frames() -> None:
    values = np.random.default_rng(0).normal(-200, 30, (50, 20, 4)) * [1, 2, 3, 0.1]
    statistics = normalisation(_examples(values))["mel"]
    assert statistics.mean == pytest.approx(values.mean(axis=(0, 1)), rel=1e-5)
    assert statistics.variance == pytest.approx(values.var(axis=(0, 1)), rel=1e-5)


def test_statistics_of_vectors_are_those_of_each_entry() -> None:
    values = np.random.default_rng(0).normal(5, 2, (50, 4))
    statistics = normalisation(_examples(values))["mel"]
    assert statistics.mean == pytest.approx(values.mean(axis=0), rel=1e-5)
    assert statistics.variance.shape == (4,)


@pytest.mark.parametrize("constant", [0.0, -80.0, 0.1, -313.37, 1e-5, 12345.678])
@pytest.mark.parametrize("count", [1, 3, 1000, 7777])
def test_a_constant_coefficient_gets_variance_one(constant: float, count: int) -> None:
    values = np.random.default_rng(0).normal(0, 1, (count, 7, 3)).astype(np.float32)
    values[:, :, 1] = constant
    variance = normalisation(_examples(values))["mel"].variance
    assert variance[1] == 1
    assert (variance[[0, 2]] != 1).all()


def test_a_coefficient_with_a_small_spread_keeps_its_own_variance() -> None:
    values = np.random.default_rng(0).normal(1.0, 1e-3, (500, 7, 1))
    variance = normalisation(_examples(values))["mel"].variance
    assert variance == pytest.approx([1e-6], rel=0.1)


def test_class_weights_are_inverse_to_the_frequency_with_mean_one() -> None:
    targets = np.array([0] * 6 + [1] * 3 + [2] * 1)
    weights = class_weights(targets, 3)
    assert weights * np.array([6, 3, 1]) == pytest.approx([10 / 3] * 3)
    assert weights[targets].mean() == pytest.approx(1)


def test_class_weights_of_balanced_data_are_one() -> None:
    assert class_weights(np.arange(12) % 4, 4).tolist() == [1, 1, 1, 1]


def test_an_absent_class_does_not_change_the_weights_of_the_others() -> None:
    targets = np.array([0, 0, 2, 2])
    assert class_weights(targets, 3)[targets].tolist() == [1, 1, 1, 1]


def test_classes_without_an_example_are_named() -> None:
    examples = _examples(np.zeros((4, 2, 2)), targets=(0, 2))
    assert missing_classes(examples, ["blues", "jazz", "rock"]) == ["jazz"]


def test_examples_that_are_read_from_a_file_are_the_same(tmp_path: Path) -> None:
    features = {"a": _features(0, 3), "b": _features(10, 4)}
    part = {"b": np.array([0, 3]), "a": np.array([2])}
    held = gather(features, part, {"a": 1, "b": 0})
    read = gather(features, part, {"a": 1, "b": 0}, tmp_path)
    for name, values in held.inputs.items():
        assert isinstance(read.inputs[name], np.memmap)
        np.testing.assert_array_equal(values, read.inputs[name])
    assert (read.tracks, read.targets.tolist()) == (held.tracks, held.targets.tolist())


def test_statistics_do_not_need_all_examples_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(-200, 30, (50, 20, 4))
    whole = normalisation(_examples(values))["mel"]
    monkeypatch.setattr("genrecls.training.data._CHUNK_BYTES", 3 * 20 * 4 * 4)
    statistics = normalisation(_examples(values))["mel"]
    assert statistics.mean == pytest.approx(whole.mean, rel=1e-12)
    assert statistics.variance == pytest.approx(whole.variance, rel=1e-12)


BLOCKS = [np.full((count, 2, 3), count, np.float32) for count in (1, 4, 2)]


def _filled_buffer(folder: Path | None) -> np.ndarray:
    buffer = ArrayBuffer(7, (2, 3), folder)
    for block in BLOCKS:
        buffer.append(block)
    return buffer.array()


def test_rows_of_a_file_are_those_of_memory(tmp_path: Path) -> None:
    array = _filled_buffer(tmp_path / "new")
    assert isinstance(array, np.memmap)
    np.testing.assert_array_equal(array, _filled_buffer(None))
    np.testing.assert_array_equal(array[[6, 0]], np.stack([BLOCKS[2][0], BLOCKS[0][0]]))


def test_the_file_has_no_name_that_could_be_left_behind(tmp_path: Path) -> None:
    array = _filled_buffer(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert array.sum() > 0


def test_rows_of_a_file_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        _filled_buffer(tmp_path)[0] = 1


def test_a_block_that_is_no_contiguous_piece_of_memory_is_written_right(tmp_path: Path) -> None:
    block = np.arange(24, dtype=np.float32).reshape(4, 3, 2).transpose(0, 2, 1)[::2]
    buffer = ArrayBuffer(2, (2, 3), tmp_path)
    buffer.append(block)
    np.testing.assert_array_equal(buffer.array(), block)


def test_a_full_disk_is_said_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, _: object) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    buffer = ArrayBuffer(500_000, (1000,), tmp_path)
    with pytest.raises(DataError, match=r"No space left.*2\.0 GB.*memory_gb"):
        buffer.append(np.zeros((1, 1000), np.float32))


def test_chunks_are_all_the_rows_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHUNK_BYTES", 3 * 24)
    array = np.arange(48, dtype=np.float32).reshape(8, 6)
    assert [len(chunk) for chunk in chunks(array)] == [3, 3, 2]
    np.testing.assert_array_equal(np.concatenate(chunks(array)), array)


def test_genres_take_turns_until_there_are_enough() -> None:
    genres = [np.array(rows, np.int64) for rows in ([7, 1, 4], [], [2], [5, 3])]
    assert take_turns(genres, 5).tolist() == [7, 2, 5, 1, 3]
    assert take_turns(genres, 9).tolist() == [7, 2, 5, 1, 3, 4]
    assert take_turns([], 3).tolist() == []
