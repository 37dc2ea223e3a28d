"""The child process of `micro.run`: `python -m genrecls.export.verify.micro_child FOLDER BYTES`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def main(folder: Path, size: int) -> None:
    """Run `model.tflite` of `folder` on `inputs.npz` and write `outputs.npy` beside them."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(
        (folder / "model.tflite").read_bytes(), arena_size=size
    )
    with np.load(folder / "inputs.npz") as stored:
        inputs = [stored[f"arr_{index}"] for index in range(len(stored.files))]
    examples = zip(*inputs, strict=True)
    np.save(folder / "outputs.npy", np.stack([_answer(interpreter, one) for one in examples]))
    # The report goes to standard error, where the parent reads it.
    interpreter.print_allocations()


def _answer(interpreter: Any, example: tuple[NDArray[np.generic], ...]) -> NDArray[np.generic]:
    # An LSTM would go on from the state in which the example before left it.
    interpreter.reset()
    for index, values in enumerate(example):
        interpreter.set_input(values[None], index)
    interpreter.invoke()
    output: NDArray[np.generic] = interpreter.get_output(0)[0].copy()
    return output


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
