"""The whole audit, on generated music whose hidden copies are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from genrecls.config.compose import compose
from genrecls.config.validation import select
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.datasets.generated import Synth
from genrecls.errors import DataError
from genrecls.features.cache import FeatureStore
from genrecls.split_audit.audit import Audit, AuditSettings, audit
from tests.split_audit.copies import COPIES, dataset_of, music, rule, spec, splitters

LEAKY = ("dataset=synth_leaky", "dataset.tracks_per_band=1", "dataset.replicas=12")


def plan(*names: str) -> AuditSettings:
    return AuditSettings(splitters(*names), skip=True, spec=spec(), rule=rule(), seed=0, repeats=2)


@pytest.fixture(scope="module", autouse=True)
def _few_steps() -> Iterator[None]:
    """Leaves the logistic regression where it is after some steps; its scores do not matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genrecls.split_audit.score_inflation.MOST_STEPS", 20)
        yield


@pytest.fixture(scope="module")
def source() -> Synth:
    found = select(DATASETS, compose("data", [*LEAKY, "dataset.seconds=9"])["dataset"])
    assert isinstance(found, Synth)
    return found


@pytest.fixture(scope="module")
def dataset(source: Synth, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return source.load(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def found(dataset: Dataset) -> Audit:
    return audit(dataset, plan("artist", "track", "segment", "official"), FeatureStore(None))


def test_all_hidden_copies_are_found_and_nothing_else_is_called_a_copy(
    found: Audit, source: Synth
) -> None:
    copies = {frozenset((match.first, match.second)) for match in found.matches if match.copies}
    assert copies == set(map(frozenset, source.replica_pairs))


def test_copies_under_another_genre_contradict_each_other(found: Audit, dataset: Dataset) -> None:
    labels = {track.id: track.label for track in dataset.tracks}
    wrong = [match for match in found.matches if match.contradictory]
    assert wrong
    assert all(labels[match.first] != labels[match.second] for match in wrong)


def test_the_split_that_keeps_artists_apart_is_the_one_to_compare_with(found: Audit) -> None:
    assert found.most_honest == "artist"
    splits = {split.name: split for split in found.splits}
    assert not splits["artist"].inflation
    assert splits["artist"].honest
    assert splits["segment"].leaky
    assert splits["segment"].inflation["nearest"].mean > 0.1
    assert len(splits["segment"].overlap.copies) >= len(splits["artist"].overlap.copies) > 0


def test_what_the_data_do_not_allow_is_left_out_with_the_reason(found: Audit) -> None:
    assert set(found.left_out) == {"official"}
    assert "names no parts" in found.left_out["official"]


def test_a_split_that_was_asked_for_is_not_left_out(dataset: Dataset) -> None:
    with pytest.raises(DataError, match="names no parts"):
        audit(dataset, replace(plan("track", "official"), skip=False), FeatureStore(None))


def test_without_known_artists_only_tracks_can_be_kept_apart(tmp_path: Path) -> None:
    sounds = {f"t{n}": (music(n, 4), "xy"[n % 2], None) for n in range(6)}
    found = audit(
        dataset_of(tmp_path, sounds), plan("artist", "track", "segment"), FeatureStore(None)
    )
    assert "artists of dataset=made are not known" in found.left_out["artist"]
    assert found.most_honest == "track"


def test_between_equally_honest_splits_there_is_no_inflation(tmp_path: Path) -> None:
    sounds = {f"t{n}": (music(n, 10), "xy"[n % 2], None) for n in range(10)}
    found = audit(
        dataset_of(tmp_path, sounds), plan("track", "kfold", "segment"), FeatureStore(None)
    )
    splits = {split.name: split for split in found.splits}
    assert splits["track"].honest
    assert splits["kfold"].honest
    assert not splits["track"].inflation
    assert not splits["kfold"].inflation
    assert set(splits["segment"].inflation) == {"logistic", "nearest"}


def test_a_copy_more_or_less_by_chance_makes_no_split_less_honest(tmp_path: Path) -> None:
    sounds = {f"t{n}": (music(n // 2, 4), "xy"[n // 2 % 2], None) for n in range(24)}
    for name, (sound, genre, _) in list(sounds.items())[::2]:
        sounds[name] = (COPIES["half as loud"](sound), genre, None)
    found = audit(dataset_of(tmp_path, sounds), plan("track", "kfold"), FeatureStore(None))
    first, second = found.splits
    assert len(first.overlap.copies) != len(second.overlap.copies)
    assert first.honest
    assert second.honest


def test_no_split_at_all_is_one_line(tmp_path: Path) -> None:
    made = dataset_of(tmp_path, {"a": (music(1, 4), "x", None), "b": (music(2, 4), "y", None)})
    with pytest.raises(DataError, match="no split can be made; the first: split=official"):
        audit(made, plan("official"), FeatureStore(None))
