"""Where the classes of options stand, partly read from the sources: nothing is imported for it."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from functools import cache

REGISTRIES = {
    "dataset": ("genrecls.datasets", "DATASETS"),
    "features": ("genrecls.features", "FEATURES"),
    "split": ("genrecls.splits", "SPLITS"),
    "model": ("genrecls.models", "MODELS"),
    "logger": ("genrecls.trackers", "LOGGERS"),
}
"""The groups whose options are classes: the package of each, and the registry in its `base`."""

SCHEMAS = {
    "train": "genrecls.experiment.experiment:RunSettings",
    "sweep": "genrecls.sweeps.settings:SweepSettings",
    "evaluate": "genrecls.cli.evaluate:EvaluateSettings",
    "export": "genrecls.export.settings:ExportSettings",
    "split_report": "genrecls.cli.data.split_report:ReportSettings",
    "segment": "genrecls.features.segmentation:SegmentRule",
    "trainer": "genrecls.training.settings:TrainerSettings",
    "augment": "genrecls.training.settings:AugmentSettings",
    "distill": "genrecls.training.settings:DistillSettings",
    "figures": "genrecls.reports.figure_files:FigureSettings",
    "search": "genrecls.sweeps.search.settings:SearchSettings",
}
"""The class of the single keys of a root configuration, and of a group that has one class only."""

_REGISTERED = re.compile(r"""^@[A-Z]+\.register\(["'](\w+)["']\)""", re.MULTILINE)


@cache
def modules_of(package: str) -> dict[str, str]:
    """Return the module of each option that a package registers, by the name of the option."""
    modules: dict[str, str] = {}
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        spec = importlib.util.find_spec(found.name)
        source = getattr(spec and spec.loader, "get_source", lambda _: None)(found.name)
        if source is None:
            # Without sources only the module itself knows.
            importlib.import_module(found.name)
        modules |= dict.fromkeys(_REGISTERED.findall(source or ""), found.name)
    return modules
