"""Make `docs/quickstart.ipynb` from `docs/quickstart.py`, its text source.

    python scripts/make_quickstart.py

Cells begin with `# %%`, those of prose with `# %% [markdown]`. The notebook has no outputs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


def read_cells(text: str) -> list[tuple[str, str]]:
    """Return kind (`code` or `markdown`) and content of each cell."""
    cells = []
    for part in text.split("# %%")[1:]:
        head, _, body = part.partition("\n")
        body = body.strip("\n")
        if "[markdown]" in head:
            lines = (line.removeprefix("#").removeprefix(" ") for line in body.splitlines())
            cells.append(("markdown", "\n".join(lines)))
        else:
            cells.append(("code", body))
    return cells


def make_notebook(text: str) -> str:
    """Return the notebook (format 4.5) as JSON."""
    cells: list[dict[str, Any]] = []
    for number, (kind, content) in enumerate(read_cells(text)):
        source = content.splitlines(keepends=True)
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source}
        cells.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    source = (DOCS / "quickstart.py").read_text(encoding="utf-8")
    (DOCS / "quickstart.ipynb").write_text(make_notebook(source), encoding="utf-8")
