"""`genrecls data verify`: every file of a data set, read and judged."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from genrecls.cli.data.dataset_args import chosen_source
from genrecls.console import progress, quiet_libraries, say, several, show, warn
from genrecls.datasets.base import Dataset
from genrecls.dsp.audio import REASONS

if TYPE_CHECKING:
    from genrecls.datasets.verify import Finding, Verification


def main(options: argparse.Namespace) -> int:
    """Verify the data set that the overrides choose."""
    source, root = chosen_source(options.overrides)
    dataset = source.inspect(root)
    return verify_and_show(dataset, options.format, accept=options.accept)


def verify_and_show(
    dataset: Dataset, layout: Literal["table", "json"] = "table", *, accept: bool = False
) -> int:
    """Read every file, show what is wrong with which, and record the usable ones in the index.

    Returns:
        The exit status: 1 where files are unusable, changed or missing, else 0. Those that were
        published unusable do not count, unless their checksum is another than the published one.
    """
    from genrecls.datasets.manifest import compare_and_record
    from genrecls.datasets.verify import verify

    for remark in dataset.remarks:
        warn(remark)
    with quiet_libraries(), progress(f"Verifying {dataset.name}", len(dataset.tracks)) as advance:
        report = verify(dataset, advance)
    differences = () if dataset.generated else compare_and_record(dataset, report, accept=accept)
    rows = [_row(finding, dataset) for finding in (*report.findings, *differences)]
    if layout == "json":
        show(json.dumps(rows, indent=2, ensure_ascii=False))
    elif rows:
        show(_findings(rows))
    _summarise(dataset, report, differences)
    return 1 if report.bad - _published_so(dataset, report) or differences else 0


def _published_so(dataset: Dataset, report: Verification) -> frozenset[str]:
    """Return the unusable tracks that were published so, where no checksum contradicts that."""
    differ = {finding.track for finding in report.findings if finding.code == "checksum"}
    return (report.bad & dataset.published_broken) - differ


def _summarise(dataset: Dataset, report: Verification, differences: Sequence[Finding]) -> None:
    changed = {finding.track for finding in differences} & {track.id for track in dataset.tracks}
    bad, known = len(report.bad | changed), len(_published_so(dataset, report))
    so = f" ({known} of them known to be published so)" if known else ""
    say(f"{several(report.checked, 'file')} checked: {report.checked - bad} usable, {bad} not{so}")
    if dataset.checksums:
        read = [t for t in dataset.tracks if t.path in report.contents]
        compared = sum(t.id in dataset.checksums for t in read)
        say(f"{compared} of them compared with their published checksums")
    if differences:
        say(
            f"recorded files that changed or are gone: {len(differences)}; restore them, or record "
            "what is there now with --accept"
        )


def _row(finding: Finding, dataset: Dataset) -> dict[str, Any]:
    return {
        "track": finding.track,
        "path": str(finding.path),
        "code": finding.code,
        "usable": not finding.fatal,
        "detail": _detail(finding, dataset),
    }


def _detail(finding: Finding, dataset: Dataset) -> str:
    known = dataset.faults.get(finding.track, "") if finding.code in REASONS else ""
    return f"{finding.detail}; {known}" if known else finding.detail


def _findings(rows: Sequence[dict[str, Any]]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in ("code", "usable", "file", "detail"):
        table.add_column(column, overflow="fold")
    for row in rows:
        usable = "yes" if row["usable"] else "no"
        table.add_row(row["code"], usable, Text(row["path"]), Text(row["detail"]))
    return table
