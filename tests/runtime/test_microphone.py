"""A sound card, for which a module stands that gives the blocks of the test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ConfigError, DataError
from genrecls.runtime import microphone as recording
from genrecls.runtime.live import listen
from genrecls.runtime.microphone import MOST_WAITING, microphone
from genrecls.runtime.stream import Gap, Source
from tests.conftest import RunCommand
from tests.runtime.toy_classifier import RATE, toy_classifier

CARD = {"index": 0, "name": "USB: - (hw:1,0)", "max_input_channels": 2, "default_samplerate": 48e3}
SPEAKER = {**CARD, "index": 1, "name": "HDMI", "max_input_channels": 0}


class PortAudioError(Exception):
    """As that of sounddevice."""


@dataclass
class Cards:
    """What the stand-in for sounddevice knows, and how it was opened."""

    devices: Sequence[dict[str, Any]] = (CARD, SPEAKER)
    rates: Sequence[int] = (RATE, 48000)
    opened: dict[str, Any] = field(default_factory=dict)
    busy: bool = False

    def query_devices(self, device: int | str | None = None, kind: str | None = None) -> Any:
        if kind is None:
            return list(self.devices)
        fitting = [
            each
            for each in self.devices
            if each["max_input_channels"]
            and (device in {None, each["index"]} or str(device) in each["name"])
        ]
        if len(fitting) != 1:
            raise ValueError(f"No input device matching {device!r}")
        return fitting[0]

    def check_input_settings(self, *, samplerate: int, **_: Any) -> None:
        if samplerate not in self.rates:
            raise PortAudioError("Invalid sample rate")

    def give(self, block: NDArray[np.int16], *, overflow: bool = False) -> None:
        """Give a block of (samples, channels) as PortAudio would."""
        callback: Callable[..., None] = self.opened["callback"]
        callback(block, len(block), None, SimpleNamespace(input_overflow=overflow))


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> Cards:
    known, module = Cards(), ModuleType("sounddevice")

    class InputStream:
        def __init__(self, **opened: Any) -> None:
            known.opened.update(opened)

        def __enter__(self) -> None:
            if known.busy:
                raise PortAudioError("Device unavailable")
            known.give(np.zeros((4, known.opened["channels"]), np.int16))

        def __exit__(self, *_: object) -> None:
            known.opened["closed"] = True

    for each in (known.query_devices, known.check_input_settings, InputStream, PortAudioError):
        setattr(module, each.__name__, each)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return known


def test_a_card_is_opened_at_the_rate_of_the_model_and_its_channels_are_mixed(cards: Cards) -> None:
    source = microphone("hw:1", RATE)
    first = next(source.blocks)
    assert not isinstance(first, Gap)
    assert (source.rate, len(first)) == (RATE, 4)
    opened = {key: cards.opened[key] for key in ("device", "samplerate", "channels", "blocksize")}
    assert opened == {"device": "hw:1", "samplerate": RATE, "channels": 2, "blocksize": RATE // 2}
    cards.give(np.array([[16384, 0], [-32768, -32768]], np.int16))
    assert next(source.blocks).tolist() == [0.25, -1.0]  # type: ignore[union-attr]


def test_a_card_without_that_rate_is_read_at_its_own(cards: Cards) -> None:
    cards.rates = (48000,)
    assert microphone(None, RATE).rate == 48000
    assert microphone("0", RATE).rate == 48000


def test_a_card_that_another_program_has_is_one_line(cards: Cards) -> None:
    cards.busy = True
    with pytest.raises(DataError, match=r"the sound card USB: .* does not open: Device unavailab"):
        next(microphone(None, RATE).blocks)


@pytest.mark.parametrize(
    ("device", "devices", "reason"),
    [
        ("hw:7", (CARD, SPEAKER), "received 'hw:7'; there is 0 USB: - (hw:1,0)"),
        ("HDMI", (CARD, SPEAKER), "received 'HDMI'; there is 0 USB: - (hw:1,0)"),
        (None, (SPEAKER,), "received the input of the system; there is no sound card that records"),
    ],
)
def test_an_input_that_is_not_there_is_one_line_with_those_that_are(
    device: str | None, devices: Sequence[dict[str, Any]], reason: str, cards: Cards
) -> None:
    cards.devices = devices
    with pytest.raises(ConfigError) as error:
        microphone(device, RATE)
    assert str(error.value) == f"--device: expected one input of a sound card, {reason}"


def test_without_sounddevice_or_portaudio_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ConfigError, match=r"pip install sounddevice; .*arecord .* --live -$"):
        microphone(None, RATE)
    monkeypatch.delitem(sys.modules, "sounddevice")

    class NoPortAudio:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.setattr(sys, "meta_path", [NoPortAudio(), *sys.meta_path])
    with pytest.raises(ConfigError, match=r"needs PortAudio, .* apt install libportaudio2"):
        microphone(None, RATE)


def test_a_program_slower_than_real_time_drops_what_waits_and_says_how_much(
    cards: Cards, capsys: pytest.CaptureFixture[str]
) -> None:
    source = microphone("hw:1", RATE)
    next(source.blocks)
    block = np.full((RATE // 2, 2), 999, np.int16)
    for _ in range(3 * MOST_WAITING + 2):
        cards.give(block)
    gap = next(source.blocks)
    # Of 62 blocks the last two wait; the others would be heard too late.
    assert gap == Gap(3 * MOST_WAITING / 2)
    rest = [next(source.blocks) for _ in range(2)]
    assert all(not isinstance(each, Gap) for each in rest)
    for _ in range(MOST_WAITING + 1):
        cards.give(block)
    assert next(source.blocks) == Gap(MOST_WAITING / 2)
    assert capsys.readouterr().err.splitlines() == [
        f"--live: slower than real time: {dropped} s of sound dropped, {total} s in all; a smaller "
        "model or a longer --hop keeps up"
        for dropped, total in (("30.0", "30.0"), ("10.0", "40.0"))
    ]


def test_what_the_system_lost_is_said(cards: Cards, capsys: pytest.CaptureFixture[str]) -> None:
    source = microphone(None, RATE)
    next(source.blocks)
    cards.give(np.zeros((4, 2), np.int16), overflow=True)
    next(source.blocks)
    expected = "--live: the system lost sound before it came here (1 times so far)\n"
    assert capsys.readouterr().err == expected


def test_a_card_that_gives_nothing_any_more_is_one_line(
    cards: Cards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_PATIENCE_SECONDS", 0.01)
    source = microphone(None, RATE)
    next(source.blocks)
    with pytest.raises(DataError, match=r"given nothing for 0\.01 s; is it still plugged in\?"):
        next(source.blocks)
    assert cards.opened["closed"]


def test_no_segment_goes_across_a_gap_and_times_count_it() -> None:
    track = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    # Segments of half a second: two, a rest of 0.3 s that is lost with the gap, two more.
    blocks: list[NDArray[np.float32] | Gap] = [track, track[: 3 * RATE // 10], Gap(8.7), track]
    found = list(listen(toy_classifier(), Source(RATE, iter(blocks)), None))
    assert [moment.start for moment in found] == pytest.approx([0, 0.5, 10, 10.5])
    assert [moment.end for moment in found] == pytest.approx([0.5, 1, 10.5, 11])
    assert found[0].probabilities == pytest.approx(found[2].probabilities)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("song.wav", "--device", "hw:1"), "--device: it needs --live"),
        (("--live", "-", "--device", "hw:1"), "--device: the sound comes from -; leave out one"),
        (("--live", "--rate", "8000"), "--rate: the sound card says it"),
        (("--live", "--live-wait", "3"), "--live-wait: a microphone does not end"),
    ],
)
def test_options_that_a_card_contradicts_get_one_line(
    words: Sequence[str], reason: str, run_command: RunCommand
) -> None:
    assert reason in run_command("predict", *words).error
