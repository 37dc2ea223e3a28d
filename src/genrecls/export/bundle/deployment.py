"""Which file of an export goes to which device, and with which figures."""

from __future__ import annotations

from collections.abc import Sequence

from genrecls.export.verify.micro import fits_micro
from genrecls.runs.export_facts import ExportedFile, ExportFacts
from genrecls.runtime.marks import leak_mark

PROGRAM_FLASH = 175_000
"""Bytes of kernels, tables and program beside a network, at most: 118,000 to 143,000 with the
reference kernels on an emulated Cortex-M4 (cnn, rnn and crnn_micro, text and data of `classify_wav`
less the network), and 30,000 more with CMSIS-NN."""


def deployment(facts: ExportFacts) -> list[str]:
    """Return a line for each kind of device that an export has a file for.

    Every kept file has passed its comparison with Keras, so the smallest one is named. Where a
    target was asked for it is one that fits, and the line says how.
    """
    lines = []
    if target := facts.target:
        reasons = {verdict.file: verdict.reasons for verdict in target.verdicts if verdict.fits}
        if fitting := [file for file in facts.kept if file.file in reasons]:
            litert = target.runtime == "litert"
            file = _for_litert(fitting) if litert else _smallest(fitting)
            project = _project(file, facts.kept)
            what = f"copy {file.file}" if litert else f"flash {file.file}{project}"
            fits = ", ".join(reasons[file.file]) or "in every respect"
            lines.append(f"{what}, which fits {target.title}: {fits}; {_accuracy(file, facts)}")
        return lines
    if micro := [file for file in facts.kept if fits_micro(file)]:
        file = _smallest(micro)
        arena = f"tensor arena {file.arena.bytes:,} bytes, " if file.arena else ""
        if file.front_end is not None:
            arena += f"front end {file.front_end:,} bytes, "
        size, where = file.flatbuffer or 0, _project(file, facts.kept)
        lines.append(
            f"for a microcontroller, flash {file.file}{where}: {size:,} bytes, "
            f"about {size + PROGRAM_FLASH:,} with the program, {arena}{_accuracy(file, facts)}"
        )
    if facts.kept:
        file = _for_litert(facts.kept)
        lines.append(
            f"for a phone or a Raspberry Pi, copy {file.file}: {file.bytes or 0:,} bytes, "
            f"{_accuracy(file, facts)}"
        )
    return lines


def _smallest(files: Sequence[ExportedFile]) -> ExportedFile:
    return min(files, key=lambda file: (file.bytes or 0, file.file))


def _for_litert(files: Sequence[ExportedFile]) -> ExportedFile:
    # What takes raw samples needs no front end on the device.
    return _smallest([file for file in files if file.input == "audio"] or files)


def project_file(kept: Sequence[ExportedFile]) -> ExportedFile | None:
    """Return the file that the C++ project is made of: int8, or float32 where int8 was not kept."""
    files = {file.mode: file for file in kept if fits_micro(file)}
    return files.get("int8") or files.get("float32")


def _project(file: ExportedFile, kept: Sequence[ExportedFile]) -> str:
    """Return where a file stands as C++ sources; nothing where it does not."""
    return " (in micro/)" if file == project_file(kept) else ""


def _accuracy(file: ExportedFile, facts: ExportFacts) -> str:
    if file.test is None:
        return "accuracy not known"
    keras = f", Keras {facts.keras.test.track.accuracy:.3f}" if facts.keras else ""
    mark = leak_mark(facts.leaks)
    return f"accuracy per test track{mark} {file.test.track.accuracy:.3f}{keras}"
