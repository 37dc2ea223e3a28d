"""`--live`: the genre over time, a line a segment."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genrecls.errors import ConfigError
from genrecls.runtime.live import Moment, WindowClassifier, listen, smoothed
from genrecls.runtime.live_options import SMOOTH, WAIT_SECONDS, check_live_options
from genrecls.runtime.sample_formats import CODINGS
from genrecls.runtime.stream import SampleFormat, Source, growing_wav, raw_samples


def run_live(options: argparse.Namespace, classifier: WindowClassifier) -> int:
    """Print the genre over time until the sound ends or Ctrl-C; return the exit status.

    Raises:
        ConfigError: the options cannot be.
        DataError: the source cannot be read, or nothing came.
    """
    check_live_options(options)
    line = _LINES[options.format]
    try:
        source = _source(options, classifier.features["sample_rate"])
        if options.format == "csv":
            _print(_row(["start", "end", "genre", *classifier.labels]))
        moments = listen(classifier, source, options.hop)
        for moment in smoothed(moments, options.smooth or SMOOTH):
            _print(line(moment, classifier.labels))
    except KeyboardInterrupt:
        # This is how listening ends; nothing went wrong.
        return 0
    return 0


def _source(options: argparse.Namespace, rate: int) -> Source:
    if options.live != "-":
        wait = WAIT_SECONDS if options.live_wait is None else options.live_wait
        return growing_wav(Path(options.live), wait)
    if sys.stdin is None:
        raise ConfigError("--live -: standard input is closed; send samples through a pipe")
    form = SampleFormat(
        options.rate or rate, options.channels or 1, options.sample_format or CODINGS[0]
    )
    return raw_samples(sys.stdin.buffer, form)


def _print(text: str) -> None:
    # Flushed, for whoever reads the pipe wants to know now.
    print(text, flush=True)  # noqa: T201


def as_text(moment: Moment, labels: Sequence[str]) -> str:
    """Return the time, the genre and its probability."""
    best = int(moment.probabilities.argmax())
    width = max(map(len, labels))
    return f"{moment.end:8.1f} s  {labels[best]:{width}}  {moment.probabilities[best]:.2f}"


def as_json_line(moment: Moment, labels: Sequence[str]) -> str:
    """Return one object: start, end, genre and all probabilities."""
    named = {label: float(p) for label, p in zip(labels, moment.probabilities, strict=True)}
    found: Mapping[str, Any] = {
        "start": round(moment.start, 3),
        "end": round(moment.end, 3),
        "genre": labels[int(moment.probabilities.argmax())],
        "probabilities": named,
    }
    return json.dumps(found, ensure_ascii=False)


def as_csv_line(moment: Moment, labels: Sequence[str]) -> str:
    """Return start, end, genre and all probabilities."""
    genre = labels[int(moment.probabilities.argmax())]
    found = [f"{p:.6f}" for p in moment.probabilities]
    return _row([f"{moment.start:.3f}", f"{moment.end:.3f}", genre, *found])


def _row(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


_LINES: dict[str, Callable[[Moment, Sequence[str]], str]] = {
    "table": as_text,
    "json": as_json_line,
    "csv": as_csv_line,
}
