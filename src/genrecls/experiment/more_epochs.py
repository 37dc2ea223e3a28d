"""`continue=RUN`: a finished run goes on to more epochs, as if all had been asked for at once.

The result is a run of its own, the one that the same settings with so many epochs have. It begins
with the checkpoint that the finished run has kept, and that run stays as it is.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls.config.paths import expanded
from genrecls.config.relevant import IRRELEVANT
from genrecls.console import say
from genrecls.errors import ConfigError, RunError
from genrecls.experiment.experiment import Experiment, parse

if TYPE_CHECKING:
    from genrecls.runs.run import Run

CONTINUE = "continue="
"""How the word begins that names the finished run."""

_EPOCHS = ("trainer", "epochs")


@dataclass(frozen=True)
class TrainingRequest:
    """What a command asks to train.

    Attributes:
        command: the command line that trains it from the beginning, and gives the same.
        source: the finished run from whose end it goes on; None where it does not.
    """

    experiment: Experiment
    command: str
    source: Run | None = None


def read_training(composed: dict[str, Any], words: Sequence[str], command: str) -> TrainingRequest:
    """Return what the words of a command ask for, `continue=RUN` among them.

    Args:
        composed: the configuration that the other words make.
        words: all of them.
        command: the command line.

    Raises:
        ConfigError: a value is wrong; with `continue=RUN` a word changes the result, or there are
            no more epochs than before.
        RunError: there is no such run, or it cannot go on.
        ModelFileError: it is an ensemble.
    """
    wanted = [word.partition("=")[2] for word in words if word.startswith(CONTINUE)]
    if not wanted:
        return TrainingRequest(parse(composed), command)
    from genrecls.experiment.restore import read_experiment
    from genrecls.runs.ensemble_card import refuse_ensemble
    from genrecls.runs.find import find_run

    run = find_run(expanded(composed["output_root"], "output_root"), wanted[-1])
    refuse_ensemble(run.model_file)
    config = run.read_config()
    before = config["trainer"]["epochs"]

    # The configuration of the run, with what the other words say.
    config["output_root"] = str(run.folder.parent)
    # Asked for once, or now again.
    config["force"] = False
    rest = {word: _key(word) for word in words if not word.startswith(CONTINUE)}
    for word, key in rest.items():
        if key != _EPOCHS and not any(key[: len(path)] == path for path in IRRELEVANT):
            raise ConfigError(
                f"{CONTINUE}{wanted[-1]}: received '{word}' beside it, but the run says all that "
                "decides a result but trainer.epochs; leave it out"
            )
        *groups, last = key
        origin, place = composed, config
        for group in groups:
            origin, place = origin[group], place.setdefault(group, {})
        place[last] = origin[last]
    experiment = read_experiment(run, config)
    epochs = experiment.trainer.epochs
    if epochs <= before:
        raise ConfigError(
            f"{CONTINUE}{wanted[-1]}: received trainer.epochs={epochs}, which the run had; "
            f"expected trainer.epochs=<more than {before}> beside it"
        )

    old = shlex.split(str(run.state.get("command") or "genrecls train"))
    replaced = {*rest.values(), ("force",)}
    command = shlex.join([*(word for word in old if _key(word) not in replaced), *rest])
    if reason := _why_not(run, experiment):
        raise RunError(
            f"run {run.name} cannot go on to {epochs} epochs: {reason}; to train them from the "
            f"beginning: {command}"
        )
    published = run.read_metrics().published
    return TrainingRequest(replace(experiment, published=published), command, run)


def can_go_on(experiment: Experiment) -> bool:
    """Return whether a finished run may go on to more epochs, as its configuration says."""
    return experiment.trainer.keep_checkpoint and not _why_never(experiment)


def begin_with(source: Run, run: Run, experiment: Experiment, fingerprint: str) -> None:
    """Give `run` the checkpoint of a finished run to begin with, unless it has begun already.

    Args:
        source: the finished run.
        run: the one with more epochs.
        experiment: that of `run`.
        fingerprint: digest of its data.

    Raises:
        RunError: the data, or something else that the finished run learnt from, are others now.
    """
    from genrecls.experiment.run_id import run_id

    if run.checkpoint_folder.is_dir():
        return
    if source.read_metrics().dataset.fingerprint != fingerprint:
        raise RunError(
            f"run {source.name} cannot go on: the data are not those that it was trained on "
            "(files, genres, artists or published parts differ); say where those are with "
            "dataset.root=<folder>"
        )
    # The configuration is that of the finished run, but what its files and plugins hold may not be.
    trainer = replace(experiment.trainer, epochs=source.read_config()["trainer"]["epochs"])
    identity = run_id(replace(experiment, trainer=trainer), fingerprint)
    # With force=true a run is set aside as `<name>~<number>`.
    if not source.name.partition("~")[0].endswith(f"-{identity}"):
        raise RunError(
            f"run {source.name} cannot go on: as things are now its settings make a run "
            f"*-{identity}, so a plugin, the file behind model.weights, the teacher or the music "
            "of distill.extra has changed (or the name of its folder); put back what it was "
            "trained with, or train from the beginning, without continue="
        )
    # Versions first: with them the training is compared once the checkpoint is there.
    shutil.copyfile(source.environment_file, run.environment_file)
    with tempfile.TemporaryDirectory(prefix=".continuing-", dir=run.folder) as folder:
        copied = shutil.copytree(source.checkpoint_folder, Path(folder, "checkpoint"))
        copied.rename(run.checkpoint_folder)
    say(f"continues from the end of run {source.name}")


def _why_not(run: Run, experiment: Experiment) -> str:
    """Return why a run cannot go on, empty where it can."""
    if not run.finished:
        return f"it is not finished ({run.status}), and its own command continues it"
    if reason := _why_never(experiment):
        return reason
    if not run.checkpoint_folder.is_dir():
        return "it has kept no checkpoint (trainer.keep_checkpoint=false, removed, or never there)"
    return ""


def _why_never(experiment: Experiment) -> str:
    """Return why more epochs would not be those of a longer training, empty where they would."""
    from genrecls.models.sklearn import Sklearn

    if isinstance(experiment.model, Sklearn):
        return f"model={experiment.model.title} is fitted at once, without epochs"
    if experiment.trainer.refit:
        return "trainer.refit=true ends it with a training on other data"
    if experiment.trainer.int8_epochs:
        return "trainer.int8_epochs ends it with epochs of another kind"
    if experiment.trainer.schedule.name == "cosine":
        return (
            "trainer.schedule.name=cosine spreads its rates over all epochs, so that with more of "
            "them every step is another one"
        )
    stages = experiment.model.stages()
    if len(stages) > 1 or stages[0].epochs is not None:
        return f"model={experiment.model.title} learns in stages, and the next has begun"
    return ""


def _key(word: str) -> tuple[str, ...]:
    """Return the key of an override, such as `("trainer", "epochs")`."""
    return tuple(word.lstrip("+").partition("=")[0].split("."))
