"""What is known to be impossible or inexact, said before it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genrecls.export.convert import mixed
from genrecls.export.convert.keras_rewrite import loops, recurrent_kind
from genrecls.export.formats import ExportFormat
from genrecls.features.mel import MelSettings
from genrecls.features.mel_image import MelImage, colour_table
from genrecls.models.decisions import SIMILARITIES
from genrecls.models.rounding import is_rounded
from genrecls.runs.model_file import ModelCard

if TYPE_CHECKING:
    import keras

_NOT_IN_THE_GRAPH = {
    "summary": "beat tracking",
    "multi_input": "beat tracking",
    "summary_rich": "sorting all frames",
}
"""What a representation does that a graph cannot."""

_OPERATORS_A_STEP = {"GRU": 17, "SimpleRNN": 4}


def refusal(
    model: keras.Model, card: ModelCard, wanted: ExportFormat, unroll_steps: int
) -> str | None:
    """Return in one line why there can be no such file and what to use instead; None if there can.

    Args:
        model: the trained network.
        card: what its file says of it.
        wanted: the format that is asked for.
        unroll_steps: loops of at most so many steps may be written out.
    """
    if reason := _wrong_arithmetic(model, wanted):
        return reason
    features = card.features
    if wanted.input == "audio" and not isinstance(features, MelSettings):
        missing = (
            f"{_NOT_IN_THE_GRAPH.get(features.name, 'what it does')} has no built-in operators"
            if "audio" in features.media
            else "they were published without the program that made them"
        )
        return (
            f"features={features.title} cannot be computed inside the graph: {missing}; use "
            "the files that take features, which 'genrecls predict' feeds from audio, or train on "
            "features=mel, mfcc or mel_image"
        )
    if wanted.mode == "mixed":
        if not mixed.available():
            return mixed.MISSING
        if found := loops(model):
            names = ", ".join(layer.name for layer in found)
            return (
                f"{names}: a loop, in which LiteRT Quantizer finds no scales; use the mode "
                "dynamic, or train with model.recurrent.cell=lstm"
            )
    long = [layer for layer in loops(model) if layer.input.shape[1] > unroll_steps]
    if wanted.mode != "int8" or not long:
        return None
    steps = max(layer.input.shape[1] for layer in long)
    operators = sum(
        layer.input.shape[1]
        * _OPERATORS_A_STEP[recurrent_kind(layer)]
        * (2 if hasattr(layer, "forward_layer") else 1)
        for layer in loops(model)
    )
    names = ", ".join(f"{layer.name} ({layer.input.shape[1]} steps)" for layer in long)
    return (
        f"{names}: a loop, on which the converter's calibration for int8 crashes, and too long to "
        f"be written out (unroll_steps={unroll_steps}); use the mode dynamic, train with "
        f"model.recurrent.cell=lstm, or set unroll_steps={steps} for about {operators:,} operators"
    )


def _wrong_arithmetic(model: keras.Model, wanted: ExportFormat) -> str | None:
    """Return why a file of this mode cannot compute what the model does; None if it can."""
    if wanted.mode != "int8" and is_rounded(model):
        return (
            "the network has learnt with the rounding of int8 files, and only those answer as it "
            "does; use the mode int8, or train with trainer.int8_epochs=0"
        )
    if wanted.mode == "int8" and any(layer.name == SIMILARITIES for layer in model.layers):
        return (
            "a radial kernel takes the exponential of differences of large numbers, which 8 bits "
            "cannot hold; use the mode dynamic, or train with model.kernel=linear"
        )
    operations = {type(operation).__name__ for operation in model.operations}
    what = None
    if "Embedding" in operations:
        what = "decision trees, which look up one number after another"
    if "TopK" in operations:
        what = "nearest neighbours, which sort the distances to all training segments"
    if what is None:
        return None
    return (
        f"the model is made of {what}, and not of sums and products; export model=svm or "
        "model=logistic, which are, or predict with its model.keras"
    )


def approximation(card: ModelCard) -> str | None:
    """Return why a front end that is given one segment at a time is not exact; None if it is."""
    features, segment = card.features, card.segment
    if not isinstance(features, MelSettings):
        return None
    front = features.front_end
    whole = {
        "db": "what is loudest" if front.top_db is not None or front.ref == "max" else "",
        "log1p": "",
        "pcen": "the running mean",
    }[front.compression]
    if segment.source == "spectrogram" and whole:
        return (
            f"The features of this model depend on {whole} in the whole track, for training "
            f"cut finished spectrograms (`segment.source=spectrogram`); an `audio` file takes "
            f"{whole} in the segment. `segment.source=audio` trains a model without that "
            "difference."
        )
    if isinstance(features, MelImage) and colour_table(features.colour) is not None:
        return (
            "The pictures of this model have 256 colours; where a value lies on the edge between "
            "two of them, rounding in an `audio` file may choose the other one."
        )
    return None
