"""The folder that leaves the house: models, their proofs, C sources, card, all in one place."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from genrecls.benchmark.benchmark import EXPORT
from genrecls.environment import environment
from genrecls.export.bundle import c_project, standalone
from genrecls.export.bundle.card import card
from genrecls.export.bundle.metadata import description
from genrecls.export.bundle.targets import Needs, Target, verdict
from genrecls.export.export import ExportedFile, ExportResult, approximation
from genrecls.export.tflite.arithmetic import macs
from genrecls.export.tflite.operators import uses
from genrecls.export.verify.golden import Golden, chosen, golden
from genrecls.export.verify.proof import Proof, prove
from genrecls.files.atomic import replacing, write_text
from genrecls.files.tables import write_json
from genrecls.models.cost import layer_costs
from genrecls.runtime.container import pack
from genrecls.runtime.network import Network

# What an export writes; anything else in its folder is somebody's own.
_OURS = re.compile(
    r"(features|audio)_\w+\.tflite|golden_\w+\.npz|micro|labels\.txt|classify\.pyz?|card\.md"
    r"|export\.json|tradeoff\.png|benchmark\.(json|png)"
)


def write(
    exported: ExportResult, target: Target | None, command: str
) -> tuple[Path, dict[str, Any]]:
    """Write the bundle of an export and return its folder and the content of `export.json`.

    It takes the place of the bundle of an earlier export, whole or not at all; what else lies in
    that folder stays.

    Args:
        exported: files and what was found out about them.
        target: class of devices to judge; None for none.
        command: what made the export, for the card.
    """
    folder = exported.reopened.run.folder / EXPORT
    beside = Path(tempfile.mkdtemp(prefix=f".{EXPORT}-", dir=folder.parent))
    try:
        facts = _write(exported, target, command, beside)
        _take_place(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder, facts


def _write(
    exported: ExportResult, target: Target | None, command: str, folder: Path
) -> dict[str, Any]:
    rows = [_row(exported, file, folder) for file in exported.files]
    facts = {**_facts(exported), "command": command, "files": rows}
    facts["target"] = _judged(target, rows)
    write_text(folder / "labels.txt", "\n".join(exported.card.labels) + "\n")
    standalone.write(folder)
    write_json(folder / "export.json", facts)
    write_text(folder / "card.md", card(facts, None))
    _draw(folder, facts)
    return facts


def _take_place(beside: Path, folder: Path) -> None:
    """Put a finished bundle where the earlier one is."""
    # A temporary folder is for its owner alone; this one is to be read like all results.
    beside.chmod(folder.parent.stat().st_mode & 0o777)
    if not folder.exists():
        beside.rename(folder)
        return
    for path in folder.iterdir():
        if not _OURS.fullmatch(path.name):
            path.rename(beside / path.name)
    old = Path(tempfile.mkdtemp(prefix=f".{EXPORT}-", dir=folder.parent))
    folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old)


def _row(exported: ExportResult, file: ExportedFile, folder: Path) -> dict[str, Any]:
    variant = file.variant
    row: dict[str, Any] = {
        "file": variant.file,
        "input": variant.input,
        "mode": variant.mode,
        "status": file.status,
        "reason": file.reason,
    }
    if file.agreement and file.bounds:
        row |= {"gate": file.agreement.facts(), "bounds": asdict(file.bounds)}
    if file.status != "kept":
        return row
    told = description(exported, file)
    whole = pack(file.flatbuffer, told)
    with replacing(folder / variant.file) as beside:
        beside.write_bytes(whole)
    return {
        **row,
        "bytes": len(whole),
        "flatbuffer": len(file.flatbuffer),
        "test": file.test,
        "inputs": told["inputs"],
        "macs": macs(file.flatbuffer),
        "operators": [use.facts() for use in uses(file.flatbuffer)],
        **_proven(exported, file, folder),
    }


def _proven(exported: ExportResult, file: ExportedFile, folder: Path) -> dict[str, Any]:
    """Return what is known of a file on a microcontroller, and write what one needs."""
    network = Network(file.flatbuffer, delegates=False)
    few = chosen(exported.prepared.parts["test"], len(exported.card.labels))
    (inputs,) = exported.held_out.inputs(network, few)
    vectors = golden(network, inputs, few.targets)
    proof = prove(file.flatbuffer, vectors)
    if file.variant.input != "features":
        return proof.facts()
    _write_golden(folder / f"golden_{file.variant.mode}.npz", network, vectors)
    if file.variant.mode == "int8" and proof.runs is not False:
        _write_project(exported, file, folder / "micro", (vectors, proof))
    return proof.facts()


def _write_project(
    exported: ExportResult, file: ExportedFile, folder: Path, proven: tuple[Golden, Proof]
) -> None:
    vectors, proof = proven
    if len(file.flatbuffer) > c_project.LARGEST:
        return
    folder.mkdir(exist_ok=True)
    c_project.write(
        folder,
        c_project.Project(
            title=f"{exported.card.run}, {file.variant.title}",
            flatbuffer=file.flatbuffer,
            labels=exported.card.labels,
            features=exported.card.features,
            segment=exported.card.segment,
            inputs=vectors.raw,
            # What a device's own kernels answer, where that is known.
            outputs=vectors.outputs if proof.answers is None else proof.answers,
            arena_bytes=proof.arena,
            measured=proof.source == "tflite-micro",
        ),
    )


def _write_golden(path: Path, network: Network, vectors: Golden) -> None:
    arrays: dict[str, Any] = {f"input_{name}": x for name, x in vectors.inputs.items()}
    arrays |= {f"raw_{name}": x for name, x in zip(network.inputs, vectors.raw, strict=True)}
    with replacing(path) as beside:
        np.savez_compressed(beside, **arrays, output=vectors.outputs, truth=vectors.truth)


def _facts(exported: ExportResult) -> dict[str, Any]:
    model_card, run = exported.card, exported.reopened.run
    costs = layer_costs(exported.model)
    return {
        "run": run.name,
        # Its note may name folders of this machine, and the bundle leaves it.
        "dataset": {
            k: v for k, v in asdict(exported.reopened.metrics.dataset).items() if k != "note"
        },
        "split": model_card.split,
        "leaks": list(model_card.leaks),
        "generated": model_card.generated,
        "model": {
            "name": exported.reopened.experiment.model.name,
            "parameters": sum(cost.parameters for cost in costs),
            "macs": sum(cost.macs for cost in costs),
        },
        "labels": list(model_card.labels),
        "vote": model_card.vote,
        "features": asdict(model_card.features),
        "segment": asdict(model_card.segment),
        "approximation": approximation(model_card),
        "keras": {"test": exported.keras_test, "bytes": run.model_file.stat().st_size},
        "calibration": {
            "part": "train",
            "segments": len(exported.calibration),
            "tracks": list(exported.calibration.tracks),
        },
        "versions": environment(),
    }


def _judged(device: Target | None, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    if device is None:
        return None
    verdicts = []
    for row in rows:
        if row["status"] == "kept":
            reasons = verdict(device, _needs(row))
            verdicts.append({"file": row["file"], "fits": not reasons, "reasons": reasons})
    return {"name": device.name, "title": device.title, "verdicts": verdicts}


def _needs(row: Mapping[str, Any]) -> Needs:
    return Needs(
        model=row["flatbuffer"],
        memory=row["arena"]["bytes"],
        macs=row["macs"],
        integer=row["mode"] == "int8",
        objections=[row["micro"]["reason"]] if row["micro"]["runs"] is False else [],
    )


def _draw(folder: Path, facts: Mapping[str, Any]) -> None:
    from genrecls.reports.figures.tradeoff import tradeoff
    from genrecls.reports.style import save

    save(tradeoff(facts, None), folder / "tradeoff.png")
