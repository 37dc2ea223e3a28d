"""Standard streams that are closed, or that cannot take what is written."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from genrecls.console import say
from genrecls.errors import ConfigError
from genrecls.runtime.standard_streams import prepare_standard_streams, write_line
from tests.conftest import RunCommand

NAME = "Жук 😀.wav"


def test_an_output_that_takes_ascii_alone_gets_exact_json(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="ascii"))
    write_line(json.dumps([NAME], ensure_ascii=False))
    assert json.loads(output.getvalue()) == [NAME]


def test_a_library_that_prints_a_name_does_not_fail_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="ascii"))
    prepare_standard_streams()
    sys.stdout.write(NAME)
    sys.stdout.flush()
    assert output.getvalue().decode("ascii").startswith("\\u0416")


def test_a_closed_standard_output_is_one_line_before_anything_is_done(
    run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(ConfigError, match="standard output is closed, where results are written"):
        prepare_standard_streams()
    refused = run_command("runs")
    assert refused.status == 1
    assert refused.error.startswith("standard output is closed")


@pytest.mark.skipif(sys.platform == "win32", reason="of POSIX shells")
def test_a_standard_output_that_can_only_be_read_is_told_from_a_closed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        monkeypatch.setattr(sys, "stdout", nothing)
        monkeypatch.setattr(sys, "__stdout__", nothing)
        with pytest.raises(ConfigError, match=r"standard output can only be read \(1<FILE\)"):
            prepare_standard_streams()


@pytest.mark.parametrize(
    ("device", "flags"), [("/dev/null", os.O_RDONLY), ("/dev/full", os.O_WRONLY)]
)
def test_messages_that_cannot_be_written_cost_no_result(
    device: str, flags: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path(device).exists():
        pytest.skip(f"no {device} here")
    stream = io.TextIOWrapper(io.BufferedWriter(io.FileIO(os.open(device, flags), "w")), "utf-8")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "__stderr__", stream)
    prepare_standard_streams()
    for _ in range(2):
        say("told to nobody")
        sys.stderr.write("nor this")
        sys.stderr.flush()
    sys.stderr.close()


def test_a_line_is_safe_for_a_terminal() -> None:
    with redirect_stdout(io.StringIO()) as output:
        write_line("a\x1b]0;b\u202e")
    assert output.getvalue() == "a\\u001b]0;b\\u202e\n"


def _without(*descriptors: int) -> Callable[[], None]:
    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return close


@pytest.mark.process
def test_results_come_without_standard_error_and_input_as_services_start(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from genrecls.console import quiet_libraries, say, show\n"
        "from genrecls.runtime.standard_streams import prepare_standard_streams\n"
        "with quiet_libraries(): pass\n"
        "prepare_standard_streams()\n"
        "with quiet_libraries(): say('told to nobody')\n"
        "with open('next', 'w') as file: show(str(file.fileno()))\n"
        "os.write(2, b'a library')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        preexec_fn=_without(0, 2),
        cwd=tmp_path,
        check=True,
    )
    assert int(done.stdout) > 2
    assert (tmp_path / "next").read_text() == ""
