"""The command line: finds the verb, imports what it needs, turns every error into one line."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from genrecls import __version__
from genrecls.cli import help as help_texts
from genrecls.cli.arguments import parser_of
from genrecls.cli.completion import candidates, script
from genrecls.cli.parser import VerbParser, split_plugins
from genrecls.cli.verbs import ACTIONS, CONTINUING, RUN_ACTIONS, VERBS
from genrecls.config.options import settable
from genrecls.config.plugins import use_plugins
from genrecls.errors import (
    EXIT_BUSY,
    ConfigError,
    GenreclsError,
    Interrupted,
    RunBusy,
    nearest,
    out_of_memory,
)
from genrecls.runtime.standard_streams import prepare_standard_streams, write_line
from genrecls.training.interrupts import stop_signals

_STOPPED = 130
# What is looked for by itself and stands behind another verb.
_OTHERWISE = {
    **{action: f"data {action}" for action in ACTIONS},
    **{action: f"runs {action}" for action in RUN_ACTIONS},
    "report": "runs open",
}
_STATUSES: dict[type[GenreclsError], int] = {RunBusy: EXIT_BUSY, Interrupted: _STOPPED}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    It is 0 after success, 1 after a failure, 75 where another process works on the run, and 130
    where it was interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    # Of all that is imported at the start nothing is garbage, so one need not look for it so often.
    gc.set_threshold(50_000)
    for number in stop_signals()[1:]:
        signal.signal(number, _interrupt)
    status = 1
    try:
        prepare_standard_streams()
        return _dispatch(words)
    except KeyboardInterrupt:
        rest, _ = split_plugins(words)
        continues = " ".join(rest[: 2 if rest[:1] == ["data"] else 1]) in CONTINUING
        promise = "; nothing is lost, the same command continues" if continues else ""
        status, text = _STOPPED, f"interrupted{promise}"
    except BrokenPipeError:
        # The reader, such as head, has seen enough; Python must not complain when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except GenreclsError as error:
        status, text = _STATUSES.get(type(error), 1), str(error)
        # The answer is known: let the process end without a last search for garbage.
        atexit.register(gc.freeze)
    except ModuleNotFoundError as error:
        text = f"the package {error.name} is not installed; {_what_brings_packages()}"
    except OSError as error:
        # Whoever writes a file names it: a full disk without a name is that of a stream.
        stream = error.errno == errno.ENOSPC and not error.filename
        place = f" {error.filename}" if error.filename else " standard output" * stream
        advice = f"check the place, its permissions and its free space{_other_places(words)}"
        if stream:
            advice = "send it to a place where there is space"
        text = f"cannot read or write{place}: {error.strerror or error}; {advice}"
    except Exception as error:
        if os.environ.get("GENRECLS_DEBUG"):
            raise
        parser = _parser(words)
        training = parser is not None and "train" in parser.roots
        text = out_of_memory(error, training=training) or (
            f"unexpected {type(error).__name__}: {error}; this is a defect of genrecls: please "
            "report it with the output of the same command under GENRECLS_DEBUG=1"
        )
    from genrecls.console import fail

    fail(text)
    return status


def _what_brings_packages() -> str:
    """Return how to install what is missing, as the end of a message."""
    if sys.maxsize > 2**32:
        return (
            "a device that only predicts with an exported file needs genrecls[litert], everything "
            "else: pip install 'genrecls[train]'"
        )
    # For these systems pip has no wheels; see the dependencies in pyproject.toml.
    return (
        "on a 32-bit ARMv7 system it comes with apt install python3-numpy python3-soundfile into "
        "an environment made by python3 -m venv --system-site-packages; ARMv6 has none"
    )


def _parser(words: Sequence[str]) -> VerbParser | None:
    """Return the parser of the verb that stands first; None where there is none."""
    rest, _ = split_plugins(list(words))
    verb, action = [*rest, "", ""][:2]
    known = action in ACTIONS if verb == "data" else verb in VERBS
    return parser_of(verb, action) if known else None


def _other_places(words: Sequence[str]) -> str:
    """Return with which settings the verb takes other places, as the end of a message."""
    parser = _parser(words)
    if parser is None:
        return ""
    known = {*parser.settings, *(key for root in parser.roots for key in settable(root))}
    names = [f"{key}=<folder>" for key in ("data_root", "output_root") if key in known]
    flags = (action.option_strings for action in parser.shown_actions)
    names += ["--output"] * (["--output"] in flags)
    return f", or choose another one with {' or '.join(names)}" if names else ""


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["--complete"]:
        write_line("\n".join(candidates(words[1:])))
        return 0
    words, plugins = split_plugins(words)
    if plugins:
        use_plugins(plugins)
    verb, rest = (words[0], words[1:]) if words else ("--help", [])
    if (text := _text(verb, rest)) is not None:
        write_line(text.rstrip("\n"))
        return 0
    if verb not in VERBS:
        meant = _OTHERWISE.get(verb)
        hint = f"; did you mean '{meant}'?" if meant else nearest(verb, VERBS)
        raise ConfigError(f"unknown verb '{verb}'; allowed: {', '.join(VERBS)}{hint}")
    from genrecls.console import each_warning_once

    module = importlib.import_module(f"genrecls.cli.{verb}")
    with each_warning_once():
        return int(module.main(rest))


def _text(verb: str, rest: list[str]) -> str | None:
    """Return what is printed without doing anything; None where a verb has to work."""
    texts: dict[str, Callable[[], str]] = {
        **dict.fromkeys(("-h", "--help", "help"), help_texts.general),
        "--version": lambda: f"genrecls {__version__}",
        "--completion": lambda: script(rest[0] if rest else ""),
    }
    if verb in texts:
        return texts[verb]()
    if verb not in VERBS or not {"-h", "--help"} & set(rest):
        return None
    if verb == "data" and rest[0] not in ACTIONS:
        return help_texts.data()
    return parser_of(verb, rest[0] if verb == "data" else "").format_help()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
