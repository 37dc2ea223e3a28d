from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.dsp.audio import AudioLimits
from genrecls.features.cache import SPEC, FeatureCache, TrackFeatures, describe, prune
from genrecls.features.segmentation import Segments

Maker = Callable[..., Any]


@pytest.fixture
def three_folders(tmp_path: Path, spec_of: Maker, rule_of: Maker) -> list[FeatureCache]:
    segments = Segments({"mel": np.zeros((1, 44, 16), np.float32)}, np.array([0.0]), 1.0)
    made = []
    for number, n_mels in enumerate((16, 17, 18)):
        spec, rule = spec_of("mel", n_mels=n_mels), rule_of(length=0.5)
        made.append(FeatureCache(tmp_path, spec, rule, AudioLimits()))
        made[-1].mark_used()
        made[-1].store(TrackFeatures(segments, 1.0, "cd" * 32, "ab" * 32))
        used = time.time() - 86_400 * 10 * number
        os.utime(made[-1].folder / SPEC, (used, used))
    return made


def test_folders_are_described_the_last_used_first(
    three_folders: list[FeatureCache], tmp_path: Path
) -> None:
    found = describe(tmp_path)
    assert [folder.key for folder in found] == [cache.key for cache in three_folders]
    assert found[0].summary == "mel at 22050 Hz, segments of 0.5 s cut from audio"
    assert found[0].settings["features"]["n_mels"] == 16
    assert [folder.entries for folder in found] == [1, 1, 1]
    on_disk = sum(path.stat().st_size for path in found[0].path.rglob("*") if path.is_file())
    assert found[0].size == on_disk


def test_a_folder_with_a_damaged_description_is_still_described(
    three_folders: list[FeatureCache], tmp_path: Path
) -> None:
    (three_folders[0].folder / SPEC).write_text("{")
    (three_folders[1].folder / SPEC).unlink()
    summaries = [folder.summary for folder in describe(tmp_path)]
    assert sum(summary.startswith("unknown") for summary in summaries) == 2
    assert len(prune(tmp_path)) == 3


def test_pruning_by_age_takes_what_was_not_used(
    three_folders: list[FeatureCache], tmp_path: Path
) -> None:
    gone = prune(tmp_path, older_than_days=15)
    assert [folder.key for folder in gone] == [three_folders[2].key]
    assert len(describe(tmp_path)) == 2


def test_use_makes_a_folder_young_again(three_folders: list[FeatureCache], tmp_path: Path) -> None:
    three_folders[2].mark_used()
    assert prune(tmp_path, older_than_days=15) == ()


def test_pruning_all_but_one_leaves_that_and_what_is_not_ours(
    three_folders: list[FeatureCache], tmp_path: Path
) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "precious.wav").write_bytes(b"1")
    prune(tmp_path, keep=[three_folders[1].key])
    assert [folder.key for folder in describe(tmp_path)] == [three_folders[1].key]
    assert (tmp_path / "music" / "precious.wav").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [three_folders[1].key, "music"]
    )


def test_no_cache_at_all_is_described_and_pruned_as_nothing(tmp_path: Path) -> None:
    assert describe(tmp_path / "none") == ()
    assert prune(tmp_path / "none") == ()
