import math
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from genrecls.evaluation.metrics import CalibrationBin, GenreScores
from genrecls.explain.examples_per_genre import ExampleInputs
from genrecls.reports.figures.calibration import reliability_diagram
from genrecls.reports.figures.class_balance import genre_counts, unequal
from genrecls.reports.figures.confusion import confusion_matrix
from genrecls.reports.figures.coverage import coverage_curves
from genrecls.reports.figures.genres import per_genre_bars
from genrecls.reports.figures.inputs import example_inputs
from genrecls.reports.figures.learning_curves import learning_curve
from genrecls.reports.figures.mistakes import worst_mistakes
from genrecls.reports.figures.timeline import timeline
from genrecls.reports.run import draw
from genrecls.reports.scope import Scope
from genrecls.reports.style import save
from genrecls.reports.text import drawable, elide
from genrecls.runtime.abstention import HeldOutAnswers
from genrecls.runtime.result import Result
from tests.reports.finished_run import changed, finished_run, metrics_of, with_counts

SCOPE = Scope("test", "track", "artist")
HOSTILE = ["<script>", "$x_1$", "日本のポップ", "Élec\ntro", "a\udcff", "_hidden", "long " * 20]


def texts(figure: Figure) -> list[str]:
    """Return all that is written in `figure`, once drawn: a warning would fail the test."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def course(count: int, genres: int = 3, hop: float = 3.0, title: str = "a.wav") -> Result:
    starts = np.arange(count, dtype=np.float64) * hop
    probabilities = np.full((count, genres), 1 / genres)
    return Result(Path(title), starts=starts, ends=starts + 3, segments=probabilities)


def test_every_figure_says_part_unit_and_split() -> None:
    for name, figure in draw(finished_run(name="fold2")).items():
        about = figure.texts[1].get_text()
        part = "train and validation parts" if name == "learning_curves" else "test part"
        unit = "segment" if name in {"learning_curves", "example_inputs"} else "track"
        assert about == f"{part}, per {unit} · split fold2"


def test_every_figure_of_a_leaky_split_on_generated_data_says_both() -> None:
    report = finished_run(name="segment", leaks=("track",))
    for figure in draw(changed(report, "dataset", generated=True)).values():
        about = figure.texts[1].get_text().replace("\n", " ")
        assert about.endswith("split segment (LEAKY) · generated data")


def test_every_figure_of_a_pretrained_network_says_what_it_had_learned() -> None:
    for figure in draw(changed(finished_run(), "model", pretraining="ImageNet")).values():
        about = figure.texts[1].get_text().replace("\n", " ")
        assert about.endswith(" · pretraining: ImageNet")


def test_shared_artists_alone_are_not_called_leaky() -> None:
    for figure in draw(finished_run(name="track", leaks=("artist",))).values():
        assert "LEAKY" not in figure.texts[1].get_text()


def test_what_a_run_has_nothing_of_is_not_drawn() -> None:
    bare = replace(finished_run(wrong=0, epochs=0), examples=ExampleInputs())
    assert set(draw(bare)) == {"confusion_matrix", "per_genre", "reliability"}


@pytest.mark.parametrize("count", [2, 3, 10, 16, 20])
def test_any_number_of_genres_is_drawn_with_every_name(count: int) -> None:
    labels = [f"genre {index}" for index in range(count)]
    figures = draw(finished_run(labels))
    for name in ("confusion_matrix", "example_inputs"):
        assert set(labels) <= set(texts(figures[name]))
    assert {f"{label}  (n = 7)" for label in labels[1:]} <= set(texts(figures["per_genre"]))


def test_a_bin_of_few_answers_has_a_long_whisker_and_an_empty_one_no_dot() -> None:
    bins = [CalibrationBin(0, None, None), CalibrationBin(2, 0.5, 1.0), CalibrationBin(200, 0.9, 1)]
    figure = reliability_diagram(bins, SCOPE)
    upper, lower = figure.axes
    dots, *_ = upper.containers[0]
    assert dots.get_xydata().tolist() == [[0.5, 1.0], [0.9, 1.0]]
    (whiskers,) = (c for c in upper.collections if isinstance(c, LineCollection))
    few, many = whiskers.get_segments()
    assert np.ptp(few[:, 1]) > 0.6
    assert np.ptp(many[:, 1]) < 0.02
    (bars,) = (c for c in lower.containers if isinstance(c, BarContainer))
    assert np.array_equal(np.asarray(bars.datavalues), [0, 2, 200])
    assert {"probability of the answer", "tracks"} <= set(texts(figure))


def test_a_run_of_the_first_version_has_no_reliability_diagram() -> None:
    assert "reliability" in draw(finished_run())
    scores = replace(finished_run().metrics.test.track, calibration=None)
    part = replace(finished_run().metrics.test, track=scores)
    assert "reliability" not in draw(changed(finished_run(), parts={"test": part}))


def test_hostile_names_are_drawn_without_a_warning_and_within_bounds() -> None:
    for figure in draw(finished_run(HOSTILE)).values():
        assert all(len(text) < 120 for text in texts(figure))
    panels = [course(3, len(HOSTILE), title=name) for name in HOSTILE]
    assert "_hidden" in texts(timeline(panels, HOSTILE, about="日本 $a$"))


def test_a_name_is_text_and_never_a_formula() -> None:
    assert drawable("$x$") == r"\$x\$"
    assert drawable("e\u0301t\u00e9\n\u65e5") == "été□□"


@pytest.mark.parametrize("width", [3, 4, 9, 10])
def test_a_shortened_name_keeps_both_ends_and_has_the_asked_width(width: int) -> None:
    short = elide("abcdefghijklmnopqrstuvwxyz", width)
    assert (len(short), short[0], short[-1]) == (width, "a", "z")


def test_confusion_shades_are_shares_of_the_row_and_cells_are_counts() -> None:
    figure = confusion_matrix([[3, 1], [0, 0]], ["jazz", "rock"], SCOPE)
    shades = np.asarray(figure.axes[0].images[0].get_array())
    assert shades.tolist() == [[0.75, 0.25], [0.0, 0.0]]
    assert [text.get_text() for text in figure.axes[0].texts] == ["3", "1"]
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("predicted", "true")


@pytest.mark.parametrize(("label", "angle"), [("jazz", 0.0), ("experimental", 45.0)])
def test_names_below_the_matrix_are_turned_only_where_they_would_touch(
    label: str, angle: float
) -> None:
    labels = [label] * 10
    figure = confusion_matrix(np.eye(10, dtype=int).tolist(), labels, SCOPE)
    assert {tick.get_rotation() for tick in figure.axes[0].get_xticklabels()} == {angle}


def test_counts_have_a_panel_a_part_and_the_most_frequent_genre_of_training_on_top() -> None:
    counts = {"train": {"jazz": 3, "rock": 1200}, "test": {"jazz": 7, "rock": 0}}
    figure = genre_counts(counts, Scope("train and test", "segment", "artist"))
    texts(figure)
    train, test = figure.axes
    assert [tick.get_text() for tick in train.get_yticklabels()] == ["rock", "jazz"]
    assert [text.get_text().strip() for text in train.texts] == ["1\u202f200", "3"]
    assert [text.get_text().strip() for text in test.texts] == ["0", "7"]
    assert [bar.get_extents().width > 0 for bar in test.patches] == [False, True]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["train (1\u202f203)", "test (7)"]


def test_counts_are_drawn_only_where_a_part_is_unequal_or_lacks_a_genre() -> None:
    even = {"jazz": 10, "rock": 15}
    assert not unequal({"train": even, "test": even})
    assert unequal({"train": even, "test": {"jazz": 10, "rock": 16}})
    assert unequal({"train": even, "test": {"jazz": 0, "rock": 1}})
    report = finished_run(("jazz", "rock"))
    assert "genre_counts" not in draw(report)
    about = (
        draw(with_counts(report, "test", {"jazz": 5, "rock": 50}))["genre_counts"]
        .texts[1]
        .get_text()
    )
    assert about == "train, validation and test parts, per segment · split artist"


def test_genres_are_ranked_by_f1_and_unknown_scores_come_last_as_a_dash() -> None:
    unknown: Any = None
    scores = {
        "none": GenreScores(unknown, unknown, unknown, 0),
        "low": GenreScores(0.1, 0.1, 0.1, 4),
        "high": GenreScores(0.9, 0.9, 0.9, 5),
        "nan": GenreScores(math.nan, math.nan, math.nan, 0),
    }
    axes = per_genre_bars(scores, SCOPE).axes[0]
    names = [tick.get_text().split()[0] for tick in axes.get_yticklabels()]
    assert names == ["high", "low", "none", "nan"]
    assert [text.get_text() for text in axes.texts] == ["F1", "0.90", "0.10", "\u2013", "\u2013"]


def test_curves_mark_the_selected_epoch_and_name_both_parts() -> None:
    legend = learning_curve(finished_run().history, SCOPE, selected=2).legends[0]
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["train", "validation", "selected: epoch 2"]


def test_a_single_epoch_is_visible_and_counted_in_whole_numbers() -> None:
    figure = learning_curve(finished_run(epochs=1).history, SCOPE)
    texts(figure)
    assert figure.axes[0].lines[0].get_marker() == "o"
    low, high = figure.axes[0].get_xlim()
    assert [tick for tick in figure.axes[0].get_xticks() if low <= tick <= high] == [1]


def test_curves_of_a_run_without_validation_or_with_a_diverged_loss_are_drawn() -> None:
    history: list[dict[str, Any]] = [
        {"epoch": 1, "loss": 2.0, "accuracy": 0.5, "validation_loss": None},
        {"epoch": 2, "loss": math.inf, "accuracy": math.nan},
    ]
    figure = learning_curve(history, SCOPE)
    assert "train" in texts(figure)
    assert "validation" not in texts(figure)


def test_curves_without_epochs_say_so() -> None:
    assert "no epoch is recorded" in texts(learning_curve([], SCOPE))


def test_a_changing_learning_rate_has_its_own_panel() -> None:
    history = [{**epoch, "learning_rate": 1 / epoch["epoch"]} for epoch in finished_run().history]
    assert [axes.get_title(loc="left") for axes in learning_curve(history, SCOPE).axes] == [
        "loss",
        "accuracy",
        "learning rate",
    ]


def test_examples_share_one_scale_and_have_axes_in_seconds_and_coefficients() -> None:
    pictures = {
        "quiet": np.zeros((6, 4)),
        "loud": np.full((6, 4), 9.0),
        "bad": np.full((6, 4), np.nan),
    }
    figure = example_inputs(ExampleInputs(pictures, ("time", "mel band"), 3.0), SCOPE)
    assert {"time (seconds)", "mel band", "quiet", "loud"} <= set(texts(figure))
    assert {image.get_clim() for axes in figure.axes for image in axes.images} == {(0.0, 9.0)}
    image = figure.axes[0].images[0]
    assert np.asarray(image.get_array()).shape == (4, 6)
    assert tuple(image.get_extent()) == (0.0, 3.0, -0.5, 3.5)


def test_constant_or_missing_examples_are_drawn() -> None:
    texts(example_inputs(ExampleInputs({"a": np.zeros((2, 1))}), SCOPE))
    texts(example_inputs(ExampleInputs({"a": np.full((2, 1), np.nan)}), SCOPE))
    assert "no examples" in texts(example_inputs(ExampleInputs(), SCOPE))


def test_mistakes_show_file_and_confused_genres_worst_on_top() -> None:
    axes = worst_mistakes(finished_run(wrong=3).mistakes, SCOPE, most=2).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["t0.wav", "t1.wav"]
    assert [text.get_text() for text in axes.texts] == ["blues → rock"] * 2
    assert axes.yaxis_inverted()


def test_a_perfect_model_has_a_figure_that_says_so() -> None:
    assert "no mistakes" in texts(worst_mistakes([], SCOPE))


def test_a_timeline_has_one_panel_a_file_up_to_its_limit() -> None:
    figure = timeline([course(4) for _ in range(12)], ["a", "b", "c"], about="model cnn")
    assert len(figure.axes) == 10
    assert figure.texts[1].get_text() == "model cnn · first 10 of 12 files"


def test_a_timeline_sums_the_weak_genres_to_one_colour() -> None:
    figure = timeline([course(4, genres=20)], [f"g{index}" for index in range(20)])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(names) == 8
    assert names[-1] == "13 other genres"


def test_a_timeline_is_empty_between_segments_and_cut_where_they_overlap() -> None:
    apart, dense = timeline([course(2, hop=5.0), course(2, hop=1.0)], ["a", "b", "c"]).axes
    assert apart.get_xlim() == (0.0, 8.0)
    assert dense.get_xlim() == (0.0, 4.0)
    top = np.asarray(apart.collections[2].get_paths()[0].vertices)
    assert top[(top[:, 0] > 3) & (top[:, 0] < 5)].size == 0
    assert {0.0, 1.0} <= set(top[top[:, 0] == 3.0][:, 1].round(6))


def test_a_timeline_of_no_file_or_no_segment_says_so() -> None:
    assert "no files" in texts(timeline([], ["a"]))
    assert "no segments" in texts(timeline([course(0)], ["a", "b", "c"]))
    assert "no segments" in texts(timeline([course(0), course(2)], ["a", "b", "c"]))


def test_saved_figures_are_png_of_the_same_bytes_and_leave_nothing_beside(tmp_path: Path) -> None:
    scores = finished_run().metrics.test.track.per_genre
    for name in ("one.png", "two.png"):
        save(per_genre_bars(scores, SCOPE), tmp_path / name)
    one, two = (tmp_path / "one.png").read_bytes(), (tmp_path / "two.png").read_bytes()
    assert one == two
    assert b"matplotlib" not in one
    assert imread(tmp_path / "one.png").shape[2] == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_figures_are_drawn_in_a_thread_without_a_display(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    scores = metrics_of(["a", "b"], 1).test.track

    def work() -> None:
        save(per_genre_bars(scores.per_genre, SCOPE), tmp_path / "thread.png")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (tmp_path / "thread.png").stat().st_size > 0


def test_the_coverage_curve_ends_at_the_accuracy_of_all_answers() -> None:
    sure = HeldOutAnswers("validation", (0.9, 0.5), (True, True), (0.9, 0.5))
    some = HeldOutAnswers("test", (0.9, 0.8, 0.5), (True, True, False), (0.9, 0.8, 0.2))
    figure = coverage_curves({"validation": sure, "test": some}, SCOPE)
    (axes,) = figure.axes
    _, test = axes.lines
    assert np.asarray(test.get_xdata(), np.float64) == pytest.approx([1 / 3, 2 / 3, 1])
    assert np.asarray(test.get_ydata(), np.float64) == pytest.approx([1, 1, 2 / 3])
    assert {"validation (2 tracks)", "test (3 tracks)"} <= set(texts(figure))
