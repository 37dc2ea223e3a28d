"""Attack the program with damaged inputs: `python -m tests.fuzz --seconds 3600`.

Prints how many cases each kind of input had, how many were answered and refused, and the seed of
each case in which something else happened; the same --seed makes the same cases.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import genrecls.cli.data.verify
import genrecls.cli.runs
import genrecls.cli.train
import genrecls.reports.comparison
import genrecls.reports.figures.scores  # noqa: F401 - imported once for all cases, which are forks
from tests.fuzz.cases import Target, run_case
from tests.fuzz.targets import TARGETS, model_targets


def main(words: list[str] | None = None) -> int:
    """Run cases of every kind in turn until the time or their number is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long; the default is --cases")
    parser.add_argument("--cases", type=int, default=20, help="cases of each kind of input")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other cases")
    parser.add_argument("--only", action="append", help="a kind of input, such as 'audio'")
    parser.add_argument("--models", action="store_true", help="model files, too: takes a training")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        targets = [*TARGETS, *(_models(root) if options.models else ())]
        if options.only:
            targets = [target for target in targets if target.name in options.only]
        return _attack(targets, root, options)


def _models(root: Path) -> tuple[Target, ...]:
    outputs = f"output_root={root / 'outputs'}"
    program = (sys.executable, "-m", "genrecls")
    train = ("train", "debug=smoke", f"data_root={root / 'data'}", outputs)
    subprocess.run([*program, *train], check=True)
    subprocess.run([*program, "export", "latest", "modes=[float32,dynamic]", outputs], check=True)
    run = next(root.glob("outputs/*/model.keras")).parent
    from genrecls.models import tensorflow_setup

    # Imported once for all cases, which are forks of this process, and nothing is computed yet.
    tensorflow_setup.load()
    return model_targets(run)


def _attack(targets: list[Target], root: Path, options: argparse.Namespace) -> int:
    started, number = time.monotonic(), 0
    verdicts = {target.name: Counter[str]() for target in targets}
    wrong = 0
    for target in targets:
        (root / "healthy" / target.name).mkdir(parents=True)
        target.make(root / "healthy" / target.name)
        healthy = run_case(target, root / "healthy" / target.name, None)
        if healthy.verdict != "answered":
            raise SystemExit(f"{target.name}: undamaged and yet {healthy.verdict} {healthy.reason}")

    def going_on() -> bool:
        if options.seconds is None:
            return bool(number < options.cases)
        return bool(time.monotonic() - started < options.seconds)

    while going_on():
        for target in targets:
            seed = f"{target.name} {options.seed} {number}"
            result = run_case(target, root / "healthy" / target.name, seed)
            verdicts[target.name][result.verdict] += 1
            if result.verdict == "wrong":
                wrong += 1
                print(f"{seed}: {result.reason}", flush=True)
        number += 1
    print(f"{'input':<16}{'cases':>8}{'answered':>10}{'refused':>9}{'wrong':>7}")
    for name, counts in verdicts.items():
        columns = (counts[verdict] for verdict in ("answered", "refused", "wrong"))
        print(
            f"{name:<16}{counts.total():>8}{next(columns):>10}{next(columns):>9}{next(columns):>7}"
        )
    print(f"seed {options.seed}, {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
