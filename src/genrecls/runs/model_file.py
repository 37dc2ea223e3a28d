"""The model file: a Keras archive that also says what it is.

A `.keras` file is a zip; a member of our own beside Keras' holds the labels, the feature
specification, the segment rule, the data, split and scores. Reading it is safe: no pickle, Keras in
safe mode, and the zip's checksums are verified for every member.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genrecls import __version__
from genrecls.config.aliases import current_config
from genrecls.config.schema import Schema
from genrecls.config.validation import select, validate
from genrecls.dsp.votes import Vote
from genrecls.errors import ConfigError, ModelFileError
from genrecls.features.base import FEATURES, FeatureSpec
from genrecls.features.segmentation import SegmentRule
from genrecls.files.atomic import replacing
from genrecls.runtime.description import leak_mark

if TYPE_CHECKING:
    import keras

_MEMBER = "genrecls.json"
_FORMAT = 1


@dataclass(frozen=True)
class _Facts(Schema):
    labels: tuple[str, ...]
    vote: Vote
    run: str
    dataset: str
    split: str
    leaks: tuple[str, ...]
    generated: bool
    test: dict[str, dict[str, Any]]

    @property
    def split_named(self) -> str:
        """The split with what it leaks, as it must stand beside every number."""
        return f"split {self.split}{leak_mark(self.leaks)}"


@dataclass(frozen=True)
class ModelCard(_Facts):
    """What a model file says of itself.

    Attributes:
        labels: genres in the order of the outputs.
        run: name of the run that made it.
        dataset, split: what it was trained on.
        leaks: kinds of leak between the parts.
        generated: whether the data were synthetic.
        test: scores on the test part, per segment and per track.
    """

    features: FeatureSpec
    segment: SegmentRule


def save(path: Path, model: keras.Model, card: ModelCard) -> None:
    """Write the model with its card, whole or not at all."""
    with replacing(path) as beside:
        model.save(beside)
        with zipfile.ZipFile(beside, "a") as archive:
            text = json.dumps({"format": _FORMAT, "genrecls": __version__, **asdict(card)})
            archive.writestr(_MEMBER, text)


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
        model = keras.models.load_model(path, compile=False, safe_mode=True)
        _check_match(path, model, card)
    except ModelFileError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a foreign file makes Keras raise
        raise ModelFileError(
            f"{path}: Keras cannot read it ({_first_line(error)}); copy it again or train again"
        ) from None
    return model, card


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
        ModelFileError: no such file, damaged, or not made by genrecls.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            text = archive.read(_MEMBER) if damaged is None else b""
    except FileNotFoundError:
        raise ModelFileError(
            f"{path}: no such model file; expected a run or a model.keras of one"
        ) from None
    except KeyError:
        raise ModelFileError(
            f"{path}: a Keras file without labels and features; expected a model.keras that "
            "genrecls wrote"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever damage makes the reader of zips raise
        raise ModelFileError(
            f"{path}: not a readable model file ({_first_line(error)}); expected a model.keras "
            "that genrecls wrote; copy it again or train again"
        ) from None
    if damaged is not None:
        raise ModelFileError(f"{path}: its part {damaged} is damaged; copy it again or train again")
    return _parse(path, text)


def _parse(path: Path, text: bytes) -> ModelCard:
    try:
        fields = json.loads(text)
        if fields.pop("format") != _FORMAT:
            raise ModelFileError(
                f"{path}: written by genrecls {fields.get('genrecls')}; update genrecls"
            )
        fields.pop("genrecls")
        fields = current_config(fields)
        features = select(FEATURES, fields.pop("features"))
        segment = validate(SegmentRule, fields.pop("segment"), "segment")
        segment.shapes(features)
        facts = validate(_Facts, fields, "card")
        _require_distinct(facts.labels)
        float(facts.test["track"]["accuracy"])
        return ModelCard(features=features, segment=segment, **vars(facts))
    except (ValueError, TypeError, KeyError, AttributeError, ConfigError) as error:
        raise ModelFileError(
            f"{path}: its description cannot be understood ({_first_line(error)})"
        ) from None


def _require_distinct(labels: Sequence[str]) -> None:
    if len(set(labels)) < len(labels):
        raise ValueError(f"two labels are equal among {', '.join(labels)}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
