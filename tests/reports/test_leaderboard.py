from __future__ import annotations

import re
from pathlib import Path

import pytest

from genrecls.comparison.leaderboard import Failed
from genrecls.reports.leaderboard import leaderboard
from genrecls.runs.record import read
from tests.runs.finished_runs import Made, finished_run

FAILED = Failed("made-mfcc-vgg16-1a", "killed by signal 9", "logs/1a.log", "model=vgg16")


def test_a_leaderboard_is_shown_written_and_returned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = (Made(), Made(model="rnn"))
    runs = [read(finished_run(tmp_path, f"run-{i}", one)) for i, one in enumerate(made)]
    (board,) = leaderboard(runs, tmp_path / "out", "genrecls sweep model=cnn,rnn", [FAILED])
    assert [system.title for system in board.systems] == ["cnn mfcc", "rnn mfcc"]
    assert "killed by signal 9" in capsys.readouterr().out
    for name in ("scores", "parameters", "learning_curves", "genres"):
        assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")
    assert "    genrecls sweep model=cnn,rnn" in text
    for linked in re.findall(r"\]\((.+?)\)", text):
        assert (tmp_path / "out" / linked).is_file()


def test_where_every_run_failed_their_reasons_are_written(tmp_path: Path) -> None:
    assert leaderboard([], tmp_path, "genrecls sweep", [FAILED]) == ()
    assert {path.name for path in tmp_path.iterdir()} == {
        "comparison.csv",
        "comparison.md",
        "comparison.html",
    }
    assert "killed by signal 9" in (tmp_path / "comparison.html").read_text(encoding="utf-8")
