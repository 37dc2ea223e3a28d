"""Predictions as a table, as JSON and as CSV: of files, and a line a segment of live sound."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from genrecls.errors import ConfigError, DataError
from genrecls.runtime.abstention import ALWAYS, Abstention
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.result import Result
from genrecls.safe_text import for_spreadsheet, for_terminal, one_line

if TYPE_CHECKING:
    from genrecls.runtime.live import Moment

Labels = Sequence[str]
Layout = Literal["table", "json", "csv"]

RESULT_COLUMNS = ("path", "genre", "error", "model")
UNKNOWN = "unknown"
"""Stands for a genre where the model is not sure enough; in JSON it is null."""
SET_SEPARATOR = "; "
PROBABILITY = "probability:"
"""Stands before each genre in the name of its column: a genre may be called `path` or `error`."""

_SHARE_HEAD = "probability"
_SHORTEST_PATH = 20


class ResultText(ABC):
    """Predictions as text that is written a file at a time, each result as soon as it is there.

    Args:
        model: what answers.
        abstention: when an answer is `unknown`, and which genres are a set.

    Attributes:
        head: what comes before the first result.
        separator: what comes between two results.
        tail: what comes after the last one.
    """

    separator = tail = ""

    def __init__(self, model: ModelDescription, abstention: Abstention = ALWAYS) -> None:
        self.model = model
        self.abstention = abstention

    def answered(self, result: Result) -> str | None:
        """Return the genre of a file; None where the model is not sure enough of any."""
        unsure = self.abstention.unknown(float(result.probabilities[result.decision]))
        return None if unsure else self.model.labels[result.decision]

    def set_of(self, result: Result) -> list[str]:
        """Return the genres of the set, the most probable first."""
        return [self.model.labels[index] for index in self.abstention.genres(result.probabilities)]

    @property
    @abstractmethod
    def head(self) -> str:
        """What comes before the first result."""

    @abstractmethod
    def item(self, result: Result) -> str:
        """Return what is written of one file."""

    def write(
        self, results: Iterable[Result], write: Callable[[str], object], *, append: bool = False
    ) -> None:
        """Write all results; after an interrupt what is written is whole as well.

        Args:
            results: one a file, as they come.
            write: takes pieces of text.
            append: whether head and results are there already.
        """
        if not append:
            write(self.head)
        separator = self.separator if append else ""
        try:
            for result in results:
                write(separator + self.item(result))
                separator = self.separator
        finally:
            write(self.tail)


class JsonText(ResultText):
    """One list with an object a file, each in a line: path, genre, probabilities, or error."""

    separator, tail = ",\n", "\n]\n"

    @property
    def head(self) -> str:
        """The beginning of the list."""
        return "[\n"

    def item(self, result: Result) -> str:
        """Return the object of one file."""
        labels = self.model.labels
        about = {"path": str(result.path), "model": self.model.name}
        if result.error is not None:
            return _json({**about, "error": result.error})
        times = zip(result.starts, result.ends, result.segments, strict=True)
        segments = [
            {
                "start": round(float(start), 3),
                "end": round(float(end), 3),
                "probabilities": _by_label(probabilities, labels),
            }
            for start, end, probabilities in times
        ]
        answer = {
            "genre": self.answered(result),
            **({"set": self.set_of(result)} if self.abstention.in_set is not None else {}),
            "probabilities": _by_label(result.probabilities, labels),
            "segments": segments,
        }
        return _json({**about, **answer})


class CsvText(ResultText):
    """A header and a line a file; the probability of each genre has a column."""

    @property
    def head(self) -> str:
        """The names of the columns."""
        columns = [*RESULT_COLUMNS, *(["set"] if self.abstention.in_set is not None else [])]
        return _csv_line([*columns, *_genre_columns(self.model.labels)]) + "\n"

    def item(self, result: Result) -> str:
        """Return the line of one file."""
        labels, cells = self.model.labels, [str(result.path)]
        in_set = self.abstention.in_set is not None
        if result.error is None:
            cells += [self.answered(result) or UNKNOWN, "", self.model.name]
            cells += [SET_SEPARATOR.join(self.set_of(result))] if in_set else []
            # As many digits as single precision has: read back they are in the same order and on
            # the same side of a threshold.
            cells += [f"{p:.9g}" for p in result.probabilities]
        else:
            cells += ["", result.error, self.model.name, *[""] * (len(labels) + in_set)]
        return _csv_line(cells) + "\n"


class TableText(ResultText):
    """A line a file with its most probable genres, in columns.

    Args:
        model: what answers.
        paths: the files to come.
        width: columns of the terminal; None where there is no edge.
        abstention: when an answer is `unknown`, and which genres are a set.
    """

    def __init__(
        self,
        model: ModelDescription,
        paths: Iterable[Path],
        width: int | None = None,
        abstention: Abstention = ALWAYS,
    ) -> None:
        super().__init__(model, abstention)
        shortest = 5 if abstention.least is None else len(UNKNOWN)
        self._genre = max(shortest, *(_columns(one_line(label)) for label in model.labels))
        self._path = max((_columns(one_line(str(path))) for path in paths), default=0)
        if width is not None:
            # What stands behind the path: the genre, its probability, and two more genres.
            behind = 2 + self._genre + 2 + len(_SHARE_HEAD) + 2 + 2 * (self._genre + 5) + 2
            self._path = min(self._path, max(_SHORTEST_PATH, width - behind))

    @property
    def head(self) -> str:
        """The names of the columns."""
        last = "then" if self.abstention.in_set is None else "one of"
        return self._line("file", "genre", _SHARE_HEAD, last)

    def item(self, result: Result) -> str:
        """Return the line of one file; a path too long for its column has a line of its own."""
        path, labels = one_line(str(result.path)), [one_line(label) for label in self.model.labels]
        start = ""
        if _columns(path) > self._path:
            start, path = f"{path}\n", ""
        if result.error is not None:
            return f"{start}{_padded(path, self._path)}  -  {one_line(result.error)}\n"
        first = result.decision
        order = np.argsort(-result.probabilities, kind="stable")
        others = [int(index) for index in order if index != first][:2]
        if self.abstention.in_set is not None:
            others = [*self.abstention.genres(result.probabilities)]
        then = ", ".join(f"{labels[i]} {result.probabilities[i]:.2f}" for i in others)
        probability = f"{result.probabilities[first]:{len(_SHARE_HEAD)}.2f}"
        genre = UNKNOWN if self.answered(result) is None else labels[first]
        return start + self._line(path, genre, probability, then)

    def _line(self, path: str, genre: str, probability: str, then: str) -> str:
        cells = (_padded(path, self._path), _padded(genre, self._genre), probability, then)
        return "  ".join(cells).rstrip() + "\n"


def result_text(
    layout: Layout,
    model: ModelDescription,
    paths: Iterable[Path],
    width: int | None = None,
    abstention: Abstention = ALWAYS,
) -> ResultText:
    """Return what writes predictions in a layout; `paths` and `width` are for tables alone.

    Raises:
        ConfigError: a genre is called as an answer is that is not sure enough, which may come.
    """
    if layout != "json" and abstention.least is not None and UNKNOWN in model.labels:
        raise ConfigError(
            f"--format {layout}: a genre of this model is called '{UNKNOWN}', as is an answer that "
            "is not sure enough; use --format json"
        )
    if layout == "table":
        return TableText(model, paths, width, abstention)
    return JsonText(model, abstention) if layout == "json" else CsvText(model, abstention)


def as_live_text(moment: Moment, labels: Labels) -> str:
    """Return the time, the genre and its probability."""
    best = int(moment.probabilities.argmax())
    names = [one_line(label) for label in labels]
    genre = _padded(names[best], max(map(_columns, names)))
    return f"{moment.end:8.1f} s  {genre}  {moment.probabilities[best]:.2f}"


def as_live_json(moment: Moment, labels: Labels) -> str:
    """Return one object: start, end, genre and all probabilities."""
    segment = {
        "start": round(moment.start, 3),
        "end": round(moment.end, 3),
        "genre": labels[int(moment.probabilities.argmax())],
        "probabilities": _by_label(moment.probabilities, labels),
    }
    return _json(segment)


def live_csv_header(labels: Labels) -> str:
    """Return the names of the columns of `as_live_csv`."""
    return _csv_line(["start", "end", "genre", *_genre_columns(labels)])


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


def _genre_columns(labels: Labels) -> list[str]:
    return [f"{PROBABILITY}{label}" for label in labels]


def _json(value: Any) -> str:
    try:
        return for_terminal(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except ValueError:
        raise DataError(
            "expected finite probabilities and times, received NaN or infinity, which JSON does "
            "not have; use another model"
        ) from None


def _csv_line(cells: Iterable[str]) -> str:
    """Return cells as one line, whatever they hold, with none that a spreadsheet computes."""
    text = io.StringIO()
    safe = (for_spreadsheet(one_line(cell)) for cell in cells)
    csv.writer(text, lineterminator="").writerow(safe)
    return text.getvalue()


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    marks = sum(unicodedata.combining(char) > 0 for char in text)
    return len(text) + wide - marks


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))
