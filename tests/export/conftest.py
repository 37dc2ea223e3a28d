from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from genrecls.export.convert.conversion import ConversionResult
from genrecls.export.formats import ExportFormat
from tests.export.exported import Tiny, convert_here, results, tiny


@dataclass(frozen=True, eq=False)
class Made:
    """A tiny network and its files."""

    tiny: Tiny
    files: Mapping[ExportFormat, ConversionResult]

    def flatbuffer(self, export_format: ExportFormat) -> bytes:
        """The file of a format, which must have been made."""
        result = self.files[export_format]
        assert result.flatbuffer is not None, result.error
        return result.flatbuffer


Make = Callable[[str], Made]

# The largest network there is: two files show what eight would.
_FEW = {"vgg16": (ExportFormat("features", "dynamic"), ExportFormat("audio", "dynamic"))}


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path, tensorflow: None) -> Make:
    """Builds a network of `exported.SORTS` and converts it to all that it can be, once.

    Each process of a run of the tests builds the network; the one that comes first converts it.
    """
    folder = tmp_path_factory.mktemp("tiny")
    made: dict[str, Made] = {}

    def make_one(name: str) -> Made:
        if name not in made:
            small = tiny(name, folder)
            request = small.request(*_FEW.get(name, ()))
            place = shared_folder / f"converted-{name}"
            with FileLock(f"{place}.lock"):
                if not place.with_suffix(".done").exists():
                    convert_here(request, place)
                    place.with_suffix(".done").touch()
            made[name] = Made(small, results(request, place))
        return made[name]

    return make_one
