import math
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from genrecls.evaluation.class_balance import MajorityBaseline
from genrecls.evaluation.metrics import GenreScores, Scores
from genrecls.reports import numbers
from genrecls.reports.run import RunReport, audio_addresses, draw
from genrecls.reports.run import render as render_with
from genrecls.runs.metrics import PartMetrics, RejectedFile
from tests.reports.finished_run import changed, finished_run, with_counts
from tests.reports.page import Page, faults

DASH = "\u2013"
SPACE = "\u00a0"


def render(report: RunReport, figures: dict[str, Figure] | None = None) -> str:
    return render_with(report, draw(report) if figures is None else figures)


@cache
def plain_figures() -> dict[str, Figure]:
    """Return the figures of the plain run, for pages that differ from its own in words alone."""
    return draw(finished_run())


def page(report: RunReport) -> Page:
    return Page(render(report, figures={}))


def banners(report: RunReport) -> dict[str, str]:
    """Return the kind of every banner by its title."""
    kinds = [
        (attributes["class"] or "").removeprefix("banner ")
        for name, attributes, _ in page(report).elements
        if name == "aside"
    ]
    return dict(zip(page(report).texts("aside"), kinds, strict=True))


def test_an_honest_run_has_no_banner() -> None:
    assert banners(finished_run()) == {}
    assert "LEAKY" not in render(finished_run(), figures={})


def test_a_leaky_split_has_one_red_banner_and_is_named_beside_every_headline() -> None:
    report = finished_run(name="segment", leaks=("track",), caveat="Mind the gap.")
    ((text, kind),) = banners(report).items()
    assert kind == "leaky"
    assert text.startswith("LEAKY split segment")
    assert text.endswith("Mind the gap.")
    assert "segment (LEAKY)" in page(report).texts("div", "hero")[0]
    assert "split segment (LEAKY)" in page(report).texts("caption")[0]


def test_the_page_marks_the_name_of_the_split_and_has_no_bare_backticks() -> None:
    report = finished_run(name="fold2", caveat="Mind the gap.")
    assert "`" not in render(report, figures={})
    assert "fold2" in page(report).texts("code")
    assert "Caveat of split fold2Mind the gap." in banners(report)


def test_shared_artists_have_one_amber_banner_with_the_caveat() -> None:
    given = banners(finished_run(name="track", leaks=("artist",), caveat="Artists are everywhere."))
    assert given == {"Artists are sharedArtists are everywhere.": "caution"}
    ((text, kind),) = banners(finished_run(name="track", leaks=("artist",))).items()
    assert kind == "caution"
    assert "split=artist keeps them apart" in text


def test_a_split_that_leaks_tracks_and_artists_has_the_graver_banner_alone() -> None:
    report = finished_run(name="segment", leaks=("track", "artist"), caveat="Artists too.")
    assert banners(report) == {"LEAKY split segmentArtists too.": "leaky"}


def test_generated_data_have_a_blue_banner_and_are_named_at_the_headline() -> None:
    report = changed(finished_run(), "dataset", generated=True)
    assert list(banners(report).values()) == ["generated"]
    assert "generated data" in page(report).texts("div", "hero")[0]


def test_a_pretrained_network_has_a_banner_and_is_named_at_the_headline() -> None:
    report = changed(finished_run(), "model", pretraining="Million Song Dataset")
    ((text, kind),) = banners(report).items()
    assert kind == "caution"
    assert text.startswith("Pre-trained on Million Song Dataset")
    assert "no leak check can see into them" in text
    assert "pretraining: Million Song Dataset" in page(report).texts("div", "hero")[0]


def test_a_model_that_was_trained_once_more_says_whose_curves_these_are() -> None:
    again = "trained from the beginning on the train and validation parts together, for 2 epochs"
    assert again in render(changed(finished_run(), "selection", refit=True), figures={})
    assert "from the beginning" not in render(finished_run(), figures={})


@pytest.mark.parametrize(("count", "words"), [(1, "1 file was not"), (3, "3 files were not")])
def test_rejected_files_have_an_amber_banner_and_are_listed(count: int, words: str) -> None:
    file = RejectedFile("x", "in/broken.wav", "unreadable", "no header")
    report = changed(finished_run(), rejected=(file,) * count)
    ((text, kind),) = banners(report).items()
    assert (kind, words in text) == ("caution", True)
    assert page(report).texts("th", "path").count("in/broken.wav") == count


def test_a_thousand_rejected_files_are_counted_but_not_all_listed() -> None:
    file = RejectedFile("x", "in/broken.wav", "unreadable", "")
    report = changed(finished_run(), rejected=(file,) * 1000)
    assert page(report).texts("th", "path").count("in/broken.wav") == 100
    assert "First 100 of 1\u202f000 in no part of the split" in render(report, figures={})


@pytest.mark.usefixtures("undrawn")
def test_hostile_names_are_shown_as_text_and_never_become_markup() -> None:
    bad = '<script>alert("1")</script>\'"><img src=x onerror=y>'
    report = replace(
        finished_run([bad, "Ünï日本"]),
        name=bad,
        command=bad,
        config_yaml=bad,
        environment={bad: bad},
    )
    report = changed(report, rejected=(RejectedFile(bad, bad, bad, bad),))
    report = changed(report, "dataset", title=bad, citation=bad, licence=bad, note=bad)
    html = render(report)
    tags = {name for name, _, _ in Page(html).elements}
    assert "script" not in tags
    assert "<script" not in html
    images = [attributes for name, attributes, _ in Page(html).elements if name == "img"]
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in images)
    assert bad in page(report).texts("h1")
    assert "Ünï日本" in html


def test_a_file_name_that_is_not_text_can_be_written() -> None:
    report = finished_run()
    mistakes = [{**report.mistakes[0], "path": "in/\udcff.wav"}]
    report = replace(report, mistakes=mistakes)
    render(report, {"worst_mistakes": draw(report)["worst_mistakes"]}).encode("utf-8")


@pytest.mark.usefixtures("undrawn")
def test_the_page_loads_nothing() -> None:
    report = changed(finished_run(), "dataset", citation="see https://example.org/paper", note="x")
    html = render(report, plain_figures())
    for name, attributes, _ in Page(html).elements:
        assert name not in {"script", "link", "iframe", "object", "embed", "base"}
        for key in ("src", "href", "srcset", "poster", "action"):
            assert (attributes.get(key) or "data:").startswith("data:")
    style = html[html.index("<style>") : html.index("</style>")]
    assert not re.search(r"url\(|@import|https?:", style)
    assert "default-src 'none'" in html


def test_a_mistake_can_be_heard_where_its_file_is_at_hand(tmp_path: Path) -> None:
    run, beside = tmp_path / "outputs" / "run", tmp_path / "data" / "Élec #1" / "t0.wav"
    elsewhere = tmp_path.parent / f"{tmp_path.name} music" / "t1.mp3"
    unplayed, absent = beside.with_suffix(".au"), beside.with_name("absent.wav")
    for path in (run / "report.html", beside, elsewhere, unplayed):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    paths = [str(path) for path in (beside, elsewhere, unplayed, absent)]
    players = audio_addresses(paths, run)
    assert players == {
        paths[0]: "../../data/%C3%89lec%20%231/t0.wav",
        paths[1]: elsewhere.as_uri(),
    }
    report = finished_run(wrong=4)
    mistakes = [{**m, "path": p} for m, p in zip(report.mistakes, paths, strict=True)]
    html = render_with(replace(report, mistakes=mistakes), {}, players)
    sounds = [each for name, each, _ in Page(html).elements if name == "audio"]
    assert [sound["src"] for sound in sounds] == list(players.values())
    # Nothing is loaded before somebody presses the button.
    assert {sound["preload"] for sound in sounds} == {"none"}
    assert "media-src 'self' file:" in html
    assert faults(html) == []


def test_a_page_without_sound_may_load_none() -> None:
    html = render_with(finished_run(), {})
    assert "media-src" not in html
    assert "<audio" not in html


@pytest.mark.usefixtures("undrawn")
def test_the_page_is_read_on_a_narrow_screen() -> None:
    file = RejectedFile("x", "in/broken.wav", "unreadable", "no header")
    report = with_counts(finished_run(), "train", {"blues": 90, "jazz": 10, "rock": 50})
    assert faults(render(changed(report, rejected=(file,)))) == []


def test_every_score_is_tied_to_its_part_and_unit() -> None:
    parsed = page(finished_run())
    heads = {
        attributes["id"]: " ".join("".join(text).split())
        for name, attributes, text in parsed.elements
        if name == "th" and attributes.get("id")
    }
    parts = {
        "test-track": "test per track",
        "test-segment": "test per segment",
        "validation-track": "validation per track",
        "validation-segment": "validation per segment",
    }
    assert heads == {"score": "Score", **parts}
    cells = [
        attributes["headers"]
        for name, attributes, _ in parsed.elements
        if name == "td" and "headers" in attributes
    ]
    assert cells == list(parts) * 11


def test_every_number_outside_the_score_table_names_its_part() -> None:
    parsed = page(finished_run())
    for card in parsed.texts("div", "card"):
        assert card.startswith("Test ")
    for caption in parsed.texts("caption"):
        named = re.search(
            r"test (part|tracks)|validation part|All scores|Sizes|in no part", caption
        )
        assert named, caption


def test_each_column_shows_the_scores_of_its_own_part() -> None:
    report = finished_run()
    parts = {}
    for part, values in {"validation": (0.111, 0.222), "test": (0.333, 0.444)}.items():
        old = report.metrics.test
        parts[part] = replace(
            old,
            track=replace(old.track, macro_f1=values[0]),
            segment=replace(old.segment, macro_f1=values[1]),
        )
    parsed = page(changed(report, parts=parts))
    row = next(text for text in parsed.texts("tr") if text.startswith("Macro-F1"))
    assert row == "Macro-F10.3330.4440.1110.222"
    assert "0.333" in parsed.texts("div", "card")[1]


def test_the_headline_is_test_accuracy_per_track_with_interval_split_and_count() -> None:
    hero = page(finished_run()).texts("div", "hero")[0]
    assert hero.startswith("Test accuracy, per track 0.913")
    assert "95 % interval 0.813 to 0.963 · 23 test tracks Split artist" in hero


def test_the_page_says_what_intervals_and_averages_rest_on() -> None:
    report = finished_run()
    made = report.metrics.test.track
    lacking = {**made.per_genre, "rock": replace(made.per_genre["rock"], support=0)}
    part = replace(report.metrics.test, track=replace(made, per_genre=lacking))
    parsed = page(changed(report, parts={"validation": report.metrics.validation, "test": part}))
    notes = " ".join(parsed.texts("p", "about"))
    assert "take tracks as independent: 23 in the test part" in notes
    assert "of the test part leave out the genre without a track in it: rock" in notes
    assert "not shown below 500 independent" in notes
    assert "without rock, of which the part has none" in parsed.texts("div", "card")[1]
    row = next(text for text in parsed.texts("tr") if text.startswith("95 % interval of macro-F1"))
    assert row == "95 % interval of macro-F1" + "0.700 to 0.850" * 4


def test_accuracy_stands_beside_macro_f1_and_beside_the_majority_baseline() -> None:
    parsed = page(finished_run())
    accuracy, macro_f1, baseline = parsed.texts("div", "card")
    assert (accuracy[:13], macro_f1[:13]) == ("Test accuracy", "Test macro-F1")
    assert baseline == (
        "Test baseline, per track0.391Accuracy of always answering blues, the most frequent in "
        "the train part; macro-F1 0.187."
    )
    rows = [row for row in parsed.texts("tr") if "majority baseline" in row]
    assert [row.replace(SPACE, " ") for row in rows] == [
        "Accuracy of the majority baseline0.3910.4020.3910.402",
        "Macro-F1 of the majority baseline0.1870.1870.1870.187",
    ]


def test_a_run_whose_baseline_is_not_known_has_dashes_for_it() -> None:
    report = finished_run()
    parts = {name: replace(part, baseline={}) for name, part in report.metrics.parts.items()}
    row = next(
        text
        for text in page(changed(report, parts=parts)).texts("tr")
        if "Macro-F1 of the majority" in text
    )
    assert row == "Macro-F1 of the majority baseline" + DASH * 4


@pytest.mark.usefixtures("undrawn")
def test_unequal_genres_have_a_figure_with_what_helps_and_equal_ones_have_none() -> None:
    assert "Balance of the genres" not in render(finished_run(), plain_figures())
    unequal = {"blues": 90, "jazz": 10, "rock": 50}
    html = render(with_counts(finished_run(), "train", unequal))
    assert "Balance of the genres" in html
    assert "trainer.batches=balanced" in html
    assert 'class="genre_counts"' in html


@pytest.mark.parametrize("missing", [None, math.nan])
def test_scores_that_do_not_exist_are_a_dash(missing: Any) -> None:
    report = finished_run()

    def without(scores: Scores) -> Scores:
        keys = ("accuracy", "macro_f1", "roc_auc", "log_loss", "top3_accuracy")
        lost: dict[str, Any] = {**dict.fromkeys(keys, missing), "accuracy_interval": None}
        genres = {name: GenreScores(missing, missing, missing, 7) for name in scores.per_genre}
        return replace(scores, **lost, per_genre=genres)

    baseline = MajorityBaseline("blues", missing, missing)
    part = PartMetrics(
        segment=without(report.metrics.test.segment),
        track=without(report.metrics.test.track),
        baseline={"segment": baseline, "track": baseline},
    )
    html = render(changed(report, parts={"validation": part, "test": part}))
    row = next(text for text in Page(html).texts("tr") if text.startswith("Area"))
    assert row == "Area under the ROC curve" + DASH * 4
    assert not re.search(r">\s*(nan|None)\b", html)
    assert '--share: 0"' in html


@pytest.mark.usefixtures("undrawn")
def test_a_run_without_validation_scores_has_only_test_columns() -> None:
    report = changed(finished_run(), parts={"test": finished_run().metrics.test})
    assert page(report).texts("th", "number")[:2] == ["test per track", "test per segment"]
    assert "validation per" not in render(report)


@pytest.mark.usefixtures("undrawn")
def test_a_perfect_model_has_no_table_of_mistakes() -> None:
    html = render(finished_run(wrong=0))
    assert "No mistakes: every test track was given its genre." in html
    assert "Probability of the answer" not in html


def test_listed_mistakes_are_counted_against_all_of_them() -> None:
    report = finished_run(wrong=5)
    captions = page(replace(report, mistakes=report.mistakes[:2])).texts("caption")
    assert "Worst 2 of 5 wrong test tracks" in captions


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("epochs", [0, 1])
def test_runs_of_no_or_one_epoch_have_a_page(epochs: int) -> None:
    html = render(finished_run(epochs=epochs))
    assert ('class="learning_curves"' in html) is bool(epochs)


@pytest.mark.usefixtures("undrawn")
def test_every_figure_has_words_for_those_who_cannot_see_it() -> None:
    images = [
        attributes
        for name, attributes, _ in Page(render(finished_run(), plain_figures())).elements
        if name == "img"
    ]
    assert len(images) == 6
    assert all(
        re.search("test part|train and validation|Test tracks", str(image["alt"]))
        for image in images
    )


def test_what_makes_the_run_again_is_on_the_page() -> None:
    html = render(finished_run(), figures={})
    assert "genrecls train seed=7" in html
    assert "seed: 7" in html
    assert "3.11.9" in html
    assert "1\u00a0min 01\u00a0s" in html


def test_the_same_run_has_the_same_page() -> None:
    assert render(finished_run()) == render(finished_run(), plain_figures())


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, DASH),
        (3.21, "3.2 s"),
        (59.97, "1 min 00 s"),
        (245, "4 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_are_written_in_the_unit_that_fits(seconds: float | None, written: str) -> None:
    assert numbers.duration(seconds).replace(SPACE, " ") == written
