"""Several devices and hosts learn what one device learns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from genrecls.errors import ConfigError, RunError
from genrecls.training import checkpoint
from genrecls.training.distribution import Devices, cluster_of_environment, devices_for
from tests.forked import Forked
from tests.training.distributed import main, trained

Learnt = Mapping[str, NDArray[Any]]
ALIKE = ("plain", "everything", "recurrent")
"""Trainings without dropout."""


def _mirrored(devices: int, folder: Path, *trainings: str) -> tuple[dict[str, Learnt], str]:
    """Train on virtual CPU devices; return what was learnt and the messages."""
    words = (str(devices), "mirrored", str(folder), *trainings)
    status, messages = Forked(main, *words, folder=folder).end()
    assert status == 0, messages
    return {name: _found(folder, name) for name in trainings}, messages


def _found(folder: Path, training: str) -> Learnt:
    with np.load(folder / f"{training}.npz") as stored:
        return dict(stored)


class Hosts:
    """Two processes on this machine, each a host with a folder of its own."""

    def __init__(self, folder: Path, *trainings: str) -> None:
        self.folders = [folder / "chief", folder / "helper"]
        addresses = [f"127.0.0.1:{port}" for port in _free_ports(2)]
        self.processes = []
        for index, own in enumerate(self.folders):
            own.mkdir(exist_ok=True)
            words = ("1", "multiworker", str(own), *trainings)
            config = {"TF_CONFIG": _config(addresses, index)}
            self.processes.append(Forked(main, *words, folder=own, variables=config))

    def wait_for_a_checkpoint(self) -> None:
        """Wait until a step is done that was not done before."""
        before = self._checkpoints()
        while self._checkpoints() <= before:
            assert all(process.returncode is None for process in self.processes)
            time.sleep(0.01)

    def _checkpoints(self) -> list[str]:
        return sorted(path.name for path in self.folders[0].glob("*.run/epoch-*"))[-1:]

    def end(self) -> tuple[list[int], list[str]]:
        """Return exit status and messages of both."""
        ended = [process.end() for process in self.processes]
        return [status for status, _ in ended], [messages for _, messages in ended]


def _config(addresses: list[str], index: int) -> str:
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": addresses}, "task": task})


def _free_ports(count: int) -> list[str]:
    # In a process of its own: tests themselves may not open sockets.
    code = (
        "import socket; found = [socket.create_server(('127.0.0.1', 0)) for _ in range({})]; "
        "print(*(each.getsockname()[1] for each in found))"
    )
    command = [sys.executable, "-c", code.format(count)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Learnt]:
    folder = tmp_path_factory.mktemp("single")
    return {name: trained(name, Devices(), folder) for name in (*ALIKE, "staged")}


@pytest.fixture(scope="module")
def mirrored(
    tmp_path_factory: pytest.TempPathFactory, process: None
) -> tuple[dict[str, Learnt], str]:
    names = (*ALIKE, "staged", "dropping", "interrupted")
    return _mirrored(3, tmp_path_factory.mktemp("mirrored"), *names)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, process: None) -> tuple[list[Path], list[str]]:
    both = Hosts(tmp_path_factory.mktemp("hosts"), "everything", "slow")
    status, messages = both.end()
    assert status == [0, 0], messages
    return both.folders, messages


def _assert_close(result: Learnt, expected: Learnt) -> None:
    assert result.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(result[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


def _equal(one: Learnt, other: Learnt) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("training", ALIKE)
def test_devices_of_one_machine_learn_what_one_device_learns(
    training: str, single: dict[str, Learnt], mirrored: tuple[dict[str, Learnt], str]
) -> None:
    learnt, messages = mirrored
    _assert_close(learnt[training], single[training])
    assert messages.count("strategy mirrored: every batch is divided among 3 devices") == 1
    assert "dropout draws the same on each" in messages


def test_frozen_layers_stay_as_they_are_on_all_devices(
    single: dict[str, Learnt], mirrored: tuple[dict[str, Learnt], str]
) -> None:
    one, other = mirrored[0]["staged"], single["staged"]
    assert one.keys() == other.keys()
    bottom = next(name for name in other if other[name].ndim == 2)
    assert np.array_equal(one[bottom], other[bottom])
    assert one["loss"] == pytest.approx(other["loss"], rel=0.2), "but for dropout it is the same"


def test_an_interrupted_training_on_devices_ends_like_an_undisturbed_one(
    mirrored: tuple[dict[str, Learnt], str],
) -> None:
    learnt, messages = mirrored
    assert _equal(learnt["interrupted"], learnt["dropping"])
    assert "continuing after epoch 1, step 3" in messages
    assert len(set(learnt["dropping"]["loss"])) == 3, "something was learnt"


@pytest.mark.process
def test_one_device_alone_works_and_is_said(tmp_path: Path, single: dict[str, Learnt]) -> None:
    learnt, messages = _mirrored(1, tmp_path, "plain")
    _assert_close(learnt["plain"], single["plain"])
    assert messages.count("there is only one device, so that nothing is gained") == 1
    # The tests have the build for processors.
    assert messages.count("NVIDIA's GPUs need genrecls[gpu] on Linux") == 1


def test_two_hosts_learn_what_one_device_learns(
    single: dict[str, Learnt], hosts: tuple[list[Path], list[str]]
) -> None:
    folders, messages = hosts
    chief, helper = (_found(folder, "everything") for folder in folders)
    assert _equal(chief, helper)
    _assert_close(chief, single["everything"])
    assert "host 1 of 2" in messages[0]
    assert "host 2 of 2" in messages[1]


def test_only_the_chief_writes_checkpoints(hosts: tuple[list[Path], list[str]]) -> None:
    (chief, helper), _ = hosts
    assert checkpoint.load(chief / "slow.run") is not None
    assert not (helper / "slow.run").exists()


@pytest.mark.process
def test_a_signal_to_any_host_or_the_death_of_one_loses_nothing(
    hosts: tuple[list[Path], list[str]], tmp_path: Path
) -> None:
    asked = Hosts(tmp_path, "slow")
    asked.wait_for_a_checkpoint()
    asked.processes[1].send_signal(signal.SIGTERM)
    status, messages = asked.end()
    assert status == [130, 130], messages
    stops = [text.rpartition("genrecls: error: ")[2] for text in messages]
    assert stops[0] == stops[1]
    assert "continues from here" in stops[0]
    robbed = Hosts(tmp_path, "slow")
    robbed.wait_for_a_checkpoint()
    robbed.processes[1].send_signal(signal.SIGKILL)
    status, messages = robbed.end()
    assert status == [1, -signal.SIGKILL], messages
    last = messages[0].splitlines()[-1]
    assert last.startswith("genrecls: error: another host of TF_CONFIG has gone (")
    assert "continues from the last checkpoint" in last
    assert "Traceback" not in messages[0]
    resumed = Hosts(tmp_path, "slow")
    status, messages = resumed.end()
    assert status == [0, 0], messages
    assert all("continuing after epoch" in text for text in messages)
    undisturbed = _found(hosts[0][0], "slow")
    assert all(_equal(_found(folder, "slow"), undisturbed) for folder in resumed.folders)


@pytest.mark.process
def test_hosts_that_train_different_things_are_refused_on_each(tmp_path: Path) -> None:
    status, messages = Hosts(tmp_path, "unlike").end()
    assert status == [1, 1]
    for text in messages:
        assert text.splitlines()[-1].startswith(
            "genrecls: error: the hosts of TF_CONFIG do not train the same: expected one"
        )


@pytest.mark.process
def test_ctrl_c_ends_the_wait_for_a_host_that_never_comes(tmp_path: Path) -> None:
    words = ("tests.training.distributed", "1", "multiworker", str(tmp_path), "slow")
    config = _config([f"127.0.0.1:{port}" for port in _free_ports(2)], 0)
    waiting = subprocess.Popen(
        [sys.executable, "-m", *words],
        env={**os.environ, "TF_CONFIG": config},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    while "waiting for all" not in waiting.stderr.readline():
        assert waiting.poll() is None
    time.sleep(1)
    waiting.send_signal(signal.SIGINT)
    waiting.communicate()
    assert waiting.returncode == -signal.SIGINT


def test_hosts_that_nobody_named_are_asked_for_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="received nothing"):
        devices_for("multiworker")


@pytest.mark.process
def test_hosts_that_nobody_named_are_asked_for_at_once_without_tensorflow() -> None:
    code = (
        "import sys; from genrecls.errors import ConfigError\n"
        "from genrecls.training.distribution import devices_for\n"
        "try: devices_for('multiworker')\n"
        "except ConfigError: sys.exit('tensorflow' in sys.modules)\n"
        "sys.exit(1)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_hosts_are_not_joined_after_tensorflow_has_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = {"cluster": {"worker": ["127.0.0.1:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(RunError, match="only be joined at the start") as error:
        devices_for("multiworker")
    assert "\n" not in str(error.value)


@pytest.mark.process
def test_a_single_device_needs_no_tensorflow_to_be_chosen() -> None:
    code = (
        "import sys; from genrecls.training.distribution import devices_for; "
        "devices_for('single'); sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


WORKERS = {"worker": ["one:1", "two:2"]}


def _tf_config(cluster: Any, role: str, index: Any) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": role, "index": index}})


@pytest.mark.parametrize(
    ("config", "own"),
    [
        (_tf_config(WORKERS, "worker", 0), 0),
        (_tf_config(WORKERS, "worker", "1"), 1),
        (_tf_config({"worker": ["two:2"], "chief": ["one:1"]}, "chief", 0), 0),
        (_tf_config({"worker": ["two:2"], "chief": ["one:1"]}, "worker", 0), 1),
    ],
)
def test_the_chief_is_the_host_of_that_name_or_the_first_worker(
    config: str, own: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", config)
    cluster = cluster_of_environment()
    assert cluster.hosts == ("one:1", "two:2")
    assert cluster.index == own
    assert cluster.chief == (own == 0)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "{",
        "[]",
        "{}",
        _tf_config(WORKERS, "worker", 2),
        _tf_config(WORKERS, "worker", None),
        _tf_config(WORKERS, "chief", 0),
        _tf_config({**WORKERS, "ps": ["three:3"]}, "worker", 0),
        _tf_config({}, "worker", 0),
        _tf_config(["one:1"], "worker", 0),
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
