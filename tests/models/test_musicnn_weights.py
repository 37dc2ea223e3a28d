"""Where the published weights of musicnn lie: what is no wheel of it is refused in one line."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from genrecls.errors import ConfigError, ModelFileError
from genrecls.models.musicnn_weights import (
    CHECKPOINTS,
    DATA,
    INDEX,
    WHEEL,
    AbsentCheckpointError,
    check_weights_from,
    checkpoint_files,
)

MSD = CHECKPOINTS["musicnn", "msd"]
LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"
"""What the header of a member begins with, in front of it and in the table of contents."""


def refusal(place: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        checkpoint_files(MSD, str(place))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def encrypt(content: bytearray) -> None:
    content[content.find(LOCAL) + 6] |= 1
    content[content.find(CENTRAL) + 8] |= 1


def pack_by_an_unknown_method(content: bytearray) -> None:
    struct.pack_into("<H", content, content.find(CENTRAL) + 10, 99)


def break_the_stream(content: bytearray) -> None:
    start = 30 + len(f"musicnn/MSD_musicnn/{INDEX}")
    content[start : start + 2] = b"\xff\xff"


def announce_more(content: bytearray) -> None:
    struct.pack_into("<I", content, content.find(CENTRAL) + 24, 10**9)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (encrypt, "is encrypted"),
        (pack_by_an_unknown_method, "is packed by method 99, expected stored or deflated"),
        (break_the_stream, "is damaged"),
        (announce_more, "has 1,000,000,000 bytes, allowed: at most"),
    ],
)
def test_a_wheel_that_cannot_be_unpacked_is_refused_with_the_reason(
    damage: Callable[[bytearray], None], reason: str, tmp_path: Path
) -> None:
    place = tmp_path / WHEEL
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (INDEX, DATA):
            archive.writestr(f"musicnn/MSD_musicnn/{name}", 100 * b"a")
    content = bytearray(place.read_bytes())
    damage(content)
    place.write_bytes(content)
    message = refusal(place)
    assert message.startswith(f"{place}: cannot be read (")
    assert f"musicnn/MSD_musicnn/{INDEX}" in message
    assert reason in message


@pytest.mark.parametrize("name", [WHEEL, f"MSD_musicnn/{INDEX}", f"MSD_musicnn/{DATA}"])
def test_files_that_are_too_large_are_refused_before_they_are_read(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "MSD_musicnn").mkdir()
    for small in (INDEX, DATA):
        (tmp_path / "MSD_musicnn" / small).write_bytes(b"a")
    with (tmp_path / name).open("wb") as file:
        file.truncate(40 * 10**9)
    message = refusal(tmp_path / WHEEL if name == WHEEL else tmp_path)
    assert "has 40,000,000,000 bytes, allowed: at most 67,108,864" in message


def test_a_pipe_or_a_device_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(ConfigError, match=rf"but {place} is a pipe or a device; expected "):
            check_weights_from(str(place))


def test_absent_weights_are_told_alike_behind_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(AbsentCheckpointError, match=r"model\.weights_from=<path>") as caught:
        checkpoint_files(MSD, None)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert str(again) == str(caught.value)
    assert again.absence == caught.value.absence
