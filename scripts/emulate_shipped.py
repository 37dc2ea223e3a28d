"""Count what the shipped int8 models take on an emulated Cortex-M4, and write it into their cards.

    python scripts/emulate_shipped.py --tflm FOLDER

FOLDER is what `sh get_tflm.sh FOLDER cortex-m` of a C++ project fetched. Needs gcc-arm-none-eabi,
qemu-system-arm and cmake. Prints a Markdown table; `genrecls models NAME` shows the figures, too.
`scripts/ship_models.py` writes cards without them, so this comes after it.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path

from genrecls.benchmark.emulator import emulate
from genrecls.export.bundle.firmware import read_project, write_firmware
from genrecls.files.tables import write_json
from genrecls.reports.emulation import emulation_table
from genrecls.shipped.models import FOLDER, names, read_card, shipped_file


def main() -> None:
    """Count for every shipped model with an int8 file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tflm", type=Path, required=True, help="TensorFlow Lite Micro")
    options = parser.parse_args()
    for name in names():
        file = shipped_file(f"{name}_int8")
        if file is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder, "micro")
            write_firmware(project, read_project(file))
            both = [emulate(project, options.tflm, optimised=fast) for fast in (True, False)]
        counted = [asdict(each) for each in both]
        print(emulation_table(counted, f"{name}_int8").to_markdown(), flush=True)
        card = {**read_card(name)}
        card["files"] = [
            facts | {"emulated": counted} if facts["mode"] == "int8" else facts
            for facts in card["files"]
        ]
        write_json(FOLDER / f"{name}.json", card)


if __name__ == "__main__":
    main()
