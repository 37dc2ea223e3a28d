"""`crnn`: what a step in time is, and how the two halves are joined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genrecls.errors import ConfigError
from tests.models.families import build, family, noise

FRAMES, COEFFICIENTS, CHANNELS = 85, 6, 32


def steps(frames: str) -> Any:
    """Return what the recurrent layers read of a tensor that counts its own places.

    Each value says its frame, coefficient and channel; shape (steps, values, 3).
    """
    import keras

    block = {"filters": 32, "kernel": [1, 1], "stride": [1, 1], "pool": None, "pool_stride": None}
    network = build("crnn", (FRAMES, COEFFICIENTS), conv={"blocks": [block]}, frames=frames)
    reshape = keras.Model(network.get_layer("relu1").output, network.get_layer("frames").output)
    shape = FRAMES, COEFFICIENTS, CHANNELS
    places = np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape)
    result = np.asarray(reshape(places))[0].astype(int)
    return np.stack(np.unravel_index(result, shape), axis=-1)


def test_a_step_is_a_whole_frame_and_nothing_else() -> None:
    places = steps("time")
    assert places.shape == (FRAMES, COEFFICIENTS * CHANNELS, 3)
    assert (places[..., 0] == np.arange(FRAMES)[:, None]).all()


def test_the_published_reshape_mixes_coefficients_and_channels_in_a_step() -> None:
    places = steps("published")
    assert places.shape == (FRAMES * COEFFICIENTS, CHANNELS, 3)
    # Row 0 of frame 0: channels 0 to 4 with all six coefficients, and two of channel 5.
    assert places[0, :, 2].tolist() == [place // 6 for place in range(32)]
    assert places[0, :, 1].tolist() == [place % 6 for place in range(32)]
    for row in places:
        assert len(set(row[:, 1])) == COEFFICIENTS, "no step is one position"
        assert len(set(row[:, 2])) < CHANNELS, "no step has every channel"
    assert (places[:, 0, 0] == np.repeat(np.arange(FRAMES), COEFFICIENTS)).all()


def test_the_published_reshape_is_that_of_the_paper() -> None:
    """Channels first, transposed by Permute((3, 1, 2)), reshaped in C order."""
    shape = CHANNELS, COEFFICIENTS, FRAMES
    places = np.moveaxis(np.indices(shape), 0, -1)
    expected = places.transpose(2, 0, 1, 3).reshape(FRAMES * COEFFICIENTS, CHANNELS, 3)
    assert np.array_equal(steps("published"), expected[..., ::-1])


def test_both_halves_of_a_parallel_network_read_the_picture() -> None:
    import keras

    network = build("crnn", (40, 13), join="parallel")
    halves = [network.get_layer(name).output for name in ("flatten", "lstm1", "join")]
    picture = noise(1, (40, 13))
    convolved, state, joined = keras.Model(network.input, halves)({"mfcc": picture})
    assert np.array_equal(np.asarray(joined), np.concatenate([convolved, state], axis=1))
    alone = keras.Sequential([network.get_layer("lstm1")])(picture)
    assert np.abs(np.asarray(state) - np.asarray(alone)).max() < 1e-6


@pytest.mark.parametrize("changes", [{"frames": "published"}, {"frame_units": 8}])
def test_what_only_a_sequential_network_has_is_refused_in_a_parallel_one(
    changes: dict[str, Any],
) -> None:
    chosen = family("crnn", join="parallel", **changes)
    message = r"^model\.join: received 'parallel' with .*; set frames=time and frame_units=null$"
    with pytest.raises(ConfigError, match=message):
        chosen.check({"mfcc": (130, 13)})


def test_the_dense_layer_of_a_frame_sees_that_frame_alone() -> None:
    import keras

    network = build("crnn", (40, 13), frame_units=5)
    outputs = [network.get_layer(name).output for name in ("frames", "frame_dense")]
    frames, dense = keras.Model(network.input, outputs)({"mfcc": noise(2, (40, 13))})
    layer = network.get_layer("frame_dense")
    expected = np.maximum(np.asarray(frames) @ layer.kernel.numpy() + layer.bias.numpy(), 0)
    assert np.abs(np.asarray(dense) - expected).max() < 1e-5
