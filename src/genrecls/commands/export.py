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
from genrecls.evaluation.predictions import leak_mark
from genrecls.export.settings import ExportSettings
from genrecls.reopening import reopen
from genrecls.runs import find_run

FORMAT = "--tflite"


def main(words: Sequence[str]) -> int:
    """Export the run that the first bare word names, or the newest finished one."""
    run_hydra("export", run_named([word for word in words if word != FORMAT]), _task)
    return 0


def _task(composed: dict[str, Any]) -> None:
    export_run(validate(ExportSettings, composed, ""))


def export_run(settings: ExportSettings) -> Path:
    """Export, show what was made, and return the folder of the bundle.

    Raises:
        ExportError: a file that was asked for by name, or that should have worked, is not there.
    """
    from genrecls.export.targets import target as find_target

    # Before minutes of work are spent, for a name may be mistyped.
    target = find_target(settings.target) if settings.target else None
    run = find_run(Path(settings.output_root).expanduser(), settings.run)
    reopened = reopen(run, settings.data_root, settings.dataset_root)
    from genrecls.export.bundle import write
    from genrecls.export.exporting import export

    with run.locked():
        exported = export(reopened, settings)
        folder, facts = write(exported, target)
    show(_table(facts))
    for verdict in (facts["target"] or {}).get("verdicts", ()):
        fits = "fits" if verdict["fits"] else f"does not fit: {'; '.join(verdict['reasons'])}"
        say(f"{facts['target']['title']}: {verdict['file']} {fits}")
    say(f"bundle in {folder}; its card is {folder / 'card.md'}")
    _report_missing(settings, facts)
    return folder


def _report_missing(settings: ExportSettings, facts: dict[str, Any]) -> None:
    """Name what there is no file of; an error where a file was asked for or went wrong."""
    failed = []
    for variant, row in zip(settings.variants, facts["files"], strict=True):
        if row["status"] == "kept":
            continue
        if row["status"] == "refused" and not settings.demands(variant):
            warn(f"no {row['file']}: {row['reason']}")
        else:
            failed.append(row)
            fail(f"no {row['file']}: {row['reason']}")
    if failed:
        raise ExportError(
            f"{len(failed)} of {len(facts['files'])} files were not exported; see the lines above"
        )


def _table(facts: dict[str, Any]) -> Any:
    from rich.table import Table

    split = f"{facts['split']}{leak_mark(facts['leaks'])}"
    table = Table(title=f"{facts['run']}: test part, split {split}", title_justify="left")
    for name in ("file", "bytes", "accuracy per segment", "per track", "difference", "equal", ""):
        table.add_column(name, justify="left" if name in {"file", ""} else "right")
    table.add_row(
        "model.keras", f"{facts['keras']['bytes']:,}", *_scores(facts["keras"]), "", "", ""
    )
    for row in facts["files"]:
        if row["status"] != "kept":
            table.add_row(row["file"], "", "", "", "", "", row["status"])
            continue
        gate = row["gate"]
        agreement = f"{gate['difference']:.1e}", f"{gate['decisions']:.1%}"
        table.add_row(row["file"], f"{row['bytes']:,}", *_scores(row), *agreement, "")
    return table


def _scores(row: dict[str, Any]) -> tuple[str, str]:
    test = row["test"]
    return f"{test['segment']['accuracy']:.3f}", f"{test['track']['accuracy']:.3f}"
