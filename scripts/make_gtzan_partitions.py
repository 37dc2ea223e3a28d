"""Make `src/genrecls/datasets/gtzan_partitions.json` from the published lists.

    python scripts/make_gtzan_partitions.py PROTOCOLS

PROTOCOLS holds `gtzan_fault_filtered/{train,valid,test}_filtered.txt` (Kereliuk, Sturm & Larsen
2015) and `gtzan_artist_folds.csv` with the columns track, fold, artist (Foleiss, after Sturm).
The result has a line a genre: character n of `fault_filtered` and of `folds` speaks of track n, and
`artists` gives runs of equal artists as `artist*length`; `-` is not in the publication.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/genrecls/datasets/gtzan_partitions.json"
LETTERS = {"train": "t", "valid": "v", "test": "s"}


def fault_filtered(folder: Path) -> dict[str, str]:
    """Return the letter of the part of each track id."""
    parts = {}
    for name, letter in LETTERS.items():
        lines = (folder / f"{name}_filtered.txt").read_text().split()
        parts.update({Path(line).stem: letter for line in lines})
    return parts


def runs(values: list[str]) -> str:
    """Return `values` run-length encoded, such as `0*12 -*3 7`."""
    counted = ((value, len(list(group))) for value, group in itertools.groupby(values))
    return " ".join(value if n == 1 else f"{value}*{n}" for value, n in counted)


def main() -> None:
    """Read the lists and write the compact file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("protocols", type=Path)
    protocols = parser.parse_args().protocols
    parts = fault_filtered(protocols / "gtzan_fault_filtered")
    with (protocols / "gtzan_artist_folds.csv").open(newline="") as file:
        rows = {row["track"]: row for row in csv.DictReader(file)}
    genres = {}
    for genre in sorted({track.split(".")[0] for track in rows}):
        ids = [f"{genre}.{number:05d}" for number in range(100)]
        genres[genre] = {
            "fault_filtered": "".join(parts.get(i, "-") for i in ids),
            "folds": "".join(rows[i]["fold"] if i in rows else "-" for i in ids),
            "artists": runs([rows[i]["artist"] if i in rows else "-" for i in ids]),
        }
    TARGET.write_text(json.dumps({"genres": genres}, indent=1) + "\n")
    print(f"{TARGET.name}: {len(parts)} and {len(rows)} tracks")


if __name__ == "__main__":
    main()
