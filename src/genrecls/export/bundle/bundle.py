"""The folder that goes to a device: models, their checks, C sources and card, all in one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genrecls.export.bundle import standalone
from genrecls.export.bundle.c_project import Project, write_project
from genrecls.export.bundle.card import card
from genrecls.export.bundle.deployment import project_file
from genrecls.export.bundle.golden_audio import golden_audio
from genrecls.export.formats import ExportFormat
from genrecls.export.verify.micro import GoldenVectors, MicroResult
from genrecls.files.atomic import replacing_folder, write_text
from genrecls.files.tables import write_json
from genrecls.runs.export_facts import EXPORT, ExportFacts
from genrecls.runs.model_file import ModelCard

# What an export writes; anything else in its folder is somebody's own.
_OURS = re.compile(
    r"(features|audio)_\w+\.tflite|golden_\w+\.npz|micro|labels\.txt|classify\.pyz?|card\.md"
    r"|export\.json|tradeoff\.png|benchmark\.(json|png)"
)


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
    that folder stays.

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
    (folder / "micro").mkdir()
    write_project(folder / "micro", project)
