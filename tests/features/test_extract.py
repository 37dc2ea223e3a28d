from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from genrecls.datasets.base import Dataset, Track
from genrecls.dsp import audio
from genrecls.dsp.audio_limits import AudioRejected
from genrecls.errors import DataError
from genrecls.features.base import Inputs
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import Extraction, extract, fingerprint
from genrecls.features.mel import Mel
from genrecls.files.hashing import FileDigests

Maker = Callable[..., Any]


@pytest.fixture
def run(spec_of: Maker, rule_of: Maker, tmp_path: Path) -> Callable[..., Extraction]:
    """Extracts small mel features into a cache of the test."""

    def extract_with(dataset: Dataset, cache: Path | None = tmp_path / "cache") -> Extraction:
        return extract(dataset, spec_of("mel", n_mels=16), rule_of(length=1.0), FeatureStore(cache))

    return extract_with


def test_every_track_gets_the_features_of_its_own_audio(
    dataset: Dataset, run: Callable[..., Extraction], spec_of: Maker
) -> None:
    result = run(dataset)
    assert list(result.tracks) == ["a", "b", "c", "d"]
    assert (result.hits, result.computed, result.damaged) == (0, 4, 0)
    assert result.rejected == ()
    spec = spec_of("mel", n_mels=16)
    for track in dataset.tracks:
        samples = audio.read(track.path, 22050, dataset.limits)
        features = result.tracks[track.id]
        expected = spec.transform(samples.reshape(3, 22050))["mel"]
        # Not equal to the last bit: here, matrix products may use several threads.
        np.testing.assert_allclose(features.segments.inputs["mel"], expected, atol=1e-4)
        np.testing.assert_array_equal(features.segments.starts, [0, 1, 2])
        assert features.seconds == 3


def test_a_second_run_decodes_nothing_and_gives_the_same(
    dataset: Dataset, run: Callable[..., Extraction], refuse_decoding: Callable[[], None]
) -> None:
    first = run(dataset)
    refuse_decoding()
    second = run(dataset)
    assert (second.hits, second.computed) == (4, 0)
    for name, features in first.tracks.items():
        again = second.tracks[name]
        np.testing.assert_array_equal(features.segments.inputs["mel"], again.segments.inputs["mel"])
        assert (features.audio_digest, features.seconds) == (again.audio_digest, again.seconds)


@pytest.mark.usefixtures("settled")
def test_a_second_run_does_not_even_read_the_files(
    dataset: Dataset, run: Callable[..., Extraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(dataset)

    def refuse(*_: object) -> None:
        pytest.fail("a file was read")

    monkeypatch.setattr("genrecls.files.hashing.hash_file", refuse)
    assert run(dataset).hits == 4


def test_moved_files_are_still_in_the_cache(
    dataset: Dataset, run: Callable[..., Extraction], refuse_decoding: Callable[[], None]
) -> None:
    run(dataset)
    moved = dataset.root.rename(dataset.root.with_name("elsewhere"))
    tracks = tuple(replace(t, path=moved / t.path.name) for t in dataset.tracks)
    refuse_decoding()
    assert run(replace(dataset, tracks=tracks)).hits == 4


def test_changed_audio_of_the_same_size_is_computed_again(
    dataset: Dataset, run: Callable[..., Extraction]
) -> None:
    first = run(dataset)
    path = dataset.tracks[0].path
    size = path.stat().st_size
    samples, rate = soundfile.read(path)
    soundfile.write(path, samples[::-1], rate)
    assert path.stat().st_size == size
    second = run(dataset)
    assert (second.hits, second.computed) == (3, 1)
    assert second.tracks["a"].audio_digest != first.tracks["a"].audio_digest


def test_without_a_cache_nothing_is_written(
    dataset: Dataset, run: Callable[..., Extraction], tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert run(dataset, None).computed == 4
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_entry_is_computed_again_and_replaced(
    dataset: Dataset, run: Callable[..., Extraction], tmp_path: Path
) -> None:
    run(dataset)
    entry = min((tmp_path / "cache").rglob("*.npz"))
    entry.write_bytes(entry.read_bytes()[:-500])
    result = run(dataset)
    assert (result.hits, result.computed, result.damaged) == (3, 1, 1)
    assert run(dataset).hits == 4


def test_bad_audio_is_rejected_with_its_reason_and_stops_nothing(
    dataset: Dataset, run: Callable[..., Extraction]
) -> None:
    folder = dataset.root
    (folder / "text.wav").write_text("no sound at all")
    soundfile.write(folder / "blink.wav", np.full(11_025, 0.1), 22050)
    (folder / "folder.wav").mkdir()
    bad = tuple(
        Track(name, folder / f"{name}.wav", "noise")
        for name in ("text", "blink", "folder", "nowhere")
    )
    result = run(replace(dataset, tracks=(*bad, *dataset.tracks)))
    assert list(result.tracks) == ["a", "b", "c", "d"]
    assert [(r.track, r.code) for r in result.rejected] == [
        ("text", "unreadable"),
        ("blink", "no-segment"),
        ("folder", "unreadable"),
        ("nowhere", "missing"),
    ]
    assert result.rejected[1].detail == (
        "expected 0.990 s (21830 samples) for one segment, found 0.500 s (11025)"
    )
    assert result.rejected[0].path == folder / "text.wav"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe_among_the_files_does_not_hang(
    dataset: Dataset, run: Callable[..., Extraction]
) -> None:
    os.mkfifo(dataset.root / "pipe.wav")
    pipe = Track("pipe", dataset.root / "pipe.wav", "noise")
    result = run(replace(dataset, tracks=(pipe,)))
    assert [rejection.code for rejection in result.rejected] == ["unreadable"]
    assert fingerprint(replace(dataset, tracks=(pipe,)), FileDigests(None))


def test_the_same_recording_in_two_containers_shares_its_audio_digest(
    dataset: Dataset, run: Callable[..., Extraction]
) -> None:
    first = dataset.tracks[0]
    samples, rate = soundfile.read(first.path, dtype="int16")
    copy = Track("copy", dataset.root / "copy.flac", "noise")
    soundfile.write(copy.path, samples, rate)
    tracks = run(replace(dataset, tracks=(first, copy))).tracks
    assert tracks["a"].audio_digest == tracks["copy"].audio_digest
    assert tracks["a"].file_digest != tracks["copy"].file_digest


def test_a_file_replaced_while_it_is_read_is_not_kept(
    dataset: Dataset, run: Callable[..., Extraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = audio.read
    target = dataset.tracks[0].path
    content = target.read_bytes()

    def replacing(path: Path, *rest: Any) -> Any:
        samples = original(path, *rest)
        if path == target:
            target.write_bytes(dataset.tracks[1].path.read_bytes() + b"x")
        return samples

    monkeypatch.setattr(audio, "read", replacing)
    assert run(dataset).computed == 4
    monkeypatch.setattr(audio, "read", original)
    target.write_bytes(content)
    assert run(dataset).hits == 3


def test_a_cache_that_cannot_be_written_stops_with_one_line(
    dataset: Dataset, run: Callable[..., Extraction], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("not a folder")
    with pytest.raises(DataError, match="set another data_root"):
        run(dataset)


def test_matrix_products_use_one_thread_during_extraction_and_all_after_it(
    dataset: Dataset, run: Callable[..., Extraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

    def threads() -> list[int]:
        return [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]

    before, during = threads(), []
    original = audio.read

    def watching(path: Path, *rest: Any) -> Any:
        during.extend(threads())
        return original(path, *rest)

    monkeypatch.setattr(audio, "read", watching)
    run(dataset, None)
    assert set(during) == {1}
    assert set(threads()) == set(before)


def test_only_a_few_tracks_are_decoded_at_a_time(
    dataset: Dataset, run: Callable[..., Extraction], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, busy, most = threading.Lock(), 0, 0
    original = audio.read

    def counting(path: Path, *rest: Any) -> Any:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.01)
        with lock:
            busy -= 1
        return original(path, *rest)

    monkeypatch.setattr(audio, "read", counting)
    many = tuple(replace(dataset.tracks[0], id=f"{number}") for number in range(20))
    run(replace(dataset, tracks=many), None)
    assert most <= (os.cpu_count() or 1)


@dataclass(frozen=True)
class Signed(Mel):
    """Mel pictures, and for the whole track whatever its id says."""

    @property
    def companion_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"sign": (2,)}

    def companions(self, track: Track) -> Inputs:
        if track.id == "b":
            raise AudioRejected(track.path, "missing", "it is not signed")
        return {"sign": np.array([ord(track.id), 7], np.float32)}


def test_what_a_track_has_once_goes_to_each_of_its_segments_and_not_into_the_cache(
    dataset: Dataset, spec_of: Maker, rule_of: Maker, tmp_path: Path
) -> None:
    spec, rule = Signed(**vars(spec_of("mel", n_mels=16))), rule_of(length=1.0)
    shapes = rule.shapes(spec)
    assert shapes["sign"] == (2,)
    for hits in (0, 3):
        result = extract(dataset, spec, rule, FeatureStore(tmp_path / "cache"))
        assert result.hits == hits
        assert [(bad.track, bad.detail) for bad in result.rejected] == [("b", "it is not signed")]
        for name, features in result.tracks.items():
            inputs = features.segments.inputs
            assert inputs["sign"].tolist() == [[ord(name), 7]] * 3
            assert {key: array.shape[1:] for key, array in inputs.items()} == shapes
    kept = [np.load(path) for path in (tmp_path / "cache").rglob("*.npz")]
    assert len(kept) == 4
    assert not any("sign" in name for archive in kept for name in archive)


def test_rejections_are_plain_facts(dataset: Dataset, run: Callable[..., Extraction]) -> None:
    lost = replace(dataset.tracks[0], path=dataset.root / "nowhere.wav")
    (rejection,) = run(replace(dataset, tracks=(lost,))).rejected
    reason = AudioRejected(rejection.path, rejection.code, rejection.detail)
    assert "nowhere.wav: missing" in str(reason)


@pytest.mark.real_data
def test_real_tracks_give_ten_segments_each(
    run: Callable[..., Extraction], spec_of: Maker, rule_of: Maker, dataset: Dataset
) -> None:
    root = os.environ.get("GENRECLS_TEST_DATA")
    if not root:
        pytest.skip("GENRECLS_TEST_DATA is not set")
    paths = sorted((Path(root) / "gtzan").glob("*/*.flac"))[::20]
    tracks = tuple(Track(path.stem, path, path.parent.name) for path in paths)
    result = extract(
        replace(dataset, tracks=tracks), spec_of("mfcc"), rule_of(), FeatureStore(None)
    )
    assert result.rejected == ()
    # The shortest tracks of GTZAN, 29.93 s, lack 2 % of their tenth segment.
    assert {len(features.segments) for features in result.tracks.values()} <= {9, 10}


def test_the_fingerprint_ignores_places_and_order(
    dataset: Dataset, tmp_path: Path, refuse_decoding: Callable[[], None]
) -> None:
    refuse_decoding()
    before = fingerprint(dataset, FileDigests(tmp_path / "cache.json"))
    moved = dataset.root.rename(tmp_path / "elsewhere")
    tracks = [replace(t, path=moved / t.path.name) for t in reversed(dataset.tracks)]
    assert (
        fingerprint(replace(dataset, tracks=tuple(tracks)), FileDigests(tmp_path / "other.json"))
        == before
    )
    assert fingerprint(replace(dataset, tracks=tuple(tracks)), FileDigests(None)) == before


def test_the_fingerprint_sees_labels_artists_ids_contents_and_absence(dataset: Dataset) -> None:
    first, *rest = dataset.tracks
    prints = {fingerprint(dataset, FileDigests(None))}
    for changed in (
        replace(first, label="other"),
        replace(first, artist="somebody"),
        replace(first, id="z"),
        replace(first, path=rest[0].path),
        replace(first, path=dataset.root / "nowhere.wav"),
    ):
        prints.add(fingerprint(replace(dataset, tracks=(changed, *rest)), FileDigests(None)))
    assert len(prints) == 6


def test_the_fingerprint_sees_the_part_that_a_track_is_given(dataset: Dataset) -> None:
    first = dataset.tracks[0].id
    parts = [{}, {"official": {first: "train"}}, {"official": {first: "test"}}]
    prints = {fingerprint(replace(dataset, partitions=given), FileDigests(None)) for given in parts}
    assert len(prints) == 3


def test_the_fingerprint_ignores_partitions_of_other_tracks(dataset: Dataset) -> None:
    others = {"official": {"of another copy": "train"}}
    none: dict[str, dict[str, str]] = {"official": {}}
    assert (
        len(
            {fingerprint(replace(dataset, partitions=p), FileDigests(None)) for p in (none, others)}
        )
        == 1
    )
