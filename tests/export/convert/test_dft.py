"""The spectrum by matrix products."""

from __future__ import annotations

import numpy as np
import pytest

from genrecls.export.convert.dft import FourStep, four_step
from genrecls.models import tensorflow_setup


@pytest.mark.tensorflow
@pytest.mark.parametrize("length", [16, 30, 62, 400, 1024, 1500, 2048])
def test_it_is_the_fourier_transform_of_any_length(length: int) -> None:
    tensorflow_setup.configure_tensorflow()
    frames = np.random.default_rng(length).normal(size=(5, length)).astype(np.float32)
    found = np.asarray(four_step(length).power(frames))
    expected = np.abs(np.fft.rfft(frames.astype(np.float64))) ** 2
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 2e-6 * expected.max()


@pytest.mark.tensorflow
@pytest.mark.parametrize("way", [FourStep(1, 24), FourStep(24, 1), FourStep(4, 6), FourStep(6, 4)])
def test_every_way_to_take_frames_apart_gives_the_same(way: FourStep) -> None:
    tensorflow_setup.configure_tensorflow()
    frames = np.random.default_rng(0).normal(size=(3, 24)).astype(np.float32)
    expected = np.abs(np.fft.rfft(frames.astype(np.float64))) ** 2
    assert np.allclose(way.power(frames), expected, atol=1e-5 * expected.max())


def test_the_cheapest_way_is_far_cheaper_than_one_large_matrix() -> None:
    assert four_step(2048).products < FourStep(2048, 1).products / 10


def test_a_prime_length_is_one_matrix() -> None:
    assert four_step(31).products == min(FourStep(31, 1).products, FourStep(1, 31).products)
