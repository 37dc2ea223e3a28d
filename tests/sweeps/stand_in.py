"""Stands for a training of a sweep: does with a run folder what a training does, without a network.

    python -m tests.sweeps.stand_in <words of genrecls train>

An epoch takes a twentieth of a second and is a link in a chain of digests, of which a checkpoint
keeps the last one: whoever begins again in the middle, or with other words, ends otherwise.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

import yaml

from genrecls.console import fail, log_file, say
from genrecls.errors import EXIT_BUSY, Interrupted, RunBusy
from genrecls.files.tables import write_json
from genrecls.runs.run import Run
from genrecls.sweeps import parent_watch
from genrecls.sweeps.job import Job
from genrecls.sweeps.plan import plan_jobs
from genrecls.trackers.base import SWEEP
from genrecls.training.interrupts import StopRequest, stop_request
from tests.runs.finished_runs import Made, fill

SECONDS = 0.05
TRACKS = 16


def main(words: Sequence[str]) -> int:
    """Train as far as nobody stops it; return the exit status of a training."""
    parent_watch.stop_with_parent()
    (job,) = plan_jobs(words)
    run = job.run
    try:
        with run.locked(), stop_request() as stop:
            if run.finished:
                say(f"this configuration is trained already ({run.name})")
            else:
                _train(job, stop)
    except RunBusy:
        return EXIT_BUSY
    except Interrupted as error:
        fail(str(error))
        return 130
    return 0


def _train(job: Job, stop: StopRequest) -> None:
    run, trainer = job.run, job.experiment.trainer
    run.folder.mkdir(parents=True, exist_ok=True)
    with log_file(run.log_file), run.recorded("genrecls train", os.environ.get(SWEEP, "")):
        run.config_file.write_text(yaml.safe_dump(job.experiment.resolved()), encoding="utf-8")
        digests = _resumed(run) or [_digest(run.name)]
        for epoch in range(len(digests), trainer.epochs + 1):
            time.sleep(SECONDS)
            digests.append(_digest(digests[-1]))
            run.checkpoint_folder.mkdir(exist_ok=True)
            write_json(run.checkpoint_folder / "epoch.json", digests)
            rows = [_row(number, digest) for number, digest in enumerate(digests[1:], start=1)]
            write_json(
                run.progress_file, {"epoch": epoch, "epochs": trainer.epochs, "history": rows}
            )
            say(f"epoch {epoch:>3}/{trainer.epochs}  {digests[-1]}")
            if stop.received is not None and epoch < trainer.epochs:
                raise Interrupted(f"stopped after epoch {epoch}; the same command continues")
        _finish(job, digests)


def _resumed(run: Run) -> list[str]:
    with suppress(OSError):
        digests = list(
            json.loads((run.checkpoint_folder / "epoch.json").read_text(encoding="utf-8"))
        )
        say(f"continuing after epoch {len(digests) - 1}")
        return digests
    return []


def _finish(job: Job, digests: Sequence[str]) -> None:
    """Leave everything that a finished run has, all of it made from the last digest."""
    run, last = job.run, int(digests[-1], 16)
    decisions = [last >> number & 1 for number in range(2 * TRACKS)]
    made = Made(
        test=decisions[:TRACKS],
        validation=decisions[TRACKS:],
        model=job.experiment.model.name,
        seed=job.experiment.run.seed,
        epochs=[_row(number, digest) for number, digest in enumerate(digests[1:], start=1)],
    )
    fill(run, made)
    run.config_file.write_text(yaml.safe_dump(job.experiment.resolved()), encoding="utf-8")
    run.model_file.write_text(digests[-1], encoding="utf-8")
    run.progress_file.unlink()
    for path in run.checkpoint_folder.iterdir():
        path.unlink()
    run.checkpoint_folder.rmdir()


def _row(epoch: int, digest: str) -> dict[str, float]:
    loss = int(digest, 16) / 16 ** len(digest)
    names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
    return {"epoch": epoch, **dict(zip(names, (loss, 1 - loss) * 2, strict=True))}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
