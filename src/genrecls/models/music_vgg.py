"""`music_vgg`: the small VGG that Pons and Serra trained beside musicnn.

J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging",
ISMIR 2019. 607,030 parameters with fifty outputs on patches of 187 frames x 96 bands. The sizes of
its pools are those of the graphs that were published with the weights; the source beside them has
others for the Million Song Dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from genrecls.errors import ConfigError
from genrecls.models.base import MODELS
from genrecls.models.music_tagger import FEATURES, MusicTagger

Layer = Literal["pool1", "pool2", "pool3", "pool4", "pool5", "flatten", "logits"]
Size = tuple[int, int]

_FILTERS = 128
_TAGS = 50
_MSD_POOLS: tuple[tuple[Size, Size], ...] = (
    ((4, 1), (4, 1)),
    ((1, 4), (1, 4)),
    ((2, 2), (2, 2)),
    ((2, 2), (2, 2)),
    ((4, 4), (4, 4)),
)
_MTT_POOLS = (((4, 1), (2, 2)), ((2, 2), (2, 2)), *_MSD_POOLS[2:])
"""Size and stride, frames x bands, of the pool behind each convolution."""


@MODELS.register("music_vgg")
@dataclass(frozen=True)
class MusicVgg(MusicTagger):
    """Five convolutions of 3 x 3, each with a pool, then a dense layer.

    Attributes:
        layer: the embedding that genres are told from: the mean of a pool (128 values), all values
            of the fifth one (256 on 187 x 96) or the fifty tags before the sigmoid.
    """

    layer: Layer

    blocks: ClassVar[int] = 5

    @property
    def last_block(self) -> int:
        """The block of the chosen layer."""
        return int(self.layer.removeprefix("pool")) if self.layer.startswith("pool") else 5

    @property
    def embedding_layer(self) -> str:
        """The layer, or its mean."""
        return f"{self.layer}_mean" if self.layer.startswith("pool") else self.layer

    def layer_before(self, block: int) -> str | None:
        """Return the pool in front of a block."""
        return f"pool{block - 1}" if block > 1 else None

    def check_patch(self, frames: int, bands: int) -> None:
        """Refuse what the pools leave nothing of, and other sizes than the dense layer has seen."""
        rows, columns = frames, bands
        for (height, width), (down, along) in self._pools[: self.last_block]:
            rows = max(0, (rows - height) // down + 1)
            columns = max(0, (columns - width) // along + 1)
        if not rows * columns:
            raise ConfigError(
                f"model=music_vgg: takes a picture of at least 64 x 64 (frames x bands), the "
                f"chosen features give {frames} x {bands}; choose longer segments, or a layer "
                "further in front"
            )
        if self.weights is None:
            return
        if bands != FEATURES["n_mels"]:
            raise ConfigError(
                f"model.weights={self.weights}: takes {FEATURES['n_mels']} mel bands, the chosen "
                f"features give {frames} x {bands}; choose features=musicnn_mel"
            )
        if self.layer == "logits" and (rows, columns) != (2, 1):
            raise ConfigError(
                f"model.layer=logits: takes segments of 3 s (187 frames), the chosen features give "
                f"{frames}; choose segment=3s, or another layer"
            )

    def embedding(self, x: Any) -> Any:
        """Return the embedding of patches (batch, frames, bands, 1)."""
        from keras import layers

        x = self.normalised(x, "patch_norm")
        for index, (size, stride) in enumerate(self._pools[: self.last_block], start=1):
            conv = layers.Conv2D(
                _FILTERS, 3, padding="same", activation="relu", name=f"conv{index}"
            )
            x = self.normalised(conv(x), f"norm{index}")
            x = layers.MaxPooling2D(size, stride, name=f"pool{index}")(x)
            if self.layer == f"pool{index}":
                return layers.GlobalAveragePooling2D(name=f"pool{index}_mean")(x)
            if index < self.blocks:
                x = self.dropped(x, 0.25, f"pool{index}_dropout")
        x = layers.Flatten(name="flatten")(x)
        if self.layer == "flatten":
            return x
        x = self.dropped(x, 0.5, "flatten_dropout")
        return layers.Dense(_TAGS, name="logits")(x)

    @property
    def checkpoint_layers(self) -> Mapping[str, str]:
        """The layers of the checkpoint."""
        numbers = range(1, self.blocks + 1)
        return {
            "patch_norm": "batch_normalization",
            **{f"conv{number}": f"{number}CNN" for number in numbers},
            **{f"norm{number}": f"batch_normalization_{number}" for number in numbers},
            "logits": "dense",
        }

    @property
    def _pools(self) -> tuple[tuple[Size, Size], ...]:
        return _MTT_POOLS if self.weights == "mtt" else _MSD_POOLS
