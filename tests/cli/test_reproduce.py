from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from genrecls.cli.main import main
from genrecls.datasets.gtzan import GENRES
from genrecls.errors import GenreclsError
from genrecls.experiment import reproduce as driver
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.prepare import store_of
from genrecls.experiment.run_id import run_folder
from genrecls.experiment.train import train
from genrecls.features.extract import fingerprint
from genrecls.files.atomic import write_text
from genrecls.reports import reproduction
from genrecls.reports.style import new_figure
from genrecls.runs.run import Run
from tests.datasets.kaggle_copy import table_row, write_table
from tests.runs.finished_runs import Made, fill

QUICK = ("trainer.epochs=1",)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    (root / "gtzan_kaggle").mkdir()
    rng = np.random.default_rng(0)
    # All of them: the published partition has no training track among the first ones.
    rows = [
        table_row(genre, number, place + rng.normal(0, 0.5, 57))
        for place, genre in enumerate(GENRES)
        for number in range(100)
    ]
    write_table(root / "gtzan_kaggle" / "features_30_sec.csv", rows)
    return root


@pytest.fixture
def reproduce(data: Path, tmp_path: Path) -> Callable[..., int]:
    def call(*words: str) -> int:
        roots = (f"data_root={data}", f"output_root={tmp_path / 'runs'}")
        return main(["reproduce", *words, *roots, *QUICK])

    return call


def stand_in(experiment: Experiment, _: str) -> Run:
    """Leave what a training leaves, without one."""
    dataset = experiment.dataset.load(experiment.data_root)
    run = Run(run_folder(experiment, fingerprint(dataset, store_of(experiment).digests)))
    if not run.finished:
        run.folder.mkdir(parents=True)
        run.mark("finished")
        write_text(run.config_file, yaml.safe_dump(experiment.resolved()))
        fill(run, Made(seed=experiment.run.seed))
    return run


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `stand_in` stand for the trainings, and an empty figure for ours."""
    monkeypatch.setattr(driver, "train", stand_in)
    empty = new_figure("title", "about", (3, 2))
    monkeypatch.setattr(reproduction, "reported_and_ours", lambda _: empty)


def table(folder: Path, name: str = "steiner2023_mlp") -> list[dict[str, str]]:
    text = (folder / "runs" / "reproduction" / name / "reproduction.csv").read_text(
        encoding="utf-8"
    )
    return list(csv.DictReader(text.splitlines()))


def trained(folder: Path) -> list[Path]:
    return sorted((folder / "runs").glob("*/metrics.json"))


@pytest.mark.tensorflow
@pytest.mark.usefixtures("without_figures")
def test_it_trains_every_seed_and_writes_one_table_in_four_forms(
    reproduce: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reproduce("steiner2023_mlp", "--seeds", "2") == 0
    shown = capsys.readouterr().out
    assert "> 70 %" in shown
    assert "(artists shared)" in shown
    # One epoch is not what the document says.
    assert "CHANGED: trainer.epochs=1" in shown
    # The published protocol of this system is random tracks: two splits with two seeds each.
    assert len(trained(tmp_path)) == 4
    rows = table(tmp_path)
    assert [(row["protocol"], row["unit"], row["seeds"], row["part"]) for row in rows] == [
        (protocol, unit, "2", "test")
        for protocol in ("published protocol", "random tracks", "honest split")
        for unit in ("segment", "track")
    ]
    for row in rows:
        values = [float(value) for value in row["values"].split()]
        assert float(row["mean"]) == pytest.approx(sum(values) / 2, abs=1e-6)
        assert row["data"] == "gtzan_kaggle_table, 1000 tracks"
    folder = tmp_path / "runs" / "reproduction" / "steiner2023_mlp"
    page = (folder / "reproduction.html").read_text(encoding="utf-8")
    text = (folder / "reproduction.md").read_text(encoding="utf-8")
    assert (folder / "reproduction.png").stat().st_size > 10_000
    for written in (page, text):
        assert "steiner2023_mlp" in written
        assert "genrecls reproduce steiner2023_mlp --seeds 2" in written
        assert "3 per track" not in written
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.usefixtures("untrained")
def test_finished_runs_are_used_again(
    reproduce: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reproduce("steiner2023_mlp", "--seeds", "1") == 0
    before = [path.stat().st_mtime_ns for path in trained(tmp_path)]
    assert len(before) == 2
    monkeypatch.setattr(driver, "train", train)
    monkeypatch.setattr("genrecls.experiment.train.fit_model", _refuse)
    assert reproduce("steiner2023_mlp", "--seeds", "1") == 0
    assert [path.stat().st_mtime_ns for path in trained(tmp_path)] == before


def _refuse(*_: object) -> None:
    raise AssertionError("nothing may be trained")


@pytest.mark.usefixtures("untrained")
def test_finished_trains_nothing_and_says_what_is_missing(
    reproduce: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reproduce("steiner2023_mlp", "--seeds", "1") == 0
    capsys.readouterr()
    assert reproduce("steiner2023_mlp", "--seeds", "3", "--finished") == 0
    assert "missing for steiner2023_mlp: 6 of 9 runs" in capsys.readouterr().out
    assert len(trained(tmp_path)) == 2


@pytest.mark.usefixtures("untrained")
def test_the_table_of_many_presets_has_a_name_that_a_folder_may_have(
    reproduce: Callable[..., int], tmp_path: Path
) -> None:
    presets = driver.choose_presets([])
    assert len("-".join(presets)) > 255
    reproduce(*presets, "--finished")
    (folder,) = tmp_path.rglob("reproduction/*")
    assert len(folder.name) < 100
    assert (folder / "reproduction.md").is_file()


@pytest.mark.usefixtures("untrained")
def test_a_preset_without_its_data_is_listed_with_what_is_missing(
    reproduce: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reproduce("khamees2021_mlp") == 1
    shown = capsys.readouterr()
    assert "missing for khamees2021_mlp: dataset=gtzan: there is no folder" in shown.out
    assert "nothing of khamees2021_mlp could be reproduced" in shown.err
    (row,) = table(tmp_path, "khamees2021_mlp")
    assert row["preset"] == "khamees2021_mlp"
    assert row["missing"].startswith("dataset=gtzan: there is no folder")
    assert row["mean"] == ""


@pytest.mark.usefixtures("untrained")
def test_a_training_that_fails_does_not_keep_the_others_from_their_numbers(
    reproduce: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def sometimes(experiment: Experiment, words: str) -> Run:
        if "seed=1" in words:
            raise GenreclsError("the loss is nan")
        return stand_in(experiment, words)

    monkeypatch.setattr(driver, "train", sometimes)
    assert reproduce("steiner2023_mlp", "--seeds", "2") == 1
    errors = capsys.readouterr().err
    assert "steiner2023_mlp, honest split, seed 1: the loss is nan" in errors
    assert "3 trainings failed" in errors
    assert {row["seeds"] for row in table(tmp_path)} == {"1"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["steiner"], "'steiner' is no published system"),
        (["steiner2023_mlp", "seed=3"], "'seed=3': reproduce chooses this itself"),
        (["steiner2023_mlp", "split=track"], "'split=track': reproduce chooses this itself"),
        (["steiner2023_mlp", "split.ratio=[1,1,1]"], "reproduce chooses this itself"),
        # Its own advice, another split, would be refused: the data decide on the split.
        (["khamees2021_mlp", "dataset=folder"], "train experiment=<preset> dataset=folder split="),
        (["khamees2021_mlp", "force=true"], "'force': reproduce continues where it was stopped"),
        (["steiner2023_mlp", "--seeds", "0"], "--seeds: received 0; allowed: 1 or more"),
        (["steiner2023_mlp", "--seeds", "x"], "invalid int value"),
        (["--nonsense"], "unknown flag --nonsense"),
        (["steiner2023_mlp", "trainer.epoch=1"], "trainer.epoch"),
    ],
)
def test_a_wrong_word_is_answered_in_one_line(
    words: Sequence[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", *words]) == 1
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
