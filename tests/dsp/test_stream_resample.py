from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.dsp.resample import (
    SincStream,
    StreamResampler,
    resample,
    sinc_resample,
    stream_resampler,
)

RATES = [(44100, 22050), (48000, 22050), (8000, 22050), (11025, 16000)]


def _streamed(
    stream: StreamResampler, samples: NDArray[np.float32], size: int
) -> Iterator[NDArray[np.float32]]:
    for first in range(0, len(samples), size):
        yield stream.push(samples[first : first + size])
    yield stream.finish()


@pytest.mark.parametrize(("rate", "wanted"), [*RATES, (22050, 22050)])
@pytest.mark.parametrize(("count", "size"), [(20_011, 777), (20_011, 30_000), (90, 7)])
def test_blocks_become_what_the_whole_becomes(
    rate: int, wanted: int, count: int, size: int
) -> None:
    samples = np.random.default_rng(0).standard_normal(count).astype(np.float32)
    found = np.concatenate(list(_streamed(stream_resampler(rate, wanted), samples, size)))
    expected = samples if rate == wanted else resample(samples, rate, wanted)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("rate", "wanted"), RATES)
@pytest.mark.parametrize(("count", "size"), [(20_011, 777), (20_011, 30_000), (90, 7)])
def test_without_soxr_too(
    rate: int, wanted: int, count: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soxr", None)
    stream = stream_resampler(rate, wanted)
    assert isinstance(stream, SincStream)
    samples = np.random.default_rng(0).standard_normal(count).astype(np.float32)
    found = np.concatenate(list(_streamed(stream, samples, size)))
    expected = sinc_resample(samples, rate, wanted)
    assert found.shape == expected.shape
    assert found == pytest.approx(expected, abs=1e-5)
