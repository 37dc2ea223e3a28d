"""`genrecls reproduce`: the published systems, with their numbers beside ours."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from genrecls.cli.arguments import parser_of
from genrecls.config.plugins import command_line
from genrecls.errors import ConfigError, RunError
from genrecls.experiment.reproduce import ReproductionJob, choose_presets, jobs, reproduce
from genrecls.files.hashing import text_digest
from genrecls.reports.figure_files import figures_as
from genrecls.reports.reproduction import write_reproduction


def main(words: Sequence[str]) -> int:
    """Reproduce what the bare words name; all of it without any."""
    options = parser_of("reproduce").read(words)
    wanted, overrides = options.words, options.overrides
    names = choose_presets(wanted)
    if options.seeds < 1:
        raise ConfigError(f"--seeds: received {options.seeds}; allowed: 1 or more")
    _refuse_own(overrides)
    work = {name: list(jobs(name, options.seeds, overrides)) for name in names}
    # Words that do more than say where things lie make it another system.
    places = {"data_root", "output_root", "dataset.root", "dataset.bad_audio"}
    kept = [word for word in overrides if not word.startswith("figures")]
    changed = " ".join(word for word in kept if word.partition("=")[0] not in places)
    systems, failures = reproduce(work, train_missing=not options.finished, changed=changed)
    command = command_line("reproduce", words)
    figures = next(job.experiment.figures for each in work.values() for job in each)
    with figures_as(figures):
        write_reproduction(systems, _folder(options, work, wanted), command)
    if failures:
        raise RunError(f"{failures} trainings failed; see the lines above")
    if wanted and not any(system.cells for system in systems):
        raise RunError(f"nothing of {', '.join(wanted)} could be reproduced; see what is missing")
    return 0


def _refuse_own(overrides: Sequence[str]) -> None:
    """Refuse words that this verb chooses itself."""
    for word in overrides:
        key = word.partition("=")[0].lstrip("+~")
        if key == "force":
            raise ConfigError(
                "'force': reproduce continues where it was stopped, which it could not; choose "
                "another output_root=<folder> to train everything again"
            )
        if key == "dataset":
            raise ConfigError(
                f"'{word}': reproduce trains each system on the data that it was published on; "
                "dataset.root=<folder> says where they are; for a training on other data: "
                f"genrecls train experiment=<preset> {word} split=track"
            )
        if key.partition(".")[0] in {"seed", "seeds", "split", "experiment", "published"}:
            raise ConfigError(
                f"'{word}': reproduce chooses this itself; take --seeds, name presets, or use "
                "'genrecls train' for a single training"
            )


def _folder(
    options: argparse.Namespace, work: dict[str, list[ReproductionJob]], wanted: Sequence[str]
) -> Path:
    """Return a folder for each selection, so that one table does not replace another."""
    folder: Path | None = options.output
    if folder is not None:
        return folder
    root = next(iter(work.values()))[0].experiment.output_root
    name = "-".join(wanted) or "all"
    # Many presets together are longer than the name of a folder may be.
    name = name if len(name) <= 100 else f"{name[:90]}-{text_digest(name, 8)}"
    return root / "reproduction" / name
