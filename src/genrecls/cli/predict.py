"""`genrecls predict`: the genre of any audio file or folder, over time if wanted, or live."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from genrecls.console import fail, say, show
from genrecls.errors import ConfigError
from genrecls.runtime.command import add_live_options, check_live_options, run_live
from genrecls.runtime.parser import Parser


def main(words: Sequence[str]) -> int:
    """Classify; the exit status is 1 where a file could not be classified."""
    options = _parser().parse_args(words)
    _check(options)
    from genrecls.inference.files import load_classifier, names_model_file, predict
    from genrecls.runs.run import find_run
    from genrecls.runtime.formats import FORMATS

    path = options.model
    if path is None or not names_model_file(path):
        path = find_run(options.output_root, None if path is None else str(path)).model_file
    classifier = load_classifier(path)
    say(str(classifier.description))
    if options.live is not None:
        return run_live(options, classifier)
    results = predict(classifier, options.paths)
    show(FORMATS[options.format](results, classifier.labels))
    bad = [result for result in results if result.error is not None]
    if options.timeline is not None and len(bad) < len(results):
        from genrecls.reports.figures.timeline import timeline
        from genrecls.reports.style import save

        usable = [result for result in results if result.error is None]
        about = classifier.description.about
        save(timeline(usable, classifier.labels, about=about), options.timeline)
        say(f"timeline in {options.timeline}")
    for result in bad:
        fail(f"{result.path}: {result.error}")
    return 1 if bad else 0


def _check(options: Namespace) -> None:
    check_live_options(options)
    if not options.paths and options.live is None:
        raise ConfigError("expected audio files, folders or --live; see 'genrecls predict --help'")
    if options.timeline is not None and options.live is not None:
        raise ConfigError("--timeline: it needs files; --live prints the genre over time itself")
    if options.timeline is not None and options.timeline.suffix.lower() != ".png":
        raise ConfigError(f"--timeline: received '{options.timeline}'; allowed: a name in .png")


def _parser() -> Parser:
    parser = Parser(
        prog="genrecls predict",
        description="Classify audio files of any length, or all audio files of folders.",
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="FILE|FOLDER")
    parser.add_argument(
        "--model",
        type=Path,
        metavar="RUN-OR-FILE",
        help="a run (folder, name, or end of a name), a model.keras, or an exported .tflite, which "
        "needs no TensorFlow; without it the newest finished run",
    )
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table")
    parser.add_argument(
        "--timeline", type=Path, metavar="PNG", help="draw the probabilities over time"
    )
    parser.add_argument("--output-root", type=Path, default=Path("outputs"), metavar="FOLDER")
    add_live_options(parser)
    return parser
