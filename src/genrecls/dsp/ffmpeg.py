"""Sound that libsndfile does not read, decoded by FFmpeg: M4A, AAC, WMA, WavPack, videos.

PyAV brings FFmpeg in its wheels; without it such files are named and refused. What a file is has
been decided by its first bytes (`dsp.content`), and FFmpeg is told so: it never looks for lists or
links that would lead it to other files, and is given the file itself, not its name.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = (
    *(".m4a", ".m4b", ".m4r", ".aac", ".wma", ".wv", ".ape", ".mpc", ".tta", ".spx", ".mka"),
    *(".weba", ".webm", ".mp4", ".m4v", ".mkv", ".mov", ".avi", ".flv", ".wmv", ".3gp"),
)
"""Names of files that are read where PyAV is installed."""

MISSING = (
    "it is read with PyAV, which is not installed: pip install 'genrecls[formats]', or convert it: "
    "ffmpeg -i FILE NEW.flac"
)
"""What is said of such a file without PyAV."""

# What these say of their length is an estimate by the bit rate of the beginning.
_ESTIMATED = {"aac", "mpc", "mpc8"}
# Their packets have checksums, to which FFmpeg holds them only where it is told to.
_CHECKED = {"ape", "flac", "tta", "wavpack"}
# Encoders pad the beginning and the end, and containers round; AVI counts samples.
_SLACK_SECONDS, _AVI_SLACK_SECONDS = 0.5, 0.15
# Times are written as whole milliseconds; Opus may leave out 400 ms of silence (RFC 6716, 2.1.9).
_GAP_SECONDS, _OPUS_GAP_SECONDS = 0.1, 0.5


def installed() -> bool:
    """Return whether PyAV is there."""
    return find_spec("av") is not None


class _Source:
    """A file in which a position that there cannot be is an error code.

    PyAV would print the traceback of an exception, and a damaged header leads anywhere.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read, self.tell = file.read, file.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        """Return the new position, -1 where there is none."""
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


class FfmpegSound:
    """The first sound of a container, in the words of `soundfile.SoundFile`.

    Attributes:
        samplerate: in Hz, of the decoded sound.
        channels: their number.
        format: name of the container.
        frames: more than there are; `announced` says what is known.
        announced: samples of each channel as the container says; None where it does not.
        slack: so many may be fewer.
        failure: code and detail of what ended the decoding too early; None so far.

    Args:
        file: the file, read from its beginning.
        demuxer: FFmpeg's name of the container.

    Raises:
        OSError: there is no sound in it that FFmpeg can read.
    """

    frames = sys.maxsize

    def __init__(self, file: BinaryIO, demuxer: str) -> None:
        import av
        import numpy as np

        av.logging.set_level(av.logging.PANIC)
        self._errors: type[Exception] = av.FFmpegError
        self.format = demuxer.upper()
        self.failure: tuple[str, str] | None = None
        try:
            self._container: Any = av.open(
                _Source(file),
                format=demuxer,
                metadata_errors="ignore",
                # Whatever stands in the file: nothing else is opened.
                container_options={"protocol_whitelist": "none"},
            )
            sound = self._container.streams.best("audio")
            if sound is not None and sound.codec_context.name in _CHECKED:
                sound.codec_context.options = {"err_detect": "crccheck+explode"}
            first = next(self._container.decode(sound), None) if sound else None
        except (self._errors, ValueError) as error:
            raise _unreadable(f"FFmpeg cannot read it ('{_words(error)}')") from error
        if first is None:
            raise _unreadable("there is no sound in it that FFmpeg can read")
        self.samplerate, self.channels = int(first.sample_rate), int(first.layout.nb_channels)
        slack = _AVI_SLACK_SECONDS if demuxer == "avi" else _SLACK_SECONDS
        self.slack = round(slack * self.samplerate)
        self.announced = self._announced(sound, demuxer)
        # The same samples as 32-bit floats side by side, whatever a codec makes.
        self._converter = av.AudioResampler("flt", first.layout, self.samplerate)
        self._left = self._decoded(first, sound)
        self._rest = np.empty((0, self.channels), np.float32)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def read(self, frames: int, **_: object) -> NDArray[np.float32]:
        """Return up to `frames` samples, shape (samples, channels); none are left at the end."""
        import numpy as np

        blocks, count = [self._rest], len(self._rest)
        while count < frames and (block := next(self._left, None)) is not None:
            blocks.append(block)
            count += len(block)
        joined = np.concatenate(blocks)
        self._rest = joined[frames:]
        return joined[:frames]

    def _announced(self, sound: Any, demuxer: str) -> int | None:
        if demuxer in _ESTIMATED:
            return None
        # The duration is guessed from the size of the file; its header counts.
        if demuxer == "avi" and sound.frames:
            return round(float(sound.frames * sound.time_base) * self.samplerate)
        if sound.duration:
            return round(float(sound.duration * sound.time_base) * self.samplerate)
        # Of a video it is how long the pictures are.
        if self._container.duration and len(self._container.streams) == 1:
            return round(float(self._container.duration) / 1e6 * self.samplerate)
        return None

    def _decoded(self, first: Any, sound: Any) -> Iterator[NDArray[np.float32]]:
        """Yield blocks until the sound ends, or `failure` says why it cannot be followed."""
        opus = sound.codec_context.name in {"opus", "libopus"}
        most, end = _OPUS_GAP_SECONDS if opus else _GAP_SECONDS, None
        try:
            for frame in chain([first], self._container.decode(sound)):
                # What a decoder passes over without a word leaves a gap between two times.
                if frame.time is not None:
                    if end is not None and frame.time - end > most:
                        detail = f"{frame.time - end:.2f} s of sound are missing at {end:.2f} s"
                        self.failure = ("length-mismatch", detail)
                        return
                    end = frame.time + frame.samples / frame.sample_rate
                self.failure = self._change(frame)
                if self.failure is not None:
                    return
                yield self._converted(frame)
            yield self._converted(None)
        except (self._errors, ValueError) as error:
            self.failure = ("length-mismatch", f"decoding ends too early ('{_words(error)}')")

    def _change(self, frame: Any) -> tuple[str, str] | None:
        """Return code and detail where a frame is not stored as the first one; None where it is."""
        for code, before, now, unit in (
            ("rate", self.samplerate, int(frame.sample_rate), "Hz"),
            ("channels", self.channels, int(frame.layout.nb_channels), "channel(s)"),
        ):
            if now != before:
                detail = f"it begins with {before} {unit} and goes on with {now}"
                return code, f"{detail}; convert it to one of them"
        return None

    def _converted(self, frame: Any) -> NDArray[np.float32]:
        import numpy as np

        parts = [part.to_ndarray() for part in self._converter.resample(frame)]
        flat = np.concatenate(parts, axis=1) if parts else np.empty((1, 0), np.float32)
        return flat.reshape(-1, self.channels)


def _unreadable(reason: str) -> OSError:
    return OSError(errno.EIO, f"{reason}: damaged, protected, or of a rare codec; fetch it again")


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
