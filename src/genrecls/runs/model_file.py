"""The model file: a Keras archive that also says what it is.

A `.keras` file is a zip; a member of our own beside Keras' holds the labels, the feature
specification, the segment rule, the data, split and scores. Reading it is safe: no pickle, Keras in
safe mode, and the zip's checksums are verified for every member.
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls import __version__
from genrecls.config.aliases import current_config
from genrecls.config.paths import why_no_file
from genrecls.config.validation import select, validate
from genrecls.dsp.segments import MOST_VALUES
from genrecls.dsp.settings import choice
from genrecls.dsp.votes import Vote
from genrecls.errors import ConfigError, ModelFileError, first_line, shown_name
from genrecls.features.base import FEATURES, FeatureSpec
from genrecls.features.segmentation import SegmentRule
from genrecls.files.atomic import replacing
from genrecls.runs.ensemble_card import refuse_ensemble
from genrecls.runtime.card import MEMBER, MOST_CARD_BYTES, check_card, parse_json, read_card_text
from genrecls.runtime.marks import is_leaky

if TYPE_CHECKING:
    import keras

_FORMAT = 1
# Names that Keras gives within its archive.
_NETWORK, _WEIGHTS = "config.json", "model.weights.h5"


@dataclass(frozen=True)
class ModelCard:
    """What a model file says of itself.

    Attributes:
        labels: genres in the order of the outputs.
        vote: how the segments of a track decide about it.
        run: name of the run that made it.
        dataset, split: what it was trained on.
        leaks: kinds of leak between the parts.
        generated: whether the data were synthetic.
        test: scores on the test part, per segment and per track.
        pretraining: what its weights had been trained on before; empty for nothing.
        refit: of a model that learnt from all tracks, how many `runs` its scores are the means of,
            how many `tracks` it learnt from itself, and the `interval` of the accuracy per track;
            None where `test` is its own.
        held_out: what it answered to tracks that did not train it, the fields of
            `runtime.abstention.HeldOutAnswers`; None in older files.
    """

    labels: tuple[str, ...]
    vote: Vote
    run: str
    dataset: str
    split: str
    leaks: tuple[str, ...]
    generated: bool
    test: Mapping[str, Any]
    features: FeatureSpec
    segment: SegmentRule
    pretraining: str = ""
    refit: Mapping[str, Any] | None = None
    held_out: Mapping[str, Any] | None = None

    @property
    def leaky(self) -> bool:
        """Whether segments of one track are on both sides."""
        return is_leaky(self.leaks)


def save(path: Path, model: keras.Model, card: ModelCard) -> None:
    """Write the model with its card, whole or not at all."""
    with replacing(path) as beside:
        model.save(beside)
        with zipfile.ZipFile(beside, "a") as archive:
            about = {"format": _FORMAT, "genrecls": __version__, **asdict(card)}
            archive.writestr(MEMBER, json.dumps(about, allow_nan=False))


def load(path: Path) -> tuple[keras.Model, ModelCard]:
    """Return the model and its card.

    Raises:
        ModelFileError: no such file, damaged, or not made by genrecls.
    """
    card = read_card(path)
    from genrecls.models import tensorflow_setup

    tensorflow_setup.configure_tensorflow()
    import keras

    try:
        _check_network(path)
        model = keras.models.load_model(path, compile=False, safe_mode=True)
        _check_match(path, model, card)
    except ModelFileError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a foreign file makes Keras raise
        raise ModelFileError(
            f"{path}: Keras cannot read it ({first_line(error)}); copy it again or train again"
        ) from None
    return model, card


def _check_network(path: Path) -> None:
    """Refuse a network of which the file cannot have the weights, before Keras makes any.

    Keras makes all weights at random before it reads those of the file.
    """
    import keras
    import tensorflow as tf

    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(_NETWORK).file_size > MOST_CARD_BYTES:
            raise ModelFileError(f"{path}: its network is described at absurd length")
        described = json.loads(archive.read(_NETWORK))
        stored = archive.getinfo(_WEIGHTS).file_size
    # Within a graph nothing is computed, and variables have a shape alone.
    with tf.Graph().as_default(), keras.StatelessScope():
        model = keras.saving.deserialize_keras_object(described, safe_mode=True)
    needed = sum(prod(v.shape) * tf.as_dtype(v.dtype).size for v in model.variables)
    if needed > stored:
        raise ModelFileError(
            f"{path}: its network has weights of {needed:,} bytes, of which the file holds "
            f"{stored:,}; the file was changed"
        )
    for layer in model.layers:
        if prod(layer.output.shape[1:]) > MOST_VALUES:
            raise ModelFileError(
                f"{path}: layer {shown_name(layer.name)} makes {prod(layer.output.shape[1:]):,} "
                f"numbers of a segment; allowed: at most {MOST_VALUES:,}"
            )


def _check_match(path: Path, model: keras.Model, card: ModelCard) -> None:
    """Refuse a model that does not take and give what its card says."""
    outputs = model.output_shape[-1]
    if outputs != len(card.labels):
        raise ModelFileError(
            f"{path}: {outputs} outputs but {len(card.labels)} labels; the file was changed"
        )
    described = card.segment.shapes(card.features)
    taken = {name: tuple(source.shape[1:]) for name, source in dict(model.input).items()}
    if taken != described:
        raise ModelFileError(
            f"{path}: it takes {taken} but its features give {described}; the file was changed"
        )


def read_card(path: Path) -> ModelCard:
    """Return the card alone, without starting Keras; the whole archive is checked for damage.

    Raises:
        ModelFileError: no such file, damaged, not made by genrecls, or its card says something
            that cannot be.
    """
    refuse_ensemble(path)
    try:
        # Opening a named pipe would wait for a writer, perhaps for ever.
        if path.exists() and not path.is_file():
            raise ValueError("it is a folder, a pipe or a device")
        with zipfile.ZipFile(path) as archive:
            text = read_card_text(archive, path.stat().st_size)
    except FileNotFoundError:
        raise ModelFileError(
            f"{path}: no such model file{why_no_file(str(path))}; expected a run or a "
            "model.keras of one"
        ) from None
    except KeyError:
        raise ModelFileError(
            f"{path}: a Keras file without labels and features; expected a model.keras that "
            "genrecls wrote"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever damage makes the reader of zips raise
        raise ModelFileError(
            f"{path}: not a readable model file ({first_line(error)}); expected a model.keras "
            "that genrecls wrote; copy it again or train again"
        ) from None
    try:
        fields = parse_json(text)
        made = fields.get("format") if isinstance(fields, dict) else None
        if isinstance(made, int) and made > _FORMAT:
            raise ModelFileError(
                f"{path}: written by genrecls {shown_name(fields.get('genrecls'))} in another "
                "format; update genrecls"
            )
        fields = current_config(fields) if isinstance(fields, dict) else fields
        check_card(fields, {"format": choice(_FORMAT)})
        features = select(FEATURES, fields["features"])
        segment = validate(SegmentRule, fields["segment"], "segment")
        segment.shapes(features)
        lists = {key: tuple(fields[key]) for key in ("labels", "leaks")}
        known = {field.name for field in dataclasses.fields(ModelCard)} & fields.keys()
        return ModelCard(
            **{
                **{key: fields[key] for key in known},
                **lists,
                "features": features,
                "segment": segment,
            }
        )
    except (ValueError, ConfigError) as error:
        raise ModelFileError(
            f"{path}: its description cannot be understood ({first_line(error)})"
        ) from None
