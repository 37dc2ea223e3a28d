"""`genrecls explain`: what a model looks for, and what in a file decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genrecls.cli.arguments import parser_of
from genrecls.config.paths import expanded
from genrecls.console import say, show
from genrecls.errors import ConfigError, DataError
from genrecls.reports.tables import Column, Table

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
    if not file.exists():
        raise DataError(f"{file}: there is no such file; expected the sound to explain")
    from genrecls.cli.drawing import drawing
    from genrecls.explain.explanation import explain, require_genre
    from genrecls.inference.keras_predictor import KerasPredictor
    from genrecls.reports.explanation import write_explanation
    from genrecls.runs.find import find_run
    from genrecls.runs.model_file import read_card

    figures, path = drawing(options.overrides), expanded(run, "RUN")
    if path.suffix != ".keras":
        path = find_run(options.output_root, run).model_file
    layers = None if options.layers is None else tuple(options.layers.split(","))
    # The card is read at once, the network in seconds.
    require_genre(options.genre, read_card(path).labels)
    predictor = KerasPredictor.load(path)
    say(str(predictor.description))
    explanation = explain(predictor, file, layers=layers, genre=options.genre, start=options.start)
    folder = options.output or path.parent / "explanations" / file.name
    show(_table(explanation).to_terminal())
    genre, (before, after) = explanation.labels[explanation.genre], explanation.odds
    first, last = explanation.place
    say(
        f"log-odds of {genre}: {before:.2f} for an average segment, {after:.2f} for {first:.2f} "
        f"to {last:.2f} s of {explanation.file}"
    )
    with figures:
        for written in write_explanation(folder, explanation):
            say(f"wrote {written}")
    return 0


def _table(explanation: Explanation) -> Table:
    """Return the probabilities of segment and file, those of the segment largest first."""
    first, last = explanation.place
    segment = f"segment {first:.2f} to {last:.2f} s"
    rows = []
    for index in sorted(range(len(explanation.labels)), key=lambda i: -explanation.segment[i]):
        marks = {"answer": explanation.decision, "explained": explanation.genre}
        row = (
            explanation.labels[index],
            f"{explanation.segment[index]:.3f}",
            f"{explanation.whole[index]:.3f}",
            ", ".join(mark for mark, genre in marks.items() if genre == index),
        )
        rows.append(row)
    return Table(("genre", Column(segment, "number"), Column("file", "number"), ""), rows)
