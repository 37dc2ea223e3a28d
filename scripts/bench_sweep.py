"""What a sweep costs beyond the trainings themselves.

Run it on an idle machine from the top of the repository:

    python scripts/bench_sweep.py [--seeds 3] [--models mlp,cnn] [--epochs 5]

It sweeps over models and seeds on the small generated data in a folder of its own, one training
after another, and compares the time on the wall with the time that the loops of training have
taken by their own account. The difference holds planning, data and features (once), and for every
training a Python with TensorFlow, evaluation and report; at the end the leaderboard.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from genrecls.runs.find import all_runs


def main() -> None:
    """Sweep and print the figures."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        wall = _swept(options, Path(folder), outputs)
        trained = [run.read_metrics().seconds["training"] for run in all_runs(outputs)]
        (record,) = outputs.glob("sweeps/*/sweep.json")
        processes = sum(run["seconds"] for run in json.loads(record.read_text())["runs"])
    jobs = len(trained)
    print(f"{jobs} trainings, one after another: {wall:.1f} s")
    print(f"  training            {sum(trained):6.1f} s")
    print(f"  rest of processes   {(processes - sum(trained)) / jobs:6.1f} s a training")
    print(f"  outside of them     {(wall - processes) / jobs:6.1f} s a training")
    print(f"  overhead            {(wall - sum(trained)) / jobs:6.1f} s a training")


def _swept(options: argparse.Namespace, folder: Path, outputs: Path) -> float:
    """Return the seconds that a sweep takes."""
    words = [
        "debug=smoke",
        f"model={options.models}",
        f"seed=range(0,{options.seeds})",
        f"trainer.epochs={options.epochs}",
        f"data_root={folder / 'data'}",
        f"output_root={outputs}",
    ]
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "genrecls", "sweep", *words], check=True)
    return time.monotonic() - started


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models", default="mlp,cnn")
    parser.add_argument("--epochs", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
