"""Counts of the emulated Cortex-M4, with stand-ins for compiler and emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from genrecls.benchmark.emulator import TOOLS, emulate, read_counts
from genrecls.errors import ConfigError, RunError

COUNTED = """segment: 99225 samples, 4500 ms
CMSIS-DSP Fourier transform: 112672 instructions
front end: 15855 thousand instructions, 416 bytes of stack
front end: 20800 bytes
network: 23980 thousand instructions, 1264 bytes of stack
arena: 134544 of 142336 bytes
"""
SIZES = "   text\\t   data\\t    bss\\n 268372\\t   2776\\t 164064\\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that looks like a C++ project."""
    (tmp_path / "project" / "emulator").mkdir(parents=True)
    run = 'shift 0\nexec qemu-system-arm "$@"\n'
    (tmp_path / "project" / "emulator" / "run.sh").write_text(run, encoding="utf-8")
    return tmp_path / "project"


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> Path:
    """Put stand-ins for all tools on the path; return the file that they write their words to."""
    log = folder / "words"
    (folder / "bin").mkdir()
    for tool in TOOLS:
        script = (
            f'#!/bin/sh\necho "{tool} $*" >> {log}\n{scripts.get(tool.replace("-", "_"), "")}\n'
        )
        (folder / "bin" / tool).write_text(script, encoding="utf-8")
        (folder / "bin" / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")
    return log


@pytest.mark.process
@pytest.mark.parametrize(("optimised", "kernels"), [(True, "CMSIS-NN"), (False, "reference")])
def test_a_project_is_built_checked_and_counted(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimised: bool, kernels: str
) -> None:
    log = install(
        tmp_path,
        monkeypatch,
        qemu_system_arm=f"cat <<'END'\n{COUNTED}END",
        arm_none_eabi_size=f"printf '{SIZES}'",
    )
    counted = emulate(project, tmp_path / "tflm", optimised=optimised)
    assert (counted.kernels, counted.transform, counted.seconds) == (kernels, "CMSIS-DSP", 4.5)
    assert counted.transform_instructions == 112_672
    assert (counted.front_end_instructions, counted.network_instructions) == (15_855, 23_980)
    assert (counted.front_end_stack, counted.network_stack) == (416, 1264)
    assert (counted.front_end_bytes, counted.arena, counted.flash) == (20_800, 134_544, 271_148)
    words = log.read_text(encoding="utf-8")
    assert f"-DGENRECLS_CMSIS_NN={'ON' if optimised else 'OFF'}" in words
    assert [name in words for name in ("front_end_test", "golden_test", "measure")] == [True] * 3


@pytest.mark.process
def test_what_does_not_build_or_answer_is_one_line(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, cmake="echo first; echo no such folder >&2; exit 1")
    with pytest.raises(RunError, match="cmake ended with status 1: no such folder"):
        emulate(project, tmp_path / "tflm", optimised=True)


def test_what_is_missing_is_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"arm-none-eabi-g.*not found; .*apt install gcc-arm"):
        emulate(project, tmp_path, optimised=True)
    install(tmp_path, monkeypatch)
    with pytest.raises(ConfigError, match=r"expected a C\+\+ project of genrecls"):
        emulate(tmp_path, tmp_path, optimised=True)


def test_a_program_that_stops_early_has_no_counts() -> None:
    with pytest.raises(RunError, match="its last line: front end: 20800 bytes"):
        read_counts(COUNTED.partition("network")[0], "CMSIS-NN", 1)
