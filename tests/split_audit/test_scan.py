"""One pass over the files gives everything, and what cannot be read is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from genrecls.errors import DataError
from genrecls.split_audit.scan import listen
from tests.split_audit.copies import dataset_of, music, rule, spec


def test_a_track_has_statistics_of_each_segment_and_a_digest_of_its_samples(
    tmp_path: Path,
) -> None:
    sound = music(1, 7)
    made = dataset_of(tmp_path, {"a": (sound, "x", None), "b": (sound, "y", None)})
    heard = listen(made, spec(), rule())
    assert list(heard.recordings) == ["a", "b"]
    assert heard.recordings["a"].statistics.shape == (2, 26)
    assert heard.recordings["a"].digest == heard.recordings["b"].digest
    assert heard.material.segment_counts == {"a": 2, "b": 2}
    assert heard.material.recordings == {"a": "a", "b": "a"}


def test_bad_and_short_files_are_left_out_with_the_reason(tmp_path: Path) -> None:
    sounds = {"a": (music(1, 4), "x", None), "short": (music(2, 1), "x", None)}
    made = dataset_of(tmp_path, {**sounds, "bad": (music(3, 4), "y", None)})
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    heard = listen(made, spec(), rule())
    assert {track: reason.code for track, reason in heard.rejected.items()} == {
        "short": "short",
        "bad": "unreadable",
    }
    assert [track.id for track in heard.dataset.tracks] == ["a"]


def test_nothing_usable_is_one_line_with_the_first_reason(tmp_path: Path) -> None:
    made = dataset_of(tmp_path, {"a": (music(1, 1), "x", None)})
    with pytest.raises(DataError, match=r"none of the 1 files .* expected 2.970 s"):
        listen(made, spec(), rule())


def test_a_table_cannot_be_listened_to(tmp_path: Path) -> None:
    made = replace(dataset_of(tmp_path, {"a": (music(1, 3), "x", None)}), medium="table")
    with pytest.raises(DataError, match="has a table of each track; expected audio files"):
        listen(made, spec(), rule())
