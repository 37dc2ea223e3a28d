from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from genrecls.dsp.audio import read
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.votes import decide
from genrecls.errors import ModelFileError, RunError
from genrecls.inference.files import load_classifier
from genrecls.runtime.container import pack, unpack
from genrecls.runtime.tflite_predictor import load_tflite
from tests.export.exported import RATE
from tests.runtime.packed import Packed, song
from tests.runtime.toy_classifier import RATE as TOY_RATE
from tests.runtime.toy_classifier import toy_classifier

Exported = Callable[[str], Packed]

# Cut by samples, and by frames.
SORTS = ("cnn", "cnn_elu", "rnn_lstm")


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("seconds", [0.2, 0.34, 2.0, 25.0])
def test_a_file_is_answered_as_by_keras(
    sort: str, seconds: float, exported: Exported, tmp_path: Path
) -> None:
    files = exported(sort)
    path = song(tmp_path / "song.wav", seconds)
    expected = load_classifier(files.keras).classify(path)
    found = load_tflite(files.file("features", "float32")).classify(path)
    assert found.error is None
    assert found.decision == expected.decision
    np.testing.assert_allclose(found.segments, expected.segments, atol=1e-4)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-4)
    np.testing.assert_allclose(found.starts, expected.starts, atol=1e-12)
    np.testing.assert_allclose(found.ends, expected.ends, atol=1e-12)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("seconds", [0.2, 2.0])
def test_both_inputs_answer_alike(
    sort: str, seconds: float, exported: Exported, tmp_path: Path
) -> None:
    path = song(tmp_path / "song.wav", seconds, rate=2 * RATE)
    features, audio = (
        load_tflite(exported(sort).file(kind, "float32")).classify(path)
        for kind in ("features", "audio")
    )
    np.testing.assert_array_equal(audio.starts, features.starts)
    np.testing.assert_array_equal(audio.ends, features.ends)
    # Cut by frames, a level relative to the loudest is that of the segment, not of the track.
    tolerance = 1e-3 if sort == "cnn" else 0.05
    np.testing.assert_allclose(audio.segments, features.segments, atol=tolerance)


@pytest.mark.parametrize("sort", ["mlp", "cnn_mlp"])
def test_summary_features_are_computed_where_librosa_is(
    sort: str, exported: Exported, tmp_path: Path
) -> None:
    path = song(tmp_path / "song.wav", 1.0)
    expected = load_classifier(exported(sort).keras).classify(path)
    found = load_classifier(exported(sort).file("features", "float32")).classify(path)
    np.testing.assert_allclose(found.segments, expected.segments, atol=1e-4)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("kind", ["features", "audio"])
def test_windows_are_answered_like_the_segments_of_a_file(
    sort: str, kind: Any, exported: Exported, tmp_path: Path
) -> None:
    classifier = load_tflite(exported(sort).file(kind, "float32"))
    path = song(tmp_path / "song.wav", 1.5)
    expected = classifier.classify(path)
    padded = np.pad(read(path, RATE, AudioLimits()), (classifier.grid.window.margin, 2 * RATE))
    starts = np.rint(expected.starts * RATE).astype(int)
    cut = np.stack([padded[start : start + classifier.grid.window.length] for start in starts])
    received = classifier.probabilities(cut.astype(np.float32))
    tolerance = 1e-4 if sort == "cnn" else 0.05
    np.testing.assert_allclose(received, expected.segments, atol=tolerance)


def test_an_int8_file_decides_like_its_float_one(exported: Exported, tmp_path: Path) -> None:
    path = song(tmp_path / "song.wav", 3.0)
    answers = [
        load_tflite(exported("cnn").file("features", mode)).classify(path)
        for mode in ("float32", "float16", "dynamic", "int8")
    ]
    for found in answers:
        np.testing.assert_allclose(found.segments, answers[0].segments, atol=0.15)


def test_a_bad_file_gives_its_reason(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no music")
    classifier = load_tflite(exported("cnn").file("features", "float32"))
    assert str(classifier.classify(tmp_path / "text.wav").error).startswith("unreadable: ")
    assert str(classifier.classify(tmp_path / "absent.wav").error).startswith("missing: ")


def test_it_says_how_far_it_can_be_trusted_in_the_words_of_keras(exported: Exported) -> None:
    files = exported("cnn")
    keras = load_classifier(files.keras)
    for kind in ("features", "audio"):
        found = load_tflite(files.file(kind, "float32"))
        title = f"model {found.description.run}"
        assert str(found.description).replace(f" ({kind} float32)", "") == str(keras.description)
        assert str(found.description).startswith(f"{title} ({kind} float32): accuracy ")
        assert found.description.about == keras.description.about
        assert found.labels == keras.labels


def _changed(source: Path, path: Path, **changes: Any) -> Path:
    flatbuffer, card = unpack(source)
    path.write_bytes(pack(flatbuffer, {**card, **changes}))
    return path


def test_the_vote_of_the_card_decides(exported: Exported, tmp_path: Path) -> None:
    source = exported("cnn").file("features", "float32")
    path = song(tmp_path / "song.wav", 6)
    for vote in ("mean", "majority"):
        changed = load_tflite(_changed(source, tmp_path / "model.tflite", vote=vote))
        found = changed.classify(path)
        assert found.decision == decide(found.segments, vote)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": None},
        {"features": {"name": "mel"}},
        {"features": []},
        {"segment": {}},
        {"test": {}},
        {"inputs": None},
        {"split": 1, "leaks": 3},
    ],
)
def test_a_card_that_makes_no_sense_is_one_line(
    changes: dict[str, Any], exported: Exported, tmp_path: Path
) -> None:
    source = exported("cnn").file("features", "float32")
    with pytest.raises(ModelFileError, match="its description cannot be understood") as error:
        load_tflite(_changed(source, tmp_path / "model.tflite", **changes))
    assert "\n" not in str(error.value)


def test_a_card_of_another_network_is_refused(exported: Exported, tmp_path: Path) -> None:
    source = exported("cnn").file("features", "float32")
    with pytest.raises(ModelFileError, match="it takes mfcc but its description says mel"):
        load_tflite(_changed(source, tmp_path / "model.tflite", inputs={"mel": {}}))


def test_a_card_with_other_labels_is_refused(exported: Exported, tmp_path: Path) -> None:
    source = exported("cnn").file("features", "float32")
    with pytest.raises(ModelFileError, match="4 outputs but 2 labels"):
        load_tflite(_changed(source, tmp_path / "model.tflite", labels=["a", "b"]))


def test_a_model_of_published_pictures_takes_no_audio(exported: Exported, tmp_path: Path) -> None:
    source = exported("cnn").file("features", "float32")
    published = {"name": "kaggle_picture", "size": None, "table": False}
    changed = _changed(source, tmp_path / "model.tflite", features=published)
    with pytest.raises(RunError, match="no audio; train with features"):
        load_tflite(changed)


@pytest.mark.parametrize(("level", "silent"), [(-60, False), (-80, True)])
def test_what_is_too_quiet_to_be_heard_is_answered_as_silence(
    level: float, silent: bool, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).standard_normal(2 * TOY_RATE)
    path = tmp_path / "quiet.wav"
    samples = 10 ** (level / 20) * noise
    soundfile.write(path, samples, TOY_RATE, subtype="FLOAT")
    result = toy_classifier().classify(path)
    expected = "silent: its level is -80 dB of full scale, below -70" if silent else None
    assert result.error == expected
