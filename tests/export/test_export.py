"""What an export says in the end of files that there are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from genrecls.config.compose import compose
from genrecls.config.validation import validate
from genrecls.errors import ExportError
from genrecls.export import export
from genrecls.export.bundle.targets import fit, target
from genrecls.export.export import require_files
from genrecls.export.formats import ExportFormat
from genrecls.export.settings import ExportSettings
from genrecls.runs.export_facts import ArenaSize
from tests.export.exported_facts import export_facts, kept, lost

INT8 = ExportFormat("features", "int8")
WORDS = ("modes=[int8]", "inputs=[features]", "target=cortex-m4")
PRESET = "'genrecls train experiment=best_tiny' gives a file that fits"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> ExportSettings:
    """Those of an export of one named format for a target; which preset fits is known at once."""
    monkeypatch.setattr(export, "preset_that_fits", lambda *_: PRESET)
    return validate(ExportSettings, compose("export", WORDS), "")


def test_a_format_that_was_named_and_fits_nowhere_is_told_which_preset_does(
    settings: ExportSettings,
) -> None:
    large = replace(kept(INT8), arena=ArenaSize(10**9, "tflite-micro"))
    with pytest.raises(ExportError, match=rf"^no file fits Arm Cortex-M4; .*{PRESET}$"):
        require_files(settings, fit(target("cortex-m4"), export_facts([large])))


def test_a_format_that_was_named_and_failed_is_no_matter_of_size(settings: ExportSettings) -> None:
    rejected = lost(INT8, "rejected", "decisions: 0.5")
    with pytest.raises(ExportError, match=r"^1 of 1 files were not exported"):
        require_files(settings, fit(target("cortex-m4"), export_facts([rejected])))
