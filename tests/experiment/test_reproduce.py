"""Which trainings reproduce the published systems."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from genrecls.config import plugins
from genrecls.errors import ConfigError
from genrecls.experiment import reproduce as reproduction
from genrecls.experiment.experiment import Experiment
from genrecls.experiment.reproduce import (
    ReproductionJob,
    choose_presets,
    jobs,
    published_presets,
)
from genrecls.runs.run import Run
from tests.runs.damage import damage_run
from tests.runs.finished_runs import Made, finished_run


def test_a_paper_names_all_its_presets_and_all_names_every_one() -> None:
    assert choose_presets(["carnaghi2022"]) == [
        "carnaghi2022_cnn",
        "carnaghi2022_crnn",
        "carnaghi2022_rnn",
    ]
    assert choose_presets(["karam", "karam_vgg16"]) == ["karam_vgg16"]
    assert choose_presets([]) == choose_presets(["all"]) == list(published_presets())


def test_a_preset_without_a_published_figure_is_not_reproduced() -> None:
    assert "gtzan_fault_filtered" not in published_presets()
    with pytest.raises(ConfigError, match="'gtzan_fault_filtered' is no published system"):
        choose_presets(["gtzan_fault_filtered"])


def test_an_unknown_system_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'steiner2023'"):
        choose_presets(["steiner"])


def test_every_system_runs_under_its_protocol_on_random_tracks_and_under_its_honest_split() -> None:
    splits = {
        preset: [job.experiment.split.name for job in jobs(preset, 1, [])]
        for preset in ("khamees2021_mlp", "steiner2023_mlp", "bisarahalli2021_small")
    }
    assert splits == {
        "khamees2021_mlp": ["segment", "track", "fault_filtered"],
        "steiner2023_mlp": ["track", "track", "fault_filtered"],
        "bisarahalli2021_small": ["official", "track", "official"],
    }


def test_random_tracks_keep_the_ratio_of_the_published_protocol() -> None:
    published, tracks, _ = jobs("khamees2021_mlp", 1, [])
    for job in (published, tracks):
        assert job.experiment.resolved()["split"]["ratio"] == [16, 4, 5]


def test_every_preset_can_be_composed_under_all_three_protocols() -> None:
    for preset in published_presets():
        assert len(list(jobs(preset, 1, []))) == 3, preset


def test_only_seed_and_split_differ_between_the_trainings_of_a_system() -> None:
    made = [job.experiment.resolved() for job in jobs("steiner2023_cnn", 2, ["trainer.epochs=3"])]
    assert len(made) == 6
    assert {values["trainer"]["epochs"] for values in made} == {3}
    assert [values["seed"] for values in made] == [0, 1] * 3
    for values in made:
        del values["seed"], values["split"]
    assert all(values == made[0] for values in made)


def test_the_words_of_a_job_make_the_same_experiment_again() -> None:
    from genrecls.config.compose import compose
    from genrecls.experiment.experiment import parse

    for job in jobs("khamees2021_lstm", 1, ["trainer.epochs=3"]):
        assert parse(compose("train", job.overrides)) == job.experiment


def test_the_command_of_a_run_has_the_plugins_that_it_was_trained_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run(tmp_path, "seed-0")
    commands: list[str] = []

    def train(_: Experiment, command: str) -> Run:
        commands.append(command)
        return run

    monkeypatch.setattr(plugins, "plugin_flags", lambda: ["--plugin", "my models.py"])
    monkeypatch.setattr(reproduction, "train", train)
    monkeypatch.setattr(reproduction, "_finished_run", lambda _: None)
    preset = next(iter(published_presets()))
    job = ReproductionJob(preset, "honest", 0, ("seed=0",), _stand_in(run))
    reproduction.reproduce({preset: [job]})
    assert commands == ["genrecls train seed=0 --plugin 'my models.py'"]


def test_a_run_that_cannot_be_read_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [finished_run(tmp_path, f"seed-{seed}", Made(seed=seed)) for seed in (0, 1)]
    path = damage_run(runs[0], "metrics.json deep")
    experiments = [_stand_in(run) for run in runs]
    monkeypatch.setattr(reproduction, "store_of", lambda _: SimpleNamespace(digests=None))
    monkeypatch.setattr(reproduction, "fingerprint", lambda *_: "")
    monkeypatch.setattr(reproduction, "run_folder", lambda experiment, _: experiment.folder)
    preset = next(iter(published_presets()))
    work = [
        ReproductionJob(preset, "honest", seed, (), experiment)
        for seed, experiment in enumerate(experiments)
    ]
    (system,), failures = reproduction.reproduce({preset: work}, train_missing=False)
    assert (failures, system.missing) == (1, "1 of 2 runs")
    assert system.cells["honest"].runs == ("seed-1",)
    assert f"{path} is damaged (" in capsys.readouterr().err


def _stand_in(run: Run) -> Experiment:
    """Return what a reproduction asks of the experiment of a run."""
    experiment = SimpleNamespace(
        dataset=SimpleNamespace(load=lambda _: None),
        model=SimpleNamespace(fetch=lambda: None),
        data_root=run.folder.parent,
        folder=run.folder,
    )
    return cast("Experiment", experiment)
