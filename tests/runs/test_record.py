from __future__ import annotations

import json
from pathlib import Path

import pytest

from genrecls.errors import RunError
from genrecls.runs.export_facts import EXPORT
from genrecls.runs.record import read
from tests.runs.finished_runs import Made, finished_run


def test_a_finished_run_is_read_into_plain_values(tmp_path: Path) -> None:
    found = read(finished_run(tmp_path, "a", Made(seed=3, leaks=["track"])))
    assert found.name == "a"
    assert found.repetition == (3, None)
    assert (found.metrics.dataset.label, found.metrics.split.title) == ("made", "artist (LEAKY)")
    assert found.score("test", "accuracy") == 0.75
    assert found.f1("validation") == {"jazz": 0.5, "rock": 0.5}
    assert [epoch["epoch"] for epoch in found.history] == [1, 2, 3]
    assert found.answers["test"].truth[:2] == (("t000", "jazz"), ("t001", "rock"))
    assert found.answers["test"].right.tolist() == [True, True, True, False]


def test_artists_that_a_split_keeps_apart_are_known_of_their_tracks(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a")
    head, *rows = run.predictions_file("tracks").read_text().splitlines()
    lines = [f"{head},artist,probability:jazz", *(f"{row},someone,0.5" for row in rows)]
    run.predictions_file("tracks").write_text("\n".join(lines))
    assert set(read(run).answers["test"].clusters) == {("artist", "someone")}
    assert len(set(read(finished_run(tmp_path, "b")).answers["test"].clusters)) == 4


def test_the_order_of_the_predictions_does_not_matter(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a")
    before = read(run).answers["test"]
    head, *rows = run.predictions_file("tracks").read_text().splitlines()
    run.predictions_file("tracks").write_text("\n".join([head, *reversed(rows)]))
    after = read(run).answers["test"]
    assert (after.truth, after.right.tolist()) == (before.truth, before.right.tolist())


def test_an_unfinished_run_is_refused(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a")
    run.mark("interrupted")
    with pytest.raises(RunError, match=r"run a is not finished \(interrupted\); repeat its"):
        read(run)
    run.metrics_file.unlink()
    with pytest.raises(RunError, match="run a is not finished"):
        read(run)


def test_a_run_that_has_lost_its_model_is_refused_as_incomplete(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a")
    run.model_file.unlink()
    with pytest.raises(RunError, match=r"run a is not finished \(incomplete\); repeat its"):
        read(run)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected columns part, track, true, predicted; without part, track, true, pred"),
        ("part,track,true\ntest,a,jazz\n", "expected columns .*; without predicted"),
        ("part,track,true,predicted\ntest,t0\n", "row 1: expected 4 cells, received 2"),
        ("part,track,true,predicted\ntest,t0,jazz,polka\n", "row 1: expected one of jazz, rock"),
        ("part,track,true,predicted\ntest,t0,jazz,jazz\n", "no tracks in the validation part"),
        ("part,track,true,predicted\n" + "validation,v,jazz,jazz\n" * 2, "1 tracks twice"),
        (
            "part,track,true,predicted\nvalidation,v,jazz,jazz\ntest,t,jazz,jazz\n",
            "its validation accuracy is 1.000, in metrics.json 0.500",
        ),
    ],
)
def test_damaged_predictions_are_named_with_what_is_wrong(
    text: str, reason: str, tmp_path: Path
) -> None:
    run = finished_run(tmp_path, "a")
    run.predictions_file("tracks").write_text(text)
    with pytest.raises(RunError, match=rf"predictions_tracks.csv is damaged \({reason}.*force"):
        read(run)


@pytest.mark.parametrize("name", ["config.yaml", "history.csv", "predictions_tracks.csv"])
@pytest.mark.parametrize("content", [b"\xff\xfe\x00[", None])
def test_any_file_that_is_damaged_or_absent_is_named(
    name: str, content: bytes | None, tmp_path: Path
) -> None:
    run = finished_run(tmp_path, "a")
    if content is None:
        (run.folder / name).unlink()
    else:
        (run.folder / name).write_bytes(content)
    with pytest.raises(RunError, match=f"{name} is damaged"):
        read(run)


@pytest.mark.parametrize("key", ["dataset", "split", "model", "parts", "labels", "selection"])
def test_metrics_that_lack_something_are_damaged(key: str, tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a")
    metrics = json.loads(run.metrics_file.read_text())
    del metrics[key]
    run.metrics_file.write_text(json.dumps(metrics))
    with pytest.raises(RunError, match=r"metrics\.json is damaged"):
        read(run)


@pytest.mark.parametrize("text", ["epoch,loss\n1,low\n", "loss\n0.5\n", "epoch\n1,2\n"])
def test_a_history_without_epochs_or_numbers_is_damaged(text: str, tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a")
    run.history_file.write_text(text)
    with pytest.raises(RunError, match=r"history\.csv is damaged"):
        read(run)


def test_the_int8_size_is_that_of_the_file_fed_with_features(tmp_path: Path) -> None:
    assert read(finished_run(tmp_path, "a", Made(int8=900))).int8_bytes == 900
    assert read(finished_run(tmp_path, "b")).int8_bytes is None


@pytest.mark.parametrize("text", ["{", '{"files": [{"mode": "int8"}]}', "[]"])
def test_a_damaged_export_is_named(text: str, tmp_path: Path) -> None:
    run = finished_run(tmp_path, "a", Made(int8=900))
    (run.folder / EXPORT / "export.json").write_text(text)
    with pytest.raises(RunError, match=r"export\.json is damaged .* run 'genrecls export"):
        read(run)


def test_training_time_is_without_features_and_evaluation(tmp_path: Path) -> None:
    assert read(finished_run(tmp_path, "a", Made(seconds=40))).metrics.training_seconds == 40
