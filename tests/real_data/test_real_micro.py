"""Real tracks through the compiled C++ front end and TensorFlow Lite Micro, against `predict`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from genrecls.export.verify import micro
from genrecls.shipped.models import shipped_file
from scripts.device_table import compare
from tests.in_process import run_here

DATA = os.environ.get("GENRECLS_TEST_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.process,
    pytest.mark.tensorflow,
    pytest.mark.skipif(not DATA, reason="GENRECLS_TEST_DATA is not set"),
    pytest.mark.skipif(shutil.which("g++") is None, reason="no g++"),
    pytest.mark.skipif(not micro.available(), reason="tflite-micro is for Python 3.11"),
    pytest.mark.usefixtures("without_figures"),
]


def tracks(count: int) -> list[Path]:
    """Return so many tracks of each genre."""
    genres = sorted(Path(DATA, "gtzan").resolve().iterdir())
    return [track for genre in genres for track in sorted(genre.iterdir())[:count]]


def exported(model: str, folder: Path) -> Path:
    """Return the int8 file of a shipped model, or of one that learns for a moment."""
    if shipped := shipped_file(f"{model}_int8"):
        return shipped
    export = folder / "outputs" / model / "latest" / "export"
    with FileLock(f"{folder}.lock"):
        for track in tracks(8):
            place = folder / "tracks" / track.parent.name / track.name
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                place.symlink_to(track)
        if not export.exists():
            output = f"output_root=outputs/{model}"
            data = ("dataset=gtzan", "dataset.root=tracks", "trainer.epochs=4")
            # On mel bands two LSTMs drift apart by up to 4 steps; docs/how_to/microcontroller.md.
            features = "features=mel_64" if model == "cnn" else "features=mfcc"
            answer = run_here(folder, "train", f"model={model}", features, *data, output)
            assert answer.status == 0, answer.err
            # What it scores is nothing here.
            bounds = [
                f"gate.int8.{bound}=null" for bound in ("difference", "decisions", "accuracy")
            ]
            formats = ("modes=[int8]", "inputs=[features]")
            answer = run_here(folder, "export", "--tflite", *formats, *bounds, output)
            assert answer.status == 0, answer.err
    return export / "features_int8.tflite"


@pytest.mark.parametrize("model", ["cnn", "rnn", "crnn_micro", "best_small", "best_tiny"])
def test_a_device_hears_the_genre_that_predict_says_in_every_segment(
    model: str, tmp_path: Path, shared_folder: Path, tensorflow: None
) -> None:
    found = compare(exported(model, shared_folder / "real_micro"), tracks(1), tmp_path)
    assert found.segments >= 60
    assert found.genres > 3
    assert found.same_genre == found.segments
    # The two front ends may round an input that is between two steps to different sides, and an
    # LSTM carries the difference on: how far depends on its weights, and these on the machine.
    alike = 0.9 if model in {"rnn", "crnn_micro"} else 0.99
    assert found.alike >= alike * found.segments
    assert found.steps <= 4
