"""Models go to the hub with their split, come back once, and are what they were."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from genrecls.errors import ConfigError, ModelFileError, RunError
from genrecls.export.publish import publish, published_card
from genrecls.inference.files import find_model_file
from genrecls.inference.hub import HubAddress, hub_client
from genrecls.runs.run import Run
from genrecls.shipped.models import shipped_file
from tests.conftest import RunCommand
from tests.datasets.download.server import reach_this_machine
from tests.inference.hub_server import COMMIT, Hub, HubServer
from tests.runs.finished_runs import finished_run

needs_library = pytest.mark.skipif(
    find_spec("huggingface_hub") is None, reason="huggingface-hub is not installed"
)
TARGET = HubAddress("user/genres")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    reach_this_machine(monkeypatch)
    monkeypatch.setenv("HF_TOKEN", "a token")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server.hub


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = finished_run(tmp_path / "outputs", "made")
    run.model_file.write_bytes(b"a network")
    return run


@needs_library
def test_a_run_is_published_for_nobody_else_with_its_split_in_the_first_line(
    hub: Hub, run: Run
) -> None:
    publish(run, TARGET)
    files = hub.files["user/genres"]
    assert files["model.keras"] == b"a network"
    assert hub.private["user/genres"]
    shown = files["README.md"].decode().split("---\n")[2].strip()
    assert shown.splitlines()[0].startswith("# Split artist: accuracy 0.750 per test track (")
    publish(run, HubAddress("user/open"), public=True)
    assert not hub.private["user/open"]


@needs_library
def test_a_model_is_fetched_once_and_its_digest_recorded(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.files["user/genres"] = {"README.md": b"", "model.keras": b"a network"}
    path = find_model_file("hf:user/genres", tmp_path)
    assert path.read_bytes() == b"a network"
    record = json.loads((path.parent / "hub.json").read_text(encoding="utf-8"))
    assert record["commit"] == COMMIT
    assert len(record["sha256"]) == 64
    assert record["sha256"] in capsys.readouterr().err
    # What changes there changes nothing here, and nobody is asked again.
    hub.files["user/genres"]["model.keras"] = b"another one"
    asked = len(hub.requests)
    assert find_model_file("hf:user/genres", tmp_path) == path
    assert len(hub.requests) == asked
    assert path.read_bytes() == b"a network"


@needs_library
def test_a_fetched_model_that_changed_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.files["user/genres"] = {"audio_float32.tflite": b"a network"}
    path = find_model_file("hf:user/genres", tmp_path)
    path.write_bytes(b"something else")
    with pytest.raises(ModelFileError, match="is not what was fetched from hf:user/genres"):
        find_model_file("hf:user/genres", tmp_path)


@needs_library
def test_what_is_not_there_is_one_line(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="hf:user/absent: the hub does not give it"):
        find_model_file("hf:user/absent", tmp_path)
    hub.files["user/genres"] = {"README.md": b"", "../model.keras": b"x", "a/b.tflite": b"x"}
    with pytest.raises(ModelFileError, match=r"has no model.keras and no .tflite file at its top"):
        find_model_file("hf:user/genres", tmp_path)


@needs_library
def test_a_model_of_the_hub_classifies(hub: Hub, run_command: RunCommand, tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    file = shipped_file("best_small")
    assert file is not None
    hub.files["user/genres"] = {file.name: file.read_bytes()}
    song = tmp_path / "song.wav"
    soundfile.write(song, np.random.default_rng(0).normal(0, 0.1, 22050 * 4), 22050)
    roots = ("--format", "csv", f"output_root={tmp_path}")
    answers = [
        run_command("predict", "--model", model, str(song), *roots).out.splitlines()[-1]
        for model in ("hf:user/genres", "best_small")
    ]
    assert answers[0] == answers[1]


def test_a_card_warns_of_what_its_score_is_not_worth(run: Run) -> None:
    leaky = Run(shutil.copytree(run.folder, run.folder.with_name("leaky")))
    metrics = json.loads(leaky.metrics_file.read_text(encoding="utf-8"))
    metrics["split"]["leaks"] = ["artist", "track"]
    metrics["dataset"]["generated"] = True
    leaky.metrics_file.write_text(json.dumps(metrics), encoding="utf-8")
    card = published_card(leaky, TARGET)
    assert "# Split artist (LEAKY)" in card
    assert card.count("> **Warning.**") == 2
    assert "Warning" not in published_card(run, TARGET)
    assert "genrecls predict --model hf:user/genres song.mp3" in card


def test_a_card_does_not_say_where_things_lay_on_a_machine(tmp_path: Path) -> None:
    run = finished_run(tmp_path, "gtzan-mfcc-cnn-1")
    places = "dataset.root='/home/me/Private music' data_root=d output_root=~/o --plugin mine.py"
    command = (
        f"genrecls train model=cnn {places} --plugin=other.py -cd conf model.weights=/w seed=3"
    )
    run.mark("finished", command=command)
    card = published_card(run, TARGET)
    assert "```\ngenrecls train model=cnn seed=3\n```" in card
    assert "Private" not in card


@pytest.mark.parametrize(
    "word", ["hf:", "hf:user", "hf:user/../x", "hf:a/b/c", "hf:a/b@", "user/name"]
)
def test_what_is_no_address_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="expected hf:USER/NAME"):
        HubAddress.parse(word)


def test_without_the_library_one_line_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genrecls.inference.hub.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'genrecls\[hf\]'"):
        hub_client()


def test_publishing_needs_a_run_and_an_address(run_command: RunCommand) -> None:
    assert "expected RUN hf:USER/NAME" in run_command("publish", "latest").error
