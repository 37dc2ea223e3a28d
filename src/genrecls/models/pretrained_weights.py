"""Where the weights of networks for photographs come from: ImageNet files of Keras, or the user's.

Names, addresses and MD5 sums are those of `keras/src/applications/vgg16.py` (Keras 3.15), which has
them in the code of its network only.
"""

from __future__ import annotations

import io
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from genrecls.config.paths import expanded
from genrecls.console import messages, say
from genrecls.errors import ConfigError, ModelFileError, first_line
from genrecls.files.hashing import hex_digest

if TYPE_CHECKING:
    import keras

Upto = Literal["conv", "dense"]

_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
_PATIENCE = 30.0
"""Seconds without an answer after which a connection counts as absent."""


# What a file of weights may hold beside them: names, settings of an optimiser.
_MOST_OTHER = 16 * 2**20
_MOST_ITEMS = 20_000


@dataclass(frozen=True)
class PublishedWeights:
    """A file of weights that Keras offers.

    Attributes:
        size: bytes.
        md5: hexadecimal; Keras publishes no other digest.
    """

    name: str
    size: int
    md5: str

    @property
    def address(self) -> str:
        """Where it is downloaded from."""
        return f"{_ADDRESS}{self.name}"

    @property
    def place(self) -> Path:
        """Where Keras keeps it."""
        return keras_home() / "models" / self.name

    @property
    def whole(self) -> bool:
        """Whether it is in its place and undamaged."""
        if not self.place.is_file() or self.place.stat().st_size != self.size:
            return False
        return hex_digest(self.place, "md5") == self.md5


IMAGENET: dict[Upto, PublishedWeights] = {
    "conv": PublishedWeights(
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        58_889_256,
        "6d6bbae143d832006294945121d1f1fc",
    ),
    "dense": PublishedWeights(
        "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        553_467_096,
        "64373286793e3c8b2b4e3219cbf3544b",
    ),
}


_NO_PATH = frozenset({"none", "imagenet"})


def check_weights(weights: str) -> None:
    """Refuse a file that is not there; neither Keras nor the network is needed for that.

    Raises:
        ConfigError: names the file.
    """
    if weights in _NO_PATH:
        return
    path = expanded(weights, "model.weights")
    if not path.is_file():
        raise ConfigError(
            f"model.weights: received '{weights}', but there is no file {path.absolute()}; "
            "expected none, imagenet (a download by Keras) or the path of a .h5 or .weights.h5 file"
        )


def weights_file(weights: str, upto: Upto) -> Path | None:
    """Return the file that `weights` names, downloaded if need be; None for `none`.

    Raises:
        ConfigError: there is no such file.
        ModelFileError: it is not in Keras' cache and cannot be downloaded.
    """
    check_weights(weights)
    if weights == "none":
        return None
    if weights != "imagenet":
        return weights_path(weights)
    published = IMAGENET[upto]
    return published.place if published.whole else download(published)


def weights_path(weights: str) -> Path:
    """Return the file that `weights` names by its path."""
    return expanded(weights, "model.weights")


def file_digest(weights: str) -> str | None:
    """Return the SHA-256 of the file that `weights` names; None where it names none."""
    path = expanded(weights, "model.weights")
    if weights in _NO_PATH or not path.is_file():
        return None
    return hex_digest(path, "sha256")


def load_weights(model: keras.Model, path: Path, upto: Upto) -> None:
    """Give the layers of `model` that bear VGG-16's names the weights in `path`.

    Raises:
        ModelFileError: the file is damaged or holds another network.
    """
    import keras

    source = keras.applications.VGG16(include_top=upto == "dense", weights=None)
    what = f"the weights of VGG-16 for model.upto={upto}"
    load_from(
        source, path, what, f"; expected a file with the layers of Keras' {IMAGENET[upto].name}"
    )
    copy_weights(source, model)


def load_from(network: keras.Model, path: Path, what: str, advice: str = "") -> None:
    """Give a network the weights in a file.

    Args:
        network: as Keras builds it.
        path: a .h5 or .weights.h5 file.
        what: the file should hold, for messages.
        advice: what to do otherwise.

    Raises:
        ModelFileError: the file is damaged or holds another network.
    """
    try:
        _check_sizes(path, network.count_params())
        network.load_weights(path)
    except Exception as error:  # noqa: BLE001 - whatever a foreign file makes its readers raise
        reason = first_line(error)
        raise ModelFileError(
            f"model.weights: {path} does not hold {what} ({reason}){advice}"
        ) from None
    say(f"{what.removeprefix('the ')}: {path}, SHA-256 {file_digest(str(path))}")


def _check_sizes(path: Path, parameters: int) -> None:
    """Refuse a file of arrays that are no weights of the network, before any of them is read.

    Compressed, an array of any size fits into a few bytes, and a link leads to any other file.

    Raises:
        ValueError, OSError: one line says why.
    """
    import h5py  # type: ignore[import-untyped]

    # Files may hold the state of an optimiser too, which is at most three times as large.
    most = 4 * 4 * parameters + _MOST_OTHER
    if path.stat().st_size > most:
        raise ValueError(f"it has {path.stat().st_size:,} bytes; allowed: at most {most:,}")
    with h5py.File(path) as file:
        groups, count, size = [file], 0, 0
        while groups:
            group = groups.pop()
            for name in group:
                count += 1
                if count > _MOST_ITEMS:
                    raise ValueError(f"it has more than {_MOST_ITEMS:,} arrays and groups")
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"'{name}' in it is a link")
                item = group[name]
                if isinstance(item, h5py.Group):
                    groups.append(item)
                    continue
                if item.external or item.is_virtual:
                    raise ValueError(f"'{name}' in it lies in another file")
                size += item.nbytes
                if size > most:
                    raise ValueError(
                        f"its arrays take more than {most:,} bytes, and the network has "
                        f"{parameters:,} parameters"
                    )


def copy_weights(source: keras.Model, model: keras.Model) -> None:
    """Give the layers of `model` the weights of those of `source` that have their names."""
    names = {layer.name for layer in model.layers}
    for layer in source.layers:
        if layer.weights and layer.name in names:
            model.get_layer(layer.name).set_weights(layer.get_weights())


def imagenet_network(application: Callable[..., keras.Model]) -> keras.Model:
    """Return a network of `keras.applications` without its top, with the weights of ImageNet.

    Keras downloads them if they are not in its cache, and verifies them.

    Raises:
        ModelFileError: says what to fetch and where to put it.
    """
    from genrecls.models import tensorflow_setup

    tensorflow_setup.configure_tensorflow()
    try:
        with _downloading():
            # The size that the files are named after; the weights are those of every size.
            return application(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    except Exception as error:  # noqa: BLE001 - Keras raises plain exceptions, and sockets many
        reason = first_line(error)
        raise ModelFileError(
            f"model.weights=imagenet: the weights of {application.__name__} are not in "
            f"{keras_home() / 'models'} and cannot be downloaded ({reason}); fetch that file where "
            "there is a network and put it there, or name its place with model.weights=<path>"
        ) from None


def download(published: PublishedWeights) -> Path:
    """Let Keras fetch the file into its cache and verify it; return where it is.

    Raises:
        ModelFileError: says what to fetch and where to put it.
    """
    from genrecls.models import tensorflow_setup

    tensorflow_setup.configure_tensorflow()
    import keras

    say(f"downloading {published.address} ({published.size / 2**20:.0f} MiB)")
    home = keras_home()
    try:
        with _downloading():
            path = keras.utils.get_file(
                published.name,
                published.address,
                file_hash=published.md5,
                cache_subdir="models",
                cache_dir=str(home),
            )
        return Path(path)
    except Exception as error:  # noqa: BLE001 - Keras raises plain exceptions, and sockets many
        # Keras puts the whole address in front.
        reason = str(error).rpartition(" -- ")[2]
        raise ModelFileError(
            f"model.weights=imagenet: {published.name} ({published.size:,} bytes, MD5 "
            f"{published.md5}) is not, or not whole, in {published.place.parent} and cannot be "
            f"downloaded ({reason}); fetch {published.address} where there is a network and put it "
            "there, or name its place with model.weights=<path>"
        ) from None


@contextmanager
def _downloading() -> Iterator[None]:
    """Let Keras download: its bar is no result, and a silent connection is an absent one."""
    timeout = socket.getdefaulttimeout()
    # Keras' progress bar would go to standard output, which is for results.
    bar: Any = sys.stderr if messages().is_terminal else io.StringIO()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        # Keras goes elsewhere, without a word, if the folder does not exist.
        keras_home().mkdir(parents=True, exist_ok=True)
        with redirect_stdout(bar):
            yield
    finally:
        socket.setdefaulttimeout(timeout)


def keras_home() -> Path:
    """Return the folder in which Keras keeps what it downloads."""
    # Keras looks at the variable too, but once, on import.
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
