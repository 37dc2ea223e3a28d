"""`genrecls data` lists and describes data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.config.options import choices
from genrecls.datasets.gtzan import GENRES
from tests.conftest import RunCommand


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_list_names_every_data_set_and_whether_it_is_here(
    tmp_path: Path, run_command: RunCommand
) -> None:
    outcome = run_command("data", "list")
    assert outcome.status == 0
    for name in choices("dataset"):
        assert f" {name} " in outcome.out
    assert "made when needed" in outcome.out
    assert "not in data/gtzan" in outcome.out
    assert not list(tmp_path.iterdir())


def test_a_data_set_is_described_with_genres_artists_partitions_and_source(
    tmp_path: Path, run_command: RunCommand
) -> None:
    for genre in GENRES:
        (tmp_path / "data" / "gtzan" / genre).mkdir(parents=True)
        (tmp_path / "data" / "gtzan" / genre / f"{genre}.00000.au").touch()
    outcome = run_command("data", "info", "dataset=gtzan")
    assert outcome.status == 0
    for text in ("10", "Tzanetakis", "may not be redistributed", "partition fault_filtered"):
        assert text in outcome.out
    assert "fold" in outcome.out


def test_flags_and_overrides_may_stand_in_any_order(
    tmp_path: Path, run_command: RunCommand
) -> None:
    for genre in ("a", "b"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        (tmp_path / "music" / genre / "x.wav").write_bytes(b"no sound")
    words = ["dataset=folder", "--format", "json", "dataset.root=music"]
    outcome = run_command("data", "verify", *words)
    assert outcome.status == 1
    assert outcome.out.count('"unreadable"') == 2


def test_a_data_root_that_is_no_folder_is_one_line(run_command: RunCommand) -> None:
    outcome = run_command("data", "list", "data_root=null")
    assert outcome.error == "data_root: received null; allowed: a folder"
    assert outcome.status == 1


@pytest.mark.parametrize("days", ["-1", "nan"])
def test_the_cache_is_not_pruned_by_a_nonsensical_age(days: str, run_command: RunCommand) -> None:
    outcome = run_command("data", "cache", "--prune", f"--older={days}")
    assert outcome.status == 1
    assert outcome.error == f"--older: received {days}; allowed: a number of days from 0"
