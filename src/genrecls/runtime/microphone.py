"""Sound of a sound card, by PortAudio and sounddevice, which the extra `microphone` brings.

A card does not wait. Where the program is slower than real time, what waits is dropped at a bound,
all of it at once, so that there are few seams and what is heard is never long ago.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Condition
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ConfigError, DataError
from genrecls.runtime.stream import Gap, SampleFormat, Source

BLOCK_SECONDS = 0.5
MOST_WAITING = 20
"""Blocks that wait to be heard, 10 s in all; the next one finds no place."""

# A card that gives nothing for so long was unplugged.
_PATIENCE_SECONDS = 5.0


class _Waiting:
    """Blocks that were recorded and not heard yet, between two threads."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._blocks: deque[NDArray[np.int16]] = deque()
        self._dropped = 0
        self._changed = Condition()

    def add(self, block: NDArray[np.int16]) -> None:
        """Append a block, in the place of all that wait where there are too many; never wait."""
        with self._changed:
            if len(self._blocks) == MOST_WAITING:
                self._dropped += sum(map(len, self._blocks))
                self._blocks.clear()
            self._blocks.append(block)
            self._changed.notify()

    def next(self) -> NDArray[np.int16] | Gap:
        """Wait for the next block, or for what was dropped before it.

        Raises:
            DataError: nothing comes any more.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._blocks, _PATIENCE_SECONDS):
                raise DataError(
                    f"--live: the sound card has given nothing for {_PATIENCE_SECONDS:g} s; is it "
                    "still plugged in?"
                )
            if self._dropped:
                gap, self._dropped = Gap(self._dropped / self._rate), 0
                return gap
            return self._blocks.popleft()


def microphone(device: str | None, rate: int) -> Source:
    """Return what a sound card hears, from the first block that is asked for.

    Args:
        device: number or part of the name of an input, such as `hw:1`; None for that of the system.
        rate: wanted sample rate in Hz; a card that has not got it is read at its own.

    Raises:
        ConfigError: sounddevice or PortAudio is not installed, or there is no such input.
    """
    try:
        import sounddevice
    except (ModuleNotFoundError, OSError) as error:
        # Its wheels for Linux come without PortAudio.
        missing = isinstance(error, ModuleNotFoundError)
        install = "pip install sounddevice" if missing else "apt install libportaudio2"
        raise ConfigError(
            f"--live: a sound card needs {'sounddevice' if missing else 'PortAudio'}, which is not "
            f"installed: {install}; or without it: arecord -f S16_LE -r {rate} | ... --live -"
        ) from None
    number = int(device) if device is not None and device.isdecimal() else device
    card = _find_card(sounddevice, number)
    channels = min(2, card["max_input_channels"])
    chosen = {"device": number, "channels": channels, "dtype": "int16"}
    try:
        sounddevice.check_input_settings(samplerate=rate, **chosen)
    except (sounddevice.PortAudioError, ValueError):
        # Cards without a system above them, as hw:1, have a few rates.
        rate = round(card["default_samplerate"])
    form = SampleFormat(rate, channels, "s16le")
    waiting, overflows = _Waiting(rate), 0

    def record(block: NDArray[np.int16], _frames: int, _time: object, status: Any) -> None:
        # Called by a thread of PortAudio, whose block is valid for as long as this takes.
        nonlocal overflows
        overflows += bool(status.input_overflow)
        waiting.add(block.copy())

    def blocks() -> Iterator[NDArray[np.float32] | Gap]:
        dropped, told = 0.0, 0
        opened = {"samplerate": rate, "blocksize": round(rate * BLOCK_SECONDS), **chosen}
        with ExitStack() as stack:
            try:
                stack.enter_context(sounddevice.InputStream(callback=record, **opened))
            except sounddevice.PortAudioError as error:
                raise DataError(
                    f"--live: the sound card {card['name']} does not open: {error}"
                ) from None
            while True:
                block = waiting.next()
                if overflows > told:
                    told = overflows
                    _note(f"the system lost sound before it came here ({told} times so far)")
                if isinstance(block, Gap):
                    dropped += block.seconds
                    _note(
                        f"slower than real time: {block.seconds:.1f} s of sound dropped, "
                        f"{dropped:.1f} s in all; a smaller model or a longer --hop keeps up"
                    )
                    yield block
                else:
                    yield form.mono(block.astype("<i2").tobytes())

    return Source(rate, blocks())


def _find_card(sounddevice: Any, device: str | int | None) -> dict[str, Any]:
    """Return what PortAudio says of an input.

    Raises:
        ConfigError: there is none of that name or number, or several; names those that there are.
    """
    try:
        card: dict[str, Any] = sounddevice.query_devices(device, "input")
    except (sounddevice.PortAudioError, ValueError):
        inputs = [each for each in sounddevice.query_devices() if each["max_input_channels"] > 0]
        names = "; ".join(f"{each['index']} {each['name']}" for each in inputs)
        wanted = "the input of the system" if device is None else f"'{device}'"
        raise ConfigError(
            f"--device: expected one input of a sound card, received {wanted}; there is "
            f"{names or 'no sound card that records'}"
        ) from None
    return card


def _note(text: str) -> None:
    print(f"--live: {text}", file=sys.stderr, flush=True)  # noqa: T201
