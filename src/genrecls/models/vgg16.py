"""`vgg16`: the VGG-16 of ImageNet on a picture of a segment, with a head of one's own.

K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
arXiv 1409.1556, as `keras.applications` builds it: 14,714,688 parameters in the convolutions,
134,260,544 with the two dense layers behind them. Bahuleyan (arXiv 1804.01149) flattens the
convolutions' output; Karam et al. keep the dense layers and replace the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from genrecls.console import warn
from genrecls.errors import ConfigError
from genrecls.models.base import MODELS, Normalisation, Shapes
from genrecls.models.layers import normalised_input
from genrecls.models.photographs import PhotographFamily
from genrecls.models.pretrained_weights import (
    Upto,
    check_weights,
    load_weights,
    weights_file,
)

if TYPE_CHECKING:
    import keras

DENSE_SIZE = (224, 224)
"""Rows and columns that the dense layers were made for."""

_IMAGENET_MEAN = (123.68, 116.779, 103.939)
"""Red, green, blue over ImageNet, 0 to 255 (`imagenet_utils.preprocess_input`, mode caffe)."""


@MODELS.register("vgg16")
@dataclass(frozen=True)
class Vgg16(PhotographFamily):
    """VGG-16 on one picture with three channels, whose values are 0 to 1.

    Attributes:
        upto: `conv` ends VGG-16 behind its convolutions, `dense` behind its second dense layer.
        pooling: how a picture of features becomes a vector, behind the convolutions.
        preprocessing: `imagenet` is what the ImageNet weights were trained with (0 to 255, less
            the mean colour); `none` leaves 0 to 1.
    """

    upto: Upto
    pooling: Literal["flatten", "average"]
    preprocessing: Literal["imagenet", "none"]

    blocks: ClassVar[int] = 5

    def check(self, shapes: Shapes) -> None:
        """Refuse anything but one large enough picture in colour, and weights that are not there.

        Raises:
            ConfigError: names the key, what was received and what is possible.
        """
        _, (rows, columns, _) = self.coloured(shapes)
        if self.upto == "dense" and (rows, columns) != DENSE_SIZE:
            raise ConfigError(
                f"model.upto: dense takes a picture of 224 x 224, the chosen features give {rows} "
                f"x {columns}; choose features.size=[224,224], or model.upto=conv"
            )
        self.check_size(rows, columns)
        if self.upto == "dense" and self.pooling != "flatten":
            raise ConfigError(
                f"model.pooling: received {self.pooling}; model.upto=dense needs flatten"
            )
        if self.standardise and self.preprocessing == "imagenet":
            raise ConfigError(
                "model.standardise: received true; model.preprocessing=imagenet has statistics of "
                "its own; set one of them to false or none"
            )
        check_weights(self.weights)

    def build(
        self, shapes: Shapes, n_classes: int, normalisation: Mapping[str, Normalisation]
    ) -> keras.Model:
        """Return the network for one input (rows, columns, 3), its weights random."""
        import keras
        from keras import layers

        name, shape = self.coloured(shapes)
        source, x = normalised_input(name, shape, self.statistics(name, normalisation))
        if self.preprocessing == "imagenet":
            offset = [-value for value in _IMAGENET_MEAN]
            x = layers.Rescaling(255.0, offset=offset, name="imagenet_range")(x)
        dense = self.upto == "dense"
        vgg = keras.applications.VGG16(include_top=dense, weights=None, input_tensor=x)
        if dense:
            x = vgg.get_layer(self.embedding_layer).output
        else:
            flatten = self.pooling == "flatten"
            pooling = layers.Flatten if flatten else layers.GlobalAveragePooling2D
            x = pooling(name=self.embedding_layer)(vgg.output)
        return keras.Model({name: source}, self.head.apply(x, n_classes), name=self.name)

    def fetch(self) -> None:
        """Download the weights of ImageNet if they are asked for and not in Keras' cache."""
        weights_file(self.weights, self.upto)

    def initialise(self, model: keras.Model) -> None:
        """Load the weights to begin with."""
        path = weights_file(self.weights, self.upto)
        if path is None:
            if self.train != "all":
                warn("model.weights=none: the layers of VGG-16 that do not learn stay random")
            return
        load_weights(model, path, self.upto)
        if self.preprocessing == "imagenet":
            # The published weights take blue, green, red. Turning the first kernel round has the
            # same result as reordering the colours, without another step on every device.
            first = model.get_layer("block1_conv1")
            kernel, bias = first.get_weights()
            first.set_weights([kernel[:, :, ::-1], bias])

    @property
    def embedding_layer(self) -> str:
        """Name of the last layer that does not belong to the head."""
        return "fc2" if self.upto == "dense" else self.pooling

    def layer_before(self, block: int) -> str | None:
        """Return the pooling layer in front of a block."""
        return f"block{block - 1}_pool" if block > 1 else None
