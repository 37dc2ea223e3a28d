"""A C++ project on an emulated Cortex-M4: what one segment takes, in instructions and bytes.

`qemu-system-arm -icount shift=0` gives every instruction a nanosecond, so a timer counts them.
Instructions are not cycles: memory that waits and divisions that take long do not show.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from genrecls.environment import cores
from genrecls.errors import ConfigError, RunError

TOOLS = ("arm-none-eabi-g++", "arm-none-eabi-size", "qemu-system-arm", "cmake")
"""Programs that are needed (Debian: gcc-arm-none-eabi, qemu-system-arm, cmake)."""

_SEGMENT = re.compile(r"segment: \d+ samples, (\d+) ms")
_TRANSFORM = re.compile(r"(\S+) Fourier transform: (\d+) instructions")
_FRONT_END = re.compile(r"front end: (\d+) thousand instructions, (\d+) bytes of stack")
_STATE = re.compile(r"front end: (\d+) bytes")
_NETWORK = re.compile(r"network: (\d+) thousand instructions, (\d+) bytes of stack")
_ARENA = re.compile(r"arena: (\d+) of \d+ bytes")


@dataclass(frozen=True)
class Emulation:
    """What one segment of the golden audio takes on the emulated processor.

    Attributes:
        kernels: of the network, `CMSIS-NN` or `reference`.
        transform: Fourier transform of the front end, `CMSIS-DSP` or `portable`.
        seconds: of sound in a segment.
        transform_instructions: of one frame.
        front_end_instructions, network_instructions: of the segment, in thousands.
        front_end_stack, network_stack: bytes.
        front_end_bytes: RAM that the front end keeps.
        arena: bytes in use of the tensor arena.
        flash: bytes of the whole program that hears a WAV file, text and data, network included.
    """

    kernels: str
    transform: str
    seconds: float
    transform_instructions: int
    front_end_instructions: int
    network_instructions: int
    front_end_stack: int
    network_stack: int
    front_end_bytes: int
    arena: int
    flash: int


def emulate(project: Path, tflite_micro: Path, *, optimised: bool) -> Emulation:
    """Build a C++ project for the emulated processor, check its golden answers, and count.

    Args:
        project: folder of the sources, `micro/` of a bundle or what `export --micro` wrote.
        tflite_micro: what `get_tflm.sh FOLDER cortex-m` fetched.
        optimised: with CMSIS-NN and CMSIS-DSP, or the reference kernels and our own transform.

    Raises:
        ConfigError: a tool is missing, or one of the folders is none of those.
        RunError: it cannot be built, or answers otherwise.
    """
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        raise ConfigError(
            f"{', '.join(missing)}: not found; expected {', '.join(TOOLS)} (Debian: apt install "
            "gcc-arm-none-eabi qemu-system-arm cmake)"
        )
    if not (project / "emulator" / "run.sh").is_file():
        raise ConfigError(f"{project}: expected a C++ project of genrecls with a front end")
    switch = "ON" if optimised else "OFF"
    with tempfile.TemporaryDirectory(prefix="genrecls-emulator-") as name:
        build = Path(name)
        settings = (
            f"-DCMAKE_TOOLCHAIN_FILE={project.resolve() / 'emulator' / 'cortex-m4.cmake'}",
            f"-DTFLITE_MICRO_DIR={tflite_micro.resolve()}",
            f"-DGENRECLS_CMSIS_NN={switch}",
            f"-DGENRECLS_FFT_CMSIS={switch}",
        )
        _run("cmake", "-S", str(project), "-B", name, *settings)
        _run("cmake", "--build", name, "--parallel", str(cores()))
        run = ("sh", str(project / "emulator" / "run.sh"))
        wav = str(project / "golden.wav")
        _run(*run, str(build / "front_end_test"), wav)
        _run(*run, str(build / "golden_test"))
        counted = _run(*run, str(build / "measure"), wav)
        text, data, *_ = (
            _run("arm-none-eabi-size", str(build / "classify_wav")).split("\n")[1].split()
        )
    return read_counts(counted, "CMSIS-NN" if optimised else "reference", int(text) + int(data))


def read_counts(printed: str, kernels: str, flash: int) -> Emulation:
    """Return what `emulator/measure.cc` of a project printed.

    Raises:
        RunError: a line is missing.
    """
    patterns = (_SEGMENT, _TRANSFORM, _FRONT_END, _STATE, _NETWORK, _ARENA)
    matches = [pattern.search(printed) for pattern in patterns]
    if not all(matches):
        last = (printed.strip() or "nothing").splitlines()[-1]
        raise RunError(f"the emulated program did not count to its end; its last line: {last}")
    segment, transform, front_end, state, network, arena = (
        match.groups() for match in matches if match
    )
    return Emulation(
        kernels=kernels,
        transform=transform[0],
        seconds=int(segment[0]) / 1000,
        transform_instructions=int(transform[1]),
        front_end_instructions=int(front_end[0]),
        network_instructions=int(network[0]),
        front_end_stack=int(front_end[1]),
        network_stack=int(network[1]),
        front_end_bytes=int(state[0]),
        arena=int(arena[0]),
        flash=flash,
    )


def _run(*words: str) -> str:
    """Run a program and return what it prints.

    Raises:
        RunError: its status is not 0; with its last line.
    """
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()
        raise RunError(f"{words[0]} ended with status {done.returncode}: {lines[-1]}")
    return done.stdout
