"""How many segments the rules of the published presets make of GTZAN."""

from __future__ import annotations

import csv
import os
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from genrecls.datasets.gtzan_facts import gtzan_facts
from genrecls.experiment.experiment import Experiment, parse
from genrecls.splits.base import PARTS
from tests.composed import composed

DATA = os.environ.get("GENRECLS_TEST_DATA", "")
BROKEN = "jazz.00054"
"""The track whose file in the Kaggle copy is damaged."""


@cache
def preset(name: str) -> Experiment:
    return parse(composed("train", f"experiment={name}"))


@cache
def pieces(name: str, samples: int) -> tuple[int, ...]:
    """Return the shape of what a preset makes of a track: segments, frames, coefficients."""
    experiment = preset(name)
    found = experiment.segment.apply(np.zeros(samples, np.float32), experiment.features)
    return found.inputs["mfcc"].shape


# GTZAN's tracks have 660,000 to 675,808 samples, most of them 661,794.
@pytest.mark.parametrize(
    ("samples", "velardo", "carnaghi"),
    [
        (661_794, 10, 5),
        (675_808, 10, 5),
        (661_500, 10, 5),
        (661_398, 10, 5),  # the tenth piece has 66,048 samples: 130 frames
        (661_397, 9, 5),  # 129 frames
        (660_000, 9, 5),  # 1290 frames
    ],
)
def test_a_track_is_cut_as_the_documents_count(samples: int, velardo: int, carnaghi: int) -> None:
    assert pieces("khamees2021_cnn50", samples) == (velardo, 130, 13)
    assert pieces("carnaghi2022_cnn", samples) == (carnaghi, 258, 13)


def test_a_picture_gives_five_strips() -> None:
    experiment = preset("steiner2023_rnn")
    found = experiment.segment.apply(np.zeros((336, 218), np.float32), experiment.features)
    assert 999 * len(found) == 4995


@pytest.fixture(scope="module")
def lengths() -> dict[str, int]:
    """Samples of each of the 1000 tracks."""
    with Path(DATA, "gtzan_kaggle", "features_30_sec.csv").open(newline="") as stream:
        rows = csv.DictReader(stream)
        return {row["filename"].removesuffix(".wav"): int(row["length"]) for row in rows}


@pytest.mark.real_data
@pytest.mark.skipif(not DATA, reason="GENRECLS_TEST_DATA is not set")
@pytest.mark.parametrize(
    ("name", "whole", "without_broken", "fault_filtered"),
    [
        ("khamees2021_cnn50", 9996, 9986, (4428, 1968, 2900)),
        ("carnaghi2022_cnn", 5000, 4995, (2215, 985, 1450)),
    ],
)
def test_the_real_tracks_give_as_many_segments_as_counted(
    name: str,
    whole: int,
    without_broken: int,
    fault_filtered: tuple[int, ...],
    lengths: dict[str, int],
) -> None:
    counts = {track: pieces(name, samples)[0] for track, samples in lengths.items()}
    assert len(counts) == 1000
    assert sum(counts.values()) == whole
    assert whole - counts[BROKEN] == without_broken
    parts: Counter[str] = Counter()
    for track, part in gtzan_facts().fault_filtered.items():
        parts[part] += counts[track]
    assert tuple(parts[part] for part in PARTS) == fault_filtered
