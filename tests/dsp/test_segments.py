from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from genrecls.dsp.segments import audio_window, windows
from tests.export.exported import features, music, segment_rule


def test_a_window_of_cut_samples_is_the_segment_itself() -> None:
    spec, rule = features("mel"), segment_rule("audio", 0.5)
    window = audio_window(asdict(spec), asdict(rule))
    assert (window.length, window.hop, window.margin) == (rule.samples(spec.rate), 128, 0)


@pytest.mark.parametrize("changes", [{}, {"hop_length": 100}, {"center": False, "n_fft": 512}])
def test_a_window_of_cut_frames_gives_the_frames_of_the_whole_track(
    changes: dict[str, Any],
) -> None:
    spec, rule = features("mel", top_db=None, **changes), segment_rule("spectrogram", 0.5)
    window = audio_window(asdict(spec), asdict(rule))
    (track,) = music(1, 16_000)
    segments = rule.cover(track, spec)
    starts = np.rint(segments.starts * spec.rate).astype(np.int64)
    cut = windows(np.pad(track, window.margin), starts, window.length)
    bare = features("mel", top_db=None, **{**changes, "center": False})
    found = bare.transform(cut)["mel"]
    assert found.shape == segments.inputs["mel"].shape
    # A last segment beyond the end of the track has other zeros behind it.
    np.testing.assert_allclose(found[:-1], segments.inputs["mel"][:-1], atol=1e-3)
