"""The data that all sweeps of the tests share, for searches too."""

from __future__ import annotations

from tests.sweeps.conftest import data_root, place

__all__ = ["data_root", "place"]
