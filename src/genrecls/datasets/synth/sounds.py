"""How a band sounds, and how each of its tracks differs a little from its other tracks.

The colour of a recording is drawn without regard to the style: it says much about the band and
nothing about the style. That is why a model does better on new tracks of bands it knows than on
bands it does not know, as with real music.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from genrecls.datasets.synth.instruments import TIMBRES, Kit, Timbre
from genrecls.datasets.synth.styles import Style

PARTS = ("drums", "bass", "chords", "lead")
KNOTS = np.geomspace(60, 10_000, 9)
"""Frequencies in Hz at which the colour of a recording is given."""

# Spreads (standard deviations) that decide how hard the data set is: those of a band set the
# distance between a split by artist and one by track, those of a track the distance from there to
# a leaky split by segment. Levels are dB, the tilt dB an octave, the timbre a share.
BAND_LEVEL = 2.0
BAND_COLOUR = 3.0
BAND_TILT = 1.0
BAND_TIMBRE = 0.2
TRACK_LEVEL = 3.0
TRACK_COLOUR = 3.2

# Of a timbre, what varies by a share of itself.
_SHARES = ("even", "index", "attack", "decay", "dull", "detune", "formant")


@dataclass(frozen=True)
class Sound:
    """The sound of a band or of one of its tracks.

    Attributes:
        timbres: instrument of each pitched part.
        kit: drums.
        tempo: quarter notes a minute.
        key: semitones above C.
        balance: level of each part in dB.
        colour: gain in dB at the frequencies `KNOTS`.
        room: seconds in which the echo of the room falls to 1/e.
        wet: level of the echo as a share of the direct sound.
        noise: level of the background noise in dB below the music.
        drive: how hard the recording is driven into saturation.
        peak: largest sample.
    """

    timbres: Mapping[str, Timbre]
    kit: Kit
    tempo: float
    key: int
    balance: Mapping[str, float]
    colour: NDArray[np.float64]
    room: float
    wet: float
    noise: float
    drive: float
    peak: float


def band_sound(style: Style, rng: np.random.Generator) -> Sound:
    """Draw the sound that a band of `style` keeps on all of its tracks."""
    timbres = {}
    choices = {"bass": style.basses, "chords": style.chordals, "lead": style.leads}
    for part, names in choices.items():
        # The instrument as this band plays it.
        timbre = TIMBRES[str(rng.choice(names))]
        factors = np.exp(rng.normal(0, BAND_TIMBRE, len(_SHARES)))
        changed = {n: getattr(timbre, n) * float(f) for n, f in zip(_SHARES, factors, strict=True)}
        tilt = timbre.tilt + rng.normal(0, BAND_TILT)
        timbres[part] = replace(timbre, tilt=tilt, **changed)
    kit = Kit(
        kick=rng.uniform(45, 75),
        kick_decay=rng.uniform(0.06, 0.16),
        snare=rng.uniform(160, 260),
        wires=rng.uniform(0.3, 0.8),
        snare_decay=rng.uniform(0.04, 0.12),
        hat_decay=rng.uniform(0.015, 0.06),
        hat_tone=rng.uniform(0, 1),
    )
    return Sound(
        timbres=timbres,
        kit=kit,
        tempo=rng.uniform(*style.tempo),
        key=int(rng.integers(-5, 7)),
        balance={part: style.balance.get(part, 0.0) + rng.normal(0, BAND_LEVEL) for part in PARTS},
        colour=rng.normal(0, BAND_COLOUR, len(KNOTS)),
        room=rng.uniform(0.05, 0.3),
        wet=rng.uniform(0.05, 0.8),
        noise=rng.uniform(30, 60),
        drive=rng.uniform(0.5, 2.5),
        peak=0.8,
    )


def track_sound(band: Sound, rng: np.random.Generator) -> Sound:
    """Draw the sound of one track of a band."""
    return replace(
        band,
        tempo=band.tempo * rng.uniform(0.92, 1.08),
        key=band.key + int(rng.choice([-5, -2, 0, 0, 2, 5])),
        balance={part: level + rng.normal(0, TRACK_LEVEL) for part, level in band.balance.items()},
        colour=band.colour + rng.normal(0, TRACK_COLOUR, len(KNOTS)),
        wet=band.wet * rng.uniform(0.6, 1.4),
        noise=band.noise + rng.normal(0, 4),
        peak=rng.uniform(0.55, 0.92),
    )
