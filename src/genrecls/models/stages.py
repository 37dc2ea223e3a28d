"""The stages of a training: which layers stay as they are, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One part of a training, from the weights on that the part before it selected.

    Attributes:
        name: names its checkpoints; empty where it is the only stage.
        frozen: name of the layer up to which (itself included) the weights stay as they are. The
            layers must be a chain, and those up to it must not treat a training example otherwise
            than a test example. None trains all layers.
        epochs: at most so many; None for those of the trainer.
        learning_rate: initial or peak rate; None for that of the trainer.
    """

    name: str = ""
    frozen: str | None = None
    epochs: int | None = None
    learning_rate: float | None = None
