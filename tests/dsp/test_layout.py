from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.dsp import audio
from genrecls.dsp.audio import AudioFile, read
from genrecls.dsp.audio_limits import AudioLimits, AudioRejected
from genrecls.dsp.layout import layout_of
from tests.dsp.bad_audio import encoded
from tests.dsp.decoded import decode
from tests.dsp.odd_audio import (
    RATE,
    announcing,
    flac_of_unknown_length,
    mp2,
    mp3,
    mp3_in_wav,
    music,
    riff,
    without_first_frame,
)

TAG = b"ID3\4\0\0\0\0\1\5" + bytes(128 + 5)
TITLES = b"LIST\4\0\0\0abcd"

# By which an encoder delays sound; without its frame nobody knows it.
DELAY = 1105

wav, flac, ogg, opus, au, aiff, rf64, w64 = (
    cache(
        lambda kind=kind, subtype=subtype, rate=rate: encoded(kind, music(1, rate), rate, subtype)
    )
    for kind, subtype, rate in (
        ("WAV", None, RATE),
        ("FLAC", None, RATE),
        ("OGG", None, RATE),
        ("OGG", "OPUS", 48_000),
        ("AU", None, RATE),
        ("AIFF", None, RATE),
        ("RF64", None, RATE),
        ("W64", None, RATE),
    )
)


def samples(folder: Path, content: bytes) -> NDArray[np.float32]:
    path = folder / "sound.bin"
    path.write_bytes(content)
    return decode(path, AudioLimits()).samples


def rejection(folder: Path, content: bytes) -> str:
    with pytest.raises(AudioRejected) as caught:
        samples(folder, content)
    return f"{caught.value.code}: {caught.value.detail}"


@pytest.mark.parametrize("make", [wav, flac, ogg, opus, au, aiff, rf64, w64, lambda: mp3(1)])
def test_a_healthy_file_is_left_to_the_decoder(make: Callable[[], bytes]) -> None:
    layout = layout_of(io.BytesIO(make()))
    assert layout.sections == ()
    assert layout.missing == 0


@pytest.mark.parametrize(
    "wrap",
    [
        lambda content: content,
        lambda content: TAG + content,
        lambda content: bytes(3000) + content,
        lambda content: content + b"TAG" + bytes(125),
        mp3_in_wav,
        lambda content: announcing(mp3_in_wav(content), 0),
    ],
)
def test_an_mp3_without_an_announced_length_is_read_whole(
    wrap: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    content = mp3(2)
    expected = samples(tmp_path, content)
    received = samples(tmp_path, wrap(without_first_frame(content)))
    assert len(received) % 1152 == 0
    np.testing.assert_array_equal(received[DELAY : DELAY + len(expected)], expected)


def test_what_is_left_of_an_mp3_that_was_recorded_in_part_is_read(tmp_path: Path) -> None:
    content = without_first_frame(mp3(4))
    for part in (content[: len(content) // 2], content[len(content) // 2 :]):
        assert len(samples(tmp_path, part)) > RATE


def test_an_mp3_that_announces_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    content = mp3(4)
    assert rejection(tmp_path, content[: len(content) // 2]).startswith("length-mismatch: ")


def test_an_mp3_that_counts_its_first_frame_is_no_damaged_one(tmp_path: Path) -> None:
    content = bytearray(mp3(2))
    at = content.find(b"Xing") + 8
    frames = int.from_bytes(content[at : at + 4])
    content[at : at + 4] = (frames + 1).to_bytes(4)
    assert len(samples(tmp_path, bytes(content))) >= 2 * RATE


def test_layer_ii_is_read_whole(tmp_path: Path) -> None:
    assert len(samples(tmp_path, mp2(50))) == 50 * 1152


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (mp3(1), mp3(1, seed=1)),
        (TAG + mp3(1), TAG + mp3(1)),
        (mp3(1), mp3_in_wav(mp3(1))[58 + 8 :]),
        (without_first_frame(mp3(1)) + bytes(5000), without_first_frame(mp3(1))),
        (ogg(), ogg()),
        (opus(), opus()),
        (flac(), flac()),
        (flac(), flac_of_unknown_length(flac())),
        (wav(), wav()),
        (wav(), announcing(wav(), -len(wav()))),
        (wav(), announcing(wav(), 36)),
        (encoded("WAV", music(0.2), RATE), announcing(wav(), -len(wav()))),
    ],
)
def test_two_songs_in_one_file_are_read_both(first: bytes, second: bytes, tmp_path: Path) -> None:
    both = samples(tmp_path, first + second)
    parts = [samples(tmp_path, first), samples(tmp_path, second)]
    np.testing.assert_array_equal(both, np.concatenate(parts))


def test_mono_behind_stereo_is_mixed_down_like_it(tmp_path: Path) -> None:
    mono = encoded("OGG", music(1)[:, :1], RATE)
    assert len(samples(tmp_path, ogg() + mono)) == 2 * RATE


@pytest.mark.parametrize("kind", ["MP3", "OGG", "FLAC", "WAV"])
def test_songs_of_different_rates_in_one_file_are_refused(kind: str, tmp_path: Path) -> None:
    content = encoded(kind, music(1), RATE) + encoded(kind, music(1, 22_050), 22_050)
    assert rejection(tmp_path, content).startswith("rate: it holds sounds of different rates")


def test_a_flac_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    received = samples(tmp_path, flac_of_unknown_length(flac()))
    np.testing.assert_array_equal(received, samples(tmp_path, flac()))


def test_limits_hold_where_the_header_says_no_length(tmp_path: Path) -> None:
    path = tmp_path / "sound.flac"
    path.write_bytes(flac_of_unknown_length(flac()))
    for limits, code in ((AudioLimits(max_seconds=0.5), "long"), (AudioLimits(2.0), "short")):
        with pytest.raises(AudioRejected, match=rf": {code}: "):
            read(path, 22_050, limits)


@pytest.mark.parametrize("more", [-len(wav()), -len(wav()) // 4 * 3, 2, 36, 44])
def test_a_wav_with_a_wrong_length_is_read(more: int, tmp_path: Path) -> None:
    received = samples(tmp_path, announcing(wav(), more))
    np.testing.assert_array_equal(received, samples(tmp_path, wav()))


def test_an_au_that_announces_no_sound_is_read(tmp_path: Path) -> None:
    received = samples(tmp_path, au()[:8] + bytes(4) + au()[12:])
    np.testing.assert_array_equal(received, samples(tmp_path, au()))


@pytest.mark.parametrize("make", [wav, aiff, au, rf64, w64])
def test_a_file_that_was_cut_is_refused_in_every_container(
    make: Callable[[], bytes], tmp_path: Path
) -> None:
    reason = rejection(tmp_path, make()[:-1000])
    assert reason.startswith("length-mismatch: the header announces 1000 bytes more")


def test_a_picture_behind_the_sound_is_not_heard(tmp_path: Path) -> None:
    sound = encoded("WAV", music(0.2), RATE)
    content = sound + b"id3 " + (200_000).to_bytes(4, "little") + bytes(range(250)) * 800
    np.testing.assert_array_equal(samples(tmp_path, content), samples(tmp_path, sound))


@pytest.mark.parametrize("behind", [b"", TITLES])
def test_a_wav_without_samples_is_empty(behind: bytes, tmp_path: Path) -> None:
    content = announcing(wav()[:44], 0) + behind
    assert rejection(tmp_path, content).startswith("empty: ")


def test_thousands_of_pieces_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    piece = riff((b"fmt ", wav()[20:36]), (b"data", bytes(4)))
    for content in (12_000 * piece, 12_000 * flac()[:42]):
        reason = rejection(tmp_path, content)
        assert reason.startswith("unreadable: expected one sound, found more than 10000")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            b"\0\0\0\x20ftypM4A " + bytes(99),
            "it is an MP4 file (M4A: AAC or ALAC); it is read with",
        ),
        (flac()[:30], "it is a FLAC file that the decoder cannot read"),
        (flac()[:5000] + bytes(2000) + flac()[7000:], "it is a FLAC file that the decoder cannot"),
        (mp3(1)[:800], "it is an MP3 file that the decoder cannot read: damaged"),
        (
            9 * (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)),
            "it is an AAC stream; it is read with PyAV",
        ),
    ],
)
def test_what_cannot_be_read_is_said_by_content(
    content: bytes, words: str, tmp_path: Path, without_pyav: None
) -> None:
    reason = rejection(tmp_path, content)
    assert reason.startswith(f"unreadable: {words}")
    for claim in ("not recognised", "internal error", "does not exist"):
        assert claim not in reason


def test_a_long_file_is_read_and_resampled_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(encoded("WAV", np.tile(music(1), (30, 1)), RATE))
    monkeypatch.setattr(audio, "_BLOCK_SAMPLES", 20_000)
    list(AudioFile(path, AudioLimits()).resampled(22_050))
    tracemalloc.start()
    length = sum(len(block) for block in AudioFile(path, AudioLimits()).resampled(22_050))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length == 30 * 22_050
    # Four bytes a sample, were it held as a whole.
    assert peak < 4 * length / 4


@pytest.mark.parametrize(
    ("bound", "words"),
    [("_MAX_VALUES", r"hours of 2 channels at 44100 Hz"), ("_MAX_WHOLE", r"hours at 22050 Hz")],
)
def test_samples_are_bounded_and_not_only_seconds(
    bound: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio, bound, 20_000)
    for content in (flac(), flac_of_unknown_length(flac())):
        (tmp_path / "sound").write_bytes(content)
        with pytest.raises(AudioRejected, match=rf": long: expected at most .* {words}.*cut it"):
            read(tmp_path / "sound", 22_050, AudioLimits())


def test_memory_that_runs_out_while_resampling_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("genrecls.dsp.resample.SoxrStream.push", fail)
    (tmp_path / "sound").write_bytes(wav())
    with pytest.raises(AudioRejected, match="long: it does not fit into memory"):
        read(tmp_path / "sound", 22_050, AudioLimits())
