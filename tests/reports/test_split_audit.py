"""The split report holds whatever names the music has."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genrecls.features.cache import FeatureStore
from genrecls.reports.figures.split_audit import draw
from genrecls.reports.split_audit import SplitReport, as_csv, as_html, as_markdown, split_table
from genrecls.reports.style import save
from genrecls.split_audit.audit import Audit, AuditSettings, audit
from tests.reports.page import faults
from tests.split_audit.copies import dataset_of, music, rule, spec, splitters

GENRES = ("R&B | <b>soul</b>", "$ünd音楽$")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """Eight tracks of two hostile genres; the last is the first under another name and genre."""
    sounds = {f"t{n}": (music(n % 7, 4), GENRES[n % 2], f"<i>{n // 3}</i>") for n in range(8)}
    sounds["short"] = (music(9, 1), GENRES[0], "x")
    plan = AuditSettings(
        splitters("track", "segment"), skip=False, spec=spec(), rule=rule(), seed=0, repeats=1
    )
    return audit(dataset_of(tmp_path_factory.mktemp("made"), sounds), plan, FeatureStore(None))


@pytest.fixture(scope="module")
def equals(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """Two equally honest splits and a leaky one, of tracks whose artists are not known."""
    sounds = {f"t{n}": (music(n, 10), "xy"[n % 2], None) for n in range(10)}
    names = ("track", "kfold", "segment")
    plan = AuditSettings(splitters(*names), skip=False, spec=spec(), rule=rule(), seed=0, repeats=1)
    return audit(dataset_of(tmp_path_factory.mktemp("equals"), sounds), plan, FeatureStore(None))


def report(found: Audit) -> SplitReport:
    return SplitReport(found, "genrecls data split-report <x>", {"genrecls": "1"})


def test_names_are_escaped_in_the_page(found: Audit) -> None:
    page = as_html(report(found), draw(found))
    assert faults(page) == []
    assert "R&amp;B | &lt;b&gt;soul" in page
    assert "<b>soul" not in page
    assert "<i>" not in page
    assert "split-report &lt;x&gt;" in page
    assert "1 pair of tracks is one recording" in page
    assert "1 of the pairs have two different genres" in page
    assert "1 file cannot be used" in page


def test_names_do_not_break_the_tables_of_the_document(found: Audit) -> None:
    document = as_markdown(report(found), ["parts"])
    rows = [line for line in document.splitlines() if line.startswith("| R&B")]
    assert rows
    assert all("R&B \\| <b>" in row for row in rows)
    assert "![Segments of each genre in each part, a panel a split](parts.png)" in document


def test_the_file_of_pairs_has_every_number(found: Audit) -> None:
    (row,) = csv.DictReader(io.StringIO(as_csv(found)))
    assert (row["kind"], row["first"], row["second"]) == ("identical", "t0", "t7")
    assert (row["first_genre"], row["second_genre"], row["same_genre"]) == (*GENRES, "False")
    assert float(row["share"]) == 1
    assert row["apart_in"] == "segment"


def test_figures_are_drawn_of_any_names_and_only_of_what_is_there(
    found: Audit, tmp_path: Path
) -> None:
    for name, figure in draw(found).items():
        save(figure, tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"parts", "inflation", "near_duplicates"}
    assert set(draw(replace(found, matches=()))) == {"parts", "inflation"}
    assert "No two tracks" in as_html(report(replace(found, matches=())), {})


def test_a_suggestion_for_artists_is_passed_on(found: Audit) -> None:
    tracks = tuple(replace(track, artist=None) for track in found.scan.dataset.tracks)
    scan = replace(found.scan, dataset=replace(found.scan.dataset, tracks=tracks))
    page = as_html(report(replace(found, scan=scan, suggestion="use tags")), {})
    assert "The artists of 8 of 8 are not known" in page
    assert "; use tags." in page


def test_only_splits_that_are_less_honest_have_points(equals: Audit) -> None:
    rows = {row[0]: row for row in split_table(equals).rows}
    assert rows[equals.most_honest][-1] == "the most honest"
    other = "track" if equals.most_honest == "kfold" else "kfold"
    assert rows[other][-2:] == ("as honest", "as honest")
    assert rows["segment (LEAKY)"][-1][0] in "+-"
    document = as_markdown(report(equals), [])
    assert f"split={other}: as honest as split={equals.most_honest}" in document
    assert f"Points are percentage points above split={equals.most_honest}" in document


def test_the_figure_holds_scores_to_all_equally_honest_splits(equals: Audit) -> None:
    figure = draw(equals)["inflation"]
    about = figure.texts[1].get_text().replace("\n", " ")
    assert about.endswith("dashed: lowest and highest of track, kfold, equally honest")
    (axes,) = figure.axes
    drawn = [np.unique(np.asarray(line.get_xdata(), float)) for line in axes.lines]
    dashed = {places.item() for places in drawn if len(places) == 1}
    for split in equals.splits[:2]:
        assert {found.mean for found in split.accuracy.values()} <= dashed
