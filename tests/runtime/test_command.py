from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from genrecls.export.formats import Input
from tests.conftest import RunCommand
from tests.export.exported import RATE
from tests.runtime.conftest import Exported
from tests.runtime.packed import song, sound

LIVE = ("predict", "--live-wait", "0.05", "--smooth", "1")

# A shell in the background lets its children ignore Ctrl-C; Python would go on ignoring it.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from genrecls.cli.main import main
raise SystemExit(main())
"""


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _same(lines: Sequence[dict[str, Any]], answer: str, tolerance: float) -> None:
    (file,) = json.loads(answer)
    segments = file["segments"]
    assert [line["start"] for line in lines] == [segment["start"] for segment in segments]
    assert [line["end"] for line in lines] == [segment["end"] for segment in segments]
    for line, segment in zip(lines, segments, strict=True):
        assert line["probabilities"] == pytest.approx(segment["probabilities"], abs=tolerance)
        assert line["genre"] == max(line["probabilities"], key=line["probabilities"].__getitem__)


@pytest.mark.parametrize("rate", [RATE, 22050])
@pytest.mark.parametrize("kind", ["features", "audio"])
@pytest.mark.parametrize("sort", ["cnn", "rnn_bilstm"])
def test_a_finished_wav_gets_the_answers_of_its_segments(
    sort: str,
    kind: Input,
    rate: int,
    tmp_path: Path,
    exported: Exported,
    run_command: RunCommand,
) -> None:
    model = str(exported(sort).file(kind, "float32"))
    heard = str(song(tmp_path / "song.wav", 2.0, rate))
    live = run_command(*LIVE, model, "--live", heard, "--format", "json")
    assert live.status == 0, live.err
    file = run_command("predict", model, heard, "--format", "json")
    _same(_lines(live.out), file.out, 1e-5)


@pytest.mark.tensorflow
def test_a_keras_model_listens_as_well(
    tmp_path: Path, exported: Exported, run_command: RunCommand
) -> None:
    model, heard = str(exported("cnn").keras), str(song(tmp_path / "song.wav"))
    live = run_command(*LIVE, model, "--live", heard, "--format", "json")
    file = run_command("predict", model, heard, "--format", "json")
    _same(_lines(live.out), file.out, 1e-5)


def test_frames_that_see_their_neighbours_do_so_live(
    tmp_path: Path, exported: Exported, run_command: RunCommand
) -> None:
    heard = str(song(tmp_path / "song.wav"))
    words = ("--live", heard, "--format", "json")
    tflite = run_command(*LIVE, *words, str(exported("rnn_lstm").file("features", "float32")))
    audio = run_command(*LIVE, *words, str(exported("rnn_lstm").file("audio", "float32")))
    keras = run_command(*LIVE, *words, str(exported("rnn_lstm").keras))
    assert len(_lines(keras.out)) > 4
    for one in (tflite, audio):
        for line, expected in zip(_lines(one.out), _lines(keras.out), strict=True):
            assert line["end"] == expected["end"]
            found = line["probabilities"]
            assert found == pytest.approx(expected["probabilities"], abs=1e-3)


def test_raw_samples_in_a_pipe_are_heard(
    tmp_path: Path, exported: Exported, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, heard = str(exported("cnn").file("features", "int8")), song(tmp_path / "song.wav")
    stereo = np.stack([sound(2.0)] * 2, axis=1).astype("<f4").tobytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stereo)))
    words = ("--rate", str(RATE), "--channels", "2", "--sample-format", "f32le")
    live = run_command("predict", "--smooth", "1", "--live", "-", *words, model, "--format", "json")
    file = run_command("predict", model, str(heard), "--format", "json")
    # int8 may round a feature the other way: a sample of 16 bits is not quite that of 32.
    _same(_lines(live.out), file.out, 0.05)


def test_a_closed_standard_input_is_one_line(
    exported: Exported, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    model = str(exported("cnn").file("features", "int8"))
    done = run_command("predict", "--live", "-", model)
    assert done.status == 1
    assert "error: --live -: standard input is closed" in done.err
    assert "Traceback" not in done.err


def test_lines_can_be_read_by_people_and_as_csv(
    tmp_path: Path, exported: Exported, run_command: RunCommand
) -> None:
    words = (str(exported("cnn").file("features", "int8")), "--live")
    heard = str(song(tmp_path / "song.wav", 1.02))
    plain = run_command("predict", "--live-wait", "0.05", *words, heard).out.splitlines()
    rows = list(csv.reader(io.StringIO(run_command(*LIVE, *words, heard, "--format", "csv").out)))
    assert [line.split()[:2] for line in plain] == [["0.3", "s"], ["0.7", "s"], ["1.0", "s"]]
    assert rows[0][:4] == ["start", "end", "genre", "probability:blues"]
    assert [row[1] for row in rows[1:]] == ["0.340", "0.680", "1.020"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("song.wav", "--smooth", "2"), "--smooth: it needs --live"),
        (("song.wav", "--rate", "8000"), "--rate: it needs --live"),
        (("song.wav", "--live", "a.wav"), "--live: received files as well"),
        (("--live", "a.wav", "--rate", "8000"), "--rate: the header of a WAV file says it"),
        (("--live", "-", "--live-wait", "3"), "--live-wait: a pipe ends by itself"),
        (("--live", "-", "--rate", "0"), "--rate: it must be above 0"),
        (("--live", "a.wav", "--hop", "nan"), "--hop: it must be above 0"),
        (("--live", "a.wav", "--timeline", "a.png"), "--timeline: it needs files"),
        ((), "expected audio files, folders or --live"),
    ],
)
def test_options_that_contradict_each_other_get_one_line(
    words: Sequence[str], reason: str, run_command: RunCommand
) -> None:
    refused = run_command("predict", *words)
    assert refused.status == 1
    assert reason in refused.error


@pytest.mark.process
def test_ctrl_c_ends_listening_without_an_error(tmp_path: Path, exported: Exported) -> None:
    model, heard = exported("cnn").file("features", "int8"), song(tmp_path / "song.wav")
    command = [sys.executable, "-c", PROGRAM, "predict", str(model)]
    process = subprocess.Popen(
        [*command, "--live", str(heard), "--live-wait", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    guard = threading.Timer(300, process.kill)
    guard.start()
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    guard.cancel()
    assert first.split()[0] == "0.3"
    assert process.returncode == 0
    assert "error" not in errors
    assert "Traceback" not in errors
