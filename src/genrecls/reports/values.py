"""The values a report is made from, exactly as a run folder keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.explain.explained import Case

Metrics = Mapping[str, Any]
"""`metrics.json` of a run: dataset, split, vote, selection, labels, parts, rejected, model, ..."""
Scores = Mapping[str, Any]
"""Scores of one part and unit; any score may be None or not-a-number and is then not shown."""
Epoch = Mapping[str, Any]
"""One epoch: epoch (from 1), loss, accuracy, validation_loss, validation_accuracy, ..."""
Mistake = Mapping[str, Any]
"""One wrong track: track, path, true, predicted, probability (of predicted), true_probability."""
Picture = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ExampleInputs:
    """What the model sees: one segment a genre.

    Attributes:
        pictures: genre to an array (frames, coefficients).
        axes: names of the two axes of every picture.
        seconds: length of a segment in seconds.
        part: part of the split that the segments are from.
    """

    pictures: Mapping[str, Picture] = field(default_factory=dict)
    axes: tuple[str, str] = ("time", "coefficient")
    seconds: float = 1.0
    part: str = "test"


@dataclass(frozen=True)
class Report:
    """Everything that a report says about one finished run.

    Attributes:
        name: name of the run folder.
        metrics: content of the run's `metrics.json`.
        history: the epochs in order; may be empty.
        mistakes: wrongly classified tracks of the test part, worst first; may be empty.
        examples: one model input a genre; may be empty.
        cases: what decided about one segment a genre of the test part; may be empty.
        config_yaml: the resolved configuration.
        environment: name to version of what the run was made with.
        command: the command line that reproduces the run.
    """

    name: str
    metrics: Metrics
    history: Sequence[Epoch] = ()
    mistakes: Sequence[Mistake] = ()
    examples: ExampleInputs = field(default_factory=ExampleInputs)
    cases: Sequence[Case] = ()
    config_yaml: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    def scores(self, part: str, unit: str) -> Scores:
        """Return the scores of `part` ("test") per `unit` ("track"); empty where there are none."""
        scores: Scores = self.metrics["parts"].get(part, {}).get(unit, {})
        return scores

    def baseline(self, part: str, unit: str) -> Scores:
        """Return what always answering the most frequent genre scores; empty where unknown."""
        baselines: Mapping[str, Scores] = self.metrics["parts"].get(part, {}).get("baseline", {})
        return baselines.get(unit, {})

    def genres(self, unit: str) -> dict[str, Mapping[str, int]]:
        """Return the number of examples by genre of each part; empty where they are unknown."""
        counts = self.metrics["split"]["counts"]
        return {part: found["genres"][unit] for part, found in counts.items() if "genres" in found}

    def scope(self, part: str, unit: str) -> Scope:
        """Return what numbers of `part` per `unit` are numbers of."""
        split, dataset = self.metrics["split"], self.metrics["dataset"]
        leaky = "track" in split["leaks"]
        return Scope(part, unit, split["name"], leaky, bool(dataset["generated"]))


@dataclass(frozen=True)
class Scope:
    """What a number or a figure is about; nothing is shown without it.

    Attributes:
        part: part of the split, or two parts joined by " and ".
        unit: what was counted, "segment" or "track".
        split: name of the split.
        leaky: whether one track is on both sides of the split.
        generated: whether the data are generated instead of recorded music.
    """

    part: str
    unit: str
    split: str
    leaky: bool = False
    generated: bool = False

    @property
    def counted(self) -> str:
        """What was counted: `test part, per track`."""
        noun = "parts" if " and " in self.part else "part"
        return f"{self.part} {noun}, per {self.unit}"

    @property
    def alarms(self) -> str:
        """What stands after the name of the split; nothing where there is nothing to mind."""
        leaky = " (LEAKY)" if self.leaky else ""
        generated = " · generated data" if self.generated else ""
        return f"{leaky}{generated}"

    def __str__(self) -> str:
        return f"{self.counted} · split {self.split}{self.alarms}"
