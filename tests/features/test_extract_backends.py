"""Whatever computes features, threads or processes: they are the same."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.datasets.base import Dataset, Track
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import DataError
from genrecls.features import extract as extract_module
from genrecls.features.audio_augmentation import AudioAugmentSettings, DistortedCopy
from genrecls.features.cache import FeatureCache, FeatureStore
from genrecls.features.extract import Extraction, Extractor, extract
from genrecls.files.hashing import FileDigests
from genrecls.parallel import parallel_map

Maker = Callable[..., Any]

COPY = DistortedCopy(
    AudioAugmentSettings(1, 1.0, 2.0, 0.1, 6.0, 6.0, (10.0, 20.0)), seed=3, number=0
)


@pytest.fixture
def run(spec_of: Maker, rule_of: Maker) -> Callable[..., Extraction]:
    def extract_with(dataset: Dataset, cache: Path | None, *rest: Any) -> Extraction:
        return extract(
            dataset, spec_of("mel", n_mels=16), rule_of(length=1.0), FeatureStore(cache), *rest
        )

    return extract_with


@pytest.fixture
def bad(dataset: Dataset) -> Dataset:
    """Four good tracks among three that give nothing."""
    (dataset.root / "text.wav").write_text("no sound at all")
    (dataset.root / "folder.wav").mkdir()
    names = ("text", "folder", "nowhere")
    tracks = tuple(Track(name, dataset.root / f"{name}.wav", "noise") for name in names)
    return replace(dataset, tracks=(*tracks, *dataset.tracks))


def _same(one: Extraction, other: Extraction) -> None:
    assert one.outlines == other.outlines
    assert one.rejected == other.rejected
    assert list(one.tracks) == list(other.tracks)
    for name, features in one.tracks.items():
        inputs = other.tracks[name].segments.inputs
        for key, array in features.segments.inputs.items():
            np.testing.assert_array_equal(array, inputs[key])


@pytest.mark.process
@pytest.mark.parametrize("copy", [None, COPY], ids=["tracks", "distorted copy"])
def test_processes_give_bit_for_bit_what_threads_give(
    bad: Dataset, run: Callable[..., Extraction], tmp_path: Path, copy: DistortedCopy | None
) -> None:
    here = run(bad, tmp_path / "here", copy, "threads")
    there = run(bad, tmp_path / "there", copy, "loky")
    _same(here, there)
    assert (there.hits, there.computed, len(there.rejected)) == (0, 4, 3)


@pytest.mark.process
def test_without_a_cache_the_features_themselves_come_back(
    dataset: Dataset, run: Callable[..., Extraction]
) -> None:
    _same(run(dataset, None), run(dataset, None, None, "loky"))


@pytest.mark.usefixtures("settled")
def test_no_process_is_started_for_what_the_cache_has(
    dataset: Dataset,
    run: Callable[..., Extraction],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = run(dataset, tmp_path / "cache")
    monkeypatch.setattr("joblib.Parallel", lambda **_: pytest.fail("a process was started"))
    second = run(dataset, tmp_path / "cache", None, "loky")
    assert (second.hits, second.computed) == (4, 0)
    _same(first, second)


@pytest.mark.process
def test_a_damaged_entry_is_counted_once_and_replaced(
    dataset: Dataset, run: Callable[..., Extraction], tmp_path: Path
) -> None:
    run(dataset, tmp_path / "cache")
    entry = min((tmp_path / "cache").rglob("*.npz"))
    entry.write_bytes(entry.read_bytes()[:-500])
    second = run(dataset, tmp_path / "cache", None, "loky")
    assert (second.hits, second.computed, second.damaged) == (3, 1, 1)
    assert run(dataset, tmp_path / "cache").hits == 4


@pytest.mark.process
def test_a_file_that_only_another_machine_cannot_read_is_read_here(
    bad: Dataset,
    run: Callable[..., Extraction],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_files(work: Any, tracks: list[Track], title: str, **where: Any) -> list[Any]:
        if where:
            tracks = [replace(track, path=tmp_path / "not mounted" / track.id) for track in tracks]
        return parallel_map(work, tracks, title)

    monkeypatch.setattr(extract_module, "parallel_map", without_files)
    found = run(bad, tmp_path / "cache", None, "loky")
    assert list(found.tracks) == ["a", "b", "c", "d"]
    assert [r.track for r in found.rejected] == ["text", "folder", "nowhere"]


@pytest.mark.process
def test_a_machine_that_would_make_other_features_is_refused(
    dataset: Dataset, spec_of: Maker, rule_of: Maker, tmp_path: Path
) -> None:
    extractor = _extractor(spec_of("mel"), rule_of(), tmp_path)
    with pytest.raises(DataError, match="expected the same versions of genrecls"):
        extractor.remote_result("0" * 32, dataset.tracks[0])


def test_an_extractor_travels_without_locks_and_without_what_it_knows_of_other_files(
    dataset: Dataset, spec_of: Maker, rule_of: Maker, tmp_path: Path
) -> None:
    extractor = _extractor(spec_of("mel"), rule_of(length=1.0), tmp_path)
    before = len(pickle.dumps(extractor))
    extractor.digests._known.update({f"/{n}.wav": ([1, 2, 3], "0" * 64) for n in range(10_000)})
    assert len(pickle.dumps(extractor)) == before
    arrived: Extractor = pickle.loads(pickle.dumps(extractor))  # noqa: S301
    assert arrived.cache is not None
    assert extractor.cache is not None
    assert arrived.cache.key == extractor.cache.key
    assert arrived.result(dataset.tracks[0]).cached is False
    assert extractor.result(dataset.tracks[0]).cached is True


def _extractor(spec: Any, rule: Any, folder: Path) -> Extractor:
    cache = FeatureCache(folder / "cache", spec, rule, AudioLimits())
    return Extractor(spec, rule, AudioLimits(), FileDigests(folder / "files.json"), cache)


@pytest.mark.process
@pytest.mark.parametrize(("backend", "library"), [("dask", "distributed"), ("ray", "ray")])
def test_a_cluster_on_this_machine_gives_what_threads_give(
    backend: str, library: str, dataset: Dataset, tmp_path: Path
) -> None:
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    process = _scripted(CLUSTER, tmp_path, backend, str(dataset.root))
    out, _ = process.communicate(timeout=600)
    assert out == "equal\n"


def _scripted(script: str, folder: Path, *words: str) -> subprocess.Popen[str]:
    path = folder / "script.py"
    path.write_text(script, encoding="utf-8")
    command = [sys.executable, str(path), str(folder), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


CLUSTER = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from genrecls.datasets.base import Dataset, Provenance, Track
from genrecls.features.cache import FeatureStore
from genrecls.features.extract import extract
from genrecls.features.mel import Mel
from genrecls.features.segmentation import SegmentRule

if __name__ == "__main__":
    folder, backend, audio = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    tracks = tuple(Track(path.stem, path, "x") for path in sorted(audio.iterdir()))
    data = Dataset("d", ("x",), tracks, audio, Provenance("", "", ""))
    spec = Mel("mel", 22050, 512, 2048, "hann", True, 2, 16, 0.0, None, "slaney", "slaney", 1.0,
               1e-10, 80.0)
    rule = SegmentRule(1.0, None, None, 0.99, "samples")
    here = extract(data, spec, rule, FeatureStore(folder / "here"))
    there = extract(data, spec, rule, FeatureStore(folder / "there"), None, backend)
    assert here.outlines == there.outlines and there.computed == 4
    for name in here.tracks:
        np.testing.assert_array_equal(
            *(side.tracks[name].segments.inputs["mel"] for side in (here, there))
        )
    print("equal")
"""
