"""What `musicnn` and `music_vgg` share: taggers of Pons and Serra that genres are told from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genrecls.config.ranges import Share
from genrecls.console import say, warn
from genrecls.errors import ConfigError
from genrecls.features.base import FeatureSpec
from genrecls.models.base import Normalisation, Shapes
from genrecls.models.layers import BATCH_NORM_MOMENTUM, normalised_input
from genrecls.models.musicnn_weights import (
    CHECKPOINTS,
    CORPORA,
    TAGS,
    Corpus,
    PublishedCheckpoint,
    check_weights_from,
    checkpoint_files,
    read_checkpoint,
)
from genrecls.models.transfer import TransferFamily

if TYPE_CHECKING:
    import keras

FEATURES = {
    "name": "mel",
    "sample_rate": 16_000,
    "n_fft": 512,
    "hop_length": 256,
    "window": "hann",
    "center": True,
    "power": 2,
    "n_mels": 96,
    "fmin": 0.0,
    "fmax": None,
    "mel_scale": "slaney",
    "mel_norm": "slaney",
    "compression": "log1p",
    "log_gain": 10_000.0,
}
"""What the published weights were trained on; `conf/features/musicnn_mel.yaml`."""

PATCH_FRAMES = 187
"""Frames of the patches that they were trained on, 3 s."""


@dataclass(frozen=True)
class MusicTagger(TransferFamily, ABC):
    """A tagger of Pons and Serra (2019) with genres instead of its fifty tags.

    Attributes:
        weights: `msd` (Million Song Dataset) or `mtt` (MagnaTagATune); None begins at random.
        weights_from: the wheel of the package musicnn, or a folder with its files; None looks for
            the installed package, then in Keras' folder of models.
        normalise: whether the embedding is normalised by its mean and deviation in front of the
            head, for its values are of very different sizes.
        dropout: share of the embedding that is dropped in front of the head.
    """

    weights: Corpus | None
    weights_from: str | None
    normalise: bool
    dropout: Share

    @abstractmethod
    def embedding(self, x: Any) -> Any:
        """Return the embedding (batch, values) of patches (batch, frames, bands)."""

    @abstractmethod
    def check_patch(self, frames: int, bands: int) -> None:
        """Refuse patches that are too small, or that the weights were not made for.

        Raises:
            ConfigError: says what is possible.
        """

    @property
    @abstractmethod
    def checkpoint_layers(self) -> Mapping[str, str]:
        """Name of the layer of the checkpoint that each layer with weights is called there."""

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but one picture of one channel, and weights that are not there."""
        _, (frames, bands, channels) = self.picture(shapes)
        if channels > 1:
            raise self.refusal("a picture of one channel, such as features=musicnn_mel", shapes)
        if self.weights is not None and self.standardise:
            raise ConfigError(
                f"model.standardise: received true; model.weights={self.weights} have seen the "
                "bands as they are; set it to false"
            )
        self.check_patch(frames, bands)
        check_weights_from(self.weights_from)

    def check_features(self, features: FeatureSpec) -> None:
        """Refuse features on which the weights have not been trained."""
        if self.weights is None:
            return
        for key, expected in FEATURES.items():
            received = getattr(features, key, None)
            if received != expected:
                raise ConfigError(
                    f"model.weights={self.weights}: trained on features=musicnn_mel, whose {key} "
                    f"is {expected}; received features.{key}={received}"
                )

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one input (frames, bands), its weights random."""
        import keras
        from keras import layers

        name, (frames, bands, _) = self.picture(shapes)
        source, x = normalised_input(name, shapes[name], self.statistics(name, normalisation))
        x = self.embedding(layers.Reshape((frames, bands, 1), name="patch")(x))
        if self.normalise:
            norm = layers.BatchNormalization(
                momentum=BATCH_NORM_MOMENTUM, center=False, scale=False, name="embedding_norm"
            )
            x = norm(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="embedding_dropout")(x)
        return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)

    def frozen(self, shapes: Shapes) -> tuple[dict[str, keras.KerasTensor], keras.KerasTensor]:
        """Return the input by name, and its embedding (batch, values) with the published weights.

        Raises:
            ModelFileError: the weights cannot be had.
        """
        import keras
        from keras import layers

        name, (frames, bands, _) = self.picture(shapes)
        source = keras.Input(shapes[name], name=name)
        embedding = self.embedding(layers.Reshape((frames, bands, 1), name="patch")(source))
        self.initialise(keras.Model({name: source}, embedding))
        return {name: source}, embedding

    def tagger(self) -> keras.Model:
        """Return the published network: patches in, probabilities of its tags out.

        Its only input is called `mel`, (187, 96).

        Raises:
            ModelFileError: the weights cannot be had.
        """
        import keras
        from keras import layers

        source = keras.Input((PATCH_FRAMES, FEATURES["n_mels"]), name="mel")
        x = layers.Reshape((*source.shape[1:], 1), name="patch")(source)
        tags = layers.Activation("sigmoid", name="tags")(self.embedding(x))
        model = keras.Model({"mel": source}, tags, name=self.name)
        self.initialise(model)
        return model

    def contents(self) -> dict[str, str | None]:
        """Return the digest of the weights: it does not matter where they lie."""
        return {"weights_from": self._checkpoint.data if self._checkpoint else None}

    @property
    def fixed_layers(self) -> frozenset[str]:
        """The normalisations: batches of a small data set would spoil what a large one gave."""
        published = self.checkpoint_layers.items()
        return frozenset(name for name, theirs in published if "normalization" in theirs)

    @property
    def pretraining(self) -> str:
        """The corpus."""
        return "" if self.weights is None else CORPORA[self.weights]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the published network; empty without its weights."""
        return () if self.weights is None else TAGS[self.weights]

    def fetch(self) -> None:
        """Look for the weights and hold them against their digest."""
        if self._checkpoint:
            checkpoint_files(self._checkpoint, self.weights_from)

    def initialise(self, model: keras.Model) -> None:
        """Give all layers that are published the weights of the checkpoint."""
        if self._checkpoint is None:
            if self.train != "all":
                warn(f"model.weights=null: the layers of {self.name} that do not learn stay random")
            return
        values = read_checkpoint(checkpoint_files(self._checkpoint, self.weights_from))
        names = {layer.name for layer in model.layers}
        for ours, theirs in self.checkpoint_layers.items():
            if ours not in names:
                continue
            layer = model.get_layer(ours)
            weights = [values[f"{theirs}/{variable.name}"] for variable in layer.weights]
            shapes = [tuple(variable.shape) for variable in layer.weights]
            # A convolution over time is one over frames and a single band there.
            layer.set_weights(
                [value.reshape(shape) for value, shape in zip(weights, shapes, strict=True)]
            )
        say(f"weights of {self._checkpoint.folder}, SHA-256 {self._checkpoint.data}")

    @property
    def _checkpoint(self) -> PublishedCheckpoint | None:
        return None if self.weights is None else CHECKPOINTS[self.name, self.weights]

    def normalised(self, x: Any, name: str) -> Any:
        """Return `x` behind a batch normalisation."""
        from keras import layers

        return layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=name)(x)

    def dropped(self, x: Any, share: float, name: str) -> Any:
        """Return `x` behind the dropout of the published training, where everything learns."""
        from keras import layers

        return layers.Dropout(share, name=name)(x) if self.train == "all" else x
