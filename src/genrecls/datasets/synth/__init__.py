"""The sound of the generated data set: ten invented styles, their bands, and a small studio.

`styles` says what a style plays, `sounds` how a band and each of its tracks sound, `composition`
writes the notes, `instruments` plays them, `rendering` makes the track and `near_copies` makes
a worse copy of one. `genrecls.datasets.generated` is the data set.
"""

from __future__ import annotations

RATE = 22_050
"""Samples a second of everything in this package."""
