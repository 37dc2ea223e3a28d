"""The options of `--live`, made and checked without anything heavy."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from genrecls.errors import ConfigError
from genrecls.runtime.sample_formats import CODINGS

# The parser's defaults are None: so it shows what was given, and can be refused without --live.
SMOOTH = 3
WAIT_SECONDS = 5.0

_POSITIVE = ("smooth", "hop", "live_wait", "rate", "channels")
_PIPE_ONLY = ("rate", "channels", "sample_format")
_LIVE_ONLY = ("smooth", "hop", "live_wait", *_PIPE_ONLY)


def add_live_options(parser: argparse.ArgumentParser) -> None:
    """Add `--live` and what belongs to it."""
    group = parser.add_argument_group("live", "the genre of sound that is still arriving")
    group.add_argument(
        "--live", metavar="SOURCE", help="a WAV file that grows, or - for raw samples in a pipe"
    )
    group.add_argument(
        "--smooth", type=int, metavar="N", help=f"mean of the last N segments (default {SMOOTH})"
    )
    group.add_argument(
        "--hop", type=float, metavar="SECONDS", help="from one line to the next (as in training)"
    )
    group.add_argument(
        "--live-wait",
        type=float,
        metavar="SECONDS",
        help=f"a file that did not grow for so long is finished (default {WAIT_SECONDS:g})",
    )
    group.add_argument("--rate", type=int, metavar="HZ", help="of the pipe (that of the model)")
    group.add_argument("--channels", type=int, metavar="N", help="of the pipe (default 1)")
    group.add_argument("--sample-format", choices=CODINGS, help=f"of the pipe ({CODINGS[0]})")


def check_live_options(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        ConfigError: one that needs --live or a pipe without it, or a number that cannot be.
    """
    given = [name for name in _LIVE_ONLY if getattr(options, name) is not None]
    if options.live is None:
        _require_none(given, "it needs --live")
        return
    _require_none([n for n in _POSITIVE if _at_most_0(getattr(options, n))], "it must be above 0")
    if options.paths:
        raise ConfigError(f"--live: received files as well ({options.paths[0]}); give one of both")
    if options.live == "-":
        _require_none([n for n in given if n == "live_wait"], "a pipe ends by itself")
    else:
        _require_none([n for n in given if n in _PIPE_ONLY], "the header of a WAV file says it")


def _at_most_0(number: float | None) -> bool:
    return number is not None and not number > 0


def _require_none(names: Sequence[str], reason: str) -> None:
    if names:
        raise ConfigError(f"--{names[0].replace('_', '-')}: {reason}; see --help")
