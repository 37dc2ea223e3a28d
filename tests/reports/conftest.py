from __future__ import annotations

import pytest
from matplotlib.figure import Figure


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the pictures of a page empty, for tests that read its words alone."""

    def empty(figure: Figure) -> str:
        assert isinstance(figure, Figure)
        return "data:image/png;base64,"

    monkeypatch.setattr("genrecls.reports.pages.data_uri", empty)
