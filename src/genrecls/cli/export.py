"""`genrecls export`: TFLite files of a finished run, and everything that a device needs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genrecls.config.compose import run_hydra
from genrecls.config.overrides import run_named
from genrecls.config.validation import validate
from genrecls.console import fail, say, show, warn
from genrecls.errors import ExportError
from genrecls.experiment.restore import restore
from genrecls.export.settings import ExportSettings
from genrecls.runs.run import find_run
from genrecls.runtime.description import leak_mark

FORMAT = "--tflite"

# A bundle leaves the machine, and its card has no use for where things lay on it.
_PLACES = ("run=", "dataset_root=", "data_root=", "output_root=", "hydra.")


def main(words: Sequence[str]) -> int:
    """Export the run that the first bare word names, or the newest finished one."""
    given = run_named([word for word in words if word != FORMAT])
    kept = [word for word in given if "=" in word and not word.startswith(_PLACES)]
    run_hydra("export", given, lambda composed: _task(composed, kept))
    return 0


def _task(composed: dict[str, Any], words: Sequence[str]) -> None:
    export_run(validate(ExportSettings, composed, ""), words)


def export_run(settings: ExportSettings, words: Sequence[str] = ()) -> Path:
    """Export, show what was made, and return the folder of the bundle.

    Args:
        settings: what to export.
        words: the overrides that made the settings, for the card.

    Raises:
        ExportError: a file that was asked for by name, or that should have worked, is not there.
    """
    from genrecls.export.bundle.targets import target as find_target

    # Before minutes of work are spent, for a name may be mistyped.
    target = find_target(settings.target) if settings.target else None
    run = find_run(Path(settings.output_root).expanduser(), settings.run)
    reopened = restore(run, settings.data_root, settings.dataset_root)
    from genrecls.export.bundle.bundle import write
    from genrecls.export.export import export

    with run.locked():
        exported = export(reopened, settings)
        command = shlex.join(["genrecls", "export", FORMAT, run.name, *words])
        folder, facts = write(exported, target, command)
    show(_table(facts))
    for verdict in (facts["target"] or {}).get("verdicts", ()):
        fits = "fits" if verdict["fits"] else f"does not fit: {'; '.join(verdict['reasons'])}"
        say(f"{facts['target']['title']}: {verdict['file']} {fits}")
    say(f"bundle in {folder}; its card is {folder / 'card.md'}")
    _report_missing(settings, facts)
    return folder


def _report_missing(settings: ExportSettings, facts: dict[str, Any]) -> None:
    """Name what there is no file of; an error where a file was asked for or went wrong."""
    missing: dict[tuple[bool, str], list[str]] = {}
    for variant, row in zip(settings.variants, facts["files"], strict=True):
        if row["status"] != "kept":
            expected = row["status"] != "refused" or settings.demands(variant)
            missing.setdefault((expected, row["reason"]), []).append(row["file"])
    for (expected, reason), files in missing.items():
        (fail if expected else warn)(f"no {', '.join(files)}: {reason}")
    failed = sum(len(files) for (expected, _), files in missing.items() if expected)
    if failed:
        raise ExportError(
            f"{failed} of {len(facts['files'])} files were not exported; see the lines above"
        )


def _table(facts: dict[str, Any]) -> Any:
    from rich.table import Table

    split = f"{facts['split']}{leak_mark(facts['leaks'])}"
    table = Table(title=f"{facts['run']}: test part, split {split}", title_justify="left")
    for name in ("file", "bytes", "accuracy per segment", "per track", "difference", "equal"):
        table.add_column(name, justify="left" if name == "file" else "right")
    table.add_row("model.keras", f"{facts['keras']['bytes']:,}", *_scores(facts["keras"]))
    for row in facts["files"]:
        if row["status"] != "kept":
            table.add_row(row["file"], row["status"])
            continue
        gate = row["gate"]
        agreement = f"{gate['difference']:.1e}", f"{gate['decisions']:.1%}"
        table.add_row(row["file"], f"{row['bytes']:,}", *_scores(row), *agreement)
    return table


def _scores(row: dict[str, Any]) -> tuple[str, str]:
    test = row["test"]
    return f"{test['segment']['accuracy']:.3f}", f"{test['track']['accuracy']:.3f}"
