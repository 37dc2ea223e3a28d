"""What each setting of the front end in `genrecls.dsp.mel` may be; `mel_checks` judges them all.

Configurations and the cards of model files are held to the same rules, on devices too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from genrecls.dsp.settings import (
    MOST_RATE,
    NULL,
    TRUE_OR_FALSE,
    Allowed,
    choice,
    either,
    list_of,
    number,
    whole_number,
)

Window = Literal["hann", "hamming", "blackman", "rectangular"]
MelScale = Literal["slaney", "htk"]
Compression = Literal["db", "log1p", "pcen"]
Colour = Literal[
    "grey", "repeat", "jet", "viridis", "magma", "inferno", "plasma", "cividis", "turbo"
]

MOST_FFT = 2**20
"""Samples of a frame: 2.7 s at the highest sample rate of recordings."""

MOST_FILTER_WEIGHTS = 10_000_000
"""Mel bands times bins of the spectrum, which are 0.4 GB while the filters are made."""

MOST_OVERLAP = 256
"""Frames that a sample is in, 4 in most systems: the work of all spectra grows with it."""

LEAST_AMIN = 1e-37
"""The smallest numbers of float32 are hardly below it; what is smaller still would be 0."""

LEAST_LOG_GAIN = 1e-6
"""What multiplies bands by less leaves nothing of them beside the 1 of log10(1 + x)."""

LEAST_PCEN_SECONDS = 1e-6
"""Less than a sample at any rate of recordings: a mean over nothing but the present."""

_POSITIVE = number(above=0)
_DECIBELS = number(above=0, most=10_000)
_MEL: Mapping[str, Allowed] = {
    "name": choice("mel", "mfcc", "mel_image"),
    "sample_rate": whole_number(1, MOST_RATE),
    "hop_length": whole_number(1),
    "n_fft": whole_number(16, MOST_FFT),
    "window": choice(*get_args(Window)),
    "center": TRUE_OR_FALSE,
    "power": choice(1, 2),
    "n_mels": whole_number(1),
    "fmin": number(least=0),
    "fmax": either(_POSITIVE, NULL),
    "mel_scale": choice(*get_args(MelScale)),
    "mel_norm": choice("slaney", None),
    "ref": either(_POSITIVE, choice("max")),
    "amin": number(least=LEAST_AMIN),
    "top_db": either(_DECIBELS, NULL),
}
_COMPRESSED: Mapping[str, Allowed] = {
    **_MEL,
    "compression": choice(*get_args(Compression)),
    "log_gain": number(least=LEAST_LOG_GAIN, most=1e12),
    "pcen_seconds": number(least=LEAST_PCEN_SECONDS, most=1000),
    "pcen_gain": number(least=0, most=1),
    "pcen_bias": number(least=1e-3, most=1e9),
    "pcen_power": number(least=1e-3, most=1),
}
_SIDE = whole_number(1, 10_000)

LATER_SETTINGS = frozenset(_COMPRESSED) - frozenset(_MEL)
"""Settings that came after the first model files, which are then without them."""

FRONT_ENDS: Mapping[str, Mapping[str, Allowed]] = {
    "mel": _COMPRESSED,
    "mfcc": {**_COMPRESSED, "n_mfcc": whole_number(1), "lifter": number(least=0, most=1e6)},
    "mel_image": {
        **_MEL,
        "ref": choice("max"),
        "top_db": _DECIBELS,
        "pre_emphasis": number(least=0, below=1),
        "size": either(list_of(_SIDE, 2, 2), NULL),
        "colour": choice(*get_args(Colour)),
    },
}
"""The representations that NumPy alone computes, and what their settings may be in a file."""


def check_filter_size(n_mels: int, n_fft: int) -> None:
    """Refuse mel filters that would not fit into memory, before they are made.

    Raises:
        ValueError: one line names the setting.
    """
    if n_fft > MOST_FFT:
        raise ValueError(f"n_fft: received {n_fft}; allowed: at most {MOST_FFT}")
    weights = n_mels * (1 + n_fft // 2)
    if weights > MOST_FILTER_WEIGHTS:
        raise ValueError(
            f"n_mels: received {n_mels}, which with n_fft={n_fft} makes filters of {weights:,} "
            f"weights; allowed: at most {MOST_FILTER_WEIGHTS:,}; use fewer bands or a smaller n_fft"
        )


def check_hop_length(hop_length: int, n_fft: int) -> None:
    """Refuse frames that leave samples out, and so many frames that their spectra take for ever.

    Raises:
        ValueError: one line names the setting.
    """
    if hop_length > n_fft:
        raise ValueError(
            f"hop_length: received {hop_length}; allowed: at most n_fft ({n_fft}), else samples "
            "between the frames are never seen"
        )
    if hop_length * MOST_OVERLAP < n_fft:
        raise ValueError(
            f"hop_length: received {hop_length}; allowed: at least {-(-n_fft // MOST_OVERLAP)} "
            f"with n_fft={n_fft}; each sample is in {MOST_OVERLAP} frames then"
        )
