"""Predictions as a table, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.runtime.result import Result

Labels = Sequence[str]


def as_json(results: Sequence[Result], labels: Labels) -> str:
    """Return one list with an object a file: path, genre, probabilities, segments, or error."""
    text = json.dumps([_object(r, labels) for r in results], indent=2, ensure_ascii=False)
    return _printable(text)


def as_csv(results: Sequence[Result], labels: Labels) -> str:
    """Return a header and a line a file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "genre", "error", *labels])
    for result in results:
        if result.error is None:
            row = [_genre(result, labels), "", *(f"{p:.6f}" for p in result.probabilities)]
        else:
            row = ["", result.error, *[""] * len(labels)]
        writer.writerow([str(result.path), *row])
    return _printable(text.getvalue().rstrip("\n"))


def as_table(results: Sequence[Result], labels: Labels) -> Any:
    """Return a table with the most probable genres of each file."""
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


def _object(result: Result, labels: Labels) -> dict[str, Any]:
    if result.error is not None:
        return {"path": str(result.path), "error": result.error}
    segments = [
        {
            "start": round(float(start), 3),
            "end": round(float(end), 3),
            "probabilities": _named(found, labels),
        }
        for start, end, found in zip(result.starts, result.ends, result.segments, strict=True)
    ]
    return {
        "path": str(result.path),
        "genre": _genre(result, labels),
        "probabilities": _named(result.probabilities, labels),
        "segments": segments,
    }


def _genre(result: Result, labels: Labels) -> str:
    return labels[result.decision]


def _named(found: NDArray[np.float64], labels: Labels) -> dict[str, float]:
    return {label: float(value) for label, value in zip(labels, found, strict=True)}


def _printable(text: str) -> str:
    """Escape what is left of file names that are no UTF-8, which no output could take.

    The escape is the one of JSON, so that a reader of JSON gets the name back.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


FORMATS: dict[str, Callable[[Sequence[Result], Labels], Any]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
}
