from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genrecls.datasets.base import Dataset
from genrecls.dsp import audio
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import extract


def test_an_error_stops_the_rest_of_the_work(
    dataset: Dataset,
    spec_of: Callable[..., Any],
    rule_of: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = tuple(replace(dataset.tracks[0], id=f"{number}") for number in range(2000))
    calls: list[Path] = []

    def failing(path: Path, *_: object) -> None:
        calls.append(path)
        time.sleep(0.01)
        raise ZeroDivisionError

    monkeypatch.setattr(audio, "read", failing)
    with pytest.raises(ZeroDivisionError):
        extract(
            replace(dataset, tracks=many), spec_of("mel"), rule_of(length=1.0), FeatureStore(None)
        )
    assert len(calls) < 1000


@pytest.mark.process
def test_ctrl_c_ends_without_a_hang_and_keeps_what_is_finished(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW_EXTRACTION, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    deadline = time.time() + 300
    while not [*tmp_path.rglob("*.npz")] and time.time() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=300)
    assert out == "interrupted\n"
    kept = list(tmp_path.rglob("*.npz"))
    assert 0 < len(kept) < 100
    assert not [path for path in kept if path.name.startswith(".")]


SLOW_EXTRACTION = """
import sys, time
from pathlib import Path
import signal
import numpy as np
from genrecls.dsp import audio
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import extract
from genrecls.features.mel import Mel
from genrecls.features.segmentation import SegmentRule

folder = Path(sys.argv[1])
# Whoever runs the tests in the background of a shell has Ctrl-C switched off.
signal.signal(signal.SIGINT, signal.default_int_handler)

def slow(path, *_):
    time.sleep(0.1)
    return np.ones(22050, np.float32)

audio.read = slow
paths = [folder / f"{number}.wav" for number in range(1000)]
for number, path in enumerate(paths):
    path.write_text(str(number))
tracks = tuple(Track(path.stem, path, "x") for path in paths)
spec = Mel("mel", 22050, 512, 2048, "hann", True, 2, 16, 0.0, None, "slaney", "slaney", 1.0,
           1e-10, 80.0)
rule = SegmentRule(1.0, None, None, 0.99, "audio")
print("started", flush=True)
try:
    extract(Dataset("d", ("x",), tracks, folder, Provenance("", "", "")), spec, rule,
            FeatureStore(folder / "c"))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
