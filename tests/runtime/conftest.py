from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.export.conftest import Make, make
from tests.runtime.packed import Packed, packed

__all__ = ["make"]

Exported = Callable[[str], Packed]


@pytest.fixture(scope="session")
def exported(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Builds a network of `tests.export.exported.SORTS` and all its files, once."""
    folder = tmp_path_factory.mktemp("exported")
    done: dict[str, Packed] = {}

    def of(sort: str) -> Packed:
        if sort not in done:
            done[sort] = packed(make(sort), folder / sort)
        return done[sort]

    return of
