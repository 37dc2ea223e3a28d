"""`genrecls export`: TFLite files of a finished run, and everything that a device needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genrecls.config.compose import run_hydra
from genrecls.config.overrides import run_named
from genrecls.config.validation import validate
from genrecls.console import fail, say, show, warn
from genrecls.errors import ExportError
from genrecls.export.settings import ExportSettings
from genrecls.runs.export_facts import ExportedFile, ExportFacts
from genrecls.runtime.description import leak_mark

FORMAT = "--tflite"

# A bundle leaves the machine, and its card has no use for where things lay on it.
_PLACES = ("run=", "dataset_root=", "data_root=", "output_root=", "hydra.")


def main(words: Sequence[str]) -> int:
    """Export the run that the first bare word names, or the newest finished one."""
    given = run_named([word for word in words if word != FORMAT])
    kept = [word for word in given if "=" in word and not word.startswith(_PLACES)]

    def task(composed: dict[str, Any]) -> None:
        export_run(validate(ExportSettings, composed, ""), kept)

    run_hydra("export", given, task)
    return 0


def export_run(settings: ExportSettings, words: Sequence[str] = ()) -> Path:
    """Export, show what was made, and return the folder of the bundle.

    Args:
        settings: what to export.
        words: the overrides that made the settings, for the card.

    Raises:
        ExportError: a file that was asked for by name, or that should have worked, is not there.
    """
    from genrecls.export.export import export

    result = export(settings, words)
    folder, facts = result.folder, result.facts
    show(_table(facts))
    if target := facts.target:
        for verdict in target.verdicts:
            fits = "fits" if verdict.fits else f"does not fit: {'; '.join(verdict.reasons)}"
            say(f"{target.title}: {verdict.file} {fits}")
    say(f"bundle in {folder}; its card is {folder / 'card.md'}")
    _report_missing(settings, facts)
    return folder


def _report_missing(settings: ExportSettings, facts: ExportFacts) -> None:
    """Name what there is no file of; an error where a file was asked for or went wrong."""
    missing: dict[tuple[bool, str], list[str]] = {}
    for wanted, file in zip(settings.formats, facts.files, strict=True):
        if file.status != "kept":
            expected = file.status != "refused" or settings.names(wanted)
            missing.setdefault((expected, file.reason or ""), []).append(file.file)
    for (expected, reason), files in missing.items():
        (fail if expected else warn)(f"no {', '.join(files)}: {reason}")
    failed = sum(len(files) for (expected, _), files in missing.items() if expected)
    if failed:
        raise ExportError(
            f"{failed} of {len(facts.files)} files were not exported; see the lines above"
        )


def _table(facts: ExportFacts) -> Any:
    from rich.table import Table

    title = f"{facts.run}: test part, split {facts.split}{leak_mark(facts.leaks)}"
    table = Table(title=title, title_justify="left")
    for name in ("file", "bytes", "accuracy per segment", "per track", "difference", "equal"):
        table.add_column(name, justify="left" if name == "file" else "right")
    for file in (facts.keras, *facts.files):
        if file is None or file.test is None or file.bytes is None:
            table.add_row(*(() if file is None else (file.file, file.status)))
            continue
        test = f"{file.test.segment.accuracy:.3f}", f"{file.test.track.accuracy:.3f}"
        cells = [file.file, f"{file.bytes:,}", *test]
        if isinstance(file, ExportedFile) and file.gate:
            cells += [f"{file.gate.difference:.1e}", f"{file.gate.decisions:.1%}"]
        table.add_row(*cells)
    return table
