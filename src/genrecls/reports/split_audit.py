"""What each split of a data set would give: for the terminal, as Markdown, CSV and one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.console import say, several, show
from genrecls.environment import environment
from genrecls.files.atomic import write_text
from genrecls.reports.figure_files import write_figures
from genrecls.reports.figures.split_audit import draw
from genrecls.reports.numbers import DASH, count
from genrecls.reports.pages import Banner, how_it_was_made, render_page
from genrecls.reports.tables import Table, to_csv
from genrecls.reports.text import elide
from genrecls.split_audit.audit import Audit, AuditedSplit
from genrecls.split_audit.score_inflation import DRAWS, MODELS, Estimate
from genrecls.splits.base import PARTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Group

_FIGURES = {
    "parts": "Segments of each genre in each part, a panel a split",
    "inflation": "Test accuracy of two small models with each split",
    "near_duplicates": "Share of landmarks of the pairs that have something in common",
}
_MOST_PAIRS, _MOST_IN_TERMINAL, _MOST_NAMES = 200, 10, 3
_METHOD = (
    "Accuracy is that of the TEST part, per track, of two small models that have nothing to "
    "select: logistic regression and the nearest neighbour, on the standardised mean and standard "
    "deviation of 13 MFCC over each segment. A large model can profit more from a leak, or less. "
    "Points are percentage points above split={honest}, and only of splits that are less honest: "
    "what equally honest ones score differs by chance. In brackets 95 % intervals: {draws} "
    "draws with replacement of artists (tracks, where artists are not known) and of {seeds}; the "
    "models of a seed are not trained anew for a draw. Parts of different sizes, and tracks in no "
    "part, also move a score."
)
_COPIES = (
    "Copies are found by landmarks, pairs of spectral peaks that agree at one distance in time "
    "(Wang, ISMIR 2003): from 12 % of them on two tracks are one recording, whatever was done to "
    "its level, start, encoding or tone; from 2 % on they have something in common, such as a "
    "sample or a loop. Copies at another speed or pitch are not found."
)


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
    def method(self) -> str:
        """How the scores were measured."""
        seeds = several(self.audit.plan.repeats, "seed")
        return _METHOD.format(draws=DRAWS, seeds=seeds, honest=self.audit.most_honest)

    @property
    def expectations(self) -> list[tuple[AuditedSplit, str]]:
        """The splits that do not leak, and what to expect of a score made with each."""
        splits = [split for split in self.audit.splits if not split.leaky]
        return [(split, expectation(split, self.audit)) for split in splits]


def write_split_report(audit: Audit, folder: Path, command: str) -> None:
    """Show an audit and write `split_report.md`, `near_duplicates.csv`, the figures and a page."""
    report = SplitReport(audit, command, environment())
    show(as_terminal(report))
    figures = write_figures(lambda: draw(audit), folder)
    write_text(folder / "near_duplicates.csv", as_csv(audit))
    write_text(folder / "split_report.md", as_markdown(report, list(figures)))
    write_text(folder / "report.html", as_html(report, figures))
    say(f"written to {folder}")


def as_terminal(report: SplitReport) -> Group:
    """Return the splits, the first pairs and what they mean, for the terminal."""
    from rich.console import Group
    from rich.text import Text

    audit, pairs = report.audit, pair_table(report.audit)
    parts: list[Any] = [replace(split_table(audit), ruled=True).to_terminal()]
    if pairs.rows:
        title = f"{pairs.title}: {len(pairs.rows)} pairs"
        first = replace(pairs, rows=pairs.rows[:_MOST_IN_TERMINAL], title=title)
        parts.append(first.to_terminal())
    for finding in findings(audit):
        style = "bold red" if finding.kind == "leaky" else "bold"
        parts.append(Text.assemble((f"{finding.title}. ", style), finding.text))
    lines = [f"split={split.name}: {expected}" for split, expected in report.expectations]
    return Group(*parts, Text("\n".join([*lines, report.method])))


def as_markdown(report: SplitReport, figures: Sequence[str]) -> str:
    """Return a document with the tables, the figures of the given names, and the command."""
    audit, pairs = report.audit, pair_table(report.audit)
    meanings = [f"- **{finding.title}.** {finding.text}" for finding in findings(audit)]
    meanings += [f"- split={split.name}: {expected}" for split, expected in report.expectations]
    first = replace(pairs, rows=pairs.rows[:_MOST_PAIRS])
    paragraphs = (
        split_table(audit).to_markdown(heading="#"),
        "\n".join(meanings),
        report.method,
        genre_table(audit).to_markdown(),
        "\n\n".join(f"![{_FIGURES[name]}]({name}.png)" for name in figures),
        first.to_markdown() if pairs.rows else f"## {pairs.title}\n\nNone.",
        _COPIES,
        how_it_was_made(report.command, report.versions),
    )
    return "\n\n".join(paragraphs) + "\n"


def as_html(report: SplitReport, figures: Mapping[str, Figure]) -> str:
    """Return a page of its own."""
    audit, pairs = report.audit, pair_table(report.audit)
    title = f"{len(pairs.rows)} pairs"
    if len(pairs.rows) > _MOST_PAIRS:
        title += f", the first {_MOST_PAIRS} of which are shown; near_duplicates.csv has all"
    splits, genres = split_table(audit), genre_table(audit)
    return render_page(
        "split_audit.html.j2",
        figures,
        title=splits.title,
        report=report,
        findings=findings(audit),
        splits=replace(splits, title=""),
        genres=replace(genres, title=""),
        genres_title=genres.title,
        pairs=replace(pairs, rows=pairs.rows[:_MOST_PAIRS], title=title),
        copies=_COPIES,
        captions=_FIGURES,
    )


def split_table(audit: Audit) -> Table:
    """Return a row a split: sizes, leaks, and the scores of two small models."""
    dataset = audit.scan.dataset
    columns = (
        "split",
        "tracks: train, validation, test",
        "segments",
        "artists on both sides",
        "copies on both sides",
        *(f"test accuracy, {name}" for name in MODELS.values()),
        *(f"points above {audit.most_honest}, {name}" for name in MODELS.values()),
    )
    rows = []
    for split in audit.splits:
        overlap = split.overlap
        totals = [overlap.total(part) for part in PARTS]
        artists = [str(len(overlap.artists))]
        if overlap.artists:
            names = ", ".join(elide(name, 24) for name in list(overlap.artists)[:_MOST_NAMES])
            artists.append(f"{names}{', ...' if len(overlap.artists) > _MOST_NAMES else ''}")
        if overlap.unknown:
            artists.append(f"{overlap.unknown} tracks of unknown artists")
        unused = f"\n{overlap.unused} in no part" if overlap.unused else ""
        identical = f"\n{overlap.identical} of them identical" if overlap.identical else ""
        accuracies = [split.accuracy[model] for model in MODELS]
        inflation = ["the most honest" if split.name == audit.most_honest else "as honest"] * len(
            MODELS
        )
        if not split.honest:
            inflation = [_points(split.inflation[m]).replace(" ", "\n", 1) for m in MODELS]
        row = (
            split.title,
            ", ".join(count(total.tracks) for total in totals) + unused,
            ", ".join(count(total.segments) for total in totals),
            "\n".join(artists),
            f"{len(overlap.copies)}{identical}",
            *("{:.3f}\n[{:.3f}, {:.3f}]".format(a.mean, *a.interval) for a in accuracies),
            *inflation,
        )
        rows.append(row)
    title = f"Splits of {dataset.name}: {len(dataset.tracks)} tracks, seed {audit.plan.seed}"
    leaky = {(row, 0) for row, split in enumerate(audit.splits) if split.leaky}
    return Table(columns, rows, title, alarms=leaky)


def genre_table(audit: Audit) -> Table:
    """Return a row a genre, a column a split: tracks of each part, in brackets segments."""

    def sizes(split: AuditedSplit, genre: str) -> str:
        parts = [split.overlap.sizes[part][genre] for part in PARTS]
        tracks = ", ".join(count(part.tracks) for part in parts)
        return f"{tracks} ({', '.join(count(part.segments) for part in parts)})"

    genres = audit.scan.dataset.labels
    rows = [(genre, *(sizes(split, genre) for split in audit.splits)) for genre in genres]
    title = "Tracks of each genre in train, validation and test (segments in brackets)"
    return Table(("genre", *(split.title for split in audit.splits)), rows, title)


def pair_table(audit: Audit) -> Table:
    """Return a row a pair of tracks with something in common; two genres of one pair warn."""
    columns = ("kind", "first", "second", "share", "offset in s", "genres", "apart in")
    genre_of = {track.id: track.label for track in audit.scan.dataset.tracks}

    def genres(first: str, second: str) -> str:
        return " / ".join(dict.fromkeys((genre_of[first], genre_of[second])))

    rows: list[tuple[str, ...]] = []
    for match in audit.matches:
        apart = ", ".join(split.name for split in audit.splits if match in split.overlap.copies)
        share, offset = f"{match.share:.3f}", f"{match.offset:+.2f}"
        both = genres(match.first, match.second)
        rows.append((match.kind, match.first, match.second, share, offset, both, apart))
    for first, second, cosine in audit.similar:
        both = genres(first, second)
        rows.append(("alike", first, second, f"cosine {cosine:.3f}", DASH, both, ""))
    place = columns.index("genres")
    differ = {(number, place) for number, row in enumerate(rows) if " / " in row[place]}
    return Table(columns, rows, "Tracks with something in common", alarms=differ)


def as_csv(audit: Audit) -> str:
    """Return a line a pair, with all its numbers in full."""
    columns = (
        *("kind", "first", "second", "first_genre", "second_genre", "same_genre"),
        *("share", "landmarks", "offset_seconds", "cosine", "apart_in"),
    )
    genre_of = {track.id: track.label for track in audit.scan.dataset.tracks}
    records: list[dict[str, Any]] = []
    for match in audit.matches:
        apart = " ".join(split.name for split in audit.splits if match in split.overlap.copies)
        facts = {"kind": match.kind, "share": match.share, "landmarks": match.shared}
        pair = _pair_record(match.first, match.second, *match.labels)
        records.append({**facts, **pair, "offset_seconds": match.offset, "apart_in": apart})
    for first, second, cosine in audit.similar:
        pair = _pair_record(first, second, genre_of[first], genre_of[second])
        records.append({"kind": "alike", **pair, "cosine": cosine})
    return to_csv(records, columns)


def _pair_record(first: str, second: str, first_genre: str, second_genre: str) -> dict[str, Any]:
    return {
        "first": first,
        "second": second,
        "first_genre": first_genre,
        "second_genre": second_genre,
        "same_genre": first_genre == second_genre,
    }


def _points(inflation: Estimate) -> str:
    """Return `+12.3 [+8.0, +16.9]`, in percentage points."""
    low, high = inflation.interval
    return f"{100 * inflation.mean:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def expectation(split: AuditedSplit, audit: Audit) -> str:
    """Return what to expect of a score that is made with a split."""
    missing = split.overlap.untested
    untested = f"; its test part has no {', '.join(missing)}" if missing else ""
    copies = len(split.overlap.copies)
    but = f", although it has {several(copies, 'pair')} of copies on both sides" if copies else ""
    if split.name == audit.most_honest:
        return f"the most honest split here, with which the others are compared{but}{untested}"
    if split.honest:
        return (
            f"as honest as split={audit.most_honest}: its score differs by chance, its tracks and "
            f"the sizes of its parts, not by a leak{but}{untested}"
        )
    points = [f"{_points(split.inflation[m])} points with {name}" for m, name in MODELS.items()]
    above = f"{' and '.join(points)}, above split={audit.most_honest} on the test part"
    if any(inflation.interval[0] > 0 for inflation in split.inflation.values()):
        return f"expect about {above}{untested}"
    return f"no inflation that so many tracks could prove: {above}{untested}"


def findings(audit: Audit) -> list[Banner]:
    """Return what has to be known before a split is chosen, gravest first."""
    return [*_split_findings(audit), *_data_findings(audit)]


def _split_findings(audit: Audit) -> Iterator[Banner]:
    for split in audit.splits:
        if split.leaky:
            torn = f"{split.overlap.divided_tracks} tracks have segments on more than one side"
            text = f"{torn}; {expectation(split, audit)}."
            yield Banner("leaky", f"LEAKY split {split.name}", text)
    copies = [match for match in audit.matches if match.copies]
    if copies:
        wrong = sum(match.contradictory for match in copies)
        text = "Splits by track keep only identical ones together: leave one of each pair out. "
        text += f"{wrong} of the pairs have two different genres." if wrong else ""
        many = "1 pair of tracks is" if len(copies) == 1 else f"{len(copies)} pairs of tracks are"
        yield Banner("caution", f"{many} one recording", text)


def _data_findings(audit: Audit) -> Iterator[Banner]:
    dataset, rejected = audit.scan.dataset, audit.scan.rejected
    unknown = sum(track.artist is None for track in dataset.tracks)
    if unknown:
        text = "Nobody can say whether they are on several sides of a split"
        text += f"; {audit.suggestion}." if audit.suggestion else "."
        title = f"The artists of {unknown} of {len(dataset.tracks)} are not known"
        yield Banner("caution", title, text)
    if rejected:
        title = f"{several(len(rejected), 'file')} cannot be used"
        yield Banner("caution", title, f"The first: {next(iter(rejected.values()))}")
    for name, reason in audit.left_out.items():
        yield Banner("caution", f"split={name} cannot be made", reason)
    if dataset.generated:
        text = "The tracks were made by a program; real music may differ."
        yield Banner("generated", "Generated data", text)
