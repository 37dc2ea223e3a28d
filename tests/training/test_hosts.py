from __future__ import annotations

import json
from typing import Any

import pytest

from genrecls.errors import ConfigError
from genrecls.training.distribution import cluster_of_environment

WORKERS = {"worker": ["one:1", "two:2"]}


def _config(cluster: Any, role: str, index: Any) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": role, "index": index}})


@pytest.mark.parametrize(
    ("config", "own"),
    [
        (_config(WORKERS, "worker", 0), 0),
        (_config(WORKERS, "worker", "1"), 1),
        (_config({"worker": ["two:2"], "chief": ["one:1"]}, "chief", 0), 0),
        (_config({"worker": ["two:2"], "chief": ["one:1"]}, "worker", 0), 1),
    ],
)
def test_the_chief_is_the_host_of_that_name_or_the_first_worker(
    config: str, own: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    found = cluster_of_environment()
    assert found.hosts == ("one:1", "two:2")
    assert found.index == own
    assert found.chief == (own == 0)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "{",
        "[]",
        "{}",
        _config(WORKERS, "worker", 2),
        _config(WORKERS, "worker", None),
        _config(WORKERS, "chief", 0),
        _config({**WORKERS, "ps": ["three:3"]}, "worker", 0),
        _config({}, "worker", 0),
        _config(["one:1"], "worker", 0),
    ],
)
def test_hosts_that_are_not_named_are_asked_for_in_one_line(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ConfigError, match=r"strategy=multiworker: expected .* set it on") as error:
        cluster_of_environment()
    assert (config or "received nothing") in str(error.value)
    assert "\n" not in str(error.value)


def test_a_variable_that_is_not_set_counts_as_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="received nothing"):
        cluster_of_environment()
