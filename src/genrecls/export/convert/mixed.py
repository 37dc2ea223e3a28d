"""Selective precision: a network in int8, but for the layers that lose the most, which stay float.

Google's LiteRT Quantizer (until 2026 AI Edge Quantizer) writes the files; the extra `mixed`
installs it. Which layers stay float is decided by the answers to examples that trained nothing and
test nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from genrecls.console import quiet_libraries
from genrecls.errors import ExportError
from genrecls.export.settings import GateBounds
from genrecls.export.tflite.flatbuffer import read
from genrecls.runtime.network import Network

Segments = Mapping[str, NDArray[np.float32]]

MISSING = "the mode mixed needs LiteRT Quantizer: pip install 'genrecls[mixed]'"

_BITS = 8

_RANKED_ON = 50
"""Examples on which each layer is tried alone."""

_SELECTED_ON = 300


def available() -> bool:
    """Return whether the quantiser is installed."""
    return find_spec("litert_quantizer") is not None


@dataclass(frozen=True, eq=False)
class MixedSelection:
    """What decides which layers stay float.

    Attributes:
        examples: validation examples, by input.
        difference: largest difference of any probability from that of the float network; None is no
            condition.
        decisions: least share of examples whose decision is equal; None is no condition.
    """

    examples: Segments
    difference: float | None
    decisions: float | None

    def accepts(self, answers: NDArray[np.float64], expected: NDArray[np.float64]) -> bool:
        """Return whether a file answers as the float network does."""
        equal = answers.argmax(axis=1) == expected.argmax(axis=1)
        # One may always differ, as with every file.
        least = 0.0 if self.decisions is None else min(self.decisions, 1 - 1 / len(equal))
        most = np.inf if self.difference is None else self.difference
        return bool(equal.mean() >= least - 1e-9 and np.abs(answers - expected).max() <= most)


def select_on(validation: Segments, bounds: GateBounds) -> MixedSelection:
    """Return the selection by a validation part, of which at most `_SELECTED_ON` examples count.

    Half as many decisions may change there as may in all: the file has to pass the gate on tracks
    that did not select, too.
    """
    some = slice(None, None, -(-len(next(iter(validation.values()))) // _SELECTED_ON))
    examples = {name: np.asarray(values[some]) for name, values in validation.items()}
    decisions = None if bounds.decisions is None else (1 + bounds.decisions) / 2
    return MixedSelection(examples, bounds.difference, decisions)


def mixed_precision(flatbuffer: bytes, calibration: Segments, selection: MixedSelection) -> bytes:
    """Return a float network with as many layers in int8 as the selection accepts.

    One after another stays float, those first that cost the most alone: the largest change of a
    probability on calibration examples when no other is in int8.

    Args:
        flatbuffer: as the converter wrote it, with the names of its tensors and its signature.
        calibration: examples that set the scales, by input.
        selection: what decides.

    Raises:
        ExportError: no layer may be int8.
    """
    from litert_quantizer import calibrator, qtyping, quantizer
    from litert_quantizer.utils import qsv_utils

    with quiet_libraries():
        listening = calibrator.CalibrationInterpreter(
            flatbuffer,
            mode=calibrator.CalibrationMode.CALIBRATION_PRESERVE_ALL_TENSORS,
            # Its own default, a moving average, forgets the loud ones among the examples.
            qsv_update_func=qsv_utils.min_max_update,
        )
        run = listening.get_signature_runner()
        for row in range(len(next(iter(calibration.values())))):
            run(**{name: values[row : row + 1] for name, values in calibration.items()})
        ranges = listening.get_calibration_results()

    graph = read(flatbuffer).subgraphs[0]
    names = [graph.tensors[operator.outputs[0]].name.decode() for operator in graph.operators]
    # A table of features has scales of its own in each column until it is normalised.
    layers = [name for name in dict.fromkeys(names) if "/normalise_" not in name]
    every = qtyping.TFLOperationName.ALL_SUPPORTED

    def quantised(chosen: Sequence[str]) -> bytes:
        recipe = quantizer.Quantizer(flatbuffer)
        for name in chosen:
            # Several names of one tensor are matched with a semicolon behind each.
            recipe.add_static_config(f"^{re.escape(name)};?$", every, _BITS, _BITS)
        with quiet_libraries():
            made = recipe.quantize(ranges, enable_progress_report=False).quantized_model
        return bytes(made)

    few = {name: values[:_RANKED_ON] for name, values in calibration.items()}
    expected = Network(flatbuffer).probabilities(few)
    costs = {
        name: float(np.abs(Network(quantised([name])).probabilities(few) - expected).max())
        for name in layers
    }
    expected = Network(flatbuffer).probabilities(selection.examples)

    while layers:
        content = quantised(layers)
        if selection.accepts(Network(content).probabilities(selection.examples), expected):
            return content
        layers.remove(max(layers, key=costs.__getitem__))
    raise ExportError(
        "no layer may be int8: even one alone changes more than gate.mixed allows; use dynamic"
    )
