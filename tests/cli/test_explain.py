"""`genrecls explain` as it is typed, on a model with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.image import imread

from genrecls.inference.keras_predictor import KerasPredictor
from genrecls.models import tensorflow_setup
from genrecls.runs.model_file import save
from tests.conftest import RunCommand
from tests.explain.songs import classifier, song
from tests.models.families import family


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tensorflow: None) -> Path:
    """A folder with a model and a song."""
    folder = tmp_path_factory.mktemp("explain")
    tensorflow_setup.configure_tensorflow()
    tensorflow_setup.fresh(1)
    # A panel of a figure for each filter takes long to draw, so there are few.
    block = {"filters": 6, "kernel": [3, 3], "stride": [1, 1], "pool": [2, 2], "pool_stride": None}
    small = family("cnn", conv={"blocks": [block] * 3, "padding": "same"})
    trained = classifier(small, leaks=("track",))
    save(folder / "model.keras", trained.model, trained.card)
    song(folder / "söng $1.wav", 4)
    return folder


def test_the_page_and_its_figures_are_written_beside_the_model(
    place: Path, run_command: RunCommand
) -> None:
    file = place / "söng $1.wav"
    done = run_command("explain", str(place / "model.keras"), str(file))
    assert done.status == 0, done.err
    folder = place / "explanations" / file.name
    names = {"evidence_mfcc", "filters", *(f"activations_conv{n}" for n in (1, 2, 3))}
    assert {path.name for path in folder.iterdir()} == {
        "explanation.html",
        *(f"{name}.png" for name in names),
    }
    assert all(imread(path).ndim == 3 for path in folder.glob("*.png"))
    assert all(str(path) in done.err for path in folder.iterdir())
    assert "(LEAKY)" in done.err
    assert "(LEAKY)" in (folder / "explanation.html").read_text(encoding="utf-8")
    assert all(label in done.out for label in ("blues", "jazz", "rock", "answer", "explained"))


def test_layers_genre_moment_and_place_can_be_chosen_and_the_bytes_are_repeatable(
    place: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    words = ["explain", str(place / "model.keras"), str(place / "söng $1.wav")]
    words += ["--layers", "pool1,dense1", "--genre", "rock", "--start", "3.5"]
    for folder in ("one", "two"):
        to = ("--output", str(tmp_path / folder))
        done = run_command(*words, *to, "figures.format=[svg]")
        assert done.status == 0, done.err
    assert "log-odds of rock" in done.err
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in ("one", "two")
    )
    assert first == second
    assert {"activations_pool1.png", "activations_dense1.svg"} < set(first)
    assert "activations_conv1.png" not in first


def test_a_wrong_genre_is_told_before_the_network_is_read(
    place: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KerasPredictor, "load", lambda _: pytest.fail("the network was read"))
    words = (str(place / "model.keras"), str(place / "söng $1.wav"), "--genre", "jaz")
    assert "did you mean 'jazz'?" in run_command("explain", *words).error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--layers", "conv9"), "no layer 'conv9'; allowed: normalise_mfcc, "),
        (("--genre", "jaz"), "did you mean 'jazz'?"),
        (("--start", "60"), "--start: received 60; allowed: "),
        (("--start", "soon"), "see 'genrecls explain --help'"),
    ],
)
def test_a_wrong_wish_gets_one_line_and_leaves_nothing(
    words: tuple[str, ...], message: str, place: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    file = place / "söng $1.wav"
    done = run_command(
        "explain", str(place / "model.keras"), str(file), *words, "--output", str(tmp_path / "x")
    )
    assert done.status == 1
    assert message in done.err.splitlines()[-1]
    assert done.err.count("genrecls: error: ") == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.tensorflow
def test_what_is_no_model_or_no_music_gets_one_line(
    place: Path, run_command: RunCommand, tmp_path: Path
) -> None:
    (tmp_path / "text.wav").write_text("no music")
    model, text = str(place / "model.keras"), str(tmp_path / "text.wav")
    assert "text.wav: unreadable: " in run_command("explain", model, text).err.splitlines()[-1]
    bad = tmp_path / "bad.keras"
    bad.write_text("no model")
    assert "not a readable model file" in run_command("explain", str(bad), text).error
    none = run_command("explain", "none", text, f"output_root={tmp_path}")
    assert "'none' names no runs" in none.error


def test_a_sound_that_is_not_there_is_missed_before_any_model_is_read(
    run_command: RunCommand,
) -> None:
    error = run_command("explain", "none.keras", "nowhere.wav").error
    assert error == "nowhere.wav: there is no such file; expected the sound to explain"
