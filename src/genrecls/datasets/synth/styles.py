"""What each invented style plays: tempo, rhythm, harmony, instruments and balance.

The styles overlap on purpose in tempo, instruments and patterns, so that no model is perfect. Their
names are ours; none is the name of a genre of real music.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
DORIAN = (0, 2, 3, 5, 7, 9, 10)
PHRYGIAN = (0, 1, 3, 5, 7, 8, 10)
MIXOLYDIAN = (0, 2, 4, 5, 7, 9, 10)
PENTATONIC = (0, 2, 4, 7, 9)


@dataclass(frozen=True)
class Style:
    """The score of a style.

    A pattern has one character a step, a bar long: `X` loud, `x` medium, `o` soft, `.` a rest.

    Attributes:
        tempo: slowest and fastest, in quarter notes a minute; a quarter note has four steps.
        scale: semitones above the key.
        progression: degree of the scale that is the root of the chord of each bar.
        kick, snare, hat: patterns of the drums.
        bass, chords: patterns of the two accompanying parts.
        lead: share of the eighth notes on which the lead plays.
        basses, chordals, leads: instruments from which a band chooses one for each part.
        register: semitones by which the chords and the lead lie above middle C.
        balance: level of the parts in dB; a part that is absent has 0 dB.
        swing: delay of every second step as a share of a step.
        broken: the notes of a chord are played one after another.
    """

    tempo: tuple[float, float]
    scale: tuple[int, ...]
    progression: tuple[int, ...]
    kick: str
    snare: str
    hat: str
    bass: str
    chords: str
    lead: float
    basses: tuple[str, ...]
    chordals: tuple[str, ...]
    leads: tuple[str, ...]
    register: int = 0
    balance: Mapping[str, float] = field(default_factory=dict)
    swing: float = 0.0
    broken: bool = False


STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "anvil": Style(
            tempo=(126, 168),
            scale=PHRYGIAN,
            progression=(0, 0, 1, 0),
            kick="X.x.X.x.X.x.X.x.",
            snare="....X.......X...",
            hat="x.x.x.x.x.x.x.x.",
            bass="X.x.x.x.X.x.x.x.",
            chords="X.xxX.xxX.x.X.x.",
            lead=0.25,
            basses=("growl", "pulse"),
            chordals=("growl",),
            leads=("saw", "growl"),
            register=-12,
            balance={"drums": 2, "chords": 3, "lead": -4},
        ),
        "carousel": Style(
            tempo=(120, 168),
            scale=MAJOR,
            progression=(0, 3, 4, 0),
            kick="X...........",
            snare="....o...o...",
            hat="............",
            bass="X...........",
            chords="....x...x...",
            lead=0.6,
            basses=("round", "reed"),
            chordals=("organ",),
            leads=("organ", "bell"),
            register=5,
            balance={"drums": -5, "lead": 2},
        ),
        "drizzle": Style(
            tempo=(72, 104),
            scale=PENTATONIC,
            progression=(0, 2, 3, 1),
            kick="................",
            snare="................",
            hat="o...o.o...o.o...",
            bass="x...............",
            chords="x.x.x.xx..x.x.x.",
            lead=0.3,
            basses=("round", "pad"),
            chordals=("bell",),
            leads=("bell", "pluck"),
            register=12,
            balance={"drums": -9, "bass": -4},
            broken=True,
        ),
        "ember": Style(
            tempo=(60, 92),
            scale=DORIAN,
            progression=(0, 3, 0, 4),
            kick="x.........o.....",
            snare="....o..o....o..o",
            hat="o..oo..oo..oo..o",
            bass="x..xx...x..xx...",
            chords="...x......x.....",
            lead=0.45,
            basses=("round", "pluck"),
            chordals=("pluck", "organ"),
            leads=("reed", "pluck"),
            register=-5,
            balance={"drums": -3, "bass": 2, "lead": 1},
            swing=0.4,
        ),
        "gallop": Style(
            tempo=(138, 180),
            scale=MINOR,
            progression=(0, 5, 2, 6),
            kick="X..xX..xX..xX..x",
            snare="..x...x...x...x.",
            hat="x.xxx.xxx.xxx.xx",
            bass="X.xxX.xxX.xxX.xx",
            chords="x...x...x...x...",
            lead=0.7,
            basses=("pluck", "pulse"),
            chordals=("saw",),
            leads=("saw", "pluck"),
            register=0,
            balance={"bass": 2, "chords": -2},
        ),
        "lantern": Style(
            tempo=(64, 92),
            scale=MAJOR,
            progression=(0, 4, 5, 3),
            kick="x.......x.o.....",
            snare="....x.......x...",
            hat="o.o.o.o.o.o.o.o.",
            bass="x.......x.......",
            chords="x.......x.......",
            lead=0.4,
            basses=("round", "pad"),
            chordals=("pad", "organ"),
            leads=("organ", "reed"),
            register=0,
            balance={"drums": -4, "chords": 1, "lead": 2},
        ),
        "meadow": Style(
            tempo=(92, 126),
            scale=MIXOLYDIAN,
            progression=(0, 6, 3, 0),
            kick="x.......x.......",
            snare="................",
            hat="x.oox.oox.oox.oo",
            bass="x.....x.x.....x.",
            chords="x.xx.xx.x.xx.xx.",
            lead=0.5,
            basses=("round", "pluck"),
            chordals=("pluck",),
            leads=("pluck", "reed"),
            register=3,
            balance={"drums": -4, "chords": 2},
        ),
        "neon": Style(
            tempo=(114, 138),
            scale=MINOR,
            progression=(0, 5, 3, 4),
            kick="X...X...X...X...",
            snare="....x.......x...",
            hat="..X...X...X...X.",
            bass="..x...x...x...x.",
            chords="x..x..x...x..x..",
            lead=0.5,
            basses=("pulse", "growl"),
            chordals=("saw",),
            leads=("bell", "pulse"),
            register=0,
            balance={"drums": 3, "bass": 3, "lead": -2},
        ),
        "parade": Style(
            tempo=(104, 132),
            scale=MAJOR,
            progression=(0, 0, 4, 0),
            kick="X.......X.......",
            snare="X.xxX.x.X.xxXxxx",
            hat="................",
            bass="X.......x.......",
            chords="..x...x...x...x.",
            lead=0.5,
            basses=("reed", "round"),
            chordals=("reed",),
            leads=("reed", "saw"),
            register=2,
            balance={"drums": 1, "lead": 2},
        ),
        "tide": Style(
            tempo=(54, 84),
            scale=DORIAN,
            progression=(0, 0, 3, 3),
            kick="................",
            snare="................",
            hat="o...............",
            bass="x...............",
            chords="x...............",
            lead=0.12,
            basses=("pad", "growl", "round"),
            chordals=("pad",),
            leads=("bell", "pad", "reed"),
            register=-7,
            balance={"drums": -10, "chords": 3, "lead": -3},
        ),
    }
)
