from __future__ import annotations

import hashlib
import shutil
import threading
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset, Provenance, Track
from genrecls.datasets.gtzan import GENRES
from genrecls.datasets.verify import (
    DIFFERENCES,
    SUSPICIONS,
    Finding,
    SignalFacts,
    judge_audio,
    verify,
)
from genrecls.dsp.audio_limits import REASONS, AudioLimits
from tests.datasets.kaggle_copy import make_copy, table_row, write_table

RATE = 16_000

Samples = NDArray[np.float64]


def music(seed: int = 0, seconds: float = 2.0) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(scale=0.02, size=len(time))
    mixed: Samples = 0.4 * np.sin(2 * np.pi * 330 * time) + noise
    return mixed


def dataset(folder: Path, sounds: Mapping[str, Samples], labels: Mapping[str, str]) -> Dataset:
    for name, samples in sounds.items():
        # Whole steps of 16 bits, which every container stores alike.
        soundfile.write(folder / name, np.round(32_767 * samples).astype(np.int16), RATE)
    tracks = tuple(Track(name, folder / name, labels.get(name, "blues")) for name in sounds)
    return Dataset("some", ("blues",), tracks, folder, Provenance("", "", ""))


def findings(folder: Path, **sounds: Samples) -> tuple[Finding, ...]:
    named = {f"{name}.wav": samples for name, samples in sounds.items()}
    return verify(dataset(folder, named, {})).findings


def with_silence() -> Samples:
    return np.concatenate([music(seconds=1), np.zeros(2 * RATE)])


@pytest.mark.parametrize(
    ("code", "samples"),
    [
        ("clipped", np.clip(3 * music(), -0.9, 0.9)),
        ("mostly-silent", with_silence()),
        ("dc-offset", music() + 0.3),
        ("quiet", 0.01 * music()),
    ],
)
def test_a_suspicious_sound_is_named_and_stays_usable(
    code: str, samples: Samples, tmp_path: Path
) -> None:
    (finding,) = findings(tmp_path, good=music(1), odd=samples)
    assert (finding.track, finding.path) == ("odd.wav", tmp_path / "odd.wav")
    assert (finding.code, finding.fatal) == (code, False)


@pytest.mark.parametrize(
    "samples",
    [
        music(),
        np.clip(music(), -0.44, 0.44),
        np.concatenate([music(), np.zeros(RATE)]),
        music() + 0.02,
        0.05 * music(),
        0.9 * np.sin(np.arange(2 * RATE) * 2 * np.pi * 100 / RATE),
    ],
    ids=["music", "limited", "pause", "small offset", "soft", "pure tone"],
)
def test_ordinary_sounds_raise_no_suspicion(samples: Samples, tmp_path: Path) -> None:
    assert findings(tmp_path, sound=samples) == ()


def test_a_duplicate_names_the_first_track_with_its_samples(tmp_path: Path) -> None:
    sounds = {"a.wav": music(), "b.wav": music(1), "c.flac": music()}
    report = verify(dataset(tmp_path, sounds, {"c.flac": "jazz"}))
    (finding,) = report.findings
    assert (finding.track, finding.code, finding.fatal) == ("c.flac", "duplicate", False)
    assert finding.detail == "same samples as a.wav, which is labelled 'blues' and not 'jazz'"
    assert (report.checked, report.unusable, report.good) == (3, 0, 3)


def test_published_pictures_are_read_and_compared(tmp_path: Path) -> None:
    make_copy(tmp_path, 2)
    folder = tmp_path / "images_original"
    shutil.copy(folder / "blues" / "blues00000.png", folder / "rock" / "rock00001.png")
    (folder / "jazz" / "jazz00001.png").write_text("no picture")
    report = verify(_published("gtzan_kaggle_pictures", tmp_path))
    assert [(found.track, found.code, found.detail, found.fatal) for found in report.findings] == [
        ("jazz.00001", "unreadable", "expected a PNG, found none or a damaged one", True),
        (
            "rock.00001",
            "duplicate",
            "same picture as blues.00000, which is labelled 'blues' and not 'rock'",
            False,
        ),
    ]
    assert (report.checked, report.good) == (20, 19)


def test_published_rows_are_compared(tmp_path: Path) -> None:
    make_copy(tmp_path, 1)
    same = np.ones(57)
    write_table(
        tmp_path / "features_30_sec.csv",
        [
            table_row(genre, 0, same if genre in {"metal", "pop"} else same * position)
            for position, genre in enumerate(GENRES, 2)
        ],
    )
    (finding,) = verify(_published("gtzan_kaggle_table", tmp_path)).findings
    assert finding.detail == (
        "pop.00000 has the same row as metal.00000, which is labelled 'metal' and not 'pop'"
    )


def _published(name: str, root: Path) -> Dataset:
    return select(DATASETS, {"name": name, "root": str(root), "bad_audio": "error"}).load(root)


def test_content_of_another_format_than_the_name_is_named(tmp_path: Path) -> None:
    some = dataset(tmp_path, {"a.flac": music()}, {})
    some.tracks[0].path.rename(tmp_path / "a.wav")
    track = Track("a", tmp_path / "a.wav", "blues")
    report = verify(Dataset("some", ("blues",), (track,), tmp_path, some.provenance))
    (finding,) = report.findings
    assert (finding.code, finding.detail) == ("suffix", "called .wav, holds FLAC")


def test_a_ghost_is_a_hint_beside_the_reason_why_it_cannot_be_read(tmp_path: Path) -> None:
    some = dataset(tmp_path, {"._a.wav": music()}, {})
    assert [finding.code for finding in verify(some).findings] == ["ghost"]
    some.tracks[0].path.write_bytes(b"\x00\x05\x16\x07" + bytes(500))
    assert [(finding.code, finding.fatal) for finding in verify(some).findings] == [
        ("unreadable", True),
        ("ghost", False),
    ]


def test_unusable_files_are_fatal_counted_and_do_not_stop_the_rest(tmp_path: Path) -> None:
    sounds = {f"{number}.wav": music(number) for number in range(6)}
    some = dataset(tmp_path, sounds, {})
    (tmp_path / "1.wav").unlink()
    (tmp_path / "3.wav").write_bytes(b"<html>")
    soundfile.write(tmp_path / "4.wav", 0 * music(), RATE)
    report = verify(some)
    assert [(finding.track, finding.code, finding.fatal) for finding in report.findings] == [
        ("1.wav", "missing", True),
        ("3.wav", "unreadable", True),
        ("4.wav", "silent", True),
    ]
    assert (report.checked, report.unusable, report.good) == (6, 3, 3)


def test_the_limits_of_the_data_set_decide(tmp_path: Path) -> None:
    some = dataset(tmp_path, {"a.wav": music()}, {})
    limits = AudioLimits(min_seconds=10)
    narrowed = Dataset("some", ("blues",), some.tracks, tmp_path, some.provenance, limits)
    assert [finding.code for finding in verify(narrowed).findings] == ["short"]


def test_two_verifications_report_the_same_in_the_same_order(tmp_path: Path) -> None:
    sounds = {f"{number}.wav": 0.01 * music(number % 4, 1 + number % 3) for number in range(12)}
    some = dataset(tmp_path, sounds, {})
    report = verify(some)
    assert report == verify(some)
    order = [track.id for track in some.tracks]
    positions = [order.index(finding.track) for finding in report.findings]
    assert positions == sorted(positions)
    assert len(report.findings) > 12 - 1


def test_progress_is_reported_once_per_track_in_the_calling_thread(tmp_path: Path) -> None:
    threads: list[int] = []
    some = dataset(tmp_path, {f"{number}.wav": music(number) for number in range(5)}, {})
    verify(some, lambda: threads.append(threading.get_ident()))
    assert threads == [threading.get_ident()] * 5


def test_an_interruption_leaves_no_thread_at_work(tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    some = dataset(tmp_path, {f"{number}.wav": music(number) for number in range(20)}, {})
    with pytest.raises(KeyboardInterrupt):
        verify(some, interrupt)
    assert threading.active_count() == before


def test_an_empty_data_set_has_nothing_to_report(tmp_path: Path) -> None:
    report = verify(dataset(tmp_path, {}, {}))
    assert (report.checked, report.good, report.findings) == (0, 0, ())


def test_no_two_kinds_of_finding_share_a_code() -> None:
    kinds = (SUSPICIONS, REASONS, DIFFERENCES)
    assert len({code for kind in kinds for code in kind}) == sum(map(len, kinds))


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_a_file_that_is_not_the_published_one_is_fatal(algorithm: str, tmp_path: Path) -> None:
    some = dataset(tmp_path, {"a.wav": music(), "b.wav": music(1), "c.wav": music(2)}, {})
    digests = {
        name: f"{algorithm}:{hashlib.new(algorithm, (tmp_path / name).read_bytes()).hexdigest()}"
        for name in ("a.wav", "b.wav")
    }
    some = replace(some, checksums=digests)
    assert verify(some).findings == ()
    soundfile.write(tmp_path / "b.wav", music(3), RATE)
    (finding,) = verify(some).findings
    assert (finding.track, finding.code, finding.fatal) == ("b.wav", "checksum", True)
    expected = digests["b.wav"].partition(":")[2]
    assert finding.detail.startswith(f"the published {algorithm} is {expected[:12]}..., found ")


def test_a_file_cut_to_nothing_has_both_reasons(tmp_path: Path) -> None:
    some = replace(dataset(tmp_path, {"a.wav": music()}, {}), checksums={"a.wav": "sha1:00"})
    (tmp_path / "a.wav").write_bytes(b"")
    assert [finding.code for finding in verify(some).findings] == ["checksum", "empty"]
    (tmp_path / "a.wav").unlink()
    assert [finding.code for finding in verify(some).findings] == ["missing"]


def test_what_every_readable_file_holds_is_reported(tmp_path: Path) -> None:
    some = dataset(tmp_path, {"a.wav": music(), "b.wav": music(1), "c.wav": music()}, {})
    (tmp_path / "b.wav").write_bytes(b"<html>")
    (tmp_path / "c.wav").unlink()
    contents = verify(some).contents
    assert {path.name: content.size for path, content in contents.items()} == {
        "a.wav": (tmp_path / "a.wav").stat().st_size,
        "b.wav": 6,
    }
    assert contents[tmp_path / "b.wav"].sha256 == hashlib.sha256(b"<html>").hexdigest()


@pytest.mark.parametrize("size", [1, 2, 7, 100, 799, 5000])
def test_facts_of_a_sound_do_not_depend_on_its_blocks(size: int) -> None:
    noise = np.random.default_rng(0).normal(scale=0.5, size=1250)
    loud = noise.repeat(4).clip(-0.6, 0.7)
    # Clipped at the bottom, later at the top, louder at the end; silent in the middle.
    sound = np.concatenate([loud.clip(max=0.5), np.zeros(2000), loud, [0.9] * 4])
    samples = sound.astype(np.float32)
    whole, parts = SignalFacts(8000), SignalFacts(8000)
    whole.add(samples)
    for first in range(0, len(samples), size):
        parts.add(samples[first : first + size])
    assert parts.digest == whole.digest
    assert parts.n_samples == whole.n_samples == len(samples)
    assert parts.peak == whole.peak == np.float32(0.9)
    tenths = np.abs(samples[:12_000].reshape(15, 800)).max(axis=1)
    assert parts.silent_share == whole.silent_share == np.mean(tenths < 1e-3) > 0
    assert parts.offset_share == pytest.approx(whole.offset_share, rel=1e-9)
    bottom = samples == samples.min()
    in_a_row = np.count_nonzero(bottom[2:] & bottom[1:-1] & bottom[:-2]) + 2
    assert parts.clipped_share == whole.clipped_share == in_a_row / len(samples) > 0.01


def test_a_long_file_is_verified_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seconds = tmp_path / "long.wav", 60
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, seconds * 8000), 8000)
    monkeypatch.setattr("genrecls.dsp.audio._BLOCK_SAMPLES", 10_000)
    track = Track("long", path, "any")
    judge_audio(track, AudioLimits())
    tracemalloc.start()
    findings, _ = judge_audio(track, AudioLimits())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert findings == []
    # Four bytes a sample, were it held as a whole.
    assert peak < 4 * seconds * 8000 / 4
