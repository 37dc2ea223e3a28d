"""The command line of a sweep, taken apart: what is the sweep's own, what is of its trainings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from pydantic import PositiveFloat, PositiveInt

from genrecls.config.aliases import current_word
from genrecls.config.compose import compose
from genrecls.config.options import groups, keys
from genrecls.config.schema import Schema
from genrecls.config.validation import validate
from genrecls.errors import ConfigError, nearest
from genrecls.runtime.parser import Parser

_REFUSED = {
    "force": "a sweep goes on where it was stopped, which it could not; choose another "
    "output_root=<folder> to train everything again",
    "show": "a sweep trains; 'genrecls train show=true' shows a model",
}


@dataclass(frozen=True)
class SweepSettings(Schema):
    """The keys of `conf/sweep.yaml`, which says what each is for."""

    jobs: PositiveInt
    job_memory_gb: PositiveFloat | None
    dry_run: bool


@dataclass(frozen=True)
class SweepArguments:
    """A command line behind `genrecls sweep`.

    Attributes:
        settings: the sweep's own keys.
        flags: Hydra's flags that every training gets, such as `-cd` with its folder.
        overrides: words for the trainings, some with several values.
        launcher: words that choose and set up a launcher of Hydra's.
        search: composed values of the group `search`; None where nothing is searched.
        command: the whole line, for records.
    """

    settings: SweepSettings
    flags: tuple[str, ...]
    overrides: tuple[str, ...]
    launcher: tuple[str, ...]
    search: dict[str, Any] | None
    command: str


def read_request(words: Sequence[str]) -> SweepArguments:
    """Return what the words behind `genrecls sweep` ask for.

    Raises:
        ConfigError: a flag or a word that a sweep does not take.
    """
    flags, rest = _flags(words)
    mine = {*(line.partition(":")[0] for line in keys("sweep")), *groups("sweep")}
    rest = [current_word(word) for word in rest]
    own = [word for word in rest if _key(word).partition(".")[0] in mine]
    launcher = [
        word for word in rest if _key(word).startswith(("hydra/launcher", "hydra.launcher"))
    ]
    overrides = [word for word in rest if word not in own and word not in launcher]
    for word in overrides:
        _refuse(word)
        _refuse_unknown(word, mine)
    composed = compose("sweep", own)
    search = composed.pop("search", None)
    return SweepArguments(
        settings=validate(SweepSettings, composed, ""),
        flags=flags,
        overrides=tuple(overrides),
        launcher=tuple(launcher),
        search=search,
        command=f"genrecls sweep {shlex.join(words)}".strip(),
    )


def _flags(words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the flags that trainings get, and the words that are no flags."""
    parser = Parser(prog="genrecls sweep", add_help=False, allow_abbrev=False)
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("-cd", "--config-dir")
    options, rest = parser.parse_known_args(list(words))
    for word in rest:
        if word.startswith("-"):
            raise ConfigError(
                f"{word}: a sweep takes the flags -m and -cd FOLDER alone; dry_run=true prints its "
                "plan, and 'genrecls train' has Hydra's other flags"
            )
    folder = options.config_dir
    return ("-cd", folder) if folder is not None else (), rest


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _refuse_unknown(word: str, mine: Set[str]) -> None:
    """Refuse a key that neither the sweep nor a training has, naming the keys of both."""
    key, equals, _ = word.partition("=")
    if not equals or not key.partition(".")[0].isidentifier():
        return
    first = key.partition(".")[0]
    theirs = {*(line.partition(":")[0] for line in keys()), *groups()}
    if first not in theirs:
        known = [*sorted(mine), *sorted(theirs)]
        raise ConfigError(
            f"{first}: unknown key; allowed: of the sweep {', '.join(sorted(mine))}; of its "
            f"trainings {', '.join(sorted(theirs))}{nearest(first, known)}"
        )


def _refuse(word: str) -> None:
    key = _key(word)
    if key in _REFUSED:
        raise ConfigError(f"'{word}': {_REFUSED[key]}")
    if key.startswith(("hydra/sweeper", "hydra.sweeper")):
        raise ConfigError(
            f"'{word}': a sweep lists or searches itself; see 'genrecls sweep --help'"
        )
