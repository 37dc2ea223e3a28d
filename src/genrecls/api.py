"""The Python API: the verbs of the command line as functions that return values.

    import genrecls
    run = genrecls.train("model=crnn", dataset="gtzan")
    run.metrics.test.track.accuracy
    genrecls.load(run).predict("song.mp3").genres

Nothing is printed to standard output. Messages and progress go to standard error, as everywhere;
`progress=False` holds them back. Errors are the exceptions of `genrecls.errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.config import plugins
from genrecls.config.overrides import overrides_of, quoted
from genrecls.config.paths import expanded
from genrecls.config.plugins import command_line
from genrecls.console import each_warning_once, muted, say, warn
from genrecls.dsp.votes import Vote
from genrecls.errors import ConfigError, RunError
from genrecls.inference.model import Model, Prediction, SegmentPrediction
from genrecls.runs.export_facts import Export
from genrecls.runs.find import all_runs, find_run, point_latest
from genrecls.runs.metrics import PartMetrics
from genrecls.runs.run import Run
from genrecls.runs.run_filter import count_trials, select_runs
from genrecls.runtime.abstention import abstention_for
from genrecls.splits.base import EvaluatedPart

if TYPE_CHECKING:
    from genrecls.comparison.leaderboard import Leaderboard
    from genrecls.explain.explanation import Explanation
    from genrecls.training.checkpoint import Progress

__all__ = [
    "Comparison",
    "Export",
    "Model",
    "Prediction",
    "Run",
    "SegmentPrediction",
    "Sweep",
    "compare",
    "ensemble",
    "evaluate",
    "explain",
    "export",
    "export_page",
    "load",
    "refit",
    "runs",
    "sweep",
    "train",
    "use_plugins",
]

AnyPath = str | Path
ProgressOption = bool | Callable[["Progress"], None]
"""True shows progress on standard error, False shows nothing, a function is called instead, with
how far the training is, before its first epoch and after every epoch."""


def train(*overrides: str, progress: ProgressOption = True, **settings: Any) -> Run:
    """Train and evaluate, continue where an earlier attempt stopped, or find the finished run.

    Args:
        overrides: as behind `genrecls train`, such as "model=crnn" or "trainer.epochs=5";
            "continue=<run>" with more epochs goes on from the end of a finished run.
        progress: see `ProgressOption`.
        settings: the same as keywords: `dataset="gtzan"`, `seed=3`, `trainer={"epochs": 5}`.

    Returns:
        The finished run.

    Raises:
        ConfigError: several trainings are asked for, with `seeds=3`, which `sweep` takes; or none,
            with `show=true`.
        GenreclsError: what is wrong with the configuration, the data or the model.
    """
    from genrecls.config.compose import compose
    from genrecls.experiment import train as training
    from genrecls.experiment.more_epochs import CONTINUE, read_training
    from genrecls.training.callbacks import FunctionCallback

    words = [*overrides, *overrides_of(settings, overrides)]
    for word in words:
        if word.startswith("seeds="):
            raise ConfigError(f"{word}: several trainings; use genrecls.sweep with the same words")
    composed = compose("train", [word for word in words if not word.startswith(CONTINUE)])
    if composed["show"] is True:
        raise ConfigError(
            "show: received true, but this function trains; allowed: false; 'genrecls train "
            "show=true' on the command line shows a model"
        )
    command = command_line("train", words)
    asked = read_training(composed, words, command)
    display = [FunctionCallback(progress)] if callable(progress) else None if progress else []
    with _quietly(progress):
        run = training.train(asked.experiment, asked.command, display, asked.source)
    if run is None:
        raise RunError("this host helps the chief of TF_CONFIG, which alone has the run")
    point_latest(run)
    return run


def use_plugins(*paths: AnyPath) -> None:
    """Let files with models, features, data sets and splits of one's own join the registries.

    Args:
        paths: Python files, as behind `--plugin`.

    Raises:
        ConfigError: a file is absent or cannot be imported.
    """
    plugins.use_plugins(paths)


def runs(
    output_root: AnyPath = "outputs",
    *,
    finished: bool = True,
    filter: str = "",  # noqa: A002 - the word of the command line
    trials: bool = False,
) -> list[Run]:
    """Return the runs of a folder, the one last changed first.

    Args:
        output_root: folder of the runs.
        finished: leave out what is not finished, and what is damaged with a warning that says why.
            Otherwise `Run.damage` has the reason of each.
        filter: a condition as behind `genrecls runs`, such as "model=rnn and test.accuracy>0.6".
        trials: trials of searches, too; else they are left out with a line that says how many. A
            condition on `sweep` asks for them as well.

    Raises:
        ConfigError: the condition is none, or asks for what no run has.
    """
    every, hidden = select_runs(
        all_runs(expanded(str(output_root), "output_root")), filter, trials=trials
    )
    if hidden:
        say(f"left out: {count_trials(hidden)}; trials=True returns them, too")
    if not finished:
        return every
    reasons = {run.name: run.damage for run in every}
    for reason in reasons.values():
        if reason:
            warn(f"left out: {reason}")
    return [run for run in every if run.finished and not reasons[run.name]]


def evaluate(
    run: Run | AnyPath,
    part: EvaluatedPart = "test",
    *,
    vote: Vote | None = None,
    dataset_root: AnyPath | None = None,
    data_root: AnyPath = "data",
    output_root: AnyPath = "outputs",
) -> PartMetrics:
    """Score a part of a finished run again, from its model and data.

    Args:
        run: the run, or its folder, name or end of name.
        part: the part to score.
        vote: how segments of a track are put together; None as in the training.
        dataset_root: where the data set is now, if it was moved.
        data_root: where data sets and the feature cache live.
        output_root: where runs are looked for by name.

    Raises:
        RunError: the run is not finished, or its data are not what it was trained on.
        DataError: the data are not there.
    """
    from genrecls.experiment import evaluate as evaluation

    root = None if dataset_root is None else str(dataset_root)
    with muted("results"):
        found = _run(run, output_root)
        return evaluation.evaluate(found, part, vote, str(data_root), root).scores


def load(
    model: Run | AnyPath | None = None,
    *,
    output_root: AnyPath = "outputs",
    accuracy: float | None = None,
    coverage: float | None = None,
) -> Model:
    """Return a trained model, to classify files.

    Args:
        model: a run, or its folder, name or end of name; a `.keras` or `.tflite` file; the name of
            a model that comes with genrecls, such as "best_small"; `latest` for the newest finished
            run, `best` for the most accurate one on the data of the newest on real music; None for
            that newest one on real music, or where there is none, "best_small".
        output_root: where runs are looked for by name.
        accuracy: share of answers that are to be right; others are `unknown`.
        coverage: share of sets that are to hold the true genre.

    Raises:
        RunError: there is no such run, or it is not finished.
        ModelFileError: the file cannot be read.
        ConfigError: it does not say what it answered to tracks that did not train it, on which both
            shares rest.
    """
    from genrecls.inference.files import find_model_file, load_classifier

    if isinstance(model, Run):
        file = model.model_file
    else:
        word = None if model is None else str(model)
        file = find_model_file(word, expanded(str(output_root), "output_root"))
    classifier = load_classifier(file)
    abstention, lines = abstention_for(classifier.description.held_out, accuracy, coverage)
    for line in lines:
        say(line)
    return Model(classifier, abstention)


def ensemble(*runs: Run | AnyPath, output_root: AnyPath = "outputs") -> Run:
    """Average finished runs into a run of its own, beside them.

    Args:
        runs: runs, or their folders, names or ends of names; of any model, features and segments.
        output_root: where runs are looked for by name.

    Raises:
        RunError: a run is not finished, or they differ in data, genres or tested tracks.
    """
    from genrecls.experiment import ensemble as ensembles

    chosen = [_run(run, output_root) for run in runs]
    words = [*(run.name for run in chosen), f"output_root={output_root}"]
    return ensembles.ensemble(chosen, command_line("ensemble", words))


def refit(
    *runs: Run | AnyPath,
    name: str = "",
    output_root: AnyPath = "outputs",
    data_root: AnyPath = "data",
    dataset_root: AnyPath | None = None,
    progress: bool = True,
) -> Path:
    """Train the settings of finished runs on all tracks of their data, and return the model file.

    The model has no score of its own; `load` says what its runs had.

    Args:
        runs: runs, or their folders, names or ends of names, which differ in seed and fold alone.
        name: what the model is called; by default as its folder.
        output_root: where runs are looked for by name.
        data_root: where data sets and the feature cache live.
        dataset_root: where the data set is now, if it was moved.
        progress: show progress and messages on standard error.

    Raises:
        RunError: they are no finished runs of one configuration.
        DataError: the data are not there.
    """
    from genrecls.experiment import refit as refits

    chosen = [_run(run, output_root) for run in runs]
    root = None if dataset_root is None else str(dataset_root)
    with _quietly(progress):
        result = refits.refit(chosen, name, data_root=str(data_root), dataset_root=root)
    return result.file


def explain(
    model: Run | AnyPath,
    path: AnyPath,
    *,
    genre: str | None = None,
    start: float | None = None,
    output_root: AnyPath = "outputs",
) -> Explanation:
    """Return what in a segment of a file decided (integrated gradients).

    Args:
        model: a run, or its folder, name or end of name, or a `.keras` file.
        path: an audio file.
        genre: the genre to explain; None for the answer.
        start: a second inside the segment; None for the segment that is surest of the genre.
        output_root: where runs are looked for by name.

    Raises:
        ConfigError: there is no such genre or moment.
        DataError: the file cannot be used.
    """
    from genrecls.explain import explanation
    from genrecls.inference.keras_predictor import KerasPredictor

    file = model if isinstance(model, str | Path) else model.model_file
    file = expanded(str(file), "model")
    if file.suffix != ".keras":
        file = _run(file, output_root).model_file
    predictor = KerasPredictor.load(file)
    return explanation.explain(predictor, expanded(str(path), "path"), genre=genre, start=start)


@dataclass(frozen=True)
class Comparison:
    """Finished runs side by side.

    Attributes:
        leaderboards: one for each data set and split, the best system first.
        failed: the reason of each run that cannot be read, by its name.
    """

    leaderboards: tuple[Leaderboard, ...]
    failed: Mapping[str, str]
    _comparison: Any

    def to_markdown(self) -> str:
        """Return the leaderboards as Markdown tables, with how to read them."""
        from genrecls.reports.comparison import as_markdown

        return as_markdown(self._comparison)

    def to_csv(self) -> str:
        """Return a row a system, with every figure, then one a run that cannot be read."""
        from genrecls.reports.comparison import as_csv

        return as_csv(self._comparison)


def compare(
    runs: Sequence[Run | AnyPath],
    *,
    rank_by: EvaluatedPart = "validation",
    test_on: EvaluatedPart = "test",
    output_root: AnyPath = "outputs",
) -> Comparison:
    """Rank finished runs and test each system against the best on the same tracks.

    Args:
        runs: runs, or their folders, names or ends of names; those that differ in seed or fold
            alone are one system.
        rank_by: the part whose accuracy per track ranks; ranking by test flatters the best.
        test_on: the part on which systems are tested against the best.
        output_root: where runs are looked for by name.

    Raises:
        RunError: a run is not finished, or there is none that can be read.
    """
    from genrecls.comparison import leaderboard
    from genrecls.environment import environment
    from genrecls.reports import comparison

    if not runs:
        raise RunError("expected runs to compare, received none; genrecls.runs() lists them")
    readable, damaged = leaderboard.read_runs(_run(run, output_root) for run in runs)
    if not readable:
        raise RunError(damaged[0].reason)
    records, _ = leaderboard.newest(readable)
    boards = leaderboard.compare(records, rank_by, test_on)
    names = [*(record.name for record in records), f"output_root={output_root}"]
    flags = (f"--rank-by={rank_by}", f"--test-on={test_on}")
    command = command_line("compare", [*names, *flags])
    versions, failed = environment(), {run.name: run.reason for run in damaged}
    page = comparison.Comparison(boards, rank_by, test_on, command, versions, tuple(damaged))
    return Comparison(boards, failed, page)


def export(
    run: Run | AnyPath | None = None,
    *overrides: str,
    modes: Sequence[str] | None = None,
    progress: bool = True,
    **settings: Any,
) -> Export:
    """Write TFLite files of a finished run, each checked against the model.

    Args:
        run: the run, or its folder, name or end of name, `latest` or `best`; None for the newest
            on real music.
        overrides: as behind `genrecls export`, such as "inputs=[features]".
        modes: of float32, float16, dynamic, int8 and mixed; None for all but the last.
        progress: show messages on standard error.
        settings: more overrides as keywords, such as `target="cortex-m4"`, or
            `output_root="elsewhere"`, where runs are looked for by name.

    Raises:
        ExportError: a file that was asked for, or that should have worked, could not be made.
    """
    from genrecls.config.compose import compose
    from genrecls.config.validation import validate
    from genrecls.export import export as exports
    from genrecls.export.settings import ExportSettings

    wanted = settings if modes is None else {**settings, "modes": list(modes)}
    words = [*overrides, *overrides_of(wanted, overrides)]
    chosen = validate(ExportSettings, compose("export", [*words, *_run_override(run)]), "")
    with _quietly(progress):
        made = exports.export(chosen, words)
        exports.require_files(chosen, made.facts)
    return made


def export_page(
    model: Run | AnyPath | None = None,
    *overrides: str,
    folder: AnyPath | None = None,
    progress: bool = True,
    **settings: Any,
) -> Path:
    """Write a page that hears music in a browser, as `genrecls export --web` does.

    Args:
        model: a run, or its folder, name or end of name, `latest` or `best`; an exported file or
            the name of a shipped model; None for the newest run on real music.
        overrides: as behind `genrecls export`, such as "litertjs=download".
        folder: where the page goes; None for `web` in the run, or the file's name with `_web`.
        progress: show messages on standard error.
        settings: more overrides as keywords, such as `litertjs="core.tgz"`, or
            `output_root="elsewhere"`, where runs are looked for by name.

    Returns:
        The folder of the page, for any static server.

    Raises:
        ExportError: no page can run the model, LiteRT.js is not there, or the folder holds
            something else.
    """
    from genrecls.config.compose import compose
    from genrecls.config.validation import validate
    from genrecls.export.settings import ExportSettings
    from genrecls.export.web import page
    from genrecls.export.web.litertjs import find_litertjs
    from genrecls.inference.files import named_model_file

    file = None if model is None or isinstance(model, Run) else named_model_file(str(model))
    words = [*overrides, *overrides_of(settings, overrides)]
    named = [] if file else _run_override(model)
    chosen = validate(ExportSettings, compose("export", [*words, *named]), "")
    place = None if folder is None else expanded(str(folder), "folder")
    with _quietly(progress):
        runtime = find_litertjs(chosen.litertjs)
        return page.export_page(chosen, words, file, place, runtime)


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes:
        runs: the finished runs, in the order of the values.
        failed: the reason of each training that failed, by the name of its run.
    """

    runs: tuple[Run, ...]
    failed: Mapping[str, str]

    def compare(
        self, *, rank_by: EvaluatedPart = "validation", test_on: EvaluatedPart = "test"
    ) -> Comparison:
        """Rank the finished runs, see `genrecls.compare`."""
        return compare(self.runs, rank_by=rank_by, test_on=test_on)


def sweep(
    *overrides: str,
    progress: bool = True,
    filter: str = "",  # noqa: A002 - the word of the command line
    **settings: Any,
) -> Sweep:
    """Train every combination of values, each in its own process, or search for the best ones.

    With `search=...` the runs are ranked, the best first.

    Args:
        overrides: as behind `genrecls sweep`, such as "model=cnn,rnn" and "jobs=2".
        progress: show progress and messages on standard error.
        filter: a condition on the settings of a training, such as "model=rnn or seed<2"; the other
            combinations are left out.
        settings: the same as keywords; a tuple means several values: `model=("cnn", "rnn")`.
            `seeds=3` means the seeds 0, 1 and 2.

    Raises:
        ConfigError: a training is impossible; nothing is started.
        Interrupted: Ctrl-C or SIGTERM came.
        RunError: trials of a search failed; the others are done.
    """
    from genrecls.sweeps import sweep as sweeping
    from genrecls.sweeps.settings import read_arguments

    words = [
        *overrides,
        *overrides_of(settings, overrides),
        *([f"filter={filter}"] if filter else []),
    ]
    arguments = read_arguments(words, None, command_line("sweep", words))
    with _quietly(progress):
        if arguments.search is not None:
            from genrecls.sweeps.search.runner import search

            return Sweep(runs=tuple(search(arguments)), failed={})
        jobs = sweeping.sweep(arguments)
    return Sweep(
        runs=tuple(job.run for job in jobs if job.state == "finished"),
        failed={job.run.name: job.note for job in jobs if job.state in {"failed", "stopped"}},
    )


@contextmanager
def _quietly(progress: ProgressOption) -> Iterator[None]:
    """Print no results; no messages either where progress is shown by no terminal."""
    silent = muted("results") if progress is True else muted("results", "messages")
    with silent, each_warning_once():
        yield


def _run(run: Run | AnyPath, output_root: AnyPath = "outputs") -> Run:
    if isinstance(run, Run):
        return run
    return find_run(expanded(str(output_root), "output_root"), str(run))


def _run_override(run: Run | AnyPath | None) -> list[str]:
    """Return the override that names a run, which is looked for where the others say."""
    if run is None:
        return []
    return [f"run={quoted(str(run.folder if isinstance(run, Run) else run))}"]
