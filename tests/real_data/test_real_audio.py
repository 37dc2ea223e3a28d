"""Real GTZAN tracks and real FMA clips, where GENRECLS_TEST_DATA says they are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.in_process import Answer, run_here

DATA = os.environ.get("GENRECLS_TEST_DATA", "")
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.tensorflow,
    pytest.mark.skipif(not DATA, reason="GENRECLS_TEST_DATA is not set"),
    pytest.mark.usefixtures("without_figures"),
]
GTZAN = ("dataset=gtzan", f"dataset.root='{DATA}/gtzan'")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real")


def train(work: Path, *overrides: str) -> Answer:
    answer = run_here(work, "train", *GTZAN, *overrides)
    assert answer.status == 0, answer.err
    return answer


def latest_scores(work: Path) -> dict[str, dict[str, float]]:
    metrics = json.loads((work / "outputs" / "latest" / "metrics.json").read_text())
    scores: dict[str, dict[str, float]] = metrics["parts"]["test"]
    return scores


def test_all_real_tracks_are_usable(work: Path) -> None:
    # The index is kept beside the data, which are not the tests' own.
    (work / "tracks").mkdir()
    for genre in Path(DATA, "gtzan").resolve().iterdir():
        (work / "tracks" / genre.name).symlink_to(genre)
    words = ("dataset=gtzan", "dataset.root=tracks", "--format", "json")
    answer = run_here(work, "data", "verify", *words)
    assert answer.status == 0, answer.err
    assert "160 files checked: 160 usable, 0 not" in answer.err
    assert {row["code"] for row in json.loads(answer.out)} <= {"clipped"}


@pytest.fixture(scope="module")
def trained(work: Path, tensorflow: None) -> dict[str, dict[str, float]]:
    """The scores of the first training, which computes the features of all tracks."""
    assert "0 tracks from the cache, 160 computed" in train(work, "trainer.epochs=8").err
    return latest_scores(work)


def test_a_short_training_on_real_music_is_far_above_chance(
    trained: dict[str, dict[str, float]],
) -> None:
    assert trained["track"]["count"] == 30
    assert trained["segment"]["accuracy"] > 0.25
    assert trained["track"]["top3_accuracy"] > 0.5


def test_the_second_training_on_the_same_features_reads_no_audio(
    work: Path, trained: dict[str, dict[str, float]]
) -> None:
    answer = train(work, "trainer.epochs=1", "seed=2")
    assert "160 tracks from the cache, 0 computed" in answer.err


@pytest.mark.parametrize(
    ("split", "kept"),
    [
        ("artist", 155),  # the artists of five tracks are not known
        ("artist_folds", 155),
        ("fault_filtered", 144),
    ],
)
def test_published_knowledge_shapes_the_splits(
    work: Path, trained: dict[str, dict[str, float]], split: str, kept: int
) -> None:
    train(work, "trainer.epochs=1", f"split={split}")
    metrics = json.loads((work / "outputs" / "latest" / "metrics.json").read_text())
    counts = metrics["split"]["counts"]
    assert sum(part["tracks"] for part in counts.values()) == kept


def test_real_stereo_mp3_is_classified(work: Path, trained: dict[str, dict[str, float]]) -> None:
    clips = sorted(Path(DATA, "fma_small_sample", "000").glob("*.mp3"))
    answer = run_here(work, "predict", *clips, "--format", "json")
    assert answer.status == 0, answer.err
    found = json.loads(answer.out)
    assert len(found) == len(clips) == 13
    assert all(result["segments"][-1]["end"] > 29 for result in found)
