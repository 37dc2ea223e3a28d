"""The Python API says what the command line says, and prints none of it."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import genrecls
from genrecls import api
from genrecls.errors import ConfigError, DataError, ExportError, ModelFileError, RunError
from genrecls.experiment.experiment import Experiment
from genrecls.runs.export_facts import read_export
from genrecls.runs.result_tables import Epoch, PredictedExample
from genrecls.shipped.models import FOLDER
from tests.export.web.test_litertjs import folder
from tests.runs.finished_runs import Made, finished_run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def places(root: Path) -> dict[str, Any]:
    return {"data_root": root / "data", "output_root": root / "outputs"}


@pytest.fixture(scope="module")
def epochs() -> list[int]:
    """The epochs that the callback of `run` was told."""
    return []


@pytest.fixture(scope="module")
def run(
    places: dict[str, Any], epochs: list[int], tensorflow: None, without_figures: None
) -> api.Run:
    return api.train(
        "debug=smoke",
        "model=cnn",
        trainer={"epochs": 2},
        progress=lambda progress: epochs.append(progress.epoch),
        **places,
    )


@pytest.fixture
def no_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tables come as lists of rows, whatever is installed."""
    monkeypatch.setattr("genrecls.runs.result_tables.find_spec", lambda _: None)


def test_a_training_returns_its_run_and_calls_back_after_every_epoch(
    run: api.Run, epochs: list[int]
) -> None:
    assert run.finished
    assert epochs == [0, 1, 2]
    assert run.metrics.dataset.name == "synth"
    assert 0 <= run.metrics.test.track.accuracy <= 1


@pytest.mark.usefixtures("no_pandas")
def test_history_and_predictions_are_typed_rows(run: api.Run) -> None:
    history = run.history
    assert [epoch.epoch for epoch in history] == [1, 2]
    assert all(isinstance(epoch, Epoch) and epoch.loss > 0 for epoch in history)
    rows = run.predictions("test")
    assert all(isinstance(row, PredictedExample) for row in rows)
    right = np.mean([row.true == row.predicted for row in rows])
    assert right == pytest.approx(run.metrics.test.track.accuracy)
    assert len(run.predictions("test", "segment")) == run.metrics.test.segment.count
    assert sum(rows[0].probabilities.values()) == pytest.approx(1, abs=1e-4)


def test_tables_are_data_frames_where_pandas_is_installed(
    run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pandas:
        DataFrame = staticmethod(lambda records: ("frame", records))

    monkeypatch.setattr("genrecls.runs.result_tables.find_spec", lambda _: object())
    monkeypatch.setitem(sys.modules, "pandas", Pandas)
    kind, records = run.predictions("validation")
    assert kind == "frame"
    genres = {f"probability:{label}" for label in run.metrics.labels}
    assert records[0].keys() == {"part", "track", "path", "start", "true", "predicted", *genres}


def test_the_same_training_again_is_found_and_prints_nothing(
    run: api.Run, places: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    again = api.train("debug=smoke", "model=cnn", trainer={"epochs": 2}, progress=False, **places)
    assert again.folder == run.folder
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_run_is_evaluated_again_with_the_same_scores(
    run: api.Run, places: dict[str, Any]
) -> None:
    scores = api.evaluate(run, "test", data_root=places["data_root"])
    assert scores.track == run.metrics.test.track


def test_a_model_says_the_genres_of_a_file_the_most_probable_first(
    run: api.Run, places: dict[str, Any]
) -> None:
    row = next(iter((places["data_root"]).rglob("*.wav")))
    model = api.load("latest", output_root=places["output_root"])
    one = model.predict(row)
    assert one.path == row
    assert tuple(one.genres) == tuple(sorted(one.genres, key=lambda genre: -one.genres[genre]))
    assert set(one.genres) == set(run.metrics.labels)
    assert sum(one.genres.values()) == pytest.approx(1)
    assert one.segments[0].start == 0
    (same,) = model.predict([row])
    assert same.genres == one.genres
    by_file = api.load(run.model_file).predict(row)
    assert by_file.genres == one.genres


def test_a_file_that_cannot_be_used_is_an_error_with_its_reason(
    run: api.Run, tmp_path: Path
) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no music")
    with pytest.raises(DataError, match=r"text\.wav: unreadable"):
        api.load(run).predict(text)


def test_what_decided_is_explained(run: api.Run, tmp_path: Path) -> None:
    file = tmp_path / "noise.wav"
    soundfile.write(file, np.random.default_rng(0).standard_normal(22050 * 6) * 0.1, 22050)
    explanation = api.explain(run, file, genre=run.metrics.labels[0])
    assert explanation.genre == 0
    with pytest.raises(ConfigError, match="allowed: "):
        api.explain(run, file, genre="polka")


def test_a_sound_in_the_home_folder_is_found(
    run: api.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    noise = np.random.default_rng(0).standard_normal(22050 * 6) * 0.1
    soundfile.write(tmp_path / "noise.wav", noise, 22050)
    model = api.load(run)
    assert model.predict("~/noise.wav").path == tmp_path / "noise.wav"
    assert [one.path for one in model.predict(["~/noise.wav"])] == [tmp_path / "noise.wav"]
    assert api.explain(run, "~/noise.wav").file == "noise.wav"


def test_runs_are_compared_without_printing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_run(tmp_path, "a", Made(test=(1, 1, 1, 1)))
    finished_run(tmp_path, "b", Made(model="rnn"))
    found = api.runs(tmp_path)
    assert {run.name for run in found} == {"a", "b"}
    comparison = api.compare(found)
    (board,) = comparison.leaderboards
    assert [system.label for system in board.systems] == ["cnn mfcc", "rnn mfcc"]
    assert "cnn mfcc" in comparison.to_markdown()
    assert comparison.to_csv().startswith("state,data,split")
    assert capsys.readouterr().out == ""
    with pytest.raises(RunError, match="expected runs to compare, received none"):
        api.compare([])


def test_runs_are_chosen_by_a_condition_and_trials_when_they_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_run(tmp_path, "a", Made(model="rnn"))
    finished_run(tmp_path, "b")
    finished_run(tmp_path, "c", Made(model="rnn")).mark("finished", sweep="search-rnn-1")
    condition = "model=rnn and test.accuracy>0.5"
    assert [run.name for run in api.runs(tmp_path, filter=condition)] == ["a"]
    assert "left out: 1 trial of search-rnn-1 (1 finished); trials=True" in capsys.readouterr().err
    chosen = api.runs(tmp_path, filter=condition, trials=True)
    assert {run.name for run in chosen} == {"a", "c"}
    assert [run.name for run in api.runs(tmp_path, filter="sweep=search-rnn-1")] == ["c"]
    with pytest.raises(ConfigError, match="unknown key 'modle'"):
        api.runs(tmp_path, filter="modle=rnn")


@pytest.mark.usefixtures("forked_modules")
def test_an_export_says_which_files_are_there(run: api.Run, places: dict[str, Any]) -> None:
    exported = api.export(run, "inputs=[features]", modes=["float32"], progress=False, **places)
    (path,) = exported.files.values()
    assert path.is_file()
    assert read_export(run) == exported.facts
    assert api.load(path).labels == run.metrics.labels


def test_runs_are_named_in_the_folder_of_runs_that_is_given(tmp_path: Path) -> None:
    finished_run(tmp_path, "there-cnn-1")
    (board,) = api.compare(["cnn-1"], output_root=tmp_path).leaderboards
    assert [system.label for system in board.systems] == ["cnn mfcc"]
    with pytest.raises(RunError, match="run there-cnn-1: this version"):
        api.evaluate("cnn-1", output_root=tmp_path)
    with pytest.raises(ModelFileError, match=r"there-cnn-1/model\.keras"):
        api.explain("cnn-1", tmp_path / "song.wav", output_root=tmp_path)


@pytest.mark.parametrize("named", ["cnn-1", None])
def test_a_run_is_exported_from_the_folder_of_runs_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    finished_run(tmp_path / "outputs", "here-cnn-1")
    finished_run(tmp_path / "elsewhere", "there-cnn-1", Made(int8=1))
    # Neither run has a model that can be read, and the message says which of them was found.
    with pytest.raises(RunError, match="run there-cnn-1: this version"):
        api.export(named, output_root="elsewhere")
    litertjs = folder(tmp_path / "core", "2.6.0")
    with pytest.raises(ModelFileError, match="elsewhere/there-cnn-1/export"):
        api.export_page(named, output_root="elsewhere", litertjs=litertjs)


def test_a_page_is_written_with_a_shipped_model(tmp_path: Path) -> None:
    litertjs = folder(tmp_path / "core", "2.6.0")
    page = api.export_page("best_small", folder=tmp_path / "site", litertjs=litertjs)
    assert page == tmp_path / "site"
    assert (page / "model.tflite").read_bytes() == (FOLDER / "best_small.tflite").read_bytes()
    with pytest.raises(ExportError, match="expected no such folder, or a page"):
        api.export_page("best_small", folder=tmp_path, litertjs=litertjs, progress=False)


@pytest.mark.tensorflow
@pytest.mark.usefixtures("forked_modules")
def test_a_sweep_trains_every_value(places: dict[str, Any]) -> None:
    words = ("debug=smoke", "model=mlp", "features=summary")
    swept = api.sweep(*words, seeds=2, progress=False, **places)
    assert len(swept.runs) == 2
    assert swept.failed == {}
    (board,) = swept.compare().leaderboards
    assert board.systems[0].repetitions == "seeds 0 1"


def test_errors_are_those_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="model=ccn: no such choice"):
        api.train("model=ccn")
    with pytest.raises(ConfigError, match=r"trainer.epochs: received 'many'"):
        api.train(trainer={"epochs": "many"})
    with pytest.raises(ConfigError, match=r"seeds=3: several trainings; use genrecls\.sweep"):
        api.train(seeds=3)
    for words, settings in ((["show=true"], {}), ([], {"show": True})):
        with pytest.raises(ConfigError, match="show: received true, but this function trains"):
            api.train("debug=smoke", *words, data_root=tmp_path, output_root=tmp_path, **settings)
    with pytest.raises(RunError, match="no finished run"):
        api.load("latest", output_root=tmp_path)
    with pytest.raises(ModelFileError):
        api.load(tmp_path / "none.tflite")


def test_a_shipped_model_answers_where_nothing_was_trained(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    soundfile.write(song, 0.1 * np.random.default_rng(0).standard_normal(5 * 22050), 22050)
    by_name = api.load("best_small", accuracy=0.99, coverage=0.9)
    prediction = by_name.predict(song)
    assert prediction.unknown == (prediction.genres[prediction.genre] < 0.99)
    assert prediction.genre_set[0] == prediction.genre
    by_default = api.load(output_root=tmp_path)
    assert by_default.description == by_name.description
    again = by_default.predict(song)
    assert again.genres == prediction.genres
    assert (again.unknown, again.genre_set) == (False, ())


@pytest.mark.parametrize("name", ["Jürgen's $music", "${music}", 'a "b", [c]\\'])
def test_a_folder_of_music_may_have_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    trained: list[Experiment] = []
    monkeypatch.setattr("genrecls.experiment.train.train", lambda e, *_: trained.append(e))
    with pytest.raises(RunError, match="chief"):
        api.train("dataset=folder", dataset={"root": tmp_path / name}, data_root=name)
    assert trained[0].dataset.root == str(tmp_path / name)
    assert trained[0].data_root == Path(name)


@pytest.mark.process
def test_functions_of_the_package_are_imported_when_they_are_used() -> None:
    code = (
        "import sys, genrecls; assert set(dir(genrecls)) >= {'train', 'load', 'compare'}; "
        "heavy = {'tensorflow', 'librosa', 'hydra', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy; "
        "import genrecls.export, genrecls.runs; "
        "assert callable(genrecls.export) and genrecls.runs('/nowhere') == []"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        _ = genrecls.tarin


@pytest.mark.parametrize("name", [name for name in api.__all__ if find_spec(f"genrecls.{name}")])
def test_a_package_that_has_the_name_of_a_function_can_be_called_as_well(name: str) -> None:
    assert callable(import_module(f"genrecls.{name}"))


def test_runs_in_the_home_folder_of_nobody_are_one_line() -> None:
    with pytest.raises(ConfigError, match="output_root: received '~no-such-user'; there is no"):
        api.runs("~no-such-user")
