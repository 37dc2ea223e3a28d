"""The child process of `micro.run`: `python -m genrecls.export.verify.micro_child FOLDER BYTES`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def main(folder: Path, size: int) -> None:
    """Run `model.tflite` of `folder` on `inputs.npz` and write `outputs.npy` beside them."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(
        (folder / "model.tflite").read_bytes(), arena_size=size
    )
    with np.load(folder / "inputs.npz") as stored:
        inputs = [stored[f"arr_{index}"] for index in range(len(stored.files))]
    answers = []
    for example in zip(*inputs, strict=True):
        # An LSTM would go on from the state in which the example before left it.
        interpreter.reset()
        for index, values in enumerate(example):
            interpreter.set_input(values[None], index)
        interpreter.invoke()
        answers.append(interpreter.get_output(0)[0].copy())
    np.save(folder / "outputs.npy", np.stack(answers))
    # The report goes to standard error, where the parent reads it.
    interpreter.print_allocations()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
