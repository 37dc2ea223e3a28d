"""Train, export and measure four systems on GTZAN: the table of docs/how_to/devices.md.

    python scripts/export_table.py --root FOLDER [--output-root outputs]

FOLDER holds GTZAN or a part of it. Every number comes from `export.json` and `benchmark.json` of a
run in the output folder; runs that are finished already are not trained again. VGG-16 keeps random
weights below its head here, so that nothing is downloaded: its row is about size, latency and what
an export loses, and its accuracy is no measure of VGG-16.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

# A device hears a segment, and not the track that carnaghi2022 cut its segments from.
DEVICE = "segment.source=audio"
SYSTEMS = {
    "carnaghi2022_cnn": ("experiment=carnaghi2022_cnn", DEVICE),
    "carnaghi2022_rnn": ("experiment=carnaghi2022_rnn", DEVICE),
    "carnaghi2022_crnn": ("experiment=carnaghi2022_crnn", DEVICE),
    "vgg16": (
        "model=vgg16",
        "model.train=head",
        "model.pooling=average",
        "features=mel_image",
        "features.colour=jet",
        "features.size=[224,224]",
        "segment=30s",
    ),
}
SPLIT = "track"
_MODEL = re.compile(r"^model\s+(\S+)/model\.keras$", re.MULTILINE)


def genrecls(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the program and return it; its messages go on to standard error."""
    print(f"genrecls {' '.join(words)}", file=sys.stderr)
    command = [sys.executable, "-m", "genrecls", *words]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)


def bundle(options: argparse.Namespace, words: tuple[str, ...]) -> Path:
    """Train one system if it is not yet, export it, measure it, and return its bundle."""
    places = (f"output_root={options.output_root}", f"data_root={options.data_root}")
    given = ("dataset=gtzan", f"dataset.root={options.root}", f"split={SPLIT}")
    trained = genrecls("train", *words, *given, *places)
    model = _MODEL.search(trained.stdout)
    if trained.returncode or not model:
        sys.exit(f"{' '.join(words)}: not trained; see above")
    run = model[1]
    # A mode that fails the gate is a row of the table and no reason to stop.
    genrecls("export", "--tflite", run, *places)
    genrecls("benchmark", run)
    return Path(run) / "export"


def rows(system: str, folder: Path) -> list[str]:
    """Return a Markdown row for the model and each of its files."""
    export = json.loads((folder / "export.json").read_text())
    measured = json.loads((folder / "benchmark.json").read_text())["rows"]
    latency = {row["file"]: row for row in measured if row["threads"] == 1}
    model = {"file": "model.keras", "status": "kept", **export["keras"]}
    return [row(system, file, latency) for file in (model, *export["files"])]


def reasons(system: str, folder: Path) -> list[str]:
    """Return a line for each format of which there is no file."""
    export = json.loads((folder / "export.json").read_text())
    missing = (file for file in export["files"] if file["status"] != "kept")
    return [f"- {system}, {file['file']}: {file['reason']}" for file in missing]


def row(system: str, file: dict[str, Any], latency: dict[str, Any]) -> str:
    """Return one row."""
    name = file["file"].removesuffix(".tflite").replace("_", " ")
    if file["status"] != "kept":
        return f"| {system} | {name} | {file['status']} |  |  |  |  |"
    test, gate = file["test"], file.get("gate")
    cells = (
        system,
        name,
        f"{file['bytes'] / 1000:,.1f}",
        f"{latency[file['file']]['segment_ms']['median']:.2f}",
        f"{test['segment']['accuracy']:.3f}",
        f"{test['track']['accuracy']:.3f}",
        f"{gate['decisions']:.1%}" if gate else "",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Make what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", required=True, help="folder of GTZAN")
    parser.add_argument("--data-root", default="data", help="where the feature cache lives")
    parser.add_argument("--output-root", type=Path, default=Path("outputs"))
    parser.add_argument("--only", choices=SYSTEMS, help="one system instead of all")
    options = parser.parse_args()
    chosen = [options.only] if options.only else list(SYSTEMS)
    bundles = {system: bundle(options, SYSTEMS[system]) for system in chosen}
    print(
        "| system | file | kB | ms a segment | accuracy per segment (test) | per track (test) "
        "| equal decisions (validation and test) |"
    )
    print("|---|---|---|---|---|---|---|")
    for system, folder in bundles.items():
        print("\n".join(rows(system, folder)))
    print()
    for system, folder in bundles.items():
        print("\n".join(reasons(system, folder)), end="")


if __name__ == "__main__":
    main()
