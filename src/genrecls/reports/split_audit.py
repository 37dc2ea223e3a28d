"""What each split of a data set would give: for the terminal, as Markdown, CSV and one page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genrecls.reports.numbers import DASH, count
from genrecls.reports.pages import render_page
from genrecls.reports.split_findings import COPIES, expectation, findings, method, points
from genrecls.reports.text import elide
from genrecls.split_audit.audit import Audit, AuditedSplit
from genrecls.split_audit.overlap import Match
from genrecls.split_audit.score_inflation import MODELS, Estimate
from genrecls.splits.base import PARTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group

MATCH_HEAD = ("kind", "first", "second", "share", "offset in s", "genres", "apart in")
_COLUMNS = (
    "kind",
    "first",
    "second",
    "first_genre",
    "second_genre",
    "same_genre",
    "share",
    "landmarks",
    "offset_seconds",
    "cosine",
    "apart_in",
)
FIGURES = {
    "parts": "Segments of each genre in each part, a panel a split",
    "inflation": "Test accuracy of two small models with each split",
    "near_duplicates": "Share of landmarks of the pairs that have something in common",
}
_GENRES = "Tracks of each genre in train, validation and test (segments in brackets)"
_MOST_PAIRS, _MOST_IN_TERMINAL, _MOST_NAMES = 200, 10, 3


@dataclass(frozen=True)
class SplitReport:
    """What is shown.

    Attributes:
        command: the command line that made it.
        versions: of what made it.
    """

    audit: Audit
    command: str
    versions: Mapping[str, str]

    @property
    def title(self) -> str:
        """Name and size of the data set."""
        dataset = self.audit.heard.dataset
        return (
            f"Splits of {dataset.name}: {len(dataset.tracks)} tracks, seed {self.audit.plan.seed}"
        )

    @property
    def head(self) -> tuple[str, ...]:
        """Names of the columns."""
        return (
            "split",
            "tracks: train, validation, test",
            "segments",
            "artists on both sides",
            "copies on both sides",
            *(f"test accuracy, {name}" for name in MODELS.values()),
            *(f"points above {self.audit.honest}, {name}" for name in MODELS.values()),
        )

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """A row a split under `head`; a cell may have several lines."""
        return [_row(split, self.audit.honest) for split in self.audit.splits]

    @property
    def genre_head(self) -> tuple[str, ...]:
        """Names of the columns of `genres`."""
        return ("genre", *(split.title for split in self.audit.splits))

    @property
    def genres(self) -> list[tuple[str, ...]]:
        """A row a genre: tracks in train, validation and test, in brackets segments."""
        labels = self.audit.heard.dataset.labels
        return [(genre, *(_sizes(each, genre) for each in self.audit.splits)) for genre in labels]

    @property
    def pairs(self) -> list[tuple[str, ...]]:
        """A row a pair of tracks with something in common, under `MATCH_HEAD`."""
        alike = [
            ("alike", first, second, f"cosine {cosine:.3f}", DASH, self._genres(first, second), "")
            for first, second, cosine in self.audit.alike
        ]
        return [*(self._pair(match) for match in self.audit.matches), *alike]

    def _pair(self, match: Match) -> tuple[str, ...]:
        apart = [split.name for split in self.audit.splits if match in split.standing.copies]
        genres = self._genres(match.first, match.second)
        offset = f"{match.offset:+.2f}"
        return (
            match.kind,
            match.first,
            match.second,
            f"{match.share:.3f}",
            offset,
            genres,
            ", ".join(apart),
        )

    def _genres(self, first: str, second: str) -> str:
        labels = {track.id: track.label for track in self.audit.heard.dataset.tracks}
        return " / ".join(dict.fromkeys((labels[first], labels[second])))

    def as_table(self) -> Group:
        """Return the splits, the first pairs and what they mean, for the terminal."""
        from rich.console import Group
        from rich.text import Text

        parts: list[Any] = [_table(self.title, self.head, self.rows)]
        if self.pairs:
            title = f"Tracks with something in common: {len(self.pairs)} pairs"
            parts.append(_table(title, MATCH_HEAD, self.pairs[:_MOST_IN_TERMINAL]))
        for banner in findings(self.audit):
            style = "bold red" if banner.kind == "leaky" else "bold"
            parts.append(Text.assemble((f"{banner.title}. ", style), banner.text))
        lines = [f"split={split.name}: {expectation(split, self.audit)}" for split in self._calm]
        return Group(*parts, Text("\n".join([*lines, method(self.audit)])))

    @property
    def _calm(self) -> list[AuditedSplit]:
        return [split for split in self.audit.splits if not split.leaky]

    def as_markdown(self, figures: Sequence[str]) -> str:
        """Return a document with the tables, the figures of the given names, and the command."""
        meant = [f"- **{each.title}.** {each.text}" for each in findings(self.audit)]
        meant += [f"- split={each.name}: {expectation(each, self.audit)}" for each in self._calm]
        drawn = "\n\n".join(f"![{FIGURES[name]}]({name}.png)" for name in figures)
        common = _grid(MATCH_HEAD, self.pairs[:_MOST_PAIRS]) if self.pairs else "None."
        parts = (
            f"# {self.title}",
            _grid(self.head, self.rows),
            "\n".join(meant),
            method(self.audit),
        )
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        made = ("## How it was made", f"    {self.command}", versions)
        genres = (f"## {_GENRES}", _grid(self.genre_head, self.genres))
        pairs = ("## Tracks with something in common", common, COPIES)
        return "\n\n".join((*parts, *genres, drawn, *pairs, *made)) + "\n"

    def as_csv(self) -> str:
        """Return a line a pair, with all its numbers in full."""
        written = io.StringIO()
        table = csv.writer(written, lineterminator="\n")
        table.writerow(_COLUMNS)
        table.writerows(self._records())
        return written.getvalue()

    def _records(self) -> list[tuple[Any, ...]]:
        labels = {track.id: track.label for track in self.audit.heard.dataset.tracks}
        records: list[tuple[Any, ...]] = []
        for each in self.audit.matches:
            both = (*each.labels, each.labels[0] == each.labels[1])
            apart = " ".join(self._pair(each)[-1].split(", "))
            facts = (each.share, each.shared, each.offset, None, apart)
            records.append((each.kind, each.first, each.second, *both, *facts))
        for first, second, cosine in self.audit.alike:
            genres = (labels[first], labels[second], labels[first] == labels[second])
            records.append(("alike", first, second, *genres, None, None, None, cosine, None))
        return records

    def as_html(self, figures: Mapping[str, Figure]) -> str:
        """Return a page of its own."""
        return render_page(
            "split_audit.html.j2",
            figures,
            report=self,
            head=self.head,
            rows=[[cell.split("\n") for cell in row] for row in self.rows],
            leaky=[split.leaky for split in self.audit.splits],
            banners=findings(self.audit),
            expectations=[(each, expectation(each, self.audit)) for each in self._calm],
            method=method(self.audit),
            genres=_GENRES,
            match_head=MATCH_HEAD,
            pairs=self.pairs[:_MOST_PAIRS],
            copies=COPIES,
            captions=FIGURES,
        )


def _row(split: AuditedSplit, honest: str) -> tuple[str, ...]:
    found = split.standing
    totals = [found.total(part) for part in PARTS]
    names = ", ".join(elide(name, 24) for name in list(found.artists)[:_MOST_NAMES])
    more = ", ..." if len(found.artists) > _MOST_NAMES else ""
    unknown = f"\n{found.unknown} tracks of unknown artists" if found.unknown else ""
    unused = f"\n{found.unused} in no part" if found.unused else ""
    listed = f"\n{names}{more}" if names else ""
    identical = f"\n{found.identical} of them identical" if found.identical else ""
    return (
        split.title,
        ", ".join(count(total.tracks) for total in totals) + unused,
        ", ".join(count(total.segments) for total in totals),
        f"{len(found.artists)}{listed}{unknown}",
        f"{len(found.copies)}{identical}",
        *(_share(split.accuracy[model]) for model in MODELS),
        *(_points(split, model, honest) for model in MODELS),
    )


def _sizes(split: AuditedSplit, genre: str) -> str:
    sizes = [split.standing.sizes[part][genre] for part in PARTS]
    tracks, segments = (
        ", ".join(count(getattr(size, unit)) for size in sizes) for unit in ("tracks", "segments")
    )
    return f"{tracks} ({segments})"


def _share(found: Estimate) -> str:
    low, high = found.interval
    return f"{found.mean:.3f}\n[{low:.3f}, {high:.3f}]"


def _points(split: AuditedSplit, model: str, honest: str) -> str:
    if split.name == honest:
        return "the most honest"
    if split.sound:
        return "as honest"
    return points(split.inflation[model]).replace(" ", "\n", 1)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(title, style="bold"), title_justify="left", show_lines=head is not MATCH_HEAD
    )
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        style = "red" if "LEAKY" in row[0] else ""
        table.add_row(*(Text(cell) for cell in row), style=style)
    return table


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(_escaped, row))} |" for row in rows)])


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")
