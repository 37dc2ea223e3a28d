from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.dsp.mel import (
    MelFrontEnd,
    apply_colours,
    bilinear_matrix,
    cosine_basis,
    resize,
)
from genrecls.features.mel_image import colour_table, scaled

RATE = 8000
SETTINGS: dict[str, Any] = {
    "sample_rate": RATE,
    "hop_length": 128,
    "n_fft": 256,
    "window": "hann",
    "center": True,
    "power": 2,
    "n_mels": 40,
    "fmin": 0.0,
    "fmax": None,
    "mel_scale": "slaney",
    "mel_norm": "slaney",
    "ref": 1.0,
    "amin": 1e-10,
    "top_db": 80.0,
}
MFCC = {**SETTINGS, "n_mfcc": 13, "lifter": 22.0}
IMAGE = {**SETTINGS, "ref": "max", "pre_emphasis": 0.97, "size": [20, 24], "colour": "grey"}


def _beats() -> NDArray[np.float32]:
    """Return a second of a tone that is struck four times, shape (1, samples)."""
    time = np.arange(RATE) / RATE
    tone = np.sin(2 * np.pi * 440 * time) + 0.1 * np.sin(2 * np.pi * 2300 * time)
    return np.asarray([0.3 * tone * np.exp(-6 * (4 * time % 1))], np.float32)


@pytest.mark.process
def test_it_needs_nothing_but_numpy() -> None:
    code = (
        "import sys, numpy as np, genrecls.dsp.mel as mel\n"
        f"for settings in {[SETTINGS, MFCC, IMAGE]!r}:\n"
        "    mel.MelFrontEnd.of(settings).transform(np.ones((1, 900), 'f'))\n"
        "other = {'scipy', 'PIL', 'matplotlib', 'librosa', 'tensorflow', 'pydantic', 'soundfile'}\n"
        "assert not other & set(sys.modules), other & set(sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("settings", "rows", "expected"),
    [
        (
            SETTINGS,
            (0, 9, 30),
            [
                [-15.97635, -11.09212, -3.688559],
                [-74.64856, -74.64856, -33.82165],
                [-74.64856, -74.64856, -51.7492],
            ],
        ),
        (
            MFCC,
            (0, 9, 30),
            [
                [-446.4416, -147.3021, 36.0553],
                [-1121.601, -286.9789, 69.48744],
                [-1166.941, -142.5994, 24.36921],
            ],
        ),
        (
            IMAGE,
            (0, 9, 19),
            [
                [0.143952, 0.922717, 0.1658406],
                [0.1094736, 0.5392368, 0.1352477],
                [0.0, 0.4175679, 0.0],
            ],
        ),
    ],
    ids=["mel", "mfcc", "mel image"],
)
def test_the_values_are_those_of_every_earlier_version(
    settings: dict[str, Any], rows: Sequence[int], expected: Sequence[Sequence[float]]
) -> None:
    received = MelFrontEnd.of(settings).transform(_beats())[0]
    np.testing.assert_allclose(received[list(rows), :12:4], expected, rtol=1e-5, atol=1e-4)


def test_the_shape_is_known_before_the_values() -> None:
    for settings in (SETTINGS, MFCC, IMAGE, {**IMAGE, "colour": "repeat", "size": None}):
        front_end = MelFrontEnd.of(settings)
        for count in (0, 100, 900):
            made = front_end.transform(np.ones((2, count), np.float32))
            assert made.shape == (2, *front_end.shape(count))
            assert made.dtype == np.float32


def test_the_blocks_together_are_the_filters() -> None:
    front_end = MelFrontEnd.of(SETTINGS)
    whole = np.zeros_like(front_end.filters)
    for block in front_end.filter_blocks:
        whole[block.mels, block.bins] = block.weights.T
    np.testing.assert_array_equal(whole, front_end.filters)


def test_the_arrays_do_what_the_transform_does() -> None:
    (samples,) = _beats()
    front_end = MelFrontEnd.of(SETTINGS)
    framed = np.lib.stride_tricks.sliding_window_view(np.pad(samples, 128), 256)[::128]
    power = np.abs(np.fft.rfft(framed * front_end.window_samples)) ** 2
    bands = 10 * np.log10(np.maximum(power @ front_end.filters.T, 1e-10))
    bands = np.maximum(bands, bands.max() - 80)
    np.testing.assert_allclose(front_end.transform(samples[None])[0], bands, atol=1e-3)
    mfcc = MelFrontEnd.of(MFCC)
    np.testing.assert_allclose(mfcc.transform(samples[None])[0], bands @ mfcc.basis, atol=1e-2)
    matrices = MelFrontEnd.of(IMAGE).resize_matrices(len(bands))
    assert matrices is not None
    rows, columns = matrices
    np.testing.assert_allclose(
        rows @ bands @ columns.T, resize(bands.astype(np.float32), (20, 24)), rtol=1e-5
    )


def test_a_missing_setting_and_what_cannot_be_are_refused() -> None:
    with pytest.raises(TypeError, match="n_fft"):
        MelFrontEnd.of({name: value for name, value in SETTINGS.items() if name != "n_fft"})
    with pytest.raises(ValueError, match="n_mfcc"):
        _ = MelFrontEnd.of(SETTINGS).basis
    with pytest.raises(ValueError, match="top_db"):
        MelFrontEnd.of({**IMAGE, "top_db": None}).transform(_beats())
    with pytest.raises(ValueError, match="expected the colours of the colour map jet"):
        MelFrontEnd.of({**IMAGE, "colour": "jet"}).transform(_beats())


def test_values_get_the_colours_that_matplotlib_gives_them() -> None:
    from matplotlib import colormaps

    table = colour_table("turbo")
    assert table is not None
    grey = np.asarray([0, 0.1, 0.5, 254.5 / 256, 1], np.float32)
    received = apply_colours(grey, np.asarray(table, np.float32))
    np.testing.assert_allclose(received, colormaps["turbo"](grey)[:, :3], atol=1e-6)


@pytest.mark.parametrize("size", [(7, 5), (30, 5), (100, 100), (31, 64), (1, 1)])
def test_pictures_are_resized_as_pillow_does_it(size: tuple[int, int]) -> None:
    picture = np.asarray(np.random.default_rng(0).random((31, 64)), np.float32)
    np.testing.assert_allclose(resize(picture, size), scaled(picture, size), atol=1e-6)
    np.testing.assert_allclose(bilinear_matrix(64, size[1]).sum(axis=1), 1)


@pytest.mark.parametrize(("here", "there"), [(130, 216), (128, 64), (1292, 224), (31, 8)])
def test_the_matrix_of_a_graph_is_that_of_pillow_to_the_last_bit(here: int, there: int) -> None:
    expected = scaled(np.eye(here, dtype=np.float32), (there, here))
    np.testing.assert_array_equal(bilinear_matrix(here, there).astype(np.float32), expected)


def test_the_cosine_basis_is_orthonormal_and_that_of_scipy() -> None:
    from scipy.fft import dct

    whole = cosine_basis(40, 40, 0)
    np.testing.assert_allclose(whole @ whole.T, np.eye(40), atol=1e-12)
    expected = dct(np.eye(40), type=2, norm="ortho", axis=-1)
    np.testing.assert_allclose(cosine_basis(40, 13, 0), expected[:, :13], atol=1e-12)
