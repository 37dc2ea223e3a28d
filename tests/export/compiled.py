"""A C++ compiler, and stand-ins for the headers of TensorFlow Lite Micro."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

COMPILER = shutil.which("g++") or shutil.which("clang++")
STRICT = (
    "-std=c++17",
    "-fno-exceptions",
    "-fno-rtti",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Werror",
)

# The parts of the interface that the project uses, with their real signatures. The interpreter
# gives the golden answers, each value as many steps off as the environment says, to golden inputs
# that are off by a step at most. The state must have been reset before.
_INTERPRETER = """
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include "golden.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#define TFLITE_SCHEMA_VERSION (3)
namespace tflite {
inline int Setting(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoi(value);
}
class MicroInterpreter {
 public:
  MicroInterpreter(const Model*, const MicroOpResolver& resolver, uint8_t* arena, std::size_t size)
      : size_(size), complete_(resolver.complete()) {
    aligned_ = reinterpret_cast<std::uintptr_t>(arena) % 16 == 0;
  }
  TfLiteStatus AllocateTensors() {
    return aligned_ && complete_ && size_ >= arena_used_bytes() ? kTfLiteOk : kTfLiteError;
  }
  TfLiteStatus Reset() {
    fresh_ = true;
    return kTfLiteOk;
  }
  TfLiteStatus Invoke() {
    if (!fresh_) return kTfLiteError;
    fresh_ = false;
    for (std::size_t e = 0; e < genrecls::kGoldenCount; ++e) {
      const std::size_t size = genrecls::kInputs[0].size;
      const genrecls::Element* golden = genrecls::kGoldenInputs[0] + e * size;
      bool same = true;
      for (std::size_t i = 0; i < size; ++i) {
        const auto apart = input_[0][i] - golden[i];
        same = same && apart <= 1 && -apart <= 1;
      }
      if (!same) continue;
      for (std::size_t i = 0; i < genrecls::kLabelCount; ++i) {
        const auto expected = genrecls::kGoldenOutputs[e * genrecls::kLabelCount + i];
        const int steps = Setting("STUB_ERROR", 0);
        const int error = expected > 0 ? -steps : steps;
        output_[i] = static_cast<genrecls::Element>(expected + static_cast<float>(error));
      }
      return kTfLiteOk;
    }
    return kTfLiteError;
  }
  template <class T>
  T* typed_input_tensor(int index) { return input_[index]; }
  template <class T>
  T* typed_output_tensor(int) { return output_; }
  std::size_t arena_used_bytes() const {
    return static_cast<std::size_t>(Setting("STUB_ARENA", 1));
  }

 private:
  std::size_t size_;
  bool complete_;
  bool aligned_;
  bool fresh_ = false;
  genrecls::Element input_[genrecls::kInputCount][1 << 18];
  genrecls::Element output_[genrecls::kLabelCount];
};
}  // namespace tflite
"""
_RESOLVER = """
#pragma once
#include "tensorflow/lite/schema/schema_generated.h"
namespace tflite {
class MicroOpResolver {
 public:
  virtual ~MicroOpResolver() = default;
  virtual bool complete() const = 0;
};
template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  bool complete() const override { return added_ == tOpCount; }
METHODS
 private:
  unsigned int added_ = 0;
};
}  // namespace tflite
"""
_SCHEMA = """
#pragma once
#include <cstdint>
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
namespace tflite {
struct Model {
  std::uint32_t version() const { return 3; }
};
inline const Model* GetModel(const void* buffer) { return static_cast<const Model*>(buffer); }
}  // namespace tflite
"""
_LOG = """
#pragma once
#include <cstdarg>
#include <cstdio>
inline void MicroPrintf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\\n");
}
"""
_SETUP = "#pragma once\nnamespace tflite { inline void InitializeTarget() {} }\n"


def write_stand_ins(folder: Path, methods: Sequence[str]) -> None:
    """Write headers whose resolver can add what `methods` say."""
    added = "\n".join(
        f"  TfLiteStatus {name}() {{ ++added_; return kTfLiteOk; }}" for name in methods
    )
    lite = folder / "tensorflow" / "lite"
    headers = {
        "micro/micro_interpreter.h": _INTERPRETER,
        "micro/micro_mutable_op_resolver.h": _RESOLVER.replace("METHODS", added),
        "micro/micro_log.h": _LOG,
        "micro/system_setup.h": _SETUP,
        "schema/schema_generated.h": _SCHEMA,
    }
    for name, text in headers.items():
        path = lite / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def build(folder: Path, sources: Sequence[str], *flags: str, name: str = "program") -> Path:
    """Compile `sources` in `folder` with all warnings as errors; return the program `name`."""
    assert COMPILER
    program = folder / name
    folders = [f"-I{folder / name}" for name in (".", "src", "test")]
    words = [COMPILER, *STRICT, *flags, *folders, *sources, "-o", str(program)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def output(program: Path, *words: str, **environment: str) -> tuple[int, list[str]]:
    """Return the exit status of a program and the lines that it prints."""
    done = subprocess.run(
        [program, *words],
        cwd=program.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()
