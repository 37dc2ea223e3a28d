"""What a model file says of itself: read with bounds and checked, `.keras` and `.tflite` alike.

A digest or checksum protects from damage, not from an author. So nothing in a card is believed
before it was checked here, whether pydantic is installed or not.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from math import isfinite
from typing import Any, get_args

from genrecls.dsp.mel_checks import check_features
from genrecls.dsp.mel_settings import FRONT_ENDS
from genrecls.dsp.segments import SEGMENT, check_segment
from genrecls.dsp.settings import (
    GROUP,
    NULL,
    TEXT,
    TRUE_OR_FALSE,
    Allowed,
    check,
    choice,
    either,
    list_of,
    number,
    whole_number,
)
from genrecls.dsp.votes import Vote
from genrecls.errors import shown
from genrecls.runtime.abstention import is_held_out

MEMBER = "genrecls.json"
"""Name of the card within the zip of a model file."""

MOST_CARD_BYTES = 4 * 1024 * 1024
"""Cards have some kilobytes."""

_MOST_DEPTH = 16
_MOST_DIGITS = 18
_MOST_LABELS = 10_000

# Keras stores its parts as they are; whoever packs them anew may make JSON and zeros much smaller.
_MOST_INFLATED = 64 * 1024 * 1024

_SHARE = number(least=0, most=1)


def _has_scores(test: Any) -> bool:
    """Return whether a test part has the scores that are shown, of segments and of tracks.

    Their interval is newer than the first files.
    """
    units = [test.get(unit) for unit in ("segment", "track")] if isinstance(test, Mapping) else ()
    return bool(units) and all(
        isinstance(scores, Mapping)
        and all(_SHARE.accepts(scores.get(name)) for name in ("accuracy", "macro_f1"))
        and _INTERVAL.accepts(scores.get("accuracy_interval", [0, 1]))
        for scores in units
    )


def _is_refit(refit: Any) -> bool:
    """Return whether it says how often and on how much a model was trained."""
    return (
        isinstance(refit, Mapping)
        and all(_COUNT.accepts(refit.get(key)) for key in ("runs", "tracks"))
        and _INTERVAL.accepts(refit.get("interval"))
    )


_COUNT, _INTERVAL = whole_number(1), list_of(_SHARE, 2, 2)
_REFIT = Allowed("runs and tracks from 1 and an interval, two numbers from 0 to 1", _is_refit)
_HELD_OUT = Allowed(
    "part and lists of one length: confidence, true (numbers from 0 to 1), right (true or false)",
    is_held_out,
)

FACTS: Mapping[str, Allowed] = {
    "genrecls": TEXT,
    "labels": list_of(TEXT, 1, _MOST_LABELS),
    "vote": choice(*get_args(Vote)),
    "run": TEXT,
    "dataset": TEXT,
    "split": TEXT,
    "leaks": list_of(TEXT),
    "generated": TRUE_OR_FALSE,
    "pretraining": either(TEXT, choice("")),
    "test": Allowed(
        "accuracy, macro_f1 and, if at all, the two of accuracy_interval, from 0 to 1, of segment "
        "and of track",
        _has_scores,
    ),
    "features": GROUP,
    "segment": GROUP,
    "refit": either(_REFIT, NULL),
    "held_out": either(_HELD_OUT, NULL),
}
"""What every card says, apart from its format."""

_LATER = ("pretraining", "refit", "held_out")
"""What the first model files do not say."""


def check_card(card: Any, more: Mapping[str, Allowed], optional: tuple[str, ...] = ()) -> None:
    """Refuse a card that says something which cannot be.

    Settings of features that NumPy alone does not compute are left to whatever computes them.

    Args:
        card: plain values as they were read.
        more: keys besides `FACTS` that this kind of file has.
        optional: those of them that may be absent.

    Raises:
        ValueError: one line names the key, what was received and what is allowed.
    """
    check(card, {**FACTS, **more}, "card", (*_LATER, *optional))
    labels: list[str] = card["labels"]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise ValueError(f"card.labels: received {shown(twice)} twice; allowed: distinct genres")
    check(card["segment"], SEGMENT, "segment", ("short_tracks",))
    try:
        check_segment(card["segment"])
    except ValueError as error:
        raise ValueError(f"segment.{error}") from None
    name = card["features"].get("name")
    if not TEXT.accepts(name):
        raise ValueError(f"features.name: received {shown(name)}; allowed: {TEXT.words}")
    if name in FRONT_ENDS:
        check_features(card["features"])


def check_packing(member: zipfile.ZipInfo) -> None:
    """Refuse a part of a zip that is encrypted, or packed in a way that no file of ours is.

    Raises:
        ValueError: says which.
    """
    if member.flag_bits & 1:
        raise ValueError(f"its part {shown(member.filename)} is encrypted")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ValueError(
            f"its part {shown(member.filename)} is packed by method {member.compress_type}, "
            "expected stored or deflated"
        )


def read_card_text(archive: zipfile.ZipFile, size: int) -> bytes:
    """Return the text of the card in the zip of a model file.

    All parts of the zip are read once and held against their checksums, but none is kept.

    Args:
        archive: the zip.
        size: bytes of the model file.

    Raises:
        KeyError: it has no card.
        ValueError: a part is damaged, far larger than the file, or packed in a way that genrecls
            never does.
        Exception: whatever else damage makes the reader of zips raise.
    """
    members = archive.infolist()
    for member in members:
        check_packing(member)
    inflated = sum(member.file_size for member in members)
    if inflated > size + _MOST_INFLATED:
        raise ValueError(f"its parts would be {inflated:,} bytes, far more than its own {size:,}")
    if archive.getinfo(MEMBER).file_size > MOST_CARD_BYTES:
        raise ValueError(f"its description has more than {MOST_CARD_BYTES:,} bytes")
    # Python reads no more of a part than its announced size, and checks that this was all.
    damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"its part {shown(damaged)} is damaged")
    return archive.read(MEMBER)


def parse_json(text: bytes) -> Any:
    """Return the value of a JSON text that a stranger may have written.

    Raises:
        ValueError: it is no JSON, is nested deeply, or has numbers that no file of genrecls has.
    """
    try:
        value = json.loads(
            text, parse_int=_whole_number, parse_float=_number, parse_constant=_number
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    while level:
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [each for values in inner for each in values if isinstance(each, dict | list)]
        depth += 1
        if depth > _MOST_DEPTH:
            raise ValueError("it is nested too deeply")
    return value


def _whole_number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"it has a number of {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise ValueError(f"it has the number {digits[:20]}, which is not finite")
    return value
