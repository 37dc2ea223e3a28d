"""`genrecls explain`: what a model looks for, and what in a file decided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.console import say, show
from genrecls.runtime.parser import Parser

if TYPE_CHECKING:
    from genrecls.explain.explanation import Explanation


def main(words: Sequence[str]) -> int:
    """Explain one segment of one file."""
    options = _parser().parse_args(words)
    from genrecls.explain.explanation import explain
    from genrecls.inference.keras_predictor import KerasPredictor
    from genrecls.reports.explanation import write_explanation
    from genrecls.runs.run import find_run

    path = Path(options.run)
    if path.suffix != ".keras":
        path = find_run(options.output_root, options.run).model_file
    layers = None if options.layers is None else tuple(options.layers.split(","))
    predictor = KerasPredictor.load(path)
    say(str(predictor.description))
    found = explain(
        predictor, options.file, layers=layers, genre=options.genre, start=options.start
    )
    folder = options.to or path.parent / "explanations" / options.file.name
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


def _parser() -> Parser:
    parser = Parser(
        prog="genrecls explain",
        description="Draw what in one segment of a file decided (integrated gradients), what the "
        "layers answer to it, and the filters of the first layer.",
    )
    parser.add_argument(
        "run", metavar="RUN", help="a run (folder, name, end of a name) or a model.keras"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="an audio file")
    parser.add_argument(
        "--layers",
        metavar="NAME,NAME",
        help="layers whose answers are drawn; without it all convolutions, or else the recurrent "
        "layers ('genrecls train show=true' names them all)",
    )
    parser.add_argument("--genre", help="the genre to explain; without it the answer")
    parser.add_argument(
        "--start",
        type=float,
        metavar="SECONDS",
        help="explain the segment at this moment; without it the one that is surest of the genre",
    )
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="where the page and the figures go; without it explanations/ beside the model",
    )
    parser.add_argument("--output-root", type=Path, default=Path("outputs"), metavar="FOLDER")
    return parser
