"""Copies among real tracks: the known ones of GTZAN, and those that are made here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genrecls.dsp.audio import read
from genrecls.dsp.audio_limits import SUFFIXES, AudioLimits
from genrecls.split_audit.fingerprint import RATE, fingerprint
from genrecls.split_audit.near_duplicates import COPY, PART, pairs
from tests.split_audit.copies import COPIES, fingerprints

DATA = os.environ.get("GENRECLS_TEST_DATA")
KNOWN = {("pop.00030", "pop.00031"), ("pop.00056", "pop.00059")}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA, reason="GENRECLS_TEST_DATA is not set"),
]


def files(folder: str) -> list[Path]:
    found = sorted((Path(DATA or "") / folder).rglob("*.*"))
    return [path for path in found if path.suffix.lower() in SUFFIXES]


def test_the_known_copies_of_gtzan_are_found_and_no_others() -> None:
    tracks = files("gtzan")
    prints = [fingerprint(read(path, RATE, AudioLimits())) for path in tracks]
    found = pairs(prints)
    copies = {(tracks[p.first].stem, tracks[p.second].stem) for p in found if p.share >= COPY}
    here = {path.stem for path in tracks}
    assert copies == {pair for pair in KNOWN if here.issuperset(pair)}
    # The rest is a sample that two tracks use; chance stays far below.
    assert sum(PART <= pair.share < COPY for pair in found) <= 1


@pytest.mark.parametrize("kind", ["noise at 20 dB", "all of it"])
def test_every_copy_of_a_real_clip_is_found_and_no_other_pair(kind: str) -> None:
    clips = [*files("fma_small_sample"), *files("gtzan")[::10]]
    sounds = [read(path, RATE, AudioLimits()) for path in clips]
    found = pairs(fingerprints([*sounds, *map(COPIES[kind], sounds)]))
    many = len(sounds)
    copies = {(pair.first, pair.second) for pair in found if pair.share >= COPY}
    assert copies == {(number, many + number) for number in range(many)}
