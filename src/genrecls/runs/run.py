"""Run folders: one a configuration, holding everything that is known of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from genrecls import __version__
from genrecls.errors import DamagedFile, Interrupted, RunError
from genrecls.files.atomic import set_aside
from genrecls.files.locks import is_locked, locked
from genrecls.files.tables import read_json, write_json
from genrecls.runs import run_files
from genrecls.runs.ensemble_card import ENSEMBLE, KERAS_FILE
from genrecls.runs.metrics import RunMetrics
from genrecls.runs.result_tables import Unit, as_frame, read_epochs, read_predictions
from genrecls.runs.run_files import Status, damaged_run
from genrecls.splits.base import EvaluatedPart

MODEL_FILES = (KERAS_FILE, ENSEMBLE)
"""What the model of a run is called, and that of an ensemble."""

SEARCH = "search-"
"""How the names of searches begin; those of other sweeps are hexadecimal digits."""

# Seconds after which a lock is really taken: `busy` holds it for a moment, to see whether it can.
_PATIENCE = 1.0


@dataclass(frozen=True)
class Run:
    """The folder of one run and the names of what is in it."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, `<dataset>-<features>-<model>-<id>`."""
        return self.folder.name

    @property
    def state_file(self) -> Path:
        """Status, times and command; a folder with it is a run."""
        return self.folder / "run.json"

    @property
    def config_file(self) -> Path:
        """The resolved configuration."""
        return self.folder / "config.yaml"

    @property
    def environment_file(self) -> Path:
        """Versions and commit under which the run was made."""
        return self.folder / "environment.json"

    @property
    def split_file(self) -> Path:
        """Where each track is, for people: nothing reads it."""
        return self.folder / "split.csv"

    @property
    def log_file(self) -> Path:
        """All messages, with the time."""
        return self.folder / "train.log"

    @property
    def progress_file(self) -> Path:
        """How far a training is, see `training.progress_file`; not there once it is finished."""
        return self.folder / "progress.json"

    @property
    def events_folder(self) -> Path:
        """Folder of the event files of `logger=tensorboard`."""
        return self.folder / "tensorboard"

    @property
    def history_file(self) -> Path:
        """A row an epoch."""
        return self.folder / "history.csv"

    @property
    def model_file(self) -> Path:
        """The trained model, which describes itself; of an ensemble, what names its runs."""
        return self.folder / MODEL_FILES[self.is_ensemble]

    @property
    def is_ensemble(self) -> bool:
        """Whether it averages other runs and has no network of its own."""
        return (self.folder / ENSEMBLE).is_file()

    @property
    def metrics_file(self) -> Path:
        """All scores; it is there if and only if the run is finished."""
        return self.folder / "metrics.json"

    @property
    def report_file(self) -> Path:
        """The page to look at."""
        return self.folder / "report.html"

    @property
    def figures_folder(self) -> Path:
        """Folder of the figures."""
        return self.folder / "figures"

    @property
    def checkpoint_folder(self) -> Path:
        """Folder of the checkpoints; of a finished run, of the last one, if it may go on."""
        return self.folder / "checkpoint"

    def predictions_file(self, level: Literal["segments", "tracks"]) -> Path:
        """Predictions of the validation and test parts, a row a segment or a track."""
        return self.folder / f"predictions_{level}.csv"

    @property
    def state(self) -> dict[str, Any]:
        """Status, times and command; empty where the folder is no run, or `run.json` is damaged."""
        with suppress(FileNotFoundError, DamagedFile):
            return run_files.read_state(self.state_file)
        return {}

    def read_progress(self) -> dict[str, Any]:
        """Return what a training last wrote of its progress; empty where there is nothing."""
        with suppress(FileNotFoundError, DamagedFile):
            return run_files.read_progress(self.progress_file)
        return {}

    @property
    def damage(self) -> str:
        """Why state or scores cannot be read, in one line; empty where they can, or are not yet."""
        try:
            state = run_files.read_state(self.state_file)
            if state["status"] == "finished" and self.metrics_file.exists():
                self.read_metrics()
        except FileNotFoundError:
            return ""
        except (DamagedFile, RunError) as error:
            return str(error)
        return ""

    @property
    def status(self) -> str:
        """How it stands: as `run.json` says, or `damaged`, `incomplete`, `unknown`.

        A training that was killed could not say so: it is `interrupted`.
        """
        if self.damage:
            return "damaged"
        status = str(self.state.get("status", "unknown"))
        if status == "finished" and not self.finished:
            return "incomplete"
        return "interrupted" if status == "running" and not self.busy else status

    @property
    def search(self) -> str:
        """The search that it is a trial of; empty where somebody wants the run for itself."""
        sweep = str(self.state.get("sweep", ""))
        return sweep if sweep.startswith(SEARCH) else ""

    @property
    def finished(self) -> bool:
        """Whether the scores and the model are there."""
        done = self.state.get("status") == "finished"
        return done and self.metrics_file.is_file() and self.model_file.is_file()

    @property
    def busy(self) -> bool:
        """Whether a process is at work on it, as far as can be seen from here."""
        return is_locked(self._lock_file)

    @property
    def _lock_file(self) -> Path:
        # Beside the run, so that the folder itself can be renamed under the lock.
        return self.folder.parent / ".locks" / f"{self.name}.lock"

    @property
    def for_trial(self) -> bool:
        """Whether the finished run is no answer to a question about music.

        It was trained on generated data or with `debug=...`, or it cannot be told.
        """
        for word in str(self.state.get("command", "")).split():
            key, _, value = word.partition("=")
            if key.lstrip("+") == "debug" and value != "null":
                return True
        try:
            return self.read_metrics().dataset.generated
        except RunError:
            return True

    def mark(self, status: Status, **facts: Any) -> None:
        """Record how the run stands."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        state = {"created": now, **self.state, **facts, "status": status, "changed": now}
        write_json(self.state_file, {**state, "genrecls": __version__})

    def leave_search(self) -> None:
        """Record that somebody wants the run for itself, whatever search has made it."""
        if self.search:
            write_json(self.state_file, {**self.state, "sweep": ""})

    @contextmanager
    def recorded(self, command: str, sweep: str = "") -> Iterator[None]:
        """Keep the state of the run true, however the block ends.

        Args:
            command: the command line that makes the run.
            sweep: name of the sweep or search that it belongs to.
        """
        # A search takes no run away from whoever began it.
        if sweep.startswith(SEARCH) and self.state:
            sweep = str(self.state.get("sweep", ""))

        def mark(status: Status, **facts: str) -> None:
            # The disk may be what failed; the first error is the one to report.
            with suppress(OSError):
                self.mark(status, **facts)

        self.mark("running", command=command, sweep=sweep)
        try:
            yield
        except (Interrupted, KeyboardInterrupt):
            mark("interrupted")
            raise
        except BaseException as error:
            mark("failed", reason=str(error) or type(error).__name__)
            raise
        self.mark("finished")

    def not_finished(self) -> RunError:
        """Return the error for a run that is not finished: how it stands, and what to do."""
        return RunError(
            self.damage
            or f"run {self.name} is not finished ({self.status}); repeat its 'genrecls train' "
            "command to continue"
        )

    def read_metrics(self) -> RunMetrics:
        """Return the scores.

        Raises:
            RunError: the run is unfinished, or its file is damaged or of another version.
        """
        try:
            return RunMetrics.from_json(read_json(self.metrics_file))
        except FileNotFoundError:
            raise self.not_finished() from None
        except DamagedFile as error:
            raise damaged_run(error.path, error.reason) from None
        except RunError as error:
            raise damaged_run(self.metrics_file, str(error)) from None

    @property
    def metrics(self) -> RunMetrics:
        """The scores of the finished run, as `read_metrics` returns them."""
        return self.read_metrics()

    @property
    def history(self) -> Any:
        """A row an epoch: a pandas DataFrame where pandas is installed, else a list of `Epoch`."""
        return as_frame([] if self.is_ensemble else read_epochs(self.history_file))

    def predictions(self, part: EvaluatedPart, unit: Unit = "track") -> Any:
        """Return what the model answered to one part.

        Args:
            part: `validation` or `test`.
            unit: a row a `segment` or a `track`.

        Returns:
            A pandas DataFrame where pandas is installed, else a list of `PredictedExample`.

        Raises:
            RunError: the run is not finished, or a file is damaged.
        """
        labels = self.read_metrics().labels
        path = self.predictions_file("segments" if unit == "segment" else "tracks")
        return as_frame(read_predictions(path, part, labels))

    def read_config(self) -> dict[str, Any]:
        """Return the resolved configuration, with the present names of its keys.

        Raises:
            RunError: the file is absent, damaged, or holds no configuration.
        """
        try:
            return run_files.read_config(self.config_file)
        except FileNotFoundError:
            raise damaged_run(self.config_file, "it is not there") from None
        except DamagedFile as error:
            raise damaged_run(error.path, error.reason) from None

    def read_environment(self) -> dict[str, str]:
        """Return versions and commit under which the run was made; empty where they are not known.

        The file is for people: no result depends on it.
        """
        with suppress(FileNotFoundError, DamagedFile):
            return run_files.read_environment(self.environment_file)
        return {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of the folder during the block.

        Raises:
            RunBusy: another process is at work on it.
        """
        busy = (
            f"run {self.name} is used by another process now (a training "
            "or an export); wait for it ('genrecls runs' shows its state)"
        )
        with locked(self._lock_file, patience=_PATIENCE, busy=busy):
            yield

    def set_aside(self) -> None:
        """Rename the folder, results and all, to make room for a new run of the same name."""
        set_aside(self.folder)
