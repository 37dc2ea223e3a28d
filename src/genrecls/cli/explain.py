"""`genrecls explain`: what a model looks for, and what in a file decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genrecls.cli.verbs import parser_of
from genrecls.config.paths import expanded
from genrecls.console import say, show
from genrecls.errors import ConfigError

if TYPE_CHECKING:
    from genrecls.explain.explanation import Explanation


def main(words: Sequence[str]) -> int:
    """Explain one segment of one file."""
    options = parser_of("explain").read(words)
    if len(options.words) != 2:
        raise ConfigError(
            f"received {' '.join(options.words) or 'nothing'}; expected a run and a file: "
            "genrecls explain latest song.mp3"
        )
    run, file = options.words[0], expanded(options.words[1], "FILE")
    from genrecls.explain.explanation import explain
    from genrecls.inference.keras_predictor import KerasPredictor
    from genrecls.reports.explanation import write_explanation
    from genrecls.runs.run import find_run

    path = expanded(run, "RUN")
    if path.suffix != ".keras":
        path = find_run(options.output_root, run).model_file
    layers = None if options.layers is None else tuple(options.layers.split(","))
    predictor = KerasPredictor.load(path)
    say(str(predictor.description))
    found = explain(predictor, file, layers=layers, genre=options.genre, start=options.start)
    folder = options.output or path.parent / "explanations" / file.name
    show(_table(found))
    before, after = found.odds
    say(
        f"log-odds of {found.labels[found.genre]}: {before:.2f} for an average segment, "
        f"{after:.2f} for {found.place[0]:.2f} to {found.place[1]:.2f} s of {found.file}"
    )
    for written in write_explanation(folder, found):
        say(f"wrote {written}")
    return 0


def _table(found: Explanation) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    first, last = found.place
    table.add_column("genre", overflow="fold")
    for name in (f"segment {first:.2f} to {last:.2f} s", "file"):
        table.add_column(name, justify="right")
    table.add_column("")
    for index in sorted(range(len(found.labels)), key=lambda index: -found.segment[index]):
        notes = [
            note
            for note, place in (("answer", found.decision), ("explained", found.genre))
            if place == index
        ]
        numbers = (f"{found.segment[index]:.3f}", f"{found.whole[index]:.3f}")
        table.add_row(Text(found.labels[index]), *numbers, ", ".join(notes))
    return table
