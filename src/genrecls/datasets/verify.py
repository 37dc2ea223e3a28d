"""Every file of a data set, read and judged: what cannot be used, and what deserves a look.

Unusable files carry a code from `REASONS` or `DIFFERENCES` and are fatal. What `SUSPICIONS` lists
is not: such a file is used like any other, and whoever publishes numbers should know of it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genrecls.config.paths import why_no_file
from genrecls.datasets.base import Dataset, Medium, Track
from genrecls.datasets.gtzan_kaggle import read_picture
from genrecls.dsp.audio import AudioFile
from genrecls.dsp.audio_limits import AudioLimits, AudioRejected
from genrecls.environment import cores
from genrecls.files.hashing import Content, read_content, text_digest
from genrecls.parallel import parallel_map

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
    ".opus": {"OGG"},
    ".oga": {"OGG"},
    ".aif": {"AIFF"},
    ".aiff": {"AIFF"},
    ".aifc": {"AIFF"},
    ".mp2": {"MP3", "MPEG"},
    ".caf": {"CAF"},
    ".w64": {"W64"},
    ".snd": {"AU"},
}

# Decoding leaves the interpreter's lock; more threads than this only wait for the disk.
_MAX_THREADS = 8


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or odd with one track.

    Attributes:
        track: id of the track.
        path: its file.
        code: a key of `REASONS` of `dsp.audio_limits`, of `DIFFERENCES` or of `SUSPICIONS`.
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


WhyShort = Callable[[int, int], str]
"""From the number of samples of a file and their rate in Hz to why it is too short, or nothing."""


def _long_enough(n_samples: int, rate: int) -> str:  # noqa: ARG001
    return ""


@dataclass(frozen=True)
class _TrackCheck:
    """What one thread learnt of one track; the samples themselves are gone by then.

    Attributes:
        digest: of what is decoded; tracks that share it hold the same. None of unusable files.
        content: what the file holds; None where it cannot be read.
    """

    findings: tuple[Finding, ...]
    digest: str | None
    content: Content | None


def verify(
    dataset: Dataset,
    on_progress: Callable[[], None] | None = None,
    on_interrupt: Callable[[Verification], None] | None = None,
    why_short: WhyShort = _long_enough,
) -> Verification:
    """Read every track of `dataset` and report on it; no file stops the others.

    Args:
        dataset: what to read; its `limits` decide what is plausible.
        on_progress: called in the calling thread after each track.
        on_interrupt: called after Ctrl-C with what was read until then.
        why_short: says of sound files that `limits` allow which are too short all the same.

    Returns:
        The findings, in an order that does not depend on the threads.
    """
    checks: dict[str, _TrackCheck] = {}
    algorithms = {digest.partition(":")[0] for digest in dataset.checksums.values()}
    judge, same = _JUDGES[dataset.medium]

    @cache  # All rows of a table are in one file.
    def content(path: Path) -> Content | None:
        return read_content(path, algorithms)

    def check(track: Track) -> None:
        try:
            # Decoders take a path, so a file is read twice; the second time it comes from memory.
            findings, digest = judge(track, dataset.limits, why_short)
        except AudioRejected as bad:
            why = why_no_file(track.id) if bad.code == "missing" else ""
            fatal = Finding(track.id, track.path, bad.code, f"{bad.detail}{why}", fatal=True)
            findings, digest = [fatal], None
        if dataset.medium == "audio" and track.path.name.startswith("._"):
            findings.append(Finding(track.id, track.path, "ghost", track.path.name, fatal=False))
        checks[track.id] = _TrackCheck(tuple(findings), digest, content(track.path))

    threads = min(_MAX_THREADS, cores())
    try:
        parallel_map(check, dataset.tracks, threads=threads, on_done=on_progress)
    except KeyboardInterrupt:
        if on_interrupt is not None:
            on_interrupt(_put_together(dataset, checks, same))
        raise
    return _put_together(dataset, checks, same)


def _put_together(dataset: Dataset, checks: Mapping[str, _TrackCheck], same: str) -> Verification:
    """Return what is known of the tracks that were checked, equal ones found.

    Args:
        dataset: the tracks, of which some may not have been checked.
        checks: by track id.
        same: what is said where another track holds the same.
    """
    first: dict[str, Track] = {}
    findings: list[Finding] = []
    contents: dict[Path, Content] = {}
    for track in (track for track in dataset.tracks if track.id in checks):
        result = checks[track.id]
        if result.content is not None:
            contents[track.path] = result.content
        if result.digest is not None:
            other = first.setdefault(result.digest, track)
            if other is not track:
                detail = same.format(track=track.id, other=other.id)
                if other.label != track.label:
                    detail += f", which is labelled '{other.label}' and not '{track.label}'"
                findings.append(Finding(track.id, track.path, "duplicate", detail, fatal=False))
        algorithm, _, published = dataset.checksums.get(track.id, "").partition(":")
        actual = result.content.digests[algorithm] if result.content and published else published
        if actual != published:
            detail = (
                f"the published {algorithm} is {published[:12]}..., found {actual[:12]}...; fetch "
                "it again"
            )
            findings.append(Finding(track.id, track.path, "checksum", detail, fatal=True))
        findings += result.findings
    return Verification(len(checks), tuple(findings), contents)


def judge_audio(
    track: Track, limits: AudioLimits, why_short: WhyShort = _long_enough
) -> tuple[list[Finding], str]:
    """Return what is suspicious about a sound file, and a digest of its samples.

    Raises:
        AudioRejected: it cannot be used.
    """
    sound = AudioFile(track.path, limits)
    signal = SignalFacts(sound.rate)
    for block in sound.blocks():
        signal.add(block)
    if short := why_short(signal.n_samples, sound.rate):
        raise AudioRejected(track.path, "no-segment", short)
    clipped, silent, offset = signal.clipped_share, signal.silent_share, signal.offset_share
    suffix = track.path.suffix.lower()
    other_format = sound.container not in _CONTAINERS.get(suffix, {sound.container})
    checks = (
        ("clipped", f"{clipped:.2%} of the samples are cut off", clipped > CLIPPED_SHARE),
        ("mostly-silent", f"{silent:.0%} of it is below -60 dB", silent > SILENT_SHARE),
        ("dc-offset", f"its mean is {offset:.2f} of its effective value", offset > OFFSET_SHARE),
        ("quiet", f"its peak is {signal.peak:.2g} of full scale", signal.peak < QUIET_PEAK),
        ("suffix", f"called {suffix}, holds {sound.container}", other_format),
    )
    findings = [
        Finding(track.id, track.path, code, detail, fatal=False)
        for code, detail, suspicious in checks
        if suspicious
    ]
    return findings, signal.digest


def judge_picture(track: Track, _: AudioLimits, __: WhyShort) -> tuple[list[Finding], str]:
    """Return a digest of a picture.

    Raises:
        AudioRejected: it cannot be used.
    """
    return [], hashlib.sha256(read_picture(track.path).tobytes()).hexdigest()


def judge_row(track: Track, _: AudioLimits, __: WhyShort) -> tuple[list[Finding], str]:
    """Return a digest of a row: whoever read the table has checked each of them."""
    return [], text_digest(repr(track.row))


_Judge = Callable[[Track, AudioLimits, WhyShort], tuple[list[Finding], str]]
# How a track is judged, and what is said where another track holds the same.
_JUDGES: dict[Medium, tuple[_Judge, str]] = {
    "audio": (judge_audio, "same samples as {other}"),
    "picture": (judge_picture, "same picture as {other}"),
    "table": (judge_row, "{track} has the same row as {other}"),
}


class SignalFacts:
    """What is measured of a sound while its mono samples come block by block.

    Attributes:
        n_samples: how many have come.

    Args:
        rate: sample rate in Hz.
    """

    def __init__(self, rate: int) -> None:
        self.n_samples = 0
        # Tracks share it only if they sound the same.
        self._digest = blake2b(digest_size=16, salt=b"%d" % rate)
        # Of each sign: the loudest sample, and how often three in a row have its value.
        self._extremes = np.full(2, -np.inf, np.float32)
        self._flat = [0, 0]
        self._last_two = np.zeros(0, np.float32)
        self._window = max(1, rate // 10)
        self._rest = np.zeros(0, np.float32)
        self._windows = self._silent = 0
        self._sum = self._energy = 0.0

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take the samples that follow, shape (samples,), at least one."""
        self.n_samples += len(samples)
        self._digest.update(np.ascontiguousarray(samples).data)
        self._sum += float(samples.sum(dtype=np.float64))
        self._energy += float(np.square(samples).sum(dtype=np.float64))

        reaching_back = np.concatenate([self._last_two, samples])
        for side, signed in enumerate((reaching_back, -reaching_back)):
            extreme = signed.max()
            if extreme > self._extremes[side]:
                self._extremes[side], self._flat[side] = extreme, 0
            at = signed == self._extremes[side]
            self._flat[side] += int(np.count_nonzero(at[2:] & at[1:-1] & at[:-2]))
        self._last_two = reaching_back[-2:]

        whole = np.concatenate([self._rest, samples])
        count = len(whole) // self._window
        windows = whole[: count * self._window].reshape(count, self._window)
        peaks = np.maximum(windows.max(axis=1), -windows.min(axis=1))
        self._windows += count
        self._silent += int(np.count_nonzero(peaks < SILENCE_PEAK))
        self._rest = whole[count * self._window :]

    @property
    def digest(self) -> str:
        """32 hexadecimal digits."""
        return self._digest.hexdigest()

    @property
    def peak(self) -> float:
        """The largest magnitude."""
        return float(self._extremes.max())

    @property
    def clipped_share(self) -> float:
        """The share of samples in the middle of three that all sit at the same extreme."""
        return sum(self._flat) / self.n_samples

    @property
    def silent_share(self) -> float:
        """The share of tenths of a second whose peak is below `SILENCE_PEAK`."""
        return self._silent / self._windows if self._windows else 0.0

    @property
    def offset_share(self) -> float:
        """The magnitude of the mean over the effective value, 0 to 1."""
        effective = math.sqrt(self._energy / self.n_samples)
        return abs(self._sum / self.n_samples) / effective
