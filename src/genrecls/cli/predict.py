"""`genrecls predict`: the genre of any audio file or folder, over time if wanted, or live."""

from __future__ import annotations

import glob
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from genrecls.cli.arguments import parser_of
from genrecls.config.paths import expanded, why_no_file
from genrecls.console import fail, say, several
from genrecls.errors import ConfigError, Interrupted, RunError
from genrecls.runtime.abstention import abstention_for
from genrecls.runtime.command import check_live_options, run_live
from genrecls.runtime.standard_streams import write
from genrecls.shipped.models import shipped_file

if TYPE_CHECKING:
    from genrecls.inference.output_file import OutputFile
    from genrecls.runtime.classifier import Classifier
    from genrecls.runtime.description import ModelDescription
    from genrecls.runtime.result import Result


def main(words: Sequence[str]) -> int:
    """Classify; the exit status is 1 where a file could not be classified."""
    # What changes while a model loads has changed since.
    began, model_changed = time.time(), 0.0
    options = parser_of("predict").read(words)
    options.model, options.paths = _model_and_files(options)
    _check(options)
    from genrecls.inference.files import audio_files, find_model_file, load_classifier
    from genrecls.inference.tagger import TAGGERS, load_tagger
    from genrecls.runs.ensemble_card import ENSEMBLE

    if options.model in TAGGERS and not Path(options.model).exists():
        _refuse_for_tags(options)
        classifier: Classifier = load_tagger(options.model)
    else:
        path = find_model_file(options.model, options.output_root)
        if options.live is not None and path.name == ENSEMBLE:
            raise ConfigError("--live: an ensemble classifies files; name one of its runs")
        classifier = load_classifier(path)
        model_changed = path.stat().st_mtime
    description = classifier.description
    say(str(description))
    options.abstention, lines = abstention_for(
        description.held_out, options.accuracy, options.coverage
    )
    for line in lines:
        say(line)
    if options.live is not None:
        return run_live(options, classifier)
    files, missing = audio_files(options.paths)
    known = {result.path: result for result in missing}
    from genrecls.inference.output_file import OutputFile, alone_with

    with alone_with(options.output):
        output = None
        if options.output is not None:
            output = OutputFile(
                options.output,
                options.format,
                description,
                options.abstention,
                model_changed=model_changed,
                began=began,
            )
        return _classify(options, classifier, [*known, *files], known, output)


def _refuse_for_tags(options: Namespace) -> None:
    """Refuse what there is for genres alone.

    Raises:
        ConfigError: names the flag.
    """
    for other in ("live", "timeline", "output", "accuracy", "coverage"):
        if getattr(options, other) is not None:
            raise ConfigError(
                f"--{other}: not for {options.model}, which gives tags; use --format json"
            )
    if options.format == "csv":
        raise ConfigError(f"--format csv: not for {options.model}; allowed: table, json")


def _classify(
    options: Namespace,
    classifier: Classifier,
    files: list[Path],
    known: Mapping[Path, Result],
    output: OutputFile | None,
) -> int:
    """Classify and write each result as soon as it is there; return the exit status.

    Raises:
        Interrupted: Ctrl-C or SIGTERM came; says what is done.
    """
    from genrecls.inference.files import classify_files
    from genrecls.inference.tagger import Tagger, tag_text
    from genrecls.runtime.formats import result_text

    model, terminal = classifier.description, sys.stdout.isatty()
    tags = isinstance(classifier, Tagger)
    if output is not None:
        files = output.missing(files)
        if output.count:
            say(f"{options.output} has {several(output.count, 'answer')}; {len(files)} are missing")
    bad = done = 0
    usable: list[Result] = []

    def results() -> Iterator[Result]:
        nonlocal bad, done
        # Lines of a terminal are progress enough, and a bar would come between them.
        bar = output is not None or not terminal
        for result in classify_files(classifier, files, known, show_progress=bar):
            yield result
            done += 1
            if result.error is not None:
                bad += 1
                fail(f"{result.path}: {result.error}")
            elif options.timeline is not None:
                usable.append(result)

    try:
        if output is not None:
            output.write(results())
            say(f"{several(output.count, 'answer')} in {options.output}")
        else:
            width = shutil.get_terminal_size().columns if terminal else None
            text = (
                tag_text(options.format, model)
                if tags
                else result_text(options.format, model, files, width, options.abstention)
            )
            text.write(results(), write)
    except KeyboardInterrupt:
        above = "above" if tags else "above; with --output FILE the same command continues"
        where = f"in {output.path}; the same command continues" if output else above
        raise Interrupted(
            f"interrupted after {done} of {several(len(files), 'file')}, whose results are {where}"
        ) from None
    if usable:
        _draw_timeline(usable, model, options.timeline)
    return 1 if bad else 0


def _draw_timeline(usable: list[Result], model: ModelDescription, path: Path) -> None:
    from genrecls.reports.figures.timeline import timeline
    from genrecls.reports.style import save

    save(timeline(usable, model.labels, about=model.about), path)
    say(f"timeline in {path}")


def _model_and_files(options: Namespace) -> tuple[str | None, list[Path]]:
    """Return the run or model file, if one is named, and the files and folders."""
    paths = [expanded(word, "FILE") for word in options.words]
    if options.model is not None:
        return options.model, paths
    for number, path in enumerate(paths):
        word = options.words[number]
        if _names_model(path, first=number == 0) or _matches_runs(options.output_root, word):
            return word, paths[:number] + paths[number + 1 :]
    return None, paths


def _matches_runs(output_root: Path, word: str) -> bool:
    """Return whether a word is a pattern of runs, of which one is to be named, and not of audio."""
    if not glob.has_magic(word):
        return False
    from genrecls.runs.find import find_runs, is_pattern

    with suppress(RunError):
        return is_pattern(output_root, word) and bool(find_runs(output_root, word))
    return False


def _names_model(path: Path, *, first: bool) -> bool:
    """Return whether a word is a model file or a run; an unknown name is one if it stands first."""
    if path.suffix.lower() in {".keras", ".tflite"} or (path / "run.json").is_file():
        return True
    if shipped_file(str(path)) is not None and not path.exists():
        return True
    from genrecls.runs.ensemble_card import ENSEMBLE, KERAS_FILE

    if (path / KERAS_FILE).is_file():
        from genrecls.runs.find import refit_file

        return refit_file(path.parent, str(path)) is not None
    if path.is_file():
        if path.name == ENSEMBLE:
            return True
        magic = b""
        # That a file cannot be read is said of it as of one of many.
        with suppress(OSError), path.open("rb") as file:
            magic = file.read(8)
        # A TFLite file, or the zip of Keras, whatever they are called.
        return magic[4:] == b"TFL3" or magic.startswith(b"PK")
    from genrecls.dsp import audio_limits, ffmpeg

    unknown = not path.exists() and not why_no_file(str(path))
    named = {*audio_limits.SUFFIXES, *ffmpeg.SUFFIXES}
    return first and unknown and path.suffix.lower() not in named


def _check(options: Namespace) -> None:
    check_live_options(options)
    if options.live is not None and (options.accuracy or options.coverage):
        raise ConfigError("--accuracy, --coverage: for whole tracks; leave them out with --live")
    if not options.paths and options.live is None:
        raise ConfigError("expected audio files, folders or --live; see 'genrecls predict --help'")
    if options.timeline is not None and options.live is not None:
        raise ConfigError("--timeline: it needs files; --live prints the genre over time itself")
    kinds = (".png", ".svg", ".pdf")
    if options.timeline is not None and options.timeline.suffix.lower() not in kinds:
        raise ConfigError(
            f"--timeline: received '{options.timeline}'; allowed: a name in {', '.join(kinds)}"
        )
    if options.output is None:
        options.format = options.format or "table"
        return
    for other in ("live", "timeline"):
        if getattr(options, other) is not None:
            raise ConfigError(f"--output: it does not go with --{other}; leave out one of both")
    options.format = options.format or options.output.suffix.lower().removeprefix(".")
    if options.format not in {"csv", "json"}:
        raise ConfigError(
            f"--output: received '{options.output}'; allowed: a name in .csv or .json, or another "
            "name with --format csv or json"
        )
