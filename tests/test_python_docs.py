"""The examples of the Python API and the quickstart notebook are run: they must not rot."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
API = (ROOT / "docs" / "python_api.md").read_text(encoding="utf-8")
QUICKSTART = (ROOT / "docs" / "quickstart.py").read_text(encoding="utf-8")


def _maker() -> Any:
    path = ROOT / "scripts" / "make_quickstart.py"
    spec = importlib.util.spec_from_file_location("make_quickstart", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.tensorflow
@pytest.mark.usefixtures("forked_modules", "without_figures")
def test_the_examples_of_the_api_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for example in re.findall(r"```python\n(.*?)```", API, flags=re.DOTALL):
        exec(example, names)  # noqa: S102 - our own documentation
    assert names["run"].metrics.seed == 3
    assert list(names["exported"].files) == ["features_float32.tflite"]
    assert len(names["swept"].runs) == 2


@pytest.mark.tensorflow
@pytest.mark.usefixtures("forked_modules", "without_figures")
def test_the_cells_of_the_quickstart_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    cells = [content for kind, content in _maker().read_cells(QUICKSTART) if kind == "code"]
    assert len(cells) <= 10
    for cell in cells:
        exec(cell, names)  # noqa: S102 - our own documentation
    printed = capsys.readouterr().out
    assert "cnn mel" in printed
    assert "mlp summary" in printed
    assert "features_float32.tflite" in printed


def test_the_notebook_is_made_from_its_source() -> None:
    notebook = (ROOT / "docs" / "quickstart.ipynb").read_text(encoding="utf-8")
    assert notebook == _maker().make_notebook(QUICKSTART), "run scripts/make_quickstart.py"
    assert json.loads(notebook)["nbformat"] == 4
