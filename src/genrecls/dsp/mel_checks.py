"""Whether the settings of a front end go together, and each mel filter holds a bin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genrecls.dsp.mel import MelFrontEnd
from genrecls.dsp.mel_settings import (
    FRONT_ENDS,
    LATER_SETTINGS,
    LEAST_AMIN,
    check_filter_size,
    check_hop_length,
)
from genrecls.dsp.settings import check


def check_features(features: Mapping[str, Any]) -> None:
    """Refuse what is not the settings of one of `FRONT_ENDS`, as a file holds them.

    Raises:
        ValueError: one line names the setting, what was received and what is allowed.
    """
    check(features, FRONT_ENDS[features["name"]], "features", LATER_SETTINGS)
    try:
        check_front_end(features)
    except ValueError as error:
        raise ValueError(f"features.{error}") from None


def check_front_end(settings: Mapping[str, Any]) -> None:
    """Refuse settings of `MelFrontEnd` that contradict each other or would not fit into memory.

    Raises:
        ValueError: one line names the setting, what was received and what is allowed.
    """
    rate, n_fft, n_mels = (settings[key] for key in ("sample_rate", "n_fft", "n_mels"))
    fmin, fmax, nyquist = settings["fmin"], settings["fmax"], rate / 2
    if n_fft % 2:
        raise ValueError(f"n_fft: received {n_fft}; allowed: an even number")
    check_filter_size(n_mels, n_fft)
    check_hop_length(settings["hop_length"], n_fft)
    if fmax is not None and fmax > nyquist:
        raise ValueError(
            f"fmax: received {fmax:g}; allowed: at most half of sample_rate "
            f"({nyquist:g} Hz), or null for just that"
        )
    if fmin >= (fmax or nyquist):
        raise ValueError(f"fmin: received {fmin:g}; allowed: below fmax ({fmax or nyquist:g} Hz)")
    if settings["amin"] < LEAST_AMIN:
        raise ValueError(f"amin: received {settings['amin']:g}; allowed: at least {LEAST_AMIN:g}")
    # Bands so narrow that their edges are equal are divided by zero.
    with np.errstate(all="ignore"):
        filters = MelFrontEnd.of(settings).filters
    empty = int(np.sum(~(np.isfinite(filters).all(axis=1) & filters.any(axis=1))))
    if empty:
        raise ValueError(
            f"n_mels: received {n_mels}, but {empty} of these bands lie between two bins "
            f"of n_fft={n_fft} and would be constant; use fewer bands or a larger n_fft"
        )
    n_mfcc = settings.get("n_mfcc")
    if n_mfcc is not None and n_mfcc > n_mels:
        raise ValueError(f"n_mfcc: received {n_mfcc}; allowed: at most n_mels ({n_mels})")
