"""`genrecls export`: TFLite files of a finished run, and everything that a device needs."""

from __future__ import annotations

from collections.abc import Sequence

from genrecls.cli.parser import run_overrides, show_configuration
from genrecls.cli.verbs import parser_of
from genrecls.config.compose import compose
from genrecls.config.validation import validate
from genrecls.console import say, show
from genrecls.export.settings import ExportSettings
from genrecls.reports.tables import Column, Table
from genrecls.runs.export_facts import ExportedFile, ExportFacts
from genrecls.runtime.description import leak_mark

FORMAT = "--tflite"

# A bundle leaves the machine, and its card has no use for where things lay on it.
_PLACES = ("run=", "dataset_root=", "data_root=", "output_root=", "hydra.")


def main(words: Sequence[str]) -> int:
    """Export the run that the plain word names, or the newest on real music."""
    options = parser_of("export").read(words)
    kept = [word for word in options.overrides if not word.startswith(_PLACES)]
    options.overrides += run_overrides(options.words)
    if show_configuration("export", options):
        return 0
    composed = compose("export", options.overrides, options.config_dir, options.config_name)
    settings = validate(ExportSettings, composed, "")
    from genrecls.export.bundle.deployment import deployment
    from genrecls.export.export import export, require_files

    result = export(settings, kept)
    show(_table(result.facts).to_terminal())
    say(f"bundle in {result.folder}; its card is {result.folder / 'card.md'}")
    require_files(settings, result.facts)
    for line in deployment(result.facts):
        say(line)
    return 0


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
        alarm="track" in facts.leaks,
    )
