"""The feature cache: what was computed once is read back, and nothing else is.

An entry is found by the content of its audio file and by everything else that decides its values:
feature specification, segment rule, limits of the audio, source code and library versions. So it
cannot go stale; it can only become unused. Layout, below a root folder:

    files.json                         digests of audio files, see `digests`
    <key>/spec.json                    what this folder holds, for people
    <key>/<2 digits>/<file digest>.npz
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import os
import re
import shutil
import struct
import uuid
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import metadata, resources
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.config.aliases import current_config
from genrecls.dsp.audio import AudioLimits
from genrecls.errors import DataError
from genrecls.features.audio_augmentation import DistortedCopy
from genrecls.features.base import FeatureSpec
from genrecls.features.segmentation import SegmentRule, Segments
from genrecls.files.atomic import replacing
from genrecls.files.hashing import INDEX, FileDigests
from genrecls.files.tables import write_json

SPEC = "spec.json"

_LIBRARIES = ("numpy", "scipy", "librosa", "pillow", "soundfile", "soxr")

# They move values about and do not make any.
_CARRIERS = {"cache.py", "extract.py", "extractor.py", "pruning.py"}

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
    made = copy.described() if copy else {}
    return {
        "features": asdict(spec),
        "segment": asdict(rule),
        "limits": asdict(limits),
        "code": _code_digest(),
        "libraries": _library_versions(),
        **made,
    }


def cache_key(
    spec: FeatureSpec, rule: SegmentRule, limits: AudioLimits, copy: DistortedCopy | None = None
) -> str:
    """Return the name of the folder that holds features made in this very way."""
    text = json.dumps(settings(spec, rule, limits, copy), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


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
        self.key = cache_key(spec, rule, limits, copy)
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
            return self._checked(_read_arrays(self.entry(digest)), digest)
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
            "about": np.array(json.dumps(about)),
        }
        arrays |= {f"inputs.{name}": array for name, array in features.segments.inputs.items()}
        try:
            entry = self.entry(features.file_digest)
            with replacing(entry, durable=False) as beside:
                np.savez(beside, allow_pickle=False, **arrays)
        except OSError as error:
            raise DataError(
                f"{self.folder}: the feature cache cannot be written "
                f"({error.strerror or error}); free space, make it writable or set another "
                "data_root"
            ) from error

    def entry(self, digest: str) -> Path:
        """Return the path of the entry of the file with this digest."""
        return self.folder / digest[:2] / f"{digest}.npz"

    def _checked(self, arrays: dict[str, NDArray[Any]], digest: str) -> TrackFeatures:
        """Return the entry that `arrays` should be; any error at all means that they are not."""
        about = json.loads(str(arrays["about"][()]))
        if (about["key"], about["file_digest"]) != (self.key, digest):
            raise ValueError("an entry of something else")
        starts = arrays["starts"]
        inputs = {name: arrays[f"inputs.{name}"] for name in self._shapes}
        for name, shape in self._shapes.items():
            if inputs[name].shape != (len(starts), *shape) or inputs[name].dtype != np.float32:
                raise ValueError(f"'{name}' has another shape or type")
        segments = Segments(inputs, starts, float(about["segment_seconds"]))
        return TrackFeatures(segments, float(about["seconds"]), str(about["audio_digest"]), digest)


def _read_arrays(entry: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file.

    Each member is read to its end before it is looked into, for only then has zipfile compared
    its checksum; NumPy's own reader would allocate whatever a damaged header asks for.
    """
    with zipfile.ZipFile(entry) as archive:
        return {
            name.removesuffix(".npy"): np.lib.format.read_array(
                io.BytesIO(archive.read(name)), allow_pickle=False
            )
            for name in archive.namelist()
        }


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """Return a digest of the source code from audio file to features."""
    modules = [
        module
        for room in ("dsp", "features")
        for module in resources.files(f"genrecls.{room}").iterdir()
    ]
    sources = {
        module.name: module.read_bytes()
        for module in modules
        if module.name.endswith(".py") and module.name not in _CARRIERS
    }
    content = b"\0".join(name.encode() + b"\0" + sources[name] for name in sorted(sources))
    return hashlib.sha256(content).hexdigest()


@lru_cache(maxsize=1)
def _library_versions() -> dict[str, str]:
    import soundfile

    versions = {name: metadata.version(name) for name in _LIBRARIES}
    # Not always the one that comes with soundfile, and it is what decodes.
    return {**versions, "libsndfile": str(soundfile.__libsndfile_version__)}


_KEY = re.compile(r"[0-9a-f]{32}")
_DOOMED = ".pruned-"


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


def describe(root: Path) -> tuple[CacheFolder, ...]:
    """Return the folders of the cache at `root`, the last used first; none if there is no cache."""
    if not root.is_dir():
        return ()
    folders = [_folder(path) for path in root.iterdir() if _KEY.fullmatch(path.name)]
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
    limit = datetime.now(UTC) - timedelta(days=older_than_days or 0)
    doomed = [
        folder
        for folder in describe(root)
        if folder.key not in keep and (older_than_days is None or folder.last_used < limit)
    ]
    for leftover in root.glob(f"{_DOOMED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for folder in doomed:
        _delete(folder.path)
    return tuple(doomed)


def _delete(path: Path) -> None:
    # Renamed first: whoever writes to it at this moment starts a new folder, not a half-empty one.
    aside = path.with_name(f"{_DOOMED}{uuid.uuid4().hex}")
    try:
        path.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be deleted ({error.strerror or error}); delete the folder yourself"
        ) from error


def _folder(path: Path) -> CacheFolder:
    sizes = {file: _status(file).st_size for file in path.rglob("*.*") if file.is_file()}
    settings = _settings(path / SPEC)
    return CacheFolder(
        key=path.name,
        path=path,
        summary=_summary(settings),
        settings=settings,
        entries=sum(file.suffix == ".npz" and not file.name.startswith(".") for file in sizes),
        size=sum(sizes.values()),
        last_used=datetime.fromtimestamp(
            _status(path / SPEC if path / SPEC in sizes else path).st_mtime, UTC
        ),
    )


def _status(path: Path) -> os.stat_result:
    """Return the status of a file, or of its folder if another process took the file away."""
    try:
        return path.stat()
    except FileNotFoundError:
        return path.parent.stat()


def _settings(described: Path) -> dict[str, Any]:
    try:
        content = json.loads(described.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _summary(settings: dict[str, Any]) -> str:
    try:
        if "layers" in settings:
            return f"outputs of frozen layers up to {settings['layers'][-1]}"
        settings = current_config(settings)
        features, segment = settings["features"], settings["segment"]
        rate = features.get("sample_rate") or features["picture"]["sample_rate"]
        return (
            f"{features['name']} at {rate} Hz, "
            f"segments of {segment['length']:g} s cut from {segment['source']}"
        )
    except (KeyError, TypeError, ValueError):
        return f"unknown ({SPEC} is missing or damaged)"
