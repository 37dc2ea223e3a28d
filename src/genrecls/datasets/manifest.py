"""The index of a data set: what each file was when it was verified, kept beside the data.

Files change without anybody meaning it: a disk fails, a library writes tags, a copy is replaced by
another. The index is how a later run notices, in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Literal

from genrecls.console import say, several, warn
from genrecls.datasets.base import Dataset
from genrecls.datasets.verify import Finding, Verification
from genrecls.errors import DataError
from genrecls.files.atomic import write_text
from genrecls.files.hashing import FileDigests

NAME = ".genrecls-index.json"


@dataclass(frozen=True)
class Entry:
    """One file as it was recorded.

    Attributes:
        dataset: name of the data set; several may lie in one folder.
        track: id of its track; of the last one where many are in one file.
        label: genre of the track.
        size: in bytes.
        sha256: digest in hexadecimal digits.
        recorded: date (UTC) as YYYY-MM-DD.
    """

    dataset: str
    track: str
    label: str
    size: int
    sha256: str
    recorded: str


Index = Mapping[str, Entry]
"""Entries by path below the root, or by absolute path for files elsewhere."""


@dataclass(frozen=True)
class _File:
    version: Literal[1]
    files: dict[str, Entry]


def read_index(root: Path) -> Index:
    """Return what was recorded of the files below `root`; a damaged index is as good as none."""
    from pydantic import TypeAdapter, ValidationError

    file = root / NAME
    try:
        return TypeAdapter(_File).validate_json(file.read_bytes()).files
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        warn(f"cannot read {file} ({error.strerror}): changed files go unnoticed")
    except ValidationError:
        warn(
            f"{file} is damaged: changed files go unnoticed until 'genrecls data verify' renews it"
        )
    return {}


def compare_and_record(
    dataset: Dataset, report: Verification, *, accept: bool
) -> tuple[Finding, ...]:
    """Compare what was read with what is recorded, and record the usable files that are new.

    Entries of other files, such as those of genres that were not chosen, stay.

    Args:
        dataset: what was verified.
        report: what was read.
        accept: record changed files anew and forget missing ones, instead of reporting them.

    Returns:
        `changed` files in the order of the tracks, then `missing` ones by path.
    """
    before = read_index(dataset.root)
    read = report.contents
    digests = {t.path: read[t.path].sha256 if t.path in read else None for t in dataset.tracks}
    unlike = tuple(differences(dataset, before, digests))
    gone = {_key(difference.path, dataset.root) for difference in unlike} if accept else set()
    kept = {key: entry for key, entry in before.items() if key not in gone}

    # Usable files that are new or as recorded, but no changed ones.
    today = datetime.now(tz=UTC).date().isoformat()
    now = dict(kept)
    for track in dataset.tracks:
        content, key = read.get(track.path), _key(track.path, dataset.root)
        old = kept.get(key)
        changed = content and old and old.sha256 != content.sha256
        if content and not changed and track.id not in report.bad:
            owner = (dataset.name, track.id, track.label)
            date = old.recorded if old else today
            now[key] = Entry(*owner, content.size, content.sha256, date)
    if now != before:
        entries = {path: asdict(entry) for path, entry in sorted(now.items())}
        file, new = dataset.root / NAME, len(now.keys() - before.keys())
        try:
            # ASCII: names on disk need not be valid text.
            write_text(file, json.dumps({"version": 1, "files": entries}, allow_nan=False))
        except OSError as error:
            say(f"{file} cannot be written ({error.strerror}): later changes go unnoticed")
        else:
            say(f"recorded in {file}: {several(len(now), 'file')}, {new} of them new")
    if gone:
        say(f"accepted as they are now: {several(len(gone), 'file')} that had changed or are gone")
    reported = {(finding.track, finding.code) for finding in report.findings}
    return () if accept else tuple(d for d in unlike if (d.track, d.code) not in reported)


def record_checked(dataset: Dataset, report: Verification) -> None:
    """Record the usable new files of a verification that was interrupted; nothing is compared."""
    tracks = tuple(track for track in dataset.tracks if track.path in report.contents)
    compare_and_record(replace(dataset, tracks=tracks), report, accept=False)


def differences(
    dataset: Dataset, index: Index, digests: Mapping[Path, str | None]
) -> Iterator[Finding]:
    """Yield files of `dataset` that are not what `index` has, then those that are gone.

    A file is gone if its genre is still one of the data set and the folder below the root in which
    it was is still there: who deletes a whole genre or subset means it.

    Args:
        dataset: the tracks as they are now.
        index: what was recorded.
        digests: SHA-256 by path; None for a file that cannot be read.
    """
    present = {_key(track.path, dataset.root): track for track in dataset.tracks}
    for key, track in present.items():
        entry = index.get(key)
        if entry and digests[track.path] != entry.sha256:
            detail = f"it is not what was recorded on {entry.recorded}"
            code = "changed" if track.path.exists() else "missing"
            yield Finding(track.id, track.path, code, detail, fatal=True)
    for key in sorted(index.keys() - present.keys()):
        entry, path = index[key], dataset.root / key
        ours = entry.dataset == dataset.name and entry.label in dataset.labels
        parts = PurePath(key).parts
        folder_left = len(parts) == 1 or (dataset.root / parts[0]).exists()
        if ours and folder_left and not path.exists():
            detail = f"it was recorded on {entry.recorded} and is gone"
            yield Finding(entry.track, path, "missing", detail, fatal=True)


def _key(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path.absolute())


def ensure_as_recorded(dataset: Dataset, digests: FileDigests) -> None:
    """Check that the files are those that `genrecls data verify` recorded, if it ever did.

    What the copy itself shows to be odd (`Dataset.remarks`) is said, once a run. Generated data
    have no index.

    Args:
        dataset: the tracks to be used.
        digests: takes the digest of each recorded file; hand it on to whatever else needs them.

    Raises:
        DataError: some are changed or missing; names the first.
    """
    for remark in dataset.remarks:
        warn(remark)
    index = {} if dataset.generated else read_index(dataset.root)
    if not index:
        return
    recorded = [t.path for t in dataset.tracks if _key(t.path, dataset.root) in index]
    changed = list(differences(dataset, index, digests.of_all(recorded)))
    if changed:
        first = changed[0]
        raise DataError(
            f"dataset={dataset.name}: {first.path}: {first.detail} (recorded files that changed or "
            f"are gone: {len(changed)}); restore them, or accept what is there now by 'genrecls "
            "data verify --accept' with the same dataset"
        )
