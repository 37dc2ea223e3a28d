"""A table on a terminal: whole words and numbers in the columns that have room, else a list."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rich.cells import cell_len, chop_cells
from rich.table import Table as Grid
from rich.text import Text

from genrecls.safe_text import for_terminal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

_BORDER, _PADDING = 1, 3
# Paths may be folded anywhere, but not to shreds.
_SHORTEST_PATH = 24
_LIST_HEAD = 36


class Head(Protocol):
    """The head of a column, as `reports.tables.Column` is one."""

    @property
    def name(self) -> str:
        """What the column holds."""

    @property
    def kind(self) -> str:
        """`text`, `number` or `path`."""

    @property
    def spare(self) -> int:
        """The higher, the sooner it is left out; 0 never is."""


@dataclass(frozen=True)
class TerminalTable:
    """What `rich` prints of a table; how much of it depends on the width of the terminal.

    No number and no word is broken. What does not fit with all columns leaves out those that may
    be spared, and says so; what does not fit then is a list of the rows. The attributes are those
    of `reports.tables.Table`.
    """

    heads: Sequence[Head]
    rows: Sequence[Sequence[str]]
    title: str
    notes: Sequence[str]
    alarm: bool
    alarms: Collection[tuple[int, int]]
    ruled: bool

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        """Yield the title, the table and the notes."""
        heads = self.heads
        cells = [[for_terminal(cell) for cell in row] for row in self.rows]
        shown = list(range(len(heads)))
        left_out: list[str] = []
        while (widths := self._widths(shown, cells, options.max_width)) is None:
            spare = [place for place in shown if heads[place].spare]
            if not spare:
                break
            dropped = max(spare, key=lambda place: heads[place].spare)
            shown.remove(dropped)
            left_out.insert(0, heads[dropped].name)
        if self.title:
            yield Text(for_terminal(self.title), "bold red" if self.alarm else "bold")
        if widths is None:
            yield from self._list(cells, options.max_width)
        else:
            yield self._grid(shown, widths, cells)
            if left_out:
                words = ", ".join(left_out)
                yield Text(f"no room here for: {words}; a pipe or a wider terminal has all", "dim")
        yield from map(Text, map(for_terminal, self.notes))

    def _widths(
        self, shown: Sequence[int], cells: Sequence[Sequence[str]], room: int
    ) -> list[int] | None:
        """Return the width of each column; None where they do not fit side by side."""
        room -= _BORDER + _PADDING * len(shown)
        least, bodies, widths = [], [], []
        for place in shown:
            head = self.heads[place]
            texts = [line for row in cells for line in row[place].split("\n")]
            words = head.name.split()
            bodies.append(max(map(cell_len, (*texts, *words)), default=0))
            widths.append(max(bodies[-1], cell_len(head.name)))
            parts = texts if head.kind == "number" else (w for t in texts for w in t.split(" "))
            if head.kind == "path":
                parts = (word[:_SHORTEST_PATH] for word in parts)
            least.append(max(map(cell_len, (*parts, *words)), default=0))
        if sum(least) > room:
            return None
        # Heads are wrapped before cells are.
        for floor in (bodies, least):
            while sum(widths) > room and (
                wide := [i for i, w in enumerate(widths) if w > floor[i]]
            ):
                widths[max(wide, key=widths.__getitem__)] -= 1
        return widths

    def _grid(
        self, shown: Sequence[int], widths: Sequence[int], cells: Sequence[Sequence[str]]
    ) -> Grid:
        grid = Grid(show_lines=self.ruled)
        for place, width in zip(shown, widths, strict=True):
            head = self.heads[place]
            justify = "right" if head.kind == "number" else "left"
            name = wrapped(for_terminal(head.name), width)
            grid.add_column(Text(name), width=width, no_wrap=True, justify=justify)  # type: ignore[arg-type]
        for number, row in enumerate(cells):
            texts = [wrapped(row[place], width) for place, width in zip(shown, widths, strict=True)]
            styles = ["red" if (number, place) in self.alarms else "" for place in shown]
            grid.add_row(*map(Text, texts, styles))
        return grid

    def _list(self, cells: Sequence[Sequence[str]], room: int) -> Iterator[RenderableType]:
        """Yield each row as lines of a name and a value, below what the row is about."""
        heads = self.heads
        # Columns without a name, such as a place, stand before the first one that has one.
        first = next((place for place, head in enumerate(heads) if head.name), 0)
        names = [wrapped(for_terminal(head.name), _LIST_HEAD) for head in heads]
        left = max((cell_len(line) for name in names for line in name.split("\n")), default=0)
        for number, row in enumerate(cells):
            about, *more = row[first].split("\n")
            yield Text(wrapped("  ".join((*row[:first], about)), room), "bold")
            for line in wrapped("\n".join(more), room - 2).split("\n") if more else ():
                yield Text(f"  {line}")
            lines = Grid.grid(padding=(0, 2, 0, 0))
            lines.add_column(width=left + 2, no_wrap=True)
            lines.add_column(no_wrap=True)
            right = room - left - 4
            for place in range(first + 1, len(row)):
                name = "\n".join(f"  {line}" for line in names[place].split("\n"))
                style = "red" if (number, place) in self.alarms else ""
                beside = "  ".join(row[place].split("\n"))
                value = beside if cell_len(beside) <= right else wrapped(row[place], right)
                lines.add_row(Text(name), Text(value, style))
            yield lines
            if number + 1 < len(cells):
                yield Text("")


def wrapped(text: str, width: int) -> str:
    """Return a text in lines of at most `width` cells, broken at plain spaces alone.

    Only a word that is longer than a line is cut. Other kinds of space keep numbers together.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        if cell_len(line) <= width:
            lines.append(line)
            continue
        current = ""
        for word in line.split(" "):
            if current and cell_len(current) + 1 + cell_len(word) <= width:
                current = f"{current} {word}"
                continue
            if current:
                lines.append(current)
            *full, current = chop_cells(word, width) or [""]
            lines.extend(full)
        lines.append(current)
    return "\n".join(lines)
