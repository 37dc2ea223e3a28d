from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ExportError
from genrecls.export.convert.front_end import front_end
from genrecls.features.segmentation import SegmentRule
from genrecls.models import tensorflow_setup
from tests.export.exported import RATE, features, music, segment_rule

LENGTH = 4000

Samples = NDArray[np.float32]


@pytest.fixture(scope="module", autouse=True)
def tensorflow() -> None:
    tensorflow_setup.configure_tensorflow()


def _sounds() -> Samples:
    sounds = music(6, LENGTH)
    sounds[1] *= 1e-4
    sounds[2] = 0
    sounds[3] = 0
    sounds[3, 1234] = 1
    return sounds


def _run(spec: Any, sounds: Samples, *, padded: bool = True) -> Samples:
    from ai_edge_litert.interpreter import Interpreter

    content = front_end(spec, sounds.shape[1], padded=padded)
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    (source,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert source["name"] == "audio"
    found = []
    for sound in sounds:
        interpreter.set_tensor(source["index"], sound[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(output["index"])[0])
    return np.asarray(found)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("mel", {}),
        ("mel", {"center": False}),
        ("mel", {"n_fft": 512, "window": "hamming", "mel_scale": "htk", "mel_norm": None}),
        ("mel", {"power": 1, "ref": "max", "top_db": 60.0}),
        ("mel", {"ref": 0.1, "top_db": None, "fmin": 50.0, "fmax": 3000.0}),
        ("mel", {"hop_length": 100}),
        ("mel", {"n_fft": 320, "hop_length": 160}),
        ("mel", {"compression": "log1p"}),
        ("mel", {"compression": "pcen", "power": 1, "pcen_seconds": 0.1}),
        ("mfcc", {}),
        ("mfcc", {"lifter": 22.0}),
        ("mfcc", {"compression": "log1p", "log_gain": 10.0}),
    ],
)
def test_bands_and_coefficients_are_those_of_training(name: str, changes: dict[str, Any]) -> None:
    spec = features(name, **changes)
    sounds = _sounds()
    expected = spec.transform(sounds)[name]
    found = _run(spec, sounds)
    assert found.shape == expected.shape
    # The liftering makes coefficients, and what rounding does to them, up to twelve times as large.
    tolerance = 1e-2 if changes.get("lifter") else 1e-3
    assert np.abs(found - expected).max() < tolerance


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "grey", "size": None},
        {"colour": "grey", "size": [20, 40], "pre_emphasis": 0.97},
        {"colour": "grey", "size": [50, 9]},
        {"colour": "repeat", "size": None},
        {"colour": "jet", "size": [16, 16]},
        {"colour": "viridis", "size": None},
    ],
)
def test_pictures_are_those_of_training(changes: dict[str, Any]) -> None:
    spec = features("mel_image", **changes)
    sounds = _sounds()
    expected = spec.transform(sounds)["picture"]
    found = _run(spec, sounds)
    assert found.shape == expected.shape
    difference = np.abs(found - expected)
    if changes["colour"] in {"grey", "repeat"}:
        assert difference.max() < 1e-4
    else:
        # A value at the edge of two of the 256 colours may be given the other one.
        assert difference.max() < 0.04
        assert (difference > 1e-5).mean() < 1e-3


def test_audio_shorter_than_a_frame_is_one_frame() -> None:
    spec = features("mel", center=True, n_fft=512, hop_length=256)
    sounds = music(2, 100)
    expected = spec.transform(sounds)["mel"]
    assert np.abs(_run(spec, sounds) - expected).max() < 1e-3


def test_frames_cut_from_a_whole_track_see_their_neighbours() -> None:
    # Without `top_db`, which looks at the whole track here and at the segment there.
    spec = features("mel", top_db=None)
    rule: SegmentRule = segment_rule("spectrogram")
    (track,) = music(1, 3 * RATE)
    expected = rule.apply(track, spec).inputs["mel"]
    frames = expected.shape[1]
    length = (frames - 1) * 128 + 256
    padded = np.pad(track, 128)
    windows = [padded[i * frames * 128 :][:length] for i in range(len(expected))]
    whole = [window for window in windows if len(window) == length]
    assert len(whole) >= len(expected) - 1
    found = _run(spec, np.asarray(whole), padded=False)
    assert np.abs(found - expected[: len(whole)]).max() < 1e-3


def test_tables_are_small_enough_for_the_network_to_matter() -> None:
    spec = features("mel", sample_rate=22050, n_fft=2048, hop_length=512, n_mels=128)
    assert len(front_end(spec, 66150, padded=True)) < 140_000


def test_summary_features_have_no_front_end() -> None:
    with pytest.raises(ExportError, match="summary"):
        front_end(features("summary"), LENGTH, padded=True)
