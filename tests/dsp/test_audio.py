from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset, Provenance, Track
from genrecls.datasets.verify import verify
from genrecls.dsp import audio
from genrecls.dsp.audio import read
from genrecls.dsp.audio_limits import REASONS, SUFFIXES, AudioLimits, AudioRejected
from genrecls.errors import ConfigError
from tests.dsp.bad_audio import (
    ACCEPTED,
    CASES,
    LIMITS,
    RATE,
    BadFile,
    Samples,
    encoded,
    tone,
    write_all,
)
from tests.dsp.decoded import decode
from tests.dsp.odd_audio import (
    announcing,
    flac_of_unknown_length,
    mp2,
    mp3,
    mp3_in_wav,
    without_first_frame,
)

LOSSLESS = ("WAV", "AU", "FLAC")


def outcome(path: Path) -> str:
    try:
        samples = read(path, RATE, LIMITS)
    except AudioRejected as rejected:
        assert "\n" not in str(rejected)
        assert str(rejected) == f"{path}: {rejected.code}: {rejected.detail}"
        return rejected.code
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples)
    assert np.isfinite(samples).all()
    return ACCEPTED


def stored(folder: Path, content: bytes, name: str = "sound.wav") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name[:30])
def test_every_bad_file_gets_its_verdict(case: BadFile, tmp_path: Path) -> None:
    case.write(tmp_path / case.name)
    assert outcome(tmp_path / case.name) in case.outcomes


def test_the_cases_have_different_names_and_reach_every_code() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    reached = frozenset[str]().union(*(case.outcomes for case in CASES))
    # What a segment needs is no matter of the file.
    assert reached | {"unreadable", "no-segment"} == {ACCEPTED, *REASONS}


def test_verification_names_every_bad_file_and_never_stops(tmp_path: Path) -> None:
    paths = write_all(tmp_path)
    tracks = tuple(Track(name, path, "any") for name, path in paths.items())
    report = verify(Dataset("bad", ("any",), tracks, tmp_path, Provenance("", "", ""), LIMITS))
    found = {finding.track: finding.code for finding in report.findings if finding.fatal}
    assert report.checked == len(CASES)
    assert report.good == len(CASES) - len(found) > 0
    for case in CASES:
        assert found.get(case.name, ACCEPTED) in case.outcomes


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_lossless_files_return_the_mean_of_their_channels(
    kind: str, rate: int, channels: int, tmp_path: Path
) -> None:
    written = tone(0.4, rate, channels)
    path = stored(tmp_path, encoded(kind, written, rate))
    np.testing.assert_allclose(read(path, rate, LIMITS), written.mean(axis=1), atol=2**-15)


@pytest.mark.parametrize("kind", ["MP3", "OGG"])
@pytest.mark.parametrize("channels", [1, 2])
def test_lossy_files_return_nearly_what_was_written(
    kind: str, channels: int, tmp_path: Path
) -> None:
    written = tone(1, 44_100, channels)
    samples = read(stored(tmp_path, encoded(kind, written, 44_100)), 44_100, LIMITS)
    assert len(samples) == len(written)
    assert np.corrcoef(samples, written.mean(axis=1))[0, 1] > 0.99


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 96_000])
@pytest.mark.parametrize("wanted", [8_000, 16_000, 22_050, 44_100])
def test_resampling_keeps_the_length_in_seconds_and_the_pitch(
    rate: int, wanted: int, tmp_path: Path
) -> None:
    samples = read(stored(tmp_path, encoded("WAV", rate=rate)), wanted, LIMITS)
    assert abs(len(samples) - wanted) <= 1
    assert np.argmax(np.abs(np.fft.rfft(samples))) == pytest.approx(220, abs=1)


@pytest.mark.parametrize("kind", [*LOSSLESS, "MP3", "OGG"])
def test_reading_twice_gives_identical_samples_and_digests(kind: str, tmp_path: Path) -> None:
    path = stored(tmp_path, encoded(kind, tone(1, 44_100, 2), 44_100))
    np.testing.assert_array_equal(read(path, RATE, LIMITS), read(path, RATE, LIMITS))
    assert decode(path, LIMITS).digest() == decode(path, LIMITS).digest()


def test_the_digest_is_of_the_sound_and_not_of_its_container(tmp_path: Path) -> None:
    steps = (20_000 * tone()).astype(np.int16)
    wav, flac, other, faster = (
        decode(stored(tmp_path, content, name), LIMITS).digest()
        for name, content in {
            "a.wav": encoded("WAV", steps),
            "a.flac": encoded("FLAC", steps),
            "b.wav": encoded("WAV", steps // 2),
            "c.wav": encoded("WAV", steps, 2 * RATE),
        }.items()
    )
    assert wav == flac
    assert len({wav, other, faster}) == 3


def test_the_facts_describe_the_file_before_it_was_mixed_down(tmp_path: Path) -> None:
    written = np.hstack([tone(2, 44_100), 0 * tone(2, 44_100)])
    decoded = decode(stored(tmp_path, encoded("FLAC", written, 44_100)), LIMITS)
    assert (decoded.rate, decoded.channels, decoded.container) == (44_100, 2, "FLAC")
    assert decoded.seconds == 2.0
    assert decoded.peak == pytest.approx(np.abs(written).max(), abs=2**-15)
    assert np.abs(decoded.samples).max() == pytest.approx(decoded.peak / 2, abs=2**-15)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3", "OGG"])
def test_a_file_read_in_many_blocks_equals_one_read_at_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(tmp_path, encoded(kind, tone(2, RATE, 2)))
    whole = decode(path, LIMITS)
    monkeypatch.setattr(audio, "_BLOCK_SAMPLES", 3_001)
    parts = decode(path, LIMITS)
    np.testing.assert_allclose(parts.samples, whole.samples, atol=1e-6)
    assert parts.peak == pytest.approx(whole.peak, abs=1e-6)


def test_opposite_phase_is_told_from_plain_silence(tmp_path: Path) -> None:
    for written, words in ((0 * tone(), "every sample"), (tone() * [1, -1], "opposite phase")):
        with pytest.raises(AudioRejected, match=words) as caught:
            decode(stored(tmp_path, encoded("WAV", written)), LIMITS)
        assert caught.value.code == "silent"


def test_the_quietest_sound_of_16_bits_is_accepted(tmp_path: Path) -> None:
    content = encoded("WAV", 1.01 * 2**-15 * np.sign(tone()))
    assert outcome(stored(tmp_path, content)) == ACCEPTED


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (AudioLimits(min_seconds=1.01), "short"),
        (AudioLimits(max_seconds=0.99), "long"),
        (AudioLimits(min_rate=RATE + 1), "rate"),
        (AudioLimits(max_rate=RATE - 1), "rate"),
        (AudioLimits(max_channels=1), "channels"),
        (AudioLimits(max_peak=0.4), "amplitude"),
    ],
)
def test_a_data_set_can_narrow_each_limit(limits: AudioLimits, code: str, tmp_path: Path) -> None:
    path = stored(tmp_path, encoded("WAV", tone(channels=2)))
    assert outcome(path) == ACCEPTED
    with pytest.raises(AudioRejected) as caught:
        read(path, RATE, limits)
    assert caught.value.code == code


def test_a_sound_that_vanishes_at_the_wanted_rate_is_too_short(tmp_path: Path) -> None:
    path = stored(tmp_path, encoded("WAV", np.full((3, 1), 0.5), 96_000))
    with pytest.raises(AudioRejected, match="short"):
        read(path, 8_000, AudioLimits(min_seconds=0))


def test_a_named_pipe_is_rejected_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os = pytest.importorskip("os")
    os.mkfifo(tmp_path / "pipe.wav")
    assert outcome(tmp_path / "pipe.wav") == "unreadable"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionError(13, "Permission denied"), "unreadable"),
        (OSError(5, "Input/output error"), "unreadable"),
        (FileNotFoundError(2, "gone meanwhile"), "missing"),
        (MemoryError(), "long"),
    ],
)
def test_errors_of_the_system_become_rejections(
    error: Exception, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    path = stored(tmp_path, encoded("WAV"))
    monkeypatch.setattr(audio, "layout_of", fail)
    assert outcome(path) == code


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are text there")
def test_a_name_that_is_no_text_is_read(tmp_path: Path) -> None:
    # As every name with an accent is under LC_ALL=C.
    path = stored(tmp_path, encoded("WAV"), "caf\udce9.wav")
    assert outcome(path) == ACCEPTED


@pytest.mark.parametrize(
    ("value", "limit", "digits", "style", "text"),
    [
        (0.25, 1, 3, "f", "0.250"),
        (0.999977, 1, 3, "f", "0.99998"),
        (600.00002, 600, 0, "f", "600.00002"),
        (0.99999989, 0.9999999, 3, "f", "0.99999989"),
        (1e30, 10, 6, "g", "1e+30"),
        (10.0000001, 10, 6, "g", "10.0000001"),
    ],
)
def test_a_number_beside_its_limit_is_told_from_it(
    value: float, limit: float, digits: int, style: str, text: str
) -> None:
    assert audio.apart(value, limit, digits, style) == text


def test_a_rejection_survives_the_way_between_processes() -> None:
    rejected = pickle.loads(pickle.dumps(AudioRejected(Path("a.wav"), "short", "a detail")))  # noqa: S301
    assert (rejected.path, rejected.code, rejected.detail) == (Path("a.wav"), "short", "a detail")
    assert str(rejected) == "a.wav: short: a detail"


def test_absurd_lengths_cost_neither_time_nor_memory(tmp_path: Path) -> None:
    content = bytearray(encoded("FLAC"))
    content[22:26] = b"\xff\xff\xff\x00"
    path = stored(tmp_path, bytes(content), "huge.flac")
    started = time.process_time()
    with pytest.raises(AudioRejected):
        decode(path, AudioLimits(max_seconds=1e9))
    assert time.process_time() - started < 2


@pytest.mark.process
def test_importing_the_reader_imports_no_decoder() -> None:
    heavy = "{'soundfile', 'soxr', 'librosa'}"
    program = f"import sys, genrecls.dsp.audio; sys.exit(bool({heavy} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(1, 4_000),
    rate=st.sampled_from([8_000, 16_000, 22_050, 44_100]),
    wanted=st.sampled_from([8_000, 16_000, 22_050, 44_100]),
    channels=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_noise_is_accepted_at_its_length_and_within_its_peak(
    frames: int, rate: int, wanted: int, channels: int, seed: int
) -> None:
    noise: Samples = np.random.default_rng(seed).uniform(-1, 1, (frames, channels))
    noise[0] = 0.9
    with tempfile.TemporaryDirectory() as folder:
        path = stored(Path(folder), encoded("WAV", noise, rate, "FLOAT"))
        limits = AudioLimits(min_seconds=0)
        decoded = decode(path, limits)
        assert len(decoded.samples) == frames
        assert np.abs(decoded.samples).max() <= decoded.peak <= 1
        if frames * wanted >= rate:
            assert abs(len(read(path, wanted, limits)) - frames * wanted / rate) < 1


MUTATIONS = 200


def mutated(content: bytes, generator: np.random.Generator) -> bytes:
    damaged = bytearray(content)
    # Half of the damage goes to the header, where it does most.
    reach = len(damaged) if generator.random() < 0.5 else min(64, len(damaged))
    for at in generator.integers(0, reach, generator.integers(1, 20)):
        damaged[at] = generator.integers(256)
    if generator.random() < 0.3:
        del damaged[generator.integers(len(damaged)) :]
    return bytes(damaged)


@pytest.mark.parametrize("kind", ["WAV", "AU", "FLAC", "MP3", "OGG"])
def test_random_damage_is_accepted_within_limits_or_rejected(kind: str, tmp_path: Path) -> None:
    generator = np.random.default_rng([4, 1, *kind.encode()])
    content = encoded(kind, tone(0.3, channels=2))
    outcomes = set()
    for number in range(MUTATIONS):
        path = stored(tmp_path, mutated(content, generator), f"{number}.{kind.lower()}")
        outcomes.add(outcome(path))
    assert outcomes <= {ACCEPTED, *REASONS}
    assert outcomes != {ACCEPTED}


ODD = {
    "mp3 without its first frame": without_first_frame(mp3(0.5)),
    "two mp3": mp3(0.5) + without_first_frame(mp3(0.5)),
    "mp3 in wav": mp3_in_wav(without_first_frame(mp3(0.5))),
    "mp2": mp2(20),
    "two ogg": 2 * encoded("OGG", tone(0.3)),
    "two flac": 2 * flac_of_unknown_length(encoded("FLAC", tone(0.3))),
    "two wav": encoded("WAV", tone(0.3)) + announcing(encoded("WAV", tone(0.3)), -(10**9)),
    "aiff": encoded("AIFF", tone(0.3)),
    "w64": encoded("W64", tone(0.3)),
}


@pytest.mark.parametrize("name", ODD)
def test_random_damage_of_odd_files_is_accepted_or_rejected(name: str, tmp_path: Path) -> None:
    generator = np.random.default_rng([7, *name.encode()])
    for number in range(40):
        path = stored(tmp_path, mutated(ODD[name], generator), f"{number}")
        assert outcome(path) in {ACCEPTED, *REASONS}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_promised_suffix_can_be_read(suffix: str, tmp_path: Path) -> None:
    kinds = {".oga": "OGG", ".aif": "AIFF", ".aifc": "AIFF", ".snd": "AU"}
    if suffix == ".opus":
        content = encoded("OGG", rate=24_000, subtype="OPUS")
    elif suffix == ".mp2":
        content = mp2(30)
    else:
        content = encoded(kinds.get(suffix, suffix[1:].upper()))
    assert outcome(stored(tmp_path, content, f"sound{suffix}")) == ACCEPTED


def test_limits_in_a_configuration_are_as_strict_as_the_rest_of_it() -> None:
    values: dict[str, object] = {
        "name": "folder",
        "root": ".",
        "csv": None,
        "bad_audio": "error",
        "artists": None,
    }
    values |= {"limits": {"min_second": 1.0}}
    with pytest.raises(
        ConfigError, match=r"limits\.min_second: unknown key; .*did you mean 'min_s"
    ):
        select(DATASETS, values)
    with pytest.raises(ConfigError, match=r"limits\.max_peak: .*a finite number"):
        select(DATASETS, {**values, "limits": {"max_peak": float("inf")}})
