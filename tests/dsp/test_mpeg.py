from __future__ import annotations

import io

import numpy as np
import pytest

from genrecls.dsp import mpeg
from genrecls.dsp.mpeg import LONGEST_RUN, MpegStream, begins_mpeg, id3_bytes, mpeg_streams
from tests.dsp.bad_audio import encoded
from tests.dsp.odd_audio import RATE, mp2, mp3, music, without_first_frame

TAG = b"ID3\4\0\0\0\0\1\5" + bytes(128 + 5)


def streams(content: bytes) -> list[MpegStream]:
    return mpeg_streams(io.BytesIO(content), 0, len(content))


def test_the_frames_are_those_that_the_first_one_announces() -> None:
    content = mp3(3)
    (stream,) = streams(content)
    assert stream.announced == stream.frames
    assert 0 <= stream.samples - 3 * RATE < 3 * stream.frame_samples
    assert (stream.start, stream.end) == (0, len(content))


def test_without_it_just_as_many_are_counted() -> None:
    content = mp3(3)
    (whole,), (stream,) = streams(content), streams(without_first_frame(content))
    assert (stream.frames, stream.announced) == (whole.frames, None)


@pytest.mark.parametrize("rate", [8_000, 12_000, 16_000, 24_000, 32_000, 48_000])
def test_frames_of_every_version_are_known(rate: int) -> None:
    (stream,) = streams(encoded("MP3", music(1, rate), rate))
    assert stream.announced == stream.frames
    assert stream.frame_samples == (1152 if rate >= 32_000 else 576)


@pytest.mark.parametrize("rate_bits", [0, 1, 2])
def test_layer_ii_is_counted(rate_bits: int) -> None:
    (stream,) = streams(mp2(20, rate_bits))
    assert (stream.frames, stream.frame_samples, stream.announced) == (20, 1152, None)


def test_tags_and_junk_around_frames_are_passed_over() -> None:
    sound = without_first_frame(mp3(1))
    (expected,) = streams(sound)
    for before in (TAG, TAG + TAG, bytes(5000), b"noise" * 99, b"\xff" * 999):
        (stream,) = streams(before + sound + b"TAG" + bytes(125))
        assert stream.start == len(before)
        assert stream.frames == expected.frames
        assert stream.end - stream.start == len(sound)


def test_much_junk_between_frames_separates_what_announces_no_length() -> None:
    content = mp3(1)
    sound = without_first_frame(content)
    (whole,) = streams(sound)
    (stream,) = streams(sound + b"noise" + sound)
    assert stream.frames == 2 * whole.frames
    first, second = streams(sound + b"noise" * 999 + sound)
    assert first.frames == second.frames == whole.frames
    assert second.start == len(sound) + 5 * 999
    assert len(streams(content[:5000] + b"noise" * 999 + content[5000:])) == 1


def test_songs_behind_one_another_are_told_apart() -> None:
    first, second = mp3(2), mp3(1, seed=1)
    mono = encoded("MP3", music(1)[:, :1], RATE)
    bare = without_first_frame(second)
    for content, counts in (
        (first + second, [2, 1]),
        (TAG + first + TAG + second + second, [2, 1, 1]),
        (first + bare, [2, 1]),
        (bare + first, [1, 2]),
        (bare + without_first_frame(mono), [1, 1]),
        (first + without_first_frame(mono), [2, 1]),
    ):
        assert [stream.samples // RATE for stream in streams(content)] == counts


def test_a_few_frames_more_than_announced_are_no_song() -> None:
    content = bytearray(mp3(1))
    at = content.find(b"Xing") + 8
    content[at : at + 4] = (int.from_bytes(content[at : at + 4]) - 3).to_bytes(4)
    assert len(streams(bytes(content))) == 1


def test_junk_that_looks_like_frames_is_not_searched_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = without_first_frame(mp3(1))
    content = sound + 500 * b"\xff" + sound
    monkeypatch.setattr(mpeg, "_MAX_TRIES", 1000)
    assert streams(content)[0].frames == 2 * streams(sound)[0].frames
    monkeypatch.setattr(mpeg, "_MAX_TRIES", 100)
    assert streams(content)[0].frames == streams(sound)[0].frames


def test_a_last_frame_that_is_cut_off_does_not_count() -> None:
    content = without_first_frame(mp3(1))
    assert streams(content[:-1])[0].frames == streams(content)[0].frames - 1


def test_noise_is_no_mpeg_audio() -> None:
    for content in (b"", b"\xff", bytes(9999), np.random.default_rng(0).bytes(300_000)):
        assert streams(content) == []
        assert not begins_mpeg(content[:LONGEST_RUN])


def test_the_beginning_tells_mpeg_audio_from_samples() -> None:
    content = mp3(1)
    assert begins_mpeg(content[:LONGEST_RUN])
    assert begins_mpeg(mp2(20)[:LONGEST_RUN])
    samples = np.full(LONGEST_RUN // 2, int.from_bytes(content[:2], "little", signed=True), "<i2")
    assert not begins_mpeg(samples.tobytes())


def test_the_length_of_a_tag_is_read() -> None:
    assert id3_bytes(TAG) == len(TAG)
    assert id3_bytes(TAG[:5] + b"\x10" + TAG[6:]) == len(TAG) + 10
    for head in (b"", b"ID3", b"ID3\4\0\0\0\0\1\x85", mp3(1)[:10]):
        assert id3_bytes(head) == 0
