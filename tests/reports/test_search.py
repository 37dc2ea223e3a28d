"""What a search has report, drawn and written; the trials are made of values alone."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from rich.console import Console

from genrecls.reports.figures.search import figures, history, influences, pareto
from genrecls.reports.numbers import count as shown_count
from genrecls.reports.search import (
    Objective,
    SearchedSetting,
    SearchReport,
    Trial,
    as_csv,
    as_html,
    as_markdown,
    as_terminal,
    pareto_front,
    rank_trials,
    short_names,
)
from genrecls.runs.record import read
from tests.reports.page import faults
from tests.runs.finished_runs import Made, finished_run

State = Literal["running", "finished", "pruned", "failed"]
ACCURACY = Objective("validation accuracy", larger=True)
LOSS = Objective("validation log loss", larger=False)
SIZE = Objective("parameters", larger=False, shown=shown_count)
SETTINGS = (
    SearchedSetting("trainer.optimizer.learning_rate", low=1e-4, high=1e-2, log=True),
    SearchedSetting("model.head.units", ("[16]", "[32,16]")),
    SearchedSetting("model.head.dropout", low=0.0, high=0.5),
)


def chosen(number: int) -> dict[str, str]:
    return {
        "trainer.optimizer.learning_rate": f"{1e-4 * (1 + number):.4g}",
        "model.head.units": ("[16]", "[32,16]")[number % 2],
        "model.head.dropout": f"{number % 6 / 10:g}",
    }


def trial(number: int, *values: float) -> Trial:
    return Trial(number, "finished", chosen(number), values, {1: 0.4}, f"run-{number}", "", 61.0)


def make_report(
    root: Path,
    trials: list[Trial],
    leaks: tuple[str, ...] = (),
    objectives: tuple[Objective, ...] = (ACCURACY,),
) -> SearchReport:
    best = read(finished_run(root, "a-run", Made(leaks=leaks)))
    return SearchReport(
        name="search-mlp-1a2b3c4d",
        command="genrecls sweep search=mlp",
        again="genrecls train -cd there experiment=best",
        folder=root,
        objectives=objectives,
        settings=SETTINGS,
        trials=tuple(trials),
        importances={setting.key: 1 / 3 for setting in SETTINGS},
        best=best,
        versions={"python": "3.11"},
    )


def mixed() -> list[Trial]:
    return [
        *(trial(number, 0.4 + number / 100) for number in range(12)),
        Trial(12, "pruned", chosen(12), reason="stopped early after epoch 4 (median pruner)"),
        Trial(13, "failed", chosen(13), reason="took 3.1 GB | more"),
        Trial(14, "running", chosen(14)),
    ]


def texts(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def printed(report: SearchReport) -> str:
    console = Console(width=200, file=io.StringIO())
    console.print(as_terminal(report))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_keys_are_shortened_as_far_as_they_stay_apart() -> None:
    keys = [
        "model.conv.dropout",
        "model.head.dropout",
        "model.conv.blocks.0.filters",
        "model.conv.blocks.1.filters",
        "trainer.batch_size",
        "seed",
    ]
    assert list(short_names(keys).values()) == [
        "conv.dropout",
        "head.dropout",
        "blocks.0.filters",
        "blocks.1.filters",
        "batch_size",
        "seed",
    ]
    assert short_names(["head.units", "model.head.units"])["head.units"] == "head.units"


def test_the_ten_best_are_listed_with_their_settings(tmp_path: Path) -> None:
    rows = make_report(tmp_path, mixed()).table.rows
    assert len(rows) == 10
    place, number, score, what, run = rows[0]
    assert (place, number, score, run) == ("1", "11", "0.510", "run-11")
    assert what == "learning_rate 0.0012 · units [32,16] · dropout 0.5"


def test_of_two_objectives_everything_that_nothing_beats_is_listed(tmp_path: Path) -> None:
    points = [(0.5, 1000), (0.6, 5000), (0.4, 2000)]
    trials = [trial(number, *values) for number, values in enumerate(points)]
    report = make_report(tmp_path, trials, objectives=(ACCURACY, SIZE))
    assert [row[1:4] for row in report.table.rows] == [
        ("1", "0.600", "5\u202f000"),
        ("0", "0.500", "1\u202f000"),
    ]
    assert "trials that no other one beats" in printed(report)


@pytest.mark.usefixtures("undrawn")
def test_the_test_score_of_the_best_is_said_and_that_it_did_not_choose(tmp_path: Path) -> None:
    report = make_report(tmp_path, mixed())
    for text in (printed(report), as_markdown(report), as_html(report, figures(report))):
        assert "Test accuracy of the best, per track: 0.750" in text
        assert "No test score took part in the search" in text
        assert "12 finished, 1 stopped early, 1 failed, 1 interrupted" in text


@pytest.mark.usefixtures("undrawn")
def test_the_page_is_read_on_a_narrow_screen(tmp_path: Path) -> None:
    report = make_report(tmp_path, mixed())
    assert faults(as_html(report, figures(report))) == []


def test_every_trial_has_a_line_with_all_its_settings(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(make_report(tmp_path, mixed())))))
    assert [row["state"] for row in rows[-3:]] == ["pruned", "failed", "running"]
    assert float(rows[3]["validation accuracy"]) == pytest.approx(0.43)
    assert rows[12]["validation accuracy"] == ""
    assert [rows[3]["seconds"], rows[14]["seconds"]] == ["61.0", ""]
    assert rows[13]["reason"] == "took 3.1 GB | more"
    assert rows[3]["trainer.optimizer.learning_rate"] == "0.0004"


@pytest.mark.usefixtures("undrawn")
def test_the_page_says_why_trials_have_no_score_and_loads_nothing(tmp_path: Path) -> None:
    report = make_report(tmp_path, mixed())
    page = as_html(report, figures(report))
    assert "stopped early after epoch 4 (median pruner)" in page
    assert "failed: took 3.1 GB | more" in page
    assert "genrecls train -cd there experiment=best" in page
    assert page.count("data:image/png") == 2
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.usefixtures("undrawn")
def test_a_leaky_split_is_loud_everywhere(tmp_path: Path) -> None:
    report = make_report(tmp_path, mixed(), leaks=("track",))
    assert "LEAKY" in printed(report)
    assert "LEAKY" in as_markdown(report)
    assert 'class="about alarm"' in as_html(report, figures(report))
    assert any("LEAKY" in text for text in texts(history(report)))


def test_the_history_marks_what_has_no_score(tmp_path: Path) -> None:
    assert {"best so far", "finished", "best", "stopped early", "failed"} <= set(
        texts(history(make_report(tmp_path, mixed())))
    )


def test_every_setting_has_a_panel_with_its_share(tmp_path: Path) -> None:
    report = texts(influences(make_report(tmp_path, mixed())))
    for name in ("learning_rate", "units", "dropout"):
        assert f"{name} · 33.3\u00a0%" in report
    assert {"[16]", "[32,16]"} <= set(report)


def test_few_trials_tell_no_shares_and_the_figure_says_so(tmp_path: Path) -> None:
    report = replace(make_report(tmp_path, mixed()), importances={})
    assert any(
        "can be told from 20 finished trials on" in text.replace("\n", " ")
        for text in texts(influences(report))
    )
    assert "the most important first" not in as_markdown(report)


def test_trials_with_the_settings_of_another_one_are_counted(tmp_path: Path) -> None:
    same = replace(trial(1, 0.4), run="run-0")
    report = make_report(tmp_path, [trial(0, 0.4), same, trial(2, 0.5)])
    assert (
        report.counts == "3 trials: 3 finished, 1 of the finished with the settings of another one"
    )


@pytest.mark.parametrize("count", [1, 2])
def test_one_trial_is_enough_for_all_figures(tmp_path: Path, count: int) -> None:
    trials = [trial(number, 0.5, 1000) for number in range(count)]
    report = make_report(tmp_path, trials, objectives=(ACCURACY, SIZE))
    drawn = figures(report)
    assert set(drawn) == {"front", "history", "settings"}
    assert all(map(texts, drawn.values()))


def test_the_front_names_its_trials(tmp_path: Path) -> None:
    points = [(0.5, 1000), (0.6, 5000), (0.4, 2000), (0.7, 90_000)]
    trials = [trial(number, *values) for number, values in enumerate(points)]
    report = texts(pareto(make_report(tmp_path, trials, objectives=(ACCURACY, SIZE))))
    assert {"0", "1", "3"} <= set(report)
    assert "2" not in report
    assert "Validation accuracy against parameters" in report


@pytest.mark.usefixtures("undrawn")
def test_the_table_of_all_trials_may_be_broken_where_words_are_joined(tmp_path: Path) -> None:
    report = make_report(tmp_path, mixed())
    page = as_html(report, figures(report))
    assert '<th scope="col">learning_<wbr>rate</th>' in page
    assert "<td>[32,16]</td>" in page
    assert page.startswith("<!doctype html>")


def test_the_longest_list_of_units_is_read_in_full_below_its_panel(tmp_path: Path) -> None:
    key, longest = "model.head.units", "[512,512,256,64]"
    report = make_report(tmp_path, mixed())
    wide = SearchedSetting(key, ("[16]", "[32,16]", longest))
    settings = tuple(wide if setting.key == key else setting for setting in SETTINGS)
    drawn = influences(replace(report, settings=settings))
    assert longest in texts(drawn)


def attempt(number: int, *values: float, state: State = "finished", run: str = "") -> Trial:
    return Trial(number, state, {}, values, run=run or f"run-{number}")


def test_the_best_score_is_first_and_the_smaller_of_equal_ones() -> None:
    trials = [
        *(attempt(0, 0.5, 10), attempt(1, 0.7, 99), attempt(2, 0.7, 9)),
        attempt(3, state="pruned"),
    ]
    assert [t.number for t in rank_trials(trials, (ACCURACY, SIZE))] == [2, 1, 0]


def test_a_loss_is_best_where_it_is_smallest() -> None:
    trials = [attempt(0, 0.5), attempt(1, 0.3)]
    assert [t.number for t in rank_trials(trials, (LOSS,))] == [1, 0]


def test_trials_that_led_to_one_run_are_one() -> None:
    trials = [attempt(0, 0.5, run="a"), attempt(1, 0.4), attempt(2, 0.5, run="a")]
    assert [t.number for t in rank_trials(trials, (ACCURACY,))] == [0, 1]


def test_the_front_is_what_nothing_beats_in_both() -> None:
    points = [(0.9, 100), (0.8, 50), (0.8, 60), (0.7, 70), (0.5, 10), (0.9, 100)]
    trials = [attempt(number, *values) for number, values in enumerate(points)]
    assert [t.number for t in pareto_front(trials, (ACCURACY, SIZE))] == [0, 1, 4]
