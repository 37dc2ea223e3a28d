"""MLflow has each run once, every epoch once, below its sweep, whatever happened on the way."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if not all(map(find_spec, ("mlflow", "sqlalchemy"))):
    # To import them takes a second, of those processes too that run none of these tests.
    pytest.skip("mlflow or sqlalchemy is not installed", allow_module_level=True)

from genrecls.runs.run import Run
from genrecls.trackers.mlflow import MlflowLogger
from genrecls.training.callbacks import Callback
from tests.trackers.runs import METRICS, SETTINGS, after, started_run

# MLflow's own way with SQLAlchemy 2.1.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

ARTIFACTS = ("report.html", "figures", "nothing.txt")


@pytest.fixture(autouse=True)
def no_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the environment of whoever runs the tests out of them."""
    monkeypatch.delenv("GENRECLS_SWEEP", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables and no run, which take MLflow most of a second to make."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    folder = tmp_path_factory.mktemp("store")
    store = SqlAlchemyStore(f"sqlite:///{folder / 'mlflow.db'}", str(folder))
    store.engine.dispose()
    return folder / "mlflow.db"


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> None:
    """Has the tables made already, as in every run but the first one."""
    shutil.copyfile(empty_store, tmp_path / "mlflow.db")


def watcher(run: Run, uri: str | None = None) -> Callback:
    (found,) = MlflowLogger("mlflow", uri, "genrecls", ARTIFACTS).callbacks(run, SETTINGS)
    return found


def stored(root: Path, uri: str | None = None) -> list[Any]:
    """Return the runs of MLflow, the oldest first."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri or f"sqlite:///{root / 'mlflow.db'}?timeout=60")
    experiment = client.get_experiment_by_name("genrecls")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], order_by=["start_time"]))


def steps(root: Path, run: Any, name: str) -> list[int]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}?timeout=60")
    return [point.step for point in client.get_metric_history(run.info.run_id, name)]


def test_a_run_has_parameters_epochs_scores_and_files(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    run.report_file.write_text("<p>report</p>", encoding="utf-8")
    run.figures_folder.mkdir()
    (run.figures_folder / "curves.png").write_bytes(b"picture")
    tracker = watcher(run)
    for epochs in (0, 1, 2):
        tracker.on_epoch_end(after(epochs))
    assert stored(tmp_path)[0].info.status == "RUNNING"
    tracker.on_finish(METRICS)
    (found,) = stored(tmp_path)
    assert found.info.run_name == run.name
    assert found.info.status == "FINISHED"
    assert found.data.params["model.head.units"] == "[64, 32]"
    assert found.data.params["trainer.patience"] == "null"
    assert found.data.metrics["test/track/accuracy"] == 0.75
    assert found.data.tags["genrecls.data"] == "synth: generated, not real music"
    assert found.data.tags["genrecls.split"] == "segment (LEAKY)"
    assert found.data.metrics["validation_loss"] == 1.0
    assert steps(tmp_path, found, "validation_loss") == [1, 2]
    copied = tmp_path / "mlartifacts" / found.info.run_id / "artifacts"
    names = sorted(str(p.relative_to(copied)) for p in copied.rglob("*") if p.is_file())
    assert names == ["figures/curves.png", "report.html"]


@pytest.mark.usefixtures("store")
def test_a_training_that_is_taken_up_goes_on_in_the_same_run(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    first = watcher(run)
    first.on_epoch_end(after(2))
    first.on_stop("interrupted")
    assert stored(tmp_path)[0].info.status == "KILLED"
    run.mark("running")
    second = watcher(run)
    second.on_epoch_end(after(1))
    assert stored(tmp_path)[0].info.status == "RUNNING"
    second.on_epoch_end(after(2))
    second.on_epoch_end(after(3))
    second.on_finish(METRICS)
    (found,) = stored(tmp_path)
    assert steps(tmp_path, found, "loss") == [1, 2, 3]


@pytest.mark.usefixtures("store")
def test_a_finished_run_that_is_told_again_stays_as_it_is(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    for _ in range(2):
        tracker = watcher(run)
        tracker.on_epoch_end(after(2))
        tracker.on_finish(METRICS)
    (found,) = stored(tmp_path)
    assert steps(tmp_path, found, "loss") == [1, 2]
    assert steps(tmp_path, found, "test/track/accuracy") == [2]


@pytest.mark.usefixtures("store")
def test_a_failed_run_is_marked_as_failed(tmp_path: Path) -> None:
    tracker = watcher(started_run(tmp_path))
    tracker.on_epoch_end(after(1))
    tracker.on_stop("failed")
    assert stored(tmp_path)[0].info.status == "FAILED"


@pytest.mark.usefixtures("store")
def test_a_training_with_force_is_another_run(tmp_path: Path) -> None:
    for created in ("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"):
        run = Run(tmp_path / "run")
        run.mark("running", created=created)
        watcher(run).on_epoch_end(after(1))
    assert len(stored(tmp_path)) == 2


@pytest.mark.usefixtures("store")
def test_jobs_of_a_sweep_are_below_one_run_that_lasts_as_long_as_they(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENRECLS_SWEEP", "1a2b3c")
    for name in ("one", "two"):
        tracker = watcher(started_run(tmp_path, name))
        tracker.on_epoch_end(after(1))
        tracker.on_finish(METRICS)
    by_name = {run.info.run_name: run for run in stored(tmp_path)}
    assert set(by_name) == {"sweep 1a2b3c", "one", "two"}
    parent = by_name["sweep 1a2b3c"]
    for name in ("one", "two"):
        assert by_name[name].data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert parent.info.status == "FINISHED"
    assert parent.info.end_time >= by_name["two"].info.end_time


_JOB = """
import sys
from pathlib import Path
from genrecls.runs.run import Run
from tests.trackers.runs import METRICS, after
from tests.trackers.test_mlflow import watcher
run = Run(Path(sys.argv[1]) / sys.argv[2])
run.mark("running")
tracker = watcher(run)
for epochs in range(30):
    tracker.on_epoch_end(after(epochs))
tracker.on_finish(METRICS)
"""


@pytest.mark.process
def test_jobs_that_start_at_once_make_one_store_and_one_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENRECLS_SWEEP", "1a2b3c")
    command = (sys.executable, "-c", _JOB, str(tmp_path))
    names = ["one", "two", "three"]
    jobs = [subprocess.Popen((*command, name)) for name in names]
    assert [job.wait(timeout=600) for job in jobs] == [0, 0, 0]
    found = {run.info.run_name: run for run in stored(tmp_path)}
    assert len(stored(tmp_path)) == 4
    assert set(found) == {"sweep 1a2b3c", *names}
    for name in names:
        assert steps(tmp_path, found[name], "loss") == list(range(1, 30))


def test_a_folder_can_be_the_store(tmp_path: Path) -> None:
    run, uri = started_run(tmp_path), str(tmp_path / "mlruns")
    run.report_file.write_text("<p>report</p>", encoding="utf-8")
    tracker = watcher(run, uri)
    tracker.on_epoch_end(after(2))
    tracker.on_finish(METRICS)
    (found,) = stored(tmp_path, uri)
    assert found.info.status == "FINISHED"
    assert list((tmp_path / "mlruns").rglob("report.html"))
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        (
            "sqlite:////data/all runs.db?timeout=60",
            "mlflow ui --backend-store-uri 'sqlite:////data/all runs.db'",
        ),
        (
            "postgresql+psycopg2://me:p@ss/word@host/db",
            "mlflow ui --backend-store-uri postgresql+psycopg2://me:PASSWORD@host/db",
        ),
        ("mlruns", "MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri mlruns"),
        ("https://me:secret@server:5000", "experiment genrecls of https://me:PASSWORD@server:5000"),
        ("databricks", "experiment genrecls of databricks"),
    ],
)
def test_how_to_see_the_runs_is_said_without_a_password(
    uri: str, told: str, tmp_path: Path
) -> None:
    location = watcher(Run(tmp_path / "run"), uri).location
    assert location.endswith(told)
    assert "secret" not in location
    assert "word@" not in location


def test_the_address_of_the_environment_counts_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    watcher(started_run(tmp_path)).on_epoch_end(after(1))
    assert len(stored(tmp_path, uri)) == 1
    assert not (tmp_path / "mlflow.db").exists()
