from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import DataError
from genrecls.runtime.command import add_live_options, run_live
from genrecls.runtime.parser import Parser
from genrecls.runtime.sample_formats import Coding
from genrecls.runtime.stream import SampleFormat, Source, growing_wav, piped_samples
from tests.dsp.bad_audio import encoded
from tests.dsp.decoded import decode
from tests.dsp.odd_audio import mp2, mp3, without_first_frame
from tests.export.exported import RATE
from tests.runtime.packed import sound
from tests.runtime.toy_classifier import toy_classifier

# Where a plain header has the size of the samples, and where they begin.
SIZE_AT, START = 40, 44
# And where it has the bytes of one sample in all channels.
FRAME_AT = 32

# No name of a program: it may be genrecls or classify.pyz.
BY_FFMPEG = r"with: ffmpeg .* \| \.\.\. --live -$"


def _all(source: Source) -> NDArray[np.float32]:
    return np.concatenate([np.zeros(0, np.float32), *source.blocks])


def _wav(path: Path, seconds: float = 1.3, subtype: str = "PCM_16", channels: int = 1) -> Path:
    tracks = [sound(seconds, RATE, seed) for seed in range(channels)]
    soundfile.write(path, np.stack(tracks, axis=1), RATE, subtype=subtype)
    return path


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_a_finished_wav_sounds_as_its_decoder_says(
    subtype: str, channels: int, tmp_path: Path
) -> None:
    path = _wav(tmp_path / "a.wav", 2.7, subtype, channels)
    source = growing_wav(path, wait=0)
    assert source.rate == RATE
    assert np.array_equal(_all(source), decode(path, AudioLimits()).samples)


def test_the_header_of_an_extensible_wav_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, sound(0.5), RATE, format="WAVEX", subtype="PCM_24")
    assert np.array_equal(_all(growing_wav(path, 0)), decode(path, AudioLimits()).samples)


def _with_frame(path: Path, frame: int) -> bytearray:
    """Return a WAV with other bytes a sample in its header."""
    content = bytearray(path.read_bytes())
    content[FRAME_AT : FRAME_AT + 2] = frame.to_bytes(2, "little")
    return content


def _padded(path: Path, channels: int) -> bytes:
    """Return a WAV of 24 bits as `arecord -f S24_LE` writes it: each sample in four bytes."""
    header = _with_frame(path, 4 * channels)[:START]
    samples: NDArray[np.int32] = soundfile.read(path, dtype="int32")[0]
    header[SIZE_AT:START] = samples.nbytes.to_bytes(4, "little")
    return bytes(header) + (samples >> 8).astype("<i4").tobytes()


@pytest.mark.parametrize("channels", [1, 2])
def test_samples_of_24_bits_in_four_bytes_are_heard(channels: int, tmp_path: Path) -> None:
    path = _wav(tmp_path / "a.wav", 0.5, "PCM_24", channels)
    expected = decode(path, AudioLimits()).samples
    content = _padded(path, channels)
    header, samples = content[:START], np.frombuffer(content[START:], "<i4")
    path.write_bytes(content)
    assert np.array_equal(_all(growing_wav(path, 0)), expected)
    without_sign = header + (samples & 0xFFFFFF).tobytes()
    assert np.array_equal(_piped(io.BytesIO(without_sign)), expected)
    with pytest.raises(DataError, match="in the fourth; record with -f S32_LE or -f S24_3LE"):
        _piped(io.BytesIO(header + (samples << 8).tobytes()))


@pytest.mark.parametrize(
    ("subtype", "frame", "reason"),
    [
        ("PCM_16", 8, r"expected 4 bytes \(block align\) for 16 bits in 2 channel.*, received 8"),
        ("PCM_24", 5, "expected 6 bytes .* received 5"),
        ("PCM_24", 0, "expected 6 bytes .* received 0"),
        ("FLOAT", 16, "expected 8 bytes .* received 16"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(
    subtype: str, frame: int, reason: str, tmp_path: Path
) -> None:
    content = _with_frame(_wav(tmp_path / "a.wav", 0.1, subtype, channels=2), frame)
    with pytest.raises(DataError, match=reason):
        _piped(io.BytesIO(content))


@pytest.mark.parametrize("size", [0, 1000, 0x7FFF_F000, 0xFFFF_FFFF])
def test_a_wrong_size_in_the_header_is_not_believed(size: int, tmp_path: Path) -> None:
    path = _wav(tmp_path / "a.wav")
    expected = decode(path, AudioLimits()).samples
    content = bytearray(path.read_bytes())
    content[SIZE_AT:START] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert np.array_equal(_all(growing_wav(path, 0)), expected)


@pytest.mark.parametrize(
    "behind",
    [b"LIST\4\0\0\0abcd", b"LIST\3\0\0\0abc\0id3 \2\0\0\0xx", b"junk\1\0\0\0a"],
)
def test_what_stands_behind_the_samples_is_not_heard(behind: bytes, tmp_path: Path) -> None:
    path = _wav(tmp_path / "a.wav")
    expected = decode(path, AudioLimits()).samples
    path.write_bytes(path.read_bytes() + behind)
    assert np.array_equal(_all(growing_wav(path, 0)), expected)


def test_what_is_appended_is_heard_until_nothing_comes_any_more(tmp_path: Path) -> None:
    whole = _wav(tmp_path / "whole.wav", 2.0).read_bytes()
    path = tmp_path / "growing.wav"

    def record() -> None:
        # The first piece ends inside the header, others inside a sample.
        for first, last in ((0, 30), (30, 1001), (1001, 20_000), (20_000, len(whole))):
            time.sleep(0.1)
            with path.open("ab") as file:
                file.write(whole[first:last])

    writer = threading.Thread(target=record)
    writer.start()
    found = _all(growing_wav(path, wait=3.0))
    writer.join()
    assert np.array_equal(found, decode(tmp_path / "whole.wav", AudioLimits()).samples)


def _nothing(path: Path) -> None:
    assert not path.exists()


def _not_wav(path: Path) -> None:
    path.write_bytes(b"ID3\4" + bytes(2000))


def _eight_bits(path: Path) -> None:
    soundfile.write(path, sound(0.2), RATE, subtype="PCM_U8")


def _no_samples_yet(path: Path) -> None:
    path.write_bytes(b"RIFF\0\0\0\0WAVE")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_nothing, "no such file after 0 s"),
        (_no_samples_yet, "no WAV header in it"),
        (_not_wav, f"expected a WAV file, found an MP3 file; decode others {BY_FFMPEG}"),
        (_eight_bits, "received format 1 of 8 bits"),
        (Path.mkdir, "expected a WAV file; samples of a pipe"),
    ],
)
def test_what_is_no_wav_gets_one_line(make: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(DataError, match=reason) as error:
        growing_wav(path, wait=0)
    assert "\n" not in str(error.value)


MONO = SampleFormat(4000, 1, "s16le")


def _piped(
    stream: io.BytesIO, form: SampleFormat = MONO, said: Sequence[str] = ()
) -> NDArray[np.float32]:
    return _all(piped_samples(stream, form, said)[0])


class _Dribble(io.BytesIO):
    """A pipe that gives three bytes at a time."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return self.read(min(3, size or 3))


@pytest.mark.parametrize(("coding", "kind"), [("s16le", "<i2"), ("s32le", "<i4"), ("f32le", "<f4")])
def test_raw_samples_are_mixed_whatever_pieces_they_come_in(coding: Coding, kind: str) -> None:
    left, right = sound(0.05, seed=1), sound(0.05, seed=2)
    scale = 1 if kind == "<f4" else np.iinfo(kind).max
    content = (np.stack([left, right], axis=1) * np.float64(scale)).astype(kind).tobytes()
    found = _piped(_Dribble(content + b"\1"), SampleFormat(RATE, 2, coding))
    assert found == pytest.approx((left + right) / 2, abs=1e-4)


def test_samples_of_another_format_than_said_are_noticed() -> None:
    content = np.full(100, np.nan, "<f4").tobytes()
    for data in (content, np.full(100, 1e9, "<f4").tobytes()):
        with pytest.raises(DataError, match=r"check the sample format \(f32le, 1 channels\)"):
            _piped(io.BytesIO(data), SampleFormat(RATE, 1, "f32le"))


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (10**6, 1), (RATE, 0), (RATE, 99)])
def test_a_format_that_cannot_be_is_refused(rate: int, channels: int) -> None:
    with pytest.raises(DataError, match=r"^expected .* received"):
        SampleFormat(rate, channels, "s16le")


@pytest.mark.parametrize("size", [None, 0, 0x7FFF_F000, 0xFFFF_FFFF])
@pytest.mark.parametrize(("subtype", "channels"), [("PCM_16", 2), ("PCM_24", 1), ("FLOAT", 3)])
def test_a_wav_in_a_pipe_says_itself_how_it_is_stored(
    subtype: str, channels: int, size: int | None, tmp_path: Path
) -> None:
    path = _wav(tmp_path / "a.wav", 0.5, subtype, channels)
    content = path.read_bytes()
    if size is not None:
        at = content.find(b"data") + 4
        content = content[:at] + size.to_bytes(4, "little") + content[at + 4 :]
    for stream in (io.BytesIO(content), _Dribble(content)):
        source, described = piped_samples(stream, MONO)
        assert (source.rate, described) == (RATE, True)
        assert np.array_equal(_all(source), decode(path, AudioLimits()).samples)


def test_what_stands_behind_the_samples_in_a_pipe_is_not_heard(tmp_path: Path) -> None:
    path = _wav(tmp_path / "a.wav", 0.5)
    received = _piped(io.BytesIO(path.read_bytes() + b"LIST\4\0\0\0abcd"))
    assert np.array_equal(received, decode(path, AudioLimits()).samples)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("rate", r"header says \d+, expected 4000 \(--rate\); leave --rate out"),
        ("channels", r"header says 2, expected 1 \(--channels\)"),
        ("coding", r"header says s24le, expected s16le \(--sample-format\)"),
    ],
)
def test_a_wav_in_a_pipe_that_contradicts_an_option_is_refused(
    said: str, words: str, tmp_path: Path
) -> None:
    content = _wav(tmp_path / "a.wav", 0.1, "PCM_24", channels=2).read_bytes()
    with pytest.raises(DataError, match=words):
        _piped(io.BytesIO(content), said=[said])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (mp3(1), "an MP3 stream"),
        (without_first_frame(mp3(1))[:3000], "an MP3 stream"),
        (b"ID3\4\0\0\0\0\1\5" + bytes(133) + mp3(1), "an MP3 file"),
        (mp2(9), "an MP3 stream"),
        (encoded("OGG"), r"an OGG file \(Vorbis\)"),
        (encoded("FLAC"), "a FLAC file"),
        (encoded("AIFF"), "an AIFF file"),
        (encoded("AU"), "an AU file"),
        (b"\0\0\0\x20ftypM4A " + bytes(999), "an MP4 file"),
        (9 * (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)), "an AAC stream"),
        (b"<html>" + b"error " * 999, "a web page"),
    ],
)
def test_bytes_of_a_file_are_not_taken_for_samples(content: bytes, kind: str) -> None:
    for stream in (io.BytesIO(content), _Dribble(content)):
        with pytest.raises(DataError, match=f"or a WAV, received {kind}.*; decode it {BY_FFMPEG}"):
            _piped(stream)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(9000, "<i2"),
        np.full(9000, -1025, "<i2"),
        np.full(100, 0x4141, "<i2"),
        np.random.default_rng(0).integers(-(2**15), 2**15, 9000).astype("<i2"),
    ],
)
def test_samples_of_any_kind_are_heard(samples: NDArray[np.int16]) -> None:
    received = _piped(io.BytesIO(samples.tobytes()))
    assert np.array_equal(received * 2**15, samples)


def test_a_pipe_that_holds_the_header_of_a_wav_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the header of a WAV, and then no samples"):
        _piped(io.BytesIO(_wav(tmp_path / "a.wav").read_bytes()[:30]))


def test_what_raw_samples_are_taken_as_is_said_where_nobody_said_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    parser = Parser()
    add_live_options(parser)
    parser.add_argument("--format", default="json")
    note = "--live -: raw samples, taken as s16le, 4000 Hz, 2 channel(s)"
    pcm = np.random.default_rng(0).integers(-999, 999, 9000).astype("<i2").tobytes()
    wav = _wav(tmp_path / "a.wav").read_bytes()
    stereo = ["--channels", "2"]
    every = [*stereo, "--rate", "4000", "--sample-format", "s16le"]
    for content, words, expected in ((pcm, stereo, True), (pcm, every, False), (wav, [], False)):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        assert run_live(parser.parse_args(["--live", "-", *words]), toy_classifier()) == 0
        assert (note in capsys.readouterr().err) == expected
