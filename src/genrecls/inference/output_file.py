"""A file of predictions that grows with every result, and that the same command continues."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from genrecls.errors import ConfigError
from genrecls.files.atomic import naming, replacing
from genrecls.files.locks import locked
from genrecls.runtime.abstention import ALWAYS, Abstention
from genrecls.runtime.description import ModelDescription
from genrecls.runtime.formats import SET_SEPARATOR, UNKNOWN, ResultText, result_text
from genrecls.runtime.result import Result
from genrecls.safe_text import for_spreadsheet, one_line


@contextmanager
def alone_with(path: Path | None) -> Iterator[None]:
    """Keep other commands from writing to the same file of predictions during the block.

    Args:
        path: the file, which need not be there; None where there is none.

    Raises:
        RunBusy: another command is writing to it.
    """
    # What is no file is refused when it is opened.
    if path is None or (path.exists() and not path.is_file()):
        yield
        return
    file = _linked(path)
    lock = file.parent / f".{file.name}.lock"
    busy = f"--output: another command is writing to {path}; wait for it, or choose another file"
    with locked(lock, patience=0, busy=busy):
        try:
            yield
        finally:
            # Nothing but answers stays among other people's files. Windows keeps what is open.
            with suppress(OSError):
                lock.unlink()


FileLayout = Literal["json", "csv"]


class OutputFile:
    """Predictions of one model, as JSON or CSV, with a line a file.

    What is there already is kept, but for a last line that was cut off, for files that could not be
    classified, and for audio that was changed since. Relative paths of audio are written relative
    to the folder of the file, so that they mean the same from any working folder.

    Args:
        path: the file; it need not be there. A symbolic link stays one.
        layout: how it is written.
        model: what answers.
        abstention: when an answer is `unknown`, and which genres are a set.
        model_changed: when the file of the model was written, seconds since 1970.
        began: when the command began, seconds since 1970.

    Raises:
        ConfigError: the file holds something else, or answers of another model, of what the file of
            the model was before, or of other shares.
    """

    def __init__(
        self,
        path: Path,
        layout: FileLayout,
        model: ModelDescription,
        abstention: Abstention = ALWAYS,
        *,
        model_changed: float,
        began: float,
    ) -> None:
        self._model_changed, self._began = model_changed, began
        self.path, self._file = path, _linked(path)
        self._layout = layout
        self._text: ResultText = result_text(layout, model, (), None, abstention)
        self._model, self._abstention = model, abstention
        self._done: set[str] = set()
        if path.exists():
            self._keep_answers()

    @property
    def count(self) -> int:
        """How many files have their answer."""
        return len(self._done)

    def missing(self, files: Iterable[Path]) -> list[Path]:
        """Return the files that have no answer yet."""
        return [file for file in files if self._key(file) not in self._done]

    def write(self, results: Iterable[Result]) -> None:
        """Add results, each of which is in the file as soon as it is there.

        Raises:
            OSError: the file cannot be written; what is there stays.
        """

        def noted() -> Iterator[Result]:
            for result in results:
                yield replace(result, path=Path(self._name(result.path)))
                if result.error is None:
                    self._done.add(self._key(result.path))

        self._file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with naming(self._file), self._file.open("a", encoding="utf-8") as file:

                def write(text: str) -> None:
                    file.write(text)
                    file.flush()
                    self._date()

                self._text.write(noted(), write, append=bool(self._done))
        finally:
            # Windows dates a file once more when it is closed.
            self._date()

    def _date(self) -> None:
        """Give the file the time at which the command began.

        Audio or a model that is changed later, if only before the last answer, is then newer than
        the file. A kill leaves it so as well.
        """
        # Not every disk keeps a time that it is given.
        with suppress(OSError):
            os.utime(self._file, (self._began, self._began))

    def _key(self, file: Path) -> str:
        """Return how a path stands in the file, read back."""
        name = self._name(file)
        return name if self._layout == "json" else _cell(name)

    def _name(self, file: Path) -> str:
        """Return how a path is written."""
        if file.is_absolute():
            return str(file)
        try:
            return os.path.relpath(file.absolute(), self._file.parent)
        except ValueError:
            # On Windows no path leads from one drive to another.
            return str(file.absolute())

    def _keep_answers(self) -> None:
        """Write the file again without its tail and without what has to be done anew."""
        if not self.path.is_file():
            raise ConfigError(f"--output: {self.path} is no file; give the name of one")
        written = self._file.stat().st_mtime
        with (
            self._file.open(encoding="utf-8", errors="replace") as old,
            replacing(self._file) as beside,
            beside.open("w", encoding="utf-8") as new,
        ):
            head = old.readline()
            cut_off = not head.endswith("\n") and self._text.head.startswith(head)
            if head != self._text.head and not cut_off:
                raise self._other_content(head)
            for line in old:
                answer = line.rstrip("\n").removesuffix(",")
                key = self._read_key(answer, whole=line.endswith("\n"))
                if key is None or key in self._done:
                    continue
                if self._model_changed > written:
                    raise ConfigError(
                        f"--output: {self.path} holds answers of {self._model.name} from before "
                        "its file was changed; choose another file, or delete it"
                    )
                if _changed_since(self._file.parent / key, written):
                    continue
                new.write(self._text.separator if self._done else self._text.head)
                new.write(answer if self._layout == "json" else line)
                self._done.add(key)
        self._date()

    def _read_key(self, line: str, *, whole: bool) -> str | None:
        """Return the path of a file with an answer; None for a line without one.

        Raises:
            ConfigError: the line is none of this model, or of other shares.
        """
        if line in {"", "]"} and self._layout == "json":
            return None
        try:
            row = json.loads(line) if self._layout == "json" else self._csv_row(line)
            path, model, failed = row["path"], row["model"], "error" in row
            answers = failed or model != self._model.name or self._is_answer(row)
        except (csv.Error, ValueError, TypeError, LookupError, RecursionError):
            if not whole:
                return None
            raise self._other_content(line) from None
        if not whole and self._layout == "csv":
            return None
        if model != self._model.name:
            raise self._other_content(f"an answer of {model}")
        if not answers:
            raise ConfigError(
                f"--output: {self.path} holds answers that other values of --accuracy or "
                "--coverage made; choose another file, or delete it"
            )
        return None if failed else str(path)

    def _csv_row(self, line: str) -> dict[str, Any]:
        """Return a line as JSON would have it, the genres of a set in one text."""
        path, genre, error, model, *rest = next(csv.reader([line]), [])
        if error:
            return {"path": path, "model": model, "error": error}
        row: dict[str, Any] = {"path": path, "model": model}
        row["genre"] = None if genre == UNKNOWN and UNKNOWN not in self._model.labels else genre
        if self._abstention.in_set is not None:
            row["set"] = rest.pop(0)
        row["probabilities"] = dict(zip(self._model.labels, map(float, rest), strict=True))
        return row

    def _is_answer(self, row: Mapping[str, Any]) -> bool:
        """Return whether the shares of now make the answer and the set of a row."""
        labels, abstention = self._model.labels, self._abstention
        probabilities = [float(row["probabilities"][label]) for label in labels]
        # By a majority of segments any genre may be the answer that is none.
        sure = max(probabilities) if self._model.vote == "mean" else 0.0
        genre: str | None = row["genre"]
        in_set: list[str] | str | None = None
        if genre is not None:
            names = [label if self._layout == "json" else _cell(label) for label in labels]
            sure = probabilities[names.index(genre)]
        if abstention.in_set is not None:
            in_set = [labels[index] for index in abstention.genres(probabilities)]
        if in_set is not None and self._layout == "csv":
            in_set = _cell(SET_SEPARATOR.join(in_set))
        return abstention.unknown(sure) == (genre is None) and row.get("set") == in_set

    def _other_content(self, found: str) -> ConfigError:
        return ConfigError(
            f"--output: {self.path} holds something else than {self._layout.upper()} answers of "
            f"{self._model.name} (found {found[:60]!r}); choose another file, or delete it"
        )


def _linked(path: Path) -> Path:
    """Return the file behind a symbolic link, which a new file would otherwise replace."""
    return Path(os.path.realpath(path))


def _cell(text: str) -> str:
    return for_spreadsheet(one_line(text))


def _changed_since(file: Path, moment: float) -> bool:
    try:
        status = file.stat()
    except OSError:
        # Gone, or its name is escaped: it is what it was.
        return False
    return max(status.st_mtime, status.st_ctime) > moment
