from __future__ import annotations

from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest

from genrecls.comparison.leaderboard import Leaderboard, compare, newest
from genrecls.runs.record import RunRecord, read
from tests.runs.finished_runs import Made, finished_run


def runs_of(root: Path, *made: Made) -> list[RunRecord]:
    return [read(finished_run(root, f"run-{number}", one)) for number, one in enumerate(made)]


def boards_of(root: Path, *made: Made) -> tuple[Leaderboard, ...]:
    return compare(runs_of(root, *made), "validation", "test")


GOOD = Made(validation=(1, 1), test=(1, 1, 0, 0))
POOR = Made(validation=(0, 1), test=(1, 1, 1, 0), model="rnn")


def test_runs_that_differ_in_seed_and_place_alone_are_one_system(tmp_path: Path) -> None:
    one = runs_of(tmp_path / "a", Made(seed=1))
    other = runs_of(tmp_path / "b", Made(seed=0, test=(1, 1, 1, 1)))
    (board,) = compare([*one, *other], "validation", "test")
    (system,) = board.systems
    assert [run.repetition[0] for run in system.runs] == [0, 1]
    assert (system.label, system.repetitions) == ("cnn mfcc", "seeds 0 1")
    assert system.score("test").mean == pytest.approx(0.875)
    assert system.score("test").n == 2
    assert board.verdicts == (None,)


def test_a_system_has_the_name_of_its_preset_which_is_no_difference(tmp_path: Path) -> None:
    named = Made(settings={"preset": "cnn_micro", "units": 8})
    from_before = Made(seed=1, settings={"units": 8})
    (board,) = boards_of(tmp_path, named, from_before)
    assert [(one.label, len(one.runs)) for one in board.systems] == [("cnn_micro mfcc", 2)]


def test_runs_from_before_split_seed_are_one_system_with_those_of_after(tmp_path: Path) -> None:
    before = Made(split={"name": "track", "ratio": [3, 1, 1]})
    after = replace(before, seed=1, split={**before.split, "seed": None})
    (board,) = boards_of(tmp_path, before, after)
    assert [len(system.runs) for system in board.systems] == [2]


def test_a_fixed_split_is_another_split_and_its_seed_has_its_whole_name(tmp_path: Path) -> None:
    free = Made(split={"name": "track", "seed": None})
    fixed = [replace(free, seed=seed, split={"name": "track", "seed": 4}) for seed in (0, 1)]
    boards = boards_of(tmp_path, free, *fixed)
    assert {len(board.systems[0].runs) for board in boards} == {1, 2}
    assert "split.seed=4" in {board.distinction for board in boards}


def test_folds_of_one_split_are_one_system(tmp_path: Path) -> None:
    folds = [Made(split={"name": "kfold", "fold": fold}, first=4 * fold) for fold in (2, 1)]
    (board,) = boards_of(tmp_path, *folds)
    assert board.systems[0].repetitions == "seed 0, folds 1 2"


def test_seeds_that_leak_differently_are_one_system_that_says_all_of_it(tmp_path: Path) -> None:
    # Of a rule that may part the tracks of an artist, one seed does and another does not.
    parted = replace(GOOD, seed=1, split={"name": "track"}, leaks=("artist",))
    (board,) = boards_of(tmp_path, replace(parted, seed=0, leaks=()), parted)
    assert [len(system.runs) for system in board.systems] == [2]
    assert board.split == "track (artists shared)"
    assert not board.leaky


def test_a_board_knows_whether_its_systems_have_the_same_seeds_and_folds(tmp_path: Path) -> None:
    folds = [replace(GOOD, split={"name": "kfold", "fold": fold}) for fold in (1, 2)]
    (even,) = boards_of(tmp_path / "even", *folds, *(replace(one, model="rnn") for one in folds))
    (uneven,) = boards_of(tmp_path / "uneven", *folds, replace(folds[0], model="rnn"))
    assert (even.uneven, uneven.uneven) == (False, True)


def test_the_best_is_chosen_by_validation_unless_test_is_asked_for(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, POOR, GOOD)
    (honest,) = compare(runs, "validation", "test")
    (flattered,) = compare(runs, "test", "test")
    assert [system.label for system in honest.systems] == ["cnn mfcc", "rnn mfcc"]
    assert [system.label for system in flattered.systems] == ["rnn mfcc", "cnn mfcc"]


def test_systems_of_equal_scores_share_their_place(tmp_path: Path) -> None:
    models = [replace(GOOD, model=model, test=(1, 0, 0, 0)) for model in ("gru", "lstm")]
    (board,) = boards_of(tmp_path, POOR, GOOD, *models, replace(POOR, model="mlp"))
    assert [(row.place, row.tied) for row in board.ranked] == [(1, 2)] * 3 + [(4, 1)] * 2


def test_each_system_but_the_best_is_tested_against_it(tmp_path: Path) -> None:
    ((best, verdict),) = (board.verdicts for board in boards_of(tmp_path, POOR, GOOD))
    assert best is None
    assert verdict is not None
    assert verdict.pairing.difference is not None
    assert verdict.pairing.difference.mean == 0.25
    assert verdict.p == verdict.pairing.difference.p


def test_p_values_are_corrected_over_all_tables(tmp_path: Path) -> None:
    best = Made(validation=(1, 1), test=(1,) * 40)
    worse = replace(best, validation=(0, 1), test=(1,) * 34 + (0,) * 6, model="rnn")
    made = [replace(one, fingerprint=data) for data in "fg" for one in (best, worse)]
    for board in boards_of(tmp_path, *made):
        verdict = board.verdicts[1]
        assert verdict is not None
        assert verdict.pairing.mcnemar is not None
        assert verdict.pairing.mcnemar.p == pytest.approx(2 / 2**6)
        assert verdict.p_mcnemar == pytest.approx(4 / 2**6)


@pytest.mark.parametrize(
    "other",
    [
        {"fingerprint": "g"},
        {"split": {"name": "track", "ratio": [3, 1, 1]}, "leaks": ["artist"]},
        {"split": {"name": "artist", "ratio": [8, 1, 1]}},
    ],
)
def test_other_data_or_splits_have_a_table_of_their_own(
    other: dict[str, object], tmp_path: Path
) -> None:
    boards = boards_of(tmp_path, GOOD, replace(POOR, **other))  # type: ignore[arg-type]
    assert [len(board.systems) for board in boards] == [1, 1]


def test_other_test_tracks_have_a_reason_instead_of_a_p(tmp_path: Path) -> None:
    (board,) = boards_of(tmp_path, GOOD, replace(POOR, seed=1, first=2))
    verdict = board.verdicts[1]
    assert verdict is not None
    assert (verdict.p, verdict.p_mcnemar) == (None, None)
    assert verdict.pairing.reason == "other test tracks: 2 of 4 in common"


def test_a_label_names_what_tells_systems_of_one_model_apart(tmp_path: Path) -> None:
    (board,) = boards_of(
        tmp_path,
        Made(settings={"width": 32, "depth": 2}),
        Made(settings={"width": 64, "depth": 2}),
        Made(model="rnn", settings={"layers": 1}),
    )
    labels = [system.label for system in board.systems]
    assert labels == ["cnn mfcc width=32", "cnn mfcc width=64", "rnn mfcc"]


def test_systems_with_many_differences_are_told_apart_by_the_end_of_the_name(
    tmp_path: Path,
) -> None:
    made = [Made(settings=dict.fromkeys("abcd", value)) for value in (1, 2)]
    (board,) = boards_of(tmp_path, *made)
    labels = [system.label for system in board.systems]
    assert labels == [
        "cnn mfcc a=1 b=1 c=1 … (0)",
        "cnn mfcc a=2 b=2 c=2 … (1)",
    ]


def test_long_settings_that_differ_at_their_ends_are_told_apart(tmp_path: Path) -> None:
    units = [512, 256, 128, 64, 32]
    (board,) = boards_of(tmp_path, *(Made(settings={"units": [*units, last]}) for last in (16, 8)))
    first, second = (system.label for system in board.systems)
    assert first != second
    genres = ["blues", "classical", "country"]
    titles = {
        each.about
        for each in boards_of(
            tmp_path / "splits",
            *(
                replace(GOOD, fingerprint=last, split={"name": "own", "genres": [*genres, last]})
                for last in ("disco", "jazz")
            ),
        )
    }
    assert len(titles) == 2


def test_a_genre_without_test_tracks_has_no_f1(tmp_path: Path) -> None:
    (run,) = runs_of(tmp_path, GOOD)
    scores = run.metrics.test.track
    (name, *_) = scores.per_genre
    absent = {**scores.per_genre, name: replace(scores.per_genre[name], support=0, f1=0.0)}
    track = replace(scores, per_genre=absent)
    metrics = run.metrics
    test = replace(metrics.test, track=track)
    without = replace(run, metrics=replace(metrics, parts={**metrics.parts, "test": test}))
    (board,) = compare([without, replace(run, name="other")], "validation", "test")
    assert isnan(without.f1("test")[name])
    assert board.systems[0].f1("test")[name] == run.f1("test")[name]


def test_of_two_runs_of_one_configuration_and_seed_the_newer_counts(tmp_path: Path) -> None:
    old, new = runs_of(tmp_path, Made(), Made())
    kept, older = newest([replace(old, changed="2020"), replace(new, changed="2021")])
    assert [run.name for run in kept] == [new.name]
    assert [run.name for run in older] == [old.name]


def test_the_interval_of_one_run_is_its_own_and_of_several_holds_their_tracks(
    tmp_path: Path,
) -> None:
    (board,) = boards_of(tmp_path, Made(), Made(model="rnn"), Made(model="rnn", seed=1))
    alone, several = board.systems
    assert alone.interval("test") == (0.375, 1.0)
    # Seeds that agree do not know the genres of other tracks.
    assert several.interval("test") == (0.25, 1.0)


def test_leaderboards_of_one_title_name_the_settings_that_differ(tmp_path: Path) -> None:
    made = [Made(split={"name": "track", "ratio": ratio}) for ratio in ([3, 1, 1], [8, 1, 1])]
    boards = boards_of(tmp_path, *made, Made())
    assert [board.about for board in boards] == [
        "made · split track · ratio=[3, 1, 1]",
        "made · split track · ratio=[8, 1, 1]",
        "made · split artist",
    ]


def test_leaderboards_of_equal_settings_name_their_files(tmp_path: Path) -> None:
    boards = boards_of(tmp_path, *(Made(fingerprint=f * 64) for f in "ab"))
    assert [board.distinction for board in boards] == ["files aaaaaa", "files bbbbbb"]


def test_an_interval_stays_among_the_accuracies_that_exist(tmp_path: Path) -> None:
    (board,) = boards_of(tmp_path, Made(test=(1, 1)), Made(test=(1, 0), seed=1))
    assert board.systems[0].interval("test") == (0.0, 1.0)


def test_a_leaderboard_knows_what_differs_and_only_that(tmp_path: Path) -> None:
    made = [Made(settings={"width": width, "depth": 2}) for width in (32, 64)]
    (board,) = boards_of(tmp_path, *made, replace(made[0], seed=1))
    assert board.differing == ("model.width",)
    assert [system.settings["model.width"] for system in board.systems] == [32, 64]


def test_a_system_knows_its_costs_where_its_runs_tell_them(tmp_path: Path) -> None:
    made = [Made(seconds=60), Made(seconds=80, seed=1, int8=900), Made(model="rnn")]
    told, silent = boards_of(tmp_path, *made)[0].systems
    assert told.seconds is not None
    assert (told.seconds.mean, told.seconds.n) == (70, 2)
    assert (told.parameters, told.int8_bytes, silent.int8_bytes) == (1234, 900, None)


def test_a_run_that_does_not_tell_its_time_leaves_the_system_without(tmp_path: Path) -> None:
    one, other = runs_of(tmp_path, Made(), Made(seed=1))
    silent = replace(other, metrics=replace(other.metrics, seconds={}))
    (board,) = compare([one, silent], "validation", "test")
    assert board.systems[0].seconds is None


def test_a_system_that_had_learned_elsewhere_says_so_in_its_name(tmp_path: Path) -> None:
    (one,) = runs_of(tmp_path, Made())
    model = replace(one.metrics.model, pretraining="Million Song Dataset")
    before = replace(one, metrics=replace(one.metrics, model=model))
    (board,) = compare([before], "validation", "test")
    assert board.systems[0].label == "cnn mfcc (pretraining: Million Song Dataset)"
