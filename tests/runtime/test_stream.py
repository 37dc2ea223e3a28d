from __future__ import annotations

import io
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from genrecls.dsp.audio import AudioLimits
from genrecls.errors import DataError
from genrecls.runtime.sample_formats import Coding
from genrecls.runtime.stream import SampleFormat, Source, growing_wav, raw_samples
from tests.dsp.decoded import decode
from tests.export.exported import RATE
from tests.runtime.packed import sound

# Where a plain header has the size of the samples, and where they begin.
SIZE_AT, START = 40, 44


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
        (_not_wav, r"expected a WAV file; decode others with: ffmpeg"),
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


class _Dribble(io.BytesIO):
    """A pipe that gives three bytes at a time."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return self.read(min(3, size or 3))


@pytest.mark.parametrize(("coding", "kind"), [("s16le", "<i2"), ("s32le", "<i4"), ("f32le", "<f4")])
def test_raw_samples_are_mixed_whatever_pieces_they_come_in(coding: Coding, kind: str) -> None:
    left, right = sound(0.05, seed=1), sound(0.05, seed=2)
    scale = 1 if kind == "<f4" else np.iinfo(kind).max
    content = (np.stack([left, right], axis=1) * np.float64(scale)).astype(kind).tobytes()
    found = _all(raw_samples(_Dribble(content + b"\1"), SampleFormat(RATE, 2, coding)))
    assert found == pytest.approx((left + right) / 2, abs=1e-4)


def test_samples_of_another_format_than_said_are_noticed() -> None:
    content = np.full(100, np.nan, "<f4").tobytes()
    for data in (content, np.full(100, 1e9, "<f4").tobytes()):
        with pytest.raises(DataError, match=r"check the sample format \(f32le, 1 channels\)"):
            _all(raw_samples(io.BytesIO(data), SampleFormat(RATE, 1, "f32le")))


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (10**6, 1), (RATE, 0), (RATE, 99)])
def test_a_format_that_cannot_be_is_refused(rate: int, channels: int) -> None:
    with pytest.raises(DataError, match=r"^expected .* received"):
        SampleFormat(rate, channels, "s16le")
