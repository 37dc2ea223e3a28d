"""Arrays, tables and texts as a C++ compiler reads them, against the values that were written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genrecls.export.bundle.c_project import (
    array,
    number,
    text,
    write_golden,
    write_model,
    write_tables,
)
from genrecls.export.bundle.c_tables import front_end_tables, interface, sparse_rows
from genrecls.export.formats import ExportFormat, Mode
from genrecls.export.tflite.flatbuffer import graphs
from genrecls.features.mfcc import Mfcc
from tests.export.compiled import COMPILER, build, output
from tests.export.conftest import Made, Make
from tests.export.exported import features, segment_rule

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")

LABELS = ("blues", 'drum & "bass"', "r\\b??/", "ré\nggae")

# Prints what the compiler read as JSON, floats with all their digits.
CHECKS = r"""
#include <cinttypes>
#include <cstdio>
#include "golden.h"
#include "model.h"
#include "tables.h"
using namespace genrecls;
template <class T>
void Print(const char* name, const T* values, std::size_t count) {
  std::printf(", \"%s\": [", name);
  for (std::size_t i = 0; i < count; ++i)
    std::printf("%s%.9g", i ? ", " : "", static_cast<double>(values[i]));
  std::printf("]");
}
int main() {
  std::printf("{\"aligned\": %d", reinterpret_cast<std::uintptr_t>(kModel) % 16 == 0);
  Print("model", kModel, kModelSize);
  for (std::size_t i = 0; i < kLabelCount; ++i)
    for (const char* c = kLabels[i]; ; ++c) {
      std::printf("%s%d", c == kLabels[i] ? (i ? "], [" : ", \"labels\": [[") : ", ", *c & 255);
      if (!*c) break;
    }
  std::printf("]], \"input\": [\"%s\", %zu, %.9g, %d]", kInputs[0].name, kInputs[0].size,
              static_cast<double>(kInputs[0].scale), kInputs[0].zero_point);
  Print("inputs", kGoldenInputs[0], kGoldenCount * kInputs[0].size);
  Print("outputs", kGoldenOutputs, kGoldenCount * kLabelCount);
#ifdef FRONT_END
  const double constants[] = {kSampleRate, kSegmentSamples, kPadding, kFftSize, kHopLength,
                              kFrames, kMelBands, kPower, static_cast<double>(kFloor),
                              static_cast<double>(kReference), static_cast<double>(kTopDecibels)};
  Print("constants", constants, sizeof(constants) / sizeof(*constants));
  Print("window", kWindow, kFftSize);
  Print("cosine", kCosine, kMelBands * kCoefficients);
  std::printf(", \"mel\": [");
  for (std::size_t band = 0; band < kMelBands; ++band)
    for (std::size_t bin = 0; bin <= kFftSize / 2; ++bin) {
      const MelFilter& f = kMelFilters[band];
      const bool inside = bin >= f.first && bin < f.first + f.length;
      const double weight =
          inside ? static_cast<double>(kMelWeights[f.offset + bin - f.first]) : 0.0;
      std::printf("%s%.9g", band + bin ? ", " : "", weight);
    }
  std::printf("]");
#endif
  std::printf("}\n");
}
"""


@pytest.mark.process
@needs_compiler
@pytest.mark.parametrize("mode", ["int8", "float32"])
def test_a_compiler_reads_what_python_wrote(make: Make, tmp_path: Path, mode: Mode) -> None:
    made = make("crnn")
    flatbuffer = made.flatbuffer(ExportFormat("features", mode))
    spec, rule = features("mfcc", lifter=22.0), segment_rule()
    assert isinstance(spec, Mfcc)
    inputs, outputs = _golden(made, mode)
    write_model(tmp_path, flatbuffer)
    write_tables(tmp_path, interface(flatbuffer), spec, rule, LABELS)
    write_golden(tmp_path, [inputs], outputs)
    found = _read_by_compiler(tmp_path, "-DFRONT_END")
    (tensor,) = ((graph := graphs(flatbuffer)[0]).tensors[graph.inputs[0]],)
    assert found["aligned"] == 1
    assert bytes(map(int, found["model"])) == flatbuffer
    assert [bytes(codes[:-1]).decode() for codes in found["labels"]] == list(LABELS)
    assert found["input"] == ["mfcc", 22 * 13, pytest.approx(tensor.scale), tensor.zero_point]
    assert np.array_equal(np.float32(found["inputs"]), inputs.ravel().astype(np.float32))
    assert np.array_equal(np.float32(found["outputs"]), outputs.ravel().astype(np.float32))
    assert np.array_equal(np.float32(found["window"]), spec.front_end.window_samples)
    assert np.array_equal(np.float32(found["cosine"]).reshape(16, 13), spec.front_end.basis)
    assert np.array_equal(np.float32(found["mel"]).reshape(16, 129), spec.front_end.filters)
    expected = [8000, 2720, 128, 256, 128, 22, 16, 2, 1e-10, 1.0, 80.0]
    assert found["constants"] == pytest.approx(expected)


@pytest.mark.tensorflow
@pytest.mark.process
@needs_compiler
def test_features_without_tables_have_labels_and_scales(make: Make, tmp_path: Path) -> None:
    made = make("mlp")
    flatbuffer = made.flatbuffer(ExportFormat("features", "int8"))
    inputs, outputs = np.zeros((1, made.tiny.inputs["summary"].shape[1]), np.int8), _zeros(1)
    write_model(tmp_path, flatbuffer)
    write_tables(tmp_path, interface(flatbuffer), made.tiny.card.features, segment_rule(), LABELS)
    write_golden(tmp_path, [inputs], outputs)
    assert "kWindow" not in (tmp_path / "src" / "tables.h").read_text(encoding="utf-8")
    assert _read_by_compiler(tmp_path)["input"][:2] == ["summary", inputs.shape[1]]


def test_segments_cut_from_frames_need_no_padding() -> None:
    front = front_end_tables(features("mel"), segment_rule("spectrogram"))
    assert front is not None
    assert (front.samples, front.padding, front.frames) == (20 * 128 + 256, 0, 21)
    assert front.cosine is None


@pytest.mark.tensorflow
def test_the_comments_of_the_tables_say_what_the_features_are(make: Make, tmp_path: Path) -> None:
    flatbuffer = make("cnn").flatbuffer(ExportFormat("features", "int8"))
    spec = features("mel", ref="max", top_db=None, power=1)
    write_tables(tmp_path, interface(flatbuffer), spec, segment_rule(), LABELS)
    header = (tmp_path / "src" / "tables.h").read_text(encoding="utf-8")
    assert "loudest band of the segment" in header
    assert "kReferenceIsLoudest = true" in header
    assert "its spectrum: magnitudes" in header
    assert "kTopDecibels" not in header
    assert "kCosine" not in header


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("compression", "present"),
    [("log1p", ["log10(1 + kLogGain * band)", "kLogGain = 1000"]), ("pcen", ["kPcenSmoothing = "])],
)
def test_tables_say_how_bands_are_compressed(
    make: Make, tmp_path: Path, compression: str, present: list[str]
) -> None:
    flatbuffer = make("cnn").flatbuffer(ExportFormat("features", "int8"))
    spec = features("mel", compression=compression, log_gain=1000.0)
    write_tables(tmp_path, interface(flatbuffer), spec, segment_rule(), LABELS)
    header = (tmp_path / "src" / "tables.h").read_text(encoding="utf-8")
    assert all(text in header for text in present)
    assert "kFloor = " not in header
    assert "decibels" not in header


def test_a_sparse_matrix_is_the_matrix() -> None:
    matrix = np.asarray([[0, 1, 2, 0], [0, 0, 3, 0], [4, 0, 5, 6]], np.float32)
    rows, weights = sparse_rows(matrix)
    assert [(row.first, row.length, row.offset) for row in rows] == [
        (1, 2, 0),
        (2, 1, 2),
        (0, 4, 3),
    ]
    assert weights.tolist() == [1, 2, 3, 4, 0, 5, 6]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0.0f"), (0.1, "0.1f"), (1e-10, "1e-10f"), (-2.5e20, "-2.5e+20f")],
)
def test_numbers_are_literals_of_single_precision(value: float, expected: str) -> None:
    assert np.float32(number(value).removesuffix("f")) == np.float32(value)
    assert number(value) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be written as a C literal"):
        number(value)


def test_texts_are_escaped() -> None:
    assert text('a"b\\?é') == '"a\\042b\\134\\077\\303\\251"'


def test_lines_of_arrays_are_short() -> None:
    lines = array(np.linspace(-1, 1, 100, dtype=np.float32)).splitlines()
    assert len(lines) > 5
    assert max(map(len, lines)) <= 100


def _golden(made: Made, mode: Mode) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    if mode == "float32":
        return made.tiny.inputs["mfcc"][:3], made.tiny.answers[:3].astype(np.float32)
    rng = np.random.default_rng(0)
    return rng.integers(-128, 128, (3, 22, 13)).astype(np.int8), _zeros(3)


def _zeros(count: int) -> np.ndarray[Any, Any]:
    return np.zeros((count, len(LABELS)), np.int8)


def _read_by_compiler(folder: Path, *flags: str) -> Mapping[str, Any]:
    (folder / "checks.cc").write_text(CHECKS, encoding="utf-8")
    program = build(
        folder, ["checks.cc", "src/model.cc", "src/tables.cc", "test/golden.cc"], *flags
    )
    status, lines = output(program)
    assert status == 0
    found: Mapping[str, Any] = json.loads("\n".join(lines))
    return found
