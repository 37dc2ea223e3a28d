"""Notes: from a style and the sound of a track to what every part plays and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from genrecls.datasets.synth import RATE
from genrecls.datasets.synth.instruments import Signal, Voice, drums
from genrecls.datasets.synth.sounds import Sound
from genrecls.datasets.synth.styles import Style

_LEVELS = {"X": 1.0, "x": 0.7, "o": 0.4}
_SECTION_SECONDS = 4.0
_RAMP = RATE // 50
# Chords play in every section, so that no section is silent; the levels are dB.
_FORM: tuple[dict[str, float], ...] = (
    {"drums": -7, "bass": -1, "chords": 0},
    {"drums": -1, "bass": 0, "chords": -1, "lead": -5},
    {"drums": 0, "bass": 0, "chords": 0, "lead": 0},
    {"drums": -3, "bass": -1, "chords": -1, "lead": 0},
    {"drums": -7, "chords": 0, "lead": 0},
    {"drums": 1, "bass": 1, "chords": 1, "lead": 0},
)


class Note(NamedTuple):
    """A note of `length` samples from sample `start`; `pitch` in semitones above middle C."""

    start: int
    length: int
    pitch: int
    level: float


@dataclass(frozen=True)
class BeatGrid:
    """Where the steps of a track lie.

    Attributes:
        step: samples of a step.
        steps: steps of a bar.
        bars: bars of the track, the last one perhaps cut short.
        swing: delay of every second step as a share of a step.
    """

    step: float
    steps: int
    bars: int
    swing: float

    @classmethod
    def of(cls, style: Style, sound: Sound, length: int) -> BeatGrid:
        """Return the grid of a track of `length` samples."""
        step = 60 / sound.tempo / 4 * RATE
        steps = len(style.chords)
        return cls(step, steps, math.ceil(length / (step * steps)), style.swing)

    def at(self, bar: int, step: int) -> int:
        """Return the sample at which a step begins."""
        return int((bar * self.steps + step + self.swing * (step % 2)) * self.step)

    def hits(self, pattern: str) -> Iterator[tuple[int, int, int, float]]:
        """Yield (bar, start, length, level) of each stroke; it lasts until the next in its bar."""
        steps = [step for step, mark in enumerate(pattern) if mark != "."]
        ends = [*steps[1:], self.steps]
        for bar in range(self.bars):
            for step, end in zip(steps, ends, strict=False):
                length = int((end - step) * self.step)
                yield bar, self.at(bar, step), length, _LEVELS[pattern[step]]


def perform(style: Style, sound: Sound, length: int, rng: np.random.Generator) -> dict[str, Signal]:
    """Return what each part plays, `length` samples, without the balance between the parts."""
    grid = BeatGrid.of(style, sound, length)

    # The section of the song for each bar: levels in dB of the parts that play.
    bars = max(1, round(_SECTION_SECONDS * RATE / (grid.step * grid.steps)))
    first = int(rng.integers(len(_FORM)))
    form = [_FORM[(first + bar // bars) % len(_FORM)] for bar in range(grid.bars)]

    strokes = []
    for name, stroke in drums(sound.kit, rng).items():
        hits = grid.hits(getattr(style, name))
        notes = [Note(start, len(stroke), 0, level) for _, start, _, level in hits]
        strokes += [(note, stroke) for note in _human(notes, rng)]
    played = {"drums": _mixed(strokes, length)}
    for part, score in SCORES.items():
        voice = Voice(sound.timbres[part])
        notes = _human(score(style, sound.key, grid, rng), rng)
        played[part] = _mixed([(n, voice(n.pitch, n.length)) for n in notes], length)

    # The level of a part changes within 20 ms, so that nothing clicks.
    edges = [*(grid.at(bar, 0) for bar in range(grid.bars)), length]
    for part, signal in played.items():
        gains = [10 ** (section[part] / 20) if part in section else 0.0 for section in form]
        levels = np.repeat(np.array(gains, dtype=np.float32), np.diff(edges))
        for edge, before, after in zip(edges[1:-1], gains[:-1], gains[1:], strict=True):
            levels[edge - _RAMP : edge] = np.linspace(before, after, _RAMP)
        played[part] = signal * levels
    return played


def bass_notes(style: Style, key: int, grid: BeatGrid, rng: np.random.Generator) -> list[Note]:
    """Return the root of each chord in the rhythm of the style, now and then its fifth."""
    notes = []
    for bar, start, length, level in grid.hits(style.bass):
        degree = _root(style, bar) + int(rng.choice([0, 0, 0, 4]))
        notes.append(Note(start, length, key - 24 + _pitch(style, degree), level))
    return notes


def chord_notes(style: Style, key: int, grid: BeatGrid, rng: np.random.Generator) -> list[Note]:
    """Return the chord of each bar, struck or broken."""
    notes = []
    for number, (bar, start, length, level) in enumerate(grid.hits(style.chords)):
        tones = [_root(style, bar) + above for above in (0, 2, 4)]
        # A broken chord wanders over its tones; a struck one has them all.
        chosen = [tones[number % 3] + int(rng.choice([0, 7]))] if style.broken else tones
        loud = level if style.broken else 0.5 * level
        base = key + style.register
        notes += [Note(start, length, base + _pitch(style, tone), loud) for tone in chosen]
    return notes


def lead_notes(style: Style, key: int, grid: BeatGrid, rng: np.random.Generator) -> list[Note]:
    """Return a melody that goes up and down the scale in small steps."""
    notes, degree = [], 7
    for bar in range(grid.bars):
        plays = np.flatnonzero(rng.random(grid.steps // 2) < style.lead) * 2
        for step, end in zip(plays, [*plays[1:], grid.steps], strict=False):
            degree = int(np.clip(degree + rng.integers(-2, 3), 3, 12))
            length = int(min(end - step, 6) * grid.step)
            pitch = key + style.register + _pitch(style, degree)
            notes.append(Note(grid.at(bar, int(step)), length, pitch, rng.uniform(0.5, 0.9)))
    return notes


Score = Callable[[Style, int, BeatGrid, np.random.Generator], list[Note]]
SCORES: dict[str, Score] = {"bass": bass_notes, "chords": chord_notes, "lead": lead_notes}
"""What each pitched part plays."""


def _root(style: Style, bar: int) -> int:
    return style.progression[bar % len(style.progression)]


def _pitch(style: Style, degree: int) -> int:
    """Return the semitones of a degree of the scale, which goes on above and below an octave."""
    octave, step = divmod(degree, len(style.scale))
    return 12 * octave + style.scale[step]


def _human(notes: list[Note], rng: np.random.Generator) -> list[Note]:
    """Return the notes as people play them: a few milliseconds early or late, uneven in level."""
    late = rng.normal(0, 0.004 * RATE, len(notes)).astype(int)
    uneven = rng.uniform(0.85, 1.15, len(notes))
    return [
        note._replace(start=max(0, note.start + int(by)), level=note.level * float(gain))
        for note, by, gain in zip(notes, late, uneven, strict=True)
    ]


def _mixed(placed: list[tuple[Note, Signal]], length: int) -> Signal:
    out = np.zeros(length, dtype=np.float32)
    for note, sound in placed:
        # Both slices are cut short where the track ends before the note does.
        room = out[note.start : note.start + len(sound)]
        room += np.float32(note.level) * sound[: len(room)]
    return out
