"""Exported files made by hand, without TensorFlow: one dense layer over log-mel bands."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.runtime.container import FORMAT, pack
from genrecls.runtime.network import DEVIATION, MEAN

RATE = 8000
LABELS = ["blues", "jazz", "metal", "rock"]
FRAMES, BANDS = 32, 8

FEATURES: dict[str, Any] = {
    "name": "mel",
    "sample_rate": RATE,
    "hop_length": 128,
    "n_fft": 256,
    "window": "hann",
    "center": True,
    "power": 2,
    "n_mels": BANDS,
    "fmin": 0.0,
    "fmax": None,
    "mel_scale": "slaney",
    "mel_norm": "slaney",
    "ref": 1.0,
    "amin": 1e-10,
    "top_db": 80.0,
}
SEGMENT: dict[str, Any] = {
    "length": 0.5,
    "hop": None,
    "count": None,
    "min_fill": 0.99,
    "source": "audio",
}
FACTS: dict[str, Any] = {
    "genrecls": "0.1.0",
    "labels": LABELS,
    "vote": "mean",
    "run": "toy-mel-dense-01234567",
    "dataset": "toy",
    "split": "track",
    "leaks": [],
    "generated": True,
    "test": {
        "segment": {"accuracy": 0.5, "macro_f1": 0.4},
        "track": {"accuracy": 0.75, "macro_f1": 0.7},
    },
    "features": FEATURES,
    "segment": SEGMENT,
}
_FLOAT = {"dtype": "float32", "scale": 0.0, "zero_point": 0}
CARD: dict[str, Any] = {
    **FACTS,
    "format": FORMAT,
    "input": "features",
    "mode": "float32",
    "inputs": {"mel": {"shape": [FRAMES, BANDS], **_FLOAT}},
    "output": {"shape": [len(LABELS)], **_FLOAT},
    "normalisation": {},
    "calibration": None,
    "keras_test": FACTS["test"],
    "versions": {},
}


WEIGHTS = np.random.default_rng(0).normal(0, 0.01, (len(LABELS), FRAMES * BANDS)).astype(np.float32)


def flatbuffer(
    weights: NDArray[np.float32] = WEIGHTS,
    shape: tuple[int, ...] = (1, FRAMES, BANDS),
    *,
    softmax: bool = True,
    normalisation: Sequence[NDArray[np.float32]] = (),
) -> bytes:
    """Return a network of a dense layer and a softmax.

    Args:
        weights: of the layer, shape (classes, inputs).
        shape: of the input `mel`.
        softmax: whether there is one.
        normalisation: mean and deviation of the input, which lie beside it.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    def tensor(name: str, axes: tuple[int, ...], buffer: int = 0) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, list(axes), buffer
        return made

    def operator(name: str, inputs: list[int], output: int) -> Any:
        made, code = schema.OperatorT(), schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = code.builtinCode, 1
        made.opcodeIndex, made.inputs, made.outputs = len(model.operatorCodes), inputs, [output]
        model.operatorCodes.append(code)
        return made

    model, graph, buffer = schema.ModelT(), schema.SubGraphT(), schema.BufferT()
    model.version, model.operatorCodes, model.subgraphs = 3, [], [graph]
    buffer.data = np.frombuffer(weights.tobytes(), np.uint8)
    model.buffers = [schema.BufferT(), buffer]
    outputs = (1, len(weights))
    graph.tensors = [tensor("mel", shape), tensor("weights", weights.shape, 1)]
    graph.tensors += [tensor("logits", outputs), tensor("probabilities", outputs)]
    for part, values in zip((MEAN, DEVIATION), normalisation, strict=False):
        beside = schema.BufferT()
        beside.data = np.frombuffer(values.tobytes(), np.uint8)
        graph.tensors.append(tensor(f"mel{part}", values.shape, len(model.buffers)))
        model.buffers.append(beside)
    dense = operator("FULLY_CONNECTED", [0, 1, -1], 2)
    dense.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    dense.builtinOptions = schema.FullyConnectedOptionsT()
    last = operator("SOFTMAX", [2], 3)
    last.builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
    last.builtinOptions = schema.SoftmaxOptionsT()
    last.builtinOptions.beta = 1.0
    graph.operators = [dense, last] if softmax else [dense]
    graph.inputs, graph.outputs = [0], [3 if softmax else 2]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def exported_file(path: Path, card: Any = None, network: bytes | None = None) -> Path:
    """Write an exported file, sealed whatever it holds."""
    path.write_bytes(pack(flatbuffer() if network is None else network, card or CARD))
    return path


def with_card(network: bytes, text: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an exported file whose card is any text, packed by any method."""
    file = BytesIO(network)
    with zipfile.ZipFile(file, "a", method) as archive:
        archive.writestr("genrecls.json", text)
        archive.comment = b"genrecls-sha256:" + b"0" * 64
    return resealed(file.getvalue())


def resealed(content: bytes) -> bytes:
    """Return a changed file with its digest made anew, as whoever means harm would do it."""
    return content[:-64] + sha256(content[:-64]).hexdigest().encode()


def keras_file(path: Path, text: bytes, method: int = zipfile.ZIP_STORED) -> Path:
    """Write what of a `model.keras` is read without Keras: a zip with a card."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("genrecls.json", text)
    return path
