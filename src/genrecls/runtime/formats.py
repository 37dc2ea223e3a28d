"""Predictions as a table, as JSON and as CSV: of files, and a line a segment of live sound."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genrecls.runtime.result import Result

if TYPE_CHECKING:
    from genrecls.runtime.live import Moment

Labels = Sequence[str]


def as_json(results: Sequence[Result], labels: Labels) -> str:
    """Return one list with an object a file: path, genre, probabilities, segments, or error."""
    files: list[dict[str, Any]] = []
    for result in results:
        if result.error is not None:
            files.append({"path": str(result.path), "error": result.error})
            continue
        segments = [
            {
                "start": round(float(start), 3),
                "end": round(float(end), 3),
                "probabilities": _by_label(probabilities, labels),
            }
            for start, end, probabilities in zip(
                result.starts, result.ends, result.segments, strict=True
            )
        ]
        files.append(
            {
                "path": str(result.path),
                "genre": labels[result.decision],
                "probabilities": _by_label(result.probabilities, labels),
                "segments": segments,
            }
        )
    return _printable(json.dumps(files, indent=2, ensure_ascii=False))


def as_csv(results: Sequence[Result], labels: Labels) -> str:
    """Return a header and a line a file."""
    lines = [_csv_line(["path", "genre", "error", *labels])]
    for result in results:
        if result.error is None:
            cells = [labels[result.decision], "", *(f"{p:.6f}" for p in result.probabilities)]
        else:
            cells = ["", result.error, *[""] * len(labels)]
        lines.append(_csv_line([str(result.path), *cells]))
    return _printable("\n".join(lines))


def as_table(results: Sequence[Result], labels: Labels) -> Any:
    """Return a table of rich with the most probable genres of each file."""
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in ("file", "genre", "probability", "then"):
        table.add_column(
            name, overflow="fold", justify="right" if name == "probability" else "left"
        )
    for result in results:
        if result.error is not None:
            table.add_row(Text(_printable(str(result.path))), Text("-"), "", Text(result.error))
            continue
        first = result.decision
        order = np.argsort(-result.probabilities, kind="stable")
        others = [index for index in order if index != first][:2]
        then = ", ".join(f"{labels[i]} {result.probabilities[i]:.2f}" for i in others)
        table.add_row(
            Text(_printable(str(result.path))),
            Text(labels[first]),
            f"{result.probabilities[first]:.2f}",
            Text(then),
        )
    return table


def as_plain_text(results: Sequence[Result], labels: Labels) -> str:
    """Return a line a file: its name, the genre and the probability."""
    width = max(len(str(result.path)) for result in results)
    lines = []
    for result in results:
        answer = "-"
        if result.error is None:
            answer = f"{labels[result.decision]}  {result.probabilities[result.decision]:.2f}"
        lines.append(f"{result.path!s:{width}}  {answer}")
    return _printable("\n".join(lines))


FORMATS: dict[str, Callable[[Sequence[Result], Labels], Any]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
}
PLAIN_FORMATS: dict[str, Callable[[Sequence[Result], Labels], str]] = {
    "table": as_plain_text,
    "json": as_json,
    "csv": as_csv,
}
"""Those of a device, which has no rich."""


def as_live_text(moment: Moment, labels: Labels) -> str:
    """Return the time, the genre and its probability."""
    best = int(moment.probabilities.argmax())
    width = max(map(len, labels))
    return f"{moment.end:8.1f} s  {labels[best]:{width}}  {moment.probabilities[best]:.2f}"


def as_live_json(moment: Moment, labels: Labels) -> str:
    """Return one object: start, end, genre and all probabilities."""
    segment = {
        "start": round(moment.start, 3),
        "end": round(moment.end, 3),
        "genre": labels[int(moment.probabilities.argmax())],
        "probabilities": _by_label(moment.probabilities, labels),
    }
    return json.dumps(segment, ensure_ascii=False)


def live_csv_header(labels: Labels) -> str:
    """Return the names of the columns of `as_live_csv`."""
    return _csv_line(["start", "end", "genre", *labels])


def as_live_csv(moment: Moment, labels: Labels) -> str:
    """Return start, end, genre and all probabilities."""
    genre = labels[int(moment.probabilities.argmax())]
    times = (f"{moment.start:.3f}", f"{moment.end:.3f}")
    return _csv_line([*times, genre, *(f"{p:.6f}" for p in moment.probabilities)])


LIVE_FORMATS: dict[str, tuple[Callable[[Labels], str] | None, Callable[[Moment, Labels], str]]] = {
    "table": (None, as_live_text),
    "json": (None, as_live_json),
    "csv": (live_csv_header, as_live_csv),
}
"""For each format the header, where there is one, and the line of a segment."""


def _by_label(probabilities: NDArray[np.float64], labels: Labels) -> dict[str, float]:
    return {label: float(p) for label, p in zip(labels, probabilities, strict=True)}


def _csv_line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _printable(text: str) -> str:
    """Escape what is left of file names that are no UTF-8, which no output could take.

    The escape is the one of JSON, so that a reader of JSON gets the name back.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
