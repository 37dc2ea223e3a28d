"""However a training ends, it is put into words, and nothing of it is left running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from genrecls.export.convert import conversion
from genrecls.runs.run import Run
from genrecls.sweeps import process
from genrecls.sweeps.process import JobResult, ResourceLimits, TrainingProcess
from tests.sweeps.sweeps import wait_for

pytestmark = pytest.mark.process

Started = Callable[..., TrainingProcess]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


@pytest.fixture
def started(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    """Starts some code instead of a training."""

    def start(code: str, **limits: object) -> TrainingProcess:
        monkeypatch.setattr(process, "TRAIN", (sys.executable, "-c", code))
        log = tmp_path / "logs" / "run.log"
        resources = ResourceLimits(**limits)  # type: ignore[arg-type]
        return TrainingProcess(("seed=0",), run, log, resources, sweep="abc")

    return start


def ending(child: TrainingProcess) -> JobResult:
    results: list[JobResult] = []

    def over() -> bool:
        results.extend(filter(None, [child.poll()]))
        return bool(results)

    wait_for(over)
    return results[0]


def test_no_module_of_the_working_folder_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numpy.py").write_text("raise SystemExit(3)")
    code = ["-c", "import numpy; print(numpy.__version__)"]
    for command in (process.TRAIN, conversion.WORKER):
        flags = command[1 : command.index("-m")]
        done = subprocess.run([command[0], *flags, *code], check=False, capture_output=True)
        assert done.returncode == 0, done.stderr


def test_an_error_line_is_the_reason(started: Started) -> None:
    code = "print('one'); print('genrecls: error: the data are gone'); raise SystemExit(1)"
    result = ending(started(code))
    assert result == JobResult(
        "failed", "the data are gone", ("one", "genrecls: error: the data are gone")
    )


def test_a_whole_training_leaves_how_long_its_process_ran(started: Started, run: Run) -> None:
    code = (
        "from pathlib import Path; from genrecls.runs.run import Run; "
        f"run = Run(Path({str(run.folder)!r})); "
        "run.mark('finished'); run.metrics_file.touch(); run.model_file.touch()"
    )
    assert ending(started(code)) == JobResult("finished")
    seconds = run.state["seconds"]
    assert 0 < seconds < 60
    # What was begun before says nothing of a whole training.
    run.mark("interrupted", seconds=None)
    assert ending(started(code)) == JobResult("finished")
    assert run.state["seconds"] is None


def test_an_end_without_a_word_is_called_by_its_status(started: Started) -> None:
    assert ending(started("raise SystemExit(3)")).reason == (
        "ended with exit status 3 and without a result"
    )


def test_success_without_a_result_is_none(started: Started) -> None:
    result = ending(started("print('all is well')"))
    assert result.state == "failed"
    assert result.reason == (
        "ended with exit status 0 and without a result: all is well; a configuration, a plugin or "
        "the data may have changed since this was planned: repeat the command"
    )


def test_a_signal_is_named_and_marks_the_run(started: Started, run: Run) -> None:
    run.mark("running")
    result = ending(started("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    assert result.state == "failed"
    assert result.reason.startswith("was killed by SIGKILL (from outside, or because the machine")
    assert run.state["status"] == "failed"
    assert run.state["reason"] == result.reason


def test_a_crash_of_native_code_is_named(started: Started) -> None:
    result = ending(started("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))
    assert "SIGSEGV (Segmentation fault)" in result.reason


def test_what_the_training_itself_has_recorded_stays(started: Started, run: Run) -> None:
    run.mark("failed", reason="its own")
    ending(started("raise SystemExit(1)"))
    assert run.state["reason"] == "its own"


def test_another_process_at_the_run_is_no_failure(started: Started) -> None:
    assert ending(started("raise SystemExit(75)")).state == "busy"


def test_a_stop_from_outside_is_no_failure(started: Started) -> None:
    result = ending(started("raise SystemExit(130)"))
    assert (result.state, result.reason) == ("stopped", "was stopped from outside")


def test_only_the_last_lines_of_this_attempt_are_kept(started: Started) -> None:
    ending(started("print('before'); raise SystemExit(1)"))
    result = ending(started("print(*range(50), sep='\\n'); raise SystemExit(1)"))
    assert result.lines == tuple(map(str, range(30, 50)))


def test_too_much_memory_is_a_failure_with_its_figure(started: Started, run: Run) -> None:
    run.mark("running")
    code = "import time; kept = bytearray(300_000_000); time.sleep(60)"
    result = ending(started(code, memory=100_000_000))
    assert result.state == "failed"
    assert re.fullmatch(r"took 0\.[123]\d* GB, more than job_memory_gb=0\.1", result.reason)
    assert run.state["reason"] == result.reason


def test_memory_of_what_it_starts_counts(started: Started) -> None:
    inner = "import time; kept = bytearray(300_000_000); time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    assert "more than job_memory_gb=0.1" in ending(started(code, memory=100_000_000)).reason


def test_mapped_files_do_not_count(started: Started, tmp_path: Path) -> None:
    code = (
        "import numpy as np; "
        f"x = np.memmap({str(tmp_path / 'm')!r}, dtype='u1', mode='w+', shape=300_000_000); "
        "x[:] = 1; import time; time.sleep(2); raise SystemExit(75)"
    )
    assert ending(started(code, memory=150_000_000)).state == "busy"


def test_a_stop_asks_first(started: Started) -> None:
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(130)); "
        "print('ready', flush=True); time.sleep(60)"
    )
    child = started(code)
    wait_for(lambda: "ready" in child.log.read_text())
    child.stop("is far behind")
    result = ending(child)
    assert (result.state, result.reason) == ("stopped", "is far behind")


def test_who_does_not_heed_a_stop_is_killed_with_all_it_has_started(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_GRACE", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    inner = f"{deaf} print('ready', flush=True); time.sleep(60)"
    child = started(
        f"{deaf} import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    )
    wait_for(lambda: "ready" in child.log.read_text())
    tree = psutil.Process(child.pid).children(recursive=True)
    child.stop("is far behind")
    assert ending(child).state == "stopped"
    wait_for(lambda: not any(child.is_running() for child in tree))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be assigned here")
def test_it_keeps_to_its_cores(started: Started) -> None:
    core = min(os.sched_getaffinity(0))
    code = (
        "import os, sys, time\n"
        "while len(os.sched_getaffinity(0)) > 1: time.sleep(0.01)\n"
        "print(os.sched_getaffinity(0), os.environ['OMP_NUM_THREADS']); sys.exit(1)"
    )
    assert ending(started(code, cores=(core,))).lines == (f"{{{core}}} 1",)


def test_it_knows_the_sweep_and_has_no_terminal(started: Started) -> None:
    code = "import os, sys; print(os.environ['GENRECLS_SWEEP'], sys.stdin.isatty()); sys.exit(1)"
    assert ending(started(code)).lines == ("abc False",)


def test_ctrl_c_on_the_terminal_does_not_reach_it(started: Started) -> None:
    child = started("import time; time.sleep(60)")
    assert os.getpgid(child.pid) != os.getpgid(0)
    child.kill("enough")
    assert ending(child) == JobResult("stopped", "enough")


def test_progress_that_is_damaged_or_absent_is_empty(run: Run) -> None:
    assert run.read_progress() == {}
    run.folder.mkdir()
    run.progress_file.write_text('{"epoch": ')
    assert run.read_progress() == {}
    run.progress_file.write_text('{"epoch": 3, "epochs": 8}')
    assert run.read_progress() == {"epoch": 3, "epochs": 8}


def test_a_training_whose_starter_is_killed_is_stopped(tmp_path: Path) -> None:
    held = (
        "from genrecls.sweeps import parent_watch; import pathlib, signal, sys, time; "
        f"place = pathlib.Path({str(tmp_path)!r}); "
        "signal.signal(signal.SIGTERM, lambda *_: (place / 'stopped').touch() or sys.exit()); "
        "parent_watch.stop_with_parent(); (place / 'ready').touch(); time.sleep(60)"
    )
    starter = (
        "import os, subprocess, sys, time; from genrecls.sweeps import parent_watch; "
        f"subprocess.Popen([sys.executable, '-c', {held!r}], stdin=subprocess.PIPE, "
        "env={**os.environ, parent_watch.VARIABLE: '1'}); time.sleep(60)"
    )
    parent = psutil.Popen([sys.executable, "-c", starter])
    wait_for((tmp_path / "ready").exists)
    assert not (tmp_path / "stopped").exists()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_for((tmp_path / "stopped").exists)


def test_a_training_that_no_sweep_started_does_not_read_its_input() -> None:
    code = (
        "from genrecls.sweeps import parent_watch; import threading; "
        "parent_watch.stop_with_parent(); print(threading.active_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=600
    )
    assert done.stdout.strip() == b"1"
