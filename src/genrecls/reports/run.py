"""The report of a finished run: its figures and one page that says everything about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.console import say
from genrecls.evaluation.class_balance import MajorityBaseline
from genrecls.evaluation.metrics import Scores
from genrecls.evaluation.robustness import RobustnessScore
from genrecls.explain.examples_per_genre import ExampleInputs, GenreExample
from genrecls.files.atomic import write_text
from genrecls.files.tables import write_yaml
from genrecls.reports.figure_files import FigureSettings, figures_as, write_figures
from genrecls.reports.figures.calibration import reliability_diagram
from genrecls.reports.figures.class_balance import genre_counts, unequal
from genrecls.reports.figures.confusion import confusion_matrix
from genrecls.reports.figures.coverage import coverage_curves
from genrecls.reports.figures.evidence import what_decided
from genrecls.reports.figures.genres import per_genre_bars
from genrecls.reports.figures.inputs import example_inputs
from genrecls.reports.figures.learning_curves import learning_curve
from genrecls.reports.figures.mistakes import worst_mistakes
from genrecls.reports.figures.robustness import robustness_figure
from genrecls.reports.numbers import bounds, count, decimal
from genrecls.reports.pages import Banner, address, render_page
from genrecls.reports.robustness import robustness_table
from genrecls.reports.scope import Scope
from genrecls.reports.score_notes import score_notes
from genrecls.runs.metrics import PartMetrics, RunMetrics
from genrecls.runs.record import read
from genrecls.runs.run import Run
from genrecls.runtime.abstention import HeldOutAnswers
from genrecls.runtime.marks import pretraining_warning

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PLAYED = frozenset(
    (".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".mp4", ".aac", ".webm")
)
"""Suffixes of what browsers play; not of each file, for which nobody looks into it."""
_MOST_MISTAKES, _MOST_REJECTED = 50, 100
_LAST_SECTION = '<section id="again">'
Row = tuple[str, Callable[[Scores, MajorityBaseline | None], str]]
_ROWS: tuple[Row, ...] = (
    ("Scored", lambda scores, _: count(scores.count)),
    ("Accuracy", lambda scores, _: decimal(scores.accuracy)),
    ("95 % interval of accuracy", lambda scores, _: bounds(scores.accuracy_interval)),
    ("Macro-F1", lambda scores, _: decimal(scores.macro_f1)),
    ("95 % interval of macro-F1", lambda scores, _: bounds(scores.macro_f1_interval)),
    (
        "Accuracy of the majority baseline",
        lambda _, baseline: decimal(baseline.accuracy if baseline else None),
    ),
    (
        "Macro-F1 of the majority baseline",
        lambda _, baseline: decimal(baseline.macro_f1 if baseline else None),
    ),
    ("Accuracy of the first three answers", lambda scores, _: decimal(scores.top3_accuracy)),
    ("Area under the ROC curve", lambda scores, _: decimal(scores.roc_auc)),
    ("Log loss", lambda scores, _: decimal(scores.log_loss)),
    ("Calibration error (15 bins)", lambda scores, _: decimal(scores.shown_calibration_error)),
)


@dataclass(frozen=True)
class RunReport:
    """Everything that a report says about one finished run.

    Attributes:
        name: name of the run folder.
        metrics: the scores, and what must be said beside them.
        history: the epochs in order, each with epoch (from 1), loss, accuracy, validation_loss,
            validation_accuracy, ...; may be empty.
        mistakes: wrongly classified tracks of the test part, worst first, each with track, path,
            true, predicted, probability (of predicted) and true_probability; may be empty.
        examples: one model input a genre; may be empty.
        evidence: what decided about one segment a genre of the test part; may be empty.
        config_yaml: the resolved configuration.
        environment: name to version of what the run was made with.
        command: the command line that reproduces the run.
        answers: to the tracks of each evaluated part; may be empty.
    """

    name: str
    metrics: RunMetrics
    history: Sequence[Mapping[str, Any]] = ()
    mistakes: Sequence[Mapping[str, Any]] = ()
    examples: ExampleInputs = field(default_factory=ExampleInputs)
    evidence: Sequence[GenreExample] = ()
    config_yaml: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    answers: Mapping[str, HeldOutAnswers] = field(default_factory=dict)

    def scope(self, part: str, unit: str) -> Scope:
        """Return what numbers of `part` per `unit` are numbers of."""
        return Scope.of(self.metrics, part, unit)


def write_report(run: Run, report: RunReport) -> None:
    """Draw all figures of a run into its folder and write `report.html`."""
    figures = write_figures(lambda: draw(report), run.figures_folder)
    players = audio_addresses((mistake["path"] for mistake in report.mistakes), run.folder)
    write_text(run.report_file, render(report, figures, players))


def add_robustness(
    run: Run, scores: Mapping[str, Mapping[str, RobustnessScore]], scope: Scope
) -> Path:
    """Draw what degraded music costs, put it into the report of the run, and return the drawing.

    It takes the place of the section that an earlier evaluation of the same part has left.

    Args:
        run: a finished run.
        scores: by file and degradation.
        scope: what was scored; its part is that of the section.
    """
    part, name = scope.part, f"robustness-{scope.part}"
    written = write_figures(lambda: {name: robustness_figure(scores, scope)}, run.figures_folder)
    section = render_page(
        "robustness.html.j2",
        {"robustness": written[name]},
        run=run.name,
        part=part,
        table=robustness_table(scores, scope.counted),
    )
    page = run.report_file.read_text(encoding="utf-8") if run.report_file.is_file() else ""
    page = re.sub(rf'<section id="{name}">.*?</section>\s*', "", page, flags=re.DOTALL)
    before, last, after = page.rpartition(_LAST_SECTION)
    if last:
        write_text(run.report_file, f"{before}{section}\n\n{last}{after}")
    return run.figures_folder / f"{name}.png"


def audio_addresses(paths: Iterable[str], folder: Path) -> dict[str, str]:
    """Return an address for each file that is there and that browsers play.

    It is relative where the file lies beside the runs, so that both can be moved together, and
    leads to this machine's file elsewhere.

    Args:
        paths: files of tracks.
        folder: that of the run, in which its page lies.
    """
    folder = folder.resolve()
    addresses = {}
    for name in paths:
        path = Path(name).absolute()
        if path.suffix.lower() not in _PLAYED or not path.is_file():
            continue
        beside = path.is_relative_to(folder.parents[1])
        addresses[name] = address(path, folder) if beside else path.as_uri()
    return addresses


def draw_again(run: Run, settings: FigureSettings) -> None:
    """Draw the figures of a finished run as they are asked for now, if that is another way.

    Those that show what its data are made of stay as they were: nothing is read or computed anew.

    Raises:
        RunError: a file of the run is damaged.
    """
    config = run.read_config()
    wanted = {"format": list(settings.format), "style": settings.style}
    # Runs of earlier versions do not say how theirs were drawn, which was in the only way.
    if config.get("figures", {"format": ["png"], "style": "page"}) == wanted:
        return
    record = read(run)
    report = RunReport(name=run.name, metrics=record.metrics, history=record.history)
    with figures_as(settings):
        figures = write_figures(lambda: draw(report), run.figures_folder)
    write_yaml(run.config_file, {**config, "figures": wanted})
    say(f"drawn again: {len(figures)} figures in {run.figures_folder}")


def draw(report: RunReport) -> dict[str, Figure]:
    """Return the figures of `report` by a name that also serves as file name.

    What the run has nothing to show of is left out: curves without epochs, examples of nothing.
    """
    figures: dict[str, Figure] = {}
    metrics, scope = report.metrics, report.scope("test", "track")
    # An estimator has one epoch, which makes no curve.
    if report.history and not metrics.selection.settings:
        both = report.scope("train and validation", "segment")
        selected = metrics.selection.epoch
        figures["learning_curves"] = learning_curve(report.history, both, selected)
    scores = metrics.test.track
    figures["confusion_matrix"] = confusion_matrix(scores.confusion, metrics.labels, scope)
    figures["per_genre"] = per_genre_bars(scores.per_genre, scope)
    if scores.calibration:
        figures["reliability"] = reliability_diagram(scores.calibration, scope)
    if report.answers:
        both = report.scope("validation and test", "track")
        figures["coverage"] = coverage_curves(report.answers, both)
    if report.mistakes:
        figures["worst_mistakes"] = worst_mistakes(report.mistakes, scope)
    if report.evidence:
        figures["what_decided"] = what_decided(report.evidence, report.scope("test", "segment"))
    if report.examples.pictures:
        seen = report.scope(report.examples.part, "segment")
        figures["example_inputs"] = example_inputs(report.examples, seen)
    parts = metrics.split.counts
    counts: dict[str, Mapping[str, int]]
    counts = {name: part.genres["segment"] for name, part in parts.items() if part.genres}
    if counts and unequal(counts):
        every = report.scope("train, validation and test", "segment")
        figures["genre_counts"] = genre_counts(counts, every)
    return figures


def render(
    report: RunReport, figures: Mapping[str, Figure], players: Mapping[str, str] | None = None
) -> str:
    """Return the page as HTML.

    Args:
        report: what it says.
        figures: as `draw` makes them.
        players: address of the sound of a track's path, where it can be played.
    """
    metrics = report.metrics
    # The test part comes first: it is what is looked for.
    parts: dict[str, PartMetrics] = dict(
        sorted(metrics.parts.items(), key=lambda item: item[0] != "test")
    )
    columns = [
        {
            "part": part,
            "unit": unit,
            "key": f"{part}-{unit}",
            "scope": report.scope(part, unit),
            "scores": scores.of(unit),
            "baseline": scores.baseline.get(unit),
        }
        for part, scores in parts.items()
        for unit in ("track", "segment")
    ]
    # The report may list only the worst of the wrong tracks.
    confusion = metrics.test.track.confusion
    wrong = sum(map(sum, confusion)) - sum(row[index] for index, row in enumerate(confusion))
    return render_page(
        "run.html.j2",
        figures,
        report=report,
        metrics=metrics,
        banners=list(_banners(metrics)),
        headline=metrics.test.track,
        baseline=metrics.test.baseline.get("track"),
        scope=report.scope("test", "track"),
        columns=columns,
        rows=_ROWS,
        notes=score_notes(parts),
        mistakes=report.mistakes[:_MOST_MISTAKES],
        wrong=max(wrong, len(report.mistakes)),
        players=players or {},
        rejected=metrics.rejected[:_MOST_REJECTED],
    )


def _banners(metrics: RunMetrics) -> Iterator[Banner]:
    """Yield the warnings that a run's numbers need, gravest first."""
    split, caveat = metrics.split, metrics.split.caveat
    if split.leaky:
        # A model that has heard the track has heard the artist: the graver warning says enough.
        text = (
            "Segments of one track are in the train part and in the test part. The model has heard "
            "the tracks that it is tested on, so the scores are too high and say little about new "
            "music."
        )
        yield Banner("leaky", f"LEAKY split {split.name}", caveat or text)
    elif "artist" in split.leaks:
        text = (
            "Artists are on both sides of this split, so part of a score may be recognition of an "
            "artist; split=artist keeps them apart."
        )
        yield Banner("caution", "Artists are shared", caveat or text)
    elif caveat:
        yield Banner("caution", f"Caveat of split {split.name}", caveat)
    if warning := pretraining_warning(metrics.model.pretraining):
        heading = f"Pre-trained on {metrics.model.pretraining}"
        yield Banner("caution", heading, warning)
    if metrics.dataset.generated:
        text = (
            "The tracks were made by a program. The scores show that everything works, not how "
            "well recorded music is classified."
        )
        yield Banner("generated", "Generated data", text)
    if many := len(metrics.rejected):
        files = "1 file was not usable and is" if many == 1 else f"{many} files were not usable and"
        text = (
            f"{files}{'' if many == 1 else ' are'} in no part; the reasons are listed under Data."
        )
        yield Banner("caution", "Rejected files", text)
