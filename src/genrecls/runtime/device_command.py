"""The program `classify.py`: what `genrecls predict` does with an exported file, in plain text."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from genrecls.errors import ConfigError, GenreclsError, ModelFileError
from genrecls.runtime.classifier import TFLiteClassifier
from genrecls.runtime.formats import as_csv, as_json
from genrecls.runtime.live_command import run_live
from genrecls.runtime.live_options import add_live_options, check_live_options
from genrecls.runtime.network import check_threads
from genrecls.runtime.parser import Parser
from genrecls.runtime.result import Result

# Most exact first, and what any runtime can run before what not all can.
_PREFERRED = ("float32", "float16", "int8", "dynamic")


def main(words: Sequence[str] | None = None) -> int:
    """Classify and return the exit status: 1 where something could not be classified."""
    try:
        return _classify(sys.argv[1:] if words is None else words)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (GenreclsError, OSError) as error:
        return _complain(str(error))


def _classify(words: Sequence[str]) -> int:
    options = _device_parser().parse_args(words)
    check_live_options(options)
    if not options.paths and options.live is None:
        raise ConfigError("expected audio files or --live; see --help")
    check_threads(options.threads)
    classifier = TFLiteClassifier.load(options.model or _model_beside(), options.threads)
    if options.live is not None:
        return run_live(options, classifier)
    results = [classifier.classify(path) for path in options.paths]
    print(_SHOWN[options.format](results, classifier.labels))  # noqa: T201
    return max(
        (_complain(f"{result.path}: {result.error}") for result in results if result.error),
        default=0,
    )


def _device_parser() -> Parser:
    parser = Parser(prog="classify.py", description="The genre of audio files of any length.")
    parser.add_argument("paths", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--model", type=Path, metavar="TFLITE", help="an exported model")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="for the network")
    parser.add_argument("--format", choices=tuple(_SHOWN), default="table")
    add_live_options(parser)
    return parser


def _model_beside() -> Path:
    """Return the model in the folder of this program."""
    folder = Path(__file__).resolve().parent
    found = sorted(folder.glob("*.tflite"), key=_preference)
    if not found:
        raise ModelFileError(f"{folder}: no .tflite file in it; name one with --model")
    return found[0]


def _preference(path: Path) -> tuple[int, bool, str]:
    mode = path.stem.rpartition("_")[2]
    rank = _PREFERRED.index(mode) if mode in _PREFERRED else len(_PREFERRED)
    return rank, not path.stem.startswith("features"), path.name


def as_plain_text(results: Sequence[Result], labels: Sequence[str]) -> str:
    """Return a line a file: its name, the genre and the probability."""
    width = max(len(str(result.path)) for result in results)
    lines = [f"{result.path!s:{width}}  {_answer(result, labels)}" for result in results]
    # File names that are no UTF-8 could not be printed.
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode("utf-8")


def _answer(result: Result, labels: Sequence[str]) -> str:
    if result.error is not None:
        return "-"
    return f"{labels[result.decision]}  {result.probabilities[result.decision]:.2f}"


_SHOWN: dict[str, Callable[[Sequence[Result], Sequence[str]], str]] = {
    "table": as_plain_text,
    "json": as_json,
    "csv": as_csv,
}


def _complain(text: str) -> int:
    print(f"classify.py: error: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
