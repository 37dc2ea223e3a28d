"""The exported file: a TFLite flatbuffer, and behind it a zip with the card that describes it.

Interpreters ignore what follows a flatbuffer. The comment of the zip, the very end of the file, is
a digest of everything before it: any byte that changed, went missing or was added is noticed before
anything is parsed.
"""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from genrecls.dsp.settings import GROUP, NULL, choice, either, list_of, whole_number
from genrecls.errors import ModelFileError, shown, shown_name
from genrecls.runtime.card import MEMBER, check_card, parse_json, read_card_text

FORMAT = 2
"""Of the card. Format 1 has other names of keys and values; it is still read."""

_FACTS = {
    "format": choice(1, FORMAT),
    "input": choice("features", "audio"),
    "mode": choice("float32", "float16", "dynamic", "int8", "mixed"),
    "inputs": GROUP,
    "output": GROUP,
    "normalisation": GROUP,
    "calibration": either(GROUP, NULL),
    "keras_test": either(GROUP, NULL),
    "colours": list_of(whole_number(-100_000, 100_000), 3, 10_000),
    "versions": GROUP,
}
"""What the card of an exported file says, besides what all cards say."""

_OPTIONAL = ("colours",)

# A flatbuffer counts its bytes with 31 bits.
_MOST_BYTES = 2**31

_SEAL = b"genrecls-sha256:"
_DIGITS = 64
_AGAIN = "copy it again or export again"

# What cards of format 1 say otherwise.
_OLD_SOURCES = {"samples": "audio", "frames": "spectrogram"}
_OLD_FEATURES = {
    "picture": "mel_image",
    "joint": "multi_input",
    "published_picture": "kaggle_picture",
    "published_table": "kaggle_table",
}


def pack(flatbuffer: bytes, card: Mapping[str, Any]) -> bytes:
    """Return the content of an exported file; the same for the same arguments."""
    file = io.BytesIO(flatbuffer)
    with zipfile.ZipFile(file, "a") as archive:
        # A fixed time, for equal models are to be equal files.
        member = zipfile.ZipInfo(MEMBER, (1980, 1, 1, 0, 0, 0))
        member.compress_type = zipfile.ZIP_DEFLATED
        text = json.dumps(card, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        archive.writestr(member, text, compresslevel=9)
        archive.comment = _SEAL + b"0" * _DIGITS
    content = file.getvalue()[:-_DIGITS]
    return content + sha256(content).hexdigest().encode()


def unpack(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the flatbuffer alone and the card of an exported file, which is checked.

    Raises:
        ModelFileError: no such file, damaged, not made by genrecls, made by a newer one, or its
            card says something that cannot be.
    """
    content = _read(path)
    sealed, digest = content[:-_DIGITS], content[-_DIGITS:]
    if not sealed.endswith(_SEAL):
        raise ModelFileError(
            f"{path}: it does not end with the description of an exported model; expected a "
            f".tflite that 'genrecls export' wrote; {_AGAIN}"
        )
    if sha256(sealed).hexdigest().encode() != digest:
        raise ModelFileError(f"{path}: damaged, its digest is not that of its content; {_AGAIN}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            text = read_card_text(archive, len(content))
            start = archive.getinfo(MEMBER).header_offset
    except Exception as error:  # noqa: BLE001 - whatever a foreign file makes the reader raise
        reason = shown(str(error) or type(error).__name__)
        raise ModelFileError(f"{path}: its description cannot be read ({reason})") from None
    try:
        card = parse_json(text)
        made = card.get("format") if isinstance(card, dict) else None
        if isinstance(made, int) and made > FORMAT:
            raise ModelFileError(
                f"{path}: written by genrecls {shown_name(card.get('genrecls'))} in another "
                f"format ({made}, expected {FORMAT}); update genrecls or export again"
            )
        if made == 1:
            card = _in_present_names(card)
        check_card(card, _FACTS, _OPTIONAL)
    except ValueError as error:
        raise ModelFileError(
            f"{path}: its description cannot be understood ({error}); export it again"
        ) from None
    return content[:start], card


def _read(path: Path) -> bytes:
    """Return the content of a model file.

    Raises:
        ModelFileError: there is none, or it is no file that a model can be in.
    """
    try:
        status = path.stat()
        # Opening a named pipe would wait for a writer, perhaps for ever.
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError(f"{path}: cannot be read (it is a folder, a pipe or a device)")
        if status.st_size > _MOST_BYTES:
            raise ModelFileError(
                f"{path}: cannot be read ({status.st_size:,} bytes, and a TFLite file has at most "
                f"{_MOST_BYTES:,})"
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(
            f"{path}: no such model file; expected a .tflite that 'genrecls export' wrote"
        ) from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from None


def _in_present_names(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card of format 1 with the names of this one; what makes no sense stays as it is."""
    card = {"input" if key == "entrance" else key: value for key, value in card.items()}
    segment, features = card.get("segment"), card.get("features")
    if isinstance(segment, dict) and "cut" in segment:
        segment = {"source" if key == "cut" else key: value for key, value in segment.items()}
        card["segment"] = {**segment, "source": _renamed(segment["source"], _OLD_SOURCES)}
    if isinstance(features, dict):
        card["features"] = features = dict(features)
        # A representation of several inputs has another one within it.
        for one in (features, features.get("picture")):
            if isinstance(one, dict) and "name" in one:
                one["name"] = _renamed(one["name"], _OLD_FEATURES)
    return card


def _renamed(name: Any, names: Mapping[str, str]) -> Any:
    return names.get(name, name) if isinstance(name, str) else name
