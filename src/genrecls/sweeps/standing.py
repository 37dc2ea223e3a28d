"""How the trainings of a sweep stand before it starts, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from genrecls.console import several
from genrecls.runs.run import Run
from genrecls.sweeps.estimate import Estimates
from genrecls.sweeps.job import Record
from genrecls.sweeps.progress import duration

if TYPE_CHECKING:
    from rich.table import Table

_MEANINGS = {
    "new": "new",
    "finished": "done already",
    "elsewhere": "in the hands of another process, whose result is taken",
    "interrupted": "interrupted, to be gone on with",
    "failed": "failed before, to be tried again",
}


def standing(run: Run) -> str:
    """Return how a run stands: one of `new`, `finished`, `elsewhere`, `interrupted`, `failed`."""
    if run.finished:
        return "finished"
    if run.busy:
        return "elsewhere"
    status = run.state.get("status", "new")
    # Who was killed could not say so; who finished without a result has to begin again.
    return {"running": "interrupted", "finished": "new"}.get(status, str(status))


def announcement(records: Sequence[Record], estimates: Estimates, jobs: int) -> str:
    """Return how many trainings there are, how they stand, and how long they take."""
    stands = [standing(record.job.run) for record in records]
    parts = [f"{stands.count(name)} {text}" for name, text in _MEANINGS.items() if name in stands]
    together = f"; {jobs} at once" if jobs > 1 else ""
    counted = several(len(records), "run")
    return f"{counted}: {', '.join(parts)}{together}; {_time(records, estimates, jobs)}"


def plan_table(records: Sequence[Record], estimates: Estimates) -> Table:
    """Return a table with a row a training: what it is, its run, how it stands, its time."""
    from rich.table import Table

    table = Table()
    for column in ("training", "run", "state", "takes at most"):
        table.add_column(column, overflow="fold")
    for record in records:
        seconds = estimates.seconds(record)
        takes = "" if seconds is None else duration(seconds)
        run = record.job.run
        table.add_row(record.title, run.name, standing(run), "" if record.ended else takes)
    return table


def _time(records: Sequence[Record], estimates: Estimates, jobs: int) -> str:
    pending = [record for record in records if not record.ended]
    if not pending:
        return "nothing is left to train"
    seconds = estimates.left(pending, jobs)
    if seconds is None:
        return "how long they take is known after the first epochs"
    return f"at most {duration(seconds)} by what finished runs of their kind have taken"
