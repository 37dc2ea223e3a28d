"""The C++ project of an exported file alone: no run is needed, and no TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genrecls.config.validation import select, validate
from genrecls.errors import ExportError
from genrecls.export.bundle.c_project import Project, write_project
from genrecls.export.bundle.c_tables import reason_not_to_compute
from genrecls.export.bundle.golden_audio import golden_audio
from genrecls.export.verify.micro import NO_GENRE, GoldenVectors, check_golden
from genrecls.features.base import FEATURES
from genrecls.features.segmentation import SegmentRule
from genrecls.files.atomic import replacing_folder
from genrecls.runtime.container import unpack
from genrecls.runtime.network import Network


def read_project(path: Path) -> Project:
    """Return the project of an exported file; its golden vectors are those of the golden audio.

    Raises:
        ModelFileError: the file cannot be read.
        ConfigError: it names features that are not there.
        ExportError: a microcontroller cannot run it, or cannot compute its features.
    """
    flatbuffer, card = unpack(path)
    if card["input"] != "features":
        raise ExportError(
            f"{path}: it takes {card['input']}, and the C++ project computes the features; take "
            "the file features_int8.tflite of the same export"
        )
    features = select(FEATURES, card["features"])
    segment = validate(SegmentRule, card["segment"], "segment")
    audio = golden_audio(features, segment)
    if audio is None:
        raise ExportError(f"{path}: {reason_not_to_compute(features)}")

    # What its own kernels answer where they can be tried, as in a bundle.
    network = Network(flatbuffer, delegates=False)
    golden = GoldenVectors.of(network, audio.features, np.full(audio.segments, NO_GENRE))
    micro = check_golden(flatbuffer, golden)
    if micro.support.runs is False:
        raise ExportError(f"{path}: {micro.support.reason}")
    return Project(
        title=f"{card['run']}, {card['input']} {card['mode']}",
        flatbuffer=flatbuffer,
        labels=tuple(card["labels"]),
        features=features,
        segment=segment,
        inputs=tuple(golden.raw.values()),
        outputs=golden.outputs if micro.outputs is None else micro.outputs,
        audio=audio,
        arena_bytes=micro.arena.bytes,
        measured=micro.arena.source == "tflite-micro",
    )


def write_firmware(folder: Path, project: Project) -> None:
    """Write a project into a new folder, whole or not at all.

    Raises:
        ExportError: the folder is there, perhaps with changes of its owner; or no microcontroller
            runs the network.
    """
    if folder.exists():
        raise ExportError(f"{folder}: it is there already; remove it, or name another folder")
    with replacing_folder(folder) as beside:
        write_project(beside, project)
