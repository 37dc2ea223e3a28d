from __future__ import annotations

from collections.abc import Callable

import pytest

from genrecls.models import tensorflow_setup
from tests.export.conftest import Made
from tests.export.exported import convert_here, tiny
from tests.runtime.packed import Packed, packed

Exported = Callable[[str], Packed]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Builds a network of `tests.export.exported.SORTS` and all its files, once."""
    folder = tmp_path_factory.mktemp("exported")
    done: dict[str, Packed] = {}

    def of(sort: str) -> Packed:
        if sort not in done:
            tensorflow_setup.configure_tensorflow()
            small = tiny(sort, folder)
            files = convert_here(small.request(), folder / f"{sort}-converted")
            done[sort] = packed(Made(small, files), folder / sort)
        return done[sort]

    return of
