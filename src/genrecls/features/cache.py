"""The feature cache: what was computed once is read back, and nothing else is.

An entry is found by the content of its audio file and by everything else that decides its values:
feature specification, segment rule, limits of the audio, the revisions of the code that computes
them, and library versions. So it cannot go stale; it can only become unused. Whoever changes values
raises a revision: `tests/features/test_revisions.py` holds each to a few numbers. Layout, below a
root folder:

    files.json                         digests of audio files, see `genrecls.files.hashing`
    <key>/spec.json                    what this folder holds, for people
    <key>/<2 digits>/<file digest>.npz
"""

from __future__ import annotations

import io
import json
import lzma
import math
import os
import re
import shutil
import struct
import uuid
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.config.aliases import current_config
from genrecls.config.plugins import plugin_digests
from genrecls.config.relevant import without_later
from genrecls.dsp.audio import READING_REVISION
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.errors import DataError
from genrecls.features.audio_augmentation import DistortedCopy
from genrecls.features.base import FeatureSpec
from genrecls.features.segmentation import SegmentRule, Segments
from genrecls.files.atomic import replacing
from genrecls.files.hashing import INDEX, FileDigests, text_digest
from genrecls.files.tables import mapping_or_empty, write_json

SPEC = "spec.json"

# What decodes and resamples the audio of every representation.
_READING = ("numpy", "soundfile", "soxr")

_DAMAGE = (
    OSError,
    EOFError,
    KeyError,
    MemoryError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, eq=False)
class TrackFeatures:
    """What the features of one track are, and of which audio.

    Attributes:
        segments: model inputs of its segments.
        seconds: length of the whole track.
        audio_digest: SHA-256 of the mono samples; tracks that share it are the same recording,
            whatever their containers.
        file_digest: SHA-256 of the file.
    """

    segments: Segments
    seconds: float
    audio_digest: str
    file_digest: str


def cache_root(data_root: Path) -> Path:
    """Return the folder of the feature cache below the folder of all data."""
    return data_root / "cache" / "features"


class FeatureStore:
    """Where features are kept, and the digests of the files by which they are found.

    Make one for each command and hand it on: its `digests` take every file once, whoever asks.

    Args:
        root: folder of all caches, see `cache_root`; None keeps nothing.
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self.digests = FileDigests(root / INDEX if root else None)


def settings(
    spec: FeatureSpec, rule: SegmentRule, limits: AudioLimits, copy: DistortedCopy | None = None
) -> dict[str, Any]:
    """Return all that decides the features of a given file, as JSON values."""
    import soundfile

    parts = {type(part).__name__: part for part in spec.parts}
    used = {library for part in parts.values() for library in part.libraries}
    libraries = {name: metadata.version(name) for name in sorted({*_READING, *used})}
    # Not always the one that comes with soundfile, and it is what decodes.
    libraries["libsndfile"] = str(soundfile.__libsndfile_version__)
    revisions = {name: part.revision for name, part in parts.items()}
    plugins = plugin_digests(spec.parts)
    return {
        **without_later({"features": asdict(spec), "segment": asdict(rule)}),
        "limits": asdict(limits),
        "revisions": {"reading": READING_REVISION, type(rule).__name__: rule.revision, **revisions},
        "libraries": libraries,
        **({"plugins": plugins} if plugins else {}),
        **(copy.to_json() if copy else {}),
    }


def cache_key(made_from: Mapping[str, Any]) -> str:
    """Return the name of the folder that holds features made from these `settings`."""
    return text_digest(json.dumps(made_from, sort_keys=True), 32)


class FeatureCache:
    """Features made in one way; may be used by several threads and processes at once.

    Args:
        root: folder of all caches, see `cache_root`.
        copy: which distorted copy of the tracks is meant; None is the tracks themselves.

    Attributes:
        key: names the way in which the features are made.
        folder: where their entries are.
        damaged: entries found broken so far; each counts as absent.
    """

    def __init__(
        self,
        root: Path,
        spec: FeatureSpec,
        rule: SegmentRule,
        limits: AudioLimits,
        copy: DistortedCopy | None = None,
    ) -> None:
        self._made_from = (root, spec, rule, limits, copy)
        self._settings = settings(spec, rule, limits, copy)
        self.key = cache_key(self._settings)
        self.folder = root / self.key
        self.damaged = 0
        once = spec.companion_shapes
        self._shapes = {n: shape for n, shape in rule.shapes(spec).items() if n not in once}
        self._lock = Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        # A lock does not travel, and the key is that of whoever makes the features.
        return type(self), self._made_from

    def mark_used(self) -> None:
        """Note the time of use, by which old folders are pruned, if the folder can be written."""
        described = self.folder / SPEC
        try:
            if described.exists():
                os.utime(described)
            else:
                write_json(described, {"key": self.key, **self._settings})
        except OSError:
            # A full cache may well be read-only; if an entry must be written, `store` complains.
            return

    def load(self, digest: str) -> TrackFeatures | None:
        """Return the entry of the file with this digest, or None if it is absent or damaged."""
        try:
            return self._read(digest)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except _DAMAGE:
            with self._lock:
                self.damaged += 1
            return None

    def store(self, features: TrackFeatures) -> None:
        """Write an entry, whole or not at all.

        Raises:
            DataError: the disk is full or the folder cannot be written.
        """
        about = {
            "key": self.key,
            "file_digest": features.file_digest,
            "audio_digest": features.audio_digest,
            "seconds": features.seconds,
            "segment_seconds": features.segments.seconds,
        }
        arrays: dict[str, NDArray[Any]] = {
            "starts": features.segments.starts,
            "about": np.array(json.dumps(about, allow_nan=False)),
        }
        arrays |= {f"inputs.{name}": array for name, array in features.segments.inputs.items()}
        arrays |= {f"whole.{name}": array for name, array in features.segments.whole.items()}
        try:
            entry = self.entry(features.file_digest)
            with replacing(entry, durable=False) as beside:
                np.savez(beside, **arrays)  # type: ignore[arg-type]
        except OSError as error:
            raise DataError(
                f"{self.folder}: the feature cache cannot be written "
                f"({error.strerror or error}); free space, make it writable or set another "
                "data_root"
            ) from error

    def entry(self, digest: str) -> Path:
        """Return the path of the entry of the file with this digest."""
        return self.folder / digest[:2] / f"{digest}.npz"

    def _read(self, digest: str) -> TrackFeatures:
        """Return the entry of the file with this digest; an error means that it is damaged."""
        arrays = read_arrays(self.entry(digest))
        about = json.loads(str(arrays["about"][()]))
        if (about["key"], about["file_digest"]) != (self.key, digest):
            raise ValueError("an entry of something else")
        starts = arrays["starts"]
        inputs = {name: arrays[f"inputs.{name}"] for name in self._shapes}
        for name, shape in self._shapes.items():
            if inputs[name].shape != (len(starts), *shape) or inputs[name].dtype != np.float32:
                raise ValueError(f"'{name}' has another shape or type")
        prefix = "whole."
        whole = {n.removeprefix(prefix): arrays[n] for n in arrays if n.startswith(prefix)}
        segments = Segments(inputs, starts, float(about["segment_seconds"]), whole)
        if not 0 < float(about["seconds"]) < math.inf or not np.isfinite(starts).all():
            raise ValueError("an impossible time")
        return TrackFeatures(segments, float(about["seconds"]), str(about["audio_digest"]), digest)


# Python before 3.11.8 counts the depth of a parsed text, and a header is one, for all threads
# together: of two that parse at once, one fails (python/cpython#106905).
_HEADERS = Lock()


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an entry by name; errors of any kind mean that it is damaged.

    Raises:
        FileNotFoundError, NotADirectoryError: it is absent.
    """
    # A named pipe would be waited for.
    if not path.is_file() and path.exists():
        raise ValueError("no file")
    with zipfile.ZipFile(path) as archive:
        # Entries are stored as they are: what inflates is none, and could fill the memory.
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("compressed")
        # Each member is read to its end before it is looked into, for only then has zipfile
        # compared its checksum; NumPy's own reader would allocate whatever a damaged header asks
        # for.
        members = {name: archive.read(name) for name in archive.namelist()}
    with _HEADERS:
        return {
            name.removesuffix(".npy"): np.lib.format.read_array(
                io.BytesIO(content), allow_pickle=False
            )
            for name, content in members.items()
        }


_KEY = re.compile(r"[0-9a-f]{32}")
_DELETED = ".pruned-"


@dataclass(frozen=True)
class CacheFolder:
    """One folder of the cache: features made in one way.

    Attributes:
        key: its name.
        summary: features and segments in a few words.
        settings: content of its `spec.json`; empty if that is damaged.
        entries: number of files with features, one an audio file (of frozen layers: a segment).
        size: bytes of all its files.
        last_used: when it was last read or written.
    """

    key: str
    path: Path
    summary: str
    settings: dict[str, Any]
    entries: int
    size: int
    last_used: datetime

    def is_older(self, days: float | None) -> bool:
        """Return whether it was not used for so many days; None is any number."""
        unused = datetime.now(UTC) - self.last_used
        return days is None or unused.total_seconds() > 86_400 * days


def describe(root: Path) -> tuple[CacheFolder, ...]:
    """Return the folders of the cache at `root`, the last used first; none if there is no cache."""
    if not root.is_dir():
        return ()
    folders = []
    for path in root.iterdir():
        if not _KEY.fullmatch(path.name):
            continue
        sizes = {file: _status(file).st_size for file in path.rglob("*.*") if file.is_file()}
        made_from = mapping_or_empty(path / SPEC)
        used = _status(path / SPEC if path / SPEC in sizes else path).st_mtime
        folder = CacheFolder(
            key=path.name,
            path=path,
            summary=_summary(made_from),
            settings=made_from,
            entries=sum(file.suffix == ".npz" and not file.name.startswith(".") for file in sizes),
            size=sum(sizes.values()),
            last_used=datetime.fromtimestamp(used, UTC),
        )
        folders.append(folder)
    return tuple(sorted(folders, key=lambda folder: folder.last_used, reverse=True))


def prune(
    root: Path, older_than_days: float | None = None, keep: Collection[str] = ()
) -> tuple[CacheFolder, ...]:
    """Delete folders of the cache and return what they were.

    Args:
        root: folder of the cache; nothing that is not a cache's is touched in it.
        older_than_days: delete only what was not used for so long; None deletes regardless of age.
        keep: keys of folders to be left alone.

    Raises:
        DataError: a folder cannot be deleted.
    """
    chosen = [
        folder
        for folder in describe(root)
        if folder.key not in keep and folder.is_older(older_than_days)
    ]
    for leftover in root.glob(f"{_DELETED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for folder in chosen:
        # Renamed first: whoever writes to it now starts a new folder, not a half-empty one.
        aside = folder.path.with_name(f"{_DELETED}{uuid.uuid4().hex}")
        try:
            folder.path.rename(aside)
            shutil.rmtree(aside)
        except OSError as error:
            raise DataError(
                f"{folder.path}: cannot be deleted ({error.strerror or error}); delete the folder "
                "yourself"
            ) from error
    return tuple(chosen)


def _status(path: Path) -> os.stat_result:
    """Return the status of a file, or of its folder if another process took the file away."""
    try:
        return path.stat()
    except FileNotFoundError:
        return path.parent.stat()


def _summary(made_from: dict[str, Any]) -> str:
    try:
        if "layers" in made_from:
            return f"outputs of frozen layers up to {made_from['layers'][-1]}"
        made_from = current_config(made_from)
        features, segment = made_from["features"], made_from["segment"]
        rate = features.get("sample_rate") or features["picture"]["sample_rate"]
        return (
            f"{features['name']} at {rate} Hz, "
            f"segments of {segment['length']:g} s cut from {segment['source']}"
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        return f"unknown ({SPEC} is missing or damaged)"
