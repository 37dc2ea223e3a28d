"""The exported file: a TFLite flatbuffer, and behind it a zip with the card that describes it.

Interpreters ignore what follows a flatbuffer. The comment of the zip, the very end of the file, is
a digest of everything before it: any byte that changed, went missing or was added is noticed before
anything is parsed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from genrecls.errors import ModelFileError

FORMAT = 2
"""Of the card. Format 1 has other names of keys and values; it is still read."""

_CARD = "genrecls.json"
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
        member = zipfile.ZipInfo(_CARD, (1980, 1, 1, 0, 0, 0))
        member.compress_type = zipfile.ZIP_DEFLATED
        text = json.dumps(card, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        archive.writestr(member, text, compresslevel=9)
        archive.comment = _SEAL + b"0" * _DIGITS
    content = file.getvalue()[:-_DIGITS]
    return content + sha256(content).hexdigest().encode()


def unpack(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the flatbuffer alone and the card of an exported file.

    Raises:
        ModelFileError: no such file, damaged, not made by genrecls, or made by a newer one.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(
            f"{path}: no such model file; expected a .tflite that 'genrecls export' wrote"
        ) from None
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({error.strerror}); {_AGAIN}") from None
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
            member = archive.getinfo(_CARD)
            card = json.loads(archive.read(member))
            made = int(card["format"])
            if made == 1:
                card = _in_present_names(card)
    except (zipfile.BadZipFile, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: its description cannot be read ({error})") from None
    if made not in {1, FORMAT}:
        raise ModelFileError(
            f"{path}: written by genrecls {card.get('genrecls')} in another format ({made}, "
            f"expected {FORMAT}); update genrecls or export again"
        )
    return content[: member.header_offset], card


def _in_present_names(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card of format 1 with the names of this one."""
    card = {**card, "input": card["entrance"]}
    del card["entrance"]
    if "segment" in card:
        segment = dict(card["segment"])
        cut = segment.pop("cut", None)
        card["segment"] = {**segment, "source": _OLD_SOURCES.get(cut, cut)}
    if "features" in card:
        features = dict(card["features"])
        # A representation of several inputs has another one within it.
        for one in (features, features.get("picture")):
            if isinstance(one, dict) and "name" in one:
                one["name"] = _OLD_FEATURES.get(one["name"], one["name"])
        card["features"] = features
    return card
