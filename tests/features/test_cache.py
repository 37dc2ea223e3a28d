from __future__ import annotations

import errno
import gc
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from importlib import metadata
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import DataError
from genrecls.features.audio_augmentation import AudioAugmentSettings, DistortedCopy
from genrecls.features.cache import (
    SPEC,
    FeatureCache,
    TrackFeatures,
    cache_key,
    cache_root,
    describe,
    prune,
    settings,
)
from genrecls.features.mel import Mel
from genrecls.features.segmentation import SegmentRule, Segments
from tests.features.conftest import SpecMaker
from tests.runs import damage

SPEC_1 = Mel(
    name="mel",
    sample_rate=22050,
    hop_length=512,
    n_fft=2048,
    window="hann",
    center=True,
    power=2,
    n_mels=16,
    fmin=0.0,
    fmax=None,
    mel_scale="slaney",
    mel_norm="slaney",
    ref=1.0,
    amin=1e-10,
    top_db=80.0,
)
RULE = SegmentRule(length=0.5, hop=None, count=None, min_fill=0.99, source="audio")
LIMITS = AudioLimits()
DIGEST = "ab" * 32

OTHER_VALUES: dict[str, Any] = {
    "name": "other",
    "sample_rate": 16000,
    "hop_length": 256,
    "n_fft": 1024,
    "window": "hamming",
    "center": False,
    "power": 1,
    "n_mels": 17,
    "fmin": 20.0,
    "fmax": 8000.0,
    "mel_scale": "htk",
    "mel_norm": None,
    "ref": "max",
    "amin": 1e-9,
    "top_db": None,
    "compression": "pcen",
    "log_gain": 100.0,
    "pcen_seconds": 0.1,
    "pcen_gain": 0.5,
    "pcen_bias": 1.0,
    "pcen_power": 0.25,
    "length": 0.6,
    "hop": 0.25,
    "count": 3,
    "min_fill": 0.5,
    "source": "spectrogram",
    "short_tracks": "repeat",
    "min_seconds": 1.0,
    "max_seconds": 10.0,
    "min_rate": 8000,
    "max_rate": 48000,
    "max_channels": 2,
    "max_peak": 2.0,
}
PARTS = (SPEC_1, RULE, LIMITS)
CHANGES = [(part, field.name) for part in range(3) for field in fields(PARTS[part])]


def changed(chosen: set[tuple[int, str]]) -> tuple[Mel, SegmentRule, AudioLimits]:
    def part(number: int) -> dict[str, Any]:
        return {name: OTHER_VALUES[name] for where, name in chosen if where == number}

    return replace(SPEC_1, **part(0)), replace(RULE, **part(1)), replace(LIMITS, **part(2))


@given(first=st.sets(st.sampled_from(CHANGES)), second=st.sets(st.sampled_from(CHANGES)))
def test_the_key_changes_if_and_only_if_a_setting_changes(
    first: set[tuple[int, str]], second: set[tuple[int, str]]
) -> None:
    one, other = (cache_key(settings(*changed(chosen))) for chosen in (first, second))
    assert (one == other) == (first == second)


COPY = DistortedCopy(AudioAugmentSettings(1, 1.0, 2.0, 0.1, 6.0, 6.0, None), seed=3, number=0)


@pytest.mark.parametrize(
    "place",
    [
        "genrecls.features.cache.READING_REVISION",
        "genrecls.features.segmentation.SegmentRule.revision",
        "genrecls.features.mel.Mel.revision",
        "genrecls.features.audio_augmentation.DistortedCopy.revision",
    ],
)
def test_the_key_changes_with_the_revision_of_whatever_decides_values(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    before = cache_key(settings(*PARTS, COPY))
    monkeypatch.setattr(place, 99)
    assert cache_key(settings(*PARTS, COPY)) != before


@pytest.mark.parametrize("library", ["numpy", "scipy", "soundfile", "soxr", "python-stretch"])
def test_the_key_changes_with_the_libraries_that_decide_values(
    monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    before, version = cache_key(settings(*PARTS, COPY)), metadata.version
    monkeypatch.setattr(metadata, "version", lambda n: "0" if n == library else version(n))
    assert cache_key(settings(*PARTS, COPY)) != before


@pytest.mark.parametrize("library", ["librosa", "pillow", "tensorflow", "genrecls"])
def test_the_key_does_not_change_with_what_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    before, version = cache_key(settings(*PARTS, COPY)), metadata.version
    monkeypatch.setattr(metadata, "version", lambda n: "0" if n == library else version(n))
    assert cache_key(settings(*PARTS, COPY)) == before


def test_the_key_of_two_inputs_changes_with_each_of_them(
    monkeypatch: pytest.MonkeyPatch, spec_of: SpecMaker
) -> None:
    def key() -> str:
        return cache_key(settings(spec_of("mel_summary"), RULE, LIMITS))

    keys = {key()}
    for number, place in enumerate(("mel.Mel", "summary.Summary", "multi_input.MultiInput")):
        monkeypatch.setattr(f"genrecls.features.{place}.revision", 2)
        keys.add(key())
        assert len(keys) == number + 2


def example(seed: int = 0) -> TrackFeatures:
    values = np.random.default_rng(seed).standard_normal((3, 22, 16)).astype(np.float32)
    segments = Segments({"mel": values}, np.array([0.0, 0.5, 1.0]), 0.5)
    return TrackFeatures(segments, 1.5, "cd" * 32, DIGEST)


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    made = FeatureCache(cache_root(tmp_path), *PARTS)
    made.mark_used()
    return made


def same(first: TrackFeatures | None, second: TrackFeatures | None) -> bool:
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.segments.inputs["mel"], second.segments.inputs["mel"])
    np.testing.assert_array_equal(first.segments.starts, second.segments.starts)
    facts = [
        (f.seconds, f.audio_digest, f.file_digest, f.segments.seconds) for f in (first, second)
    ]
    return facts[0] == facts[1]


def test_an_entry_comes_back_as_it_was_stored(cache: FeatureCache, tmp_path: Path) -> None:
    assert cache.load(DIGEST) is None
    cache.store(example())
    assert same(cache.load(DIGEST), example())
    assert cache.damaged == 0
    expected = tmp_path / "cache" / "features" / cache.key / "ab" / f"{DIGEST}.npz"
    assert list(cache.folder.rglob("*.npz")) == [expected]


def test_the_folder_says_what_it_holds(cache: FeatureCache) -> None:
    described = json.loads((cache.folder / SPEC).read_text("utf-8"))
    assert described["key"] == cache.key
    assert described["features"]["n_mels"] == 16
    assert described["segment"]["length"] == 0.5
    assert {"numpy", "scipy", "libsndfile"} <= set(described["libraries"])


def test_an_entry_cut_anywhere_is_damage_and_can_be_replaced(cache: FeatureCache) -> None:
    cache.store(example())
    whole = cache.entry(DIGEST).read_bytes()
    for length in range(0, len(whole), len(whole) // 25):
        cache.entry(DIGEST).write_bytes(whole[:length])
        assert cache.load(DIGEST) is None
    assert cache.damaged > 20
    cache.store(example())
    assert same(cache.load(DIGEST), example())


def test_a_flipped_byte_anywhere_never_changes_a_value(cache: FeatureCache) -> None:
    cache.store(example())
    whole = bytearray(cache.entry(DIGEST).read_bytes())
    # Every byte of the headers at both ends, and a sample of the values between them.
    ends = [*range(1200), *range(len(whole) - 700, len(whole))]
    for place in [*ends, *range(1200, len(whole) - 700, 97)]:
        mutant = bytearray(whole)
        mutant[place] ^= 1 << (place % 8)
        cache.entry(DIGEST).write_bytes(mutant)
        received = cache.load(DIGEST)
        assert received is None or same(received, example())
    assert cache.damaged > 500


@pytest.mark.parametrize("change", [damage.folder, damage.pipe])
def test_what_is_no_file_is_no_entry(cache: FeatureCache, change: damage.Damage) -> None:
    cache.store(example())
    change(cache.entry(DIGEST))
    assert cache.load(DIGEST) is None
    assert cache.damaged == 1


def test_an_entry_that_would_inflate_is_not_read(cache: FeatureCache) -> None:
    cache.store(example())
    with np.load(cache.entry(DIGEST)) as stored:
        np.savez_compressed(cache.entry(DIGEST), **stored)
    assert cache.load(DIGEST) is None
    assert cache.damaged == 1


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "-1", "1e999"])
def test_an_entry_of_impossible_length_is_damage(cache: FeatureCache, seconds: str) -> None:
    cache.store(example())
    with np.load(cache.entry(DIGEST)) as stored:
        about = json.loads(str(stored["about"][()]))
        text = json.dumps({**about, "seconds": "?"}).replace('"?"', seconds)
        np.savez(cache.entry(DIGEST), **{**stored, "about": np.array(text)})
    assert cache.load(DIGEST) is None
    assert cache.damaged == 1


@pytest.mark.parametrize(
    "content",
    [*damage.ANY, '{"layers": []}', '{"features": "mel"}', '{"features": [], "segment": {}}'],
)
def test_a_description_that_makes_no_sense_hides_no_folder(
    cache: FeatureCache, tmp_path: Path, content: str
) -> None:
    cache.store(example())
    cache.mark_used()
    damage.ANY.get(content, damage.text(content))(cache.folder / SPEC)
    (described,) = describe(cache_root(tmp_path))
    assert (described.key, described.entries) == (cache.key, 1)
    assert described.summary == "unknown (spec.json is missing or damaged)"
    cache.mark_used()


def foreign(kind: str) -> dict[str, Any]:
    about = {"key": "0" * 32, "file_digest": DIGEST, "audio_digest": "", "seconds": 1}
    if kind == "other arrays":
        return {"a": np.zeros(3)}
    if kind == "other key":
        return {"about": np.array(json.dumps(about)), "starts": np.zeros(3)}
    return {"about": np.array([print], dtype=object)}


@pytest.mark.parametrize("kind", ["other arrays", "other key", "pickle"])
def test_a_foreign_file_is_refused(cache: FeatureCache, kind: str) -> None:
    cache.store(example())
    np.savez(cache.entry(DIGEST), **foreign(kind))
    assert cache.load(DIGEST) is None
    assert cache.damaged == 1


def test_an_entry_of_other_settings_or_another_file_is_refused(
    cache: FeatureCache, tmp_path: Path
) -> None:
    other = FeatureCache(tmp_path, replace(SPEC_1, n_mels=17), RULE, LIMITS)
    cache.store(example())
    for target in (other.entry(DIGEST), cache.entry("cd" * 32)):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(cache.entry(DIGEST).read_bytes())
    assert other.load(DIGEST) is None
    assert cache.load("cd" * 32) is None
    assert (other.damaged, cache.damaged) == (1, 1)


def test_a_pickle_is_never_opened(cache: FeatureCache, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    cache.store(example())
    np.savez(cache.entry(DIGEST), about=np.array([Trap()], dtype=object))
    assert cache.load(DIGEST) is None
    assert not (tmp_path / "sprung").exists()


def _write(root: Path, seed: int, enough: Event) -> None:
    cache = FeatureCache(root, *PARTS)
    while not enough.is_set():
        cache.store(example(seed))


@pytest.mark.process
def test_concurrent_writers_never_show_a_reader_half_an_entry(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, *PARTS)
    cache.store(example())
    known = {example(seed).segments.inputs["mel"].tobytes() for seed in range(3)}
    context = multiprocessing.get_context("spawn")
    enough = context.Event()
    writers = [context.Process(target=_write, args=(tmp_path, n, enough)) for n in (1, 2)]
    for writer in writers:
        writer.start()
    seen: set[bytes] = set()
    reads, last = 0, time.time() + 300
    # Processes take their time to start on a busy machine: until both have been seen, and on.
    while (len(seen) < 3 or reads < 3000) and time.time() < last:
        received = cache.load(DIGEST)
        assert received is not None
        seen.add(received.segments.inputs["mel"].tobytes())
        reads += 1
    enough.set()
    for writer in writers:
        writer.join(300)
        assert writer.exitcode == 0
    assert seen == known
    assert cache.damaged == 0
    assert not list(tmp_path.rglob(".*"))


class Garbage:
    """A cycle, whose collection lets another thread run wherever it happens."""

    def __init__(self) -> None:
        self.cycle = self

    def __del__(self) -> None:
        time.sleep(0)


def test_threads_that_read_at_once_do_not_disturb_each_other(cache: FeatureCache) -> None:
    cache.store(example())

    def read(_: int) -> bool:
        Garbage()
        return cache.load(DIGEST) is not None

    before = gc.get_threshold()
    gc.set_threshold(20, 2, 2)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(read, range(300)))
    finally:
        gc.set_threshold(*before)


def test_a_folder_that_cannot_be_written_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    cache = FeatureCache(tmp_path / "file", *PARTS)
    cache.mark_used()
    assert cache.load(DIGEST) is None
    with pytest.raises(DataError, match=r"file/\w+: .* set another data_root") as caught:
        cache.store(example())
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_can_be_read_but_not_extended(cache: FeatureCache) -> None:
    cache.store(example())
    for folder in (cache.folder / "ab", cache.folder):
        folder.chmod(0o555)
    try:
        cache.mark_used()
        assert same(cache.load(DIGEST), example())
        with pytest.raises(DataError, match="make it writable"):
            cache.store(example())
    finally:
        for folder in (cache.folder, cache.folder / "ab"):
            folder.chmod(0o755)


def test_a_full_disk_is_named_and_leaves_nothing_behind(
    cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(beside: Path, **_: object) -> None:
        beside.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(DataError, match=r"No space left on device.*free space"):
        cache.store(example())
    assert [path.name for path in cache.folder.rglob("*") if path.is_file()] == [SPEC]


def test_every_setting_has_another_value_in_these_tests() -> None:
    assert {name for _, name in CHANGES} == set(OTHER_VALUES)


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


@pytest.mark.parametrize("days", [1e6, float("inf")])
def test_no_folder_is_older_than_for_ever(
    days: float, three_folders: list[FeatureCache], tmp_path: Path
) -> None:
    assert prune(tmp_path, older_than_days=days) == ()
    assert not any(folder.is_older(days) for folder in describe(tmp_path))
