"""The inputs that exported files are compared on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest

from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.segments import SegmentGrid
from genrecls.export.verify.held_out import HeldOut
from genrecls.training.data import Examples
from tests.runtime.packed import song
from tests.runtime.toy_classifier import RATE, RULE, SPEC


@pytest.mark.parametrize("seconds", [0.2, 1.7])
@pytest.mark.parametrize("source", ["audio", "spectrogram"])
def test_a_file_that_takes_audio_hears_of_a_track_what_training_heard(
    source: Literal["audio", "spectrogram"], seconds: float, tmp_path: Path
) -> None:
    rule = replace(RULE, source=source, short_tracks="repeat")
    track: Any = SimpleNamespace(id="t", path=song(tmp_path / "t.wav", seconds, RATE))
    dataset: Any = SimpleNamespace(tracks=(track,), limits=AudioLimits())
    segments = rule.apply(SPEC.read(track, dataset.limits), SPEC)
    count = len(segments)
    examples = Examples(segments.inputs, np.zeros(count, np.int64), ("t",) * count, segments.starts)
    window = SegmentGrid.of(vars(SPEC), vars(rule)).window
    network: Any = SimpleNamespace(inputs={"audio": ()})
    held_out = HeldOut({"test": examples}, dataset, SPEC, rule, window)
    (batch,) = held_out.inputs(network, examples)
    # Neighbours are in the window of a frame of the whole track.
    alone = replace(SPEC, center=source == "audio")
    assert alone.transform(batch["audio"])["mel"] == pytest.approx(segments.inputs["mel"], abs=1e-3)
