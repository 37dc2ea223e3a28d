from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.training.augment import augmenter
from tests.training.toys import augment_settings

COUNT, FRAMES, BANDS, GENRES = 64, 40, 20, 5
FILL = 1e6 + np.arange(BANDS, dtype=np.float32)


def _numbered(count: int = COUNT) -> NDArray[np.float32]:
    """Return pictures of which each frame says which example and which frame it is."""
    marks = 1000.0 * np.arange(count)[:, None, None] + np.arange(FRAMES)[None, :, None]
    return np.broadcast_to(marks, (count, FRAMES, BANDS)).astype(np.float32)


def _one_hot(count: int = COUNT) -> NDArray[np.float32]:
    return np.eye(GENRES, dtype=np.float32)[np.arange(count) % GENRES]


def _run(
    inputs: dict[str, NDArray[np.float32]],
    targets: NDArray[np.float32],
    *,
    seed: tuple[int, int] = (11, 3),
    fill: NDArray[np.float32] = FILL,
    **changes: Any,
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
    import tensorflow as tf

    change = augmenter(augment_settings(**changes), dict.fromkeys(inputs, fill))
    tensors = {name: tf.constant(values) for name, values in inputs.items()}
    result, soft = change(tensors, tf.constant(targets), tf.constant(seed))
    return {name: values.numpy() for name, values in result.items()}, soft.numpy()


def _picture(*, seed: tuple[int, int] = (11, 3), **changes: Any) -> NDArray[np.float32]:
    return _run({"mel": _numbered()}, _one_hot(), seed=seed, **changes)[0]["mel"]


def _masked(axis: str, count: int, share: float) -> NDArray[np.float32]:
    changes: dict[str, Any] = {f"{axis}_masks": count, f"{axis}_mask_share": share}
    return _picture(**changes)


def test_nothing_happens_when_everything_is_off() -> None:
    changed, soft = _run({"mel": _numbered()}, _one_hot())
    assert np.array_equal(changed["mel"], _numbered())
    assert np.array_equal(soft, _one_hot())
    assert not augment_settings().active


@pytest.mark.parametrize(
    "changes",
    [
        {"mixup": 0.3},
        {"mixup": 0.3, "mixup_chance": 0.5},
        {"crop": 0.5},
        {"time_masks": 2},
        {"roll": 0.5},
        {"gain": 6.0},
        {"mixstyle": 0.4},
    ],
)
def test_the_same_seed_gives_the_same_and_another_seed_something_else(
    changes: dict[str, Any],
) -> None:
    assert augment_settings(**changes).active
    first = _picture(**changes)
    assert np.array_equal(first, _picture(**changes))
    assert not np.array_equal(first, _picture(seed=(11, 4), **changes))
    assert not np.array_equal(first, _picture(seed=(12, 3), **changes))


def test_mixup_keeps_the_sum_of_every_target_and_mixes_mirrored_examples() -> None:
    result, soft = _run({"mel": _numbered()}, _one_hot(), mixup=0.4)
    assert soft.sum(axis=1) == pytest.approx(np.ones(COUNT), abs=1e-6)
    weight = soft[np.arange(COUNT), np.arange(COUNT) % GENRES]
    mirrored = _one_hot()[::-1]
    different = (_one_hot() * mirrored).sum(axis=1) == 0
    assert different.sum() > COUNT / 2
    assert (weight[different] >= 0.5).all(), "the example itself prevails"
    assert weight[different].min() < 0.9, "something is mixed"
    shaped = weight[different, None, None].astype(np.float64)
    expected = shaped * _numbered()[different] + (1 - shaped) * _numbered()[::-1][different]
    assert result["mel"][different] == pytest.approx(expected, rel=1e-4, abs=0.1)


def test_mixup_weights_follow_the_beta_distribution_of_its_alpha() -> None:
    count = 6000
    targets = np.zeros((count, GENRES), np.float32)
    targets[: count // 2, 0] = targets[count // 2 :, 1] = 1
    zeros = {"vector": np.zeros((count, 1), np.float32)}
    for alpha in (0.2, 1.0):
        weight = _run(zeros, targets, mixup=alpha)[1].max(axis=1)
        rng = np.random.default_rng(0)
        draws = rng.beta(alpha, alpha, 200_000)
        expected = np.maximum(draws, 1 - draws)
        assert weight.mean() == pytest.approx(expected.mean(), abs=0.01)
        assert weight.std() == pytest.approx(expected.std(), abs=0.01)


@pytest.mark.parametrize("alpha", [1e-3, 1e3])
def test_the_least_and_the_largest_alpha_make_no_broken_number(alpha: float) -> None:
    result, _ = _run({"mel": _numbered()}, _one_hot(), mixup=alpha, mixstyle=alpha)
    assert np.isfinite(result["mel"]).all()


def test_a_tiny_alpha_mixes_hardly_and_makes_no_broken_number() -> None:
    result, soft = _run({"mel": _numbered()}, _one_hot(), mixup=1e-3)
    assert np.isfinite(result["mel"]).all()
    assert soft == pytest.approx(_one_hot(), abs=1e-3)


def test_a_batch_of_one_mixed_with_itself_stays_as_it_is() -> None:
    result, soft = _run({"mel": _numbered(1)}, _one_hot(1), mixup=0.4)
    assert result["mel"] == pytest.approx(_numbered(1), abs=1e-4)
    assert soft == pytest.approx(_one_hot(1))


@pytest.mark.parametrize(("key", "axis"), [("time", 1), ("frequency", 2)])
@pytest.mark.parametrize("share", [0.1, 0.15, 0.5])
def test_a_mask_is_one_stretch_of_the_mean_no_wider_than_its_share(
    key: str, axis: int, share: float
) -> None:
    changed = _masked(key, 1, share)
    covered = changed == FILL[None, None, :]
    lines = covered.all(axis=3 - axis)
    assert np.array_equal(covered, np.broadcast_to(np.expand_dims(lines, 3 - axis), covered.shape))
    assert np.array_equal(changed[~covered], _numbered()[~covered])
    length = lines.shape[1]
    widths = lines.sum(axis=1)
    starts = np.diff(lines.astype(int), axis=1, prepend=0) == 1
    assert (starts.sum(axis=1) <= 1).all(), "one stretch at most"
    assert widths.max() <= round(share * length)
    assert widths.max() >= round(share * length) - 1, "the widest is reached, or nearly"
    assert len(set(widths.tolist())) > 1, "widths vary"


def test_masks_reach_both_ends_of_the_axis() -> None:
    covered = _picture(time_masks=1, time_mask_share=0.5)[:, :, 0] == FILL[0]
    assert covered[:, 0].any()
    assert covered[:, -1].any()


def test_masks_of_both_axes_differ_from_example_to_example() -> None:
    result = _picture(time_masks=2, frequency_masks=2, time_mask_share=0.3)
    patterns = {(picture == FILL[None, :]).tobytes() for picture in result}
    assert len(patterns) > COUNT / 2


@pytest.mark.parametrize("key", ["time", "frequency"])
def test_a_mask_of_the_share_zero_covers_nothing(key: str) -> None:
    changed = _masked(key, 3, 0.0)
    assert np.array_equal(changed, _numbered())


@pytest.mark.parametrize(("crop", "kept"), [(0.75, 30), (0.5, 20), (0.01, 1)])
def test_a_crop_keeps_contiguous_frames_and_repeats_them(crop: float, kept: int) -> None:
    result = _picture(crop=crop)
    frames = result[:, :, 0] - 1000.0 * np.arange(COUNT)[:, None]
    offsets = frames[:, 0]
    expected = offsets[:, None] + np.arange(FRAMES)[None, :] % kept
    assert np.array_equal(frames, expected)
    assert offsets.min() >= 0
    assert offsets.max() <= FRAMES - kept
    assert len(set(offsets.tolist())) > 5, "examples are cropped at different places"
    assert np.array_equal(result, np.broadcast_to(result[:, :, :1], result.shape))


def test_crops_begin_at_every_possible_place() -> None:
    starts = {
        int(start)
        for seed in range(8)
        for start in _picture(seed=(seed, 0), crop=0.9)[:, 0, 0] - 1000.0 * np.arange(COUNT)
    }
    assert starts == set(range(FRAMES - 36 + 1))


def test_a_picture_in_colour_is_masked_and_cropped_in_all_channels_alike() -> None:
    channels = 3
    colour = np.repeat(_numbered()[..., None], channels, axis=-1)
    settings: dict[str, Any] = {"time_masks": 1, "time_mask_share": 0.3, "crop": 0.8}
    result, _ = _run({"picture": colour}, _one_hot(), fill=FILL[:channels], **settings)
    picture = result["picture"]
    covered = picture == FILL[:channels]
    assert covered.any()
    assert np.array_equal(covered.any(axis=-1), covered.all(axis=-1))
    assert (picture[~covered.any(axis=-1)] != colour[~covered.any(axis=-1)]).any(), "cropped"


@pytest.mark.parametrize("rank", [1, 2])
def test_inputs_that_are_no_pictures_are_neither_cropped_nor_masked(rank: int) -> None:
    shape = (COUNT, 6)[:rank]
    other = np.random.default_rng(0).random(shape).astype(np.float32)
    result, _ = _run({"other": other}, _one_hot(), time_masks=2, frequency_masks=2, crop=0.5)
    assert np.array_equal(result["other"], other)
    mixed, soft = _run({"other": other}, _one_hot(), mixup=0.4)
    assert mixed["other"].shape == shape
    assert not np.array_equal(mixed["other"], other)
    assert soft.sum(axis=1) == pytest.approx(np.ones(COUNT), abs=1e-6)


def test_what_inputs_without_frames_make_idle_is_told() -> None:
    settings = augment_settings(time_masks=2, crop=0.5, mixup=0.4)
    assert settings.without_effect([(57,)]) == ("time_masks", "crop")
    assert settings.without_effect([(57,), (43, 13)]) == ()
    assert augment_settings(mixup=0.4).without_effect([(57,)]) == ()


def test_all_inputs_of_an_example_are_mixed_with_the_same_weight() -> None:
    vector = 1000.0 * np.arange(COUNT, dtype=np.float32)[:, None]
    result, _ = _run({"mel": _numbered(), "vector": vector}, _one_hot(), mixup=0.4)
    assert result["mel"][:, 0, 0] == pytest.approx(result["vector"][:, 0], rel=1e-5, abs=0.01)


def test_mixup_with_a_chance_leaves_the_other_examples_as_they_are() -> None:
    count = 2000
    zeros = {"vector": np.zeros((count, 1), np.float32)}
    targets = np.zeros((count, GENRES), np.float32)
    targets[: count // 2, 0] = targets[count // 2 :, 1] = 1
    _, soft = _run(zeros, targets, mixup=1.0, mixup_chance=0.25)
    assert (soft.max(axis=1) < 1).mean() == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize(("share", "farthest"), [(0.25, 10), (1.0, 40)])
def test_a_roll_moves_all_frames_round_and_no_farther_than_its_share(
    share: float, farthest: int
) -> None:
    moves = set()
    for seed in range(8):
        frames = _picture(seed=(seed, 0), roll=share)[:, :, 7] - 1000.0 * np.arange(COUNT)[:, None]
        for row in frames.astype(int):
            assert np.array_equal(row, np.roll(np.arange(FRAMES), -row[0]))
            moves.add(min(row[0], FRAMES - row[0], key=abs))
    assert max(moves) == min(farthest, FRAMES // 2)
    assert 0 in moves


def test_a_gain_adds_one_number_to_all_of_an_example() -> None:
    change = _picture(gain=6.0) - _numbered()
    assert np.abs(change - change[:, :1, :1]).max() < 0.01, "rounding at 60,000"
    gains = change[:, 0, 0]
    assert gains.min() < -4
    assert gains.max() > 4
    assert np.abs(gains).max() <= 6.01


def test_styles_are_mixed_band_by_band_and_the_course_over_time_stays() -> None:
    rng = np.random.default_rng(0)
    levels = rng.normal(scale=20, size=(COUNT, 1, BANDS))
    values = (levels + rng.normal(size=(COUNT, FRAMES, BANDS))).astype(np.float32)
    result = _run({"mel": values}, _one_hot(), mixstyle=0.6, mixstyle_chance=0.5)[0]["mel"]
    changed = ~np.isclose(result, values, atol=1e-2).all(axis=(1, 2))
    assert 0.3 < changed.mean() < 0.7

    def course(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        centred = pictures - pictures.mean(axis=1, keepdims=True)
        return np.asarray(centred / pictures.std(axis=1, keepdims=True))

    assert course(result) == pytest.approx(course(values), abs=1e-2)
    # What a band gets lies between two examples, with one weight for all bands of an example.
    style, own = result.mean(axis=1)[changed], values.mean(axis=1)
    for mixed, first in zip(style, own[changed], strict=True):
        steps = own - first
        weights = steps @ (mixed - first) / np.maximum((steps**2).sum(axis=1), 1e-9)
        distances = np.abs(first + weights[:, None] * steps - mixed).max(axis=1)
        assert distances.min() < 1e-2
        assert -1e-3 <= weights[distances.argmin()] <= 1 + 1e-3


def test_a_silent_band_stays_a_number_when_styles_are_mixed() -> None:
    silent = np.zeros((COUNT, FRAMES, BANDS), np.float32)
    silent[::2] += np.arange(FRAMES, dtype=np.float32)[None, :, None]
    assert np.isfinite(_run({"mel": silent}, _one_hot(), mixstyle=0.5)[0]["mel"]).all()
