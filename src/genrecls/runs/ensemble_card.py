"""`ensemble.json`: which runs an ensemble averages, and what is known of it.

It stands in the place of a model file, in a folder beside those of its runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any

from genrecls import __version__
from genrecls.dsp.settings import Allowed, check, choice, list_of
from genrecls.errors import ModelFileError, first_line
from genrecls.files.atomic import write_text
from genrecls.files.hashing import hex_digest
from genrecls.runtime.card import FACTS, MOST_CARD_BYTES, parse_json

KERAS_FILE = "model.keras"
"""Name of the trained model in the folder of a run."""

ENSEMBLE = "ensemble.json"
"""Name of what stands there instead in that of an ensemble."""

_FORMAT = 1
_MOST_MEMBERS = 100
# A name and no path: nothing outside the folder of runs is ever opened.
_NAME = re.compile(r"(?!\.\.?$)[^/\\:\x00-\x1f]{1,255}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def _is_member(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and value.keys() == {"run", "sha256"}
        and all(isinstance(text, str) for text in value.values())
        and bool(_NAME.fullmatch(value["run"]) and _DIGEST.fullmatch(value["sha256"]))
    )


_MEMBER = Allowed("a group of run (a name) and sha256 (64 hexadecimal digits)", _is_member)
_ABOUT = {key: value for key, value in FACTS.items() if key not in {"features", "segment", "refit"}}
_KEYS = {**_ABOUT, "format": choice(_FORMAT), "members": list_of(_MEMBER, 2, _MOST_MEMBERS)}


@dataclass(frozen=True)
class Member:
    """A run of an ensemble.

    Attributes:
        run: name of its folder.
        sha256: of its model file.
    """

    run: str
    sha256: str

    @classmethod
    def of(cls, model_file: Path) -> Member:
        """Return the member whose model is in a file."""
        return cls(model_file.parent.name, hex_digest(model_file))


@dataclass(frozen=True)
class EnsembleCard:
    """What an ensemble says of itself; see `genrecls.runs.model_file.ModelCard` for the fields."""

    labels: tuple[str, ...]
    vote: str
    run: str
    dataset: str
    split: str
    leaks: tuple[str, ...]
    generated: bool
    test: Mapping[str, Any]
    members: tuple[Member, ...]
    pretraining: str = ""
    held_out: Mapping[str, Any] | None = None

    def model_files(self, path: Path) -> Iterator[Path]:
        """Yield the model file of each member of the ensemble in the file `path`.

        Raises:
            ModelFileError: one is no longer there, or not the one that was averaged.
        """
        for member in self.members:
            file = path.resolve().parent.parent / member.run / KERAS_FILE
            if not file.is_file():
                raise ModelFileError(
                    f"{path}: its run {member.run} is not beside it any more; copy it there, or "
                    "make the ensemble again"
                )
            if Member.of(file) != member:
                raise ModelFileError(
                    f"{path}: the model of its run {member.run} is another one now; make the "
                    "ensemble again"
                )
            yield file


def refuse_ensemble(path: Path) -> None:
    """Refuse the file of an ensemble where a network is wanted; any other file passes.

    Raises:
        ModelFileError: says of which runs it is made, or that it cannot be understood.
    """
    if path.name == ENSEMBLE:
        raise ModelFileError(
            f"{path}: an ensemble, which has no network of its own; name one of its runs: "
            f"{', '.join(member.run for member in read_ensemble(path).members)}"
        )


def check_members(members: Sequence[Member]) -> None:
    """Refuse a run or a model that is there twice, which would count twice in the mean.

    Raises:
        ValueError: one line names the runs.
    """
    for one, other in combinations(members, 2):
        if one.run == other.run:
            raise ValueError(f"members: run {one.run} is there twice")
        if one.sha256 == other.sha256:
            raise ValueError(f"members: runs {one.run} and {other.run} have the same model")


def write_ensemble(path: Path, card: EnsembleCard) -> None:
    """Write the file of an ensemble, whole or not at all."""
    about = {"format": _FORMAT, "genrecls": __version__, **asdict(card)}
    write_text(path, json.dumps(about, allow_nan=False, indent=1) + "\n")


def read_ensemble(path: Path) -> EnsembleCard:
    """Return what the file of an ensemble says.

    Raises:
        ModelFileError: it is absent, or says something that cannot be.
    """
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        if path.stat().st_size > MOST_CARD_BYTES:
            raise ValueError(f"it has more than {MOST_CARD_BYTES:,} bytes")
        values = parse_json(path.read_bytes())
        check(values, _KEYS, "", optional=("held_out",))  # the first ensembles do not say it
        members = tuple(Member(**member) for member in values["members"])
        check_members(members)
    except (ValueError, OSError) as error:
        first = first_line(error)
        raise ModelFileError(
            f"{path}: it cannot be understood ({first}); expected the file of an ensemble that "
            "genrecls wrote; make it again"
        ) from None
    lists = {key: tuple(values[key]) for key in ("labels", "leaks")}
    known = {f.name: values[f.name] for f in fields(EnsembleCard) if f.name in values}
    return EnsembleCard(**{**known, **lists, "members": members})
