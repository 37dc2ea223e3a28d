"""Stands for a search, whose trainings take no time."""

from __future__ import annotations

from pathlib import Path

from genrecls.console import say
from genrecls.reports.search import Trial
from genrecls.sweeps.search.storage import open_study
from tests.sweeps.search.spaces import settings, space


def search(folder: Path) -> int:
    """Ask and tell as fast as possible, until there are 30 trials; say `open` when it begins."""
    with open_study(folder, settings(), space(), epochs=10) as study:
        interrupted = [trial for trial in study.trials if trial.state == "running"]
        say("open")
        while len(study.trials) < 30 or interrupted:
            trial = interrupted.pop() if interrupted else study.ask()
            for epoch in (1, 2, 3):
                study.report(trial, epoch, value(trial) + epoch)
            study.finish(trial, [value(trial)])
    return 0


def value(trial: Trial) -> float:
    """Stands for a training: something that depends on the settings alone."""
    rate = float(trial.settings["trainer.optimizer.learning_rate"])
    return rate * 10 + float(trial.settings["model.head.dropout"])
