"""Published taggers on files, with a stand-in for their networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from genrecls.config.compose import compose
from genrecls.config.validation import select, validate
from genrecls.errors import ModelFileError
from genrecls.features.base import FEATURES
from genrecls.features.segmentation import SegmentRule
from genrecls.inference import tagger
from genrecls.inference.tagger import Tagger, TaggerDescription, TaggerNetwork
from tests.conftest import RunCommand

TAGS = ("rock", "guitar", "slow")


class Loudness:
    """Answers with the loudness of a patch and two numbers that do not add up to 1 with it."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def predict(self, inputs: dict[str, Any], **_: Any) -> np.ndarray[Any, Any]:
        assert inputs["mel"].shape[1:] == (187, 96)
        loud = inputs["mel"].mean(axis=(1, 2)) > 0.01
        return self.scale * np.stack([0.9 * loud, np.full(len(loud), 0.4), 0.1 + 0 * loud], axis=1)


@pytest.fixture
def make_tagger(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Tagger]:
    def make(scale: float = 1.0) -> Tagger:
        composed = compose("train", ["features=musicnn_mel"])
        patches = {"length": 187 * 256 / 16_000, "source": "spectrogram", "short_tracks": "repeat"}
        rule = validate(SegmentRule, {**composed["segment"], **patches}, "segment")
        about = TaggerDescription(
            labels=TAGS,
            vote="mean",
            run="msd_musicnn",
            form="",
            dataset="Some Songs",
            split="",
            generated=False,
            accuracy=0.0,
        )
        features = select(FEATURES, composed["features"])
        return Tagger(TaggerNetwork(Loudness(scale), features, rule, about))

    monkeypatch.setattr(tagger, "load_tagger", lambda _: make())
    return make


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Three seconds of noise, then four of near silence."""
    noise = np.random.default_rng(0).standard_normal(7 * 16_000)
    noise[3 * 16_000 :] *= 1e-4
    soundfile.write(tmp_path / "song.wav", 0.2 * noise, 16_000)
    return tmp_path / "song.wav"


def test_tags_follow_the_sound_and_need_not_add_up_to_one(
    make_tagger: Callable[[float], Tagger], song: Path
) -> None:
    result = make_tagger(1.0).classify(song)
    assert result.error is None
    assert result.segments[0].tolist() == pytest.approx([0.9, 0.4, 0.1])
    assert result.segments[-1].tolist() == pytest.approx([0.0, 0.4, 0.1])
    assert result.probabilities[1] == pytest.approx(0.4)
    with pytest.raises(ModelFileError, match="no probabilities"):
        make_tagger(2.0).classify(song)


@pytest.mark.usefixtures("make_tagger")
def test_a_table_has_the_most_probable_tags_over_time(song: Path, run_command: RunCommand) -> None:
    outcome = run_command("predict", "--model", "msd_musicnn", str(song))
    head, first, *_, last = outcome.out.splitlines()
    assert outcome.status == 0
    assert head == f"{song}  rock 0.60, guitar 0.40, slow 0.10"
    assert first.split("s  ")[1] == "rock 0.90, guitar 0.40, slow 0.10"
    assert last.split("s  ")[1] == "guitar 0.40, slow 0.10, rock 0.00"
    assert "3 tags, trained on Some Songs" in outcome.err


@pytest.mark.usefixtures("make_tagger")
def test_json_has_all_tags_of_every_patch(song: Path, run_command: RunCommand) -> None:
    missing = song.with_name("nowhere.wav")
    words = ("predict", "msd_musicnn", "--format", "json", str(song), str(missing))
    outcome = run_command(*words)
    nothing, whole = json.loads(outcome.out)
    assert outcome.status == 1
    assert nothing["error"].startswith("missing")
    assert set(whole) == {"path", "model", "tags", "segments"}
    assert list(whole["tags"]) == list(TAGS)
    assert whole["segments"][0]["tags"]["rock"] == pytest.approx(0.9)
    assert whole["segments"][0]["end"] == pytest.approx(2.992)


@pytest.mark.usefixtures("make_tagger")
@pytest.mark.parametrize(
    "words", [("--live", "-"), ("--timeline", "x.png"), ("--output", "x.json"), ("--format", "csv")]
)
def test_what_there_is_for_genres_alone_is_refused(
    words: tuple[str, ...], run_command: RunCommand
) -> None:
    outcome = run_command("predict", "--model", "msd_musicnn", "song.wav", *words)
    assert outcome.status != 0
    assert outcome.out == ""
    assert words[0] in outcome.err


def test_absent_weights_are_told_without_settings_that_predict_does_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_command: RunCommand
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    outcome = run_command("predict", "--model", "msd_musicnn", "song.wav")
    assert outcome.status != 0
    assert "model msd_musicnn: MSD_musicnn of the package musicnn is not installed" in outcome.err
    assert f"pip install --no-deps or put it into {tmp_path / 'models'}" in outcome.err
    assert "model.weights" not in outcome.err
    assert "scratch" not in outcome.err
