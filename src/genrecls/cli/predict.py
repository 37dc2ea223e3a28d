"""`genrecls predict`: the genre of any audio file or folder, over time if wanted, or live."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from genrecls.cli.verbs import parser_of
from genrecls.config.paths import expanded, why_no_file
from genrecls.console import fail, say, show
from genrecls.errors import ConfigError
from genrecls.runtime.command import check_live_options, run_live


def main(words: Sequence[str]) -> int:
    """Classify; the exit status is 1 where a file could not be classified."""
    options = parser_of("predict").read(words)
    options.model, options.paths = _model_and_files(options)
    _check(options)
    from genrecls.inference.files import load_classifier, names_model_file, predict
    from genrecls.runtime.formats import FORMATS

    path = None if options.model is None else expanded(options.model, "RUN")
    if path is None or not names_model_file(path):
        # Not for an exported file: a device has nothing that reads runs.
        from genrecls.runs.run import find_run

        path = find_run(options.output_root, options.model).model_file
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


def _model_and_files(options: Namespace) -> tuple[str | None, list[Path]]:
    """Return the run or model file, if one is named, and the files and folders."""
    paths = [expanded(word, "FILE") for word in options.words]
    if options.model is not None:
        return options.model, paths
    for number, path in enumerate(paths):
        if _names_model(path, first=number == 0):
            return options.words[number], paths[:number] + paths[number + 1 :]
    return None, paths


def _names_model(path: Path, *, first: bool) -> bool:
    """Return whether a word is a model file or a run; an unknown name is one if it stands first."""
    if path.suffix.lower() in {".keras", ".tflite"} or (path / "run.json").is_file():
        return True
    if path.is_file():
        with path.open("rb") as file:
            magic = file.read(8)
        # A TFLite file, or the zip of Keras, whatever they are called.
        return magic[4:] == b"TFL3" or magic.startswith(b"PK")
    from genrecls.dsp.audio import SUFFIXES

    unknown = not path.exists() and not why_no_file(str(path))
    return first and unknown and path.suffix.lower() not in SUFFIXES


def _check(options: Namespace) -> None:
    check_live_options(options)
    if not options.paths and options.live is None:
        raise ConfigError("expected audio files, folders or --live; see 'genrecls predict --help'")
    if options.timeline is not None and options.live is not None:
        raise ConfigError("--timeline: it needs files; --live prints the genre over time itself")
    if options.timeline is not None and options.timeline.suffix.lower() != ".png":
        raise ConfigError(f"--timeline: received '{options.timeline}'; allowed: a name in .png")
