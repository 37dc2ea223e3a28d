"""The program `classify.pyz`, and `--live`, which it has in common with `genrecls predict`.

NumPy and everything heavier is imported where it is needed, so that help and mistakes in the
options are answered at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genrecls.errors import ConfigError, GenreclsError, ModelFileError
from genrecls.runtime.parser import Parser
from genrecls.runtime.sample_formats import CODINGS
from genrecls.runtime.standard_streams import (
    prepare_standard_streams,
    write,
    write_line,
)
from genrecls.safe_text import one_line

if TYPE_CHECKING:
    from genrecls.runtime.classifier import Classifier
    from genrecls.runtime.result import Result

PROGRAM = "classify.pyz"

# Most exact first, and what any runtime can run before what not all can.
_PREFERRED_MODES = ("float32", "float16", "int8", "mixed", "dynamic")

# The parser's defaults are None: so it shows what was given, and can be refused without --live.
_SMOOTH = 3
_WAIT_SECONDS = 5.0
_POSITIVE = ("smooth", "hop", "live_wait", "rate", "channels")
_PIPE_ONLY = ("rate", "channels", "sample_format")
_LIVE_ONLY = ("smooth", "hop", "device", "live_wait", *_PIPE_ONLY)

MICROPHONE = "microphone"
"""Stands for a sound card, where `--live` has no source behind it."""


def add_live_options(parser: argparse.ArgumentParser) -> None:
    """Add `--live` and what belongs to it."""
    group = parser.add_argument_group("live", "the genre of sound that is still arriving")
    group.add_argument(
        "--live",
        nargs="?",
        const=MICROPHONE,
        metavar="SOURCE",
        help="a growing WAV file, or - for a WAV or raw samples in a pipe (the microphone)",
    )
    group.add_argument(
        "--device",
        metavar="CARD",
        help="number or part of the name of a microphone, as hw:1 (that of the system)",
    )
    group.add_argument(
        "--smooth", type=int, metavar="N", help=f"mean of the last N segments (default {_SMOOTH})"
    )
    group.add_argument(
        "--hop", type=float, metavar="SECONDS", help="from one line to the next (as in training)"
    )
    group.add_argument(
        "--live-wait",
        type=float,
        metavar="SECONDS",
        help=f"a file that did not grow for so long is finished (default {_WAIT_SECONDS:g})",
    )
    group.add_argument("--rate", type=int, metavar="HZ", help="of the pipe (that of the model)")
    group.add_argument("--channels", type=int, metavar="N", help="of the pipe (default 1)")
    group.add_argument("--sample-format", choices=CODINGS, help=f"of the pipe ({CODINGS[0]})")


def check_live_options(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other.

    Raises:
        ConfigError: one that needs --live or a pipe without it, or a number that cannot be.
    """
    given = {name: getattr(options, name) for name in _LIVE_ONLY}
    given = {name: value for name, value in given.items() if value is not None}

    def refuse(names: Sequence[str], reason: str) -> None:
        for name in names:
            if name in given:
                raise ConfigError(f"--{name.replace('_', '-')}: {reason}; see --help")

    if options.live is None:
        refuse(_LIVE_ONLY, "it needs --live")
        return
    # Not a number is not above 0 either.
    refuse([n for n in _POSITIVE if n in given and not given[n] > 0], "it must be above 0")
    if options.paths:
        raise ConfigError(f"--live: received files as well ({options.paths[0]}); give one of both")
    if options.live == MICROPHONE:
        refuse(["live_wait"], "a microphone does not end")
        refuse(_PIPE_ONLY, "the sound card says it")
        return
    refuse(["device"], f"the sound comes from {options.live}; leave out one of both")
    if options.live == "-":
        refuse(["live_wait"], "a pipe ends by itself")
    else:
        refuse(_PIPE_ONLY, "the header of a WAV file says it")


def run_live(options: argparse.Namespace, classifier: Classifier) -> int:
    """Print the genre over time until the sound ends or Ctrl-C; return the exit status.

    Raises:
        ConfigError: the options cannot be.
        DataError: the source cannot be read, or nothing came.
    """
    from genrecls.runtime.formats import LIVE_FORMATS
    from genrecls.runtime.live import listen, smooth
    from genrecls.runtime.stream import SampleFormat, growing_wav, piped_samples

    header, line = LIVE_FORMATS[options.format]
    try:
        if options.live == MICROPHONE:
            from genrecls.runtime.microphone import microphone

            source = microphone(options.device, classifier.grid.rate)
        elif options.live != "-":
            wait = _WAIT_SECONDS if options.live_wait is None else options.live_wait
            source = growing_wav(Path(options.live), wait)
        elif sys.stdin is None:
            raise ConfigError("--live -: standard input is closed; send samples through a pipe")
        else:
            form = SampleFormat(
                options.rate or classifier.grid.rate,
                options.channels or 1,
                options.sample_format or CODINGS[0],
            )
            fields = {"rate": "rate", "channels": "channels", "sample_format": "coding"}
            said = [field for name, field in fields.items() if getattr(options, name)]
            source, described = piped_samples(sys.stdin.buffer, form, said)
            if not described and len(said) < len(fields):
                # Samples of another kind are samples, too: nobody else can tell.
                note = f"--live -: raw samples, taken as {form}; the options say otherwise"
                print(note, file=sys.stderr, flush=True)  # noqa: T201
        if header is not None:
            write_line(header(classifier.labels))
        moments = listen(classifier, source, options.hop)
        for moment in smooth(moments, options.smooth or _SMOOTH):
            write_line(line(moment, classifier.labels))
    except KeyboardInterrupt:
        # This is how listening ends; nothing went wrong.
        return 0
    return 0


def main(folder: Path, words: Sequence[str] | None = None) -> int:
    """Classify as `classify.pyz` and return the exit status: 1 where something could not be.

    Args:
        folder: where the program lies, and a model unless another one is named.
        words: the arguments; None for those of the process.
    """
    try:
        prepare_standard_streams()
        return _classify(folder, sys.argv[1:] if words is None else words)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (GenreclsError, OSError) as error:
        _complain(str(error))
        return 1
    except MemoryError as error:
        _complain(f"there is not enough memory ({str(error) or 'the system gives no more'})")
        return 1
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError)
        reason = "is not installed" if absent else f"does not start ({error})"
        _complain(
            f"the package {error.name} {reason}; this program needs NumPy, soundfile and a TFLite "
            "runtime: pip install numpy soundfile ai-edge-litert"
        )
        return 1


def _classify(folder: Path, words: Sequence[str]) -> int:
    parser = Parser(prog=PROGRAM, description="The genre of audio files of any length.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="FILE", help="audio, or the model")
    parser.add_argument("--model", type=Path, metavar="TFLITE", help="an exported model")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="for the network")
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table")
    add_live_options(parser)
    options = parser.parse_intermixed_args(words)
    # As behind `genrecls predict`, a model may stand among the files.
    models = [path for path in options.paths if path.suffix.lower() == ".tflite"]
    options.paths = [path for path in options.paths if path not in models]
    named = [*([options.model] if options.model else []), *models]
    if len(named) > 1:
        raise ConfigError(
            f"expected one model, received {' and '.join(map(str, named))}; name one of them"
        )
    options.model = named[0] if named else None
    check_live_options(options)
    if not options.paths and options.live is None:
        raise ConfigError("expected audio files or --live; see --help")

    from genrecls.runtime.formats import result_text
    from genrecls.runtime.network import check_threads
    from genrecls.runtime.tflite_predictor import load_tflite

    check_threads(options.threads)
    model = options.model
    if model is None:

        def preference(path: Path) -> tuple[int, bool, str]:
            mode = path.stem.rpartition("_")[2]
            rank = [*_PREFERRED_MODES, mode].index(mode)
            return rank, not path.stem.startswith("features"), path.name

        model = min(folder.glob("*.tflite"), key=preference, default=None)
        if model is None:
            raise ModelFileError(f"{folder}: no .tflite file in it; name one with --model")
    classifier = load_tflite(model, options.threads)
    if options.live is not None:
        return run_live(options, classifier)
    bad = 0

    def results() -> Iterator[Result]:
        nonlocal bad
        for path in options.paths:
            result = classifier.classify(path)
            yield result
            if result.error is not None:
                bad += 1
                _complain(f"{path}: {result.error}")

    text = result_text(options.format, classifier.description, options.paths)
    text.write(results(), write)
    return 1 if bad else 0


def _complain(text: str) -> None:
    line = one_line(" ".join(text.split()), getattr(sys.stderr, "encoding", None))
    print(f"{PROGRAM}: error: {line}", file=sys.stderr)  # noqa: T201
