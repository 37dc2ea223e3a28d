"""The words of a sweep are taken apart: its own, and those of its trainings."""

from __future__ import annotations

import pytest

from genrecls.errors import ConfigError
from genrecls.sweeps.arguments import read_request


def test_own_keys_are_kept_from_the_trainings() -> None:
    found = read_request(("-m", "model=cnn,rnn", "jobs=2", "seed=0,1", "job_memory_gb=1.5"))
    assert found.overrides == ("model=cnn,rnn", "seed=0,1")
    assert (found.settings.jobs, found.settings.job_memory_gb) == (2, 1.5)
    assert found.command == "genrecls sweep -m model=cnn,rnn jobs=2 seed=0,1 job_memory_gb=1.5"
    assert found.search is None


def test_a_launcher_is_kept_from_the_trainings() -> None:
    words = ("hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu", "seed=0,1")
    found = read_request(words)
    assert found.launcher == words[:2]
    assert found.overrides == ("seed=0,1",)


def test_the_folder_of_the_user_reaches_the_trainings() -> None:
    assert read_request(("-cd", "mine", "seed=0,1")).flags == ("-cd", "mine")
    assert read_request(("--config-dir=mine", "seed=0,1")).flags == ("-cd", "mine")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("jobs=0", r"jobs: received 0; allowed"),
        ("job_memory_gb=-1", r"job_memory_gb: received -1; allowed"),
        ("jobs=1,2", r"jobs=1,2: several values"),
        ("dry_run=perhaps", r"dry_run: received 'perhaps'; allowed"),
        ("show=true", r"'show=true': a sweep trains"),
        ("job=2", r"job: unknown key; .*sweep dry_run, job_memory_gb, jobs.*did you mean 'jobs'"),
        ("--info", r"--info: a sweep takes the flags -m and -cd FOLDER alone"),
    ],
)
def test_what_cannot_be_meant_is_one_line(word: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        read_request((word,))
