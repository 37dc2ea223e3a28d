"""What a trained model says of itself in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genrecls.dsp.votes import Vote
from genrecls.runtime.abstention import MOST_INT8, HeldOutAnswers
from genrecls.runtime.marks import leak_mark, pretraining_mark


@dataclass(frozen=True)
class ModelDescription:
    """What a trained model is, and how far it can be trusted.

    Attributes:
        labels: genres in the order of the probabilities.
        vote: how the segments of a track decide about it.
        run: name of the run that made it.
        form: input and mode of an exported file; empty for a Keras model.
        dataset: what it was trained on.
        split: how that was split, with the mark of its leaks.
        generated: whether the data were synthetic.
        accuracy: of tracks of the test part, 0 to 1.
        interval: 95 % interval of that accuracy; None where the file does not say it.
        pretraining: what its weights had been trained on before; empty for nothing.
        refit: of a model that learnt from all tracks, in how many `runs` of its settings that
            accuracy was measured, and the number of `tracks`; else None.
        held_out: what it answered to tracks that did not train it; None where it does not say.
    """

    labels: tuple[str, ...]
    vote: Vote
    run: str
    form: str
    dataset: str
    split: str
    generated: bool
    accuracy: float
    interval: tuple[float, float] | None = None
    pretraining: str = ""
    refit: Mapping[str, Any] | None = None
    held_out: HeldOutAnswers | None = None

    @classmethod
    def of(cls, card: Mapping[str, Any], form: str = "") -> ModelDescription:
        """Return the description in the card of a model file, which `check_card` has passed."""
        held_out, refit = card.get("held_out"), card.get("refit")
        track = card["test"]["track"]
        most = MOST_INT8 if card.get("mode") == "int8" else 1.0
        interval = refit["interval"] if refit else track.get("accuracy_interval")
        return cls(
            labels=tuple(str(label) for label in card["labels"]),
            vote=card["vote"],
            run=card["run"],
            form=form,
            dataset=card["dataset"],
            split=f"split {card['split']}{leak_mark(card['leaks'])}",
            generated=card["generated"],
            accuracy=float(track["accuracy"]),
            interval=None if interval is None else (float(interval[0]), float(interval[1])),
            pretraining=card.get("pretraining", ""),
            refit=refit,
            held_out=None if held_out is None else HeldOutAnswers.from_card(held_out, most),
        )

    @property
    def name(self) -> str:
        """The run, and of an exported file its input and mode."""
        return f"{self.run} ({self.form})" if self.form else self.run

    @property
    def about(self) -> str:
        """The run and how its data were split, as figures say it."""
        generated = " · trained on generated data" if self.generated else ""
        mark = pretraining_mark(self.pretraining)
        return f"{self.run} · {self.split}{generated}{mark and f' · {mark}'}"

    def __str__(self) -> str:
        generated = "; trained on generated data, not real music" if self.generated else ""
        mark = pretraining_mark(self.pretraining)
        ending = f"{generated}{mark and f'; {mark}'}"
        accuracy = f"{self.accuracy:.3f}"
        if self.interval:
            accuracy += f" [{self.interval[0]:.3f}, {self.interval[1]:.3f}]"
        if self.refit:
            return (
                f"model {self.name}: trained on all {self.refit['tracks']} tracks of "
                f"{self.dataset}; its settings had an accuracy of {accuracy} per track on the test "
                f"parts of {self.refit['runs']} runs, {self.split}{ending}"
            )
        return (
            f"model {self.name}: accuracy {accuracy} per track on the test part of "
            f"{self.dataset}, {self.split}{ending}"
        )
