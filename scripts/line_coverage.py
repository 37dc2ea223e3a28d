"""Print which share of the lines and branches of each room the tests reach; fail below a share.

    python -m pytest -n 2 --cov --cov-report=json
    python scripts/line_coverage.py coverage.json --at-least 95

`--cov-fail-under` of pytest-cov counts lines and branches together; here it is lines alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PACKAGE = "genrecls"
LEAST = 15


def main() -> int:
    """Print the table; return 1 where too few lines are reached."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("report", type=Path, help="what --cov-report=json has written")
    parser.add_argument("--at-least", type=float, default=0.0, metavar="PERCENT", help="of lines")
    options = parser.parse_args()
    files: Mapping[str, Any] = json.loads(options.report.read_text(encoding="utf-8"))["files"]
    # Of what tests put beside the package for a while nothing is counted.
    ours = {path: facts for path, facts in files.items() if PACKAGE in Path(path).parts}
    summaries = {path: facts["summary"] for path, facts in ours.items()}
    rooms: dict[str, list[Mapping[str, int]]] = defaultdict(list)
    for path, summary in summaries.items():
        rooms[_room(path)].append(summary)
    for room in sorted(rooms):
        print(f"{_shares(rooms[room])}  {room}")
    print(f"{_shares(summaries.values())}  all\n\nleast covered files")
    by_lines = sorted(summaries, key=lambda path: _lines([summaries[path]]))
    for path in by_lines[:LEAST]:
        print(f"{_shares([summaries[path]])}  {path}")
    lines = _lines(summaries.values())
    if lines < options.at_least:
        print(f"expected at least {options.at_least:g} % of the lines, received {lines:.2f} %")
        return 1
    return 0


def _room(path: str) -> str:
    """Return what of a file's path stands directly below the package."""
    parts = Path(path).parts
    return parts[parts.index(PACKAGE) + 1]


def _shares(summaries: Iterable[Mapping[str, int]]) -> str:
    every = list(summaries)
    branches = _share(every, "covered_branches", "num_branches")
    return f"lines {_lines(every):6.2f} %  branches {branches:6.2f} %"


def _lines(summaries: Iterable[Mapping[str, int]]) -> float:
    return _share(summaries, "covered_lines", "num_statements")


def _share(summaries: Iterable[Mapping[str, int]], reached: str, there: str) -> float:
    """Return a percentage; 100 where there is nothing to reach."""
    every = list(summaries)
    total = sum(summary[there] for summary in every)
    return 100 * sum(summary[reached] for summary in every) / total if total else 100.0


if __name__ == "__main__":
    sys.exit(main())
