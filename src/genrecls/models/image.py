"""`image`: a network for photographs from `keras.applications` on a picture of a segment.

VGG-16 has a family of its own, `vgg16`, which keeps what published systems did with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from genrecls.config.ranges import Share
from genrecls.console import warn
from genrecls.models.base import MODELS, Normalisation, Shapes
from genrecls.models.layers import BATCH_NORM_MOMENTUM, normalised_input
from genrecls.models.photographs import CHANNELS, PhotographFamily
from genrecls.models.pretrained_weights import (
    check_weights,
    copy_weights,
    imagenet_network,
    load_from,
    weights_path,
)

if TYPE_CHECKING:
    import keras

Backbone = Literal[
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "efficientnet_v2_b0",
    "densenet121",
    "resnet50_v2",
]

APPLICATIONS: Mapping[Backbone, str] = {
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_small": "MobileNetV3Small",
    "mobilenet_v3_large": "MobileNetV3Large",
    "efficientnet_b0": "EfficientNetB0",
    "efficientnet_v2_b0": "EfficientNetV2B0",
    "densenet121": "DenseNet121",
    "resnet50_v2": "ResNet50V2",
}

_WITHIN = frozenset(
    {"mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_v2_b0"}
)
"""Networks that take 0 to 255 and do the rest themselves."""

# Red, green and blue over ImageNet, 0 to 1 (`imagenet_utils.preprocess_input`, mode torch).
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


@MODELS.register("image")
@dataclass(frozen=True)
class Image(PhotographFamily):
    """A network for photographs on one picture with three channels, whose values are 0 to 1.

    Attributes:
        backbone: which network; its last layer is averaged over the picture.
        dropout: share of the averages that is dropped in front of the head.
    """

    backbone: Backbone
    dropout: Share

    # Residual networks cannot be divided at every block: all of it learns, or nothing.
    blocks: ClassVar[int] = 1

    @property
    def title(self) -> str:
        """The preset, or the backbone."""
        return self.preset if self.preset not in {None, self.name} else self.backbone

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but one large enough picture in colour, and weights that are not there.

        Raises:
            ConfigError: names the key, what was received and what is possible.
        """
        _, (rows, columns, _) = self.coloured(shapes)
        self.check_size(rows, columns)
        check_weights(self.weights)

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one input (rows, columns, 3), its weights random."""
        import keras
        from keras import layers

        name, shape = self.coloured(shapes)
        source, x = normalised_input(name, shape, self.statistics(name, normalisation))
        if self.backbone in _WITHIN:
            x = layers.Rescaling(255.0, name="imagenet_range")(x)
        elif self.backbone == "densenet121":
            scale = [1 / value for value in _DEVIATION]
            offset = [-mean / value for mean, value in zip(_MEAN, _DEVIATION, strict=True)]
            x = layers.Rescaling(scale, offset, name="imagenet_range")(x)
        else:
            x = layers.Rescaling(2.0, -1.0, name="imagenet_range")(x)
        network = _network(self.backbone, weights=None, input_tensor=x)
        for layer in network.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = BATCH_NORM_MOMENTUM
        x = layers.GlobalAveragePooling2D(name="average")(network.output)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="embedding_dropout")(x)
        return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)

    @property
    def embedding_layer(self) -> str:
        """The average over the picture."""
        return "average"

    def layer_before(self, block: int) -> None:  # noqa: ARG002
        """Return nothing: there is one block."""
        return

    @property
    def fixed_layers(self) -> frozenset[str]:
        """The normalisations: batches of a small data set would spoil what a large one gave."""
        return _normalisations(self.backbone)

    def fetch(self) -> None:
        """Let Keras download the weights of ImageNet, if they are asked for and not here."""
        check_weights(self.weights)
        if self.weights == "imagenet":
            imagenet_network(_keras_class(self.backbone))

    def initialise(self, model: keras.Model) -> None:
        """Load the weights to begin with."""
        if self.weights == "none":
            if self.train != "all":
                warn(f"model.weights=none: the layers of {self.backbone} stay random")
            return
        if self.weights == "imagenet":
            copy_weights(imagenet_network(_keras_class(self.backbone)), model)
            if self.backbone == "efficientnet_b0":
                # Keras divides by the root of the deviations too, but only where it loads the
                # weights itself. Kernels that are as much larger have the same result.
                stem = model.get_layer("stem_conv")
                (kernel,) = stem.get_weights()
                stem.set_weights([kernel / np.sqrt(_DEVIATION)[:, None]])
            return
        source = _network(self.backbone, weights=None)
        path = weights_path(self.weights)
        load_from(source, path, f"the weights of {APPLICATIONS[self.backbone]} without its top")
        copy_weights(source, model)


def _keras_class(backbone: Backbone) -> Any:
    import keras

    return getattr(keras.applications, APPLICATIONS[backbone])


def _network(backbone: Backbone, **arguments: Any) -> keras.Model:
    # Without a picture in front, Keras warns unless it is told a size that it knows.
    size = {} if "input_tensor" in arguments else {"input_shape": (224, 224, CHANNELS)}
    return _keras_class(backbone)(include_top=False, **size, **arguments)


@cache
def _normalisations(backbone: Backbone) -> frozenset[str]:
    layers = _network(backbone, weights=None).layers
    return frozenset(layer.name for layer in layers if "BatchNorm" in type(layer).__name__)
