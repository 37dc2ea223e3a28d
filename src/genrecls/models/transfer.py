"""What families have in common whose network may begin with published weights: how they learn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import PositiveFloat, PositiveInt

from genrecls.config.schema import Schema
from genrecls.errors import ConfigError
from genrecls.models.base import ModelFamily, Stage
from genrecls.models.layers import DenseHead


@dataclass(frozen=True)
class FineTune(Schema):
    """The second stage of `train: fine_tune`.

    Attributes:
        epochs: at most so many.
        learning_rate: a small one, because the weights are good already.
        from_block: first of the blocks of the network that learns, from 1.
    """

    epochs: PositiveInt
    learning_rate: PositiveFloat
    from_block: PositiveInt


@dataclass(frozen=True)
class TransferFamily(ModelFamily, ABC):
    """A network of several blocks with a head of one's own behind them.

    Attributes:
        train: `head` keeps the network as it is, `fine_tune` trains its last blocks after the head,
            `all` trains everything at once.
        head: dense layers behind the network.
        fine_tune: the second stage of `train: fine_tune`.
    """

    train: Literal["head", "fine_tune", "all"]
    head: DenseHead
    fine_tune: FineTune

    blocks: ClassVar[int]
    """Number of blocks of the network."""

    def __post_init__(self) -> None:
        received, last = self.fine_tune.from_block, self.last_block
        if received > self.blocks or (self.train == "fine_tune" and received > last):
            behind = f"; the chosen layer is the last of block {last}" if last < self.blocks else ""
            raise ConfigError(
                f"model.fine_tune.from_block: received {received}; allowed: 1 to {last}{behind}"
            )

    @property
    def last_block(self) -> int:
        """The last block in front of the head."""
        return self.blocks

    @property
    def fixed_layers(self) -> frozenset[str]:
        """Names of layers that fine-tuning leaves alone wherever they are."""
        return frozenset()

    @property
    @abstractmethod
    def embedding_layer(self) -> str:
        """Name of the last layer that does not belong to the head."""

    @abstractmethod
    def layer_before(self, block: int) -> str | None:
        """Return the name of the last layer in front of a block; None where nothing is there.

        All layers behind it see what is in front of it through this one layer.
        """

    def stages(self) -> tuple[Stage, ...]:
        """Return the head alone, the head and then the last blocks, or all at once."""
        if self.train == "all":
            return super().stages()
        head = Stage("head", frozen=self.embedding_layer)
        if self.train == "head":
            return (head,)
        settings = self.fine_tune
        frozen = self.layer_before(settings.from_block)
        stage = Stage(
            "fine_tune", frozen, settings.epochs, settings.learning_rate, self.fixed_layers
        )
        return (head, stage)
