"""What a network takes of a device before it is trained."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from genrecls.errors import ConfigError
from genrecls.experiment.experiment import Experiment, compose_experiment
from genrecls.export import costs
from genrecls.export.bundle.c_project import front_end_bytes
from genrecls.export.bundle.targets import target
from genrecls.export.convert import conversion
from genrecls.export.costs import PRESETS, estimate_file, preset_that_fits, reasons_outside
from genrecls.export.tflite.arithmetic import macs
from genrecls.export.tflite.memory import arena
from genrecls.runs.export_facts import ArenaSize, ExportedFile
from genrecls.runtime.container import unpack
from genrecls.shipped.models import shipped_file
from tests.forked import SUBPROCESS

FILE = ExportedFile(
    "features_int8.tflite",
    "features",
    "int8",
    "kept",
    flatbuffer=33_248,
    macs=1_616_640,
    arena=ArenaSize(70_872, "estimate"),
)


@pytest.fixture
def _forked(monkeypatch: pytest.MonkeyPatch, process: None) -> None:
    monkeypatch.setattr(conversion, "subprocess", SUBPROCESS)


@pytest.mark.tensorflow
def test_an_untrained_network_takes_what_the_trained_one_does(_forked: None) -> None:
    path = shipped_file("best_tiny_int8")
    assert path is not None
    trained, _ = unpack(path)
    experiment = compose_experiment(["experiment=best_tiny"])
    file = estimate_file(experiment, 10)
    assert (file.file, file.status) == ("features_int8.tflite", "kept")
    assert file.front_end == front_end_bytes(experiment.features, experiment.segment)
    assert file.macs == macs(trained)
    assert file.arena is not None
    assert file.arena.bytes == pytest.approx(arena(trained).bytes, rel=0.01)
    assert file.flatbuffer == pytest.approx(len(trained), rel=0.05)


@pytest.mark.tensorflow
def test_a_network_without_int8_is_estimated_in_float32(_forked: None) -> None:
    file = estimate_file(compose_experiment(["model=rnn", "model.recurrent.cell=gru"]), 4)
    assert (file.mode, file.status) == ("float32", "kept")


def test_a_model_whose_data_decide_its_size_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model=svm: its size is known after its fit"):
        estimate_file(compose_experiment(["model=svm", "features=summary"]), 10)


def _stand_in(
    asked: list[Experiment], file: ExportedFile, experiment: Experiment, _: int
) -> ExportedFile:
    """Stand for `estimate_file`: the first preset takes more memory than there is."""
    asked.append(experiment)
    return replace(file, arena=ArenaSize(10**6, "estimate")) if len(asked) == 1 else file


def test_the_most_accurate_preset_that_fits_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Experiment] = []
    monkeypatch.setattr(costs, "estimate_file", partial(_stand_in, asked, FILE))
    sentence = preset_that_fits(target("cortex-m4"), 10)
    assert sentence.startswith(
        "'genrecls train experiment=best_tiny' gives a file that fits: flash"
    )
    assert [experiment.model.title for experiment in asked] == ["separable", "separable_tiny"]


def test_where_no_preset_fits_all_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = replace(FILE, status="refused", reason="no such operator")
    monkeypatch.setattr(costs, "estimate_file", partial(_stand_in, [], refused))
    sentence = preset_that_fits(target("cortex-m4"), 10)
    assert sentence.startswith("no preset fits it either, of experiment=best_small, ")
    assert all(" ".join(words) in sentence for words in PRESETS)


def test_why_a_network_is_outside_is_why_its_file_would_not_fit_or_be_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiment = compose_experiment(["experiment=best_tiny"])
    small = replace(target("cortex-m4"), memory=20_000)
    monkeypatch.setattr(costs, "estimate_file", lambda *_: FILE)
    assert reasons_outside(target("cortex-m4"), experiment, 10) == []
    (reason,) = reasons_outside(small, experiment, 10)
    assert reason.startswith("memory: the tensor arena takes 70,872 bytes")
    refused = replace(FILE, status="refused", reason="no such operator")
    monkeypatch.setattr(costs, "estimate_file", lambda *_: refused)
    assert reasons_outside(small, experiment, 10) == ["no such operator"]
