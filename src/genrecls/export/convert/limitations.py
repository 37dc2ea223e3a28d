"""What is known to be impossible, said before it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genrecls.export.convert.keras_rewrite import loops
from genrecls.export.formats import ExportFormat
from genrecls.features.base import FeatureSpec
from genrecls.features.mel import MelSettings
from genrecls.runs.model_file import ModelCard

if TYPE_CHECKING:
    import keras

_OPERATORS_A_STEP = {"GRU": 17, "SimpleRNN": 4}


def refusal(
    model: keras.Model, card: ModelCard, variant: ExportFormat, unroll_steps: int
) -> str | None:
    """Return in one line why there can be no such file and what to use instead; None if there can.

    Args:
        model: the trained network.
        card: what its file says of it.
        variant: what is asked for.
        unroll_steps: loops of at most so many steps may be written out.
    """
    if variant.input == "audio" and not isinstance(card.features, MelSettings):
        return _no_front_end(card.features)
    if variant.mode == "int8":
        return _no_calibration(model, unroll_steps)
    return None


def _no_front_end(features: FeatureSpec) -> str:
    return (
        f"features={features.title} cannot be computed inside the graph: {_missing(features)}; use "
        "the files that take features, which 'genrecls predict' feeds from audio, or train on "
        "features=mel, mfcc or mel_image"
    )


def _missing(features: FeatureSpec) -> str:
    if "audio" not in features.media:
        return "they were published without the program that made them"
    return "beat tracking and harmonic-percussive separation have no built-in operators"


def _no_calibration(model: keras.Model, unroll_steps: int) -> str | None:
    long = [layer for layer in loops(model) if layer.input.shape[1] > unroll_steps]
    if not long:
        return None
    steps = max(layer.input.shape[1] for layer in long)
    operators = sum(_operators(layer) for layer in loops(model))
    names = ", ".join(f"{layer.name} ({layer.input.shape[1]} steps)" for layer in long)
    return (
        f"{names}: a loop, on which the converter's calibration for int8 crashes, and too long to "
        f"be written out (unroll_steps={unroll_steps}); use the mode dynamic, train with "
        f"model.recurrent.cell=lstm, or set unroll_steps={steps} for about {operators:,} operators"
    )


def _operators(layer: Any) -> int:
    """Return about how many operators a recurrent layer becomes where it is written out."""
    one_way = getattr(layer, "forward_layer", None)
    kind, ways = type(one_way or layer).__name__, 2 if one_way else 1
    return int(layer.input.shape[1] * _OPERATORS_A_STEP[kind] * ways)
