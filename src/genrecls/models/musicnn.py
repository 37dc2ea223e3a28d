"""`musicnn`: a musically motivated tagger, frozen, fine-tuned or from scratch.

J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging",
ISMIR 2019; J. Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018.
792,079 parameters with fifty outputs on patches of 187 frames x 96 bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from genrecls.errors import ConfigError
from genrecls.models.base import MODELS
from genrecls.models.music_tagger import FEATURES, MusicTagger

Layer = Literal["front_end", "mid_end", "mean_pool", "max_pool", "penultimate", "logits"]

_TIMBRAL = {"timbral1": 0.4, "timbral2": 0.7}
"""Share of the bands that a filter of each branch spans; they are 7 frames long."""
_TIMBRAL_FILTERS = 204
_TEMPORAL = {"temporal1": 128, "temporal2": 64, "temporal3": 32}
"""Frames that a filter of each branch spans; they look at a single band."""
_TEMPORAL_FILTERS = 51
_MID_FILTERS = 64
_UNITS = 200
_TAGS = 50
_FRAMES = 7


@MODELS.register("musicnn")
@dataclass(frozen=True)
class Musicnn(MusicTagger):
    """Timbral and temporal filters, three convolutions over time, pools and dense layers.

    Attributes:
        layer: the embedding that genres are told from: the mean over time of the front end (561
            values) or of the mid end (192), of both or its maximum (`mean_pool`, `max_pool`, 753),
            the dense layer (200) or the fifty tags before the sigmoid.
    """

    layer: Layer

    blocks: ClassVar[int] = 3

    @property
    def last_block(self) -> int:
        """The block of the chosen layer."""
        return {"front_end": 1, "mid_end": 2}.get(self.layer, 3)

    @property
    def embedding_layer(self) -> str:
        """The layer, or its mean over time."""
        return f"{self.layer}_mean" if self.layer in {"front_end", "mid_end"} else self.layer

    def layer_before(self, block: int) -> str | None:
        """Return nothing, what the mid end reads, or what the back end reads."""
        return (None, "front_end", "all_ends")[block - 1]

    def check_patch(self, frames: int, bands: int) -> None:
        """Refuse other than 96 bands for the published weights."""
        if self.weights is not None and bands != FEATURES["n_mels"]:
            raise ConfigError(
                f"model.weights={self.weights}: takes {FEATURES['n_mels']} mel bands, the chosen "
                f"features give {frames} x {bands}; choose features=musicnn_mel"
            )
        if int(min(_TIMBRAL.values()) * bands) < 1:
            raise ConfigError(
                f"model=musicnn: takes at least 3 bands, the chosen features give {bands}"
            )

    def embedding(self, x: Any) -> Any:
        """Return the embedding of patches (batch, frames, bands, 1)."""
        from keras import layers

        frames, bands = x.shape[1:3]
        x = self.normalised(x, "patch_norm")
        # Zeros in front and behind, so that the timbral branches keep the number of frames.
        padded = layers.ZeroPadding2D((_FRAMES // 2, 0), name="patch_padding")(x)
        branches = [
            (name, padded, _TIMBRAL_FILTERS, (_FRAMES, int(share * bands)), "valid")
            for name, share in _TIMBRAL.items()
        ] + [
            (name, x, _TEMPORAL_FILTERS, (length, 1), "same") for name, length in _TEMPORAL.items()
        ]
        ends = []
        for name, given, filters, size, padding in branches:
            conv = layers.Conv2D(filters, size, padding=padding, activation="relu", name=name)
            y = self.normalised(conv(given), f"{name}_norm")
            y = layers.MaxPooling2D((1, y.shape[2]), name=f"{name}_max")(y)
            ends.append(layers.Reshape((frames, filters), name=f"{name}_frames")(y))
        front = x = layers.Concatenate(name="front_end")(ends)
        if self.layer == "front_end":
            return layers.GlobalAveragePooling1D(name="front_end_mean")(front)

        middle: list[Any] = []
        for index in (1, 2, 3):
            conv = layers.Conv1D(
                _MID_FILTERS, _FRAMES, padding="same", activation="relu", name=f"mid{index}"
            )
            y = self.normalised(conv(x), f"mid{index}_norm")
            x = layers.Add(name=f"mid{index}_sum")([y, x]) if middle else y
            middle.append(x)
        mid = layers.Concatenate(name="mid_end")(middle)
        if self.layer == "mid_end":
            return layers.GlobalAveragePooling1D(name="mid_end_mean")(mid)

        x = layers.Concatenate(name="all_ends")([front, mid])
        if self.layer == "max_pool":
            return layers.GlobalMaxPooling1D(name="max_pool")(x)
        mean = layers.GlobalAveragePooling1D(name="mean_pool")(x)
        if self.layer == "mean_pool":
            return mean
        # Maximum and mean of a channel stand side by side.
        columns = [layers.GlobalMaxPooling1D(name="max_pool")(x), mean]
        columns = [
            layers.Reshape((x.shape[2], 1), name=f"{name}_column")(pool)
            for name, pool in zip(("max", "mean"), columns, strict=True)
        ]
        x = layers.Flatten(name="pools")(layers.Concatenate(name="columns")(columns))
        x = self.dropped(self.normalised(x, "pools_norm"), 0.5, "pools_dropout")
        x = layers.Dense(_UNITS, activation="relu", name="dense")(x)
        x = self.normalised(x, "penultimate")
        if self.layer == "penultimate":
            return x
        x = self.dropped(x, 0.5, "penultimate_dropout")
        return layers.Dense(_TAGS, name="logits")(x)

    @property
    def checkpoint_layers(self) -> Mapping[str, str]:
        """The layers of the checkpoint, which are numbered in the order of their making."""
        branches = [*_TIMBRAL, *_TEMPORAL, "mid1", "mid2", "mid3"]
        norms = ["patch_norm", *(f"{name}_norm" for name in branches), "pools_norm", "penultimate"]
        named: dict[str, str] = {}
        for kind, ours in (
            ("conv2d", branches),
            ("batch_normalization", norms),
            ("dense", ["dense", "logits"]),
        ):
            theirs = [kind, *(f"{kind}_{number}" for number in range(1, len(ours)))]
            named |= dict(zip(ours, theirs, strict=True))
        return named
