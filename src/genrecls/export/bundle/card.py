"""The model card of an export: what the files are, what they are worth, how to use them.

Its sections follow Mitchell et al. 2019, "Model Cards for Model Reporting" (FAT*).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from genrecls.files.templates import templates
from genrecls.reports.numbers import DASH, count, decimal, percent
from genrecls.runtime.description import leak_mark

if TYPE_CHECKING:
    from jinja2 import Environment

Facts = Mapping[str, Any]

_FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_LEAKY = (
    "The split is LEAKY: segments of one track are in the train part and in the test part, so "
    "every score below is too high and says little about new music."
)
_SHARED = (
    "Artists are on both sides of the split: part of every score below may be recognition of an "
    "artist instead of a genre."
)
_GENERATED = (
    "It was trained on generated data, not on recorded music. The scores show that everything "
    "works; do not use it to classify music."
)


def card(export: Facts, benchmark: Facts | None) -> str:
    """Return the model card in Markdown.

    Args:
        export: content of `export.json`.
        benchmark: content of `benchmark.json`, if latency was measured.
    """
    kept = [file for file in export["files"] if file["status"] == "kept"]
    return (
        _environment()
        .get_template("card.md.j2")
        .render(
            export=export,
            benchmark=benchmark,
            mark=leak_mark(export["leaks"]),
            warnings=list(_warnings(export)),
            features=_features(export["features"]),
            segment=_segment(export["segment"]),
            scores=_scores(export, kept),
            kept=kept,
            missing=[file for file in export["files"] if file["status"] != "kept"],
            best=_best(kept),
            heard="fmax" in export["features"],
            outside=any("mean" in source for file in kept for source in file["inputs"].values()),
            fused=any(_uses(file, _FUSED) for file in kept),
            quantised=[file for file in kept if file["mode"] == "int8"],
        )
    )


def _environment() -> Environment:
    written = {"decimal": decimal, "percent": percent, "amount": count}
    own = {"cell": _cell, "operators": _operators, "arena": _arena, "gate": _gate}
    return templates("genrecls.export.bundle", "templates", {**written, **own}, html=False)


def _cell(text: object) -> str:
    """Return `text` as one cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _warnings(export: Facts) -> Iterator[str]:
    if "track" in export["leaks"]:
        yield _LEAKY
    elif "artist" in export["leaks"]:
        yield _SHARED
    if export["generated"]:
        yield _GENERATED


def _scores(export: Facts, kept: list[Facts]) -> list[tuple[str, Facts, Facts]]:
    """Return name, file and test scores of the model, then of each file."""
    keras = export["keras"]
    named = [(f"`{file['file']}`", file, file["test"]) for file in kept]
    return [("Keras (`model.keras`)", keras, keras["test"]), *named]


def _best(kept: list[Facts]) -> str:
    """Return the file for the examples: float32 if there is one, for every runtime takes it."""
    files = sorted((file["mode"] != "float32", file["file"]) for file in kept)
    return str(files[0][1]) if files else ""


def _features(spec: Facts) -> str:
    """Return what the network is fed, in words."""
    if "fmax" not in spec:
        facts = ", ".join(f"{k} {v}" for k, v in spec.items() if k != "name")
        return f"`{spec['name']}`{f' ({facts})' if facts else ''}"
    high = spec["fmax"] or spec["sample_rate"] / 2
    loudest = "the loudest value" if spec["ref"] == "max" else f"{spec['ref']:g}"
    floor = f", at most {spec['top_db']:g} dB below the loudest" if spec["top_db"] else ""
    bands = (
        f"{spec['n_mels']} mel bands ({spec['mel_scale']} scale) from {spec['fmin']:g} to "
        f"{high:g} Hz, in dB relative to {loudest}{floor}"
    )
    first = f"{spec['n_mfcc']} MFCC of " if "n_mfcc" in spec else ""
    frames = "centred" if spec["center"] else "not centred"
    return (
        f"`{spec['name']}`: {first}{bands}; {spec['window']} windows of {spec['n_fft']} samples "
        f"every {spec['hop_length']} samples, {frames}, of mono audio at {spec['sample_rate']} Hz"
    )


def _segment(rule: Facts) -> str:
    """Return how a track is cut, in words."""
    hop = rule["hop"] or rule["length"]
    cut = (
        "each segment is cut from the audio and transformed by itself"
        if rule["source"] == "audio"
        else "the frames of the whole track are cut"
    )
    return f"segments of {rule['length']:g} s, one every {hop:g} s; {cut}"


def _uses(file: Facts, operator: str) -> bool:
    return any(use["name"] == operator for use in file["operators"])


def _operators(file: Facts) -> str:
    """Return the operators of a file; those that TFLite Micro does not run are in bold."""
    shown = (f"{use['name']} x{use['count']}" for use in file["operators"])
    runs = (use["micro"] for use in file["operators"])
    return ", ".join(
        text if micro else f"**{text}**" for text, micro in zip(shown, runs, strict=True)
    )


def _arena(file: Facts) -> str:
    """Return size and origin of the tensor arena."""
    arena = file.get("arena")
    if not arena:
        return DASH
    origin = "estimate" if arena["source"] == "estimate" else f"reported by {arena['source']}"
    return f"{count(arena['bytes'])} ({origin})"


def _gate(file: Facts) -> str:
    """Return the cells that compare a kept file with Keras."""
    gate = file["gate"]
    return (
        f"{gate['difference']:.2g} | {percent(gate['decisions'])} | "
        f"{100 * gate['track_accuracy_lost']:+.1f} | {_allowed(file['bounds'])}"
    )


def _allowed(bounds: Facts) -> str:
    """Return in words what a file was held to."""
    words = {
        "difference": lambda bound: f"difference {bound:g}",
        "decisions": lambda bound: f"{percent(bound)} equal",
        "accuracy": lambda bound: f"{100 * bound:g} points lost",
    }
    held = [words[name](bound) for name, bound in bounds.items() if bound is not None]
    return ", ".join(held) or "anything"
