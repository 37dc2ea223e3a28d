"""The folder that goes to a device: models, their checks, C sources and card, all in one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genrecls.console import warn
from genrecls.export.bundle import standalone
from genrecls.export.bundle.c_project import Project, write_project
from genrecls.export.bundle.card import card
from genrecls.export.bundle.deployment import project_file
from genrecls.export.bundle.golden_audio import golden_audio
from genrecls.export.formats import ExportFormat
from genrecls.export.verify.micro import GoldenVectors, MicroResult
from genrecls.files.atomic import replacing_folder, set_aside, write_text
from genrecls.files.hashing import hex_digest
from genrecls.files.tables import write_json
from genrecls.runs.export_facts import EXPORT, ExportFacts
from genrecls.runs.model_file import ModelCard

# What an export writes; anything else in its folder is somebody's own.
_OURS = re.compile(
    r"(features|audio)_\w+\.tflite|golden_\w+\.npz|micro(\.sha256)?|labels\.txt|classify\.pyz?|card\.md"
    r"|export\.json|tradeoff\.png|benchmark\.(json|png)"
)

_MICRO = "micro"
# Digests of what was written into the project, as `sha256sum -c` reads them: in the project people
# work, and what they put or changed there is theirs.
_WRITTEN = "micro.sha256"


@dataclass(frozen=True, eq=False)
class BundleFile:
    """A file that is kept, and what is written beside it.

    Attributes:
        content: the whole file, flatbuffer and description.
        flatbuffer: the network alone.
        golden: what it must answer to a few examples.
        micro: what TensorFlow Lite Micro does with it.
    """

    format: ExportFormat
    content: bytes
    flatbuffer: bytes
    golden: GoldenVectors
    micro: MicroResult


def write_bundle(
    run_folder: Path, facts: ExportFacts, model_card: ModelCard, files: Sequence[BundleFile]
) -> Path:
    """Write the bundle of an export into the folder of its run and return its own folder.

    It takes the place of the bundle of an earlier export, whole or not at all; what else lies in
    that folder stays. A project in `micro/` that its owner added to or changed is kept beside the
    new one, as `micro~1`.

    Args:
        run_folder: of the run.
        facts: what `export.json` is to hold.
        model_card: of the model.
        files: those that are kept.
    """
    folder = run_folder / EXPORT
    with replacing_folder(folder, lambda name: not _OURS.fullmatch(name)) as beside:
        project = project_file(facts.kept)
        for file in files:
            (beside / file.format.file).write_bytes(file.content)
            if file.format.input == "features":
                _write_golden(beside, file)
            if project is not None and file.format.file == project.file:
                _write_project(beside, file, model_card)
        write_text(beside / "labels.txt", "\n".join(facts.labels) + "\n")
        standalone.write(beside)
        write_json(beside / "export.json", facts.to_json())
        write_text(beside / "card.md", card(facts, None))
        from genrecls.reports.figures.tradeoff import tradeoff
        from genrecls.reports.style import save

        save(tradeoff(facts, None), beside / "tradeoff.png")
        if _has_own_files(folder / _MICRO):
            aside = set_aside(folder / _MICRO)
            warn(f"{folder / _MICRO} holds files or changes of yours, which are now in {aside}")
    return folder


def _write_golden(folder: Path, file: BundleFile) -> None:
    golden = file.golden
    arrays: dict[str, Any] = {f"input_{name}": values for name, values in golden.inputs.items()}
    arrays |= {f"raw_{name}": values for name, values in golden.raw.items()}
    path = folder / f"golden_{file.format.mode}.npz"
    np.savez_compressed(path, **arrays, output=golden.outputs, truth=golden.truth)


def _write_project(folder: Path, file: BundleFile, model_card: ModelCard) -> None:
    golden, micro = file.golden, file.micro
    project = Project(
        title=f"{model_card.run}, {file.format.title}",
        flatbuffer=file.flatbuffer,
        labels=model_card.labels,
        features=model_card.features,
        segment=model_card.segment,
        inputs=tuple(golden.raw.values()),
        # What a device's own kernels answer, where that is known.
        outputs=golden.outputs if micro.outputs is None else micro.outputs,
        audio=golden_audio(model_card.features, model_card.segment),
        arena_bytes=micro.arena.bytes,
        measured=micro.arena.source == "tflite-micro",
    )
    (folder / _MICRO).mkdir()
    write_project(folder / _MICRO, project)
    written = sorted(path for path in (folder / _MICRO).rglob("*") if path.is_file())
    lines = [f"{hex_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in written]
    write_text(folder / _WRITTEN, "".join(lines))


def _has_own_files(project: Path) -> bool:
    """Return whether there is anything in a project but what an export wrote."""
    if not project.is_dir():
        return project.exists()
    try:
        text = project.with_name(_WRITTEN).read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    digests = {name: digest for digest, _, name in (x.partition("  ") for x in text.splitlines())}
    for path in project.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            continue
        known = digests.get(path.relative_to(project.parent).as_posix())
        # What nobody wrote is not read: there may be gigabytes of it.
        if known is None or not path.is_file() or hex_digest(path) != known:
            return True
    return False
