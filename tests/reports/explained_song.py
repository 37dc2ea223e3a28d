"""A plausible explanation, made of values alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from genrecls.explain.examples_per_genre import GenreExample
from genrecls.explain.explanation import Explanation
from genrecls.explain.frequency_axis import Axis
from genrecls.explain.layers import Kernel
from genrecls.explain.plot_data import Evidence

RNG = np.random.default_rng(0)


def picture(frames: int = 40, rows: int = 16, **changes: Any) -> Evidence:
    evidence = Evidence(
        name="mel",
        values=RNG.normal(0, 10, (frames, rows)),
        weights=RNG.normal(0, 0.1, (frames, rows)),
        axis=Axis("frequency (Hz)", ((2.0, "500"), (9.5, "4000"))),
        unit="dB",
        place=(12.0, 15.0),
    )
    return replace(evidence, **changes)


def vector(size: int = 57) -> Evidence:
    names = tuple(f"feature {n}" for n in range(size))
    weights = np.linspace(-1, 2, size)
    return Evidence("summary", np.ones(size), weights, Axis("value", names=names), "value", (0, 3))


def case(true: str = "jazz", predicted: str = "jazz", **changes: Any) -> GenreExample:
    return GenreExample("t1", true, predicted, 0.75, picture(**changes))


def explained_song(**changes: Any) -> Explanation:
    explanation = Explanation(
        file="song.mp3",
        model="a-run: accuracy 0.750 per track on the test part of made, split artist",
        leaky=False,
        labels=("blues", "jazz", "rock"),
        decision=0,
        genre=1,
        whole=np.array([0.6, 0.3, 0.1]),
        segment=np.array([0.2, 0.7, 0.1]),
        place=(12.0, 15.0),
        odds=(-1.0, 0.85),
        gap=-0.0012,
        evidence=(picture(), vector()),
        activations={
            "conv1": RNG.normal(0, 1, (40, 16, 5)),
            "lstm1": RNG.normal(0, 1, (40, 8)),
            "dense1": np.arange(5.0),
        },
        kernel=Kernel("conv1", RNG.normal(0, 1, (5, 3, 3))),
    )
    return replace(explanation, **changes)
