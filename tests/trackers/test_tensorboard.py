"""TensorBoard finds every epoch once, the scores, the configuration and the figures."""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorboard")

from genrecls.runs.run import Run
from genrecls.trackers.tensorboard import EventFiles
from tests.trackers.runs import METRICS, SETTINGS, after, started_run

pytestmark = pytest.mark.tensorflow

Events = dict[str, list[tuple[int, Any]]]


def watcher(run: Run, *, figures: bool = True) -> EventFiles:
    return EventFiles(run, SETTINGS, figures=figures)


def events(run: Run) -> Events:
    """Return step and value of everything in the event files, by name."""
    import tensorflow as tf
    from tensorflow.core.util import event_pb2

    found: Events = defaultdict(list)
    for path in sorted(run.events_folder.glob("events.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = event_pb2.Event.FromString(record.numpy())
            for value in event.summary.value:
                found[value.tag].append((event.step, tf.make_ndarray(value.tensor)))
    return found


def test_every_epoch_is_a_point_of_every_curve(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    files = watcher(run)
    for epochs in (0, 1, 2, 2, 3):
        files.on_epoch_end(after(epochs))
    found = events(run)
    assert [(step, float(value)) for step, value in found["validation_loss"]] == [
        (1, 2.0),
        (2, 1.0),
        (3, pytest.approx(2 / 3)),
    ]
    assert {"loss", "accuracy", "learning_rate", "seconds"} < set(found)
    assert "epoch" not in found


def test_a_training_that_is_taken_up_has_no_epoch_twice(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    first = watcher(run)
    first.on_epoch_end(after(2))
    first.on_stop("interrupted")
    second = watcher(run)
    second.on_epoch_end(after(2))
    second.on_epoch_end(after(3))
    assert [step for step, _ in events(run)["loss"]] == [1, 2, 3]


def test_scores_configuration_and_figures_are_there_at_the_end(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    run.figures_folder.mkdir()
    Image.fromarray(np.zeros((4, 6, 4), np.uint8)).save(run.figures_folder / "confusion_matrix.png")
    files = watcher(run)
    files.on_epoch_end(after(2))
    files.on_finish(METRICS)
    found = events(run)
    assert [(step, float(v)) for step, v in found["test/track/accuracy"]] == [(2, 0.75)]
    assert b"| model.head.units | [64, 32] |" in found["configuration"][0][1].item()
    assert found["confusion_matrix"][0][1][:2].tolist() == [b"6", b"4"]
    assert "_hparams_/session_start_info" in found
    assert b"| split | segment (LEAKY) |" in found["result"][0][1].item()


def test_runs_beside_each_other_are_shown_by_one_command(tmp_path: Path) -> None:
    locations = {watcher(started_run(tmp_path, name)).location for name in ("one", "two")}
    (location,) = locations
    assert location.endswith(f"/*/tensorboard; show all runs with: tensorboard --logdir {tmp_path}")


def test_figures_can_be_left_out(tmp_path: Path) -> None:
    run = started_run(tmp_path)
    run.figures_folder.mkdir()
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(run.figures_folder / "per_genre.png")
    files = watcher(run, figures=False)
    files.on_epoch_end(after(1))
    files.on_finish(METRICS)
    assert "per_genre" not in events(run)


def test_tensorboard_itself_reads_the_hyperparameters(tmp_path: Path) -> None:
    from tensorboard.plugins.hparams import metadata, plugin_data_pb2

    run = started_run(tmp_path)
    watcher(run).on_epoch_end(after(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    found = EventAccumulator(str(run.events_folder))
    found.Reload()
    content = found.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    data = metadata.parse_session_start_info_plugin_data(content)
    assert isinstance(data, plugin_data_pb2.SessionStartInfo)
    assert data.hparams["model.head.dropout"].number_value == 0.3
    assert data.hparams["trainer.patience"].string_value == "null"
