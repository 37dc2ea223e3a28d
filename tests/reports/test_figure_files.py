"""Figures are written in the files that are asked for, for a page or for a paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from genrecls.reports.figure_files import FigureSettings, figures_as, write_figures
from genrecls.reports.figures.genres import per_genre_bars
from genrecls.reports.run import draw_again
from genrecls.reports.scope import Scope
from genrecls.reports.style import COLUMN, TEXT
from tests.reports.finished_run import finished_run
from tests.runs.finished_runs import finished_run as run_folder

LEAKY = Scope("test", "track", "segment", leaks=("track",))


def drawing(scope: Scope = LEAKY) -> Callable[[], dict[str, Figure]]:
    scores = finished_run().metrics.test.track.per_genre
    return lambda: {"genres": per_genre_bars(scores, scope)}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_without_a_word_a_figure_is_one_png(tmp_path: Path) -> None:
    write_figures(drawing(), tmp_path)
    assert names(tmp_path) == ["genres.png"]


def test_vector_graphics_stand_beside_the_png_and_are_the_same_bytes_each_time(
    tmp_path: Path,
) -> None:
    for folder in ("one", "two"):
        with figures_as(FigureSettings(("svg", "pdf"))):
            write_figures(drawing(), tmp_path / folder)
    assert names(tmp_path / "one") == ["genres.pdf", "genres.png", "genres.svg"]
    for name, beginning in (("genres.pdf", b"%PDF"), ("genres.svg", b"<?xml")):
        content = (tmp_path / "one" / name).read_bytes()
        assert content.startswith(beginning)
        assert content == (tmp_path / "two" / name).read_bytes()


def test_a_figure_says_that_artists_are_on_both_sides() -> None:
    assert str(replace(LEAKY, split="track", leaks=("artist",))) == (
        "test part, per track · split track (artists shared)"
    )


def test_for_a_paper_the_caption_says_what_the_heading_of_a_page_does(tmp_path: Path) -> None:
    drawn: list[Figure] = []

    def draw() -> dict[str, Figure]:
        drawn.extend(drawing()().values())
        return {"genres": drawn[-1]}

    with figures_as(FigureSettings(("pdf",), "paper")):
        shown = write_figures(draw, tmp_path)["genres"]
    page, paper = drawn
    assert shown is page, "a page keeps its own figures"
    assert paper.get_figwidth() in {COLUMN, TEXT}
    written = [text.get_text() for text in paper.findobj(Text)]
    assert not any("LEAKY" in text for text in written)
    assert {text.get_fontfamily()[0] for text in paper.findobj(Text)} == {"STIXGeneral"}
    captions = (tmp_path / "figures.tex").read_text(encoding="utf-8")
    assert "\\includegraphics{genres.pdf}" in captions
    assert "LEAKY" in captions
    assert names(tmp_path) == ["figures.tex", "genres.pdf", "genres.png"]


def test_captions_of_figures_that_are_still_there_are_kept(tmp_path: Path) -> None:
    def captions() -> list[str]:
        lines = (tmp_path / "figures.tex").read_text(encoding="utf-8").splitlines()
        return [line.strip() for line in lines if "\\label" in line]

    with figures_as(FigureSettings(("png",), "paper")):
        for name in ("a_genre", "genres", "a_genre"):
            figures = {name: drawing()()["genres"]}
            write_figures(figures.copy, tmp_path)
        assert captions() == ["\\label{fig:a_genre}", "\\label{fig:genres}"]
        (tmp_path / "a_genre.png").unlink()
        write_figures(drawing(), tmp_path)
    assert captions() == ["\\label{fig:genres}"]


def test_a_finished_run_is_drawn_again_only_where_another_way_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_folder(tmp_path, "made")
    draw_again(run, FigureSettings())
    assert not run.figures_folder.exists()
    draw_again(run, FigureSettings(("svg",)))
    assert "confusion_matrix.svg" in names(run.figures_folder)
    (run.figures_folder / "confusion_matrix.svg").unlink()
    draw_again(run, FigureSettings(("svg",)))
    assert "confusion_matrix.svg" not in names(run.figures_folder)
    assert capsys.readouterr().err.count("drawn again: ") == 1
