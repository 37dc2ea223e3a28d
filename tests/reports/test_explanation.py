"""The page of an explanation, its figures, and the section of a report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from genrecls.explain.explanation import AudioOrigin
from genrecls.explain.frequency_axis import Axis
from genrecls.explain.layers import Kernel
from genrecls.reports import run as run_report
from genrecls.reports.explanation import draw, render
from genrecls.reports.figures.evidence import evidence_bars, evidence_map, what_decided
from genrecls.reports.figures.layers import activation_maps, first_filters
from genrecls.reports.scope import Scope
from genrecls.reports.style import VERMILION
from tests.reports.explained_song import case, explained_song, picture, vector
from tests.reports.finished_run import finished_run
from tests.reports.page import Page, faults
from tests.reports.test_run_figures import HOSTILE, texts

ORIGIN = AudioOrigin("song.mp3, 12.00 to 15.00 s · model a-run")
SCOPE = Scope("test", "segment", "artist")


def images(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


def lengths(axes: Axes) -> np.ndarray:
    """Return width and height of each bar, negative where it runs to the left or down."""
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    return np.array([(bar.get_width(), bar.get_height()) for bar in bars])


def test_every_figure_names_file_segment_and_model_and_warns_of_a_leak() -> None:
    for name, figure in draw(explained_song(leaky=True)).items():
        about = figure.texts[1].get_text().replace("\n", " ")
        assert "model a-run: accuracy 0.750" in about
        assert ("song.mp3, 12.00 to 15.00 s" in about) == (name != "filters")
        assert figure.texts[1].get_fontweight() == "bold"


def test_the_map_has_seconds_hz_and_a_scale_that_is_even_on_both_sides() -> None:
    figure = evidence_map(picture(), "jazz", ORIGIN)
    written = texts(figure)
    assert {"seconds of the file", "frequency (Hz)", "500", "4000", "dB", "12", "14"} <= set(
        written
    )
    (overlay,) = (axes.images[1] for axes in figure.axes if len(axes.images) == 2)
    low, high = overlay.get_clim()
    assert low == -high
    assert overlay.get_extent() == pytest.approx([12, 15, -0.5, 15.5])


def test_the_sums_at_the_sides_are_the_whole_evidence() -> None:
    evidence = picture()
    figure = evidence_map(evidence, "jazz", ORIGIN)
    panels = {len(axes.patches): lengths(axes) for axes in figure.axes if axes.patches}
    # Bars over time stand, bars over rows lie.
    sums = [panels[40][:, 1].sum(), panels[16][:, 0].sum()]
    assert sums == pytest.approx([evidence.weights.sum()] * 2)


def test_rows_without_marks_are_numbered() -> None:
    figure = evidence_map(picture(axis=Axis("coefficient")), "jazz", ORIGIN)
    assert {"coefficient", "0", "4", "8", "12"} <= set(texts(figure))


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_evidence_of_nothing_and_a_constant_input_are_drawn_without_a_warning(value: float) -> None:
    flat = np.full((40, 16), value)
    texts(evidence_map(picture(values=flat, weights=flat * 0), "jazz", ORIGIN))
    texts(what_decided([case(values=flat, weights=flat * 0)], SCOPE))


def test_the_values_of_a_vector_come_strongest_first_and_the_rest_is_counted() -> None:
    figure = evidence_bars(vector(), "jazz", ORIGIN)
    written = texts(figure)
    names = list(dict.fromkeys(text for text in written if text.startswith("feature")))
    assert names[0] == "feature 56  (+1.0)"
    assert len(names) == 24
    assert any("33 weaker ones left out" in text for text in written)


def test_the_report_shows_the_true_genre_and_marks_a_wrong_answer() -> None:
    figure = what_decided([case(), case("rock", "blues")], SCOPE)
    assert {"jazz", "→ jazz 0.75", "rock", "→ blues 0.75"} <= set(texts(figure))
    colours = {text.get_text(): text.get_color() for axes in figure.axes for text in axes.texts}
    assert colours["→ blues 0.75"] == VERMILION != colours["→ jazz 0.75"]
    assert figure.texts[1].get_text() == str(SCOPE)


def test_of_many_channels_the_liveliest_are_shown_under_their_own_numbers() -> None:
    answer = np.zeros((10, 6, 50), np.float32)
    answer[:5, :, 10:42] = 1
    written = texts(activation_maps("conv1", answer, ORIGIN))
    assert any("the 32 that vary most of 50 channels" in text for text in written)
    assert {"10", "41"} <= set(written)
    assert not {"9", "42"} & set(written)


def test_answers_that_are_a_matrix_or_a_vector_are_drawn_as_such() -> None:
    (matrix,) = images(activation_maps("lstm1", np.arange(12.0).reshape(4, 3), ORIGIN))
    assert matrix.shape == (3, 4)
    bars = activation_maps("dense1", np.arange(5.0), ORIGIN).axes[0]
    assert lengths(bars)[:, 1].tolist() == [0, 1, 2, 3, 4]


def test_filters_have_time_to_the_right_and_one_scale_with_two_signs() -> None:
    weights = np.zeros((3, 5, 2))
    weights[1, 4, 0], weights[2, 0, 0] = 3.0, -1.0
    figure = first_filters(Kernel("conv1", weights), ORIGIN)
    pictures = [image for axes in figure.axes for image in axes.images]
    assert len({picture.get_clim() for picture in pictures}) == 1
    low, high = pictures[0].get_clim()
    assert low == -high
    assert np.asarray(pictures[1].get_array())[0, 4] == 3.0
    assert any("3 filters of 5 frames x 2 coefficients" in text for text in texts(figure))


def test_the_gates_of_a_recurrent_kernel_are_named() -> None:
    kernel = Kernel("gru", np.ones((13, 9)), ("update gate", "reset gate", "candidate"))
    assert set(kernel.gates) <= set(texts(first_filters(kernel, ORIGIN)))


def test_hostile_names_are_drawn_and_written_as_text() -> None:
    for names in (HOSTILE[:3], HOSTILE[3:6], HOSTILE[4:]):
        file, layer, _ = names
        explanation = explained_song(
            file=file,
            labels=tuple(names),
            activations={layer: np.ones((4, 3))},
            # Has none of these names.
            kernel=None,
        )
        html = render(explanation, draw(explanation))
        assert "<script" not in html
    assert all(len(text) < 160 for text in texts(what_decided([case(HOSTILE[6])], SCOPE)))


@pytest.mark.usefixtures("undrawn")
def test_the_page_tells_answer_genre_segment_and_both_probabilities() -> None:
    explanation = explained_song()
    figures = draw(explanation)
    html = render(explanation, figures)
    page = Page(html)
    assert faults(html) == []
    facts = " ".join(page.texts("dl", "facts"))
    assert "blues (0.600)" in facts
    assert "12.00 to 15.00 s" in facts
    assert page.texts("th")[3:] == ["jazz", "blues", "rock"]
    assert "1.85" in page.texts("section")[0]
    assert "from mel" in page.texts("section")[0]
    assert len([1 for tag, *_ in page.elements if tag == "img"]) == len(figures) == 6
    assert "http" not in html.replace("http-equiv", "")


def test_a_leak_is_marked_on_the_page() -> None:
    page = Page(render(explained_song(leaky=True), {}))
    assert len(page.texts("p", "alarm")) == 1
    assert Page(render(explained_song(), {})).texts("p", "alarm") == []


@pytest.mark.usefixtures("undrawn")
def test_a_report_has_the_section_only_where_there_are_cases() -> None:
    without = finished_run()
    report = replace(without, evidence=[case(), case("rock")])
    figures = run_report.draw(report)
    assert "what_decided" in figures
    decided = {"what_decided": figures["what_decided"]}
    assert 'id="decided"' in run_report.render(report, decided)
    assert "what_decided" not in run_report.draw(without)
    assert 'id="decided"' not in run_report.render(without, {})
