"""Every file of a data set, read and judged: what cannot be used, and what deserves a look.

Unusable files carry a code from `genrecls.dsp.audio.REASONS` or `DIFFERENCES` and are fatal. What
`SUSPICIONS` lists is not: such a file is used like any other, and whoever publishes numbers should
know of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.base import Dataset, Medium, Track
from genrecls.datasets.gtzan_kaggle import read_picture
from genrecls.dsp.audio import AudioLimits, AudioRejected, Decoded, decode
from genrecls.environment import cores
from genrecls.files.hashing import Content, read_content

SUSPICIONS: dict[str, str] = {
    "duplicate": "it holds exactly what another track holds: it may be on two sides of a split",
    "clipped": "its waveform is cut off at the top: it was recorded or converted too loud",
    "mostly-silent": "more than half of it is silence",
    "dc-offset": "its waveform does not swing around zero, which shows in the lowest bands",
    "quiet": "it is so quiet that noise of the recording may outweigh the music",
    "suffix": "its content is of another format than its name says",
    "ghost": "its name starts with '._', as of the companion files that macOS puts in archives",
}

DIFFERENCES: dict[str, str] = {
    "checksum": "it is not the file that was published: its digest is another",
    "changed": "it is not the file that was recorded when the data set was last verified",
}

# Loud but sound mixes touch their maximum three samples in a row in up to 0.06 % of all samples;
# tracks that are audibly distorted do so in half a per cent and more.
CLIPPED_SHARE = 0.001

# -60 dB of full scale, measured over tenths of a second: breaths between phrases are louder.
SILENCE_PEAK = 1e-3
SILENT_SHARE = 0.5

# Sound recordings stay below 0.17 of their own effective value; at 0.25 a sixteenth of what the
# features see as energy is no sound at all.
OFFSET_SHARE = 0.25

# -40 dB of full scale: 16-bit files keep less than 9 of their bits. The quietest classical excerpts
# in public collections peak at 0.05.
QUIET_PEAK = 0.01

# What the decoder calls the content of a file with this suffix.
_CONTAINERS = {
    ".wav": {"WAV", "WAVEX", "RF64", "W64"},
    ".au": {"AU"},
    ".flac": {"FLAC"},
    ".mp3": {"MP3", "MPEG"},
    ".ogg": {"OGG"},
}

# Decoding leaves the interpreter's lock; more threads than this only wait for the disk.
_MAX_THREADS = 8


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or odd with one track.

    Attributes:
        track: id of the track.
        path: its file.
        code: a key of `genrecls.dsp.audio.REASONS`, of `DIFFERENCES` or of `SUSPICIONS`.
        detail: one line: what was found in this file.
        fatal: whether the file cannot be used.
    """

    track: str
    path: Path
    code: str
    detail: str
    fatal: bool


@dataclass(frozen=True)
class Verification:
    """The outcome of reading a whole data set.

    Attributes:
        checked: number of tracks that were read.
        findings: in the order of the tracks, those of one track in the order of `SUSPICIONS`.
        contents: what the files held that could be read.
    """

    checked: int
    findings: tuple[Finding, ...]
    contents: Mapping[Path, Content] = field(default_factory=dict)

    @property
    def bad(self) -> frozenset[str]:
        """Ids of the tracks that cannot be used."""
        return frozenset(finding.track for finding in self.findings if finding.fatal)

    @property
    def unusable(self) -> int:
        """Number of tracks that cannot be used."""
        return len(self.bad)

    @property
    def good(self) -> int:
        """Number of tracks that can be used, suspicious ones included."""
        return self.checked - self.unusable


@dataclass(frozen=True)
class _Verdict:
    """What one thread learnt of one track; the samples themselves are gone by then."""

    track: Track
    findings: tuple[Finding, ...]
    digest: str | None


def verify(dataset: Dataset, on_progress: Callable[[], None] | None = None) -> Verification:
    """Read every track of `dataset` and report on it; no file stops the others.

    Args:
        dataset: what to read; its `limits` decide what is plausible.
        on_progress: called in the calling thread after each track.

    Returns:
        The findings, in an order that does not depend on the threads.
    """
    first: dict[str, Track] = {}
    findings: list[Finding] = []
    contents: dict[Path, Content] = {}
    for verdict, content in _verdicts(dataset):
        track = verdict.track
        findings += _duplicates(verdict, first, _SAME[dataset.medium])
        if content is not None:
            findings += _against_checksum(track, content, dataset.checksums.get(track.id))
            contents[track.path] = content
        findings += verdict.findings
        if on_progress is not None:
            on_progress()
    return Verification(len(dataset.tracks), tuple(findings), contents)


def _verdicts(dataset: Dataset) -> Iterator[tuple[_Verdict, Content | None]]:
    judge = _JUDGES[dataset.medium]
    algorithms = {digest.partition(":")[0] for digest in dataset.checksums.values()}

    @cache  # All rows of a table are in one file.
    def content(path: Path) -> Content | None:
        return read_content(path, algorithms)

    pool = ThreadPoolExecutor(min(_MAX_THREADS, cores()))
    try:
        # Decoders take a path, so a file is read twice; the second time it comes from memory.
        yield from pool.map(
            lambda track: (judge(track, dataset.limits), content(track.path)), dataset.tracks
        )
    finally:
        # An interrupted user does not wait for a thousand files that are still queued.
        pool.shutdown(cancel_futures=True)


def _against_checksum(track: Track, content: Content, published: str | None) -> tuple[Finding, ...]:
    algorithm, _, expected = (published or "").partition(":")
    if not expected or content.digests[algorithm] == expected:
        return ()
    detail = (
        f"the published {algorithm} is {expected[:12]}..., found "
        f"{content.digests[algorithm][:12]}...; fetch it again"
    )
    return (Finding(track.id, track.path, "checksum", detail, fatal=True),)


def _judge(track: Track, limits: AudioLimits) -> _Verdict:
    ghost = _suspicion(track, "ghost", track.path.name, odd=track.path.name.startswith("._"))
    try:
        decoded = decode(track.path, limits)
    except AudioRejected as rejected:
        fatal = Finding(track.id, track.path, rejected.code, rejected.detail, fatal=True)
        return _Verdict(track, (fatal, *ghost), None)
    return _Verdict(track, (*_suspicions(track, decoded), *ghost), decoded.digest())


def _judge_picture(track: Track, _: AudioLimits) -> _Verdict:
    try:
        picture = read_picture(track.path)
    except AudioRejected as rejected:
        fatal = Finding(track.id, track.path, rejected.code, rejected.detail, fatal=True)
        return _Verdict(track, (fatal,), None)
    return _Verdict(track, (), hashlib.sha256(picture.tobytes()).hexdigest())


def _judge_row(track: Track, _: AudioLimits) -> _Verdict:
    """Look for equal rows only: whoever read the table has checked each of them."""
    return _Verdict(track, (), hashlib.sha256(repr(track.row).encode()).hexdigest())


_JUDGES: dict[Medium, Callable[[Track, AudioLimits], _Verdict]] = {
    "audio": _judge,
    "picture": _judge_picture,
    "table": _judge_row,
}


_SAME: dict[Medium, str] = {
    "audio": "same samples as {other}",
    "picture": "same picture as {other}",
    "table": "{track} has the same row as {other}",
}


def _suspicion(track: Track, code: str, detail: str, *, odd: bool) -> tuple[Finding, ...]:
    return (Finding(track.id, track.path, code, detail, fatal=False),) if odd else ()


def _suspicions(track: Track, decoded: Decoded) -> tuple[Finding, ...]:
    samples = decoded.samples
    clipped, silent, peak = clipped_share(samples), silent_share(decoded), _peak(samples)
    offset = offset_share(samples)
    suffix = track.path.suffix.lower()
    expected = _CONTAINERS.get(suffix, {decoded.container})
    checks = (
        ("clipped", f"{clipped:.2%} of the samples are cut off", clipped > CLIPPED_SHARE),
        ("mostly-silent", f"{silent:.0%} of it is below -60 dB", silent > SILENT_SHARE),
        ("dc-offset", f"its mean is {offset:.2f} of its effective value", offset > OFFSET_SHARE),
        ("quiet", f"its peak is {peak:.2g} of full scale", peak < QUIET_PEAK),
        (
            "suffix",
            f"called {suffix}, holds {decoded.container}",
            decoded.container not in expected,
        ),
    )
    return tuple(
        chain.from_iterable(_suspicion(track, code, text, odd=odd) for code, text, odd in checks)
    )


def clipped_share(samples: NDArray[np.float32]) -> float:
    """Return the share of samples in the middle of three that all sit at the same extreme."""
    total = 0
    for extreme in (samples.max(), samples.min()):
        at = samples == extreme
        total += int(np.count_nonzero(at[2:] & at[1:-1] & at[:-2]))
    return total / len(samples)


def silent_share(decoded: Decoded) -> float:
    """Return the share of tenths of a second whose peak is below `SILENCE_PEAK`."""
    window = max(1, decoded.rate // 10)
    count = len(decoded.samples) // window
    if not count:
        return 0.0
    windows = decoded.samples[: count * window].reshape(count, window)
    peaks = np.maximum(windows.max(axis=1), -windows.min(axis=1))
    return float(np.mean(peaks < SILENCE_PEAK))


def offset_share(samples: NDArray[np.float32]) -> float:
    """Return the magnitude of the mean over the effective value, 0 to 1."""
    effective = float(np.sqrt(np.mean(np.square(samples), dtype=np.float64)))
    return abs(float(samples.mean(dtype=np.float64))) / effective


def _peak(samples: NDArray[np.float32]) -> float:
    return float(max(samples.max(), -samples.min()))


def _duplicates(verdict: _Verdict, first: dict[str, Track], same: str) -> tuple[Finding, ...]:
    if verdict.digest is None:
        return ()
    track, other = verdict.track, first.setdefault(verdict.digest, verdict.track)
    detail = same.format(track=track.id, other=other.id)
    if other.label != track.label:
        detail += f", which is labelled '{other.label}' and not '{track.label}'"
    return _suspicion(track, "duplicate", detail, odd=other is not track)
