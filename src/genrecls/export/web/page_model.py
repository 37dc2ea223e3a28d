"""What a page computes with: the tables of the front end, segments, labels, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.dsp.audio import SILENCE
from genrecls.dsp.audio_limits import AudioLimits
from genrecls.dsp.mel import PCEN_FLOOR, PCEN_SCALE, MelFrontEnd
from genrecls.dsp.mel_settings import FRONT_ENDS
from genrecls.dsp.segments import SegmentGrid
from genrecls.export.bundle.c_project import SMOOTHED_SEGMENTS
from genrecls.export.bundle.c_tables import sparse_rows
from genrecls.export.tflite.flatbuffer import graphs
from genrecls.runtime.classifier import MAX_HELD_SECONDS, SILENCE_DBFS
from genrecls.runtime.colormaps import unpack_colours


def reason_not_to_play(card: Mapping[str, Any], flatbuffer: bytes) -> str | None:
    """Return why no page can run an exported file, and what can be done; None if one can.

    Args:
        card: what the file says of itself, as `unpack` has checked it.
        flatbuffer: the network alone.
    """
    features = card["features"]
    name, n_fft = features["name"], features.get("n_fft")
    if any(one["dtype"] == "int8" for one in card["inputs"].values()):
        return "LiteRT.js takes no int8 input; export the mode float32"
    if any(tensor.variable for graph in graphs(flatbuffer) for tensor in graph.tensors):
        return (
            "LiteRT.js runs no LSTM as it is exported (variable tensors); train with "
            "model.recurrent.cell=gru, or use a model without one"
        )
    if card["input"] == "audio":
        return None
    if name not in FRONT_ENDS:
        return f"a page does not compute features={name}; train on features=mel, mfcc or mel_image"
    if n_fft & (n_fft - 1):
        return (
            f"the Fourier transform of a page takes powers of two, and n_fft is {n_fft}; export "
            "'inputs=[audio]', which brings its own"
        )
    return None


def page_model(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of `model.json`.

    Args:
        card: of a file that a page can run (`reason_not_to_play`).
    """
    grid = SegmentGrid.of(card["features"], card["segment"])
    ((name, taken),) = card["inputs"].items()
    return {
        "labels": card["labels"],
        "vote": card["vote"],
        "input": {"name": name, "shape": taken["shape"]},
        "grid": {
            "rate": grid.rate,
            "step": grid.step,
            "in_frames": grid.in_frames,
            "cut": asdict(grid.cut),
            "window": asdict(grid.window),
        },
        "front_end": _front_end(card, grid) if card["input"] == "features" else None,
        "limits": {
            "min_seconds": AudioLimits().min_seconds,
            "silence": SILENCE,
            "level": SILENCE_DBFS,
            "whole_seconds": MAX_HELD_SECONDS,
        },
        "smoothed": SMOOTHED_SEGMENTS,
    }


def _front_end(card: Mapping[str, Any], grid: SegmentGrid) -> dict[str, Any]:
    """Return the tables of `mel`, `mfcc` or `mel_image`, as `site/front_end.js` takes them."""
    features = card["features"]
    coloured = features.get("colour", "grey") not in {"grey", "repeat"}
    colours = unpack_colours(card["colours"]) if coloured else None
    front = MelFrontEnd.of(features, colours)
    filters, weights = sparse_rows(front.filters)
    tables = {
        "n_fft": front.n_fft,
        "hop_length": front.hop_length,
        "center": front.center,
        "power": front.power,
        "window": _numbers(front.window_samples),
        "filters": [(one.first, one.length, one.offset) for one in filters],
        "weights": _numbers(weights),
        "compression": _compression(front),
        "cosines": None if front.n_mfcc is None else _numbers(front.basis),
        "picture": None,
    }
    if features["name"] == "mel_image":
        resize = front.resize_matrices(front.frames(grid.cut.length))
        tables["picture"] = {
            "pre_emphasis": front.pre_emphasis,
            # `rows` from the left and `columns` from the right, both turned to stand on the right.
            "resize": resize and {"rows": _numbers(resize[0].T), "columns": _numbers(resize[1].T)},
            "colours": None if colours is None else _numbers(colours),
            "channels": 1 if front.colour == "grey" else 3,
        }
    return tables


def _compression(front: MelFrontEnd) -> dict[str, Any]:
    if front.compression == "log1p":
        return {"name": "log1p", "gain": front.log_gain}
    if front.compression == "pcen":
        return {
            "name": "pcen",
            "scale": PCEN_SCALE,
            "floor": PCEN_FLOOR,
            "smoothing": front.smoothing,
            "gain": front.pcen_gain,
            "bias": front.pcen_bias,
            "power": front.pcen_power,
        }
    return {"name": "db", "ref": front.ref, "amin": front.amin, "top_db": front.top_db}


def _numbers(values: NDArray[np.floating]) -> list[Any]:
    """Return values of float32 as nested lists of numbers that are written short."""
    if values.ndim > 1:
        return [_numbers(row) for row in values]
    return [float(f"{value:.9g}") for value in values.tolist()]
