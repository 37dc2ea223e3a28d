"""The model card of an export: what the files are, what they are worth, how to use them.

Its sections follow Mitchell et al. 2019, "Model Cards for Model Reporting" (FAT*).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from genrecls.export.bundle.deployment import deployment, project_file
from genrecls.export.tflite.flatbuffer import FUSED_LSTM
from genrecls.files.templates import templates
from genrecls.reports.emulation import emulation_table
from genrecls.reports.numbers import DASH, count, decimal, percent
from genrecls.runs.export_facts import ExportFacts
from genrecls.runtime.marks import UNKNOWN_ARTISTS, is_leaky, leak_mark, pretraining_warning

LEAKY = (
    "The split is LEAKY: segments of one track are in the train part and in the test part, so "
    "every score below is too high and says little about new music."
)
SHARED = (
    "Artists are on both sides of the split: part of every score below may be recognition of an "
    "artist instead of a genre."
)
UNKNOWN = (
    "Not all artists are known, and the same may be on both sides of the split: part of every "
    "score below may be recognition of an artist instead of a genre."
)
GENERATED = (
    "It was trained on generated data, not on recorded music. The scores show that everything "
    "works; do not use it to classify music."
)


def card(export: ExportFacts, benchmark: Mapping[str, Any] | None) -> str:
    """Return the model card in Markdown.

    Args:
        export: content of `export.json`.
        benchmark: content of `benchmark.json`, if latency was measured.
    """
    filters: dict[str, Any] = {
        "decimal": decimal,
        "percent": percent,
        "amount": count,
        "cell": lambda text: " ".join(str(text).split()).replace("|", "\\|"),
    }
    kept, operators = export.kept, {use.name for file in export.kept for use in file.operators}
    # For the examples: float32 if there is one, for every runtime takes it.
    best = min(kept, key=lambda file: (file.mode != "float32", file.file), default=None)
    inputs = [tensor for file in kept for tensor in (file.inputs or {}).values()]
    return (
        templates("genrecls.export.bundle", "templates", filters, html=False)
        .get_template("card.md.j2")
        .render(
            export=export,
            benchmark=benchmark,
            dash=DASH,
            mark=leak_mark(export.leaks),
            warnings=score_warnings(export.leaks, export.pretraining, generated=export.generated),
            features=_features(export.features),
            kept=kept,
            deployment=deployment(export),
            project=project_file(kept),
            emulation=(
                emulation_table(benchmark["emulated"]).to_markdown()
                if benchmark and "emulated" in benchmark
                else ""
            ),
            missing=[file for file in export.files if file.status != "kept"],
            best=best.file if best else "",
            from_audio="fmax" in export.features,
            outside=any("mean" in tensor for tensor in inputs),
            fused=FUSED_LSTM in operators,
            quantised=[file for file in kept if file.mode == "int8"],
            mixed=[file for file in kept if file.mode == "mixed"],
        )
    )


def score_warnings(leaks: Collection[str], pretraining: str, *, generated: bool) -> list[str]:
    """Return what a reader of the scores in a card has to know, worst first.

    Args:
        leaks: kinds of leak between the parts.
        pretraining: what the weights had been trained on before; empty for nothing.
        generated: whether the data were synthetic.
    """
    shared = SHARED if "artist" in leaks else UNKNOWN if UNKNOWN_ARTISTS in leaks else ""
    warnings = (
        LEAKY if is_leaky(leaks) else shared,
        pretraining_warning(pretraining),
        GENERATED if generated else "",
    )
    return [warning for warning in warnings if warning]


def _features(spec: Mapping[str, Any]) -> str:
    """Return what the network is fed, in words."""
    if "fmax" not in spec:
        settings = ", ".join(f"{key} {value}" for key, value in spec.items() if key != "name")
        return f"`{spec['name']}`{f' ({settings})' if settings else ''}"
    high = spec["fmax"] or spec["sample_rate"] / 2
    match spec.get("compression", "db"):
        case "log1p":
            values = f"as log10(1 + {spec['log_gain']:g} x)"
        case "pcen":
            values = (
                f"with per-channel energy normalisation (time constant {spec['pcen_seconds']:g} s, "
                f"gain {spec['pcen_gain']:g}, bias {spec['pcen_bias']:g}, "
                f"power {spec['pcen_power']:g})"
            )
        case _:
            loudest = "the loudest value" if spec["ref"] == "max" else f"{spec['ref']:g}"
            floor = f", at most {spec['top_db']:g} dB below the loudest" if spec["top_db"] else ""
            values = f"in dB relative to {loudest}{floor}"
    bands = (
        f"{spec['n_mels']} mel bands ({spec['mel_scale']} scale) from {spec['fmin']:g} to "
        f"{high:g} Hz, {values}"
    )
    first = f"{spec['n_mfcc']} MFCC of " if "n_mfcc" in spec else ""
    frames = "centred" if spec["center"] else "not centred"
    return (
        f"`{spec['name']}`: {first}{bands}; {spec['window']} windows of {spec['n_fft']} samples "
        f"every {spec['hop_length']} samples, {frames}, of mono audio at {spec['sample_rate']} Hz"
    )
