"""What a teacher says of the student's segments: heard once, aligned, kept, and never of a test."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls import api
from genrecls.errors import ConfigError, DataError
from genrecls.experiment import teacher_answers
from genrecls.experiment.experiment import Experiment, compose_experiment
from genrecls.experiment.prepare import PreparedData, load_dataset_checked, prepare, store_of
from genrecls.experiment.refit import refit
from genrecls.experiment.teacher import find_teacher
from genrecls.experiment.teacher_answers import TeacherAnswers, teach
from genrecls.features.extract import fingerprint
from genrecls.inference.tagger import PublishedTagger, published_tagger
from genrecls.models.musicnn_weights import WHEEL
from genrecls.runs.model_file import load
from genrecls.runs.run import Run
from genrecls.training.distillation import soften
from tests.models.test_music_taggers import PUBLISHED, needs_weights

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("without_figures")]

GENRES = 10
WORDS = ("dataset=synth_tiny", "split.seed=0", "segment.length=1")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("teacher")


@pytest.fixture(scope="module")
def run(root: Path, tensorflow: None) -> Run:
    """A teacher that is fitted at once."""
    places = (f"data_root={root / 'data'}", f"output_root={root / 'outputs'}")
    made = api.train(*WORDS, "model=svm", "features=mfcc", *places, progress=False)
    assert isinstance(made, Run)
    return made


def student(root: Path, *words: str) -> Experiment:
    places = (f"data_root={root / 'data'}", f"output_root={root / 'outputs'}")
    return compose_experiment([*WORDS, *places, *words])


def taught(experiment: Experiment, models: int = 1) -> PreparedData:
    """Return the data of a training with the answers of its teacher, so many times its model."""
    store = store_of(experiment)
    dataset = load_dataset_checked(experiment, store)
    teacher = find_teacher(experiment, fingerprint(dataset, store.digests))
    assert teacher is not None
    teacher = replace(teacher, models=teacher.models * models)
    return teach(experiment, prepare(experiment, dataset, store, copies=True), store, teacher)


def test_a_segment_gets_the_mean_of_what_was_said_within_it_else_what_is_nearest() -> None:
    starts = np.linspace(0, 2, 5)
    answers = TeacherAnswers(starts, 1.0, np.arange(5, dtype=np.float32)[:, None])
    # As long as one, room for three, shorter than one and between two, behind the last.
    assert answers.within(np.array([0.5]), 1.0).tolist() == [[1]]
    assert answers.within(np.array([0.5, 0.4]), 2.0).tolist() == [[2], [1.5]]
    assert answers.within(np.array([0.9]), 0.5).tolist() == [[1]]
    assert answers.within(np.array([7.0]), 1.0).tolist() == [[4]]


def test_soft_labels_are_what_a_run_says_of_the_same_segments_and_are_computed_once(
    run: Run, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("features=mfcc", f"teacher={run.name}", "distill.temperature=3")
    data = taught(student(root, *words))
    training = data.training
    assert training is not None
    assert training.teacher is not None
    assert data.distillation is not None
    assert (data.distillation.classes, data.distillation.embedding) == (GENRES, 0)
    model, _ = load(run.model_file)
    expected = soften(model.predict(dict(training.inputs), verbose=0), 3.0)
    np.testing.assert_allclose(training.teacher, expected, atol=1e-4)
    assert "0 tracks from the cache" in capsys.readouterr().err
    again = taught(student(root, *words)).training
    assert again is not None
    assert again.teacher is not None
    assert ", 0 listened to" in capsys.readouterr().err
    assert np.array_equal(again.teacher, training.teacher)


def test_an_ensemble_gives_the_mean_of_its_networks_and_has_no_layers(run: Run, root: Path) -> None:
    words = ("features=mfcc", f"teacher={run.name}")
    alone = taught(student(root, *words)).training
    both = taught(student(root, *words), models=2).training
    assert alone is not None
    assert both is not None
    assert alone.teacher is not None
    assert both.teacher is not None
    np.testing.assert_allclose(both.teacher, alone.teacher, rtol=1e-6)
    with pytest.raises(ConfigError, match="is an ensemble, whose networks have no common layers"):
        taught(student(root, *words, "distill.layers=[probabilities]"), models=2)


def test_layers_of_a_run_are_an_embedding_and_unknown_ones_are_refused(
    run: Run, root: Path
) -> None:
    model, _ = load(run.model_file)
    layer = next(each for each in model.layers[1:] if len(each.output.shape) == 2)
    words = (f"teacher={run.name}", "distill.soft_weight=0")
    data = taught(student(root, *words, f"distill.layers=[{layer.name}]"))
    assert data.distillation is not None
    assert data.distillation.embedding == layer.output.shape[1]
    for layers, reason in (("[nothing]", "received 'nothing', which is no layer"), ("null", "set")):
        with pytest.raises(ConfigError, match=reason):
            taught(student(root, *words, f"distill.layers={layers}"))


def test_music_without_genres_is_heard_but_for_tracks_that_test(
    run: Run, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = student(root, f"teacher={run.name}", "trainer.crops=2")
    data = taught(plain)
    assert data.training is not None
    tracks = {track.id: track.path for track in data.dataset.tracks}
    tested, seen = (next(iter(data.split.parts[part])) for part in ("test", "train"))
    for number, track in enumerate((tested, seen)):
        shutil.copy(tracks[track], tmp_path / f"{number}.wav")
    capsys.readouterr()
    more = taught(
        student(root, f"teacher={run.name}", "trainer.crops=2", f"distill.extra={tmp_path}")
    ).training
    assert more is not None
    assert more.teacher is not None
    said = capsys.readouterr().err
    assert (
        f"left out 1 track of the validation and test parts, such as {tmp_path / '0.wav'}" in said
    )
    added = len(more) - len(data.training)
    assert set(more.tracks[-added:]) == {"extra/1.wav"}
    assert (more.targets[-added:] == -1).all()
    assert (more.targets[:-added] >= 0).all()
    # It is a copy of a track of the training part, of which the same is said.
    own = [row for row, track in enumerate(more.tracks) if track == seen]
    assert np.array_equal(more.teacher[own], more.teacher[-added:])
    (tmp_path / "1.wav").rename(tmp_path / "1.aa")
    with pytest.raises(DataError, match=r"nothing of 1 file in .* is left"):
        taught(student(root, f"teacher={run.name}", f"distill.extra={tmp_path}"))
    assert "left out 1 file (1 .aa), such as 1.aa" in capsys.readouterr().err


def test_a_student_and_its_refit_need_their_teacher_only_while_they_learn(
    run: Run, root: Path, tmp_path: Path
) -> None:
    teacher = shutil.copytree(run.folder, tmp_path / run.name)
    places = (f"data_root={root / 'data'}", f"output_root={tmp_path / 'outputs'}")
    # A projection onto a layer of the teacher, too.
    layer = f"distill.layers=[{load(run.model_file)[0].layers[-1].name}]"
    small = ("model.conv.blocks=[]", "debug=smoke")
    words = (*WORDS, *places, f"teacher={teacher}", layer, *small)
    made = api.train(*words, progress=False)
    assert isinstance(made, Run)
    again = api.train(*words, progress=False)
    assert isinstance(again, Run)
    assert again.name == made.name
    network = refit([made], data_root=str(root / "data"), display=()).model
    assert not any("projection" in layer.name for layer in network.layers)
    shutil.rmtree(teacher)
    assert api.evaluate(made, data_root=root / "data").track.count == made.metrics.test.track.count
    model, _ = load(made.model_file)
    assert not any("projection" in layer.name for layer in model.layers)


@dataclass(frozen=True)
class _Tagger:
    """A network that stands in for a published one."""

    name: str = "musicnn"

    def tagger(self) -> Any:
        import keras
        from keras import layers

        keras.utils.set_random_seed(0)
        source = keras.Input((43, 13), name="mfcc")
        x = layers.Conv1D(3, 3, name="mid_end")(source)
        x = layers.GlobalMaxPooling1D(name="largest")(x)
        x = layers.Dense(4, name="penultimate")(x)
        return keras.Model({"mfcc": source}, layers.Dense(50, name="logits")(x))


def tagged_student(root: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Experiment:
    """Return a student of the network that stands in for a published one."""
    experiment = student(root, "teacher=msd_musicnn", "features=mfcc", *words)
    rule = replace(experiment.segment, source="spectrogram")
    stand_in = PublishedTagger(_Tagger(), experiment.features, rule)  # type: ignore[arg-type]
    monkeypatch.setattr(teacher_answers, "published_tagger", lambda _: stand_in)
    return experiment


def test_the_embedding_of_a_tagger_is_standardised_and_marks_the_score(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = tagged_student(root, monkeypatch, "trainer.crops=3")
    data = taught(experiment)
    assert data.distillation is not None
    assert (data.distillation.classes, data.distillation.embedding) == (0, 3 + 4)
    assert data.training is not None
    assert data.training.teacher is not None
    np.testing.assert_allclose(data.training.teacher.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(data.training.teacher.std(axis=0), 1, atol=1e-4)
    assert data.pretraining == "Million Song Dataset"
    assert "had a teacher, trained on Million Song Dataset" in capsys.readouterr().err


def test_a_tagger_that_is_built_once_more_in_a_process_finds_what_it_said(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A training with `trainer.refit` asks it twice."""
    experiment = tagged_student(root, monkeypatch, "distill.hop=1")
    for _ in range(2):
        taught(experiment)
    assert ", 0 listened to" in capsys.readouterr().err


@needs_weights
def test_the_published_tagger_says_of_a_segment_what_its_frozen_layers_say(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    (tmp_path / "models").mkdir()
    (tmp_path / "models" / WHEEL).symlink_to(Path(str(PUBLISHED)).absolute())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    words = ("teacher=msd_musicnn", "distill.standardise=false", "distill.hop=1")
    data = taught(student(root, *words))
    assert data.training is not None
    answers = data.training.teacher
    assert answers is not None
    assert answers.shape == (len(data.training), 192 + 200)
    # The first segment lies in the first patch, and is shorter.
    track = next(each for each in data.dataset.tracks if each.id == data.training.tracks[0])
    published = published_tagger("msd_musicnn")
    samples = published.features.read(track, data.dataset.limits)
    patches = published.rule.apply(samples, published.features).inputs["mel"]
    for layer, columns in (("mid_end", slice(192)), ("penultimate", slice(192, None))):
        family = replace(published.family, layer=layer)  # type: ignore[call-arg]
        network = family.tagger()
        frozen = keras.Model(network.input, network.get_layer(family.embedding_layer).output)
        (expected,) = frozen.predict({"mel": patches[:1]}, verbose=0)
        np.testing.assert_allclose(answers[0, columns], expected, atol=1e-4)
