"""The C++ front end against `genrecls.dsp`: same samples, same features, in blocks of any size."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from numpy.typing import NDArray

from genrecls.export.bundle.c_project import front_end_bytes, write_front_end, write_tables
from genrecls.export.bundle.c_tables import (
    Input,
    Interface,
    front_end_tables,
    reason_not_to_compute,
)
from genrecls.export.bundle.golden_audio import golden_audio
from genrecls.export.tflite.flatbuffer import Tensor
from genrecls.features.mel import Mel
from genrecls.features.mfcc import Mfcc
from tests.export.compiled import COMPILER, build
from tests.export.exported import RATE, features, music, segment_rule

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(COMPILER is None, reason="no C++ compiler"),
]

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def bands(name: str, **changes: Any) -> Mel | Mfcc:
    """Return features that a device can compute."""
    spec = features(name, **changes)
    assert isinstance(spec, Mel | Mfcc)
    return spec


@dataclass(frozen=True)
class Case:
    """Features, how a stream is cut, and whether the network takes int8."""

    spec: Mel | Mfcc
    source: str = "audio"
    int8: bool = False


CASES: Mapping[str, Case] = {
    "mfcc": Case(bands("mfcc", lifter=22.0)),
    "mfcc_int8": Case(bands("mfcc"), int8=True),
    "mfcc_without_top_db": Case(bands("mfcc", top_db=None, n_fft=512)),
    "mel": Case(bands("mel", n_fft=512, hop_length=200)),
    "mel_int8": Case(bands("mel"), int8=True),
    "mel_below_the_loudest": Case(bands("mel", ref="max", power=1)),
    "mel_not_centred": Case(bands("mel", center=False, top_db=None, ref=0.5)),
    "mel_of_a_whole_track": Case(bands("mel"), source="spectrogram"),
    "mfcc_of_a_whole_track": Case(bands("mfcc", center=False), source="spectrogram"),
    "log1p": Case(bands("mel", compression="log1p", n_fft=128, hop_length=128)),
    "pcen": Case(bands("mfcc", compression="pcen")),
}

# Sends standard input through a front end in blocks of 0 to 998 samples.
DRIVER = """
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
template <class FrontEnd, class Element>
int Run(unsigned seed, std::size_t elements) {
  static FrontEnd front_end;
  Element* features = new Element[elements];
  if (!front_end.Init()) return 1;
  front_end.Reset();
  front_end.Begin(features);
  std::int16_t block[999];
  for (;;) {
    seed = seed * 1664525u + 1013904223u;
    const std::size_t wanted = 1 + (seed >> 8) % 998;
    const std::size_t read = std::fread(block, 2, wanted, stdin);
    for (std::size_t begin = 0; begin < read;) {
      begin += front_end.Feed(block + begin, read - begin);
      if (!front_end.complete()) continue;
      std::fwrite(features, sizeof(Element), elements, stdout);
      front_end.Begin(features);
    }
    if (read < wanted) break;
  }
  delete[] features;
  return 0;
}
"""
INCLUDED = """
#define genrecls case_NAME
#include "NAME/src/tables.cc"
#include "NAME/src/fft.cc"
#include "NAME/src/front_end.cc"
static_assert(sizeof(genrecls::FrontEnd) - BYTES <= 48, "more than wider pointers and counters");
int RunNAME(unsigned seed) {
  return Run<genrecls::FrontEnd, genrecls::Element>(seed, genrecls::kInputs[0].size);
}
#undef genrecls
#undef GENRECLS_TABLES_H_
#undef GENRECLS_FFT_H_
#undef GENRECLS_FRONT_END_H_
"""


def network(case: Case) -> Interface:
    """Return a network that takes the features of a case and gives four probabilities."""
    (shape,) = segment_rule(case.source).shapes(case.spec).values()
    kind, scale = ("INT8", 0.03) if case.int8 else ("FLOAT32", 0.0)
    tensor = Tensor("features", (1, *shape), kind, None, False, 1, scale, -3)  # noqa: FBT003
    mean = deviation = None
    if case.int8:
        mean = np.linspace(-60, 10, shape[-1]).astype(np.float32)
        deviation = np.linspace(30, 5, shape[-1]).astype(np.float32)
    return Interface(
        (Input(tensor, mean, deviation),), tensor, "std::int8_t" if case.int8 else "float"
    )


@pytest.fixture(scope="module")
def program(shared_folder: Path) -> Path:
    """All cases in one program, compiled once."""
    folder = shared_folder / "front_end"
    with FileLock(f"{folder}.lock"):
        if not (folder / "program").exists():
            text = DRIVER
            for name, case in CASES.items():
                rule = segment_rule(case.source)
                write_tables(folder / name, network(case), case.spec, rule, ("a", "b", "c", "d"))
                write_front_end(folder / name, network(case), case.spec, rule)
                counted = front_end_bytes(case.spec, rule)
                assert counted is not None
                # Our own transform keeps nothing.
                size = str(counted - 4 * case.spec.n_fft - 16)
                text += INCLUDED.replace("NAME", name).replace("BYTES", size)
            calls = "".join(
                f'  if (!std::strcmp(words[1], "{n}")) return Run{n}(seed);\n' for n in CASES
            )
            seed = "  const auto seed = static_cast<unsigned>(std::atoi(words[2]));\n"
            text += f"int main(int, char** words) {{\n{seed}{calls}  return 1;\n}}\n"
            (folder / "all.cc").write_text(text, encoding="utf-8")
            build(folder, ["all.cc"], *SANITIZERS)
    return folder / "program"


def computed(program: Path, name: str, samples: NDArray[np.int16], seed: int = 1) -> NDArray[Any]:
    """Return what the front end makes of samples, shape (segments, frames, coefficients)."""
    words = [str(program), name, str(seed)]
    done = subprocess.run(words, input=samples.tobytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    case = CASES[name]
    (shape,) = segment_rule(case.source).shapes(case.spec).values()
    return np.frombuffer(done.stdout, np.int8 if case.int8 else np.float32).reshape(-1, *shape)


@pytest.fixture(scope="module")
def samples() -> NDArray[np.int16]:
    """The golden audio, and three seconds of tones, noise and gaps."""
    audio = golden_audio(CASES["mfcc"].spec, segment_rule())
    assert audio is not None
    return np.concatenate([audio.samples, np.rint(music(3, RATE).ravel() * 9000).astype(np.int16)])


def expected(name: str, samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return what training makes of the segments of a stream, shape (segments, frames, ...)."""
    case = CASES[name]
    tables = front_end_tables(case.spec, segment_rule(case.source))
    assert tables is not None
    padded = np.asarray(np.pad(samples, (tables.lead, 0)) / 32768, np.float32)
    starts = range(0, len(padded) - tables.samples + 1, tables.stride)
    windows = np.stack([padded[start : start + tables.samples] for start in starts])
    # Frames of a whole track have no edges within it.
    spec = replace(case.spec, center=False) if tables.continuous else case.spec
    (found,) = spec.transform(windows).values()
    return np.asarray(found, np.float32)


def stored(name: str, values: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return features as an int8 network takes them."""
    (each,) = network(CASES[name]).inputs
    assert each.mean is not None
    assert each.deviation is not None
    steps = np.rint((values - each.mean) / each.deviation / each.tensor.scale)
    return np.asarray(np.clip(steps + each.tensor.zero_point, -128, 127), np.int8)


FLOAT = [name for name, case in CASES.items() if not case.int8]
INT8 = [name for name, case in CASES.items() if case.int8]


@pytest.mark.parametrize("name", FLOAT)
def test_features_are_those_of_training_within_a_thousandth_of_a_decibel(
    program: Path, samples: NDArray[np.int16], name: str
) -> None:
    assert np.abs(computed(program, name, samples) - expected(name, samples)).max() < 1e-3


@pytest.mark.parametrize("name", INT8)
def test_hardly_any_stored_feature_is_another_and_none_by_more_than_a_step(
    program: Path, samples: NDArray[np.int16], name: str
) -> None:
    found = computed(program, name, samples).astype(int)
    gaps = np.abs(found - stored(name, expected(name, samples)))
    assert gaps.max() <= 1
    assert np.mean(gaps > 0) < 1e-3
    assert {found.min(), found.max()} != {-128, 127}


@pytest.mark.parametrize("name", CASES)
def test_the_size_of_the_blocks_changes_nothing(
    program: Path, samples: NDArray[np.int16], name: str
) -> None:
    first, second = (computed(program, name, samples[:RATE], seed) for seed in (1, 2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", CASES)
def test_silence_and_full_scale_are_numbers(program: Path, name: str) -> None:
    length = RATE // 2
    square = np.where(np.arange(length) % 40 < 20, 32767, -32768)
    edges = np.concatenate([np.zeros(length), square, np.full(length, -32768), np.zeros(length)])
    found = computed(program, name, edges.astype(np.int16))
    assert np.isfinite(found.astype(float)).all()
    if name in FLOAT:
        # Far below a pure tone there is rounding and nothing else.
        assert np.abs(found - expected(name, edges.astype(np.int16)))[0].max() < 1e-3


def test_too_little_sound_gives_nothing(program: Path) -> None:
    assert len(computed(program, "mel", np.zeros(2719, np.int16))) == 0
    assert len(computed(program, "mel", np.zeros(2720, np.int16))) == 1


def test_golden_audio_is_music_clipping_and_silence() -> None:
    audio = golden_audio(CASES["mfcc"].spec, segment_rule())
    assert audio is not None
    ends = [4 * len(audio.samples) // 9, 6 * len(audio.samples) // 9]
    loud, clipped, silence = (part.astype(int) for part in np.split(audio.samples, ends))
    assert 1000 < np.abs(loud).max() < 32767
    assert np.mean(np.abs(clipped) >= 32767) > 0.1
    assert not silence.any()
    assert audio.segments == 3
    (found,) = audio.features.values()
    assert np.array_equal(found, expected("mfcc", audio.samples))


def test_features_without_a_front_end_say_why() -> None:
    assert "power" in str(reason_not_to_compute(features("mel", n_fft=240)))
    assert "features.n_fft=256" in str(reason_not_to_compute(features("mel", n_fft=240)))
    assert "mel_image" in str(reason_not_to_compute(features("mel_image")))
    assert golden_audio(features("mel", n_fft=240), segment_rule()) is None


# The libraries of processors by their real names, slow and simple.
LIBRARIES = {
    "arm_math.h": """
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
struct arm_rfft_fast_instance_f32 { int length; };
enum arm_status { ARM_MATH_SUCCESS };
inline arm_status arm_rfft_fast_init_256_f32(arm_rfft_fast_instance_f32* plan) {
  plan->length = 256;
  return ARM_MATH_SUCCESS;
}
using Plan = arm_rfft_fast_instance_f32;
inline void arm_rfft_fast_f32(const Plan* plan, float* in, float* out, std::uint8_t) {
  const int n = plan->length;
  for (int k = 0; k <= n / 2; ++k) {
    double re = 0, im = 0;
    for (int i = 0; i < n; ++i) {
      re += in[i] * std::cos(2 * M_PI * k * i / n);
      im -= in[i] * std::sin(2 * M_PI * k * i / n);
    }
    out[k == n / 2 ? 1 : 2 * k] = static_cast<float>(re);
    if (k != 0 && k != n / 2) out[2 * k + 1] = static_cast<float>(im);
  }
  for (int i = 0; i < n; ++i) in[i] = 0;
}
""",
    "esp_dsp.h": """
#pragma once
#include <cmath>
#include <cstddef>
#include <cstring>
typedef int esp_err_t;
#define ESP_OK 0
inline esp_err_t dsps_fft2r_init_fc32(float* table, int size) {
  return table != nullptr && size == 256 ? ESP_OK : 1;
}
inline void dsps_fft2r_fc32(float* data, int n) {
  float* out = new float[2 * static_cast<std::size_t>(n)];
  for (int k = 0; k < n; ++k) {
    double re = 0, im = 0;
    for (int i = 0; i < n; ++i) {
      const double c = std::cos(2 * M_PI * k * i / n), s = std::sin(2 * M_PI * k * i / n);
      re += data[2 * i] * c + data[2 * i + 1] * s;
      im += data[2 * i + 1] * c - data[2 * i] * s;
    }
    out[2 * k] = static_cast<float>(re);
    out[2 * k + 1] = static_cast<float>(im);
  }
  std::memcpy(data, out, sizeof(float) * 2 * static_cast<std::size_t>(n));
  delete[] out;
}
inline void dsps_bit_rev_fc32(float*, int) {}
""",
}
TRANSFORM = """
#include <cstdio>
#include "fft.h"
int main() {
  static genrecls::FftState state;
  float frame[genrecls::kFftSize];
  if (!genrecls::FftInit(state)) return 1;
  if (std::fread(frame, sizeof(frame), 1, stdin) != 1) return 1;
  genrecls::FftRun(state, frame);
  std::fwrite(frame, sizeof(frame), 1, stdout);
  return 0;
}
"""


@pytest.mark.parametrize("flag", ["", "-DGENRECLS_FFT_CMSIS", "-DGENRECLS_FFT_ESP"])
def test_every_transform_puts_the_bins_into_the_same_places(tmp_path: Path, flag: str) -> None:
    case = CASES["mfcc"]
    write_tables(tmp_path, network(case), case.spec, segment_rule(), ("a", "b", "c", "d"))
    write_front_end(tmp_path, network(case), case.spec, segment_rule())
    for name, text in {**LIBRARIES, "transform.cc": TRANSFORM}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    flags = [flag, "-Wno-conversion", "-Wno-float-conversion"] if flag else []
    program = build(tmp_path, ["transform.cc", "src/fft.cc", "src/tables.cc"], *flags)
    frame = np.random.default_rng(0).standard_normal(256).astype(np.float32)
    done = subprocess.run([program], input=frame.tobytes(), capture_output=True, check=True)
    bins = np.fft.rfft(frame)
    places = np.stack([bins.real, bins.imag], axis=1)[:-1].ravel()
    places[1] = bins[-1].real
    assert np.frombuffer(done.stdout, np.float32) == pytest.approx(places, abs=1e-4)
