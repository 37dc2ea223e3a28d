"""`genrecls data verify`: every file of a data set, read and judged."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from genrecls.config.compose import compose
from genrecls.config.paths import data_root_of
from genrecls.config.validation import select, validate
from genrecls.console import progress, quiet_libraries, say, several, show, warn
from genrecls.datasets.base import DATASETS, Dataset
from genrecls.dsp.audio_limits import REASONS
from genrecls.dsp.resample import resampled_length
from genrecls.features.base import FEATURES, FeatureSpec
from genrecls.features.segmentation import SegmentRule
from genrecls.files.tables import json_text
from genrecls.reports.tables import Column, Table

if TYPE_CHECKING:
    from genrecls.datasets.verify import Finding, Verification

# Train, validation and test.
_PARTS = 3


@dataclass(frozen=True)
class Pieces:
    """What a training makes of a sound file, which may be too short for it."""

    rule: SegmentRule
    spec: FeatureSpec

    def why_short(self, n_samples: int, rate: int) -> str:
        """Return why a training leaves a sound file out as too short; nothing where it does not.

        Args:
            n_samples: at the rate of the file.
            rate: of the file in Hz.
        """
        return self.rule.why_short(
            resampled_length(n_samples, rate, round(self.spec.rate)), self.spec
        )


def main(options: argparse.Namespace) -> int:
    """Verify the data set that the overrides choose."""
    composed = compose("data", options.overrides)
    pieces = Pieces(
        validate(SegmentRule, composed["segment"], "segment"),
        select(FEATURES, composed["features"], "features"),
    )
    dataset = select(DATASETS, composed["dataset"], "dataset").inspect(data_root_of(composed))
    return verify_and_show(dataset, options.format, accept=options.accept, pieces=pieces)


def verify_and_show(
    dataset: Dataset,
    layout: Literal["table", "json"] = "table",
    *,
    accept: bool = False,
    pieces: Pieces | None = None,
) -> int:
    """Read every file, show what is wrong with which, and record the sound ones in the index.

    Args:
        dataset: what to read.
        layout: of what is wrong.
        accept: see `compare_and_record`.
        pieces: what a training is to make of sound files; what is too short cannot be used.

    Returns:
        The exit status: 1 where files are unusable, changed or missing, else 0. Those that were
        published unusable do not count, unless their checksum is another than the published one.
    """
    from genrecls.datasets.verify import DIFFERENCES, SUSPICIONS

    for remark in dataset.remarks:
        warn(remark)
    counts = Counter(track.label for track in dataset.tracks)
    small = [f"{label} ({n})" for label, n in counts.items() if n < _PARTS]
    if small:
        warn(
            f"genres with fewer than {_PARTS} tracks, which most splits cannot deal out to "
            f"{_PARTS} parts: {', '.join(small)}"
        )
    if pieces and "audio" not in pieces.spec.media:
        pieces = None
    report, differences = _verify_and_record(dataset, pieces, accept=accept)

    rows = []
    for finding in (*report.findings, *differences):
        known = dataset.faults.get(finding.track, "") if finding.code in REASONS else ""
        row = {
            "track": finding.track,
            "path": str(finding.path),
            "code": finding.code,
            "usable": not finding.fatal,
            "detail": f"{finding.detail}; {known}" if known else finding.detail,
        }
        rows.append(row)
    if layout == "json":
        show(json_text(rows))
    elif rows:
        cells = [
            (str(r["code"]), "yes" if r["usable"] else "no", str(r["path"]), str(r["detail"]))
            for r in rows
        ]
        columns = ("code", "usable", Column("file", "path"), "detail")
        show(Table(columns, cells).to_terminal())
        meanings = {**REASONS, **DIFFERENCES, **SUSPICIONS}
        for code in dict.fromkeys(str(row["code"]) for row in rows):
            say(f"{code}: {meanings[code]}")

    # Unusable tracks that were published so, where no checksum contradicts that.
    other_file = {finding.track for finding in report.findings if finding.code == "checksum"}
    published_so = (report.bad & dataset.published_broken) - other_file
    _summarise(dataset, report, differences, len(published_so))
    short = {f.track for f in report.findings if f.code == "no-segment"} - published_so
    if pieces and short:
        say(
            f"{several(len(short), 'file')} too short for a segment of {pieces.rule.length:g} s: "
            "choose another segment=<name> or segment.length=<seconds> here and for the training, "
            "or segment.short_tracks=repeat"
        )
    return 1 if report.bad - published_so or differences else 0


def _verify_and_record(
    dataset: Dataset, pieces: Pieces | None, *, accept: bool
) -> tuple[Verification, tuple[Finding, ...]]:
    """Return what was found in the files, and how they differ from what is recorded.

    After Ctrl-C, too, the sound files that were read are recorded.
    """
    from genrecls.datasets.manifest import compare_and_record, record_checked
    from genrecls.datasets.verify import verify

    def sound(report: Verification) -> Verification:
        # What is short for these segments is long enough for others, and recorded all the same.
        return replace(report, findings=tuple(f for f in report.findings if f.code != "no-segment"))

    def keep(report: Verification) -> None:
        if not dataset.generated:
            record_checked(dataset, sound(report))
        say(f"{report.checked} of {several(len(dataset.tracks), 'file')} were checked")

    with quiet_libraries(), progress(f"Verifying {dataset.name}", len(dataset.tracks)) as advance:
        report = verify(dataset, advance, keep, *([pieces.why_short] if pieces else []))
    if dataset.generated:
        return report, ()
    return report, compare_and_record(dataset, sound(report), accept=accept)


def _summarise(
    dataset: Dataset, report: Verification, differences: Sequence[Finding], published_so: int
) -> None:
    changed = {finding.track for finding in differences} & {track.id for track in dataset.tracks}
    bad = len(report.bad | changed)
    so = f" ({published_so} of them known to be published so)" if published_so else ""
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
