from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from genrecls.config.validation import select, validate
from genrecls.dsp.votes import decide
from genrecls.errors import ModelFileError, RunError
from genrecls.features.base import FEATURES
from genrecls.features.segmentation import SegmentRule
from genrecls.inference.files import audio_files, classify_files, load_classifier
from genrecls.inference.keras_predictor import KerasPredictor
from genrecls.models import tensorflow_setup
from genrecls.models.base import Normalisation
from genrecls.runs.model_file import ModelCard, save
from genrecls.runtime.classifier import Classifier
from tests.composed import conf_values
from tests.models.families import family

RATE = 22050
LABELS = ("blues", "jazz", "rock")


def _card(**changes: Any) -> ModelCard:
    fields: dict[str, Any] = {
        "labels": LABELS,
        "features": select(FEATURES, conf_values("features/mfcc")),
        "segment": validate(SegmentRule, conf_values("segment/3s"), "segment"),
        "vote": "mean",
        "run": "toy-mfcc-cnn-01234567",
        "dataset": "toy",
        "split": "track",
        "leaks": (),
        "generated": False,
        "test": {unit: {"accuracy": 0.75, "macro_f1": 0.7} for unit in ("segment", "track")},
    }
    return ModelCard(**{**fields, **changes})


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory, tensorflow: None) -> Classifier:
    tensorflow_setup.configure_tensorflow()
    tensorflow_setup.fresh(1)
    card = _card()
    statistics = {"mfcc": Normalisation(np.zeros(13), np.full(13, 2500.0))}
    shapes = card.segment.shapes(card.features)
    model = family("cnn").build(shapes, len(LABELS), statistics)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    save(path, model, card)
    return load_classifier(path)


def _with(classifier: Classifier, **changes: Any) -> Classifier:
    """Return the same model with another card."""
    predictor = classifier.predictor
    assert isinstance(predictor, KerasPredictor)
    return Classifier(KerasPredictor(predictor.model, _card(**changes)))


def _song(path: Path, seconds: float, seed: int = 0) -> Path:
    """Write noise whose loudness wanders, so that no two segments sound alike."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = round(seconds * RATE)
    loudness = 0.05 + 0.2 * np.abs(np.sin(np.arange(count) / RATE / 2))
    noise = np.random.default_rng(seed).standard_normal(count)
    soundfile.write(path, (loudness * noise).clip(-1, 1), RATE)
    return path


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [
        (0.2, [0]),
        (1.0, [0]),
        (3.0, [0]),
        (7.5, [0, 3, 4.5]),
        (40.0, [*range(0, 39, 3), 37]),
    ],
)
def test_audio_of_any_length_is_heard_from_its_beginning_to_its_end(
    seconds: float, starts: list[float], classifier: Classifier, tmp_path: Path
) -> None:
    found = classifier.classify(_song(tmp_path / "song.wav", seconds))
    assert found.error is None
    assert found.starts == pytest.approx(starts, abs=0.001)
    assert found.ends == pytest.approx(np.minimum(found.starts + 3, seconds), abs=0.001)
    assert found.segments.shape == (len(starts), len(LABELS))
    assert found.segments.sum(axis=1) == pytest.approx(np.ones(len(starts)), abs=1e-5)
    assert found.probabilities == pytest.approx(found.segments.mean(axis=0))
    if len(starts) > 1:
        assert np.ptp(found.segments, axis=0).max() > 1e-3


@pytest.mark.tensorflow
def test_a_model_that_takes_no_audio_is_refused_in_one_line(
    tmp_path: Path,
) -> None:
    tensorflow_setup.configure_tensorflow()
    card = _card(features=select(FEATURES, conf_values("features/kaggle_picture")))
    shapes = card.segment.shapes(card.features)
    statistics = {"picture": Normalisation(np.zeros(218), np.ones(218))}
    model = family("cnn").build(shapes, len(LABELS), statistics)
    save(tmp_path / "model.keras", model, card)
    with pytest.raises(RunError, match=r"takes a published picture .* no audio; train") as error:
        load_classifier(tmp_path / "model.keras")
    assert "\n" not in str(error.value)


@pytest.mark.tensorflow
def test_the_vote_of_the_card_decides_about_the_whole_file(
    classifier: Classifier, tmp_path: Path
) -> None:
    song = _song(tmp_path / "song.wav", 9)
    found = _with(classifier, vote="majority").classify(song)
    assert found.decision == decide(found.segments, "majority")
    assert found.probabilities == pytest.approx(found.segments.mean(axis=0))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.5])
def test_a_keras_model_that_answers_no_distribution_has_no_answer(
    value: float, tmp_path: Path
) -> None:
    class Broken:
        def predict(self, inputs: Any, **_: Any) -> Any:
            return np.full((len(inputs["mfcc"]), len(LABELS)), value, np.float32)

    broken: Any = Broken()
    classifier = Classifier(KerasPredictor(broken, _card()))
    with pytest.raises(ModelFileError, match="toy-mfcc-cnn-01234567: it does not answer as"):
        classifier.classify(_song(tmp_path / "song.wav", 4.0))


def test_a_file_gets_the_same_answer_again_and_among_others(
    classifier: Classifier, tmp_path: Path
) -> None:
    songs = [_song(tmp_path / f"{seed}.wav", 4 + seed, seed) for seed in range(6)]
    together = list(classify_files(classifier, songs))
    assert [result.path for result in together] == songs
    for song, result in zip(songs, together, strict=True):
        alone = classifier.classify(song)
        assert np.array_equal(alone.probabilities, result.probabilities)


@pytest.mark.tensorflow
@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".au", ".mp3"])
def test_every_format_is_read(suffix: str, classifier: Classifier, tmp_path: Path) -> None:
    found = classifier.classify(_song(tmp_path / f"song{suffix}", 4))
    assert found.error is None
    assert len(found.segments) == 2


@pytest.mark.tensorflow
def test_stereo_of_another_rate_sounds_like_the_original(
    classifier: Classifier, tmp_path: Path
) -> None:
    import soxr

    song = _song(tmp_path / "song.wav", 6)
    samples, _ = soundfile.read(song)
    twice = soxr.resample(samples, RATE, 2 * RATE).clip(-1, 1)
    soundfile.write(tmp_path / "stereo.wav", np.stack([twice, twice], axis=1), 2 * RATE)
    one, other = classifier.classify(song), classifier.classify(tmp_path / "stereo.wav")
    assert other.probabilities == pytest.approx(one.probabilities, abs=0.05)


@pytest.mark.tensorflow
def test_bad_files_are_named_and_the_others_classified(
    classifier: Classifier, tmp_path: Path
) -> None:
    good = [_song(tmp_path / f"good {n} é.wav", 3.5, n) for n in range(3)]
    text, silent, short = (tmp_path / f"{name}.wav" for name in ("text", "silent", "short"))
    text.write_text("no music")
    soundfile.write(silent, np.zeros(4 * RATE), RATE)
    soundfile.write(short, np.ones(20) / 2, RATE)
    cut = tmp_path / "cut.wav"
    cut.write_bytes(good[0].read_bytes()[: 2 * RATE])
    bad = {text: "unreadable", silent: "silent", short: "short", cut: "length-mismatch"}
    files = [good[0], *bad, good[1], tmp_path / "absent.wav", good[2]]
    found = {result.path: result for result in classify_files(classifier, files)}
    assert list(found) == sorted(files, key=str)
    for path, code in {**bad, tmp_path / "absent.wav": "missing"}.items():
        assert str(found[path].error).startswith(f"{code}: ")
        assert len(found[path].segments) == 0
    assert all(found[path].error is None for path in good)


def test_folders_are_searched_for_audio_and_files_are_taken_as_named(tmp_path: Path) -> None:
    inside = ["music/a.wav", "music/deep/er/b.MP3", "music/c.Flac"]
    others = ["music/._a.wav", "music/cover.jpg", "music/notes.txt"]
    for name in (*inside, *others, "lone.xyz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "music" / "live.mp3").mkdir()
    files, missing = audio_files([tmp_path / "music", tmp_path / "lone.xyz", tmp_path / "absent"])
    assert sorted(files) == sorted(tmp_path / name for name in (*inside, "lone.xyz", "absent"))
    assert missing == []


def test_what_is_left_out_of_a_folder_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], without_pyav: None
) -> None:
    for name in (".old/a.wav", "b.wav", "c.m4a", "album/d.opus"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    files, _ = audio_files([tmp_path])
    assert files == [tmp_path / "album/d.opus", tmp_path / "b.wav"]
    said = capsys.readouterr().err
    assert "left out 1 file (1 .m4a), such as c.m4a: this format needs PyAV" in said
    assert "left out 1 file, such as .old/a.wav: a name that begins with '.' is hidden" in said


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("-", "standard input is not read here"),
        ("https://host/a.mp3", "an address is not fetched; download it"),
        ("music/*.mp3", "patterns are not expanded here; give the folder"),
        ("music\\a.mp3", "a backslash is part of a name here"),
        ("$MUSIC/a.mp3", "variables are not expanded here"),
    ],
)
def test_a_name_that_can_be_no_file_is_said_to_be_what_it_is(
    name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files, (missing,) = audio_files([Path(name)])
    assert files == []
    assert str(missing.error).startswith(f"missing: there is no such file; {reason}")


def test_a_file_that_is_called_like_a_pattern_is_taken(tmp_path: Path) -> None:
    song = tmp_path / "what [live]?.mp3"
    song.touch()
    assert audio_files([song]) == ([song], [])


def test_a_file_named_twice_is_classified_once(tmp_path: Path) -> None:
    song = tmp_path / "a.wav"
    song.touch()
    assert audio_files([song, tmp_path, song])[0] == [song]


def test_a_folder_without_audio_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    files, (missing,) = audio_files([tmp_path])
    assert files == []
    assert missing.path == tmp_path
    assert str(missing.error).startswith("empty: no audio (.wav .au")


def test_a_link_that_leads_nowhere_is_named_like_any_bad_file(
    classifier: Classifier, tmp_path: Path
) -> None:
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    files, _ = audio_files([tmp_path])
    (found,) = classify_files(classifier, files)
    assert str(found.error).startswith("missing: ")


def test_the_description_says_how_far_the_model_can_be_trusted(classifier: Classifier) -> None:
    plain = str(classifier.description)
    assert "accuracy 0.750 per track on the test part of toy, split track" in plain
    assert "LEAKY" not in plain
    assert "generated" not in plain
    leaky = str(_with(classifier, leaks=("track",), generated=True).description)
    assert "split track (LEAKY)" in leaky
    assert "generated data, not real music" in leaky


def test_the_description_has_the_interval_where_the_file_says_it(classifier: Classifier) -> None:
    test = _card().test
    known = {**test, "track": {**test["track"], "accuracy_interval": [0.6, 0.85]}}
    described = str(_with(classifier, test=known).description)
    assert "accuracy 0.750 [0.600, 0.850] per track on the test part" in described
