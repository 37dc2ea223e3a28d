from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genrecls.errors import ConfigError, DataError
from genrecls.parallel import Backend, parallel_map

Maker = Callable[..., Any]


@pytest.mark.process
@pytest.mark.parametrize("by", ["threads", "loky"])
def test_results_come_in_the_order_of_the_items(by: Backend) -> None:
    items = list(range(20))
    results = parallel_map(_slow, items, "x", backend=by)
    assert results == [-item for item in items]


def _slow(item: int) -> int:
    time.sleep(0.01 * (item % 3))
    return -item


@pytest.mark.process
def test_a_process_loads_no_tensorflow_and_one_thread_for_matrix_products() -> None:
    for loaded, threads in parallel_map(_state, [1, 2, 3], "x", backend="loky"):
        assert not loaded
        assert set(threads) <= {1}


def _state(_: int) -> tuple[bool, list[int]]:
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

    threads = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return "tensorflow" in sys.modules, threads


@pytest.mark.process
def test_an_error_in_a_process_is_the_same_error_here() -> None:
    with pytest.raises(DataError, match="the disk is full"):
        parallel_map(_refuse, [1, 2], "x", backend="loky")


def _refuse(_: int) -> None:
    raise DataError("the disk is full")


@pytest.mark.process
@pytest.mark.filterwarnings("ignore:A worker stopped:UserWarning")
def test_a_process_that_is_killed_gets_one_line() -> None:
    with pytest.raises(DataError, match=r"^Extracting: a process of backend=loky was killed"):
        parallel_map(_die, [1, 2], "Extracting", backend="loky")
    assert parallel_map(_slow, [1, 2], "Extracting", backend="loky") == [-1, -2]


def _die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_library_that_is_absent_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"^backend=ray: .*pip install 'genrecls\[ray\]'"):
        parallel_map(_slow, [1], "x", backend="ray")


@pytest.mark.process
def test_ctrl_c_ends_all_processes_and_keeps_what_is_finished(tmp_path: Path) -> None:
    process = _scripted(CTRL_C, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    deadline = time.time() + 300
    while not [*tmp_path.glob("done-*")] and time.time() < deadline:
        time.sleep(0.05)
    # As a terminal does it: to the whole group.
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert (out, err) == ("interrupted\n", "")
    finished = len([*tmp_path.glob("done-*")])
    assert 0 < finished < 100
    time.sleep(0.5)
    assert len([*tmp_path.glob("done-*")]) == finished


def _scripted(script: str, folder: Path, *words: str) -> subprocess.Popen[str]:
    path = folder / "script.py"
    path.write_text(script, encoding="utf-8")
    command = [sys.executable, str(path), str(folder), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


CTRL_C = """
import signal, sys, time
from functools import partial
from pathlib import Path
from genrecls.parallel import parallel_map

def slow(folder, number):
    time.sleep(0.1)
    (folder / f"done-{number}").touch()

if __name__ == "__main__":
    # Whoever runs the tests in the background of a shell has Ctrl-C switched off.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("started", flush=True)
    try:
        parallel_map(partial(slow, Path(sys.argv[1])), range(1000), "x", backend="loky")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""
