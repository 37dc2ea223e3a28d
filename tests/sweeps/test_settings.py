"""The words of a sweep are divided: into its own, and those of its trainings."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from genrecls.cli.sweep import parse
from genrecls.errors import ConfigError
from genrecls.sweeps import cluster as clusters
from genrecls.sweeps.cluster import RayCluster, SlurmCluster

submitit = pytest.mark.skipif(find_spec("submitit") is None, reason="submitit is not installed")


def test_own_keys_are_kept_from_the_trainings() -> None:
    arguments = parse(("-m", "model=cnn,rnn", "jobs=2", "seed=0,1", "job_memory_gb=1.5"))
    assert arguments.overrides == ("model=cnn,rnn", "seed=0,1")
    assert (arguments.settings.jobs, arguments.settings.job_memory_gb) == (2, 1.5)
    assert arguments.command == "genrecls sweep -m model=cnn,rnn jobs=2 seed=0,1 job_memory_gb=1.5"
    assert (arguments.search, arguments.cluster) == (None, None)


def test_seeds_are_counted_from_0() -> None:
    arguments = parse(("model=cnn", "seeds=3", "jobs=2"))
    assert arguments.overrides == ("model=cnn", "seed=range(0,3)")
    assert parse(("model=cnn",)).overrides == ("model=cnn",)


@submitit
def test_a_cluster_is_kept_from_the_trainings() -> None:
    arguments = parse(("cluster=slurm", "cluster.partition=gpu", "cluster.mem_gb=16", "seed=0,1"))
    assert isinstance(arguments.cluster, SlurmCluster)
    assert (arguments.cluster.partition, arguments.cluster.mem_gb) == ("gpu", 16)
    assert arguments.overrides == ("seed=0,1",)


@submitit
def test_the_words_for_launchers_of_hydra_mean_a_cluster_and_one_line_names_the_new_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = ("hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu", "seed=0,1")
    new = ("cluster=slurm", "cluster.partition=gpu", "seed=0,1")
    assert parse(old).cluster == parse(new).cluster
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "warning: hydra/launcher=submitit_slurm hydra.launcher.partition=gpu is called "
        "cluster=slurm cluster.partition=gpu now; this version still accepts the old name"
    )


def test_the_words_for_the_launcher_of_ray_mean_a_cluster(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clusters, "find_spec", lambda _: True)
    arguments = parse(
        (
            *("hydra/launcher=ray", "hydra.launcher.ray.init.address=auto"),
            *("+hydra.launcher.ray.remote.num_cpus=8", "+hydra.launcher.ray.remote.num_gpus=1"),
            "+hydra.launcher.ray.remote.resources={big:1}",
        )
    )
    assert arguments.cluster == RayCluster(
        "ray", 8, 1, {"address": "auto"}, {"resources": {"big": 1}}
    )
    assert "cluster=ray cluster.init.address=auto cluster.num_cpus=8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("hydra/launcher=basic",), r"^hydra/launcher=basic: expected cluster=slurm, local, ray"),
        (("hydra/launcher=ours",), r"a file cluster/<name>\.yaml in the folder behind -cd"),
        (("hydra.launcher.partition=gpu",), "sets up a cluster that is not chosen"),
        (("cluster=slum",), r"cluster=slum: no such choice; .*did you mean 'slurm'"),
        (
            ("cluster=slurm", "cluster.partitoin=gpu"),
            r"cluster\.partitoin: unknown key; .*did you mean 'partition'",
        ),
        (
            ("cluster=slurm", "cluster.timeout_min=an hour"),
            r"cluster\.timeout_min: received 'an hour'; allowed: a whole number",
        ),
    ],
)
def test_a_cluster_that_cannot_be_meant_is_one_line(words: tuple[str, ...], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        parse(words)


@pytest.mark.parametrize(
    ("name", "extra"), [("slurm", "slurm"), ("local", "slurm"), ("ray", "ray")]
)
def test_a_library_that_is_absent_is_named_with_its_extra(
    name: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=rf"pip install 'genrecls\[{extra}\]'"):
        parse((f"cluster={name}",))


@submitit
def test_a_cluster_may_come_from_the_users_own_folder(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "ours.yaml").write_text("defaults: [slurm]\npartition: long\n")
    cluster = parse(("-cd", str(tmp_path), "cluster=ours")).cluster
    assert isinstance(cluster, SlurmCluster)
    assert (cluster.partition, cluster.array_parallelism) == ("long", 256)


def test_the_folder_of_the_user_reaches_the_trainings(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert parse(("-cd", folder, "seed=0,1")).config_dir == folder
    assert parse((f"--config-dir={folder}", "seed=0,1")).config_dir == folder


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("jobs=0", r"jobs: received 0; allowed"),
        ("job_memory_gb=-1", r"job_memory_gb: received -1; allowed"),
        ("jobs=1,2", r"jobs=1,2: several values"),
        ("dry_run=perhaps", r"dry_run: received 'perhaps'; allowed"),
        ("show=true", r"'show=true': a sweep trains"),
        ("seeds=0", r"seeds: received 0; allowed"),
        ("seeds=0,1", r"seeds=0,1: several values"),
        (
            "job=2",
            r"job: unknown key; .*sweep cluster, dry_run, filter, job_mem.*did you mean 'jobs'",
        ),
        ("--info", r"unknown flag --info; see 'genrecls sweep --help'"),
    ],
)
def test_what_cannot_be_meant_is_one_line(word: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        parse((word,))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("seeds=3", "seed=4,5"), r"^seeds=3: means the seeds from 0 on, but 'seed=4,5' names"),
        (("++seed=4", "seeds=3"), r"^seeds=3: .*'\+\+seed=4' names others; give one of the two$"),
        (("seeds=3", "search=mlp"), r"^seeds=3: a search trains one seed of each trial; "),
    ],
)
def test_seeds_that_another_word_decides_are_one_line(
    words: tuple[str, ...], expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        parse(words)


def test_a_filter_is_taken_as_it_is_and_is_no_word_of_a_training() -> None:
    arguments = parse(("model=cnn,rnn", "filter=model='rnn' and seed>2", "jobs=2"))
    assert arguments.settings.filter == "model='rnn' and seed>2"
    assert arguments.overrides == ("model=cnn,rnn",)
    assert "filter=model=" in arguments.command
    both = parse(("filter=model=rnn or seed=0", "filter=seed<2"))
    assert both.settings.filter == "(model=rnn or seed=0) and (seed<2)"


def test_a_search_takes_no_filter() -> None:
    with pytest.raises(ConfigError, match="a search chooses by its scores"):
        parse(("search=mlp", "filter=seed<2"))
