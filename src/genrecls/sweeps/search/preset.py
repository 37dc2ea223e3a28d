"""The settings of a trial as an experiment file that one can train with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from genrecls.config.compose import compose
from genrecls.config.paths import conf_dir
from genrecls.experiment.experiment import GROUPS, Experiment, parse
from genrecls.experiment.run_id import IRRELEVANT
from genrecls.sweeps.job import Job


def preset(job: Job, flags: Sequence[str], about: str) -> str:
    """Return the content of a file `experiment/<name>.yaml`: all that differs from the defaults.

    Training with it leads to the same run.

    Args:
        job: the training of the trial.
        flags: Hydra's flags among its words.
        about: first line, what `genrecls train --help` says of it.
    """
    place = [f"hydra.searchpath=['file://{Path(flags[-1]).absolute()}']"] if flags else []
    chosen = _choices([*place, *job.words[len(flags) :]])
    plain = [f"{group}={name}" for group, name in chosen.items()]
    usual = parse(compose("train", [*place, *plain]))
    found = _relevant(job.experiment)
    defaults = "".join(f"  - override /{g}: {name}\n" for g, name in chosen.items() if g in found)
    different = _different(found, usual.resolved())
    values = yaml.safe_dump(different, sort_keys=False, default_flow_style=None)
    return f"# @package _global_\n# {about}\ndefaults:\n{defaults}\n{values if different else ''}"


def _relevant(experiment: Experiment) -> dict[str, Any]:
    """Return the configuration without what does not change a result, such as places."""
    found = experiment.resolved()
    for *groups, key in IRRELEVANT:
        inner = found
        for group in groups:
            inner = inner.get(group, {})
        inner.pop(key, None)
    return found


def _choices(words: Sequence[str]) -> dict[str, str]:
    """Return the option of each group, those too that an experiment has chosen."""
    import hydra

    with hydra.initialize_config_dir(str(conf_dir()), version_base="1.3"):
        composed = hydra.compose("train", list(words), return_hydra_config=True)
    return {group: str(composed.hydra.runtime.choices[group]) for group in GROUPS}


def _different(found: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of `found` is not so in `usual`, in the same layout; lists are one value."""
    kept: dict[str, Any] = {}
    for key, value in found.items():
        other = usual.get(key)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            if inner := _different(value, other):
                kept[key] = inner
        elif value != other:
            kept[key] = value
    return kept
