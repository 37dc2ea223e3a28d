"""Leaderboards as CSV: a line a system, all numbers in full."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from genrecls.comparison.config_diff import title_of
from genrecls.comparison.leaderboard import Failed, Leaderboard, System, Verdict
from genrecls.reports.ranking import RankedRow, rows

if TYPE_CHECKING:
    from genrecls.reports.comparison import Comparison


def as_csv(found: Comparison) -> str:
    """Return a line a system, then one a failed run; a column for each differing setting."""
    keys = list(dict.fromkeys(key for board in found.boards for key in board.differing))
    records = [
        _record(found, board, row) | _settings(keys, row.system)
        for board in found.boards
        for row in rows(board)
    ]
    records += [_failure(failed) for failed in found.failed]
    written = io.StringIO()
    names = dict.fromkeys(name for record in records for name in record)
    table = csv.DictWriter(written, list(names), lineterminator="\n")
    table.writeheader()
    table.writerows(records)
    return written.getvalue()


def _record(found: Comparison, board: Leaderboard, row: RankedRow) -> dict[str, Any]:
    system = row.system
    return {
        "state": "finished",
        "data": board.data,
        "split": board.split,
        "told_apart_by": board.apart,
        "rank": row.place,
        "ranked_by": f"{found.by} accuracy per track",
        "system": system.label,
        "repetitions": system.repetitions,
        "n": len(system.runs),
        **_scores(system),
        **_verdict(found.part, row.verdict),
        "parameters": system.parameters,
        "int8_bytes": system.int8_bytes,
        "training_seconds": system.seconds.mean if system.seconds else None,
        "training_seconds_sd": system.seconds.deviation if system.seconds else None,
        "runs": " ".join(run.name for run in system.runs),
    }


def _scores(system: System) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for part in ("validation", "test"):
        for unit in ("track", "segment"):
            score = system.score(part, unit=unit)
            record[f"{part}_{unit}_accuracy"] = score.mean
            record[f"{part}_{unit}_accuracy_sd"] = score.deviation
        low, high = system.interval(part)
        record |= {f"{part}_track_accuracy_low": low, f"{part}_track_accuracy_high": high}
        f1 = system.score(part, "macro_f1")
        record |= {f"{part}_track_macro_f1": f1.mean, f"{part}_track_macro_f1_sd": f1.deviation}
    return record


def _verdict(part: str, verdict: Verdict | None) -> dict[str, Any]:
    pairing = verdict.pairing if verdict else None
    difference = pairing.difference if pairing else None
    test = pairing.mcnemar if pairing else None
    low, high = difference.interval if difference else (None, None)
    return {
        "compared_on": f"{part} tracks",
        "compared_tracks": pairing.tracks if pairing else None,
        "difference": difference.mean if difference else None,
        "difference_low": low,
        "difference_high": high,
        "permutation_p": difference.p if difference else None,
        "permutation_p_holm": verdict.p if verdict else None,
        "mcnemar_only_this": test.only_first if test else None,
        "mcnemar_only_best": test.only_second if test else None,
        "mcnemar_exact": test.exact if test else None,
        "mcnemar_p": test.p if test else None,
        "mcnemar_p_holm": verdict.p_mcnemar if verdict else None,
        "mcnemar_runs": " ".join(pairing.runs) if pairing else None,
        "not_compared": pairing.reason if pairing else None,
    }


def _settings(keys: list[str], system: System) -> dict[str, Any]:
    """Return the settings in which systems differ; what a system does not have stays empty."""
    values = system.settings
    return {title_of(key): _in_full(values[key]) for key in keys if key in values}


def _in_full(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _failure(failed: Failed) -> dict[str, Any]:
    facts = {"training": failed.title, "reason": failed.reason, "log": failed.log}
    return {"state": "failed", "runs": failed.name, **facts}
