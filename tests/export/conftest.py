from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from genrecls.export.convert.conversion import ConversionResult
from genrecls.export.formats import ExportFormat
from genrecls.models import tensorflow_setup
from tests.export.exported import Tiny, convert_here, tiny


@dataclass(frozen=True, eq=False)
class Made:
    """A tiny network and its files."""

    tiny: Tiny
    files: Mapping[ExportFormat, ConversionResult]

    def flatbuffer(self, variant: ExportFormat) -> bytes:
        """The file of `variant`, which must have been made."""
        found = self.files[variant]
        assert found.flatbuffer is not None, found.error
        return found.flatbuffer


Make = Callable[[str], Made]

# The largest network there is: two files show what eight would.
_FEW = {"vgg16": (ExportFormat("features", "dynamic"), ExportFormat("audio", "dynamic"))}


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Builds a network of `exported.SORTS` and converts it to all that it can be, once."""
    tensorflow_setup.configure_tensorflow()
    folder = tmp_path_factory.mktemp("tiny")
    made: dict[str, Made] = {}

    def make_one(name: str) -> Made:
        if name not in made:
            small = tiny(name, folder)
            files = convert_here(small.request(*_FEW.get(name, ())), folder / name)
            made[name] = Made(small, files)
        return made[name]

    return make_one
