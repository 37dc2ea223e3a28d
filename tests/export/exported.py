"""Tiny networks of every family, with weights that matter, and the files made of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genrecls.config.validation import select, validate
from genrecls.dsp.segments import audio_window
from genrecls.export.convert.conversion import ConversionRequest, ConversionResult
from genrecls.export.convert.limitations import refusal
from genrecls.export.formats import INPUTS, MODES, ExportFormat, Mode
from genrecls.features.base import FEATURES, FeatureSpec
from genrecls.features.segmentation import SegmentRule
from genrecls.models.base import Normalisation
from genrecls.runs import model_file
from genrecls.runtime.network import Network
from tests.composed import conf_values
from tests.models.families import build_for

LABELS = ("blues", "jazz", "metal", "rock")
RATE = 8000
SEGMENTS = 40
UNROLL_STEPS = 40

FORMATS = tuple(ExportFormat(kind, mode) for kind in INPUTS for mode in MODES)

_SPECTRUM = {"sample_rate": RATE, "n_fft": 256, "hop_length": 128, "n_mels": 16}
_FEATURES: Mapping[str, Mapping[str, Any]] = {
    "mel": _SPECTRUM,
    "mfcc": {**_SPECTRUM, "n_mfcc": 13},
    "mel_image": {**_SPECTRUM, "size": [32, 32], "colour": "jet"},
    "summary": {"sample_rate": RATE, "n_fft": 256, "hop_length": 128},
}

_SMALL: Mapping[str, Any] = {"filters": 8, "kernel": [3, 3], "stride": [1, 1], "pool": [2, 2]}
_CONV = {"blocks": [{**_SMALL, "pool_stride": None}] * 2}


@dataclass(frozen=True)
class Sort:
    """What a tiny network is: family, features, changes of the YAML file, and what is cut."""

    family: str
    features: str
    changes: Mapping[str, Any]
    source: str = "audio"


def _rnn(cell: str, *units: int, both: bool = False, source: str = "audio") -> Sort:
    recurrent = {"cell": cell, "units": list(units), "bidirectional": both}
    return Sort("rnn", "mfcc", {"recurrent": recurrent}, source)


def _crnn(features: str, cell: str, **changes: Any) -> Sort:
    conv = {**_CONV, **changes.pop("conv", {})}
    recurrent = {"cell": cell, "units": [8]}
    return Sort("crnn", features, {"conv": conv, "recurrent": recurrent, **changes})


SORTS: Mapping[str, Sort] = {
    "cnn": Sort("cnn", "mfcc", {"conv": _CONV}),
    "cnn_selu": Sort("cnn", "mel", {"conv": {**_CONV, "activation": "selu", "norm": "after_pool"}}),
    "cnn_elu": Sort(
        "cnn",
        "mel",
        {"conv": {**_CONV, "activation": "elu", "norm": "after_activation"}},
        "spectrogram",
    ),
    "rnn_lstm": _rnn("lstm", 12, 8, source="spectrogram"),
    "rnn_bilstm": _rnn("lstm", 8, 6, both=True),
    "rnn_gru": _rnn("gru", 8),
    "rnn_bigru": _rnn("gru", 6, both=True),
    "rnn_simple": _rnn("simple", 8, both=True),
    "crnn": _crnn("mfcc", "lstm"),
    "crnn_parallel": _crnn("mel", "lstm", join="parallel", conv={"norm": "none"}),
    "crnn_published": _crnn("mel", "gru", frames="published"),
    "cnn_mlp": Sort("cnn_mlp", "multi_input", {"conv": _CONV}),
    "mlp": Sort("mlp", "summary", {"head": {"units": [16, 8]}}),
    "separable": Sort(
        "separable",
        "mel",
        {
            "stem": {"filters": 8, "kernel": [3, 3], "stride": [2, 1], "pool": [1, 2]},
            "blocks": [
                {"filters": 8, "stride": 1, "pool": None, "expansion": 2},
                {"filters": 12, "stride": 2, "pool": None, "expansion": 1},
            ],
            "kind": "inverted_residual",
            "squeeze": 4,
            "centring": "band",
        },
    ),
    "vgg16": Sort("vgg16", "mel_image", {"head": {"units": [8]}}),
}


@dataclass(frozen=True, eq=False)
class Tiny:
    """A network in its file, with something for it to hear.

    Attributes:
        inputs: segments as the network takes them, by input.
        audio: the samples of the same segments, for files that take audio; empty where there are no
            such files.
    """

    path: Path
    model: Any
    card: model_file.ModelCard
    inputs: Mapping[str, NDArray[np.float32]]
    audio: NDArray[np.float32]

    @cached_property
    def answers(self) -> NDArray[np.float64]:
        """What Keras says to the segments."""
        return np.asarray(self.model.predict_on_batch(dict(self.inputs)), np.float64)

    def request(self, *formats: ExportFormat) -> ConversionRequest:
        """A request for `formats`, or for all that are possible."""
        possible = tuple(one for one in FORMATS if self.refusal(one) is None)
        return ConversionRequest(self.path, formats or possible, self.inputs, UNROLL_STEPS)

    def taken_by(self, export_format: ExportFormat) -> Mapping[str, NDArray[np.float32]]:
        """The segments as a file takes them."""
        return self.inputs if export_format.input == "features" else {"audio": self.audio}

    def refusal(self, export_format: ExportFormat) -> str | None:
        """Why there is no such file."""
        return refusal(self.model, self.card, export_format, UNROLL_STEPS)


def features(name: str, **changes: Any) -> FeatureSpec:
    """Return features as configured, made small."""
    values = _values(name)
    return select(FEATURES, {**values, **changes})


def _values(name: str) -> dict[str, Any]:
    if name == "multi_input":
        return {"name": name, "picture": _values("mel"), "summary": _values("summary")}
    return {**conf_values(f"features/{name}"), **_FEATURES[name]}


def segment_rule(source: str = "audio", length: float = 0.34) -> SegmentRule:
    """Return a rule for short segments."""
    values = {**conf_values("segment/3s"), "length": length, "source": source}
    return validate(SegmentRule, values, "segment")


def music(count: int, length: int) -> NDArray[np.float32]:
    """Return `count` different sounds of `length` samples: tones of all heights, noise, gaps."""
    rng = np.random.default_rng(7)
    time = np.arange(length) / RATE
    sounds = []
    for _ in range(count):
        pitch, beat, noisy = rng.uniform(80, 2000), rng.uniform(0.05, 0.4), rng.uniform(0, 0.3)
        tone = np.sin(2 * np.pi * pitch * time) * (time % beat < beat / 2)
        sounds.append(rng.uniform(0.05, 0.9) * (tone + noisy * rng.standard_normal(length)))
    return np.asarray(sounds, np.float32)


def tiny(name: str, folder: Path) -> Tiny:
    """Build the network `name` of `SORTS` and save it in `folder`."""
    import keras

    keras.utils.set_random_seed(3)
    sort = SORTS[name]
    card = _card(features(sort.features), segment_rule(sort.source))
    inputs, audio = _heard(card)
    statistics = {key: _statistics(array) for key, array in inputs.items()}
    shapes = card.segment.shapes(card.features)
    model = build_for(
        sort.family, shapes, statistics=statistics, n_classes=len(LABELS), **sort.changes
    )
    _disturb(model)
    _make_decisive(model, inputs)
    path = folder / f"{name}.keras"
    model_file.save(path, model, card)
    return Tiny(path, model, card, inputs, audio)


def convert_here(request: ConversionRequest, folder: Path) -> dict[ExportFormat, ConversionResult]:
    """Convert in this process: several times as fast, and nothing here should crash."""
    from genrecls.export.convert.conversion_folder import ConversionFolder
    from genrecls.export.convert.worker import main

    folder.mkdir()
    shared = ConversionFolder(folder)
    shared.write_request(request)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main(folder)
    return results(request, folder)


def results(request: ConversionRequest, folder: Path) -> dict[ExportFormat, ConversionResult]:
    """Return what a conversion has left in `folder`."""
    from genrecls.export.convert.conversion_folder import ConversionFolder

    shared = ConversionFolder(folder)
    left = {one: shared.result(one) for one in request.formats}
    return {one: result for one, result in left.items() if result is not None}


def converted(model: Any, mode: Mode) -> bytes:
    """Return the file of any network, without a card."""
    from genrecls.export.convert.worker import network

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return network(model, mode, None)


def run(flatbuffer: bytes, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return the probabilities of every segment, computed by LiteRT, integers translated."""
    return Network(flatbuffer).probabilities(inputs)


def operators(flatbuffer: bytes) -> list[str]:
    """Return the names of the operators of all subgraphs."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = taken_apart(flatbuffer)
    codes = [one.opcodeIndex for graph in model.subgraphs for one in graph.operators]
    return [str(flatbuffer_utils.opcode_to_name(model, code)) for code in codes]


def taken_apart(flatbuffer: bytes) -> Any:
    """Return the objects of the file, as TensorFlow's own tool reads them."""
    from tensorflow.lite.tools import flatbuffer_utils

    return flatbuffer_utils.read_model_from_bytearray(bytearray(flatbuffer))


def _card(spec: FeatureSpec, rule: SegmentRule) -> model_file.ModelCard:
    return model_file.ModelCard(
        labels=LABELS,
        features=spec,
        segment=rule,
        vote="mean",
        run="tiny-01234567",
        dataset="tiny",
        split="track",
        leaks=(),
        generated=True,
        test={
            "track": {"accuracy": 0.75, "macro_f1": 0.7},
            "segment": {"accuracy": 0.5, "macro_f1": 0.4},
        },
    )


def _heard(card: model_file.ModelCard) -> tuple[dict[str, Any], NDArray[np.float32]]:
    """Return segments of made-up music, as the network takes them and as samples."""
    spec, rule = card.features, card.segment
    if spec.name in {"multi_input", "summary"}:
        rng = np.random.default_rng(3)
        shapes = rule.shapes(spec)
        inputs = {
            key: rng.normal(5, 3, (SEGMENTS, *shape)).astype(np.float32)
            for key, shape in shapes.items()
        }
        return inputs, np.empty((0, 0), np.float32)
    audio = music(SEGMENTS, audio_window(asdict(spec), asdict(rule)).length)
    if rule.source == "audio":
        return spec.transform(audio), audio
    # What the network sees of the frames of a track: those that lie wholly inside the samples.
    uncentred = select(FEATURES, {**_values(spec.name), "center": False})
    return uncentred.transform(audio), audio


def _statistics(array: NDArray[np.float32]) -> Normalisation:
    axes = tuple(range(array.ndim - 1))
    return Normalisation(array.mean(axes, np.float64), array.var(axes, dtype=np.float64) + 1e-3)


def _disturb(model: Any) -> None:
    """Make every weight count, those too that begin as zeros and ones."""
    rng = np.random.default_rng(11)
    for layer in model.layers:
        if not layer.name.startswith(("normalise", "block")):
            layer.set_weights([_disturbed(weight, rng) for weight in layer.get_weights()])


def _make_decisive(model: Any, inputs: Mapping[str, NDArray[np.float32]]) -> None:
    """Change the last layer so that all labels are chosen for some segments, and not by a hair."""
    import keras

    last = model.get_layer("probabilities")
    found = keras.Model(model.input, last.input).predict_on_batch(dict(inputs))
    kernel, bias = last.get_weights()
    logits = found @ kernel + bias
    scale = 2 / logits.std(axis=0)
    last.set_weights([kernel * scale, (bias - logits.mean(axis=0)) * scale])


def _disturbed(weight: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    noise = 0.15 * rng.standard_normal(weight.shape)
    # A vector may be a variance, which stays positive.
    return np.asarray(weight + (np.abs(noise) if weight.ndim == 1 else noise))
