"""`genrecls export`: TFLite files of a finished run with all a device needs, a page, firmware."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from genrecls.cli.arguments import parser_of
from genrecls.cli.parser import run_overrides, show_configuration
from genrecls.config.compose import compose
from genrecls.config.validation import validate
from genrecls.console import say, show
from genrecls.errors import ConfigError
from genrecls.export.settings import ExportSettings
from genrecls.inference.files import named_model_file
from genrecls.reports.tables import Column, Table
from genrecls.runs.export_facts import ExportedFile, ExportFacts
from genrecls.runtime.marks import leak_mark
from genrecls.shipped.models import FOLDER, names

FORMAT = "--tflite"


def main(words: Sequence[str]) -> int:
    """Export the run that the plain word names, or the newest on real music."""
    options = parser_of("export").read(words)
    if options.output is not None and not (options.web or options.micro):
        raise ConfigError(
            "--output: it goes with --web and --micro; a bundle lies in the folder of its run"
        )
    said = list(options.overrides)
    # A page and a C++ project are also made of a file alone.
    file = _file(options)
    if options.micro:
        _write_firmware(file, options)
        return 0
    options.overrides += [] if file else run_overrides(options.words)
    if show_configuration("export", options):
        return 0
    composed = compose("export", options.overrides, options.config_dir, options.config_name)
    settings = validate(ExportSettings, composed, "")
    if not options.web:
        _write_files(settings, said)
        return 0
    from genrecls.export.web.litertjs import find_litertjs
    from genrecls.export.web.page import export_page

    # Before files are made, which takes longer.
    runtime = find_litertjs(settings.litertjs)
    if options.tflite:
        _write_files(settings, said)
        said = []
    page = export_page(settings, said, file, options.output, runtime)
    say(f"page in {page}; to look at it: python -m http.server -d {shlex.quote(str(page))}")
    return 0


def _file(options: Namespace) -> Path | None:
    """Return the model file that the plain word means, if it means one."""
    file = named_model_file(options.words[0]) if len(options.words) == 1 else None
    if options.micro:
        return file
    shipped = file is not None and file.parent == FOLDER
    if file is not None and (options.tflite or not options.web):
        if shipped:
            raise ConfigError(
                f"{file.stem} comes with genrecls as a TFLite file, which predict takes by that "
                f"name and which lies in {file}; --web and --micro take it, too"
            )
        raise ConfigError(
            f"received the model file {options.words[0]}; expected a run, for TFLite files are "
            "made of its model and its data; --web and --micro take a file"
        )
    if file is not None and shipped and file.stem not in names():
        # The name of a mode stands behind that of the model.
        model = next(name for name in names() if file.stem.startswith(f"{name}_"))
        raise ConfigError(f"{file.stem}: LiteRT.js takes no int8 input; take {model}")
    return file


def _write_firmware(file: Path | None, options: Namespace) -> None:
    if options.tflite or options.web:
        raise ConfigError("--micro: expected neither --tflite, which writes it too, nor --web")
    if options.overrides:
        raise ConfigError(
            f"--micro: received '{options.overrides[0]}' beside it, but the file says all that it "
            "is made of; leave it out"
        )
    if file is None:
        raise ConfigError(
            "--micro: expected a .tflite or the name of a shipped model, such as best_small_int8; "
            "of a run, --tflite writes it with the files, as micro/"
        )
    from genrecls.export.bundle.firmware import read_project, write_firmware

    folder = options.output or Path(f"{file.stem}_micro")
    write_firmware(folder, read_project(file))
    say(f"C++ project in {folder}; its README.md says how to build and run it")


def _write_files(settings: ExportSettings, words: Sequence[str]) -> None:
    from genrecls.export.bundle.deployment import deployment
    from genrecls.export.export import export, require_files

    result = export(settings, words)
    show(_table(result.facts).to_terminal())
    say(f"bundle in {result.folder}; its card is {result.folder / 'card.md'}")
    require_files(settings, result.facts)
    for line in deployment(result.facts):
        say(line)


def _table(facts: ExportFacts) -> Table:
    names = ("bytes", "accuracy per segment", "per track", "difference", "equal")
    rows = []
    # What a target leaves out is no failure; the lines below the table name it.
    files = [file for file in facts.files if not (facts.target and file.status == "refused")]
    for file in (facts.keras, *files):
        if file is None:
            continue
        cells = [file.file]
        if file.test is None:
            cells += [file.status if isinstance(file, ExportedFile) else "", "", "", "", ""]
        else:
            test = file.test
            cells += [
                f"{file.bytes:,}",
                f"{test.segment.accuracy:.3f}",
                f"{test.track.accuracy:.3f}",
            ]
            gate = file.gate if isinstance(file, ExportedFile) else None
            cells += [f"{gate.difference:.1e}", f"{gate.decisions:.1%}"] if gate else ["", ""]
        rows.append(cells)
    return Table(
        columns=("file", *(Column(name, "number") for name in names)),
        rows=rows,
        title=f"{facts.run}: test part, split {facts.split}{leak_mark(facts.leaks)}",
        alarm=facts.leaky,
    )
