"""The published systems, run again: their own protocol, random tracks, and an honest split."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from genrecls.config.compose import compose
from genrecls.config.options import listed
from genrecls.errors import ConfigError, nearest
from genrecls.evaluation.significance import SeedSummary, summarise
from genrecls.experiment.experiment import Experiment, parse
from genrecls.runs.metrics import RunMetrics
from genrecls.runs.published import PAPERS, Published
from genrecls.splits.base import SPLITS

Protocol = Literal["published", "tracks", "honest"]
PROTOCOLS: dict[Protocol, str] = {
    "published": "published protocol",
    "tracks": "random tracks",
    "honest": "honest split",
}
UNITS = ("segment", "track")


@dataclass(frozen=True)
class ReproductionJob:
    """One training: a preset under one protocol with one seed.

    Attributes:
        overrides: words that make it, behind `genrecls train`.
    """

    preset: str
    protocol: Protocol
    seed: int
    overrides: tuple[str, ...]
    experiment: Experiment


@dataclass(frozen=True)
class Score:
    """Test accuracy over seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds."""
        return summarise(self.values).mean

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation over the seeds; None for a single one."""
        return summarise(self.values).deviation

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {self.deviation:.3f}"
        return f"{self.mean:.3f}{spread}"


@dataclass(frozen=True)
class ProtocolScores:
    """A preset under one protocol.

    Attributes:
        split: name of the split with what it leaks.
        fixed: whether all seeds have the same test part.
        data: data set and number of tracks.
        test: test segments and tracks (of the first seed).
        scores: test accuracy per `segment` and per `track`.
        runs: names of the runs.
    """

    split: str
    fixed: bool
    data: str
    test: Mapping[str, int]
    scores: Mapping[str, Score]
    runs: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of seeds."""
        return len(self.runs)


@dataclass(frozen=True)
class ReproducedSystem:
    """A published system with its figure and ours.

    Attributes:
        cells: by protocol; a protocol without finished runs is absent.
        missing: why there are none, or not all; empty otherwise.
        changed: words that make it another system than the published one; empty otherwise.
    """

    preset: str
    published: Published
    cells: Mapping[Protocol, ProtocolScores] = field(default_factory=dict)
    missing: str = ""
    changed: str = ""

    @property
    def difference(self) -> float | None:
        """Ours under the published protocol less the reported figure, in the reported unit."""
        cell = self.cells.get("published")
        if cell is None:
            return None
        return cell.scores[self.published.unit].mean - self.published.accuracy

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the difference; None where a single seed tells nothing of the spread.

        Three parts, added as squares: that of our mean over seeds by Student's t, the binomial one
        of the reported figure where its number of examples is known, and the binomial one of our
        test part where all seeds share it; where each seed has its own, it is in their spread.
        """
        difference, cell = self.difference, self.cells.get("published")
        unit = self.published.unit
        if difference is None or cell is None or cell.n < 2:
            return None
        ours = summarise(cell.scores[unit].values)
        parts = [half_width(ours), _sampling(self.published.accuracy, self.published.count)]
        if cell.fixed:
            parts.append(_sampling(ours.mean, cell.test[unit]))
        half = math.hypot(*parts)
        return difference - half, difference + half


def half_width(found: SeedSummary) -> float:
    """Return half of the interval of a mean; of a single value there is none."""
    return 0.0 if found.interval is None else (found.interval[1] - found.interval[0]) / 2


def _sampling(accuracy: float, count: int | None) -> float:
    """Return half of the 95 % interval of an accuracy on so many examples (normal, binomial)."""
    return 1.96 * math.sqrt(accuracy * (1 - accuracy) / count) if count else 0.0


def published_presets() -> dict[str, Published]:
    """Return every preset of `conf/experiment` that names a published figure."""
    import yaml

    from genrecls.config.validation import validate

    found = {}
    for name, path in listed("experiment").items():
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "published" in values:
            found[name] = validate(Published, values["published"], f"{name}.published")
    order = list(PAPERS)
    return dict(sorted(found.items(), key=lambda item: order.index(item[1].paper)))


def chosen(wanted: Sequence[str]) -> list[str]:
    """Return the presets that `wanted` names: presets, papers, or `all`.

    Raises:
        ConfigError: one of them is neither.
    """
    presets = published_presets()
    names: dict[str, None] = {}
    for word in wanted or ("all",):
        matching = [name for name, figure in presets.items() if word in {"all", name, figure.paper}]
        if not matching:
            known = [*dict.fromkeys(figure.paper for figure in presets.values()), *presets]
            raise ConfigError(
                f"'{word}' is no published system; allowed: all, {', '.join(known)}"
                f"{nearest(word, known)}"
            )
        names.update(dict.fromkeys(matching))
    return list(names)


def jobs(preset: str, seeds: int, overrides: Sequence[str]) -> Iterator[ReproductionJob]:
    """Yield the trainings of a preset, all seeds of a protocol after one another.

    Args:
        preset: name of the preset.
        seeds: number of seeds, from 0.
        overrides: words that hold for all of them, such as `data_root=...`.

    Raises:
        ConfigError: the overrides do not fit.
    """
    own = compose("train", [f"experiment={preset}", *overrides])
    for protocol in PROTOCOLS:
        words = (f"experiment={preset}", *overrides, *_split(own, protocol))
        for seed in range(seeds):
            with_seed = (*words, f"seed={seed}")
            yield ReproductionJob(
                preset, protocol, seed, with_seed, parse(compose("train", with_seed))
            )


def _split(own: Mapping[str, Any], protocol: Protocol) -> tuple[str, ...]:
    """Return the words that choose the split of `protocol` instead of the preset's own."""
    honest = own["published"]["honest"]
    wanted = {"published": own["split"]["name"], "tracks": "track", "honest": honest}[protocol]
    if wanted == own["split"]["name"]:
        return ()
    # Random tracks are dealt as the preset deals; a published partition has no ratio.
    ratio = own["split"].get("ratio") if wanted == "track" else None
    return (f"split={wanted}", *([f"split.ratio={ratio}"] if ratio else []))


def cell(metrics: Sequence[tuple[str, RunMetrics]]) -> ProtocolScores:
    """Return what finished runs of one preset and protocol amount to.

    Args:
        metrics: name and metrics of each run, by seed.
    """
    first = metrics[0][1]
    return ProtocolScores(
        split=first.split.title,
        fixed=SPLITS[first.split.name].published is not None,
        data=f"{first.dataset.name}, {first.dataset.tracks} tracks",
        test={unit: first.test.of(unit).count for unit in UNITS},
        scores={
            unit: Score(tuple(its.test.of(unit).accuracy for _, its in metrics)) for unit in UNITS
        },
        runs=tuple(name for name, _ in metrics),
    )
