"""What a file takes of a device, also before its network is trained.

Size, memory and work depend on the layers alone. So the untrained network is converted as a trained
one would be, and its file measured; nobody looks at what it answers.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from genrecls.config.compose import compose
from genrecls.config.validation import validate
from genrecls.errors import ConfigError
from genrecls.experiment.experiment import Experiment, compose_experiment
from genrecls.export.bundle.c_project import front_end_bytes
from genrecls.export.bundle.targets import Target, reasons_not_to_fit, reasons_to_fit
from genrecls.export.convert.conversion import ConversionRequest, convert
from genrecls.export.convert.untrained import write_untrained
from genrecls.export.formats import ExportFormat
from genrecls.export.settings import ExportSettings
from genrecls.export.tflite.arithmetic import lstm_macs, macs
from genrecls.export.tflite.operators import operator_uses
from genrecls.export.verify import micro
from genrecls.export.verify.micro import MicroResult
from genrecls.features.base import FeatureSpec
from genrecls.features.segmentation import SegmentRule
from genrecls.models.base import ModelFamily
from genrecls.runs.export_facts import ExportedFile

# int8 is what most devices take; float32 stands for models that have none, such as long GRUs.
_FORMATS = (ExportFormat("features", "int8"), ExportFormat("features", "float32"))

PRESETS = (
    ("experiment=best_small",),
    ("experiment=best_tiny",),
    ("model=crnn_micro", "features.sample_rate=16000", "features.top_db=null"),
)
"""What to train for small devices, the most accurate first."""


def with_costs(
    file: ExportedFile,
    flatbuffer: bytes,
    result: MicroResult,
    features: FeatureSpec,
    segment: SegmentRule,
) -> ExportedFile:
    """Return a file with what it takes of a device.

    Args:
        file: what is known of it.
        flatbuffer: the network alone.
        result: what is known of it on TensorFlow Lite Micro.
        features: what it takes, which the C++ front end computes.
        segment: how a stream is cut.
    """
    takes_features = file.input == "features"
    return replace(
        file,
        flatbuffer=len(flatbuffer),
        macs=macs(flatbuffer),
        lstm_macs=lstm_macs(flatbuffer),
        operators=operator_uses(flatbuffer),
        micro=result.support,
        arena=result.arena,
        front_end=front_end_bytes(features, segment) if takes_features else None,
    )


def estimate_file(experiment: Experiment, n_classes: int) -> ExportedFile:
    """Return the smallest file that a network will have, in int8 if it can be had.

    Args:
        experiment: its model, features and segments; nothing is trained and no data are read.
        n_classes: number of genres.

    Returns:
        A kept file without scores, or the reason why there can be none.

    Raises:
        ConfigError: the model is fitted to the data, which decide its size.
        ExportError: the converter cannot even begin.
    """
    family, features, segment = experiment.model, experiment.features, experiment.segment
    if not isinstance(family, ModelFamily):
        raise ConfigError(
            f"model={family.title}: its size is known after its fit, not before; export it with "
            "target=..., which says whether it fits"
        )
    settings = validate(ExportSettings, compose("export", []), "")
    # What the segments hold decides the scales of int8, but no size.
    noise = np.random.default_rng(0)
    calibration = {
        name: noise.standard_normal((2, *shape), np.float32)
        for name, shape in segment.shapes(features).items()
    }
    with tempfile.TemporaryDirectory(prefix="genrecls-") as folder:
        model = write_untrained(Path(folder), experiment, n_classes)
        request = ConversionRequest(model, _FORMATS, calibration, settings.unroll_steps)
        with closing(convert(request)) as results:
            for result in results:
                made = result.format
                file = ExportedFile(made.file, made.input, made.mode, "kept")
                if result.flatbuffer is not None:
                    known = micro.estimate(result.flatbuffer)
                    return with_costs(file, result.flatbuffer, known, features, segment)
                file = replace(file, status="refused", reason=result.error)
    return file


def reasons_outside(device: Target, experiment: Experiment, n_classes: int) -> list[str]:
    """Return why a network that is not trained yet will not fit a device; empty if it will.

    Raises:
        ConfigError, ExportError: as `estimate_file`.
    """
    file = estimate_file(experiment, n_classes)
    return [file.reason or ""] if file.status != "kept" else reasons_not_to_fit(device, file)


def preset_that_fits(device: Target, n_classes: int) -> str:
    """Return which of `PRESETS` fits a device, as a sentence.

    Raises:
        ExportError: as `estimate_file`.
    """
    for words in PRESETS:
        file = estimate_file(compose_experiment(words), n_classes)
        if file.status == "kept" and not reasons_not_to_fit(device, file):
            takes = ", ".join(reasons_to_fit(device, file))
            return f"'genrecls train {' '.join(words)}' gives a file that fits: {takes}"
    named = ", ".join(" ".join(words) for words in PRESETS)
    return f"no preset fits it either, of {named}"
