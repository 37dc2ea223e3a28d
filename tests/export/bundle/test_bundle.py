"""The folder of an export, and what its owner has put into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from genrecls.export.bundle import bundle
from genrecls.export.bundle.bundle import BundleFile, write_bundle
from genrecls.export.formats import ExportFormat
from tests.export.exported_facts import export_facts, kept

INT8 = ExportFormat("features", "int8")

Export = Callable[[], Path]


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Writes the bundle of one int8 file, whose project is two files."""

    def write_project(folder: Path, _: object) -> None:
        (folder / "src").mkdir()
        (folder / "src" / "model.cc").write_text("// network\n")
        (folder / "CMakeLists.txt").write_text("project(genrecls)\n")

    monkeypatch.setattr(bundle, "write_project", write_project)
    monkeypatch.setattr(bundle, "golden_audio", lambda *_: None)
    ones: dict[str, Any] = {"mfcc": np.ones((2, 3), np.int8)}
    golden = SimpleNamespace(inputs=ones, raw=ones, outputs=ones["mfcc"], truth=np.zeros(2))
    micro = SimpleNamespace(outputs=None, arena=SimpleNamespace(bytes=9, source="estimate"))
    card: Any = SimpleNamespace(run="run", labels=(), features=None, segment=None)
    file = BundleFile(INT8, b"file", b"network", golden, micro)  # type: ignore[arg-type]
    return lambda: write_bundle(tmp_path, export_facts([kept(INT8)]), card, [file])


def test_a_project_that_nobody_touched_is_replaced(export: Export) -> None:
    export()
    (export() / "micro" / "CMakeLists.txt").unlink()
    folder = export()
    assert not list(folder.glob("micro~*"))
    assert (folder / "micro" / "CMakeLists.txt").is_file()


@pytest.mark.parametrize("name", ["tflm/core/api.h", "src/model.cc", "CMakeLists.txt"])
def test_what_its_owner_put_or_changed_in_a_project_is_kept_aside(
    name: str, export: Export, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2):
        own = export() / "micro" / name
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(f"mine {number}")
    folder = export()
    assert [(folder / f"micro~{n}" / name).read_text() for n in (1, 2)] == ["mine 1", "mine 2"]
    assert not (folder / "micro" / "tflm").exists()
    assert (folder / "micro" / "src" / "model.cc").read_text() == "// network\n"
    assert f"holds files or changes of yours, which are now in {folder}/micro~2" in caplog.text
