"""`genrecls data split-report` draws what each split would give."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Outcome, RunCommand

DATA = ("dataset=synth_leaky", "dataset.tracks_per_band=1", "dataset.replicas=10")
SMALL = (*DATA, "dataset.seconds=6", "repeats=1")
FILES = {
    "report.html",
    "split_report.md",
    "near_duplicates.csv",
    "parts.png",
    "inflation.png",
    "near_duplicates.png",
}


@pytest.fixture(scope="module", autouse=True)
def _few_steps() -> Iterator[None]:
    """Leaves the logistic regression where it is after some steps; its scores do not matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genrecls.split_audit.score_inflation.MOST_STEPS", 20)
        yield


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def report(run_command: RunCommand, data_root: Path, *words: str) -> Outcome:
    return run_command("data", "split-report", *SMALL, f"data_root={data_root}", *words)


def test_every_possible_split_is_shown_and_the_report_is_written(
    data_root: Path, run_command: RunCommand
) -> None:
    outcome = report(run_command, data_root, "figures=paper")
    assert outcome.status == 0, outcome.err
    folder = Path("outputs/split-report/synth_leaky")
    drawn = {name.replace(".png", ".pdf") for name in FILES if name.endswith(".png")}
    assert {path.name for path in folder.iterdir()} == FILES | drawn | {"figures.tex"}
    for text in ("artist", "kfold", "segment (LEAKY)", "track", "the most honest", "TEST part"):
        assert text in outcome.out
    assert "fault_filtered" not in outcome.out
    assert "10 pairs of tracks are one recording" in outcome.out
    assert "above split=artist_kfold on the test part" in " ".join(outcome.out.split())
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png") == 3
    assert "LEAKY split segment" in page
    assert "near-copies" not in page
    document = (folder / "split_report.md").read_text()
    assert "| anvil |" in document
    assert "![" in document


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the figures out, which take most of the time of a report."""
    monkeypatch.setattr("genrecls.reports.split_audit.draw", lambda *_: {})


@pytest.mark.usefixtures("undrawn")
def test_near_duplicates_are_listed_with_score_offset_and_genres(
    data_root: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    outcome = report(run_command, data_root, "split=track,artist", "--output", "here")
    assert outcome.status == 0, outcome.err
    assert "segment (LEAKY)" not in outcome.out
    text = (tmp_path / "here" / "split_report.md").read_text(encoding="utf-8")
    assert " split=track,artist --output here" in text
    with (tmp_path / "here" / "near_duplicates.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "copy"]
    assert len(rows) == 10
    assert all(float(row["share"]) >= 0.12 for row in rows)
    assert all(abs(float(row["offset_seconds"])) < 1.1 for row in rows)
    assert {row["same_genre"] for row in rows} == {"True", "False"}
    assert {row["apart_in"] for row in rows} <= {"", "track", "artist", "track artist"}


@pytest.mark.usefixtures("undrawn")
def test_a_split_may_be_changed_as_for_a_training(data_root: Path, run_command: RunCommand) -> None:
    outcome = report(run_command, data_root, "split=track", "split.ratio=[8,1,1]")
    assert outcome.status == 0, outcome.err


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("split=nope", "split=nope: no such choice"),
        ("split=track,", "split=: no such choice"),
        ("split=artist_folds", "split=artist_folds: dataset=synth has no published partition"),
        ("split=official", "split=official: dataset=synth has no published partition"),
        ("repeats=0", "repeats: received 0; allowed: greater than 0"),
        ("features=mel", "features: unknown key"),
        ("--nope", "unknown flag --nope"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    word: str, message: str, data_root: Path, run_command: RunCommand
) -> None:
    outcome = report(run_command, data_root, word)
    assert outcome.status == 1
    assert outcome.error.startswith(message)
    assert not Path("outputs").exists()


def test_a_fixed_split_cannot_be_reported_over_several_seeds(
    data_root: Path, run_command: RunCommand
) -> None:
    outcome = report(run_command, data_root, "split.seed=3")
    assert outcome.error.startswith("'split.seed=3': a report is about several seeds; ")
