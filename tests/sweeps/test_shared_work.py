"""What several trainings need is made once, before any of them starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.sweeps.plan import plan_jobs
from genrecls.sweeps.shared_work import prepare_shared


@pytest.fixture
def words(data_root: Path, tmp_path: Path) -> tuple[str, ...]:
    return ("debug=smoke", "dataset.seconds=3", f"data_root={data_root}", f"output_root={tmp_path}")


def test_each_kind_of_features_is_extracted_once(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    own = ("model=mlp", "features=summary,mfcc", "seed=0,1", "segment.length=1.5")
    prepare_shared(plan_jobs((*words, *own)))
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("features")]
    assert lines == [
        "features summary of synth: 0 tracks from the cache, 30 computed",
        "features mfcc of synth: 0 tracks from the cache, 30 computed",
    ]


def test_distorted_copies_are_made_once_a_seed(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = plan_jobs((*words, "augment=audio", "model=cnn,rnn", "seed=0"))
    prepare_shared(jobs)
    assert capsys.readouterr().err.count("Features copy 1 of mel: 1") == 1
    prepare_shared(jobs)
    assert "0 computed" in capsys.readouterr().err
