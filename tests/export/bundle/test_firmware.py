"""The C++ project of an exported file alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genrecls.errors import ExportError
from genrecls.export.bundle.firmware import read_project, write_firmware
from genrecls.export.verify import micro
from genrecls.runtime.container import pack, unpack
from genrecls.runtime.network import Network
from genrecls.shipped.models import shipped_file
from tests.runtime.handmade import CARD, exported_file


def shipped(name: str) -> Path:
    """Return a file that is there without a training."""
    file = shipped_file(name)
    assert file is not None
    return file


@pytest.mark.process
@pytest.mark.skipif(not micro.available(), reason="tflite-micro is for Python 3.11")
def test_the_project_of_a_shipped_file_is_proved_by_running_it(tmp_path: Path) -> None:
    project = read_project(shipped("best_tiny_int8"))
    assert project.measured
    assert project.audio is not None
    network = Network(project.flatbuffer, delegates=False)
    answers = network.raw_outputs(project.audio.features)
    assert np.abs(project.outputs.astype(int) - answers).max() <= micro.STEPS
    write_firmware(tmp_path / "firmware", project)
    header = (tmp_path / "firmware" / "src" / "genrecls.h").read_text(encoding="utf-8")
    assert header.startswith("/* best_tiny, features int8:")
    assert "GENRECLS_GENRES 10" in header
    with pytest.raises(ExportError, match="it is there already"):
        write_firmware(tmp_path / "firmware", project)


def test_without_the_interpreter_the_arena_is_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro, "available", lambda: False)
    assert not read_project(shipped("best_tiny_int8")).measured


def test_what_no_microcontroller_can_do_is_one_line(tmp_path: Path) -> None:
    samples = exported_file(tmp_path / "audio.tflite", {**CARD, "input": "audio"})
    with pytest.raises(ExportError, match="takes audio, and the C\\+\\+ project computes"):
        read_project(samples)
    flatbuffer, card = unpack(shipped("best_tiny"))
    longer = {**card, "features": {**card["features"], "n_fft": 2000}}
    (tmp_path / "odd.tflite").write_bytes(pack(flatbuffer, longer))
    with pytest.raises(ExportError, match="n_fft=2048"):
        read_project(tmp_path / "odd.tflite")


def test_what_the_interpreter_refuses_has_no_project(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ExportError("TensorFlow Lite Micro refuses the network")

    monkeypatch.setattr(micro, "available", lambda: True)
    monkeypatch.setattr(micro, "run", fail)
    with pytest.raises(ExportError, match=r"best_tiny_int8\.tflite: TensorFlow Lite Micro refuses"):
        read_project(shipped("best_tiny_int8"))
