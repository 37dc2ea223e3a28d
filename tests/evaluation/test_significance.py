from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from genrecls.evaluation.significance import (
    accuracy_interval,
    holm,
    mcnemar,
    paired_bootstrap,
    summarise,
)


def _discordant(first: int, second: int, both: int = 10) -> tuple[np.ndarray, np.ndarray]:
    one = np.array([True] * first + [False] * second + [True] * both)
    other = np.array([False] * first + [True] * second + [True] * both)
    return one, other


def _ones(gaps: np.ndarray) -> np.ndarray:
    return np.ones(len(gaps), np.int64)


def test_mcnemar_of_many_pairs_is_the_textbook_example() -> None:
    """The ratings of a prime minister, 150 and 86 changes of mind (Agresti 2002, table 10.1)."""
    tested = mcnemar(*_discordant(150, 86))
    assert (tested.only_first, tested.only_second, tested.exact) == (150, 86, False)
    assert tested.p == pytest.approx(stats.chi2.sf(63**2 / 236, 1))
    assert tested.p == pytest.approx(4.115e-5, rel=1e-3)


def test_mcnemar_of_few_pairs_is_exact() -> None:
    tested = mcnemar(*_discordant(2, 10))
    assert tested.exact
    assert tested.p == pytest.approx(2 * (1 + 12 + 66) / 2**12)


def test_mcnemar_changes_from_exact_to_chi_square_at_25_pairs() -> None:
    assert [mcnemar(*_discordant(12, n)).exact for n in (12, 13)] == [True, False]


def test_mcnemar_of_equal_systems_finds_no_difference() -> None:
    assert mcnemar(*_discordant(0, 0)).p == 1
    assert mcnemar(*_discordant(20, 20)).p == 1


def test_the_bootstrap_interval_is_that_of_scipy() -> None:
    gaps = np.random.default_rng(1).choice([-1.0, 0, 0.5, 1], p=[0.1, 0.6, 0.1, 0.2], size=200)
    difference = paired_bootstrap(gaps, _ones(gaps))
    reference = stats.bootstrap((gaps,), np.mean, n_resamples=9999, method="percentile")
    assert difference.mean == pytest.approx(gaps.mean())
    assert difference.interval == pytest.approx(tuple(reference.confidence_interval), abs=0.008)


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws a tenth for each p and interval, where hundreds of them show what they are worth."""
    monkeypatch.setattr("genrecls.evaluation.significance.RESAMPLES", 1000)


@pytest.mark.usefixtures("few_resamples")
def test_the_bootstrap_interval_holds_the_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(2)
    result = []
    for seed in range(300):
        gaps = rng.choice([-1.0, 0, 1], p=[0.15, 0.6, 0.25], size=120)
        low, high = paired_bootstrap(gaps, _ones(gaps), seed).interval
        result.append(low <= 0.1 <= high)
    assert 0.91 < np.mean(result) < 0.98


@pytest.mark.usefixtures("few_resamples")
def test_p_is_small_as_often_as_it_says_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(3)
    draws = (rng.choice([-1.0, 0, 1], p=[0.2, 0.6, 0.2], size=120) for _ in range(300))
    p = np.array([paired_bootstrap(gaps, _ones(gaps)).p for gaps in draws])
    assert 0.02 < (p < 0.05).mean() < 0.09
    assert 0.4 < (p < 0.5).mean() < 0.6


@pytest.mark.parametrize("wins", [60, 66, 75, 85])
def test_p_and_interval_agree(wins: int) -> None:
    gaps = np.array([1.0] * wins + [-1.0] * 50)
    difference = paired_bootstrap(gaps, _ones(gaps))
    assert (difference.p < 0.05) == (difference.interval[0] > 0)


@pytest.mark.parametrize(("wins", "losses"), [(5, 0), (6, 0), (7, 1), (12, 4)])
def test_p_is_that_of_the_exact_sign_test_however_few_the_tracks(wins: int, losses: int) -> None:
    gaps = np.array([1.0] * wins + [-1.0] * losses + [0.0] * 5)
    exact = stats.binomtest(wins, wins + losses).pvalue
    assert paired_bootstrap(gaps, _ones(gaps)).p == pytest.approx(exact, abs=0.01)


def test_equal_systems_have_no_difference_and_p_of_one() -> None:
    difference = paired_bootstrap(np.zeros(10), np.ones(10, np.int64))
    assert (difference.mean, difference.p) == (0, 1)
    # Ten tracks on which they are equal do not exclude that another ten would differ.
    assert difference.interval == pytest.approx((-0.2775, 0.2775), abs=1e-4)


def test_gaps_that_cancel_out_over_seeds_are_no_difference() -> None:
    gaps = np.array([1 / 3, -1 / 3, 2 / 3, -2 / 3, 1 / 3, -1 / 3])
    assert paired_bootstrap(gaps, _ones(gaps)).p == 1


def test_a_track_in_several_test_parts_is_drawn_as_a_whole() -> None:
    """Twice the same answers are no more evidence than once."""
    gaps = np.random.default_rng(4).choice([-1.0, 0, 1], p=[0.1, 0.6, 0.3], size=60)
    once = paired_bootstrap(gaps, _ones(gaps))
    twice = paired_bootstrap(2 * gaps, 2 * _ones(gaps))
    assert twice == once


def test_holm_is_what_a_calculation_by_hand_gives_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def _first_right(*shares: float, tracks: int = 100) -> np.ndarray:
    """Return for each run its tracks, of which the first share is right."""
    return np.array([np.arange(tracks) < share * tracks for share in shares]).astype(np.int64)


def test_the_interval_of_one_run_is_that_of_its_tracks() -> None:
    right = _first_right(0.8)
    low, high = accuracy_interval(right, np.ones_like(right))
    reference = stats.binom(100, 0.8).ppf([0.025, 0.975]) / 100
    assert (low, high) == pytest.approx(tuple(reference), abs=0.011)


def test_runs_that_agree_on_the_same_tracks_are_worth_no_more_than_one() -> None:
    one, five = _first_right(0.2, tracks=10), _first_right(*[0.2] * 5, tracks=10)
    alone = accuracy_interval(one, np.ones_like(one))
    assert accuracy_interval(five, np.ones_like(five)) == pytest.approx(alone)
    assert alone[1] - alone[0] >= 0.4


def test_folds_have_tracks_of_their_own_and_together_a_narrower_interval() -> None:
    one = _first_right(0.8)
    right: np.ndarray = np.tile(_first_right(*[0.8] * 4), (1, 4))
    tested = np.kron(np.eye(4), np.ones(100)).astype(np.int64)
    together = np.ptp(accuracy_interval(right * tested, tested))
    alone = np.ptp(accuracy_interval(one, np.ones_like(one)))
    # Never narrower than 400 tracks in one part would have it.
    assert 2 * 1.96 * (0.8 * 0.2 / 400) ** 0.5 < together < 0.75 * alone


def test_the_spread_of_seeds_widens_the_interval() -> None:
    near, far = _first_right(0.5, 0.5, 0.5), _first_right(0.3, 0.5, 0.7)
    widths = [np.ptp(accuracy_interval(right, np.ones_like(right))) for right in (near, far)]
    assert widths[1] > 1.3 * widths[0]


def test_an_interval_exists_where_a_draw_misses_all_tracks_of_a_run() -> None:
    tested = np.eye(2, dtype=np.int64)
    first_alone = np.array([[1, 0], [0, 0]], np.int64)
    assert accuracy_interval(first_alone, tested) == (0.0, 1.0)


def test_five_seeds_that_are_all_right_on_four_tracks_have_an_interval() -> None:
    right = _first_right(*[1.0] * 5, tracks=4)
    assert accuracy_interval(right, np.ones_like(right)) == pytest.approx((0.5101, 1), abs=1e-4)


def test_a_difference_that_no_or_every_track_shows_has_an_interval() -> None:
    never, always = np.zeros(4), np.ones(4)
    assert paired_bootstrap(never, _ones(never)).interval == pytest.approx(
        (-0.4899, 0.4899), abs=1e-4
    )
    low, high = paired_bootstrap(always, _ones(always)).interval
    assert 0 < low < 0.5
    assert high == pytest.approx(1)


def test_the_interval_of_many_tracks_is_that_of_the_bootstrap() -> None:
    gaps = np.repeat([-1.0, 0, 1], [30, 220, 50])
    found = paired_bootstrap(gaps, _ones(gaps))
    normal = 1.96 * gaps.std() / 300**0.5
    assert np.ptp(found.interval) == pytest.approx(2 * normal, rel=0.05)


def test_a_summary_has_the_t_interval_of_the_mean() -> None:
    summary = summarise([0.7, 0.8, 0.6])
    assert summary.n == 3
    assert summary.mean == pytest.approx(0.7)
    assert summary.deviation == pytest.approx(0.1)
    reference = stats.t.interval(0.95, 2, 0.7, 0.1 / 3**0.5)
    assert summary.interval == pytest.approx(reference)


def test_a_single_value_has_neither_spread_nor_interval() -> None:
    summary = summarise([0.5])
    assert (summary.mean, summary.deviation, summary.n, summary.interval) == (0.5, None, 1, None)
