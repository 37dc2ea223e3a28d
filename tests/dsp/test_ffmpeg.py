"""What FFmpeg decodes passes the same checks as all sound, with the same codes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.dsp import audio, ffmpeg
from genrecls.dsp.audio import AudioFile, read
from genrecls.dsp.audio_limits import REASONS, AudioLimits, AudioRejected
from tests.dsp.bad_audio import tone

av = pytest.importorskip("av")

RATE = 44_100
LIMITS = AudioLimits(max_seconds=60.0)
LOSSLESS = {"alac.m4a": "alac", "a.wv": "wavpack", "a.tta": "tta", "a.mkv": "flac"}
LOSSY = {"a.m4a": "aac", "a.aac": "aac", "a.wma": "wmav2", "a.webm": "libopus", "a.mp4": "aac"}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(
        name: str, codec: str, samples: NDArray[Any], *, pictures: bool = False, **options: str
    ) -> Path:
        """Encode samples (frames, channels) into a container of the name's suffix."""
        path = tmp_path / name
        with av.open(str(path), "w", options=options) as container:
            film = container.add_stream("mpeg4", rate=25) if pictures else None
            rate = 48_000 if codec == "libopus" else RATE
            sound = container.add_stream(codec, rate=rate) if samples.size else None
            if sound is not None:
                sound.layout = "stereo" if samples.shape[1] == 2 else "mono"
                sound.bit_rate = 64_000
                if codec in {"wavpack", "tta"}:
                    # Else they take the first that they know, which has 8 bits.
                    sound.format = {"wavpack": "s16p", "tta": "s16"}[codec]
            if film is not None:
                film.width = film.height = 64
                for _ in range(25):
                    picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
                    container.mux(film.encode(picture))
                container.mux(film.encode(None))
            if sound is not None:
                whole = np.ascontiguousarray(samples.astype(np.float32).reshape(1, -1))
                frame = av.AudioFrame.from_ndarray(whole, format="flt", layout=sound.layout.name)
                frame.sample_rate = RATE
                frame.pts = 0
                for part in frame_parts(frame, sound):
                    container.mux(sound.encode(part))
                container.mux(sound.encode(None))
        return path

    return write_file


def frame_parts(frame: Any, sound: Any) -> list[Any]:
    """Cut sound into the frames and samples that a codec takes."""
    size = sound.codec_context.frame_size or 1024
    converter = av.AudioResampler(sound.format.name, sound.layout.name, sound.rate, frame_size=size)
    return [*converter.resample(frame), *converter.resample(None)]


def rejection(path: Path, limits: AudioLimits = LIMITS) -> AudioRejected:
    with pytest.raises(AudioRejected) as caught:
        read(path, RATE, limits)
    return caught.value


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_sound_comes_back_as_it_was(name: str, write: Write) -> None:
    samples = tone(1.0, RATE, 2) * (1.0, 0.5)
    found = read(write(name, LOSSLESS[name], samples), RATE, LIMITS)
    np.testing.assert_allclose(found, samples.mean(axis=1), atol=1e-4)


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_sound_has_its_length_and_its_pitch(name: str, write: Write) -> None:
    path = write(name, LOSSY[name], tone(2.0, RATE, 2), pictures=name == "a.mp4")
    found = read(path, RATE, LIMITS)
    assert abs(len(found) / RATE - 2.0) < 0.1
    spectrum = np.abs(np.fft.rfft(found[:RATE]))
    assert abs(int(spectrum.argmax()) - 220) <= 1
    assert abs(float(np.sqrt(np.mean(found**2))) - 0.35) < 0.02


def test_the_content_decides_whatever_the_name_says(write: Write) -> None:
    path = write("a.m4a", "aac", tone(1.0, RATE))
    for name in ("song.mp3", "song"):
        renamed = path.rename(path.with_name(name))
        assert AudioFile(renamed, LIMITS).container == "MOV"
        path = renamed


def test_a_file_read_in_many_blocks_equals_one_read_at_once(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.wv", "wavpack", tone(1.0, RATE, 2))
    whole = read(path, RATE, LIMITS)
    monkeypatch.setattr(audio, "_BLOCK_SAMPLES", 999)
    np.testing.assert_array_equal(read(path, RATE, LIMITS), whole)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [("a.m4a", "aac", {"movflags": "faststart"}), ("a.wv", "wavpack", {}), ("a.mkv", "flac", {})],
)
def test_what_was_cut_is_found(
    name: str, codec: str, options: dict[str, str], write: Write
) -> None:
    path = write(name, codec, tone(4.0, RATE), **options)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    error = rejection(path)
    assert error.code == "length-mismatch"
    assert "fetch it again" in error.detail


def test_damage_that_a_checksum_shows_is_found(write: Write) -> None:
    path = write("a.wv", "wavpack", tone(3.0, RATE))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    path.write_bytes(content)
    assert rejection(path).code == "length-mismatch"


@pytest.mark.parametrize(("name", "codec"), [("a.wma", "wmav2"), ("a.webm", "libopus")])
def test_a_hole_that_the_decoder_passes_over_is_found_by_its_time(
    name: str, codec: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (6 * RATE, 1))
    path = write(name, codec, tone(6.0, RATE) + noise)
    content = bytearray(path.read_bytes())
    hole, place = len(content) // 24, int(0.6 * len(content))
    content[place : place + hole] = bytes(hole)
    path.write_bytes(content)
    # However much its length might be rounded.
    monkeypatch.setattr(ffmpeg, "_SLACK_SECONDS", 5.0)
    error = rejection(path)
    assert error.code == "length-mismatch"
    assert re.match(r"\d\.\d\d s of sound are missing at 3\.\d\d s; fetch it again", error.detail)


@pytest.mark.parametrize(("codec", "count"), [("pcm_s16le", RATE // 2), ("adpcm_ms", RATE // 8)])
def test_an_avi_that_lost_a_quarter_of_a_second_holds_less_than_it_counts(
    codec: str, count: int, write: Write
) -> None:
    # So long that a length by the size of the file, headers and all, is half a second too much.
    path = write("a.avi", codec, tone(50.0, RATE))
    assert abs(len(read(path, RATE, LIMITS)) - 50 * RATE) < RATE // 20
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + content[middle + count :])
    assert rejection(path).code == "length-mismatch"


def test_sound_that_changes_its_channels_says_so(write: Write) -> None:
    mono = write("mono.aac", "aac", tone(0.5, RATE)).read_bytes()
    path = write("stereo.aac", "aac", tone(0.5, RATE, 2))
    path.write_bytes(mono + path.read_bytes())
    error = rejection(path)
    assert (error.code, error.detail) == (
        "channels",
        "it begins with 1 channel(s) and goes on with 2; convert it to one of them",
    )


def test_an_mp4_that_lost_its_end_and_so_its_index_is_unreadable(write: Write) -> None:
    path = write("a.m4a", "aac", tone(1.0, RATE))
    path.write_bytes(path.read_bytes()[:4000])
    error = rejection(path)
    assert error.code == "unreadable"
    assert error.detail.startswith("FFmpeg cannot read it ('")


def test_pictures_without_sound_are_no_sound(write: Write) -> None:
    path = write("a.mp4", "aac", np.empty((0, 1)), pictures=True)
    assert str(rejection(path).detail).startswith("there is no sound in it that FFmpeg can read")


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (AudioLimits(min_seconds=5), "short"),
        (AudioLimits(max_seconds=0.5), "long"),
        (AudioLimits(max_rate=22_050), "rate"),
        (AudioLimits(max_channels=1), "channels"),
        (AudioLimits(max_peak=0.1), "amplitude"),
    ],
)
def test_a_data_set_can_narrow_each_limit(limits: AudioLimits, code: str, write: Write) -> None:
    assert rejection(write("a.wv", "wavpack", tone(1.0, RATE, 2)), limits).code == code


def test_silence_is_found(write: Write) -> None:
    assert rejection(write("a.wv", "wavpack", np.zeros((RATE, 1)))).code == "silent"


@pytest.mark.parametrize("name", ["a.m4a", "a.wma", "a.wv", "a.mkv"])
def test_random_damage_is_accepted_within_limits_or_rejected(name: str, write: Write) -> None:
    path = write(name, {**LOSSY, **LOSSLESS}[name], tone(0.5, RATE))
    healthy = np.frombuffer(path.read_bytes(), np.uint8)
    generator = np.random.default_rng(len(name))
    for _ in range(6):
        damaged = healthy.copy()
        where = generator.integers(16, len(damaged), 8)
        damaged[where] = generator.integers(0, 256, 8)
        path.write_bytes(damaged.tobytes())
        try:
            assert np.isfinite(read(path, RATE, LIMITS)).all()
        except AudioRejected as error:
            assert error.code in REASONS


@pytest.mark.parametrize("seed", [12, 28])
def test_a_header_that_leads_out_of_the_file_leaves_the_terminal_alone(
    seed: int, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write("a.wma", "wmav2", tone(0.5, RATE))
    generator = np.random.default_rng(seed)
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    where = generator.integers(8, 600, 20)
    content[where] = generator.integers(0, 256, 20)
    path.write_bytes(content.tobytes())
    rejection(path)
    assert capfd.readouterr().err == ""


def test_without_pyav_one_line_says_what_helps(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.m4a", "aac", tone(1.0, RATE))
    monkeypatch.setattr(ffmpeg, "find_spec", lambda _: None)
    error = rejection(path)
    assert error.code == "unreadable"
    assert error.detail.startswith("it is an MP4 file (M4A: AAC or ALAC); it is read with PyAV")
    assert "pip install 'genrecls[formats]'" in error.detail
