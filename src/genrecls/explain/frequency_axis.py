"""The vertical axis of what a model sees, in Hz where it is mel bands."""

from __future__ import annotations

from dataclasses import dataclass

from genrecls.dsp.mel import hz_to_mel
from genrecls.features.base import FeatureSpec
from genrecls.features.mel import MelSettings

_MARKS = (50, 100, 200, 500, 1000, 2000, 4000, 8000, 16000, 32000)
# Marks closer than this share of the axis would run into each other.
_NEAREST = 0.07


@dataclass(frozen=True)
class Axis:
    """The vertical axis of a picture, or the values of a vector.

    Attributes:
        label: what it counts.
        ticks: places in rows (0 is the middle of the lowest) and what is written there; without
            any, the rows are numbered.
        names: of the values of a vector.
    """

    label: str
    ticks: tuple[tuple[float, str], ...] = ()
    names: tuple[str, ...] = ()


def in_hz(spec: FeatureSpec) -> bool:
    """Return whether the rows of a picture that `spec` makes are mel bands."""
    return isinstance(spec, MelSettings) and spec.axes[1].startswith("mel")


def unit_of(spec: FeatureSpec) -> str:
    """Return the unit of mel bands as their compression leaves them."""
    compression = getattr(spec, "compression", "db")
    return {"db": "dB", "log1p": "log10(1 + x)", "pcen": "PCEN"}[compression]


def axis_of(spec: FeatureSpec, rows: int) -> Axis:
    """Return the axis of pictures that `spec` makes, `rows` high."""
    if not (isinstance(spec, MelSettings) and in_hz(spec)):
        return Axis(spec.axes[1])
    ticks: list[tuple[float, str]] = []
    for hz in _MARKS:
        row = row_of(hz, spec, rows)
        gap = row - ticks[-1][0] if ticks else rows
        if -0.5 <= row <= rows - 0.5 and gap >= _NEAREST * rows:
            ticks.append((row, f"{hz}"))
    return Axis("frequency (Hz)", tuple(ticks))


def row_of(hz: float, spec: MelSettings, rows: int) -> float:
    """Return the row, fractions included, in whose middle a mel band has its peak at `hz`.

    A picture that was scaled to another height than a row a band shows the same range.
    """
    ends = (spec.fmin, spec.fmax or spec.sample_rate / 2)
    low, high = (hz_to_mel(end, spec.mel_scale) for end in ends)
    # The filters' corners divide the range evenly on the mel scale; band 0 peaks at corner 1.
    band = (hz_to_mel(hz, spec.mel_scale) - low) / (high - low) * (spec.n_mels + 1) - 1
    return (band + 0.5) * rows / spec.n_mels - 0.5
