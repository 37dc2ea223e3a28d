"""One pass over the files gives everything, and what cannot be read is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.dsp import audio as audio_module
from genrecls.errors import DataError
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import extract
from genrecls.split_audit.scan import ScanRule, scan
from tests.split_audit.copies import dataset_of, music, rule, spec


def test_a_track_has_statistics_of_each_segment_and_a_digest_of_its_samples(
    tmp_path: Path,
) -> None:
    sound = music(1, 7)
    made = dataset_of(tmp_path, {"a": (sound, "x", None), "b": (sound, "y", None)})
    audio = scan(made, spec(), rule(), FeatureStore(None))
    assert list(audio.recordings) == ["a", "b"]
    assert audio.recordings["a"].statistics.shape == (2, 26)
    assert audio.recordings["a"].digest == audio.recordings["b"].digest
    assert audio.split_input.segment_counts == {"a": 2, "b": 2}
    assert audio.split_input.recordings == {"a": "a", "b": "a"}


def test_bad_and_short_files_are_left_out_with_the_reason(tmp_path: Path) -> None:
    sounds = {"a": (music(1, 4), "x", None), "short": (music(2, 1), "x", None)}
    made = dataset_of(tmp_path, {**sounds, "bad": (music(3, 4), "y", None)})
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    audio = scan(made, spec(), rule(), FeatureStore(None))
    assert {track: reason.code for track, reason in audio.rejected.items()} == {
        "short": "no-segment",
        "bad": "unreadable",
    }
    assert [track.id for track in audio.dataset.tracks] == ["a"]


def test_nothing_usable_is_one_line_with_the_first_reason(tmp_path: Path) -> None:
    made = dataset_of(tmp_path, {"a": (music(1, 1), "x", None)})
    with pytest.raises(DataError, match=r"none of the 1 files .* expected 2.970 s"):
        scan(made, spec(), rule(), FeatureStore(None))


def test_a_table_cannot_be_scanned(tmp_path: Path) -> None:
    made = replace(dataset_of(tmp_path, {"a": (music(1, 3), "x", None)}), medium="table")
    with pytest.raises(DataError, match="has a table of each track; expected audio files"):
        scan(made, spec(), rule(), FeatureStore(None))


def test_a_second_scan_reads_no_audio_and_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounds = {"a": (music(1, 7), "x", None), "short": (music(2, 1), "x", None)}
    made = dataset_of(tmp_path / "audio", {**sounds, "b": (music(3, 4), "y", None)})
    first = scan(made, spec(), rule(), FeatureStore(tmp_path / "cache"))
    original = audio_module.read

    def only_the_short_one(path: Path, *rest: Any) -> Any:
        assert path.stem == "short", "audio was decoded although its entry is in the cache"
        return original(path, *rest)

    monkeypatch.setattr(audio_module, "read", only_the_short_one)
    second = scan(made, spec(), rule(), FeatureStore(tmp_path / "cache"))
    assert list(second.recordings) == list(first.recordings) == ["a", "b"]
    assert second.rejected == first.rejected
    for name, recording in first.recordings.items():
        other = second.recordings[name]
        assert recording.digest == other.digest
        assert len(recording.fingerprint) > 50
        for key, array in (vars(recording) | vars(recording.fingerprint)).items():
            if isinstance(array, np.ndarray):
                again = (vars(other) | vars(other.fingerprint))[key]
                np.testing.assert_array_equal(array, again)
                assert array.dtype == again.dtype


def test_a_scan_and_a_training_do_not_share_entries(tmp_path: Path) -> None:
    made = dataset_of(tmp_path / "audio", {"a": (music(1, 7), "x", None)})
    store = FeatureStore(tmp_path / "cache")
    assert extract(made, spec(), rule(), store).computed == 1
    assert list(scan(made, spec(), rule(), store).recordings) == ["a"]
    assert extract(made, spec(), rule(), store).hits == 1


def test_landmarks_and_statistics_are_those_of_their_revision(tmp_path: Path) -> None:
    """Raise `ScanRule.revision` where this changes: cached scans of before must not be used."""
    made = dataset_of(tmp_path, {"a": (music(1, 7), "x", None)})
    recording = scan(made, spec(), rule(), FeatureStore(None)).recordings["a"]
    assert ScanRule.revision == 1
    assert len(recording.fingerprint) == 197
    np.testing.assert_array_equal(recording.fingerprint.hashes[:3], [2065801, 341576, 2753546])
    expected = [-245.4959, -14.72396, 35.52606]
    np.testing.assert_allclose(recording.statistics[1, [0, 5, 13]], expected, rtol=2e-3)
