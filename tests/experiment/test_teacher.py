"""Who may teach: a run of the same data, genres and split, an ensemble, a published tagger."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from genrecls.errors import ConfigError, DataError, GenreclsError, ModelFileError, RunError
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.run_id import run_id
from genrecls.experiment.teacher import Teacher, find_teacher
from genrecls.runs.ensemble_card import ENSEMBLE, EnsembleCard, Member, write_ensemble
from genrecls.runs.run import Run
from genrecls.splits.base import Part, Split
from tests.conftest import ComposeExperiment
from tests.runs.finished_runs import GENRES, Made, finished_run

DATA = "f"
"""The fingerprint of the data of the runs."""


def teacher_run(root: Path, name: str, made: Made | None = None, weights: str = "") -> Run:
    run = finished_run(root, name, made)
    run.model_file.write_text(weights or name, encoding="utf-8")
    return run


def split_of(**parts: str) -> Split:
    """Return a split with these track ids in each part."""
    indices: dict[Part, dict[str, np.ndarray]] = {
        part: {track: np.arange(2) for track in parts.get(part, "").split()}
        for part in ("train", "validation", "test")
    }
    return Split("artist", indices, frozenset(), "")


@pytest.fixture
def student(tmp_path: Path, compose_experiment: ComposeExperiment) -> Experiment:
    teacher_run(tmp_path, "d-f-cnn-1")
    return compose_experiment("teacher=d-f-cnn-1", f"output_root={tmp_path}")


def found(student: Experiment) -> Teacher:
    teacher = find_teacher(student, DATA)
    assert teacher is not None
    return teacher


def test_a_teacher_of_the_same_split_may_teach(student: Experiment) -> None:
    teacher = found(student)
    assert teacher.name == "d-f-cnn-1"
    split = split_of(train="a b", validation="v000 v001", test="t000 t001 t002 t003")
    teacher.check_unseen(split, GENRES)


@pytest.mark.parametrize(
    ("parts", "number"),
    [
        ({"test": "t000 a", "validation": "v000"}, 0),
        ({"test": "t000", "validation": "v000 a b"}, 1),
        # It was selected on them.
        ({"test": "v000 v001", "validation": "t000"}, 1),
    ],
)
def test_a_teacher_that_knows_what_is_tested_is_refused(
    parts: dict[str, str], number: int, student: Experiment
) -> None:
    with pytest.raises(RunError, match=f"has learnt from (a|v000) and {number} more .* same split"):
        found(student).check_unseen(split_of(**parts), GENRES)


def test_a_teacher_of_other_genres_data_or_pieces_of_tracks_is_refused(
    student: Experiment, tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    with pytest.raises(RunError, match="tells jazz, rock, this training jazz, metal"):
        found(student).check_unseen(split_of(), ("jazz", "metal"))
    teacher_run(tmp_path, "d-f-cnn-2", Made(fingerprint="g"))
    teacher_run(tmp_path, "d-f-cnn-3", Made(leaks=("track",)))
    for word, reason in (
        ("cnn-2", "run d-f-cnn-2 was trained on other data"),
        ("cnn-3", "run d-f-cnn-3 has learnt from pieces of the tracks that test it"),
        ("cnn-4", "'cnn-4' names no runs"),
        ("latest", "'latest', which is another run tomorrow"),
        ("msd_musicn", "or one of msd_musicnn"),
    ):
        other = compose_experiment(f"teacher={word}", f"output_root={tmp_path}")
        with pytest.raises(RunError, match=reason):
            find_teacher(other, DATA)


def test_a_pattern_stands_for_the_run_of_the_same_fold(
    tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    def words(fold: int) -> tuple[str, ...]:
        folds = ("split=kfold", f"split.fold={fold}", "split.seed=0")
        return ("teacher=d-f-*", *folds, f"output_root={tmp_path}")

    for fold in (1, 2):
        split = compose_experiment(*words(fold)).resolved()["split"]
        teacher_run(tmp_path, f"d-f-cnn-{fold}", Made(split=split))
    for fold in (1, 2):
        assert found(compose_experiment(*words(fold))).name == f"d-f-cnn-{fold}"
    with pytest.raises(RunError, match="of the runs that 'd-f-\\*' matches, 0 have these data"):
        find_teacher(compose_experiment(*words(3)), DATA)


def test_the_weights_of_the_teacher_decide_which_run_it_is_and_not_its_name(
    student: Experiment, tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    teacher_run(tmp_path, "d-f-cnn-2", weights="d-f-cnn-1")
    teacher_run(tmp_path, "d-f-cnn-3", weights="others")
    here = run_id(student, DATA)
    same, other = (
        compose_experiment(f"teacher=d-f-cnn-{number}", f"output_root={tmp_path}")
        for number in (2, 3)
    )
    assert run_id(same, DATA) == here
    assert run_id(other, DATA) != here
    alone = compose_experiment(f"output_root={tmp_path}")
    assert run_id(alone, DATA) != here
    changed = compose_experiment("distill.temperature=3", f"output_root={tmp_path}")
    assert run_id(changed, DATA) == run_id(alone, DATA), "nobody is there to be listened to"


def test_an_ensemble_teaches_by_all_its_models(
    tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    members = [teacher_run(tmp_path, f"d-f-cnn-{number}") for number in (1, 2)]
    run = teacher_run(tmp_path, "d-f-ensemble-3")
    run.model_file.unlink()
    metrics = run.read_metrics()
    card = EnsembleCard(
        labels=metrics.labels,
        vote="mean",
        run=run.name,
        dataset="made",
        split="artist",
        leaks=(),
        generated=False,
        test=asdict(metrics.test),
        members=tuple(Member.of(member.model_file) for member in members),
    )
    write_ensemble(run.folder / ENSEMBLE, card)
    ensemble = compose_experiment("teacher=ensemble-3", f"output_root={tmp_path}")
    assert found(ensemble).models == tuple(member.model_file.resolve() for member in members)
    before = found(ensemble).digest
    members[1].model_file.write_text("another", encoding="utf-8")
    with pytest.raises(ModelFileError, match="the model of its run d-f-cnn-2 is another one now"):
        find_teacher(ensemble, DATA)
    assert before != found(compose_experiment("teacher=cnn-1", f"output_root={tmp_path}")).digest


def test_what_the_music_without_genres_holds_decides_and_not_where_it_lies(
    student: Experiment, tmp_path: Path, compose_experiment: ComposeExperiment
) -> None:
    def with_extra(folder: str, content: str | None = None) -> str:
        if content is not None:
            (tmp_path / folder).mkdir()
            (tmp_path / folder / f"{folder}.wav").write_text(content)
        words = ("teacher=d-f-cnn-1", f"distill.extra={tmp_path / folder}")
        places = (f"output_root={tmp_path}", f"data_root={tmp_path / 'data'}")
        return run_id(compose_experiment(*words, *places), DATA)

    one, same, other = with_extra("a", "x"), with_extra("b", "x"), with_extra("c", "y")
    assert one == same != other
    assert one != run_id(student, DATA)
    with pytest.raises(DataError, match=r"distill.extra: .* is no folder with music"):
        with_extra("nowhere")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("distill.extra=music",), "distill.extra: received 'music', but .* teacher="),
        (("teacher=x", "model=svm"), "model=svm is fitted at once; allowed: null"),
        (("teacher=x", "split=segment"), "split=segment divides tracks"),
        (
            (
                "teacher=x",
                "features=kaggle_table",
                "model=mlp",
                "dataset=gtzan_kaggle_table",
                "segment=30s",
            ),
            "not made of audio",
        ),
        (
            ("teacher=x", "distill.extra=music", "augment=audio"),
            "augment.audio.copies: received 3, .*distill.extra",
        ),
        (("teacher=x", "distill.temperature=0"), "distill.temperature: received 0"),
    ],
)
def test_a_teacher_where_it_cannot_teach_is_refused_before_anything_is_read(
    words: tuple[str, ...], reason: str, compose_experiment: ComposeExperiment
) -> None:
    with pytest.raises(ConfigError, match=reason):
        compose_experiment(*words)


def test_a_published_tagger_needs_no_run_and_says_what_it_had_heard(
    compose_experiment: ComposeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = found(compose_experiment("teacher=msd_musicnn"))
    assert teacher.pretraining == "Million Song Dataset"
    teacher.check_unseen(split_of(test="a"), GENRES)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(GenreclsError, match=re.escape("MSD_musicnn of the package musicnn is not")):
        teacher.fetch()
