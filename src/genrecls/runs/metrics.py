"""The scores of a run and all that must be said beside them: what `metrics.json` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Literal

from pydantic import NonNegativeInt

from genrecls.config.ranges import Count, Seconds
from genrecls.config.validation import validate
from genrecls.dsp.votes import Vote
from genrecls.errors import ConfigError, RunError
from genrecls.evaluation.class_balance import MajorityBaseline
from genrecls.evaluation.metrics import Scores
from genrecls.models.cost import ModelCost
from genrecls.runs.published import Published
from genrecls.runtime.marks import is_leaky, leak_mark
from genrecls.splits.base import EvaluatedPart, Part

VERSION = 2
"""Of the layout of `metrics.json`. Version 1, which the first files do not name, is still read."""


REFITTED = "the model has learnt from the validation part, too, after its validation scores"
"""Caveat of a run that was trained once more on both (`trainer.refit`)."""


@dataclass(frozen=True)
class DatasetFacts:
    """What a run was trained on.

    Attributes:
        name: of the option that was chosen, such as `gtzan`.
        title: full name of the data.
        generated: whether it is no real music.
        tracks: number of tracks, without those that cannot be used.
        fingerprint: digest of ids, genres, artists, published parts and contents of the files.
        citation, licence, note: where the data come from, and what is known of their faults.
    """

    name: str
    title: str
    generated: bool
    tracks: Count
    fingerprint: str
    citation: str
    licence: str
    note: str

    @property
    def label(self) -> str:
        """The name, with a mark behind that of generated data."""
        return f"{self.name}{' (generated)' if self.generated else ''}"


@dataclass(frozen=True)
class PartCounts:
    """How large one part is; `genres` counts by unit (`segment`, `track`) and genre."""

    tracks: Count
    segments: Count
    genres: Mapping[str, Mapping[str, Count]]


@dataclass(frozen=True)
class SplitFacts:
    """How the data were split.

    Attributes:
        leaks: kinds of leak that were really found, and `unknown artist` where nobody can tell.
        caveat: what a reader of a score must know; may be empty.
        counts: sizes of the parts.
        unused: number of tracks that are in no part.
    """

    name: str
    leaks: tuple[str, ...]
    caveat: str
    counts: Mapping[Part, PartCounts]
    unused: Count

    @property
    def title(self) -> str:
        """The name with what the split leaks, as it must stand beside every score."""
        return f"{self.name}{leak_mark(self.leaks)}"

    @property
    def leaky(self) -> bool:
        """Whether segments of one track are on both sides."""
        return is_leaky(self.leaks)


def united(splits: Sequence[SplitFacts]) -> SplitFacts:
    """Return the split of several runs of one rule: the first, with what any of them leaks.

    One seed may part what another keeps together.
    """
    leaks = {leak for split in splits for leak in split.leaks}
    return replace(splits[0], leaks=tuple(sorted(leaks)))


@dataclass(frozen=True)
class Selection:
    """The epoch whose weights the model has.

    Attributes:
        epoch: its number, from 1.
        epochs: number of epochs of the whole training.
        keep: which weights the trainer was told to keep, `best` or `last`.
        monitor: what was watched, such as `validation loss`.
        value: the watched value of that epoch.
        settings: of an estimator, those that inner folds of the training part chose; else empty.
        temperature: what the logits were divided by after the training; None where they were not.
        refit: whether the model was then trained once more for as many epochs, on the train and
            validation parts together. The validation scores are those of the model before.
        int8_epochs: how many of `epochs` followed that one, with the rounding of int8 files.
    """

    epoch: Count
    epochs: Count
    keep: Literal["best", "last"]
    monitor: str
    value: float
    settings: Mapping[str, int | float | str] = field(default_factory=dict)
    temperature: float | None = None
    refit: bool = False
    int8_epochs: Count = 0


@dataclass(frozen=True)
class PartMetrics:
    """Scores of one part.

    Attributes:
        segment: every segment counts by itself.
        track: segments of a track vote.
        baseline: of always answering the most frequent genre, by unit.
    """

    segment: Scores
    track: Scores
    baseline: Mapping[str, MajorityBaseline] = field(default_factory=dict)

    def of(self, unit: str) -> Scores:
        """Return the scores per `segment` or per `track`."""
        return self.track if unit == "track" else self.segment


@dataclass(frozen=True)
class RejectedFile:
    """A file that could not be used, with the code and the text of the reason."""

    track: str
    path: str
    code: str
    detail: str


@dataclass(frozen=True)
class RunMetrics:
    """The result of a run.

    Attributes:
        vote: how segments of a track were put together.
        published: the figure of a report that the run reproduces, if it does.
        labels: genres in the order of the model's outputs.
        parts: scores of the parts `validation` and `test`.
        rejected: files that were left out.
        seconds: time spent on each stage.
    """

    # Reading ignores what it does not know: a key may be added without a new version.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "ignore", "allow_inf_nan": False}

    dataset: DatasetFacts
    split: SplitFacts
    vote: Vote
    seed: NonNegativeInt
    published: Published | None
    selection: Selection
    labels: tuple[str, ...]
    parts: Mapping[EvaluatedPart, PartMetrics]
    rejected: tuple[RejectedFile, ...]
    model: ModelCost
    seconds: Mapping[str, Seconds]

    @property
    def validation(self) -> PartMetrics:
        """Scores of the part that selected the epoch, before it learnt, too (`selection.refit`)."""
        return self.parts["validation"]

    @property
    def test(self) -> PartMetrics:
        """Scores of the part that nothing was selected on."""
        return self.parts["test"]

    @property
    def training_seconds(self) -> float | None:
        """Time spent on learning, without features and evaluation; None where it is unknown."""
        stages = {"features", "evaluation"}
        spent = [seconds for stage, seconds in self.seconds.items() if stage not in stages]
        return sum(spent) if spent else None

    def require_unlearnt(self, run: str, part: Part) -> None:
        """Refuse to score what the model has learnt after it was validated.

        Raises:
            RunError: names the run.
        """
        if part == "validation" and self.selection.refit:
            raise RunError(
                f"run {run}: part=validation was learnt from, too (trainer.refit=true), after its "
                "scores in metrics.json; allowed: test"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the content of `metrics.json` as plain values."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, values: Any) -> RunMetrics:
        """Return the metrics that `to_json` gave.

        Raises:
            RunError: they are of another version, or something is absent, of another type, out of
                its range or contradicts the rest.
        """
        if not isinstance(values, Mapping):
            raise RunError("it holds no scores")
        version = values.get("version", 1)
        if version is True or version not in (1, VERSION):
            raise RunError(
                f"expected version 1 or {VERSION}, received {version!r}: another version of "
                "genrecls wrote it"
            )
        try:
            metrics = validate(cls, values, "")
        except ConfigError as error:
            raise RunError(str(error)) from None
        metrics.check()
        return metrics

    def check(self) -> None:
        """Refuse values each of which is possible, but not all of them together.

        Raises:
            RunError: says which.
        """
        if absent := {"validation", "test"} - self.parts.keys():
            raise RunError(f"parts: expected validation and test, {' and '.join(absent)} is absent")
        n_genres = len(self.labels)
        if not n_genres or len(set(self.labels)) < n_genres:
            raise RunError(f"labels: expected different genres, received {list(self.labels)}")
        # An ensemble has no epochs.
        first = min(1, self.selection.epochs)
        if not first <= self.selection.epoch <= self.selection.epochs:
            raise RunError(
                f"selection.epoch: expected one of {self.selection.epochs} epochs, received "
                f"{self.selection.epoch}"
            )
        for part, units in self.parts.items():
            for unit in ("segment", "track"):
                scores, place = units.of(unit), f"parts.{part}.{unit}"
                if scores.per_genre.keys() != set(self.labels):
                    raise RunError(f"{place}.per_genre: expected the genres of labels")
                if {len(scores.confusion), *map(len, scores.confusion)} != {n_genres}:
                    raise RunError(f"{place}.confusion: expected {n_genres} rows of {n_genres}")
