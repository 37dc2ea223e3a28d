"""The published weights of musicnn and its VGG: where they lie, and how they are read.

J. Pons and X. Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging",
late-breaking demo, ISMIR 2019; the package `musicnn` 0.1.0 (ISC licence, Copyright (c) Music
Technology Group, Universitat Pompeu Fabra 2019). Its code is not run and not needed: TensorFlow
reads its checkpoints, whose contents are held against their digests before.
"""

from __future__ import annotations

import importlib.util
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genrecls.config.paths import expanded
from genrecls.errors import ConfigError, ModelFileError, shown
from genrecls.models.pretrained_weights import keras_home
from genrecls.runtime.card import check_packing

WHEEL = "musicnn-0.1.0-py3-none-any.whl"
INDEX, DATA = ".index", ".data-00000-of-00001"
"""Names of the two files of a checkpoint, which have nothing in front."""

Corpus = Literal["msd", "mtt"]
"""What the networks were trained on."""

CORPORA: Mapping[Corpus, str] = {"msd": "Million Song Dataset", "mtt": "MagnaTagATune"}

TAGS: Mapping[Corpus, tuple[str, ...]] = {
    "msd": (
        *("rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s"),
        *("alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists"),
        *("classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s"),
        *("chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic"),
        *("experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country"),
        *("easy listening", "sexy", "catchy", "funk", "electro", "heavy metal"),
        *("Progressive rock", "60s", "rnb", "indie pop", "sad", "House", "happy"),
    ),
    "mtt": (
        *("guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock"),
        *("fast", "piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian"),
        *("opera", "male", "singing", "vocals", "no vocals", "harpsichord", "loud", "quiet"),
        *("flute", "woman", "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man"),
        *("classic", "choir", "voice", "new age", "dance", "male voice", "female vocal"),
        *("beats", "harp", "cello", "no voice", "weird", "country", "metal", "female voice"),
        *("choral",),
    ),
}
"""The fifty tags of each, in the order of the outputs."""


@dataclass(frozen=True)
class PublishedCheckpoint:
    """A checkpoint of the package.

    Attributes:
        folder: its folder within the package.
        index, data: SHA-256 of its two files.
    """

    folder: str
    index: str
    data: str

    @property
    def files(self) -> dict[str, str]:
        """The digest of each file."""
        return {INDEX: self.index, DATA: self.data}


CHECKPOINTS: dict[tuple[str, Corpus], PublishedCheckpoint] = {
    ("musicnn", "msd"): PublishedCheckpoint(
        "MSD_musicnn",
        "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
        "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
    ),
    ("musicnn", "mtt"): PublishedCheckpoint(
        "MTT_musicnn",
        "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
        "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
    ),
    ("music_vgg", "msd"): PublishedCheckpoint(
        "MSD_vgg",
        "50e499238457558bba9f34f8b84d4afb8279afd43520cdf0a4fdf805a49c9ca3",
        "9683d756b8311146534f333502ebf4a2a78a3e320c54ab0411dff6186d8375fc",
    ),
    ("music_vgg", "mtt"): PublishedCheckpoint(
        "MTT_vgg",
        "4b0d3d2d02bbe0919c063c1fb74bfa9018ac3517e362d681b07444d4207a5f5f",
        "458f5c8bcecc086a3bba3dce83809df6da6e0a3560a59ddd84711bf3d5fd8303",
    ),
}
"""What is published, by network and corpus."""

# Of the wheel and of each file in it: the wheel has 29 MB, a checkpoint 10 MB.
_MOST_BYTES = 64 * 1024 * 1024

_FETCH = "pip download --no-deps musicnn==0.1.0"


class AbsentCheckpointError(ModelFileError):
    """A checkpoint is nowhere; says what helps one who trains.

    Attributes:
        absence: the same for one who only predicts, and has no settings of a model.
    """

    def __init__(self, absence: str) -> None:
        super().__init__(
            f"model.weights: {absence}; or name it with model.weights_from=<path>, or train from "
            "scratch with model.weights=null model.train=all"
        )
        self.absence = absence

    # An exception is pickled by its message alone, which is not how this one is made.
    def __reduce__(self) -> tuple[type[AbsentCheckpointError], tuple[str]]:
        return type(self), (self.absence,)


def check_weights_from(weights_from: str | None) -> None:
    """Refuse a wheel or folder that is not there, and a pipe or device in its place.

    Raises:
        ConfigError: names it.
    """
    if weights_from is None:
        return
    path = expanded(weights_from, "model.weights_from")
    # Opening a named pipe would wait for a writer, reading a device may never end.
    if not (path.is_file() or path.is_dir()):
        absolute = path.absolute()
        fault = f"{absolute} is a pipe or a device" if path.exists() else f"there is no {absolute}"
        raise ConfigError(
            f"model.weights_from: received '{weights_from}', but {fault}; expected {WHEEL} or a "
            "folder of it, or null"
        )


def checkpoint_files(checkpoint: PublishedCheckpoint, weights_from: str | None) -> dict[str, bytes]:
    """Return the two files of a checkpoint, held against their digests.

    Args:
        checkpoint: which.
        weights_from: the wheel, or a folder that holds its files; None looks for the installed
            package and then for the wheel in Keras' folder of models.

    Raises:
        ConfigError: `weights_from` is not there, or neither file nor folder.
        AbsentCheckpointError: the checkpoint is nowhere; says how to get it.
        ModelFileError: it cannot be read, or is another one.
    """
    check_weights_from(weights_from)
    home = keras_home() / "models"
    places = [expanded(weights_from, "model.weights_from")] if weights_from else [*_usual(home)]
    for place in places:
        try:
            files = {name: _read(place, checkpoint.folder, name) for name in checkpoint.files}
        except Exception as error:  # noqa: BLE001 - whatever damage makes the reader of zips raise
            reason = str(error) or type(error).__name__
            raise ModelFileError(
                f"{place}: cannot be read ({reason}); expected {WHEEL} or a folder of it: {_FETCH}"
            ) from None
        if any(content is None for content in files.values()):
            continue
        for name, digest in checkpoint.files.items():
            received = sha256(files[name] or b"").hexdigest()
            if received != digest:
                raise ModelFileError(
                    f"{place}: {checkpoint.folder}/{name} has the SHA-256 {received}, expected "
                    f"{digest}: it is damaged or of another version; fetch it again: {_FETCH}"
                )
        return {name: content or b"" for name, content in files.items()}
    where = f"in {places[0]}" if weights_from else f"installed, nor is {WHEEL} in {home}"
    raise AbsentCheckpointError(
        f"{checkpoint.folder} of the package musicnn is not {where}; where there is a network: "
        f"{_FETCH}; then install {WHEEL} with pip install --no-deps or put it into {home}"
    )


def read_checkpoint(files: Mapping[str, bytes]) -> dict[str, NDArray[np.float32]]:
    """Return the variables of a checkpoint by name, without those of its optimiser."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "checkpoint"
        for name, content in files.items():
            prefix.with_name(f"checkpoint{name}").write_bytes(content)
        reader = tf.train.load_checkpoint(str(prefix))
        return {
            name: np.asarray(reader.get_tensor(name), np.float32)
            for name in reader.get_variable_to_shape_map()
            if "Adam" not in name and not name.endswith("_power")
        }


def _usual(home: Path) -> Iterator[Path]:
    """Yield where the weights may lie; the package is looked for and not imported."""
    spec = importlib.util.find_spec("musicnn")
    yield from map(Path, (spec and spec.submodule_search_locations) or ())
    if (home / WHEEL).is_file():
        yield home / WHEEL


def _read(place: Path, folder: str, name: str) -> bytes | None:
    """Return a file of a checkpoint in a wheel or a folder; None where it is not there."""
    if place.is_dir():
        for inside in (f"musicnn/{folder}", folder, "."):
            path = place / inside / name
            if path.is_file():
                _check_size(f"{inside}/{name}", path.stat().st_size)
                return path.read_bytes()
        return None
    _check_size("it", place.stat().st_size)
    with zipfile.ZipFile(place) as archive:
        member = f"musicnn/{folder}/{name}"
        if member not in archive.namelist():
            return None
        info = archive.getinfo(member)
        check_packing(info)
        _check_size(member, info.file_size)
        try:
            return archive.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            raise ValueError(f"its part {shown(member)} is damaged") from None


def _check_size(what: str, size: int) -> None:
    """Refuse what is too large to be the wheel or a file of it, before it is read."""
    if size > _MOST_BYTES:
        raise ValueError(f"{what} has {size:,} bytes, allowed: at most {_MOST_BYTES:,}")
